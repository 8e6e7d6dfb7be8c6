"""`make test`: everything in sequence, with the wall time of each phase at the end."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from . import browsers, environment, node
from .build import MODULES, SITE, build
from .console import ROOT, Problem, Progress


@dataclass
class Suite:
    """Runs phases, goes on after a failed one, and keeps what came of each."""

    results: list[tuple[str, float, str]] = field(default_factory=list)

    def phase(self, name: str, run: Callable[[], str | None]) -> bool:
        """Run one phase; whether it passed. It fails by raising `Problem`."""
        print(f"\n== {name}", flush=True)
        start = time.perf_counter()
        try:
            outcome = run() or "passed"
        except Problem as problem:
            print(f"{problem}", flush=True)
            outcome = "FAILED"
        self.results.append((name, time.perf_counter() - start, outcome))
        return outcome != "FAILED"

    def close(self) -> int:
        """Print the table; the exit code."""
        total = sum(seconds for _, seconds, _ in self.results)
        print("\n== phases")
        for name, seconds, outcome in [*self.results, ("all", total, "")]:
            print(f"  {name:<24}{seconds:7.1f} s  {outcome}".rstrip())
        failed = [name for name, _, outcome in self.results if outcome == "FAILED"]
        print(f"\nFailed: {', '.join(failed)}" if failed else "\nEverything passed.", flush=True)
        return 1 if failed else 0


def main() -> int:
    """Run all of it; the exit code."""
    suite = Suite()
    suite.phase("lint", lint)
    suite.phase("parity packages", lambda: environment.ensure_extra("parity.in"))
    built = suite.phase("site build", build_site)
    if MODULES.exists():
        suite.phase("typecheck", lambda: npm("typecheck"))
        suite.phase("browser code tests", lambda: npm("test"))
    suite.phase("unit tests", unit_tests)
    if built:
        suite.phase("browser tests", browser_tests)
    return suite.close()


def lint() -> None:
    """Ruff's checks and format, mypy's types; all of them run even if one fails."""
    commands = (
        ("ruff", "check", "--quiet", "."),
        ("ruff", "format", "--check", "--quiet", "."),
        ("mypy", "--no-error-summary"),
    )
    failed = [" ".join(c) for c in commands if call([sys.executable, "-m", *c])]
    if failed:
        raise Problem(f"lint failed: {', '.join(failed)}")


def build_site() -> None:
    """The whole site, a warning of the book being an error."""
    build(Progress(), strict=True)


def unit_tests() -> None:
    """Everything pytest runs."""
    stop("unit tests", call([sys.executable, "-m", "pytest", "-q"]))


def npm(script: str) -> None:
    """A script of lite/package.json."""
    stop(script, call(node.npm("run", "--silent", script), folder="lite"))


def browser_tests() -> None:
    """The pages of the built site in real browsers, one file of tests at a time."""
    tests = sorted(str(path) for path in (ROOT / "tests" / "browser").glob("*.test.mjs"))
    if not tests:
        raise Problem("tests/browser/ has no *.test.mjs")
    in_browsers(["--test", "--test-concurrency=1", "--test-force-exit", *tests])


def in_browsers(arguments: Sequence[str], more: dict[str, str] | None = None) -> None:
    """Run Node.js with the paths of the site and the browsers in its environment, and `more`."""
    variables = {**browsers.ensure(), "SITE": str(SITE), **(more or {})}
    stop("browser tests", call([*node.node(), *arguments], variables=variables))


def call(
    command: Sequence[str], *, folder: str = ".", variables: dict[str, str] | None = None
) -> int:
    """Run a command, its output shown; the exit code."""
    own = {**node.path_environment(), **(variables or {})} if folder != "." or variables else {}
    return subprocess.call(
        list(command),
        cwd=ROOT / folder,
        env={**os.environ, **own},
        stdin=subprocess.DEVNULL,
    )


def stop(what: str, code: int) -> None:
    """Raise `Problem` unless a command's exit code is 0."""
    if code:
        raise Problem(f"{what} failed (exit code {code})")
