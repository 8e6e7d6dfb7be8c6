"""One framework in one process: builds a program, then runs one timed step for each line it reads.

Started by `python -m benchmarks`; speaks JSON, one object a line.
"""

from __future__ import annotations

import importlib
import json
import sys
import time

from benchmarks.models import PROGRAMS

MEGABYTE = 2**20


def peak_memory() -> float | None:
    """The largest resident memory of this process so far, in MB; None where it cannot be asked."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MEGABYTE


def main(framework: str, program: str, layout: str) -> None:
    """Answer every line on standard input with the time, the loss and the memory of a step."""
    torch = importlib.import_module(framework)
    if framework == "torch":
        torch.set_num_threads(1)
    imported = peak_memory()
    step = PROGRAMS[program].build(torch, layout)
    for _ in sys.stdin:
        start = time.process_time()
        loss = step()
        seconds = time.process_time() - start
        peak = peak_memory()
        memory = None if peak is None or imported is None else peak - imported
        answer = {"seconds": seconds, "loss": loss, "memory": memory, "process": peak}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
