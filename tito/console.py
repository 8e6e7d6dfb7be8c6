"""What the commands share: the application, its help, the workspace of this folder, errors."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from tito import show
from tito.course import Course
from tito.errors import TitoError
from tito.workspace import STATE, Workspace

FAILED_CODE, UNUSABLE, STOPPED = 1, 2, 130
EXIT_CODES = (
    "Exit codes: 0 all is well; 1 a check failed, a gate was missed, something is wrong; "
    "2 it could not be done; 130 stopped with Ctrl-C."
)
Function = TypeVar("Function", bound=Callable[..., Any])

# Without a terminal the help is plain text, without boxes and colors.
_markup: Any = "rich" if sys.stdout.isatty() else None
app = typer.Typer(
    help="Build TinyTorch, chapter by chapter.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=_markup,
    pretty_exceptions_enable=False,
)


def group(name: str, about: str) -> typer.Typer:
    """A command with commands of its own."""
    made = typer.Typer(help=about, no_args_is_help=True, rich_markup_mode=_markup)
    app.add_typer(made, name=name)
    return made


def command(
    name: str, example: str, *, of: typer.Typer = app, **settings: Any
) -> Callable[[Function], Function]:
    """Declare a command; its help ends with the example."""
    return of.command(name, epilog=f"Example: {example}", **settings)


def complete_steps(incomplete: str) -> list[str]:
    """Step ids that begin so, for the shell."""
    return [step.id for step in Course().steps() if step.id.startswith(incomplete)]


def complete_chapters(incomplete: str) -> list[tuple[str, str]]:
    """Chapter numbers that begin so, with their titles."""
    named = [(f"{chapter.number:02}", chapter.title) for chapter in Course().chapters]
    return [pair for pair in named if pair[0].startswith(incomplete)]


def complete_places(incomplete: str) -> list[str]:
    """Chapters, or the steps of one once it is typed."""
    chapters = [chapter.id for chapter in Course().chapters]
    found = [name for name in chapters if name.startswith(incomplete)]
    return complete_steps(incomplete) if "/" in incomplete or len(found) < 2 else found


StepArgument = Annotated[
    str, typer.Argument(help="A step, such as 02-tensor/add.", autocompletion=complete_steps)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@contextmanager
def errors(as_json: bool = False) -> Iterator[None]:
    """Say what is wrong and end with exit code 2; with 130 when stopped."""
    try:
        yield
    except KeyboardInterrupt:
        show.warn("Stopped. Your files and your progress are as they were.")
        raise typer.Exit(STOPPED) from None
    except TitoError as error:
        if as_json:
            print(json.dumps({"error": error.as_json()}))
        else:
            show.error(error)
        raise typer.Exit(UNUSABLE) from None
    except BrokenPipeError:
        # `tito status | head`: nobody reads any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(FAILED_CODE) from None
    except OSError as error:
        refuse("file", f"{error.filename or 'A file'}: {error.strerror or error}.", as_json)


def refuse(kind: str, message: str, as_json: bool = False, hint: str = "") -> NoReturn:
    """End with exit code 2 and a message."""
    hint = hint or "Nothing is half written. Make room or give yourself the right, then repeat it."
    if as_json:
        print(json.dumps({"error": TitoError(kind, message, hint).as_json()}))
    else:
        show.error(TitoError(kind, message, hint))
    raise typer.Exit(UNUSABLE) from None


def workspace_here(course: Course) -> Workspace:
    """The workspace of this folder or the nearest one above it."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / STATE).exists():
            workspace = Workspace.open(folder, course)
            workspace.refresh_given()
            return workspace
    hint = "Make one: tito init my-tinytorch"
    raise TitoError("no-workspace", f"{here} is not in a workspace.", hint)
