"""The report of a check: one JSON object, the same in the page and on disk."""

import re
from typing import Any

from tito.grammar import NotPython

Report = dict[str, Any]

PASSED, FAILED, ERROR = "passed", "failed", "error"
LONGEST_MESSAGE = 1200
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")


def report(
    step: str,
    outcome: str,
    phase: str,
    tests: list[dict[str, Any]] | None = None,
    *,
    message: str = "",
    line: int | None = None,
    **more: Any,
) -> Report:
    """A report; `message`, `line` and anything more are left out where they are empty."""
    result: Report = {
        "step": step,
        "outcome": outcome,
        "phase": phase,
        "tests": tests or [],
        "duration_ms": 0.0,
    }
    extra = {"message": tidy(message), "line": line, **more}
    result.update({name: value for name, value in extra.items() if value not in ("", None)})
    return result


def check_entry(
    test_id: str, title: str, kind: str, outcome: str, message: str | None = None
) -> dict[str, Any]:
    """One check in a report, its details still empty."""
    return {
        "id": test_id,
        "title": title,
        "kind": kind,
        "outcome": outcome,
        "message": message,
        "line": None,
        "expected": None,
        "got": None,
    }


def not_python(step: str, error: NotPython) -> Report:
    """The report on a text that does not parse."""
    message = f"This does not parse. {error.message}"
    return report(step, ERROR, "parse", message=message, line=error.line)


def overall(tests: list[dict[str, Any]]) -> str:
    """Passed when every check but the stretch ones did."""
    needed = [test for test in tests if test["kind"] != "stretch"]
    return PASSED if needed and all(test["outcome"] == PASSED for test in needed) else FAILED


def is_complete(result: Report) -> bool:
    """Whether the stretch checks passed too."""
    return result["outcome"] == PASSED and all(t["outcome"] == PASSED for t in result["tests"])


def tidy(text: str) -> str:
    """A message without memory addresses, which differ from run to run, and of bounded length."""
    text = _ADDRESS.sub("", text)
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 3] + "..."
