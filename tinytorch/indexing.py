"""Chapter 02, given: picking elements by index, and putting them in order."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch.dtypes import int64
from tinytorch.tensor import Array, MaxResult, Tensor, tensor_method


def take_along(a: Array, index: Array, dim: int) -> Array:
    """For each position of `index`, the element of `a` whose place along `dim` it holds."""
    slices = tuple(
        slice(None) if d == dim % a.ndim else slice(n) for d, n in enumerate(index.shape)
    )
    return np.take_along_axis(a[slices], index, axis=dim)


@tensor_method
def gather(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """out[i][j] = x[index[i][j]][j] for dim 0, x[i][index[i][j]] for dim 1, and so on."""
    if index.dtype.kind not in "iu" or index.ndim != x.ndim:
        raise ValueError(
            f"gather: needs integers with as many dimensions as the tensor, got {index.dtype} "
            f"of shape {index.shape} for shape {x.shape}"
        )
    return Tensor._op(take_along, x, index.detach(), dim=dim)


@tensor_method
def index_select(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices of `x` along `dim` that `index` (1-D, integers) lists."""
    return x[(*(slice(None),) * (dim % x.ndim), index)]


@tensor_method
def argsort(x: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The indices that put each row along `dim` in order; equal elements keep theirs."""
    order = np.argsort(x.data, axis=dim, kind="stable")
    if descending:  # sort the mirror image, so that equal elements keep their order
        mirrored = np.argsort(np.flip(x.data, dim), axis=dim, kind="stable")
        order = np.flip(x.shape[dim] - 1 - mirrored, dim)
    return Tensor(order, dtype=int64)


@tensor_method
def sort(x: Tensor, dim: int = -1, descending: bool = False) -> MaxResult:
    """(values in order along `dim`, the indices where they were)."""
    indices = argsort(x, dim, descending)
    return MaxResult(gather(x, dim, indices), indices)


@tensor_method
def topk(x: Tensor, k: int, dim: int = -1, largest: bool = True) -> MaxResult:
    """The `k` largest (or smallest) elements along `dim`, in order, and where they were."""
    if not 0 <= k <= x.shape[dim]:
        raise ValueError(f"topk: k must be between 0 and {x.shape[dim]}, got {k}")
    order = argsort(x, dim, descending=largest).data
    indices = Tensor(np.take(order, np.arange(k), axis=dim))
    return MaxResult(gather(x, dim, indices), indices)


@tensor_method
def nonzero(x: Tensor) -> Tensor:
    """The positions of the elements that are not 0, one a row: (count, ndim)."""
    return Tensor(np.argwhere(x.data), dtype=int64)


@tensor_method
def bincount(x: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, 2, ... occurs in a 1-D tensor of integers."""
    if weights is not None:
        return Tensor(np.bincount(x.data, weights.data, minlength))
    return Tensor(np.bincount(x.data, minlength=minlength), dtype=int64)


def one_hot(index: Tensor, num_classes: int = -1) -> Tensor:
    """Rows of 0 with a single 1 where `index` says: shape (*index.shape, num_classes), int64."""
    classes = int(index.data.max(initial=-1)) + 1 if num_classes == -1 else num_classes
    if index.data.size and not 0 <= index.data.min() <= index.data.max() < classes:
        raise IndexError(f"one_hot: indices must be between 0 and {classes - 1}")
    return Tensor(index.data[..., None] == np.arange(classes), dtype=int64)


def check_index(operation: str, index: Any, size: int) -> None:
    """Raise IndexError when an array of indices leaves 0 .. size - 1."""
    if index.size and not 0 <= index.min() <= index.max() < size:
        bad = index[(index < 0) | (index >= size)].flat[0]
        raise IndexError(f"{operation}: index {bad} is out of range, there are {size}")
