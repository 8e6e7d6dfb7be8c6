"""Chapter 02, given: more reductions, written with those of the chapter."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch.dtypes import DType, int64
from tinytorch.tensor import (
    Array,
    Dims,
    MaxResult,
    Tensor,
    array_operation,
    operation,
    tensor_method,
)
from tinytorch.tensor import max as max_array


@tensor_method
def amax(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Largest element over dimension(s) `dim`, without the indices that `max` gives."""
    return Tensor._op(max_array, x, dim=dim, keepdim=keepdim)


@tensor_method
def amin(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Smallest element over dimension(s) `dim`."""
    return -amax(-x, dim, keepdim)


@tensor_method
def min(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The smallest element; with `dim`, (values, indices) along that dimension."""
    values = amin(x, dim, keepdim)
    return values if dim is None else MaxResult(values, argmin(x, dim, keepdim))


@tensor_method
def argmax(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Index of the largest element along `dim` (None: in the flattened tensor); int64."""
    return Tensor(np.argmax(x.data, axis=dim, keepdims=keepdim), dtype=int64)


@tensor_method
def argmin(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Index of the smallest element along `dim` (None: in the flattened tensor); int64."""
    return Tensor(np.argmin(x.data, axis=dim, keepdims=keepdim), dtype=int64)


@tensor_method
def any(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether at least one element is true (not 0)."""
    return Tensor(np.any(x.data, axis=dim, keepdims=keepdim))


@tensor_method
def all(x: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Whether every element is true (not 0)."""
    return Tensor(np.all(x.data, axis=dim, keepdims=keepdim))


@tensor_method
@operation
def var(
    x: Tensor,
    dim: Dims = None,
    unbiased: bool = True,
    keepdim: bool = False,
    correction: int | None = None,
) -> Tensor:
    """Variance over `dim`: the mean squared distance from the mean.

    Divides by n - 1 (`unbiased`) or by n - `correction`, as PyTorch does.
    """
    correction = int(unbiased) if correction is None else correction
    distance = x - x.mean(dim, keepdim=True)
    total = (distance * distance).sum(dim, keepdim)
    count = x.numel() // total.numel() - correction
    return total / (count if count > 0 else float("nan"))


@tensor_method
def std(
    x: Tensor,
    dim: Dims = None,
    unbiased: bool = True,
    keepdim: bool = False,
    correction: int | None = None,
) -> Tensor:
    """Standard deviation over `dim`: the square root of the variance."""
    return var(x, dim, unbiased, keepdim, correction).sqrt()


@tensor_method
@array_operation
def prod(a: Array, dim: int | None = None, keepdim: bool = False) -> Array:
    """Product over dimension `dim` (None: all); of integers and bools it is int64."""
    product: Array = np.prod(a, axis=dim, keepdims=keepdim, dtype=_total(a))
    return product


@tensor_method
@array_operation
def cumsum(a: Array, dim: int) -> Array:
    """Running sum along `dim`; of integers and bools it is int64."""
    return np.cumsum(a, axis=dim, dtype=_total(a))


def _total(a: Array) -> DType:
    """The type that many elements of `a` add up to."""
    return a.dtype if a.dtype.kind == "f" else int64


@tensor_method
def norm(x: Tensor, p: float = 2, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """Length of the vector(s): (sum |x|^p)^(1/p); p may be inf."""
    if p == float("inf"):
        return amax(abs(x), dim, keepdim)
    if p == 2:
        return (x * x).sum(dim, keepdim).sqrt()
    return (abs(x) ** p).sum(dim, keepdim) ** (1 / p)


@tensor_method
@operation
def logsumexp(x: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """log(sum(exp(x))) along `dim`, without overflow: the largest element is taken out first."""
    largest = amax(x, dim, keepdim=True).detach()
    largest = Tensor(np.where(np.isfinite(largest.data), largest.data, 0))
    total = (x - largest).exp().sum(dim, keepdim).log()
    return total + (largest if keepdim else largest.reshape(total.shape))
