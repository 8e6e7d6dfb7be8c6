"""Steps as regions of a module: putting a step's text in, and taking it out again unchanged.

A region lies between `# >>> 02-tensor/add` and `# <<< 02-tensor/add`. In a class the region is
indented and its
text is shown dedented; what a student writes around a method (imports, helpers, constants) cannot
live in a class
body, so it goes into regions of its own above and below the class. `extract(splice(source, step,
text), step)`
is `text` for every text that parses.
"""

import ast
import functools
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from tito.course import Step
from tito.errors import TitoError
from tito.grammar import NotPython, compile_module, compile_text, normal

_MARKER = re.compile(
    r"([ \t]*)# (>>>|<<<) (\d\d-[a-z0-9-]+/[a-z0-9-]+)(?: \((above|below) the class\))?[ \t]*"
)
_STRING_STARTS = {
    getattr(tokenize, name)
    for name in ("FSTRING_START", "TSTRING_START")
    if hasattr(tokenize, name)
}
_STRING_ENDS = {
    getattr(tokenize, name) for name in ("FSTRING_END", "TSTRING_END") if hasattr(tokenize, name)
}
_LAYOUT = {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}
_SILENT = {tokenize.COMMENT, tokenize.NL}


@dataclass(frozen=True)
class Region:
    """Lines [start, end) of a module, counted from 0, without the two marker lines."""

    start: int
    end: int
    indent: str


def extract(source: str, step: Step) -> str:
    """The text of a step in a module, dedented when it is in a class."""
    return "\n".join(line for _, line in _text_lines(source, step))


def line_map(source: str, step: Step) -> dict[int, int]:
    """For each line number of the module inside the step, the line of the step's own text."""
    return {row + 1: number for number, (row, _) in enumerate(_text_lines(source, step), 1)}


def splice(source: str, step: Step, text: str) -> str:
    """The module with `text` as the step's answer.

    Raises NotPython when the text (or the module with it) does not parse: `line` is then in the
    text.
    """
    text = normal(text)
    compile_text(text)
    for number, _ in _marker_lines(text):
        raise NotPython(
            "This comment marks where a step begins or ends; write it differently.", number
        )
    above, main, below = _parts(text, step)
    source = _without_outer_regions(source, step)
    source, region = _located(source, step)
    kept = _protected(main)
    body = [
        line if not line or row in kept else region.indent + line for row, line in enumerate(main)
    ]
    lines = source.split("\n")
    lines[region.start : region.end] = body
    if above or below:
        lines = _around_class(lines, step, above, below)
    result = "\n".join(lines)
    try:
        compile_module(result)
    except NotPython as error:
        line = line_map(result, step).get(error.line or 0)
        message = error.message
        if line is None:
            where = f"tinytorch/{step.module}.py, line {error.line}, outside this step"
            message = f"{where}: {message}"
        raise NotPython(message, line) from None
    return result


def mark(source: str, step: Step) -> str:
    """The module with the step's markers around the definitions of its answer."""
    start, end, indent = _definitions(source, step)
    lines = source.split("\n")
    lines[start:end] = [
        f"{indent}# >>> {step.id}",
        *lines[start:end],
        f"{indent}# <<< {step.id}",
    ]
    return "\n".join(lines)


def definitions(tree: ast.AST, step: Step) -> list[ast.stmt]:
    """The nodes that define the step's answer, in the order of the file."""
    body: list[ast.stmt] = getattr(tree, "body", [])
    if step.class_name:
        owners = (n for n in body if isinstance(n, ast.ClassDef) and n.name == step.class_name)
        owner = next(owners, None)
        body = owner.body if owner else []
    kinds = (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
    return [node for node in body if isinstance(node, kinds) and node.name in step.names]


def first_line(node: ast.stmt) -> int:
    """The line a definition begins on, its decorators included."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _text_lines(source: str, step: Step) -> Iterator[tuple[int, str]]:
    """(row in the module, line of the step's text) for each line of the text."""
    found = _regions(source, step)
    if "" not in found:
        source, found[""] = _located(source, step, keep=True)
    lines = source.split("\n")
    for part in ("above", "", "below"):
        region = found.get(part)
        if region is None:
            continue
        inside = lines[region.start : region.end]
        kept = _protected(["if 1:", *inside]) if region.indent else set()
        for offset, line in enumerate(inside):
            if region.indent and offset + 1 not in kept:
                line = (
                    line.removeprefix(region.indent) if line.strip() else line[len(region.indent) :]
                )
            yield region.start + offset, line


def _regions(source: str, step: Step) -> dict[str, Region]:
    """The step's regions by part ("", "above", "below"), where both markers are there."""
    open_at: dict[str, tuple[int, str]] = {}
    found: dict[str, Region] = {}
    for number, line in _marker_lines(source):
        match = _MARKER.fullmatch(line)
        if not match or match[3] != step.id:
            continue
        part = match[4] or ""
        if match[2] == ">>>":
            open_at[part] = (number, match[1])
        elif part in open_at and part not in found:
            start, indent = open_at[part]
            found[part] = Region(start, number - 1, indent)
    return found


def _located(source: str, step: Step, *, keep: bool = False) -> tuple[str, Region]:
    """The module and the step's main region; without its markers, where the answer is defined.

    With `keep` the source is left as it is, so that its line numbers stay true.
    """
    found = _regions(source, step)
    if "" in found:
        return source, found[""]
    if not keep:
        lines = source.split("\n")
        rows = {n - 1 for n, line in _marker_lines(source) if _is_marker_of(line, step)}
        source = mark("\n".join(line for row, line in enumerate(lines) if row not in rows), step)
        return source, _regions(source, step)[""]
    start, end, indent = _definitions(source, step)
    return source, Region(start, end, indent)


def _is_marker_of(line: str, step: Step) -> bool:
    match = _MARKER.fullmatch(line)
    return bool(match and match[3] == step.id)


def _definitions(source: str, step: Step) -> tuple[int, int, str]:
    """Rows [start, end) and indentation of the answer's definitions in a module that parses."""
    try:
        nodes = definitions(ast.parse(source), step)
    except (SyntaxError, ValueError):
        nodes = []
    if not nodes:
        names = " and ".join(f"`{name}`" for name in step.answer)
        raise TitoError(
            "lost-region",
            f"tinytorch/{step.module}.py has neither the markers of {step.id} nor {names}.",
            f"Put the lines `# >>> {step.id}` and `# <<< {step.id}` back around your answer, "
            f"or start the step anew: tito reset {step.id}",
        )
    indent = " " * nodes[0].col_offset
    return first_line(nodes[0]) - 1, max(node.end_lineno or 0 for node in nodes), indent


def _parts(text: str, step: Step) -> tuple[list[str], list[str], list[str]]:
    """The text's lines that go above the class, into it, and below it."""
    lines = text.split("\n")
    if not step.class_name:
        return [], lines, []
    body = ast.parse(text).body
    inside = [row for row, node in enumerate(body) if _in_class(node, step)]
    if not inside:
        return [], lines, []
    begin, end = 0, len(lines)
    if inside[0] > 0:
        begin = body[inside[0] - 1].end_lineno or 0
    if inside[-1] + 1 < len(body):
        end = first_line(body[inside[-1] + 1]) - 1
    # Two statements on one line cannot be told apart by lines: they stay together in the class.
    if begin >= first_line(body[inside[0]]):
        begin = 0
    if end < (body[inside[-1]].end_lineno or 0):
        end = len(lines)
    return lines[:begin], lines[begin:end], lines[end:]


def _in_class(node: ast.stmt, step: Step) -> bool:
    """Whether a statement of a method step's text belongs into the class body."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        first = [*node.args.posonlyargs, *node.args.args][:1]
        bound = {"staticmethod", "classmethod", "property"}
        marked = any(isinstance(d, ast.Name) and d.id in bound for d in node.decorator_list)
        return node.name in step.names or marked or any(a.arg in ("self", "cls") for a in first)
    if isinstance(node, ast.Assign):
        targets = {target.id for target in node.targets if isinstance(target, ast.Name)}
        return bool(targets & set(step.names))
    outside = (ast.Import, ast.ImportFrom, ast.AnnAssign, ast.ClassDef, ast.Expr)
    return not isinstance(node, outside)


def _without_outer_regions(source: str, step: Step) -> str:
    """The module without what an earlier version of the step put above and below its class."""
    found = _regions(source, step)
    lines = source.split("\n")
    for part in ("below", "above"):
        if part in found:
            del lines[found[part].start - 1 : found[part].end + 1]
    return "\n".join(lines)


def _around_class(lines: list[str], step: Step, above: list[str], below: list[str]) -> list[str]:
    """Put the outer parts of a method step's text around its class."""
    source = "\n".join(lines)
    compile_module(source)
    owner = next(
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == step.class_name
    )
    start, end = first_line(owner) - 1, owner.end_lineno or len(lines)
    while end < len(lines) and _is_marker_of(lines[end], step):
        end += 1

    def part(name: str, inside: list[str]) -> list[str]:
        if not inside:
            return []
        note = f"{step.id} ({name} the class)"
        return [f"# >>> {note}", *inside, f"# <<< {note}"]

    return (
        lines[:start] + part("above", above) + lines[start:end] + part("below", below) + lines[end:]
    )


def _tokens(lines: list[str]) -> list[tokenize.TokenInfo]:
    """The tokens of some lines; none when they are not Python."""
    text = "\n".join(lines) + "\n"
    try:
        return list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return []


def _protected(lines: list[str]) -> set[int]:
    """Rows (from 0) that begin inside a string, where spaces are part of the value.

    A string that is a statement of its own (a docstring) has no value anyone depends on: it moves
    with the code.
    """
    inside: set[int] = set()
    starts: list[int] = []
    tokens = [token for token in _tokens(lines) if token.type not in _SILENT]
    for index, token in enumerate(tokens):
        if token.type in _STRING_STARTS:
            starts.append(token.start[0])
        elif token.type in _STRING_ENDS:
            inside.update(range(starts.pop(), token.end[0]))
        elif token.type == tokenize.STRING:
            alone = (index == 0 or tokens[index - 1].type in _LAYOUT) and (
                index + 1 == len(tokens)
                or tokens[index + 1].type in (tokenize.NEWLINE, tokenize.ENDMARKER)
            )
            if not alone:
                inside.update(range(token.start[0], token.end[0]))
    return inside


@functools.lru_cache(maxsize=32)
def _marker_lines(source: str) -> tuple[tuple[int, str], ...]:
    """(line number, line) of each marker; what only looks like one inside a string does not
    count.
    """
    lines = source.split("\n")
    rows = {number for number, line in enumerate(lines, 1) if _MARKER.fullmatch(line)}
    tokens = _tokens(lines) if rows else []
    if tokens:
        rows &= {token.start[0] for token in tokens if token.type == tokenize.COMMENT}
    return tuple((number, lines[number - 1]) for number in sorted(rows))
