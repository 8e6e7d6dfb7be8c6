"""A chapter as a notebook: the book's page and the student's own text of every step.

A step's cell begins with `%%step 02-tensor/add`: running it puts the text into the student's module
and checks it, as the page does (`tito.magics`). A notebook that exists is never written again.
"""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tito.course import Chapter, Course, Step
from tito.workspace import Workspace

FOLDER = "notebooks"
Cell = dict[str, Any]
_FENCE = re.compile(r"(`{3,}|:{3,})\{([\w-]+)\}[ \t]*(.*)")
_OPTION = re.compile(r":([\w-]+):[ \t]*(.*)")
_TITLED = re.compile(r"\{[\w:-]+\}`([^`<]+?)[ \t]*<[^`]*>`")
_CITED = re.compile(r"[ \t]?\{cite[\w:]*\}`[^`]*`")
_ROLE = re.compile(r"\{(?!tt-)[\w:-]+\}`([^`]*)`")


def name_of(chapter: Chapter) -> str:
    """The notebook's file, relative to the workspace."""
    return f"{FOLDER}/{chapter.id}.ipynb"


def page_of(course: Course, chapter: Chapter) -> Path | None:
    """The chapter's page in the book; None where the course is installed without the book."""
    path = course.root / "book" / "chapters" / f"{chapter.id.replace('-', '_')}.md"
    return path if path.exists() else None


def write(workspace: Workspace, chapter: Chapter) -> bool:
    """Write the notebook unless there is one; whether it was written."""
    name = name_of(chapter)
    if workspace.path(name).exists():
        return False
    workspace.write(name, json.dumps(notebook(workspace, chapter), indent=1) + "\n")
    return True


def write_starters(course: Course, folder: Path) -> list[Path]:
    """Write every chapter's notebook with the starters, for a site; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with tempfile.TemporaryDirectory() as empty:
        workspace = Workspace.create(Path(empty) / "work", course)
        for chapter in course.chapters:
            path = folder / Path(name_of(chapter)).name
            text = json.dumps(notebook(workspace, chapter), indent=1) + "\n"
            path.write_text(text, "utf-8", newline="\n")
            written.append(path)
    return written


def notebook(workspace: Workspace, chapter: Chapter) -> dict[str, Any]:
    """The notebook as data, in Jupyter's format 4.5."""
    page = page_of(workspace.course, chapter)
    begin = f"%load_ext tito.magics\n%chapter {chapter.number:02}"
    cells = [_code(begin)]
    cells += _of_page(page.read_text("utf-8"), workspace) if page else _of_steps(chapter, workspace)
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _of_steps(chapter: Chapter, workspace: Workspace) -> list[Cell]:
    """Without the book: the steps alone, each with its task."""
    note = "The book's text is not in this installation; the starters say what to do."
    cells = [_text(f"# {chapter.number:02} {chapter.title}\n\n{note}")]
    for step in chapter.steps:
        cells += _of_step(step, workspace)
    return cells


def _of_step(step: Step, workspace: Workspace) -> list[Cell]:
    hint = f"Stuck? Run `!tito hint {step.id}` in a cell."
    heading = f"### Your turn: {step.title} ({step.points} points)\n\n{hint}"
    return [_text(heading), _code(f"%%step {step.id}\n{workspace.text(step)}")]


def _of_page(page: str, workspace: Workspace) -> list[Cell]:
    """Cells of a page in MyST Markdown."""
    lines = page.split("\n")
    if lines[:1] == ["---"]:
        del lines[: lines.index("---", 1) + 1]
    cells: list[Cell] = []
    text: list[str] = []

    def end_text() -> None:
        if joined := _plain("\n".join(text)).strip():
            cells.append(_text(joined))
        text.clear()

    rows = iter(lines)
    for line in rows:
        fence = _FENCE.fullmatch(line.rstrip())
        if not fence:
            text.append(line)
            continue
        options, body = _body(rows, fence[1])
        if fence[2] == "code-cell":
            end_text()
            cells.append(_code("\n".join(body), options.get("tags", "")))
        elif fence[2] == "tt-exercise":
            end_text()
            cells += _of_step(workspace.course.step(fence[3].strip()), workspace)
        else:
            text += _directive(fence[2], fence[3], body)
    end_text()
    return cells


def _body(rows: Iterator[str], fence: str) -> tuple[dict[str, str], list[str]]:
    """The options and the lines of a directive, up to its closing fence."""
    options: dict[str, str] = {}
    body: list[str] = []
    for line in rows:
        if line.strip() == fence:
            break
        option = _OPTION.fullmatch(line.rstrip())
        if option and not body:
            options[option[1]] = option[2]
        else:
            body.append(line)
    return options, body


def _directive(kind: str, title: str, body: list[str]) -> list[str]:
    """A directive in what Jupyter shows without extensions."""
    if kind in ("dropdown", "toggle"):
        return [f"<details><summary>{title}</summary>", "", *body, "", "</details>", ""]
    if kind in ("figure", "image"):
        return [f"![{' '.join(body).strip()}]({title})", ""]
    if kind == "math":
        return ["$$", *body, "$$", ""]
    quoted = [f"> **{title or kind.capitalize()}**", ">"]
    inside = [line for line in body if not _FENCE.fullmatch(line) and set(line) != {":"}]
    return [*quoted, *(f"> {line}".rstrip() for line in inside), ""]


def _plain(text: str) -> str:
    """Markdown without MyST's roles: a term is its words, a citation goes."""
    return _ROLE.sub(r"\1", _TITLED.sub(r"\1", _CITED.sub("", text)))


def _text(source: str) -> Cell:
    return {"cell_type": "markdown", "metadata": {}, "source": source.splitlines(keepends=True)}


def _code(source: str, tags: str = "") -> Cell:
    named = re.findall(r"[\w-]+", tags)
    metadata: dict[str, Any] = {"tags": named} if named else {}
    if {"hide-input", "hide-cell", "remove-input"} & set(named):
        metadata["jupyter"] = {"source_hidden": True}
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": metadata,
        "outputs": [],
        "source": source.strip("\n").splitlines(keepends=True),
    }
