"""Known mistakes, recognized by what an answer computes on the step's probes."""

import ast
import sys
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tito import starters
from tito.course import Course, Step
from tito.isolation import fresh
from tito.testing import is_tensor

Values = list[Any]
_values: dict[tuple[str, str], Values] = {}


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that students are known to give."""

    name: str
    message: str
    text: str


def read_answer(path: Path) -> tuple[str, str]:
    """(docstring, text without it) of a file in mistakes/ or alternatives/."""
    source = path.read_text("utf-8")
    body = ast.parse(source).body
    note = ast.get_docstring(ast.parse(source)) or ""
    if not note:
        return "", source.strip("\n")
    rest = source.split("\n")[body[0].end_lineno or 1 :]
    return " ".join(note.split()), "\n".join(rest).strip("\n")


def known(step: Step) -> list[Mistake]:
    """The step's mistakes."""
    return [Mistake(path.stem, *read_answer(path)) for path in step.mistakes()]


def recognize(course: Course, step: Step, got: Values) -> Mistake | None:
    """The mistake that gives on every probe what the student's answer gave."""
    for mistake in known(step):
        if alike(got, values_of(course, step, mistake.text)):
            return mistake
    return None


def values_of(course: Course, step: Step, text: str) -> Values:
    """What a text as the step's answer gives on the probes, the rest from the reference."""
    key = (step.id, text)
    if key not in _values:
        from tito.judge import temporary_package

        module = starters.with_answer(course, step, text)
        with (
            temporary_package({step.module: module}) as package,
            fresh(course.package, step.chapter, package),
        ):
            try:
                _values[key] = evaluate([_load(step.test_file)])
            except Exception as error:
                _values[key] = [("raised", type(error).__name__)]
    return _values[key]


def evaluate(modules: list[ModuleType]) -> Values:
    """The probes' results, or the kind of error each raised."""
    results: Values = []
    for module in modules:
        for probe in getattr(module, "PROBES", []):
            try:
                results.append(_frozen(probe()))
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                results.append(("raised", type(error).__name__))
    return results


def alike(one: Any, other: Any) -> bool:
    """Whether two results are the same: shapes, types, and values up to rounding."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        if one.dtype.kind not in "fc":
            return bool(np.array_equal(one, other))
        with np.errstate(all="ignore"):
            return bool(np.allclose(one, other, rtol=1e-5, atol=1e-7, equal_nan=True))
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    return bool(one == other or (one != one and other != other))


def _frozen(value: Any) -> Any:
    """A result as plain data that outlives the module set it came from."""
    if isinstance(value, np.ndarray | np.generic):
        return np.array(value)
    if is_tensor(value):
        return ("tensor", np.array(value.data))
    if isinstance(value, list | tuple):
        return [type(value).__name__, *(_frozen(item) for item in value)]
    if isinstance(value, dict):
        return {str(key): _frozen(item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | float | complex | str):
        return value
    return ("object", type(value).__name__)


def _load(path: Path) -> ModuleType:
    name = f"_probes_{path.stem}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot read {path}")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module
