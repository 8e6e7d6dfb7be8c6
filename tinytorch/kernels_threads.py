"""Threads for the fast kernels (chapter 16, given): work in chunks, taken from a queue.

NumPy releases the interpreter lock inside its loops and matrix products, so Python threads that
take chunks do run side by side. OpenBLAS has threads of its own, which wait for each other in every
product: on two cores with other programs at work, a training step took 6 to 12 times the processor
time. It is told to use one thread, and a queue shares out the chunks: a busy core takes fewer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from numpy.linalg import _umath_linalg

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

Result = TypeVar("Result")

MOST = 8  # threads by default; more get in each other's way between chunks
SETTINGS = ("TINYTORCH_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_threads = 1
_executor: ThreadPoolExecutor | None = None


def in_chunks(
    run: Callable[[slice], Result], count: int, bytes_each: int, budget: int
) -> list[Result]:
    """`run(slice)` over `range(count)`, cut so that a chunk's temporary arrays fit the cache.

    bytes_each: temporary bytes for one of `count`; budget: bytes for one chunk. Results come in
    order, whichever thread finished first, so sums over them do not depend on timing.
    """
    length = max(1, min(count, budget // max(bytes_each, 1)))
    pieces = [slice(start, min(start + length, count)) for start in range(0, max(count, 1), length)]
    if _threads == 1 or len(pieces) == 1:
        return [run(piece) for piece in pieces]
    return list(_queue().map(run, pieces))


def set_num_threads(count: int) -> None:
    """Let `count` threads take chunks; 1 means none but the caller's, and a browser has no more."""
    global _threads
    if count < 1:
        raise ValueError(f"set_num_threads: count must be at least 1, got {count}")
    _stop()
    _threads = 1 if sys.platform == "emscripten" else count
    _one_blas_thread()


def get_num_threads() -> int:
    """The number of threads that take chunks."""
    return _threads


def default_threads() -> int:
    """What the environment asks for, else one thread for each core this process may use."""
    for name in SETTINGS:
        if os.environ.get(name, "").isdigit():
            return max(1, int(os.environ[name]))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, MOST)


def _queue() -> ThreadPoolExecutor:
    """The threads, started when they are first needed."""
    global _executor
    if _executor is None:
        from concurrent.futures import ThreadPoolExecutor

        _executor = ThreadPoolExecutor(_threads, thread_name_prefix="tinytorch")
    return _executor


def _stop() -> None:
    global _executor
    if _executor is not None:
        _executor.shutdown()
    _executor = None


def _forget() -> None:
    """In a forked process: its parent's threads do not exist there."""
    global _executor
    _executor = None


def _one_blas_thread() -> None:
    """Tell the OpenBLAS inside NumPy; a NumPy with another library, or in a browser, has none."""
    if sys.platform == "emscripten":
        return
    import ctypes

    library = ctypes.CDLL(_umath_linalg.__file__)
    for prefix in ("scipy_", ""):
        for suffix in ("64_", ""):
            name = f"{prefix}openblas_set_num_threads{suffix}"
            if hasattr(library, name):
                getattr(library, name)(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
set_num_threads(default_threads())
