"""Starters: what a student gets of a step, generated from the reference.

Decorators, signature and docstring are the reference's own lines; the scaffold becomes comments;
the body
raises an error that names the step. The rest of the module is given as it is.
"""

import ast
import functools
import hashlib
import re

from tito import regions
from tito.course import Chapter, Course, Step

UNFINISHED = re.compile(r"(\d\d-[a-z0-9-]+/[a-z0-9-]+) is not written yet")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def starter(course: Course, step: Step) -> str:
    """The text a student starts a step with."""
    return _starter(course.reference(step.module), step)


def solution(course: Course, step: Step) -> str:
    """The reference's answer to a step, dedented."""
    return regions.extract(course.reference(step.module), step)


@functools.lru_cache(maxsize=512)
def _starter(reference: str, step: Step) -> str:
    return blank(regions.extract(reference, step), step)


def fingerprint(text: str) -> str:
    """SHA-256 of a text, by which a changed starter or given file is known."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def reference_module(course: Course, chapter: Chapter) -> str:
    """The reference module with the markers of every step."""
    return _marked(course.reference(chapter.module), chapter.steps)


@functools.lru_cache(maxsize=64)
def _marked(source: str, steps: tuple[Step, ...]) -> str:
    for step in steps:
        source = regions.mark(source, step)
    return source


def module(course: Course, chapter: Chapter) -> str:
    """The module a student starts a chapter with: every step its starter."""
    source = reference_module(course, chapter)
    for step in chapter.steps:
        source = regions.splice(source, step, starter(course, step))
    return source


def with_answer(course: Course, step: Step, text: str) -> str:
    """The reference module with `text` as the answer of one step. Raises NotPython."""
    return regions.splice(reference_module(course, course.of(step)), step, text)


def blank(text: str, step: Step) -> str:
    """A step's solution with every function's body replaced; the scaffold stands in the first."""
    lines = text.split("\n")
    functions = [function for node in _answers(text, step) for function in _functions(node)]
    for index, function in reversed(list(enumerate(functions))):
        start, indent = _body(function)
        end = function.end_lineno or len(lines)
        kept = lines[: start - 1]
        while kept and kept[-1].lstrip().startswith("#"):
            kept.pop()
        body = _comments(step.scaffold) if index == 0 else []
        # Short enough to fit the width of a page.
        body.append(f'raise NotImplementedError("{step.id} is not written yet")')
        lines = kept + [indent + line for line in body] + lines[end:]
    return "\n".join(lines)


def _answers(text: str, step: Step) -> list[ast.stmt]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    body = ast.parse(text).body
    return [node for node in body if isinstance(node, kinds) and node.name in step.names]


def _functions(node: ast.stmt) -> list[_Function]:
    if isinstance(node, _Function):
        return [node]
    return [child for child in getattr(node, "body", []) if isinstance(child, _Function)]


def _body(function: _Function) -> tuple[int, str]:
    """The line on which what the student writes begins (after a docstring), and its indentation."""
    first = function.body[0]
    if first.lineno == function.lineno:
        return function.lineno + 1, " " * (function.col_offset + 4)
    indent = " " * first.col_offset
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    if documented and isinstance(first.value.value, str):  # type: ignore[attr-defined]
        return (first.end_lineno or first.lineno) + 1, indent
    return regions.first_line(first), indent


def _comments(scaffold: str) -> list[str]:
    return [f"# {line}".rstrip() for line in scaffold.split("\n")]
