"""The command line: `tito init`, `start`, `check`, `status` and the rest of the course on disk.

Exit codes of `tito check`: 0 everything passed, 1 a check failed, 2 it could not be checked.
Errors go to stderr in words; with --json they are an object {"error": ...} on stdout.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from tito import archive, progress, runner, show, starters
from tito.course import Chapter, Course, Step
from tito.errors import TitoError
from tito.report import ERROR, FAILED, PASSED, Report
from tito.workspace import STATE, Workspace

UNUSABLE = 2
HONEST_TRIES = 3
app = typer.Typer(
    help="Build TinyTorch, chapter by chapter.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
author_app = typer.Typer(help="For authors of exercises.", no_args_is_help=True)
app.add_typer(author_app, name="author")

StepArgument = Annotated[str, typer.Argument(help="A step, such as 02-tensor/add.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Timeout = Annotated[float, typer.Option(help="Seconds a step's checks may take.")]


@contextmanager
def _errors(as_json: bool = False) -> Iterator[None]:
    """Say what is wrong and end with exit code 2; with 130 when stopped."""
    try:
        yield
    except KeyboardInterrupt:
        show.warn("Stopped. Your files and your progress are as they were.")
        raise typer.Exit(130) from None
    except TitoError as error:
        if as_json:
            print(json.dumps({"error": error.as_json()}))
        else:
            show.error(error)
        raise typer.Exit(UNUSABLE) from None


def _workspace(course: Course) -> Workspace:
    """The workspace of this folder or the nearest one above it."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / STATE).exists():
            workspace = Workspace.open(folder, course)
            workspace.refresh_given()
            return workspace
    hint = "Make one: tito init my-tinytorch"
    raise TitoError("no-workspace", f"{here} is not in a workspace.", hint)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to make it.")] = Path(),
) -> None:
    """Make a workspace: your own package, to be written chapter by chapter.

    Example: tito init my-tinytorch
    """
    with _errors():
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


@app.command()
def start(chapter: Annotated[str, typer.Argument(help="A chapter: 02, 02-tensor.")]) -> None:
    """Lay a chapter's starters into your package. What you have written stays.

    Example: tito start 02
    """
    with _errors():
        course = Course()
        workspace, wanted = _workspace(course), course.chapter(chapter)
        written = workspace.start(wanted)
        name = workspace.module_name(wanted)
        show.note(f"Wrote {', '.join(written)}" if written else f"{name} is there already.")
        missing = progress.missing(workspace, wanted.number)
        if missing:
            show.note(f"Still open in earlier chapters: {', '.join(missing)}")
        show.note(f"Open {workspace.path(name)} and write {wanted.steps[0].id}, then: tito check")


@app.command()
def check(
    what: Annotated[str, typer.Argument(help="A chapter or a step; left out: what is next.")] = "",
    code: Annotated[
        Path | None, typer.Option(help="Check this file's text as the answer, on the reference.")
    ] = None,
    as_json: Json = False,
    timeout: Timeout = 60.0,
) -> None:
    """Run the checks of a step, or of a chapter, on your package.

    Example: tito check 02-tensor/add
    """
    with _errors(as_json):
        course = Course()
        if code is not None:
            step = course.step(what)
            results = list(runner.run(course, [{"step": step.id, "code": _read(code)}], timeout))
            tell: Callable[[Report], None] = lambda result: show.report(result, step, code)  # noqa: E731
            _finish(results, as_json, tell, one=True)
        workspace = _workspace(course)
        steps, one = _steps_of(course, workspace, what)
        results = []
        for result in _check_in(workspace, steps, timeout):
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


def _steps_of(course: Course, workspace: Workspace, what: str) -> tuple[list[Step], bool]:
    """The steps that are meant, and whether one step was named."""
    if not what:
        step = progress.next_step(workspace) or course.chapters[-1].steps[-1]
        return [step], True
    if "/" in what:
        return [course.step(what)], True
    return list(course.chapter(what).steps), False


def _check_in(workspace: Workspace, steps: list[Step], timeout: float) -> Iterator[Report]:
    """Check steps of one chapter in a workspace and record the outcomes."""
    chapter = workspace.course.of(steps[0])
    if not workspace.started(chapter):
        message = f"Chapter {chapter.number:02} is not started: there is no "
        message += f"{workspace.module_name(chapter)} in {workspace.root}."
        raise TitoError("not-started", message, f"tito start {chapter.number:02}")
    _set_drafts_aside(workspace, steps)
    with progress.package(workspace, chapter.number) as package:
        jobs = [{"step": step.id, "package": str(package)} for step in steps]
        for result in runner.run(workspace.course, jobs, timeout):
            workspace.record(result)
            yield result


def _set_drafts_aside(workspace: Workspace, steps: list[Step]) -> None:
    """On disk the module is what counts: a draft from the page is kept, but no longer read."""
    for step in steps:
        kept = workspace.set_draft_aside(step)
        if kept:
            show.warn(f"{step.id}: a draft from the page that does not parse is now in {kept}")


def _finish(
    results: list[Report], as_json: bool, tell: Callable[[Report], None] | None, *, one: bool
) -> None:
    if as_json:
        print(json.dumps(results[0] if one else results, indent=1))
    elif tell:
        for result in results:
            tell(result)
    outcomes = {result["outcome"] for result in results}
    raise typer.Exit(UNUSABLE if ERROR in outcomes else 1 if FAILED in outcomes else 0)


@app.command()
def status(as_json: Json = False) -> None:
    """Show the map: chapters, steps, and what is next."""
    with _errors(as_json):
        workspace = _workspace(Course())
        state = progress.state(workspace)
        if as_json:
            print(json.dumps(state, indent=1))
        else:
            show.status(state)


@app.command("next")
def next_() -> None:
    """Say what to do next."""
    with _errors():
        workspace = _workspace(Course())
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


@app.command()
def hint(step_id: StepArgument, everything: Annotated[bool, typer.Option("--all")] = False) -> None:
    """Show the next hint of a step; each call opens one more."""
    with _errors():
        course = Course()
        workspace, step = _workspace(course), course.step(step_id)
        entry = workspace.entry(step)
        count = len(step.hints) if everything else min(entry.get("hints", 0) + 1, len(step.hints))
        entry["hints"] = count
        workspace.save_state()
        for number, text in enumerate(step.hints[:count], 1):
            show.note(f"{number}/{len(step.hints)}  {text}")


@app.command()
def solution(
    step_id: StepArgument,
    anyway: Annotated[bool, typer.Option("--anyway", help="Before an honest try.")] = False,
) -> None:
    """Show the reference's answer, after a try of your own. Before passing, it is recorded."""
    with _errors():
        course = Course()
        workspace, step = _workspace(course), course.step(step_id)
        entry = workspace.entry(step)
        tried = entry["outcome"] == PASSED or entry.get("failures", 0) >= HONEST_TRIES
        if not (tried or entry["revealed"] or anyway):
            message = f"Try {step.id} first: {entry.get('failures', 0)} of {HONEST_TRIES} tries."
            raise TitoError("too-early", message, f"Or: tito solution {step.id} --anyway")
        workspace.reveal(step)
        show.code(starters.solution(course, step))


@app.command()
def reset(
    step_id: StepArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Put a step back to its starter; your text is kept in .tito/kept."""
    with _errors():
        course = Course()
        workspace, step = _workspace(course), course.step(step_id)
        if not (yes or typer.confirm(f"Put {step.id} back to its starter?")):
            raise typer.Exit(1)
        workspace.reset(step)
        show.note(f"{step.id} is its starter again; your text is in .tito/kept/{step.id}.*.py")


@app.command("use-reference")
def use_reference(
    chapters: Annotated[list[str], typer.Argument(help="Chapters, such as 02 03.")],
    off: Annotated[bool, typer.Option("--off", help="Take the choice back.")] = False,
) -> None:
    """Go on with the reference's code for open steps of these chapters."""
    with _errors():
        course = Course()
        workspace = _workspace(course)
        wanted: list[Chapter] = [course.chapter(key) for key in chapters]
        workspace.use_reference(wanted, not off)
        show.status(progress.state(workspace))


@app.command()
def export(file: Annotated[Path, typer.Argument(help="The zip to write.")]) -> None:
    """Pack the workspace as a zip, which the page imports."""
    with _errors():
        workspace = _workspace(Course())
        data = archive.export(workspace)
        archive.load(data)
        _write_bytes(file, data)
        show.note(f"Wrote {file} ({len(data) // 1024 + 1} KB)")


@app.command("import")
def import_(file: Annotated[Path, typer.Argument(help="A zip from the page or export.")]) -> None:
    """Put a zip's files in place of this workspace's; the old ones are kept as a zip in .tito."""
    with _errors():
        course = Course()
        try:
            root = _workspace(course).root
        except TitoError as error:
            if error.kind != "no-workspace":
                raise
            root = Path.cwd()
        try:
            data = file.read_bytes()
        except OSError as error:
            message = f"{file} cannot be read: {error.strerror}."
            raise TitoError("no-file", message, "Give the path of a zip.") from None
        workspace = archive.replace(root, course, data, backup=True)
        show.note(f"Imported into {root}")
        show.status(progress.state(workspace))


def _write_bytes(file: Path, data: bytes) -> None:
    temporary = file.with_name(f".{file.name}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        message = f"{file} cannot be written: {error.strerror}."
        raise TitoError("no-file", message, "Choose another place.") from None


@app.command()
def analyze(as_json: Json = False) -> None:
    """Figures about the teaching: scaffolding, levels of cells, lines, concepts.

    Scaffolding of a step, 0 to 5, one point each: a bridge of at least 40 words with an example or
    figure; TODO, APPROACH (at most 5) and a verified EXAMPLE; two hints; an answer of at most 15
    lines (at most 30: a half); a confidence and a learning check. Target: a mean of 4.0.

    Level of a code cell, 1 to 4: 1, plus 1 each for over 10 lines, more than 2 new concepts, more
    than 3 branches and loops. High-complexity: the share of level 3 and 4. Target: under 0.3.
    """
    from tito import analyze as figures

    with _errors(as_json):
        result = figures.analyze(Course())
        if as_json:
            print(json.dumps(result, indent=1))
        else:
            show.figures(result["chapters"])


@author_app.command("check")
def author_check(
    what: Annotated[str, typer.Argument(help="A chapter or a step; left out: all.")] = "",
) -> None:
    """The gate: solutions pass, starters fail, mistakes get their message, mutants are killed.

    Example: tito author check 02-tensor/add
    """
    from tito import gate

    with _errors():
        course = Course()
        if not what:
            steps = list(course.steps())
        else:
            steps = [course.step(what)] if "/" in what else list(course.chapter(what).steps)
        found = gate.check_all(course, steps, show.gate)
        raise typer.Exit(1 if found else 0)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        # Consoles of other encodings get a question mark rather than an exception.
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure and not stream.isatty():
            reconfigure(encoding="utf-8", errors="replace")
    app()


if __name__ == "__main__":
    main()
