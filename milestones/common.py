"""What the milestones share: data, where a run is kept, its clock, and the gate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import tinytorch
from tinytorch import course


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
        known = json.loads(self.record.read_text()) if self.record.exists() else {}
        if restart or known.get("settings") != settings:
            self.forget()
        elif self.checkpoint.exists():
            self.wall, self.cpu = known["wall"], known["cpu"]
            print(f"going on from {self.checkpoint} after {self.wall:.0f} s", flush=True)
        self.since = time.perf_counter(), time.process_time()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *error: object) -> None:
        self.wall += time.perf_counter() - self.since[0]
        self.cpu += time.process_time() - self.since[1]
        self.since = time.perf_counter(), time.process_time()
        record = {"settings": self.settings, "wall": self.wall, "cpu": self.cpu}
        self.record.write_text(json.dumps(record))

    def forget(self) -> None:
        """Remove what there is to continue."""
        self.checkpoint.unlink(missing_ok=True)
        self.record.unlink(missing_ok=True)

    def clock(self) -> str:
        """The time taken, as text."""
        return f"{self.wall / 60:.1f} minutes, {self.cpu:.0f} CPU-seconds"


def data_folder(name: str) -> Path | None:
    """The folder of a data set, fetched if it is not there; None, with the reason printed."""
    command = [sys.executable, "-m", "tito.data", "get", name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def describe() -> None:
    """Print what runs: whose package, which kernels, how many threads."""
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


def gate(name: str, passed: bool, measured: str) -> int:
    """Print the verdict on what was measured; the exit code."""
    print(f"{name}: {measured}: {'PASSED' if passed else 'MISSED'}", flush=True)
    return 0 if passed else 1


def start(main: Callable[[], int]) -> None:
    """Run a milestone's `main` and exit with its code; Ctrl-C says how to go on."""
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from the last checkpoint", flush=True)
        sys.exit(130)
