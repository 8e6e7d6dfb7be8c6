"""The pytest plugin of the course: kinds of checks, the fixture `spy`, and results for a report."""

import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import pytest

from tito.report import ERROR, FAILED, PASSED, check_entry
from tito.testing import Spy

KINDS = {
    "confidence": "the simplest call works",
    "unit": "one behaviour of the step's answer",
    "learning": "what the step teaches, said as a check",
    "recorded": "the result's history reaches every tensor input",
    "stretch": "beyond what a chapter needs to be done",
}
LONGEST_OUTPUT = 10_000


def pytest_configure(config: pytest.Config) -> None:
    """Declare the kinds of checks as marks."""
    for kind, meaning in KINDS.items():
        config.addinivalue_line("markers", f"{kind}: {meaning}")


@pytest.fixture
def spy() -> Iterator[Spy]:
    """Watch every operation on tensors while the check runs."""
    with Spy() as watching:
        yield watching


def kind_of(item: pytest.Item) -> str:
    """The kind a check is marked with."""
    return next((mark.name for mark in item.iter_markers() if mark.name in KINDS), "unit")


def title_of(item: pytest.Item) -> str:
    """The first line of the check's docstring, with the case of a parametrized one."""
    lines = (getattr(getattr(item, "function", None), "__doc__", None) or item.name).strip()
    title = lines.split("\n")[0].strip()
    case = getattr(item, "callspec", None)
    return f"{title} [{case.id}]" if case else title


class Bounded:
    """A text stream that keeps the beginning of what is written and counts the rest."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, limit: int = LONGEST_OUTPUT) -> None:
        self._parts: list[str] = []
        self._room = limit
        self._lost = 0

    def write(self, text: str) -> int:
        """Keep what there is room for."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        kept = text[: self._room]
        if kept:
            self._parts.append(kept)
            self._room -= len(kept)
        self._lost += len(text) - len(kept)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write each of them."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Nothing waits."""

    def isatty(self) -> bool:
        """Never a terminal."""
        return False

    def writable(self) -> bool:
        """Always."""
        return True

    def text(self) -> str:
        """What was kept, with a note of how much was not."""
        note = f"\n... {self._lost} more characters are not shown" if self._lost else ""
        return "".join(self._parts) + note


Explain = Callable[[BaseException, dict[str, Any]], None]


class Collector:
    """Runs the checks' results into entries of a report; `explain` fills in a failed one."""

    def __init__(self, explain: Explain, output: TextIO, mend: Callable[[], None]) -> None:
        self.tests: list[dict[str, Any]] = []
        self.problem: BaseException | None = None
        self.modules: list[Any] = []
        self._explain = explain
        self._output = output
        self._mend = mend

    def pytest_sessionstart(self) -> None:
        """From here on prints are the student's: pytest's own go where they went before."""
        sys.stdout = sys.stderr = self._output

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Confidence checks speak first, stretch checks last."""
        order = list(KINDS)
        items.sort(key=lambda item: order.index(kind_of(item)))
        for item in items:
            entry = check_entry(
                _name(item), title_of(item), kind_of(item), ERROR, "It did not run."
            )
            self.tests.append(entry)
            if isinstance(item, pytest.Function):
                item.obj = self._guarded(item.obj)
            module = getattr(item, "module", None)
            if module is not None and module not in self.modules:
                self.modules.append(module)

    def _guarded(self, check: Callable[..., Any]) -> Callable[..., Any]:
        """The check, with Python mended before pytest goes on; `mend` raises when it had to be."""

        @functools.wraps(check)
        def run(**fixtures: Any) -> None:
            try:
                check(**fixtures)
            finally:
                self._mend()

        return run

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> pytest.TestReport:
        """The result without pytest's rendering of it, which nobody sees and which takes long."""
        entry = next(entry for entry in self.tests if entry["id"] == _name(item))
        error = call.excinfo.value if call.excinfo else None
        if error is not None:
            entry["outcome"] = FAILED if isinstance(error, AssertionError) else ERROR
            self._explain(error, entry)
        elif call.when == "call":
            entry["outcome"], entry["message"] = PASSED, None
        when: Any = call.when
        outcome: Any = "passed" if error is None else "failed"
        return pytest.TestReport(
            item.nodeid, item.location, {}, outcome, None, when, duration=call.duration
        )

    def pytest_exception_interact(self, call: pytest.CallInfo[Any]) -> None:
        """Remember why the checks could not even be collected."""
        if call.when == "collect" and call.excinfo and self.problem is None:
            self.problem = call.excinfo.value

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
        """The code under check broke pytest itself."""
        self.problem = self.problem or excinfo.value
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Stopped from outside, or the code ended the session by pytest.exit()."""
        if isinstance(excinfo.value, KeyboardInterrupt):
            # At once: pytest would first render the traceback, for longer than a stop may take.
            raise excinfo.value
        self.problem = excinfo.value


def _name(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[2]
