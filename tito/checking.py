"""Checks of a workspace on disk: which steps are meant, and their reports as they come."""

from collections.abc import Callable, Iterator

from tito import progress, runner, show
from tito.course import Course, Step
from tito.errors import TitoError
from tito.report import Report
from tito.workspace import Workspace


def steps_meant(course: Course, workspace: Workspace, what: str) -> tuple[list[Step], bool]:
    """The steps that `what` names (nothing: the next one), and whether it is one step."""
    if not what:
        step = progress.next_step(workspace) or course.chapters[-1].steps[-1]
        return [step], True
    if "/" in what:
        return [course.step(what)], True
    return list(course.chapter(what).steps), False


def check_in(
    workspace: Workspace,
    steps: list[Step],
    timeout: float | None,
    give_up: Callable[[], bool] | None = None,
    spare: runner.Spare | None = None,
) -> Iterator[Report]:
    """Check steps of one chapter in a workspace and record the outcomes, until `give_up()`."""
    chapter = workspace.course.of(steps[0])
    if not workspace.started(chapter):
        message = f"Chapter {chapter.number:02} is not started: there is no "
        message += f"{workspace.module_name(chapter)} in {workspace.root}."
        raise TitoError("not-started", message, f"tito start {chapter.number:02}")
    _set_drafts_aside(workspace, steps)
    with progress.package(workspace, chapter.number) as package:
        jobs = [{"step": step.id, "package": str(package)} for step in steps]
        for result in runner.run(workspace.course, jobs, timeout, give_up, spare):
            workspace.record(result)
            yield result


def _set_drafts_aside(workspace: Workspace, steps: list[Step]) -> None:
    """On disk the module is what counts: a draft from the page is kept, but no longer read."""
    for step in steps:
        kept = workspace.set_draft_aside(step)
        if kept:
            show.warn(f"{step.id}: a draft from the page that does not parse is now in {kept}")
