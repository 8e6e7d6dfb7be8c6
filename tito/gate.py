"""The author's gate: what must hold of every step before students meet it.

Each complaint names a file and a line. See exercises/README.md for the rules.
"""

import ast
import contextlib
import doctest
import io
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tito import judge, mistakes, regions, starters
from tito.course import Course, Step
from tito.errors import TitoError
from tito.grammar import NotPython
from tito.isolation import fresh
from tito.mutants import mutants
from tito.plugin import KINDS
from tito.report import PASSED, Report, is_complete

MOST_LINES = 30
MOST_CONCEPTS = 3
MOST_APPROACH = 5
_SECONDS = 2.0


@dataclass(frozen=True)
class Complaint:
    """Something to mend, and where."""

    path: Path
    line: int
    message: str


def check_step(course: Course, step: Step) -> list[Complaint]:
    """All that is wrong with a step; empty when it is fit for students."""
    try:
        found = list(_written(course, step))
        if not found:
            found += _judged(course, step)
        return found
    except (TitoError, NotPython, OSError, SyntaxError) as error:
        return [Complaint(_toml(step), _toml_line(step), f"{step.id}: {error}")]


# What can be seen without running anything.


def _written(course: Course, step: Step) -> Iterator[Complaint]:
    def complain(message: str, field: str = "id") -> Complaint:
        return Complaint(_toml(step), _toml_line(step, field), f"{step.id}: {message}")

    source = course.reference(step.module)
    nodes = regions.definitions(ast.parse(source), step)
    missing = set(step.names) - {getattr(node, "name", "") for node in nodes}
    if missing:
        yield complain(f"tinytorch/{step.module}.py does not define {sorted(missing)}", "answer")
        return
    solution = starters.solution(course, step)
    if len(ast.parse(solution).body) != len(nodes):
        yield complain("the answers do not stand next to each other in the module", "answer")
    long = sum(lines_of(node) for node in nodes)
    if long > MOST_LINES:
        yield complain(f"{long} lines to write; at most {MOST_LINES}", "answer")
    if len(step.concepts) > MOST_CONCEPTS:
        yield complain(f"{len(step.concepts)} concepts; at most {MOST_CONCEPTS}", "concepts")
    if len(step.hints) < 2:
        yield complain("at least two hints, from a nudge to nearly the answer", "hints")
    if step.points < 1:
        yield complain("points must be positive", "points")
    if [other.grade_id for other in course.steps()].count(step.grade_id) > 1:
        yield complain(f"grade_id {step.grade_id!r} is used twice", "grade_id")
    for problem in scaffold_problems(step.scaffold):
        yield complain(problem, "scaffold")
    yield from _tests_written(step)
    for path in [*step.mistakes(), *step.alternatives()]:
        if not mistakes.read_answer(path)[0]:
            yield Complaint(path, 1, "needs a docstring: the message, or why it is right")


def scaffold_problems(scaffold: str) -> Iterator[str]:
    """What a scaffold lacks, seen without running its example."""
    for word in ("TODO:", "APPROACH:", "EXAMPLE:"):
        if word not in scaffold:
            yield f"the scaffold has no {word}"
    approach = scaffold.partition("APPROACH:")[2].partition("EXAMPLE:")[0]
    items = [line for line in approach.split("\n") if line[:1].isdigit()]
    if len(items) > MOST_APPROACH:
        yield f"APPROACH has {len(items)} items; at most {MOST_APPROACH}"
    if ">>>" not in scaffold.partition("EXAMPLE:")[2]:
        yield "EXAMPLE has no line that begins with >>>"
    if any(len(line) > 92 for line in scaffold.split("\n")):
        yield "a line of the scaffold is too long for a comment"


def _tests_written(step: Step) -> Iterator[Complaint]:
    path = step.test_file
    if not path.exists():
        yield Complaint(path, 1, f"{step.id} has no checks: this file is missing")
        return
    tree = ast.parse(path.read_text("utf-8"))
    kinds = set()
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test"):
            continue
        marks = [_mark(decorator) for decorator in node.decorator_list]
        own = [mark for mark in marks if mark in KINDS]
        kinds.update(own)
        if len(own) != 1:
            yield Complaint(path, node.lineno, f"{node.name}: exactly one of {', '.join(KINDS)}")
        if not ast.get_docstring(node):
            yield Complaint(path, node.lineno, f"{node.name} has no docstring, so it has no title")
        for inner in ast.walk(node):
            if isinstance(inner, ast.Assert) and inner.msg is None:
                yield Complaint(path, inner.lineno, "an assert without a message for the student")
    needed = {"confidence", "learning"} | ({"recorded"} if step.chapter > 1 else set())
    for kind in sorted(needed - kinds):
        yield Complaint(path, 1, f"{step.id} has no check marked {kind}")
    assigned = {t.id for node in tree.body for t in _targets(node)}
    if step.mistakes() and "PROBES" not in assigned:
        yield Complaint(path, 1, "mistakes are recognized on PROBES, which this file lacks")


def _mark(decorator: ast.expr) -> str:
    node = decorator.func if isinstance(decorator, ast.Call) else decorator
    return node.attr if isinstance(node, ast.Attribute) else ""


def _targets(node: ast.stmt) -> list[ast.Name]:
    found = node.targets if isinstance(node, ast.Assign) else []
    return [target for target in found if isinstance(target, ast.Name)]


def lines_of(node: ast.stmt) -> int:
    """Lines of code of a definition: no docstring, comments or blank lines."""
    return len(ast.unparse(node).split("\n")) - (
        len((ast.get_docstring(node, clean=False) or "").split("\n"))
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node)
        else 0
    )


# What has to be run.


def _judged(course: Course, step: Step) -> Iterator[Complaint]:
    solution = starters.solution(course, step)
    yield from example_problems(course, step)
    result = judge.judge_text(course, step, solution)
    for test in result["tests"]:
        if test["outcome"] != PASSED:
            line = _test_line(step, test["id"])
            yield Complaint(step.test_file, line, f"the solution fails it: {test['message']}")
    if not result["tests"]:
        yield Complaint(step.test_file, 1, f"no check ran: {result.get('message')}")
        return
    starter = starters.starter(course, step)
    module = starters.reference_module(course, course.of(step))
    if regions.extract(regions.splice(module, step, starter), step) != starter:
        yield Complaint(_toml(step), _toml_line(step), f"{step.id}: the starter changes by saving")
    if judge.judge_text(course, step, starter)["outcome"] == PASSED:
        yield Complaint(step.test_file, 1, "the starter passes")
    raising = judge.judge_text(course, step, f'raise ValueError("on import")\n\n\n{solution}')
    if (raising["outcome"], raising["phase"]) != ("error", "import") and not step.class_name:
        yield Complaint(step.test_file, 1, "a file that raises on import does not fail")
    yield from _mistakes_judged(course, step, solution)
    for path in step.alternatives():
        result = judge.judge_text(course, step, mistakes.read_answer(path)[1])
        if result["outcome"] != PASSED:
            yield Complaint(path, 1, f"this right answer does not pass: {_first_message(result)}")
    yield from _mutants_judged(course, step, solution)


def _mistakes_judged(course: Course, step: Step, solution: str) -> Iterator[Complaint]:
    right = mistakes.values_of(course, step, solution)
    for path, mistake in zip(step.mistakes(), mistakes.known(step), strict=True):
        result = judge.judge_text(course, step, mistake.text)
        if result["outcome"] == PASSED:
            yield Complaint(path, 1, "this mistake passes the checks")
        elif result["phase"] != "check":
            yield Complaint(path, 1, f"this mistake does not run: {result.get('message')}")
        elif mistakes.alike(right, mistakes.values_of(course, step, mistake.text)):
            yield Complaint(path, 1, "PROBES do not tell this mistake from the solution")
        elif result.get("mistake") != mistake.name:
            other = result.get("mistake") or "none that is known"
            yield Complaint(path, 1, f"PROBES take this mistake for {other}")


def _mutants_judged(course: Course, step: Step, solution: str) -> Iterator[Complaint]:
    survived = set()
    home = course.package / f"{step.module}.py"
    first = min(regions.line_map(course.reference(step.module), step))
    for mutant in mutants(solution):
        if _killed(course, step, mutant.text):
            continue
        survived.add(mutant.change)
        if mutant.change not in step.survivors:
            message = f"{step.id}: no check notices this mutant: {mutant.change}"
            yield Complaint(home, first + mutant.line - 1, message)
    for change in sorted(set(step.survivors) - survived):
        message = f"{step.id}: listed as a survivor, but it is killed or does not exist: {change}"
        yield Complaint(_toml(step), _toml_line(step), message)


def _killed(course: Course, step: Step, text: str) -> bool:
    with _limited():
        return not is_complete(judge.judge_text(course, step, text, stop_early=True))
    return True


def example_problems(course: Course, step: Step) -> Iterator[Complaint]:
    """Run the scaffold's example on the reference."""
    text = step.scaffold.partition("EXAMPLE:")[2]
    with fresh(course.package, step.chapter, None):
        import tinytorch

        names: dict[str, Any] = {**vars(sys.modules[f"tinytorch.{step.module}"])}
        names.update(np=np, tinytorch=tinytorch)
        line = _toml_line(step, "scaffold")
        test = doctest.DocTestParser().get_doctest(text, names, step.id, None, 0)
        report = io.StringIO()
        with np.printoptions(legacy=False):
            doctest.DocTestRunner(verbose=False).run(test, out=report.write)
    if report.getvalue():
        told = " ".join(report.getvalue().partition("Failed example:")[2].split())
        yield Complaint(_toml(step), line, f"{step.id}: the example does not hold: {told}")


@contextmanager
def _limited() -> Iterator[None]:
    """Break a mutant that loops forever, where the platform has timers."""
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def stop(*_: object) -> None:
        raise TimeoutError("this does not come to an end")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, _SECONDS, _SECONDS)
    try:
        with contextlib.suppress(TimeoutError):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _first_message(result: Report) -> str:
    for test in result["tests"]:
        if test["outcome"] != PASSED:
            return f"{test['id']}: {test['message']}"
    return str(result.get("message"))


def _toml(step: Step) -> Path:
    return step.folder / "chapter.toml"


def _toml_line(step: Step, field: str = "id") -> int:
    """The line of a field in the step's table."""
    name = step.id.partition("/")[2]
    inside = False
    for number, line in enumerate(_toml(step).read_text("utf-8").split("\n"), 1):
        key, _, value = line.partition("=")
        if key.strip() == "id":
            inside = value.strip() == f'"{name}"'
        if inside and key.strip() == field:
            return number
    return 1


def _test_line(step: Step, test_id: str) -> int:
    tree = ast.parse(step.test_file.read_text("utf-8"))
    name = test_id.partition("[")[0]
    lines = (n.lineno for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)
    return next(lines, 1)


Progress = Callable[[Step, list[Complaint]], None]


def check_all(course: Course, steps: list[Step], tell: Progress) -> list[Complaint]:
    """Check these steps one by one; `tell` hears of each as soon as it is done."""
    found = []
    for step in steps:
        complaints = check_step(course, step)
        tell(step, complaints)
        found += complaints
    return found
