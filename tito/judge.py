"""From a student's module to a verdict: parse, import, check.

`judge` runs in this process on a fresh tinytorch: in Pyodide it is called directly, in CPython it
runs in a
subprocess of its own (`python -m tito.judge`), which a student's code may crash without harm.
"""

import ast
import builtins
import json
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO, cast

from tito import mistakes, plugin, regions, starters
from tito.course import Course, Step
from tito.errors import TitoError
from tito.explain import Explainer
from tito.grammar import NotPython, compile_module, read_source, refuse_newer_grammar
from tito.isolation import fresh, mend_builtins
from tito.plugin import Bounded, Collector
from tito.report import ERROR, PASSED, Report, not_python, overall, report

_OFF = (
    "cacheprovider unraisableexception threadexception logging doctest junitxml pastebin "
    "faulthandler warnings capture setuponly setupplan stepwise debugging legacypath subtests "
    "unittest"
)
_FLAGS = ["-q", "--tb=no", "--assert=plain", "--noconftest", "--import-mode=importlib"]


@dataclass(frozen=True)
class Request:
    """What to judge: a step, and the student's package folder that holds its module."""

    step: str
    package: Path


def judge(course: Course, request: Request) -> Report:
    """The report on one step of a student's package. Lets KeyboardInterrupt through."""
    began = time.perf_counter()
    step = course.step(request.step)
    result = _judge(course, step, request.package)
    result["duration_ms"] = round((time.perf_counter() - began) * 1000, 1)
    return result


def judge_text(course: Course, step: Step, text: str, *, stop_early: bool = False) -> Report:
    """The report on a text as a step's answer, everything else from the reference.

    `stop_early` ends at the first check that fails, when only the verdict is wanted.
    """
    began = time.perf_counter()
    try:
        module = starters.with_answer(course, step, text)
    except NotPython as error:
        return not_python(step.id, error)
    with temporary_package({step.module: module}) as package:
        result = _judge(course, step, package, stop_early)
    result["duration_ms"] = round((time.perf_counter() - began) * 1000, 1)
    return result


@contextmanager
def temporary_package(modules: dict[str, str]) -> Iterator[Path]:
    """A folder with these modules, removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="tinytorch-"))
    try:
        for name, text in modules.items():
            (folder / f"{name}.py").write_text(text, "utf-8", newline="\n")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _judge(course: Course, step: Step, package: Path, stop_early: bool = False) -> Report:
    path = package / f"{step.module}.py"
    try:
        source = read_source(path)
    except OSError:
        message = f"tinytorch/{step.module}.py is not in this workspace."
        raise TitoError("missing-module", message, f"tito start {step.chapter:02}") from None
    except NotPython as error:
        return not_python(step.id, error)
    early = _before_running(step, source)
    if early:
        return early
    explainer = Explainer(step, path, source, course.package)
    output = Bounded()
    with _working_folder(), fresh(course.package, step.chapter, package):
        sys.stdin, sys.stdout, sys.stderr = _no_input(), *_both(output)
        # NumPy warns of 1 / 0 on disk and not in the page: reports must not differ by it.
        warnings.simplefilter("ignore")
        healthy = dict(vars(builtins))
        try:
            problem = _import(step, path, healthy)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            changed = mend_builtins(healthy)
            problem, line = explainer.message(error)
            problem = _replaces(changed) if changed else problem
            return report(
                step.id,
                ERROR,
                "import",
                message=_on_import(problem),
                line=line,
                output=output.text(),
            )
        if problem:
            return report(step.id, ERROR, "import", message=problem, output=output.text())
        try:
            collector = _run(course, step, explainer, output, stop_early)
        finally:
            _forget_checks(course)
        tests = collector.tests
        outcome = overall(tests)
        got = mistakes.evaluate(collector.modules) if outcome != PASSED and not stop_early else None
    if collector.problem is not None:
        problem, line = explainer.message(collector.problem)
        return report(
            step.id, ERROR, "check", tests, message=problem, line=line, output=output.text()
        )
    known = mistakes.recognize(course, step, got) if got else None
    return _verdict(step, tests, known, output)


def _verdict(
    step: Step, tests: list[dict[str, Any]], known: mistakes.Mistake | None, output: Bounded
) -> Report:
    needed = [test for test in tests if test["kind"] != "stretch" and test["outcome"] != PASSED]
    first = next((test["line"] for test in needed if test["line"]), None)
    return report(
        step.id,
        overall(tests),
        "check",
        tests,
        message=known.message if known else "",
        line=first,
        mistake=known.name if known else None,
        output=output.text(),
    )


def _before_running(step: Step, source: str) -> Report | None:
    """A report when the module does not parse or the text defines something else."""
    try:
        compile_module(source)
    except NotPython as error:
        try:
            line = regions.line_map(source, step).get(error.line or 0)
        except TitoError:
            line = None
        inside = NotPython(error.message, line, error.column)
        if line is None:
            where = f"tinytorch/{step.module}.py, line {error.line}, outside this step: "
            inside = NotPython(where + error.message)
        return not_python(step.id, inside)
    try:
        text = regions.extract(source, step)
        defined = names_bound(ast.parse(text))
        refuse_newer_grammar(text)
    except NotPython as error:
        return not_python(step.id, error)
    except TitoError as error:
        return report(step.id, ERROR, "parse", message=f"{error.message} {error.hint}")
    except SyntaxError:
        return None
    for name in step.names:
        if name not in defined:
            kind = "class" if name[:1].isupper() and not step.class_name else "function"
            message = f"This step asks for a {kind} named `{name}`, and this text defines "
            others = [f"`{other}`" for other in defined]
            message += f"{', '.join(others[:5])} instead." if others else "nothing."
            line = min(defined.values()) if defined else 1
            return report(step.id, ERROR, "parse", message=message, line=line)
    return None


def names_bound(tree: ast.AST) -> dict[str, int]:
    """The names a text binds at its top level, each with its line; imports are not counted last."""
    found: dict[str, int] = {}
    waiting = list(ast.iter_child_nodes(tree))
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.setdefault(node.name, node.lineno)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.setdefault(node.id, node.lineno)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                found.setdefault(alias.asname or alias.name.partition(".")[0], node.lineno)
        elif not isinstance(node, ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return found


def _import(step: Step, path: Path, healthy: dict[str, Any]) -> str:
    """Import the package; what is wrong with what came, or an empty text."""
    import tinytorch  # noqa: F401

    if changed := mend_builtins(healthy):
        return _replaces(changed)
    module = sys.modules.get(f"tinytorch.{step.module}")
    if module is None or os.path.realpath(module.__file__ or "") != os.path.realpath(path):
        return (
            f"Python did not take tinytorch.{step.module} from your package but from "
            f"{getattr(module, '__file__', 'nowhere')}: your file was not checked."
        )
    return _twice_defined()


def _replaces(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:5])
    return f"The code changes Python's own {shown}, on which everything else relies."


def _twice_defined() -> str:
    """A message when two different classes of a name that must be one are in use."""
    for name in ("Tensor", "Variable", "Parameter", "Module"):
        homes: dict[int, str] = {}
        for module_name, module in list(sys.modules.items()):
            value = vars(module).get(name) if module_name.startswith("tinytorch") else None
            if isinstance(value, type):
                homes.setdefault(id(value), module_name)
        if len(homes) > 1:
            return f"There are two classes {name}: in {' and in '.join(homes.values())}."
    return ""


def _run(
    course: Course, step: Step, explainer: Explainer, output: Bounded, stop_early: bool
) -> Collector:
    """Run the step's checks with pytest in this process."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    import pytest

    def mend() -> None:
        if changed := mend_builtins(healthy):
            raise RuntimeError(_replaces(changed))

    healthy = dict(vars(builtins))
    collector = Collector(explainer.fill, cast(TextIO, output), mend)
    off = [part for name in _OFF.split() for part in ("-p", f"no:{name}")]
    # No configuration file: whatever lies around the workspace must not change a verdict.
    early = ["-x"] if stop_early else []
    places = [*early, "-c", os.devnull, f"--rootdir={course.exercises}", str(step.test_file)]
    sys.stdout, sys.stderr = _both(Bounded(2000))
    code = pytest.main([*_FLAGS, *off, *places], plugins=[plugin, collector])
    if not collector.tests and collector.problem is None:
        collector.problem = RuntimeError(f"no check ran (pytest ended with {int(code)})")
    return collector


def _on_import(problem: str) -> str:
    return f"The module does not import, so no check could run. {problem}"


def _forget_checks(course: Course) -> None:
    """Take the test modules out again: the next check reads them anew."""
    folder = str(course.exercises)
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        places = [
            getattr(module, "__file__", None),
            *(getattr(spec, "submodule_search_locations", None) or []),
        ]
        if any(str(place).startswith(folder) for place in places):
            del sys.modules[name]


@contextmanager
def _working_folder() -> Iterator[None]:
    """An empty folder to run in: what a check writes or deletes nearby is nobody's."""
    before = os.getcwd()
    folder = tempfile.mkdtemp(prefix="tinytorch-check-")
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        shutil.rmtree(folder, ignore_errors=True)


def _both(stream: Bounded) -> tuple[TextIO, TextIO]:
    return cast(TextIO, stream), cast(TextIO, stream)


def _no_input() -> TextIO:
    return open(os.devnull, encoding="utf-8")


def warm_up(root: str) -> None:
    """Read and compile what every check needs, before there is one."""
    with fresh(Course(Path(root)).package, None, None):
        import tinytorch  # noqa: F401


def main(arguments: list[str]) -> None:
    """Judge the requests of a JSON file one by one; a line of JSON each goes to the other file."""
    request_file, answer_file = arguments
    body = json.loads(Path(request_file).read_text("utf-8"))
    course = Course(Path(body["root"]))
    with open(answer_file, "a", encoding="utf-8") as answers:
        for entry in body["requests"]:
            answer: dict[str, Any]
            try:
                if "code" in entry:
                    answer = judge_text(course, course.step(entry["step"]), entry["code"])
                else:
                    answer = judge(course, Request(entry["step"], Path(entry["package"])))
            except TitoError as error:
                answer = {"error": error.as_json()}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
