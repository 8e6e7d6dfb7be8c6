"""Commands that move work: export, import, notebook."""

from pathlib import Path
from typing import Annotated

import typer

from tito import archive, progress, show
from tito.console import command, errors, workspace_here
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


def _write_bytes(file: Path, data: bytes) -> None:
    temporary = file.with_name(f".{file.name}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        message = f"{file} cannot be written: {error.strerror}."
        raise TitoError("no-file", message, "Choose another place.") from None
