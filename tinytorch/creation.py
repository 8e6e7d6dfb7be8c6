"""Chapter 02, given: making tensors.

Sizes are given as `zeros(2, 3)` or `zeros((2, 3))`. Floats are float32 unless `dtype` says
otherwise. PyTorch: `torch.tensor`, `torch.zeros`, `torch.rand`, ...
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinytorch.basics import as_array, sizes_of
from tinytorch.dtypes import DType, float32, int64
from tinytorch.random import Generator, default_generator
from tinytorch.tensor import Array, Tensor


def _sizes(name: str, shape: tuple[Any, ...]) -> tuple[int, ...]:
    sizes = sizes_of(shape)
    for n in sizes:
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0:
            raise ValueError(f"{name}: sizes must be integers >= 0, got {sizes}")
    return sizes


def _random(generator: Generator | None) -> np.random.Generator:
    return (generator or default_generator).numpy


def tensor(
    data: Any, dtype: DType = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """A tensor with a copy of `data`: numbers, nested lists, an array or a tensor."""
    array = as_array(data, dtype)
    return Tensor(np.array(array), requires_grad)


def as_tensor(data: Any, dtype: DType = None, device: Any = None) -> Tensor:
    """A tensor of `data` that shares its memory where possible; a Tensor is returned itself."""
    if isinstance(data, Tensor) and (dtype is None or data.dtype == dtype):
        return data
    return Tensor(data, dtype=dtype)


def from_numpy(array: Array) -> Tensor:
    """A tensor that shares the memory of a NumPy array."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy: needs a NumPy array, got {type(array).__name__}")
    return Tensor(array)


def full(
    shape: Sequence[int],
    fill_value: float,
    dtype: DType = None,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Every element is `fill_value`."""
    sizes = _sizes("full", (shape,) if isinstance(shape, int) else tuple(shape))
    return Tensor(np.full(sizes, as_array(fill_value, dtype)), requires_grad)


def zeros(
    *shape: Any, dtype: DType = float32, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Every element is 0."""
    return Tensor(np.zeros(_sizes("zeros", shape), dtype), requires_grad)


def ones(
    *shape: Any, dtype: DType = float32, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Every element is 1."""
    return Tensor(np.ones(_sizes("ones", shape), dtype), requires_grad)


def empty(
    *shape: Any, dtype: DType = float32, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Memory as it is: the elements may be anything until they are written."""
    return Tensor(np.empty(_sizes("empty", shape), dtype), requires_grad)


def zeros_like(x: Tensor, dtype: DType = None) -> Tensor:
    """Zeros of the shape and dtype of `x`."""
    return Tensor(np.zeros_like(x.data, dtype))


def ones_like(x: Tensor, dtype: DType = None) -> Tensor:
    """Ones of the shape and dtype of `x`."""
    return Tensor(np.ones_like(x.data, dtype))


def full_like(x: Tensor, fill_value: float, dtype: DType = None) -> Tensor:
    """`fill_value` in the shape and dtype of `x`."""
    return Tensor(np.full_like(x.data, fill_value, dtype))


def empty_like(x: Tensor, dtype: DType = None) -> Tensor:
    """Unwritten memory in the shape and dtype of `x`."""
    return Tensor(np.empty_like(x.data, dtype))


def arange(
    start: float, end: float | None = None, step: float = 1, dtype: DType = None, device: Any = None
) -> Tensor:
    """start, start + step, ... up to but without `end`; arange(n) starts at 0."""
    if end is None:
        start, end = 0, start
    if step == 0 or (end - start) * step < 0:
        raise ValueError(f"arange: step {step} does not lead from {start} to {end}")
    array = np.arange(start, end, step)
    default = float32 if array.dtype.kind == "f" else int64
    return Tensor(array.astype(dtype or default))


def linspace(start: float, end: float, steps: int, dtype: DType = float32) -> Tensor:
    """`steps` numbers evenly spaced from `start` to `end`, both included."""
    (steps,) = _sizes("linspace", (steps,))
    return Tensor(np.linspace(start, end, steps).astype(dtype))


def eye(n: int, m: int | None = None, dtype: DType = float32) -> Tensor:
    """The (n, m) matrix with 1 on the diagonal and 0 elsewhere; m is n unless given."""
    return Tensor(np.eye(*_sizes("eye", (n, n if m is None else m)), dtype=dtype))


def rand(
    *shape: Any,
    generator: Generator | None = None,
    dtype: DType = float32,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Numbers spread evenly over [0, 1)."""
    return Tensor(_random(generator).random(_sizes("rand", shape), dtype), requires_grad)


def randn(
    *shape: Any,
    generator: Generator | None = None,
    dtype: DType = float32,
    requires_grad: bool = False,
    device: Any = None,
) -> Tensor:
    """Normally distributed numbers with mean 0 and variance 1."""
    return Tensor(_random(generator).standard_normal(_sizes("randn", shape), dtype), requires_grad)


def rand_like(x: Tensor) -> Tensor:
    """`rand` in the shape and dtype of `x`."""
    return rand(x.shape, dtype=x.dtype)


def randn_like(x: Tensor) -> Tensor:
    """`randn` in the shape and dtype of `x`."""
    return randn(x.shape, dtype=x.dtype)


def randint(
    low: int,
    high: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: DType = int64,
    device: Any = None,
) -> Tensor:
    """Integers from low to high - 1: randint(low, high, size) or randint(high, size)."""
    if size is None:
        low, high, size = 0, low, high
    if low >= high:
        raise ValueError(f"randint: low must be smaller than high, got {low} and {high}")
    return Tensor(_random(generator).integers(low, high, _sizes("randint", tuple(size)), dtype))


def randperm(n: int, generator: Generator | None = None) -> Tensor:
    """0 .. n - 1 in random order."""
    (n,) = _sizes("randperm", (n,))
    return Tensor(_random(generator).permutation(n), dtype=int64)


def normal(mean: float, std: float, size: Any, generator: Generator | None = None) -> Tensor:
    """Normally distributed numbers with the mean and standard deviation given."""
    return randn(*size, generator=generator) * std + mean


def bernoulli(x: Tensor, generator: Generator | None = None) -> Tensor:
    """1 with the probability that each element gives, else 0."""
    draws = _random(generator).random(x.shape, dtype=np.float32)
    return Tensor((draws < x.data).astype(x.dtype))


def multinomial(
    x: Tensor,
    num_samples: int,
    replacement: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Indices drawn with the weights in each row of `x`: (rows, num_samples) or (num_samples,)."""
    rows = np.atleast_2d(x.data).astype(np.float64)
    if not np.isfinite(rows).all() or (rows < 0).any() or (rows.sum(axis=1) <= 0).any():
        raise ValueError("multinomial: each row needs weights >= 0 that are finite and not all 0")
    enough = rows.shape[1] if replacement else int((rows > 0).sum(axis=1).min())
    if num_samples < 1 or (not replacement and num_samples > enough):
        raise ValueError(f"multinomial: cannot draw {num_samples} of {enough} without replacement")
    source = _random(generator)
    picks = [
        source.choice(rows.shape[1], num_samples, replacement, row / row.sum()) for row in rows
    ]
    return Tensor(np.stack(picks) if x.ndim == 2 else picks[0], dtype=int64)
