"""A newcomer's session in a real terminal: from `tito init` to a finished chapter 02, and away.

Watch mode with a wrong answer, a hint, a stop, a right answer; keys; the terminal put back.
"""

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tito import regions, starters
from tito.course import ROOT, Course
from tito.workspace import Workspace

if sys.platform == "win32":
    pytest.skip("a pseudo-terminal is POSIX's", allow_module_level=True)

import pty
import termios

ADD = "02-tensor/add"
MOST = 90.0  # seconds for one thing to appear, on a machine that is busy with others
COLORS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A pseudo-terminal with one program in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.master, self.slave = pty.openpty()
        self.healthy = termios.tcgetattr(self.slave)
        self.text = ""
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *words: str) -> None:
        """Start `tito WORDS` with this terminal as its own."""
        self.text = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tito", *words],
            cwd=self.folder,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "200"},
        )

    def expect(self, pattern: str, seconds: float = MOST) -> str:
        """Wait until the pattern appears; what was printed up to there, which is taken away."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text)):
            left = end - time.monotonic()
            assert left > 0, f"no {pattern!r} in:\n{self.text}"
            if select.select([self.master], [], [], min(left, 0.1))[0]:
                read = os.read(self.master, 1 << 16).decode("utf-8", "replace")
                self.text += COLORS.sub("", read.replace("\r\n", "\n"))
        before = self.text[: found.end()]
        self.text = self.text[found.end() :]
        return before

    def press(self, key: str) -> None:
        """Type."""
        os.write(self.master, key.encode())

    def ctrl_c(self) -> None:
        """What the terminal does with Ctrl-C: a signal to everything that runs in it."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self, code: int) -> None:
        """The program has ended with this code, and the terminal is as it was before."""
        assert self.process
        assert self.process.wait(MOST) == code, self.text
        assert termios.tcgetattr(self.slave) == self.healthy

    def run(self, *words: str, code: int = 0) -> str:
        """Run a command to its end; what it printed."""
        self.start(*words)
        assert self.process
        end = time.monotonic() + MOST
        while self.process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(AssertionError):
                self.expect(r"\Z(?!)", 0.1)
        with contextlib.suppress(AssertionError):
            self.expect(r"\Z(?!)", 0.2)
        self.end(code)
        return self.text

    def close(self) -> None:
        """End what still runs."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path)
    yield made
    made.close()


def write(root: Path, course: Course, step_id: str, text: str) -> None:
    """Put a text into its place in the module, as an editor saves it."""
    step = course.step(step_id)
    path = root / "tinytorch" / f"{step.module}.py"
    path.write_text(regions.splice(path.read_text("utf-8"), step, text), "utf-8")


def test_from_init_to_a_finished_chapter(
    terminal: Terminal, tmp_path: Path, course: Course
) -> None:
    assert "Next: tito start 01" in terminal.run("init", "mine")
    terminal.folder = root = tmp_path / "mine"
    assert "02-tensor/add" in terminal.run("start", "02")

    terminal.start("check", "--watch", ADD)
    terminal.expect("This step is not written yet")
    terminal.expect("0 of .* steps done. Watching 02-tensor/add")

    write(root, course, ADD, "def add(a, b):\n    return a - b\n")
    saved = time.monotonic()
    terminal.expect("Checking 02-tensor/add")
    begun = time.monotonic() - saved
    place = terminal.expect(r"tensor\.py:\d+")
    terminal.expect(r"expected\s+\S")
    assert str(root / "tinytorch" / "tensor.py") in place
    terminal.expect("q quit")
    assert begun < 0.5 or os.getloadavg()[0] > 2, f"{begun:.2f} s after the file was saved"

    terminal.press("h")
    terminal.expect(r"02-tensor/add, hint 1 of \d")
    terminal.press("n")
    terminal.expect("02-tensor/add is open still")

    write(root, course, ADD, "def add(a, b):\n    while True:\n        pass\n")
    terminal.expect("Checking 02-tensor/add")
    time.sleep(0.5)
    terminal.ctrl_c()
    terminal.expect("Stopped the check")
    terminal.expect("q quit")

    write(root, course, ADD, "def add(a, b):\n    return a + b\n")
    terminal.expect("1 of .* steps done")
    terminal.press("l")
    terminal.expect("arithmetic")
    terminal.ctrl_c()
    terminal.expect("Stopped watching")
    terminal.end(130)

    for step in course.chapter("02").steps[1:]:
        write(root, course, step.id, starters.solution(course, step))
    assert "Chapter 02 is done." in terminal.run("check", "02")
    workspace = Workspace.open(root, course)
    assert workspace.entry(course.step(ADD))["outcome"] == "passed"
    assert workspace.entry(course.step(ADD))["failures"] >= 1
    assert "02-tensor" in terminal.run("status")
    assert "Wrote work.zip" in terminal.run("export", "work.zip")
    shutil.copy(root / "work.zip", tmp_path / "there.zip")
    assert "Imported" in terminal.run("import", str(tmp_path / "there.zip"))
    assert "Chapter 02 is done." in terminal.run("check", "02")


def test_next_goes_from_step_to_step(terminal: Terminal, tmp_path: Path, course: Course) -> None:
    terminal.run("init", "mine")
    terminal.folder = root = tmp_path / "mine"
    terminal.start("check", "--watch")
    terminal.expect("Started chapter 01")
    terminal.expect("q quit")
    step = course.chapter("01").steps[0]
    write(root, course, step.id, starters.solution(course, step))
    terminal.expect("1 of .* steps done")
    terminal.press("n")
    terminal.expect("Watching 02-tensor/add")
    write(root, course, ADD, "def add(a, b):\n    return a + b\n")
    terminal.expect("2 of .* steps done")
    # An editor that saves while a check runs: the newer text is what gets the verdict.
    write(root, course, ADD, "def add(a, b):\n    while True:\n        pass\n")
    terminal.expect("Checking 02-tensor/add")
    write(root, course, ADD, "def add(a, b):\n    return b - a\n")
    terminal.expect("1 of .* steps done")
    terminal.press("q")
    terminal.end(0)
