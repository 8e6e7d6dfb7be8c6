"""Memory for the fast kernels (chapter 16, given): buffers that are used again.

A fresh 8 MB array costs about as much as the arithmetic that fills it: the operating system maps
and clears its pages one by one. `empty` therefore hands out memory that earlier arrays left behind.
A buffer comes back only when the last array or view that looks at it is gone, so a recycled buffer
is never one that somebody still holds. This is the idea of PyTorch's caching allocator
(https://pytorch.org/docs/stable/notes/cuda.html#memory-management).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from threading import RLock

import numpy as np

SMALLEST = 1 << 15  # bytes; below this NumPy's own allocator is as fast
ALIGNMENT = 64  # bytes; a cache line, and the widest vector register
IDLE_LIMIT = 1 << 29  # bytes of idle memory kept for reuse; beyond it everything idle is given back


class _Pool:
    """Idle buffers by size.

    A thread may take the lock twice: garbage collection ends arrays at any moment.
    """

    def __init__(self) -> None:
        self.lock = RLock()
        self.idle: dict[int, list[np.ndarray]] = {}
        self.idle_bytes = 0

    def take(self, size: int) -> np.ndarray:
        with self.lock:
            buffers = self.idle.get(size)
            if buffers:
                self.idle_bytes -= size
                return buffers.pop()
        return np.empty(size + ALIGNMENT, np.uint8)

    def give_back(self, size: int, buffer: np.ndarray) -> None:
        with self.lock:
            if self.idle_bytes + size > IDLE_LIMIT:
                self.clear()
            self.idle.setdefault(size, []).append(buffer)
            self.idle_bytes += size

    def clear(self) -> None:
        with self.lock:
            self.idle, self.idle_bytes = {}, 0


_pool = _Pool()


class _Lease:
    """The owner that NumPy sees behind an array of `empty`: it ends with the last view."""

    __slots__ = ("__array_interface__", "buffer", "pool", "size")

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
