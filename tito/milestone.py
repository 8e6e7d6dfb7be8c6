"""Milestones: what a program asks of a workspace, and how it is started on the student's package.

The programs are in `milestones/` and run in a process of their own. What they ask is declared in
`milestones/milestones.toml`, so that nothing has to be imported to say what is missing.
"""

import difflib
import json
import os
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from tito import progress
from tito.checking import check_in
from tito.course import Course
from tito.errors import TitoError
from tito.isolation import environment
from tito.report import PASSED, Report
from tito.runner import become
from tito.workspace import Workspace

RUNS = "runs"


@dataclass(frozen=True)
class Milestone:
    """One program: what it is, the chapter it runs at, its gate, minutes it takes, its data."""

    name: str
    title: str
    level: int
    gate: str
    minutes: float
    data: tuple[str, ...]


def load(course: Course) -> dict[str, Milestone]:
    """All milestones by name, in the order of the course."""
    text = (course.root / "milestones" / "milestones.toml").read_text("utf-8")
    return {
        name: Milestone(name, **{**table, "data": tuple(table["data"])})
        for name, table in tomllib.loads(text).items()
    }


def find(course: Course, name: str) -> Milestone:
    """The milestone of that name; an unknown name gets the nearest one."""
    known = load(course)
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
    raise TitoError("unknown-milestone", f"There is no milestone {name[:80]!r}.", hint)


def missing(workspace: Workspace, milestone: Milestone) -> list[str]:
    """Steps that the milestone asks for and that are not passed yet."""
    return progress.missing(workspace, milestone.level + 1)


def refuse_unready(workspace: Workspace, milestone: Milestone) -> None:
    """Raise TitoError with the list of steps that are missing."""
    steps = missing(workspace, milestone)
    if steps:
        chapters = sorted({step.partition("-")[0] for step in steps})
        message = (
            f"{milestone.name} stands on chapters 01 to {milestone.level:02}. "
            f"{len(steps)} step{'s are' if len(steps) > 1 else ' is'} missing:\n  "
        )
        hint = (
            f"tito next says where to go on. Or: tito use-reference {' '.join(chapters)}, "
            f"or: tito milestone {milestone.name} --reference"
        )
        raise TitoError("not-ready", message + "\n  ".join(steps), hint)


def check_again(workspace: Workspace, milestone: Milestone) -> Iterator[Report]:
    """The reports of all steps it stands on, as the files are now."""
    for chapter in workspace.course.chapters:
        if chapter.number > milestone.level or progress.chosen(workspace, chapter):
            continue
        yield from check_in(workspace, list(chapter.steps), 60.0)


def refuse_broken(reports: list[Report]) -> None:
    """Raise TitoError when a step that passed once does not any more."""
    broken = [result["step"] for result in reports if result["outcome"] != PASSED]
    if broken:
        message = "These steps passed once, and do not as they are now:\n  " + "\n  ".join(broken)
        raise TitoError("not-ready", message, f"tito check {broken[0]}")


def folder_of(root: Path, milestone: Milestone, *, reference: bool) -> Path:
    """Where log, plot, checkpoint and result of a run are."""
    return root / RUNS / (f"{milestone.name}-reference" if reference else milestone.name)


def result(folder: Path) -> dict[str, Any] | None:
    """What the gate said at the last run that came to its end."""
    try:
        found = json.loads((folder / "result.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "passed" in found else None


def package_for(workspace: Workspace, milestone: Milestone, folder: Path) -> Path:
    """The package folder to run on: the student's, or a copy with the reference's answers in it."""
    filled = progress.open_steps(workspace, milestone.level + 1, own=False)
    if not filled:
        return workspace.root / "tinytorch"
    copy = folder / "package"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    progress.fill(workspace, filled, copy)
    return copy


def start(
    course: Course, milestone: Milestone, folder: Path, package: Path | None, settings: list[str]
) -> NoReturn:
    """Run the program in place of this process, on `package` (None: the reference)."""
    folder.mkdir(parents=True, exist_ok=True)
    # -P and the path: a folder called tinytorch where the student stands must not come first.
    command = [sys.executable, "-P", "-m", "milestones", milestone.name]
    command += ["--folder", str(folder), *settings]
    dropped = ("TINYTORCH_LEVEL", "TINYTORCH_STUDENT")
    variables = {name: value for name, value in os.environ.items() if name not in dropped}
    if package is not None:
        variables.update(environment(milestone.level, package, ""))
    paths = [str(course.root), variables.get("PYTHONPATH", "")]
    variables["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    become(command, variables)
