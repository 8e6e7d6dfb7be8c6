"""Finished steps whose foundations have changed since they passed: which, and checking them again.

A step's record carries a fingerprint of the code it was checked on: the student's modules up to
its chapter. Where that code is another one now, the step is due.
"""

import hashlib

from tito import progress, runner
from tito.course import Step
from tito.report import ERROR, PASSED, Report, report
from tito.workspace import Workspace


def foundations(workspace: Workspace, number: int) -> str:
    """A fingerprint of the code that a check of chapter `number` runs on."""
    total = hashlib.sha256()
    for chapter in workspace.course.chapters:
        if chapter.number <= number:
            text = workspace.read(workspace.module_name(chapter)) or ""
            total.update(f"{chapter.module}\0{text}\0".encode())
    filled = progress.open_steps(workspace, number, own=False)
    total.update("\n".join(step.id for step in filled).encode())
    return total.hexdigest()[:16]


def due(workspace: Workspace) -> list[Step]:
    """Steps that passed, or passed until a foundation broke them, on code of before."""
    current = {
        chapter.number: foundations(workspace, chapter.number)
        for chapter in workspace.course.chapters
        if workspace.started(chapter)
    }
    found = []
    for step in workspace.course.steps():
        entry = workspace.state["steps"].get(step.id, {})
        finished = entry.get("outcome") == PASSED or "broken_by" in entry
        if finished and step.chapter in current and entry.get("on") != current[step.chapter]:
            found.append(step)
    return found


def note(workspace: Workspace, step: Step) -> None:
    """Remember which code the step was checked on."""
    workspace.entry(step)["on"] = foundations(workspace, step.chapter)
    workspace.save_state()


def again(workspace: Workspace, step: Step, after: Step, *, gave_up: bool = False) -> Report:
    """Check a finished step again, as it stands in its module, and record what came of it.

    `after` is the step whose change made it due. `gave_up`: the check was stopped, since it did
    not end.
    """
    if gave_up:
        message = "This no longer comes to an end."
        result = report(step.id, ERROR, "check", message=message)
    else:
        with progress.package(workspace, step.chapter) as package:
            jobs = [{"step": step.id, "package": str(package)}]
            result = next(runner.run(workspace.course, jobs))
    workspace.record(result, broken_by=after)
    note(workspace, step)
    return result
