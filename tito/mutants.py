"""Mutants of a solution: the same code with one small fault, which the checks have to notice."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_OPERATORS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.USub: ast.UAdd,
}
_OTHER_NAME = {"maximum": "minimum", "minimum": "maximum", "max": "min", "min": "max"}
_OPTIONS = {"axis", "dim", "keepdims", "keepdim", "dtype"}
# Not part of what an answer computes: types, decorators, and the words of an error.
_SKIPPED_FIELDS = {"annotation", "returns", "decorator_list", "exc", "cause", "type_comment"}
_KEPT = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Pass)


@dataclass(frozen=True)
class Mutant:
    """One fault: the answer with it, what was changed, and the line of the solution."""

    text: str
    change: str
    line: int


def mutants(solution: str) -> Iterator[Mutant]:
    """Every mutant of a solution's text."""
    tree = ast.parse(solution)
    for node, parent in _walk(tree, tree):
        # A number or a name alone would not say which one of them it is.
        shown = parent if isinstance(node, ast.Constant | ast.Attribute) else node
        for field, value, dropped in _edits(node):
            before, old = _head(shown), getattr(node, field)
            setattr(node, field, value)
            text, after = ast.unparse(ast.fix_missing_locations(tree)), _head(shown)
            setattr(node, field, old)
            change = f"dropped: {_head(dropped)}" if dropped else f"{before} -> {after}"
            yield Mutant(text, change, getattr(dropped or node, "lineno", 1))


def _walk(node: ast.AST, parent: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    yield node, parent
    for field, value in ast.iter_fields(node):
        if field in _SKIPPED_FIELDS:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_docstring(child):
                yield from _walk(child, node)


def _edits(node: ast.AST) -> Iterator[tuple[str, Any, ast.stmt | None]]:
    """(field, value that makes the fault, the statement it drops if it does)."""
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign | ast.UnaryOp):
        other = _OPERATORS.get(type(node.op))
        if other:
            yield "op", other(), None
    elif isinstance(node, ast.Compare):
        for index, op in enumerate(node.ops):
            if type(op) in _OPERATORS:
                changed = _OPERATORS[type(op)]()
                yield "ops", [*node.ops[:index], changed, *node.ops[index + 1 :]], None
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield "value", not node.value, None
        elif isinstance(node.value, int | float):
            yield "value", node.value + 1, None
    elif isinstance(node, ast.Call):
        for keyword in node.keywords:
            if keyword.arg in _OPTIONS:
                yield "keywords", [other for other in node.keywords if other is not keyword], None
    elif isinstance(node, ast.Attribute) and node.attr in _OTHER_NAME:
        yield "attr", _OTHER_NAME[node.attr], None
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        yield "test", ast.UnaryOp(ast.Not(), node.test), None
    for field in ("body", "orelse"):
        block = getattr(node, field, None)
        if isinstance(node, ast.Module) or not isinstance(block, list):
            continue
        for index, statement in enumerate(block):
            if not isinstance(statement, _KEPT) and not _is_docstring(statement):
                rest: list[ast.stmt] = [*block[:index], *block[index + 1 :]]
                yield field, rest or [ast.Pass()], statement


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _head(node: ast.AST) -> str:
    return ast.unparse(node).split("\n")[0]
