"""What surrounds the commands: help, completion, plain output, the doctor, notebooks."""

import json
import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
import typer

from tito import cli, notebook, starters
from tito.course import ROOT, Course
from tito.workspace import Workspace

GROUP = typer.main.get_command(cli.app)


def commands(group: click.Group, before: str = "tito") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found.update(commands(command, f"{before} {name}"))
        else:
            found[f"{before} {name}"] = command
    return found


def tito(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tito", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.mark.parametrize("name", commands(GROUP))
def test_the_help_of_every_command_ends_with_an_example_that_parses(name: str) -> None:
    command = commands(GROUP)[name]
    assert command.help
    example = (command.epilog or "").removeprefix("Example: ")
    for line in example.split(", or "):
        assert line.startswith(name), f"{name}: {command.epilog!r}"
        words = shlex.split(line.removeprefix(name))
        command.make_context(name, words)
    for parameter in command.params:
        assert parameter.help or parameter.name == "step_id", f"{name} {parameter.name}"


def test_help_is_plain_text_outside_a_terminal_and_has_the_exit_codes(tmp_path: Path) -> None:
    shown = tito(tmp_path, "--help").stdout
    assert "Exit codes: 0" in shown
    assert shown.isascii()
    assert "Exit codes: 0 everything passed" in tito(tmp_path, "check", "--help").stdout


def test_the_guide_names_every_command() -> None:
    guide = (ROOT / "book" / "guides" / "command-line.md").read_text("utf-8")
    missing = [name for name in commands(GROUP) if name not in guide]
    assert not missing


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("tito che", "check"),
        ("tito check 02-tensor/a", "02-tensor/arithmetic"),
        ("tito start 0", "02"),
        ("tito milestone ci", "cifar10"),
        ("tito data get sh", "shakespeare"),
    ],
)
def test_the_shell_completes(line: str, offered: str, tmp_path: Path) -> None:
    code = "import sys; sys.argv[0] = 'tito'; from tito.cli import app; app(prog_name='tito')"
    variables = {"_TITO_COMPLETE": "complete_bash", "COMP_WORDS": line}
    variables["COMP_CWORD"] = str(len(line.split()) - 1)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert offered in done.stdout.split(), (done.stdout, done.stderr)


def test_a_console_of_another_encoding_is_no_reason_to_fail(workspace: Workspace) -> None:
    for encoding in ("ascii", "cp1252", "utf-8"):
        shown = tito(workspace.root, "status", PYTHONIOENCODING=encoding)
        assert shown.returncode == 0, shown.stderr
        assert "02-tensor" in shown.stdout


def test_files_of_windows_editors_are_read(workspace: Workspace, course: Course) -> None:
    step = course.step("02-tensor/add")
    workspace.start(course.of(step))
    workspace.save(step, "def add(a, b):\n    return a + b\n")
    path = workspace.path("tinytorch/tensor.py")
    text = path.read_text("utf-8")
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert tito(workspace.root, "check", step.id).returncode == 0


def test_a_folder_with_spaces_and_signs(tmp_path: Path) -> None:
    folder = "my work, für Ada"
    assert tito(tmp_path, "init", folder).returncode == 0
    root = tmp_path / folder
    assert tito(root, "start", "01").returncode == 0
    shown = tito(root, "check", "01")
    assert shown.returncode == 1
    assert f"{root / 'tinytorch' / 'random.py'}:" in shown.stdout


def test_a_workspace_is_a_package_by_itself(workspace: Workspace, course: Course) -> None:
    """As an editor, a notebook or `pip install -e .` finds it: without the course beside it."""
    for chapter in ("01", "02"):
        workspace.start(course.chapter(chapter))
    code = (
        "import sys; sys.path[:] = [p for p in sys.path if p != sys.argv[1]]; import tinytorch\n"
        "print(tinytorch.__file__)\n"
        "try: tinytorch.Tensor([1.0]) + 1\n"
        "except NotImplementedError as error: print(error)\n"
        "try: tinytorch.nn.Linear\n"
        "except ModuleNotFoundError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT)],
        cwd=workspace.root,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=True,
    )
    file, unwritten, later = done.stdout.splitlines()
    assert file == str(workspace.path("tinytorch/__init__.py"))
    assert "02-tensor/add is not written yet" in unwritten
    assert "chapter 04 writes it" in later
    project = tomllib.loads(workspace.read("pyproject.toml") or "")["project"]
    assert project["name"] == "my-tinytorch", "pip can have it beside the course"


def test_conda_gets_what_pip_gets() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    conda = (ROOT / "environment.yml").read_text("utf-8")
    for dependency in project["dependencies"]:
        assert f"  - {dependency}\n" in conda


def test_the_doctor_says_what_is_there_and_how_to_mend_what_is_not(workspace: Workspace) -> None:
    found = tito(workspace.root, "doctor", "--json")
    assert found.returncode == 0, found.stdout
    about = {finding["about"]: finding for finding in json.loads(found.stdout)}
    assert {"Python", "NumPy", "BLAS", "memory", "workspace", "data"} <= set(about)
    assert "GFLOP/s" in about["BLAS"]["found"]
    workspace.start(workspace.course.chapter("02"))
    path = workspace.path("tinytorch/tensor.py")
    path.write_text(path.read_text("utf-8") + "\ndef broken(:\n", "utf-8")
    shown = tito(workspace.root, "doctor", TINYTORCH_CACHE=str(path / "cache"))
    assert shown.returncode == 1
    line = len(path.read_text("utf-8").splitlines())
    assert f"{path}:{line}:" in shown.stdout
    assert "TINYTORCH_CACHE" in shown.stdout


def test_a_notebook_is_the_page_and_ones_own_text(workspace: Workspace, course: Course) -> None:
    nbformat = pytest.importorskip("nbformat")
    step = course.step("02-tensor/add")
    workspace.save(step, "def add(a, b):\n    return a + b  # mine\n")
    assert tito(workspace.root, "notebook", "02", "--write-only").returncode == 0
    path = workspace.path("notebooks/02-tensor.ipynb")
    found = nbformat.read(path, 4)
    nbformat.validate(found)
    sources = [cell.source for cell in found.cells]
    assert f"%%step {step.id}\ndef add(a, b):\n    return a + b  # mine" in sources
    text = "\n".join(cell.source for cell in found.cells if cell.cell_type == "markdown")
    assert "{term}" not in text
    assert ":::" not in text
    assert text.startswith("# 02 Tensor")
    path.write_text("mine", "utf-8")
    assert "there already" in tito(workspace.root, "notebook", "02", "--write-only").stdout
    assert path.read_text("utf-8") == "mine"


def test_a_notebook_runs_and_checks_on_the_workspace(workspace: Workspace, course: Course) -> None:
    pytest.importorskip("ipykernel")
    import nbformat
    from nbclient import NotebookClient

    step = course.step("01-setup/manual-seed")
    made = notebook.notebook(workspace, course.chapter("01"))
    first = made["cells"][0]
    answer = starters.solution(course, step)
    cells = [first, notebook._code(f"%%step {step.id}\n{answer}"), notebook._code(LEVEL)]
    made["cells"] = [{**cell, "id": f"c{n}"} for n, cell in enumerate(cells)]
    document = nbformat.reads(json.dumps(made), 4)
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(ROOT)
    try:
        NotebookClient(
            document, timeout=120, resources={"metadata": {"path": workspace.root}}
        ).execute()
    finally:
        os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)
    printed = ["".join(map(text_of, cell.outputs)) for cell in document.cells]
    assert "cells run on" in printed[0]
    assert "01-setup/manual-seed" in printed[1]
    assert printed[2].split() == ["1", str(workspace.path("tinytorch/random.py"))]
    again = Workspace.open(workspace.root, course)
    assert again.entry(step)["outcome"] == "passed"
    assert again.module_text(step).rstrip("\n") == answer.rstrip("\n")


def text_of(output) -> str:
    """What a notebook shows, as plain text."""
    return output.get("text") or output["data"]["text/plain"]


LEVEL = "import tinytorch.random as r, tinytorch; print(tinytorch.course.level(), r.__file__)"
