"""Whose functions run on a student's package: all their own, or fast ones where they agree."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from milestones.common import student
from milestones.live import minutes

ENOUGH = 3.0  # seconds of measuring


def choose(
    wanted: str, folder: Path, trial: Callable[[], Callable[[], object]], steps: int
) -> None:
    """Measure what `steps` steps would take, and choose the functions that run.

    wanted: "own", "fast" or "ask" (the terminal, or else whatever is faster). trial: makes a model
    to be thrown away and returns the function that trains it one step. A run that goes on keeps
    what was chosen for it while the package is the same.
    """
    package = student()
    if package is None:
        return
    from milestones import agreement

    kernels = agreement.kernels()
    kept = folder / "functions.json"
    mark = _fingerprint(package)
    known = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    if known.get("package") == mark and known.get("wanted") == wanted:
        kernels.use_kernels("fast", known["fast"])
        print(_summary(known["fast"]), flush=True)
        return
    print("measuring how long the run takes on your own functions ...", flush=True)
    one_step = trial()
    own = _seconds(one_step) * steps
    found = agreement.compare()
    agreed = sorted(name for name, problem in found.items() if not problem)
    kernels.use_kernels("fast", agreed)
    fast = _seconds(one_step) * steps
    kernels.use_kernels("plain")
    print(f"on your own functions: about {minutes(own)}")
    print(f"with fast kernels in place of {len(agreed)} of them: about {minutes(fast)}")
    for name, problem in found.items():
        print(f"  {name}: {problem or 'agrees on random shapes'}")
    chosen = agreed if _wants_fast(wanted, own, fast) else []
    kernels.use_kernels("fast", chosen)
    print(_summary(chosen), flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    record = {"package": mark, "wanted": wanted, "fast": chosen, "own_seconds": own}
    kept.write_text(json.dumps({**record, "fast_seconds": fast}, indent=1) + "\n", "utf-8")


def _summary(fast: list[str]) -> str:
    if not fast:
        return "functions that run: all your own"
    return f"functions that run: fast kernels for {', '.join(fast)}; all others are your own"


def _wants_fast(wanted: str, own: float, fast: float) -> bool:
    if wanted != "ask":
        return wanted == "fast"
    if own <= fast:
        return False
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return True
    return input("Use the fast kernels where they agree? [Y/n] ").strip().lower() in (
        "",
        "y",
        "yes",
    )


def _seconds(one_step: Callable[[], object]) -> float:
    """Seconds of one step: the shortest of several, the first of which only warms up."""
    began = time.perf_counter()
    one_step()
    times = [time.perf_counter() - began]
    while time.perf_counter() - began < ENOUGH and len(times) < 8:
        start = time.perf_counter()
        one_step()
        times.append(time.perf_counter() - start)
    return min(times)


def _fingerprint(package: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
