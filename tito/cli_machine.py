"""Commands for what a browser tab cannot do: data sets, milestones, and this computer's health."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from tito import milestone as milestones
from tito import show
from tito.console import FAILED_CODE, Json, command, errors, group, workspace_here
from tito.course import Course
from tito.errors import TitoError
from tito.milestone import Milestone

data_app = group("data", "The data sets of the course: fetched once, checked, kept in one place.")


def _complete_data(incomplete: str) -> list[str]:
    from tito.data import DATA_SETS

    return [name for name in DATA_SETS if name.startswith(incomplete)]


def _complete_milestones(incomplete: str) -> list[tuple[str, str]]:
    known = milestones.load(Course()).values()
    return [(one.name, one.title) for one in known if one.name.startswith(incomplete)]


DataName = Annotated[str, typer.Argument(help="A data set.", autocompletion=_complete_data)]


@contextmanager
def _data_errors(as_json: bool = False) -> Iterator[None]:
    """A data set that cannot be had ends with exit code 2 and what to copy where."""
    from tito.data import DataError

    with errors(as_json):
        try:
            yield
        except KeyboardInterrupt:
            show.warn("Stopped. What has come is kept; the same command goes on from there.")
            raise typer.Exit(130) from None
        except DataError as error:
            raise TitoError("data", str(error)) from None


@command("list", "tito data list", of=data_app)
def data_list(as_json: Json = False) -> None:
    """Show the data sets, their sizes, and which are here."""
    from tito import data

    with _data_errors(as_json):
        entries = data.catalog()
        if as_json:
            print(json.dumps(entries, indent=1))
        else:
            show.data_sets(entries, data.cache_folder() / "data")


@command("get", "tito data get cifar10", of=data_app)
def data_get(
    names: Annotated[list[str], typer.Argument(help="Data sets.", autocompletion=_complete_data)],
) -> None:
    """Fetch data sets, going on where a download was cut off, and print their folders."""
    from tito import data

    with _data_errors():
        for name in names:
            with _progress() as report:
                folder = data.get(name, report)
            print(folder)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int | None], None]]:
    """What to call with (what, bytes done, bytes in all): bars on a terminal, lines elsewhere."""
    from tito.data import print_progress

    if not sys.stderr.isatty():
        yield print_progress
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Bars(*columns, TimeRemainingColumn(), console=show.err) as bars:
        tasks = {}

        def report(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield report


@command("verify", "tito data verify cifar10", of=data_app)
def data_verify(name: DataName = "") -> None:
    """Compare every file with its SHA-256; without a name, of all data sets that are here."""
    from tito import data

    with _data_errors():
        here = [str(entry["name"]) for entry in data.catalog() if entry["here"]]
        wrong = 0
        for one in [name] if name else here:
            problems = data.verify(one)
            wrong += len(problems)
            for problem in problems:
                show.warn(f"{one}: {problem}")
            if problems:
                show.note(f"Mend it: tito data get {one}")
            else:
                show.note(f"{one} is right.")
        if not name and not here:
            show.note("No data set is here yet.")
        raise typer.Exit(FAILED_CODE if wrong else 0)


@command("remove", "tito data remove cifar10", of=data_app)
def data_remove(name: DataName) -> None:
    """Delete a data set from this computer, with what waits of its downloads."""
    from tito import data

    with _data_errors():
        there = data.remove(name)
        show.note(f"Removed {name}." if there else f"{name} was not here.")


@command(
    "milestone",
    "tito milestone xor, or tito milestone cifar10 --reference -- --epochs 4",
)
def milestone(
    name: Annotated[
        str,
        typer.Argument(help="Left out: show them all.", autocompletion=_complete_milestones),
    ] = "",
    settings: Annotated[
        list[str] | None, typer.Argument(help="After --: settings of the program itself.")
    ] = None,
    reference: Annotated[
        bool, typer.Option("--reference", help="Run it on the reference, not on your package.")
    ] = False,
    functions: Annotated[
        str,
        typer.Option(help="own: your functions; fast: kernels where they agree; ask: you choose."),
    ] = "ask",
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew, not at the checkpoint.")
    ] = False,
) -> None:
    """Train a real model on your own package, with a gate it has to pass.

    Log, plot, checkpoint and result are kept in runs/. Ctrl-C stops it; the same command goes on.
    Exit codes: 0 the gate is passed, 1 it is missed, 2 it could not run, 130 stopped.
    """
    with errors():
        course = Course()
        if not name:
            _list_milestones(course)
            return
        one = milestones.find(course, name)
        if functions not in ("own", "fast", "ask"):
            raise TitoError("usage", f"--functions {functions}?", "Choose own, fast or ask.")
        given = ["--functions", functions, *(["--restart"] if restart else []), *(settings or [])]
        if reference:
            try:
                root = workspace_here(course).root
            except TitoError as error:
                if error.kind != "no-workspace":
                    raise
                root = Path.cwd()
            folder = milestones.folder_of(root, one, reference=True)
            _announce(one, folder, "the reference package")
            milestones.start(course, one, folder, None, given)
        workspace = workspace_here(course)
        milestones.refuse_unready(workspace, one)
        folder = milestones.folder_of(workspace.root, one, reference=False)
        show.note("Checking the steps it stands on ...")
        milestones.refuse_broken(list(milestones.check_again(workspace, one)))
        _announce(one, folder, "your package")
        package = milestones.package_for(workspace, one, folder)
        milestones.start(course, one, folder, package, given)


def _announce(one: Milestone, folder: Path, package: str) -> None:
    show.note(f"{one.name}: {one.title}. Gate: {one.gate}.")
    show.note(f"It runs on {package}. Log and plot: {folder}")


def _list_milestones(course: Course) -> None:
    rows = []
    for one in milestones.load(course).values():
        state, root = "", Path.cwd()
        try:
            workspace = workspace_here(course)
            root = workspace.root
            absent = len(milestones.missing(workspace, one))
            state = f"{absent} steps missing" if absent else "ready"
        except TitoError as error:
            if error.kind != "no-workspace":
                raise
        result = milestones.result(milestones.folder_of(root, one, reference=False))
        if result is not None:
            state = "passed" if result["passed"] else "missed"
        rows.append((one.name, one.title, f"{one.level:02}", one.gate, state))
    show.milestones(rows)


@command("doctor", "tito doctor")
def doctor(as_json: Json = False) -> None:
    """Look at Python, NumPy, BLAS, memory, disk, workspace and data; say how to mend each.

    Exit codes: 0 when nothing is bad, 1 otherwise.
    """
    from tito import doctor as health

    with errors(as_json):
        course = Course()
        found = []
        for finding in health.examine(course, lambda: workspace_here(course)):
            found.append(finding)
            if not as_json:
                show.finding(finding)
        if as_json:
            print(json.dumps([finding.as_json() for finding in found], indent=1))
        bad = [finding for finding in found if finding.state == health.BAD]
        if not (as_json or bad):
            show.note("Everything that is needed is there.")
        raise typer.Exit(FAILED_CODE if bad else 0)
