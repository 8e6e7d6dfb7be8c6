"""What the command line prints: verdicts, the map, errors."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Table

from tito import progress, regions
from tito.course import Chapter, Step
from tito.errors import TitoError
from tito.grammar import read_source
from tito.report import PASSED, Report
from tito.workspace import Workspace

if TYPE_CHECKING:
    from tito.doctor import Finding
    from tito.gate import Complaint

# Tables that go into a file or a pipe are not folded to the width of some terminal.
_width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160
_out = Console(highlight=False, soft_wrap=True, width=_width)
err = Console(highlight=False, soft_wrap=True, stderr=True)
_MARKS = {"passed": "[green]ok[/]  ", "failed": "[red]fail[/]", "error": "[red]err[/] "}


def note(text: str) -> None:
    """A line for the user."""
    _out.print(escape(text))


def clear() -> None:
    """Begin at the top of the terminal."""
    if _out.is_terminal:
        _out.clear()


def warn(text: str) -> None:
    """A line to be noticed."""
    err.print(f"[yellow]{escape(text)}[/]")


def error(problem: TitoError) -> None:
    """What is wrong, and what to do."""
    err.print(f"[red]{escape(problem.message)}[/]")
    if problem.hint:
        err.print(escape(problem.hint))


def warnings(workspace: Workspace) -> None:
    """What the workspace wants to be noticed."""
    for text in workspace.warnings:
        warn(text)


def code(text: str) -> None:
    """Python code, colored on a terminal."""
    if _out.is_terminal:
        _out.print(Syntax(text, "python", background_color="default"))
    else:
        print(text)


def report(result: Report, step: Step, path: Path) -> None:
    """A verdict, with places in the student's file that a terminal makes clickable."""
    _out.print(f"[bold]{escape(step.id)}[/] {escape(step.title)}")
    places = _places(path, step)
    if result.get("message"):
        _out.print(f"  {_place(places, path, result.get('line'))}{escape(result['message'])}")
    shown = ""
    for test in result["tests"]:
        kind = f"[dim]{test['kind']}[/]"
        _out.print(f"  {_MARKS[test['outcome']]} {escape(test['title'])}  {kind}")
        if test["outcome"] == PASSED or test["message"] == shown:
            continue
        shown = test["message"]
        _out.print(f"       {_place(places, path, test['line'])}{escape(shown or '')}")
        if test["expected"] is not None:
            _out.print(f"       expected  {_indented(test['expected'])}")
            _out.print(f"       got       {_indented(test['got'])}")
    if result.get("output"):
        _out.print(f"  [dim]It printed:[/]\n{escape(result['output'].rstrip())}")


def _indented(text: str) -> str:
    return escape(text).replace("\n", "\n" + " " * 17)


def _places(path: Path, step: Step) -> dict[int, int]:
    """Line of the file for each line of the step's text."""
    try:
        return {text: line for line, text in regions.line_map(read_source(path), step).items()}
    except Exception:
        return {}


def _place(places: dict[int, int], path: Path, line: int | None) -> str:
    if line is None:
        return ""
    return f"[cyan]{escape(str(path))}:{places.get(line, line)}[/] "


def after_check(workspace: Workspace, chapter: Chapter) -> None:
    """What a check means for the chapter, and what comes next."""
    if progress.done(workspace, chapter):
        _out.print(f"[green]Chapter {chapter.number:02} is done.[/] {escape(chapter.capability)}")
    following = progress.next_step(workspace)
    if following:
        note(f"Next: {following.id} ({following.title})")


def status(state: dict[str, Any]) -> None:
    """The map."""
    table = Table(box=None, pad_edge=False)
    for column in ("chapter", "step", "", "points"):
        table.add_column(column, justify="right" if column == "points" else "left")
    for chapter in state["chapters"]:
        mark = "complete" if chapter["complete"] else "done" if chapter["done"] else ""
        mark = mark or ("reference" if chapter["reference"] else "")
        table.add_row(f"[bold]{escape(chapter['id'])}[/]", escape(chapter["title"]), mark, "")
        for step in chapter["steps"]:
            name = escape(step["id"].partition("/")[2])
            table.add_row("", name, _mark(step), str(step["points"]))
    _out.print(table)
    if state["next"]:
        note(f"Next: {state['next']}")


def _mark(step: dict[str, Any]) -> str:
    words = [{"passed": "[green]passed[/]"}.get(step["outcome"] or "", step["outcome"] or "open")]
    if step["outcome"] == PASSED and not step["complete"]:
        words.append("(stretch open)")
    if step["revealed"]:
        words.append("[yellow]revealed[/]")
    if step["starter_changed"]:
        words.append("(its starter has changed)")
    return " ".join(words)


def gate(step: Step, complaints: "list[Complaint]") -> None:
    """The gate's word on one step."""
    _out.print(f"{_MARKS['failed' if complaints else 'passed']} {escape(step.id)}")
    for complaint in complaints:
        place = f"{complaint.path}:{complaint.line}"
        _out.print(f"       [cyan]{escape(place)}[/] {escape(complaint.message)}")


def figures(chapters: list[dict[str, Any]]) -> None:
    """The figures of `tito analyze`, a column a chapter."""
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for chapter in chapters:
        table.add_column(escape(chapter["id"]), justify="right")
    for name in [name for name in chapters[0] if name != "id"] if chapters else []:
        table.add_row(name, *(str(chapter[name]) for chapter in chapters))
    _out.print(table)


def data_sets(entries: list[dict[str, Any]], folder: Path) -> None:
    """The data sets, and where they are kept."""
    table = Table(box=None, pad_edge=False)
    for column in ("name", "size", "", "what", "license"):
        table.add_column(column, justify="right" if column == "size" else "left")
    for entry in entries:
        here = "[green]here[/]" if entry["here"] else "-"
        size = f"{entry['size'] / 1e6:.0f} MB"
        table.add_row(entry["name"], size, here, escape(entry["title"]), escape(entry["license"]))
    _out.print(table)
    note(f"They are kept in {folder}")


def milestones(rows: list[tuple[str, str, str, str, str]]) -> None:
    """The milestones: name, title, chapter, gate, state."""
    table = Table(box=None, pad_edge=False)
    for column in ("name", "what", "after", "gate", ""):
        table.add_column(column)
    for row in rows:
        table.add_row(*map(escape, row))
    _out.print(table)


def finding(found: "Finding") -> None:
    """One line of the doctor's, and how to mend it."""
    colors = {"good": "green", "warning": "yellow", "bad": "red"}
    mark = {"good": "ok", "warning": "note", "bad": "bad"}[found.state]
    _out.print(f"[{colors[found.state]}]{mark:4}[/] {escape(f'{found.about:17}{found.found}')}")
    if found.mend:
        _out.print(f"[dim]{' ' * 22}{escape(found.mend)}[/]")
