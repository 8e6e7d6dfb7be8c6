"""Commands that move work: export, import, notebook."""

import importlib.util
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from tito import archive, progress, runner, show
from tito.console import command, complete_chapters, errors, workspace_here
from tito.course import Course
from tito.errors import TitoError


@command("export", "tito export work.zip")
def export(file: Annotated[Path, typer.Argument(help="The zip to write.")]) -> None:
    """Pack the workspace as a zip, which the page imports."""
    with errors():
        workspace = workspace_here(Course())
        data = archive.export(workspace)
        archive.load(data)
        _write_bytes(file, data)
        show.note(f"Wrote {file} ({len(data) // 1024 + 1} KB)")


@command("import", "tito import tinytorch-workspace.zip")
def import_(file: Annotated[Path, typer.Argument(help="A zip from the page or export.")]) -> None:
    """Put a zip's files in place of this workspace's; the old ones are kept as a zip in .tito."""
    with errors():
        course = Course()
        try:
            root = workspace_here(course).root
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


@command("notebook", "tito notebook 02")
def notebook(
    chapter: Annotated[
        str,
        typer.Argument(help="A chapter: 02, 02-tensor.", autocompletion=complete_chapters),
    ],
    write_only: Annotated[
        bool, typer.Option("--write-only", help="Write the notebook, open nothing.")
    ] = False,
) -> None:
    """Open a chapter in JupyterLab, on this workspace.

    The notebook has the book's page and your own text of every step. A notebook that exists stays.
    """
    from tito import notebook as notebooks

    with errors():
        course = Course()
        workspace, wanted = workspace_here(course), course.chapter(chapter)
        written = notebooks.write(workspace, wanted)
        path = workspace.path(notebooks.name_of(wanted))
        show.note(f"{'Wrote' if written else 'It is there already:'} {path}")
        if write_only:
            return
        if importlib.util.find_spec("jupyterlab") is None:
            hint = f"{sys.executable} -m pip install jupyterlab, then: tito notebook {chapter}\n"
            hint += "Or open the file in VS Code."
            raise TitoError("no-jupyterlab", "JupyterLab is not installed.", hint)
        command_line = [sys.executable, "-P", "-m", "jupyterlab", str(path)]
        command_line.append(f"--ServerApp.root_dir={workspace.root}")
        paths = [str(course.root), os.environ.get("PYTHONPATH", "")]
        variables = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        runner.become(command_line, variables)


def _write_bytes(file: Path, data: bytes) -> None:
    temporary = file.with_name(f".{file.name}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        message = f"{file} cannot be written: {error.strerror}."
        raise TitoError("no-file", message, "Choose another place.") from None
