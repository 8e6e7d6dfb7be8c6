"""Runs the judge where it belongs: in Pyodide in this process, in CPython in one of its own."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tito.course import ROOT, Course
from tito.errors import TitoError
from tito.report import ERROR, Report, report

Job = dict[str, str]  # {"step", "package"}, or {"step", "code"} for a text on the reference


def run(course: Course, jobs: Sequence[Job], timeout: float | None = None) -> Iterator[Report]:
    """The report of each job, in order, as soon as it is there.

    `timeout` (seconds, for each job) is only kept in CPython; in the page the reader stops.
    """
    if sys.platform == "emscripten":
        for job in jobs:
            yield _here(course, job)
        return
    waiting = list(jobs)
    while waiting:
        answered = 0
        for answer in _batch(course, waiting, timeout):
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


def _batch(course: Course, jobs: list[Job], timeout: float | None) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="tinytorch-judge-") as folder:
        request, answers = Path(folder, "request.json"), Path(folder, "answers.jsonl")
        request.write_text(json.dumps({"root": str(course.root), "requests": jobs}), "utf-8")
        answers.touch()
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TINYTORCH_")}
        environment.update(PYTHONDONTWRITEBYTECODE="1", PYTHONUTF8="1")
        # -P: a folder called tinytorch where the student stands must not come before ours.
        command = [sys.executable, "-P", "-c", _START, str(ROOT)]
        process = subprocess.Popen(
            [*command, str(request), str(answers)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield from _follow(process, answers, len(jobs), timeout)
        finally:
            process.kill()
            process.wait()


_START = """import sys
sys.path.insert(0, sys.argv[1])
from tito.judge import main
main(sys.argv[2:])
"""


def _follow(
    process: "subprocess.Popen[bytes]", answers: Path, count: int, timeout: float | None
) -> Iterator[dict[str, Any]]:
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
