"""Chapter 02, given: rearranging, joining and splitting tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinytorch.basics import sizes_of
from tinytorch.tensor import Array, Tensor, array_operation, operation, tensor_method


def permute_array(a: Array, dims: tuple[int, ...]) -> Array:
    """The dimensions in another order. A view."""
    return np.transpose(a, dims)


@tensor_method
def permute(x: Tensor, *dims: Any) -> Tensor:
    """The dimensions in the order given: permute(0, 3, 1, 2)."""
    order = sizes_of(dims)
    if sorted(d % (x.ndim or 1) for d in order) != list(range(x.ndim)):
        raise ValueError(f"permute: {order} does not name each of {x.ndim} dimensions once")
    return Tensor._op(permute_array, x, dims=order)


@tensor_method
def movedim(x: Tensor, source: int, destination: int) -> Tensor:
    """One dimension moved to another place, the others in their order."""
    order = [d for d in range(x.ndim) if d != source % x.ndim]
    order.insert(destination % x.ndim, source % x.ndim)
    return permute(x, order)


@tensor_method
def squeeze(x: Tensor, dim: int | None = None) -> Tensor:
    """Without the dimensions of size 1 (with `dim`: only that one, if its size is 1)."""
    dropped = {dim % x.ndim} if dim is not None and x.ndim else set(range(x.ndim))
    return x.reshape(tuple(n for d, n in enumerate(x.shape) if n != 1 or d not in dropped))


@tensor_method
def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """A new dimension of size 1 at `dim`."""
    if not -x.ndim - 1 <= dim <= x.ndim:
        raise IndexError(f"unsqueeze: dim {dim} is out of range for shape {x.shape}")
    at = dim % (x.ndim + 1)
    return x.reshape((*x.shape[:at], 1, *x.shape[at:]))


@tensor_method
def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions `start_dim` to `end_dim` as one."""
    if x.ndim == 0:
        return x.reshape((1,))
    start, end = start_dim % x.ndim, end_dim % x.ndim
    if start > end:
        raise ValueError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    size = int(np.prod(x.shape[start : end + 1]))
    return x.reshape((*x.shape[:start], size, *x.shape[end + 1 :]))


def broadcast(a: Array, shape: tuple[int, ...]) -> Array:
    """`a` repeated to a larger shape without copying: a read-only view."""
    return np.broadcast_to(a, shape)


@tensor_method
def expand(x: Tensor, *shape: Any) -> Tensor:
    """Dimensions of size 1 repeated to `shape`; -1 keeps a size."""
    sizes = sizes_of(shape)
    new = len(sizes) - x.ndim
    kept = tuple(x.shape[d - new] if n == -1 and d >= new else n for d, n in enumerate(sizes))
    return Tensor._op(broadcast, x, shape=kept)


@tensor_method
def expand_as(x: Tensor, other: Tensor) -> Tensor:
    """Expanded to the shape of `other`."""
    return expand(x, other.shape)


@tensor_method
def repeat(x: Tensor, *times: Any) -> Tensor:
    """The whole tensor repeated along each dimension: repeat(2, 1)."""
    counts = sizes_of(times)
    if len(counts) < x.ndim:
        raise ValueError(f"repeat: {len(counts)} counts for {x.ndim} dimensions")
    for dim, count in enumerate(reversed(counts)):
        x = unsqueeze(x, 0) if dim >= x.ndim else x
        if count != 1:
            x = cat([x] * count, dim=-1 - dim)
    return x


@tensor_method
def contiguous(x: Tensor) -> Tensor:
    """`x`: `view` works for any memory layout here."""
    return x


@tensor_method
def view_as(x: Tensor, other: Tensor) -> Tensor:
    """Reshaped to the shape of `other`."""
    return x.reshape(other.shape)


# Joining and splitting. ---------------------------------------------------------------------------


def concatenate(*arrays: Array, dim: int = 0) -> Array:
    """The arrays one after the other along `dim`; their other sizes are equal."""
    shapes = [a.shape[: dim % a.ndim] + a.shape[dim % a.ndim + 1 :] for a in arrays if a.ndim]
    if len(shapes) < len(arrays) or any(shape != shapes[0] for shape in shapes):
        sizes = ", ".join(str(a.shape) for a in arrays)
        raise ValueError(f"cat: sizes must be equal except along dim {dim}, got shapes {sizes}")
    return np.concatenate(arrays, axis=dim)


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors one after the other along `dim`."""
    if not tensors:
        raise ValueError("cat: needs at least one tensor")
    return Tensor._op(concatenate, *tensors, dim=dim)


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors, all of one shape, along a new dimension at `dim`."""
    if len({t.shape for t in tensors}) != 1:
        shapes = ", ".join(str(t.shape) for t in tensors) or "none"
        raise ValueError(f"stack: needs tensors of one shape, got {shapes}")
    return cat([unsqueeze(t, dim) for t in tensors], dim)


@tensor_method
def split(x: Tensor, size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of `size` along `dim` (the last may be smaller), or of the sizes listed."""
    total = x.shape[dim]
    if isinstance(size, int):
        if size < 1:
            raise ValueError(f"split: the size must be at least 1, got {size}")
        size = [min(size, total - start) for start in range(0, total, size)] or [0]
    if sum(size) != total:
        raise ValueError(f"split: sizes {list(size)} do not add up to {total} (shape {x.shape})")
    before = (slice(None),) * (dim % x.ndim)
    ends = np.cumsum(size).tolist()
    return tuple(x[(*before, slice(end - n, end))] for n, end in zip(size, ends, strict=True))


@tensor_method
def chunk(x: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`chunks` pieces of equal size along `dim` (the last may be smaller)."""
    return split(x, max(1, -(-x.shape[dim] // chunks)), dim)


@tensor_method
def unbind(x: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """One tensor for each index of `dim`."""
    before = (slice(None),) * (dim % x.ndim)
    return tuple(x[(*before, i)] for i in range(x.shape[dim]))


# Order and triangles. -----------------------------------------------------------------------------


@tensor_method
@array_operation
def flip(a: Array, dims: int | tuple[int, ...]) -> Array:
    """The elements in reverse order along `dims`."""
    return np.flip(a, tuple(dims) if isinstance(dims, list) else dims)


@tensor_method
@array_operation
def roll(a: Array, shifts: int | tuple[int, ...], dims: int | tuple[int, ...]) -> Array:
    """The elements moved by `shifts` along `dims`; what leaves at the end enters at the start."""
    return np.roll(a, shifts, dims)


@tensor_method
@operation
def tril(x: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of the last two dimensions; zeros above `diagonal`."""
    return x * Tensor(np.tri(x.shape[-2], x.shape[-1], diagonal, x.dtype))


@tensor_method
@operation
def triu(x: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of the last two dimensions; zeros below `diagonal`."""
    return x * Tensor(1 - np.tri(x.shape[-2], x.shape[-1], diagonal - 1, x.dtype))


@operation
def pad(x: Tensor, pad: Sequence[int], mode: str = "constant", value: float = 0.0) -> Tensor:
    """Constant elements added around: `pad` is (left, right, top, bottom, ...), last dim first."""
    if mode != "constant" or len(pad) % 2 or len(pad) > 2 * x.ndim or min(pad) < 0:
        raise ValueError(f"pad: needs pairs of sizes >= 0, last dim first, got {tuple(pad)}")
    for dim, sides in enumerate(zip(pad[::2], pad[1::2], strict=True), 1):
        before, after = (
            Tensor(np.full((*x.shape[:-dim], n, *x.shape[x.ndim - dim + 1 :]), value, x.dtype))
            for n in sides
        )
        x = cat([before, x, after], dim=-dim)
    return x
