"""The command line as a student and as a program meet it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tito.course import ROOT

ADD = "02-tensor/add"
RIGHT = "def add(a, b):\n    return a + b\n"


@pytest.fixture
def tito(tmp_path):
    """Run a command in a workspace folder; its outcome."""
    root = tmp_path / "mine"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}

    def run(*arguments, code=None, folder=None):
        result = subprocess.run(
            [sys.executable, "-m", "tito.cli", *arguments],
            cwd=folder or root,
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if code is not None:
            assert result.returncode == code, (result.stdout, result.stderr)
        return result

    run("init", "mine", code=0, folder=tmp_path)
    run.root, run.environment = root, environment
    return run


def write_answer(root: Path, body: str) -> None:
    path = root / "tinytorch" / "tensor.py"
    text = path.read_text()
    start = text.index("# >>> 02-tensor/add\n") + len("# >>> 02-tensor/add\n")
    end = text.index("# <<< 02-tensor/add")
    path.write_text(text[:start] + body + text[end:])


def test_from_nothing_to_a_passed_step(tito):
    assert "tito start 01" in tito("next", code=0).stdout
    tito("start", "02", code=0)
    failed = tito("check", ADD, code=1)
    assert "This step is not written yet." in failed.stdout
    write_answer(tito.root, "def add(a, b):\n    return a - b\n")
    failed = tito("check", ADD, code=1)
    line = (tito.root / "tinytorch/tensor.py").read_text().split("\n").index("    return a - b") + 1
    assert f"{tito.root / 'tinytorch' / 'tensor.py'}:{line}" in failed.stdout
    assert "expected 5.0, got -1.0" in failed.stdout
    write_answer(tito.root, RIGHT)
    passed = tito("check", ADD, "--json", code=0)
    assert json.loads(passed.stdout)["outcome"] == "passed"
    state = json.loads(tito("status", "--json", code=0).stdout)
    steps = {s["id"]: s["outcome"] for c in state["chapters"] for s in c["steps"]}
    assert steps[ADD] == "passed"
    assert "passed" in tito("status", code=0).stdout
    chapter = json.loads(tito("check", "02", "--json", code=1).stdout)
    assert [r["outcome"] for r in chapter][:2] == ["passed", "failed"]


@pytest.mark.parametrize(
    ("text", "code", "outcome"),
    [
        (RIGHT, 0, "passed"),
        ("def add(a, b):\n    return a", 1, "failed"),
        ("def add(a, b)", 2, "error"),
        ("def plus(a, b): return a + b", 2, "error"),
        ("raise OSError\n" + RIGHT, 2, "error"),
    ],
)
def test_a_file_is_checked_on_the_reference(tito, tmp_path, text, code, outcome):
    file = tmp_path / "answer.py"
    file.write_text(text)
    result = tito("check", ADD, "--code", str(file), "--json", code=code, folder=tmp_path)
    report = json.loads(result.stdout)
    assert (report["step"], report["outcome"]) == (ADD, outcome)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "02-tensor/ad"], "Did you mean '02-tensor/add'?"),
        (["check", "2-tensr"], "Did you mean '02-tensor'?"),
        (["check", ADD], "tito start 02"),
        (["check", ADD, "--code", "nowhere.py"], "nowhere.py cannot be read"),
        (["import", "nowhere.zip"], "nowhere.zip cannot be read"),
        (["solution", ADD], "--anyway"),
    ],
)
def test_errors_say_what_to_do_and_end_with_2(tito, arguments, message):
    result = tito(*arguments, code=2)
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_errors_are_json_for_programs(tito):
    result = tito("check", "nothing/here", "--json", code=2)
    assert json.loads(result.stdout)["error"]["kind"] == "unknown-step"


def test_outside_a_workspace(tito, tmp_path):
    assert "tito init" in tito("status", code=2, folder=tmp_path).stderr


def test_a_newer_workspace_is_refused(tito):
    state = tito.root / ".tito" / "workspace.json"
    state.write_text('{"schema": 9}')
    for arguments in (["init", "."], ["start", "02"], ["check", ADD], ["status"], ["reset", ADD]):
        assert "newer version of the course" in tito(*arguments, code=2).stderr
    assert state.read_text() == '{"schema": 9}'


def test_hints_solution_and_reset(tito):
    tito("start", "02", code=0)
    assert tito("hint", ADD, code=0).stdout.startswith("1/")
    assert "2/" in tito("hint", ADD, code=0).stdout
    assert "return a + b" in tito("solution", ADD, "--anyway", code=0).stdout
    write_answer(tito.root, RIGHT)
    tito("reset", ADD, "--yes", code=0)
    assert "is not written yet" in (tito.root / "tinytorch/tensor.py").read_text()
    kept = tito.root / ".tito/kept/02-tensor/add.1.py"
    assert kept.read_text() == RIGHT.rstrip("\n")


def test_export_and_import(tito, tmp_path):
    tito("start", "02", code=0)
    write_answer(tito.root, RIGHT)
    tito("check", ADD, code=0)
    file = tmp_path / "work.zip"
    tito("export", str(file), code=0)
    tito("init", "other", code=0, folder=tmp_path)
    tito("import", str(file), code=0, folder=tmp_path / "other")
    tito("check", ADD, code=0, folder=tmp_path / "other")
    file.write_bytes(b"PK")
    assert "cannot be imported" in tito("import", str(file), code=2).stderr


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_an_interrupt_ends_the_check_and_changes_nothing(tito):
    tito("start", "02", code=0)
    started = tito.root / "started"
    write_answer(
        tito.root,
        f"def add(a, b):\n    open({str(started)!r}, 'w').close()\n    while True: pass\n",
    )
    before = {p: p.read_bytes() for p in tito.root.rglob("*.*") if p.is_file()}
    process = subprocess.Popen(
        [sys.executable, "-m", "tito.cli", "check", ADD],
        cwd=tito.root,
        env=tito.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 60
    while not started.exists() and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    started.unlink()
    assert process.returncode == 130
    assert "Stopped." in errors
    assert {p: p.read_bytes() for p in tito.root.rglob("*.*") if p.is_file()} == before


def test_the_command_line_needs_no_tinytorch_in_its_own_process():
    code = "import sys, tito.cli; assert 'tinytorch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
