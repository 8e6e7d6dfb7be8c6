"""The command line: `tito init`, `start`, `check`, `status` and the rest of the course on disk.

Errors go to stderr in words; with --json they are an object {"error": ...} on stdout.
"""

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from tito import progress, runner, show, starters
from tito.checking import check_in, steps_meant
from tito.console import (
    FAILED_CODE,
    STOPPED,
    UNUSABLE,
    Json,
    StepArgument,
    app,
    command,
    complete_chapters,
    complete_places,
    errors,
    workspace_here,
)
from tito.course import Chapter, Course
from tito.errors import TitoError
from tito.report import ERROR, FAILED, PASSED, Report
from tito.workspace import STATE, Workspace

HONEST_TRIES = 3


@command("init", "tito init my-tinytorch")
def init(
    folder: Annotated[Path, typer.Argument(help="Where to make it.")] = Path(),
) -> None:
    """Make a workspace: your own package, to be written chapter by chapter."""
    with errors():
        course = Course()
        root = folder.resolve()
        known = (root / STATE).exists()
        workspace = Workspace.create(root, course)
        workspace.refresh_given()
        show.note(f"{'This is already' if known else 'Made'} a workspace: {root}")
        show.warnings(workspace)
        following = progress.next_step(workspace)
        if following:
            show.note(f"Next: tito start {following.chapter:02}")


@command("start", "tito start 02")
def start(
    chapter: Annotated[
        str,
        typer.Argument(help="A chapter: 02, 02-tensor.", autocompletion=complete_chapters),
    ],
) -> None:
    """Lay a chapter's starters into your package. What you have written stays."""
    with errors():
        course = Course()
        workspace, wanted = workspace_here(course), course.chapter(chapter)
        written = workspace.start(wanted)
        name = workspace.module_name(wanted)
        show.note(f"Wrote {', '.join(written)}" if written else f"{name} is there already.")
        missing = progress.missing(workspace, wanted.number)
        if missing:
            show.note(f"Still open in earlier chapters: {', '.join(missing)}")
        show.note(f"Open {workspace.path(name)} and write {wanted.steps[0].id}, then: tito check")


@command("check", "tito check 02-tensor/add, or tito check --watch")
def check(
    what: Annotated[
        str,
        typer.Argument(
            help="A chapter or a step; left out: what is next.", autocompletion=complete_places
        ),
    ] = "",
    code: Annotated[
        Path | None, typer.Option(help="Check this file's text as the answer, on the reference.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Check again whenever a file is saved.")
    ] = False,
    as_json: Json = False,
    timeout: Annotated[float, typer.Option(help="Seconds a step's checks may take.")] = 60.0,
) -> None:
    """Run the checks of a step, or of a chapter, on your package.

    Exit codes: 0 everything passed, 1 a check failed, 2 it could not be checked.
    """
    with errors(as_json):
        course = Course()
        if code is not None:
            step = course.step(what)
            results = list(runner.run(course, [{"step": step.id, "code": _read(code)}], timeout))
            tell: Callable[[Report], None] = lambda result: show.report(result, step, code)  # noqa: E731
            _finish(results, as_json, tell, one=True)
        workspace = workspace_here(course)
        if watch:
            from tito.watch import Watch

            raise typer.Exit(Watch(workspace.root, course, what, timeout).run())
        steps, one = steps_meant(course, workspace, what)
        results = []
        for result in check_in(workspace, steps, timeout):
            results.append(result)
            if not as_json:
                step = course.step(result["step"])
                show.report(result, step, workspace.path(f"tinytorch/{step.module}.py"))
        if not as_json:
            show.after_check(workspace, course.of(steps[0]))
        _finish(results, as_json, None, one=one)


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        raise TitoError("no-file", message, "Give the path of a Python file.") from None
    except UnicodeDecodeError:
        raise TitoError("not-text", f"{path} is not UTF-8 text.", "Save it as UTF-8.") from None


def _finish(
    results: list[Report], as_json: bool, tell: Callable[[Report], None] | None, *, one: bool
) -> None:
    if as_json:
        print(json.dumps(results[0] if one else results, indent=1))
    elif tell:
        for result in results:
            tell(result)
    outcomes = {result["outcome"] for result in results}
    raise typer.Exit(UNUSABLE if ERROR in outcomes else FAILED_CODE if FAILED in outcomes else 0)


@command("status", "tito status --json")
def status(as_json: Json = False) -> None:
    """Show the map: chapters, steps, and what is next."""
    with errors(as_json):
        workspace = workspace_here(Course())
        state = progress.state(workspace)
        if as_json:
            print(json.dumps(state, indent=1))
        else:
            show.status(state)


@command("next", "tito next")
def next_() -> None:
    """Say what to do next."""
    with errors():
        workspace = workspace_here(Course())
        step = progress.next_step(workspace)
        if step is None:
            show.note("Every step that exists is done.")
            return
        show.note(f"{step.id}: {step.title}")
        chapter = workspace.course.of(step)
        if workspace.started(chapter):
            name = workspace.module_name(chapter)
            show.note(f"Write it in {workspace.path(name)}, then: tito check {step.id}")
        else:
            show.note(f"tito start {chapter.number:02}")


@command("hint", "tito hint 02-tensor/add")
def hint(
    step_id: StepArgument,
    everything: Annotated[bool, typer.Option("--all", help="Show all of them.")] = False,
) -> None:
    """Show the next hint of a step; each call opens one more."""
    with errors():
        course = Course()
        workspace, step = workspace_here(course), course.step(step_id)
        opened = workspace.open_hints(step, everything=everything)
        for number, text in enumerate(opened, 1):
            show.note(f"{number}/{len(step.hints)}  {text}")


@command("solution", "tito solution 02-tensor/add")
def solution(
    step_id: StepArgument,
    anyway: Annotated[bool, typer.Option("--anyway", help="Before an honest try.")] = False,
) -> None:
    """Show the reference's answer, after a try of your own. Before passing, it is recorded."""
    with errors():
        course = Course()
        workspace, step = workspace_here(course), course.step(step_id)
        entry = workspace.entry(step)
        tried = entry["outcome"] == PASSED or entry.get("failures", 0) >= HONEST_TRIES
        if not (tried or entry["revealed"] or anyway):
            message = f"Try {step.id} first: {entry.get('failures', 0)} of {HONEST_TRIES} tries."
            raise TitoError("too-early", message, f"Or: tito solution {step.id} --anyway")
        workspace.reveal(step)
        show.code(starters.solution(course, step))


@command("reset", "tito reset 02-tensor/add")
def reset(
    step_id: StepArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Put a step back to its starter; your text is kept in .tito/kept."""
    with errors():
        course = Course()
        workspace, step = workspace_here(course), course.step(step_id)
        if not (yes or typer.confirm(f"Put {step.id} back to its starter?")):
            raise typer.Exit(1)
        workspace.reset(step)
        show.note(f"{step.id} is its starter again; your text is in .tito/kept/{step.id}.*.py")


@command("use-reference", "tito use-reference 02 03")
def use_reference(
    chapters: Annotated[list[str], typer.Argument(help="Chapters, such as 02 03.")],
    off: Annotated[bool, typer.Option("--off", help="Take the choice back.")] = False,
) -> None:
    """Go on with the reference's code for open steps of these chapters."""
    with errors():
        course = Course()
        workspace = workspace_here(course)
        wanted: list[Chapter] = [course.chapter(key) for key in chapters]
        workspace.use_reference(wanted, not off)
        show.status(progress.state(workspace))


# Last, because the help lists commands in the order in which they were declared.
for _name in ("work", "machine", "author"):
    import_module(f"tito.cli_{_name}")


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # Into files and pipes always UTF-8; a console of another encoding gets a question mark
        # rather than an exception.
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure and stream.isatty():
            reconfigure(errors="replace")
        elif reconfigure:
            reconfigure(encoding="utf-8", errors="replace")
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(STOPPED)


if __name__ == "__main__":
    main()
