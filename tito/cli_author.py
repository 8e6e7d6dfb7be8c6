"""Commands for those who write the course: analyze, author check."""

import json
from pathlib import Path
from typing import Annotated

import typer

from tito import show
from tito.console import FAILED_CODE, Json, command, complete_places, errors, group
from tito.course import Course

author = group("author", "For authors of exercises.")


@command("analyze", "tito analyze --json")
def analyze(as_json: Json = False) -> None:
    """Figures about the teaching: scaffolding, levels of cells, lines, concepts.

    Scaffolding of a step, 0 to 5, one point each: a bridge of at least 40 words with an example or
    figure; TODO, APPROACH (at most 5) and a verified EXAMPLE; two hints; an answer of at most 15
    lines (at most 30: a half); a confidence and a learning check. Target: a mean of 4.0.

    Level of a code cell, 1 to 4: 1, plus 1 each for over 10 lines, more than 2 new concepts, more
    than 3 branches and loops. High-complexity: the share of level 3 and 4. Target: under 0.3.
    """
    from tito import analyze as figures

    with errors(as_json):
        result = figures.analyze(Course())
        if as_json:
            print(json.dumps(result, indent=1))
        else:
            show.figures(result["chapters"])


@command("check", "tito author check 02-tensor/add", of=author)
def author_check(
    what: Annotated[
        str,
        typer.Argument(help="A chapter or a step; left out: all.", autocompletion=complete_places),
    ] = "",
) -> None:
    """The gate: solutions pass, starters fail, mistakes get their message, mutants are killed."""
    from tito import gate

    with errors():
        course = Course()
        if not what:
            steps = list(course.steps())
        else:
            steps = [course.step(what)] if "/" in what else list(course.chapter(what).steps)
        found = gate.check_all(course, steps, show.gate)
        raise typer.Exit(FAILED_CODE if found else 0)


@command("notebooks", "tito author notebooks build/notebooks", of=author)
def author_notebooks(folder: Annotated[Path, typer.Argument(help="Where to write them.")]) -> None:
    """Every chapter as a notebook with the starters, for the site's JupyterLite."""
    from tito import notebook

    with errors():
        for path in notebook.write_starters(Course(), folder):
            show.note(str(path))
