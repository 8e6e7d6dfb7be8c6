"""Memory for the fast kernels (chapter 16, given): buffers used again, and work cut into chunks.

A fresh 8 MB array costs about as much as the arithmetic that fills it: the operating system maps
and clears its pages one by one. `empty` therefore hands out memory that earlier arrays left behind.
A buffer comes back only when the last array or view that looks at it is gone, so a recycled buffer
is never one that somebody still holds. This is the idea of PyTorch's caching allocator
(https://pytorch.org/docs/stable/notes/cuda.html#memory-management).
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

Result = TypeVar("Result")

SMALLEST = 1 << 15  # bytes; below this NumPy's own allocator is as fast
ALIGNMENT = 64  # bytes; a cache line, and the widest vector register
IDLE_LIMIT = 1 << 29  # bytes of idle memory kept for reuse; beyond it everything idle is given back


class _Pool:
    """Idle buffers by size."""

    def __init__(self) -> None:
        self.idle: dict[int, list[np.ndarray]] = {}
        self.idle_bytes = 0

    def take(self, size: int) -> np.ndarray:
        try:
            buffer = self.idle[size].pop()
        except (KeyError, IndexError):
            return np.empty(size + ALIGNMENT, np.uint8)
        self.idle_bytes -= size
        return buffer

    def give_back(self, size: int, buffer: np.ndarray) -> None:
        if self.idle_bytes + size > IDLE_LIMIT:
            self.clear()
        self.idle.setdefault(size, []).append(buffer)
        self.idle_bytes += size

    def clear(self) -> None:
        self.idle = {}
        self.idle_bytes = 0


_pool = _Pool()


class _Lease:
    """The owner that NumPy sees behind an array of `empty`: it ends with the last view."""

    __slots__ = ("__array_interface__", "buffer", "pool", "size")
    exclusive = True  # autograd may write to an array whose base says so

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype,
        strides: tuple[int, ...] | None,
        size: int,
    ) -> None:
        self.pool, self.size = _pool, size
        self.buffer = _pool.take(size)
        address = self.buffer.__array_interface__["data"][0]
        address += -address % ALIGNMENT
        self.__array_interface__ = {
            "data": (address, False),
            "shape": shape,
            "strides": strides,
            "typestr": dtype.str,
            "version": 3,
        }

    def __del__(self) -> None:
        self.pool.give_back(self.size, self.buffer)


def _size_class(size: int) -> int:
    """`size` rounded up to one of four steps an octave, so that similar sizes share buffers."""
    step = 1 << max(size.bit_length() - 3, 0)
    return -(-size // step) * step


def empty(
    shape: Sequence[int],
    dtype: np.typing.DTypeLike = np.float32,
    order: Sequence[int] | None = None,
) -> np.ndarray:
    """Like `np.empty`, on memory that is used again once the array and all its views are gone.

    order: the axes from the one that moves slowest through memory to the one that moves fastest;
    as they are numbered (C order) unless given.
    """
    dtype, shape = np.dtype(dtype), tuple(shape)
    size = math.prod(shape) * dtype.itemsize
    strides = None if order is None else _strides(shape, dtype.itemsize, order)
    if size < SMALLEST:
        return np.ndarray(shape, dtype, strides=strides)
    return np.asarray(_Lease(shape, dtype, strides, _size_class(size)))


def _strides(shape: Sequence[int], itemsize: int, order: Sequence[int]) -> tuple[int, ...]:
    """Bytes from one element to the next along each axis."""
    strides = [0] * len(shape)
    for axis in reversed(order):
        strides[axis] = itemsize
        itemsize *= max(shape[axis], 1)
    return tuple(strides)


def empty_like(array: np.ndarray) -> np.ndarray:
    """Like `empty`, with the shape, dtype and memory order of `array` (axes by falling stride)."""
    if array.flags.c_contiguous:
        return empty(array.shape, array.dtype)
    order = sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]))
    return empty(array.shape, array.dtype, order)


def idle_memory() -> int:
    """Bytes kept for reuse that no array is using."""
    return _pool.idle_bytes


def release_memory() -> None:
    """Give all idle memory back to the system."""
    _pool.clear()


# Work in chunks. --------------------------------------------------------------------------------

_threads = 1
_executor: ThreadPoolExecutor | None = None


def set_num_threads(count: int) -> None:
    """How many Python threads take chunks from the queue (1: no threads; a browser has no more).

    NumPy releases the interpreter lock inside its loops and matrix products, so chunks do run side
    by side. Set OPENBLAS_NUM_THREADS=1 in the environment as well: two levels of threads get in
    each other's way.
    """
    global _threads, _executor
    if count < 1:
        raise ValueError(f"set_num_threads: count must be at least 1, got {count}")
    if _executor is not None:
        _executor.shutdown()
    _threads = 1 if sys.platform == "emscripten" else count
    _executor = None
    if _threads > 1:
        from concurrent.futures import ThreadPoolExecutor

        _executor = ThreadPoolExecutor(_threads, thread_name_prefix="tinytorch")


def get_num_threads() -> int:
    """The number of Python threads that take chunks."""
    return _threads


def in_chunks(
    run: Callable[[slice], Result], count: int, bytes_each: int, budget: int
) -> list[Result]:
    """`run(slice)` over `range(count)`, cut so that a chunk's temporary arrays fit the cache.

    bytes_each: temporary bytes for one of `count`; budget: bytes for one chunk. Results come in
    order, whichever thread finished first, so sums over them do not depend on timing.
    """
    length = max(1, min(count, budget // max(bytes_each, 1)))
    pieces = [slice(start, min(start + length, count)) for start in range(0, max(count, 1), length)]
    if _executor is None or len(pieces) == 1:
        return [run(piece) for piece in pieces]
    return list(_executor.map(run, pieces))


if "TINYTORCH_NUM_THREADS" in os.environ:
    set_num_threads(int(os.environ["TINYTORCH_NUM_THREADS"]))
