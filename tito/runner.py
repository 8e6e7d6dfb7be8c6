"""Runs the judge where it belongs: in Pyodide in this process, in CPython in one of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from tito.course import ROOT, Course
from tito.errors import TitoError
from tito.report import ERROR, Report, report

Job = dict[str, str]  # {"step", "package"}, or {"step", "code"} for a text on the reference


def run(
    course: Course,
    jobs: Sequence[Job],
    timeout: float | None = None,
    give_up: Callable[[], bool] | None = None,
    spare: "Spare | None" = None,
) -> Iterator[Report]:
    """The report of each job, in order, as soon as it is there.

    `timeout` (seconds, for each job) is only kept in CPython; in the page the reader stops.
    `give_up` is asked all the while: when it says so, the check ends and no more reports come.
    `spare`: a judge that waits already.
    """
    if sys.platform == "emscripten":
        for job in jobs:
            yield _here(course, job)
        return
    waiting = list(jobs)
    while waiting:
        answered = 0
        for answer in _batch(course, waiting, timeout, give_up, spare):
            if answer is None:
                return
            answered += 1
            yield _checked(answer)
        if answered < len(waiting):
            # The process ended in the middle: that job's code did it, the others get a new one.
            lost = waiting[answered]
            yield report(lost["step"], ERROR, "check", message=_why_lost(timeout))
            answered += 1
        waiting = waiting[answered:]


def _here(course: Course, job: Job) -> Report:
    # Only here: the command line starts without NumPy and pytest.
    from tito import judge

    if "code" in job:
        return judge.judge_text(course, course.step(job["step"]), job["code"])
    return judge.judge(course, judge.Request(job["step"], Path(job["package"])))


def _batch(
    course: Course,
    jobs: list[Job],
    timeout: float | None,
    give_up: Callable[[], bool] | None,
    spare: "Spare | None",
) -> Iterator[dict[str, Any] | None]:
    """Answers; None where it was given up."""
    with tempfile.TemporaryDirectory(prefix="tinytorch-judge-") as folder:
        request, answers = Path(folder, "request.json"), Path(folder, "answers.jsonl")
        request.write_text(json.dumps({"root": str(course.root), "requests": jobs}), "utf-8")
        answers.touch()
        process = spare.take() if spare else _start_judge()
        try:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError), process.stdin as line:
                line.write(json.dumps([str(request), str(answers)]).encode() + b"\n")
            yield from _follow(process, answers, len(jobs), timeout, give_up)
        finally:
            process.kill()
            process.wait()


_START = """import json, sys
sys.path.insert(0, sys.argv[1])
from tito.judge import main, warm_up
if sys.argv[2]: warm_up(sys.argv[2])
line = sys.stdin.readline()
if line: main(json.loads(line))
"""


def _start_judge(warm: str = "") -> "subprocess.Popen[bytes]":
    """A process that waits for the names of its files on its standard input."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TINYTORCH_")}
    environment.update(PYTHONDONTWRITEBYTECODE="1", PYTHONUTF8="1")
    # -P: a folder called tinytorch where the student stands must not come before ours.
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _START, str(ROOT), warm],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class Spare:
    """A judge that is started before there is work, for one who checks again and again."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Start it, unless it is there."""
        if self._process is None or self._process.poll() is not None:
            self._process = _start_judge(str(self._course.root))

    def take(self) -> "subprocess.Popen[bytes]":
        """The waiting process, or a new one."""
        process, self._process = self._process, None
        return process if process and process.poll() is None else _start_judge()

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _follow(
    process: "subprocess.Popen[bytes]",
    answers: Path,
    count: int,
    timeout: float | None,
    give_up: Callable[[], bool] | None,
) -> Iterator[dict[str, Any] | None]:
    """Yield answers as the process writes them, until it ends or one takes too long."""
    with open(answers, encoding="utf-8") as lines:
        waited, partial = 0.0, ""
        while count:
            ended = process.poll() is not None
            partial += lines.readline()
            if partial.endswith("\n"):
                yield json.loads(partial)
                count, waited, partial = count - 1, 0.0, ""
                continue
            if give_up and give_up():
                yield None
                return
            if ended or (timeout is not None and waited > timeout):
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.01)
            waited += 0.01


def _checked(answer: dict[str, Any]) -> Report:
    if "error" in answer:
        raise TitoError(**answer["error"])
    return answer


def _why_lost(timeout: float | None) -> str:
    limit = f" within {timeout:g} seconds" if timeout else ""
    return (
        f"The check did not come to an end{limit}: the code may loop forever, use up the memory, "
        "or end Python itself (os._exit)."
    )


def become(command: list[str], variables: dict[str, str]) -> NoReturn:
    """Run a Python program in place of this one: Ctrl-C and the exit code are its own."""
    sys.stdout.flush()
    if os.name == "posix":
        os.execve(sys.executable, command, variables)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(subprocess.call(command, env=variables))
