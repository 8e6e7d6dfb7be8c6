"""Figures about the teaching, computed from the sources of exercises, pages and the reference.

Scaffolding of a step, 0 to 5, one point each: a bridge of at least 40 words before it with an
example or a figure; a scaffold with TODO, APPROACH (at most 5 items) and an EXAMPLE that holds on
the reference; at least two hints; size (a reference answer of at most 15 lines 1, of at most 30 a
half); at least one confidence and one learning check. A chapter's is the mean.

Level of a code cell, 1 to 4: 1, plus 1 if over 10 lines to write or read, plus 1 if it brings more
than 2 new concepts, plus 1 if it has more than 3 branches and loops. Steps count as cells whose
lines are the answer's. High-complexity is the share of cells of level 3 or 4. A concept is a
glossary term; it is new where the book first uses it.
"""

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tito import regions, starters
from tito.course import Chapter, Course, Step
from tito.errors import TitoError
from tito.gate import example_problems, lines_of, scaffold_problems

BRIDGE_WORDS = 40
_TERM = re.compile(r"\{term\}`(?:[^`<]*<)?([^`<>]+)>?`")
_FENCE = re.compile(r"(`{3,}|:{3,})(.*)")
_EXAMPLE = re.compile(r"^\s*(\||!\[)")
_BRANCHES = (
    *(ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.match_case),
    ast.comprehension,
)


@dataclass
class Block:
    """A piece of a page: prose, a code cell, another fenced block, or a step."""

    kind: str
    text: str = ""
    lines: list[str] = field(default_factory=list)


def analyze(course: Course) -> dict[str, Any]:
    """The figures of every chapter that has exercises."""
    known: set[str] = set()
    return {"chapters": [_chapter(course, chapter, known) for chapter in course.chapters]}


def _chapter(course: Course, chapter: Chapter, known: set[str]) -> dict[str, Any]:
    path = course.root / "book" / "chapters" / f"{chapter.folder.name}.md"
    if not path.exists():
        hint = "Run it in the course's repository."
        raise TitoError("no-page", f"{path} is missing: analyze reads the pages.", hint)
    page = path.read_text("utf-8")
    blocks = list(_blocks(page))
    levels: list[int] = []
    new_in_steps: list[int] = []
    bridges: dict[str, bool] = {}
    since_cell: set[str] = set()
    before_bridge = set(known)
    bridge: list[Block] = []
    for block in blocks:
        since_cell |= {term.strip().lower() for term in _TERM.findall("\n".join(block.lines))}
        if block.kind == "heading":
            bridge, before_bridge = [], known | since_cell
        elif block.kind == "step":
            step = course.step(block.text)
            bridges[step.id] = _is_bridge(bridge)
            new = (since_cell | {concept.lower() for concept in step.concepts}) - known
            new_in_steps.append(len((known | new) - before_bridge))
            levels.append(_level(starters.solution(course, step), len(new), _lines(course, step)))
            known |= new
            since_cell, bridge, before_bridge = set(), [], set(known)
        else:
            bridge.append(block)
        if block.kind == "cell":
            code = "\n".join(block.lines)
            new = since_cell - known
            count = len([line for line in block.lines if line.strip()])
            levels.append(_level(code, len(new), count))
            known |= new
            since_cell = set()
    steps = chapter.steps
    jumps = [after - before for before, after in itertools.pairwise(levels)]
    scores = [_scaffolding(course, step, bridges.get(step.id, False)) for step in steps]
    return {
        "id": chapter.id,
        "steps": len(steps),
        "scaffolding": round(sum(scores) / len(scores), 2) if scores else 0.0,
        "high_complexity": round(sum(x >= 3 for x in levels) / len(levels), 3) if levels else 0.0,
        "longest_implementation": max((_lines(course, step) for step in steps), default=0),
        "max_new_concepts": max(new_in_steps, default=0),
        "largest_jump": max([0, *jumps]),
        "page_lines": len(page.splitlines()),
    }


def _blocks(page: str) -> Iterator[Block]:
    """The page's pieces in order. Admonitions and the like are prose."""
    prose = Block("prose")
    fence, block = "", Block("code")
    for line in page.split("\n"):
        match = _FENCE.match(line)
        if fence:
            if match and match[1] == fence and not match[2].strip():
                fence = ""
                if block.kind != "step":
                    yield block
            elif not (block.kind == "cell" and line.startswith(":")):
                block.lines.append(line)
            continue
        if match and match[1].startswith("`"):
            yield prose
            prose = Block("prose")
            fence, block = match[1], _opened(match[2].strip())
            if block.kind == "step":
                yield block
        elif line.startswith("#"):
            yield prose
            yield Block("heading", line)
            prose = Block("prose")
        else:
            prose.lines.append(line)
    yield prose


def _opened(what: str) -> Block:
    if what.startswith("{code-cell}"):
        return Block("cell")
    if what.startswith("{tt-exercise}"):
        return Block("step", what.partition("}")[2].strip())
    return Block("figure" if what.startswith("{figure}") else "code")


def _is_bridge(blocks: list[Block]) -> bool:
    prose = [line for block in blocks if block.kind == "prose" for line in block.lines]
    words = sum(len(line.split()) for line in prose if not line.startswith((":", "|")))
    shown = any(block.kind != "prose" for block in blocks) or any(map(_EXAMPLE.match, prose))
    return words >= BRIDGE_WORDS and shown


def _level(code: str, new: int, lines: int) -> int:
    return 1 + (lines > 10) + (new > 2) + (_branches(code) > 3)


def _branches(code: str) -> int:
    try:
        return sum(isinstance(node, _BRANCHES) for node in ast.walk(ast.parse(code)))
    except SyntaxError:
        return 0


def _lines(course: Course, step: Step) -> int:
    tree = ast.parse(course.reference(step.module))
    return sum(lines_of(node) for node in regions.definitions(tree, step))


def _scaffolding(course: Course, step: Step, bridge: bool) -> float:
    problems = [*scaffold_problems(step.scaffold), *example_problems(course, step)]
    size = _lines(course, step)
    text = step.test_file.read_text("utf-8")
    kinds = all(f"pytest.mark.{kind}" in text for kind in ("confidence", "learning"))
    points = [bridge, not problems, len(step.hints) >= 2, kinds]
    return sum(points) + (1.0 if size <= 15 else 0.5 if size <= 30 else 0.0)
