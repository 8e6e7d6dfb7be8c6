"""Chapter 02, given: changing a tensor in place.

Every change raises `version`, by which autograd notices that a value it still needs is gone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch.basics import plain_index
from tinytorch.random import Generator, default_generator
from tinytorch.tensor import Tensor, is_recording, tensor_method


@tensor_method
def _update(self: Tensor, array: Any) -> Tensor:
    """Write `array` (broadcast, cast) over the data and count the change."""
    if is_recording() and self.grad_fn is not None:
        raise RuntimeError(
            "the result of a recorded operation cannot be changed in place: the gradient would "
            "not know of it; compute a new tensor, e.g. x = x.clamp(0, 1), or use no_grad()"
        )
    self.data[...] = array
    self.version += 1
    return self


@tensor_method
def __setitem__(self: Tensor, index: Any, value: Any) -> None:
    """x[index] = value."""
    if is_recording() and (self.requires_grad or getattr(value, "requires_grad", False)):
        raise RuntimeError(
            "x[index] = value cannot be differentiated here: build the result with where, cat "
            "or stack, or assign inside no_grad()"
        )
    self.data[plain_index(index)] = plain_index(value)
    self.version += 1


def _written(x: Tensor, result: Tensor) -> Tensor:
    """Write the result of an operation into x, as x.add_(y) does."""
    if result.requires_grad:
        raise RuntimeError(
            "what is changed in place cannot be differentiated here: write x = x + y, "
            "or do it inside no_grad()"
        )
    if result.shape != x.shape:
        raise ValueError(f"in place: shape {result.shape} does not fit into shape {x.shape}")
    if result.dtype.kind == "f" != x.dtype.kind:
        raise TypeError(f"in place: {result.dtype} does not fit into {x.dtype}; x = x + y does")
    return _update(x, result.data)


def _assigned(x: Tensor, result: Tensor) -> Tensor:
    """What `x += y` makes x: itself, changed, or a new tensor if the result carries gradients."""
    if result.requires_grad and x.requires_grad and x.is_leaf:
        raise RuntimeError(
            "a leaf tensor that requires gradients cannot be changed in place while "
            "operations are recorded; do it inside no_grad()"
        )
    return result if result.requires_grad else _written(x, result)


@tensor_method
def __iadd__(self: Tensor, other: Any) -> Tensor:
    return _assigned(self, self + other)


@tensor_method
def __isub__(self: Tensor, other: Any) -> Tensor:
    return _assigned(self, self - other)


@tensor_method
def __imul__(self: Tensor, other: Any) -> Tensor:
    return _assigned(self, self * other)


@tensor_method
def __itruediv__(self: Tensor, other: Any) -> Tensor:
    return _assigned(self, self / other)


@tensor_method
def add_(self: Tensor, other: Any, *, alpha: float = 1) -> Tensor:
    """self += alpha * other."""
    return _written(self, self + (other if alpha == 1 else other * alpha))


@tensor_method
def sub_(self: Tensor, other: Any, *, alpha: float = 1) -> Tensor:
    """self -= alpha * other."""
    return _written(self, self - (other if alpha == 1 else other * alpha))


@tensor_method
def mul_(self: Tensor, other: Any) -> Tensor:
    """self *= other."""
    return _written(self, self * other)


@tensor_method
def div_(self: Tensor, other: Any) -> Tensor:
    """self /= other."""
    return _written(self, self / other)


@tensor_method
def fill_(self: Tensor, value: float) -> Tensor:
    """Every element becomes `value`."""
    return _update(self, value)


@tensor_method
def zero_(self: Tensor) -> Tensor:
    """Every element becomes 0."""
    return _update(self, 0)


@tensor_method
def copy_(self: Tensor, source: Tensor) -> Tensor:
    """Take over the elements of `source` (broadcast to this shape)."""
    return _update(self, source.data)


@tensor_method
def clamp_(self: Tensor, min: float | None = None, max: float | None = None) -> Tensor:
    """Limit every element to [min, max]."""
    return _update(self, np.clip(self.data, min, max))


@tensor_method
def normal_(
    self: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with samples of a normal distribution."""
    source = (generator or default_generator).numpy
    return _update(self, mean + std * source.standard_normal(self.shape, dtype=np.float32))


@tensor_method
def uniform_(
    self: Tensor, low: float = 0.0, high: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with samples spread evenly over [low, high)."""
    source = (generator or default_generator).numpy
    return _update(self, low + (high - low) * source.random(self.shape, dtype=np.float32))
