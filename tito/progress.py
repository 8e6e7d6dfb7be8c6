"""How far a student is, and which package code of a chapter runs on."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tito import regions, starters
from tito.course import Chapter, Step
from tito.errors import TitoError
from tito.grammar import NotPython
from tito.report import PASSED
from tito.workspace import Workspace


def passed(workspace: Workspace, step: Step) -> bool:
    """Whether the step's last check passed."""
    return bool(workspace.state["steps"].get(step.id, {}).get("outcome") == PASSED)


def done(workspace: Workspace, chapter: Chapter) -> bool:
    """Whether all checks of a chapter but stretch pass: that opens the next one."""
    return all(passed(workspace, step) for step in chapter.steps)


def chosen(workspace: Workspace, chapter: Chapter) -> bool:
    """Whether the student chose to go on with the reference for this chapter."""
    return chapter.number in workspace.state["choices"].get("reference", [])


def missing(workspace: Workspace, number: int) -> list[str]:
    """Open steps of earlier chapters that stand in the way of chapter `number`."""
    return [
        step.id
        for chapter in workspace.course.chapters
        if chapter.number < number and not chosen(workspace, chapter)
        for step in chapter.steps
        if not passed(workspace, step)
    ]


def next_step(workspace: Workspace) -> Step | None:
    """The first open step in course order."""
    for chapter in workspace.course.chapters:
        if chosen(workspace, chapter):
            continue
        for step in chapter.steps:
            if not passed(workspace, step):
                return step
    return None


def level(workspace: Workspace) -> int | None:
    """The highest chapter started; None (the whole reference) when none is."""
    started = [c.number for c in workspace.course.chapters if workspace.started(c)]
    return max(started, default=None)


def state(workspace: Workspace) -> dict[str, Any]:
    """Progress of every chapter and step, for the page and for `tito status --json`."""
    following = next_step(workspace)
    return {
        "chapters": [_chapter_state(workspace, chapter) for chapter in workspace.course.chapters],
        "next": following.id if following else None,
        "choices": workspace.state["choices"],
        "warnings": workspace.warnings,
    }


def _chapter_state(workspace: Workspace, chapter: Chapter) -> dict[str, Any]:
    steps = [_step_state(workspace, chapter, step) for step in chapter.steps]
    finished = done(workspace, chapter)
    return {
        "id": chapter.id,
        "number": chapter.number,
        "title": chapter.title,
        "module": chapter.module,
        "capability": chapter.capability,
        "started": workspace.started(chapter),
        "done": finished,
        "complete": finished and all(step["complete"] for step in steps),
        "reference": chosen(workspace, chapter),
        "missing": missing(workspace, chapter.number),
        "steps": steps,
    }


def _step_state(workspace: Workspace, chapter: Chapter, step: Step) -> dict[str, Any]:
    entry = workspace.state["steps"].get(step.id, {})
    outcome = entry.get("outcome")
    starter = starters.fingerprint(starters.starter(workspace.course, step))
    by_choice = chosen(workspace, chapter) and outcome != PASSED
    return {
        "id": step.id,
        "title": step.title,
        "points": step.points,
        "outcome": outcome,
        "complete": bool(entry.get("complete")),
        "revealed": bool(entry.get("revealed")) or by_choice,
        "broken_by": entry.get("broken_by"),
        "starter_changed": entry.get("starter", starter) != starter,
        "checked": entry.get("checked"),
    }


def open_steps(workspace: Workspace, number: int, *, own: bool) -> list[Step]:
    """Steps whose code comes from the reference at chapter `number`.

    Those of chapters the student chose the reference for; with `own` those of the chapter itself
    too, so that a page's live cells run between two steps.
    """
    return [
        step
        for chapter in workspace.course.chapters
        if (chapter.number < number and chosen(workspace, chapter))
        or (own and chapter.number == number)
        if workspace.started(chapter)
        for step in chapter.steps
        if not passed(workspace, step)
    ]


@contextmanager
def package(workspace: Workspace, number: int) -> Iterator[Path]:
    """The package folder that a check of chapter `number` runs on."""
    filled = open_steps(workspace, number, own=False)
    if not filled:
        yield workspace.root / "tinytorch"
        return
    folder = Path(tempfile.mkdtemp(prefix="tinytorch-"))
    try:
        fill(workspace, filled, folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fill(workspace: Workspace, steps: list[Step], folder: Path) -> None:
    """Copy the student's package to `folder`, with the reference's answers for these steps.

    A module in which an answer cannot be put is left out, so that the reference's is taken.
    """
    source = workspace.root / "tinytorch"
    shutil.copytree(
        source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    for module in dict.fromkeys(step.module for step in steps):
        path = folder / f"{module}.py"
        text = workspace.read(f"tinytorch/{module}.py")
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        if text is None:
            continue
        with contextlib.suppress(NotPython, TitoError):
            for step in (step for step in steps if step.module == module):
                text = regions.splice(text, step, starters.solution(workspace.course, step))
            path.write_text(text, "utf-8", newline="\n")
