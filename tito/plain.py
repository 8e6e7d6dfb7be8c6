"""What a notebook shows: the words of the command line as plain text, without Rich.

The page's Python has no Rich, and Jupyter shows plain text as it is.
"""

from tito.errors import TitoError
from tito.report import PASSED, Report

_MARKS = {"passed": "ok  ", "failed": "fail", "error": "err "}


def note(text: str) -> None:
    """A line for the student."""
    print(text)


def error(problem: TitoError) -> None:
    """What is wrong, and what to do."""
    print(problem.message)
    if problem.hint:
        print(problem.hint)


def report(result: Report) -> None:
    """A verdict; lines are those of the step's own text."""
    print(f"{_MARKS[result['outcome']]} {result['step']}")
    if result.get("message"):
        print(f"  {_line(result.get('line'))}{result['message']}")
    shown = ""
    for test in result["tests"]:
        print(f"  {_MARKS[test['outcome']]} {test['title']}  ({test['kind']})")
        if test["outcome"] == PASSED or test["message"] == shown:
            continue
        shown = test["message"]
        print(f"       {_line(test['line'])}{shown or ''}")
        if test["expected"] is not None:
            print(f"       expected  {_indented(test['expected'])}")
            print(f"       got       {_indented(test['got'])}")
    if result.get("output"):
        print(f"  It printed:\n{result['output'].rstrip()}")


def _line(number: int | None) -> str:
    return "" if number is None else f"line {number}: "


def _indented(text: str) -> str:
    return text.replace("\n", "\n" + " " * 17)
