"""What the milestones share: settings, data, where a run is kept, its clock, and the gate."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import numpy as np

import tinytorch
from tinytorch import course
from tito import data

UNUSABLE, STOPPED = 2, 130


def settings(name: str, about: str) -> argparse.ArgumentParser:
    """The settings that every milestone has; a program adds its own."""
    parser = argparse.ArgumentParser(prog=f"python -m milestones {name}", description=about)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("build/milestones") / name)
    parser.add_argument("--restart", action="store_true", help="do not go on from a checkpoint")
    parser.add_argument(
        "--functions",
        choices=["ask", "own", "fast"],
        default="ask",
        help="a student's package: all its own functions, or fast kernels where they agree",
    )
    return parser


class Run:
    """The folder of a run: its checkpoint, and how long it has taken over all its parts.

    settings: what the run was started with; a checkpoint of other settings is not continued.
    """

    def __init__(self, folder: Path, settings: dict[str, object], restart: bool) -> None:
        self.folder, self.settings = folder, settings
        self.checkpoint = folder / "checkpoint.safetensors"
        self.record = folder / "run.json"
        self.wall = self.cpu = 0.0
        folder.mkdir(parents=True, exist_ok=True)
        known = _read(self.record)
        if restart or known.get("settings") != settings:
            self.forget()
        elif self.checkpoint.exists():
            self.wall, self.cpu = known["wall"], known["cpu"]
            print(f"going on from {self.checkpoint} after {self.wall:.0f} s", flush=True)
        # At once, so that a run that is killed can be continued, too.
        self._write()
        self.since = time.perf_counter(), time.process_time()

    def __enter__(self) -> Run:
        return self

    def note(self) -> None:
        """Write how long it has taken until now, for the case that it ends without a word."""
        self.wall += time.perf_counter() - self.since[0]
        self.cpu += time.process_time() - self.since[1]
        self.since = time.perf_counter(), time.process_time()
        self._write()

    def __exit__(self, *error: object) -> None:
        for unfinished in self.folder.glob("*.unfinished"):
            unfinished.unlink()
        self.note()

    def _write(self) -> None:
        text = json.dumps({"settings": self.settings, "wall": self.wall, "cpu": self.cpu})
        unfinished = self.record.with_name("run.json.unfinished")
        unfinished.write_text(text, "utf-8")
        unfinished.replace(self.record)

    def forget(self) -> None:
        """Remove what there is to continue."""
        self.checkpoint.unlink(missing_ok=True)
        self.record.unlink(missing_ok=True)

    def epochs(self) -> int:
        """How many epochs the checkpoint has behind it."""
        if not self.checkpoint.exists():
            return 0
        from tinytorch.safetensors import load_metadata  # chapter 08: not there for XOR

        rest = json.loads(load_metadata(self.checkpoint)["tinytorch"])
        return len(rest["history"])

    def clock(self) -> str:
        """The time taken, as text."""
        return f"{self.wall / 60:.1f} minutes, {self.cpu:.0f} CPU-seconds"


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and {"wall", "cpu"} <= found.keys() else {}


def data_folder(name: str) -> Path | None:
    """The folder of a data set, fetched if it is not there; None, with the reason printed."""
    try:
        return data.get(name, data.print_progress)
    except data.DataError as error:
        print(error, file=sys.stderr)
        return None


class Log:
    """Everything that is printed, in a file too; lines that are rewritten on a terminal once."""

    def __init__(self, stream: TextIO, path: Path) -> None:
        self.stream, self.path, self.line = stream, path, ""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n== {time.strftime('%Y-%m-%d %H:%M:%S')}\n")

    def write(self, text: str) -> int:
        """Print; complete lines go to the file, too."""
        self.stream.write(text)
        *lines, self.line = (self.line + text).split("\n")
        if lines:
            shown = (line.rpartition("\r")[2].replace("\x1b[K", "") for line in lines)
            with self.path.open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in shown)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def describe(folder: Path | None = None) -> None:
    """Print what runs: whose package, which kernels, how many threads. folder: keep a log there."""
    if folder is not None:
        sys.stdout = Log(sys.stdout, folder / "log.txt")  # type: ignore[assignment]
    kernels = "plain"
    if course.available("kernels"):
        from tinytorch.kernels import kernels_in_use

        kernels = kernels_in_use()
    print(
        f"tinytorch {tinytorch.__version__} at level {course.level():02}, {kernels} kernels, "
        f"NumPy {np.__version__}, {os.environ['TINYTORCH_NUM_THREADS']} threads, "
        f"OPENBLAS_CORETYPE {os.environ.get('OPENBLAS_CORETYPE', 'not set')}",
        flush=True,
    )
    mine, theirs = whose()
    if mine:
        print(f"your package: {', '.join(mine)}", flush=True)
        print(f"the reference: {', '.join(theirs) or 'nothing'}", flush=True)


def student() -> Path | None:
    """The folder of the student's package, when a milestone runs on one."""
    folder = os.environ.get("TINYTORCH_STUDENT")
    return Path(folder).resolve() if folder else None


def whose() -> tuple[list[str], list[str]]:
    """The course modules that were imported: from the student's package, from the reference."""
    mine: list[str] = []
    theirs: list[str] = []
    folder = student()
    for name in course.MODULES:
        module = sys.modules.get(f"tinytorch.{name}")
        if module is not None:
            own = folder is not None and folder in Path(str(module.__file__)).resolve().parents
            (mine if own else theirs).append(name)
    return mine, theirs


def gate(name: str, passed: bool, measured: str, folder: Path | None = None) -> int:
    """Print the verdict on what was measured; the exit code. folder: keep it in `result.json`."""
    print(f"{name}: {measured}: {'PASSED' if passed else 'MISSED'}", flush=True)
    if folder is not None:
        package = "student" if student() else "reference"
        result = {"name": name, "passed": passed, "measured": measured, "package": package}
        (folder / "result.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    return 0 if passed else 1


def start(main: Callable[[], int]) -> None:
    """Run a milestone's `main` and exit with its code; Ctrl-C says how to go on."""
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from the last checkpoint", flush=True)
        sys.exit(STOPPED)
    except OSError as error:
        print(f"stopped: {error}", file=sys.stderr)
        print("Mend that; the same command goes on from the last checkpoint.", file=sys.stderr)
        sys.exit(UNUSABLE)
