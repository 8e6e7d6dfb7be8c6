"""Measure whole training steps of TinyTorch against PyTorch: `python -m benchmarks`.

Each framework runs in a process of its own, on one thread; the steps are interleaved, so that
whatever else the machine does slows both. Reported are medians of CPU seconds. The first losses
must agree: the frameworks start from the same weights and see the same data.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.models import PROGRAMS, Program

TESTED_TORCH = "2.13.0"
WARM_UP = 3
RESULTS = Path(__file__).with_name("RESULTS.md")
OTHERS = "\n# "  # what other programs wrote: each has a heading of its own

# Pinned by some environments; both slow NumPy's matrix products and leave PyTorch alone.
UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass
class Runner:
    """A framework in its process, and what it measured."""

    name: str
    process: subprocess.Popen[str]
    seconds: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    memory: float | None = None
    process_memory: float | None = None

    def step(self) -> None:
        """Run one step and note what it took."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} stopped; its error is above")
        answer = json.loads(line)
        self.seconds.append(answer["seconds"])
        self.losses.append(answer["loss"])
        self.memory, self.process_memory = answer["memory"], answer["process"]

    @property
    def time(self) -> float:
        """Median CPU seconds of a step, the first ones left out."""
        return median(self.seconds[WARM_UP:])


@contextlib.contextmanager
def started(name: str, framework: str, program: str, layout: str) -> Iterator[Runner]:
    """A process that runs `program` on `framework`, in an environment fit for measuring."""
    environment = {key: value for key, value in os.environ.items() if key not in UNSET}
    environment.update(dict.fromkeys(ONE_THREAD, "1"), TINYTORCH_NUM_THREADS="1")
    environment["TINYTORCH_KERNELS"] = "plain" if layout == "plain" else "fast"
    command = [sys.executable, "-m", "benchmarks.worker", framework, program, layout]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) as process:
        try:
            yield Runner(name, process)
        finally:
            process.terminate()


def measure(key: str, program: Program, rounds: int, with_torch: bool) -> list[Runner]:
    """Run every framework in turn, `rounds` times; check that they compute the same."""
    contenders = [("TinyTorch", "tinytorch", "default")]
    if with_torch:
        contenders.append(("PyTorch", "torch", "default"))
        if program.images:
            contenders.append(("PyTorch channels_last", "torch", "channels_last"))
    contenders.append(("TinyTorch, plain kernels", "tinytorch", "plain"))
    with contextlib.ExitStack() as stack:
        runners = [stack.enter_context(started(n, f, key, layout)) for n, f, layout in contenders]
        for _ in range(WARM_UP + rounds):
            for runner in runners:
                runner.step()
    for other in runners[1:]:
        pairs = zip(runners[0].losses[:WARM_UP], other.losses[:WARM_UP], strict=True)
        if any(abs(a - b) > 1e-3 * max(1.0, abs(b)) for a, b in pairs):
            losses = [runner.losses[:WARM_UP] for runner in (runners[0], other)]
            raise SystemExit(f"{key}: TinyTorch and {other.name} compute different losses {losses}")
    return runners


def megabytes(value: float | None) -> str:
    """A number of megabytes for the table."""
    return "-" if value is None else f"{value:.0f}"


def table(results: dict[str, list[Runner]]) -> str:
    """The measurements as a Markdown table."""
    lines = [
        "| step | framework | CPU ms | best | ratio | allowed | step memory MB | process MB |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for key, runners in results.items():
        reference = next((r for r in runners if r.name == "PyTorch"), None)
        for runner in runners:
            ratio = f"{runner.time / reference.time:.2f}" if reference else "-"
            ours = runner is runners[0]
            cells = [
                PROGRAMS[key].title if ours else "",
                runner.name,
                f"{runner.time * 1e3:.1f}",
                f"{min(runner.seconds[WARM_UP:]) * 1e3:.1f}",
                f"**{ratio}**" if ours else ratio,
                f"{PROGRAMS[key].limit}" if ours else "",
                megabytes(runner.memory),
                megabytes(runner.process_memory),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def processor() -> str:
    """The name of the processor."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def conditions(with_torch: bool, rounds: int) -> str:
    """On what, with what and how it was measured."""
    versions = [f"{n} {importlib.metadata.version(n)}" for n in ("numpy", *["torch"] * with_torch)]
    settings = ", ".join(f"{name}={os.environ.get(name, '(not set)')}" for name in UNSET)
    return (
        f"{processor()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, {', '.join(versions)}. One thread each, eager, "
        f"float32, medians of {rounds} interleaved steps after {WARM_UP}. "
        f"The environment had {settings}; the measured processes ran without them."
    )


REPORT = """# TinyTorch and PyTorch, whole training steps

Written by `{command}`, which `make bench` runs. The programs are in
[models.py](models.py): both frameworks run the same lines from the same weights, and their first
losses agree to three decimals.

{conditions}

{table}

*ratio*: CPU seconds relative to PyTorch in its default layout. *allowed*: what we hold ourselves
to. *step memory*: peak resident memory above that of the process after its imports.
"""

INSTALL = f"""PyTorch is not installed, so there is nothing to compare with. To install it:
    {os.path.relpath(sys.executable)} -m pip install torch=={TESTED_TORCH}
Measuring TinyTorch alone."""


def main() -> int:
    """Measure, print, write the results; 1 when a ratio is over its limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("programs", nargs="*", choices=[[], *PROGRAMS], help="default: all")
    parser.add_argument("--rounds", type=int, default=20, help="measured steps of each")
    parser.add_argument("--no-write", action="store_true", help="leave RESULTS.md alone")
    arguments = parser.parse_args()
    with_torch = importlib.util.find_spec("torch") is not None
    if not with_torch:
        print(INSTALL)
    results: dict[str, list[Runner]] = {}
    for key in arguments.programs or PROGRAMS:
        print(f"measuring {PROGRAMS[key].title}", flush=True)
        results[key] = measure(key, PROGRAMS[key], arguments.rounds, with_torch)
    notes = conditions(with_torch, arguments.rounds)
    print(f"\n{notes}\n\n{table(results)}")
    if not with_torch:
        return 0
    if not arguments.no_write and len(results) == len(PROGRAMS):
        command = " ".join(["python -m benchmarks", *sys.argv[1:]])
        text = REPORT.format(command=command, conditions=notes, table=table(results))
        _, mark, others = RESULTS.read_text(encoding="utf-8").partition(OTHERS)
        RESULTS.write_text(text + mark + others, encoding="utf-8")
    slow = [
        key
        for key, (ours, theirs, *_) in results.items()
        if ours.time > PROGRAMS[key].limit * theirs.time
    ]
    print(f"\nover the limit: {', '.join(slow)}" if slow else "\nall within their limits")
    return int(bool(slow))


if __name__ == "__main__":
    raise SystemExit(main())
