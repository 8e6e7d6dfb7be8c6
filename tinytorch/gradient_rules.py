"""Chapter 07, given: the gradient rules of the remaining operations, in the form of `autograd`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch.graph import gradient_of
from tinytorch.tensor import Array

# Element by element. ------------------------------------------------------------------------------


@gradient_of("pow")
def pow_gradient(
    grad: Array, output: Array, a: Array, b: Any, needed: list[bool]
) -> tuple[Array | None, Array | None]:
    """d(a^b) = b a^(b-1) da + a^b log(a) db; the slope of a^0 is 0, and so is that of 0^b."""
    to_a = to_b = None
    if needed[0]:
        lower = np.where(b == 0, 0, b - 1) if isinstance(b, np.ndarray) else b - 1 if b else 0
        to_a = grad * (b * np.power(a, lower))
    if needed[1]:
        to_b = grad * (output * np.log(np.where(np.equal(a, 0), 1, a)))
    return to_a, to_b


@gradient_of("abs")
def abs_gradient(grad: Array, _output: Array, a: Array) -> Array:
    """The sign of a; 0 at 0."""
    return grad * np.sign(a)


@gradient_of("minimum")
def minimum_gradient(grad: Array, _output: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """To the smaller element; where they are equal, half to each."""
    to_a = grad * ((a < b) + 0.5 * np.equal(a, b)).astype(grad.dtype)
    return to_a, grad - to_a


@gradient_of("clamp")
def clamp_gradient(
    grad: Array, _output: Array, a: Array, min: float | None = None, max: float | None = None
) -> Array:
    """The gradient passes inside the limits, the limits themselves included."""
    inside = (a >= (-np.inf if min is None else min)) & (a <= (np.inf if max is None else max))
    return grad * inside


@gradient_of("sin")
def sin_gradient(grad: Array, _output: Array, a: Array) -> Array:
    """d(sin a) = cos(a) da."""
    return grad * np.cos(a)


@gradient_of("cos")
def cos_gradient(grad: Array, _output: Array, a: Array) -> Array:
    """d(cos a) = -sin(a) da."""
    return -grad * np.sin(a)


@gradient_of("log1p")
def log1p_gradient(grad: Array, _output: Array, a: Array) -> Array:
    """d(log(1 + a)) = da / (1 + a)."""
    return grad / (1 + a)


@gradient_of("erf")
def erf_gradient(grad: Array, _output: Array, x: Array) -> Array:
    """d(erf x) = 2 / sqrt(pi) exp(-x^2) dx."""
    return grad * (2 / np.sqrt(np.pi) * np.exp(-x * x)).astype(grad.dtype)


@gradient_of("leaky_relu")
def leaky_relu_gradient(
    grad: Array, _output: Array, x: Array, negative_slope: float = 0.01
) -> Array:
    """1 where x is positive, `negative_slope` elsewhere."""
    return np.where(x > 0, grad, grad * negative_slope)


@gradient_of("select")
def select_gradient(
    grad: Array, _output: Array, condition: Array, _a: Array, _b: Array
) -> tuple[None, Array, Array]:
    """To the one that was chosen."""
    zero = grad.dtype.type(0)
    return None, np.where(condition, grad, zero), np.where(condition, zero, grad)


@gradient_of("cast")
def cast_gradient(grad: Array, _output: Array, a: Array, dtype: Any) -> Array:
    """Back in the input's type."""
    return grad.astype(a.dtype)


@gradient_of("clone")
def clone_gradient(grad: Array, _output: Array, _a: Array) -> Array:
    """As it is."""
    return grad


# Reductions. --------------------------------------------------------------------------------------


@gradient_of("prod")
def prod_gradient(
    grad: Array, _output: Array, a: Array, dim: int | None = None, keepdim: bool = False
) -> Array:
    """To each factor the product of the others: of those before it times those after it."""
    if dim is None:
        return prod_gradient(np.reshape(grad, ()), _output, a.ravel(), 0).reshape(a.shape)
    rows = np.moveaxis(a, dim, -1)
    ones = np.ones_like(rows[..., :1])
    before = np.cumprod(np.concatenate([ones, rows[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([ones, rows[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    others = np.moveaxis(before * after, -1, dim)
    return others * (grad if keepdim else np.expand_dims(grad, dim))


@gradient_of("cumsum")
def cumsum_gradient(grad: Array, _output: Array, _a: Array, dim: int) -> Array:
    """An element is in all later sums: the running sum from the end."""
    return np.flip(np.cumsum(np.flip(grad, dim), axis=dim), dim)


# Shape. -------------------------------------------------------------------------------------------


@gradient_of("permute_array")
def permute_gradient(grad: Array, _output: Array, _a: Array, dims: tuple[int, ...]) -> Array:
    """The inverse order."""
    return np.transpose(grad, np.argsort([d % grad.ndim for d in dims]))


@gradient_of("broadcast")
def broadcast_gradient(grad: Array, _output: Array, _a: Array, shape: tuple[int, ...]) -> Array:
    """As it is: backward sums it to the shape of the input."""
    return grad


@gradient_of("concatenate")
def concatenate_gradient(
    grad: Array, _output: Array, *arrays: Array, dim: int = 0
) -> tuple[Array, ...]:
    """To each input its piece."""
    ends = np.cumsum([a.shape[dim] for a in arrays])[:-1]
    return tuple(np.split(grad, ends, axis=dim))


@gradient_of("flip")
def flip_gradient(grad: Array, _output: Array, _a: Array, dims: Any) -> Array:
    """Flipped back."""
    return np.flip(grad, tuple(dims) if isinstance(dims, list) else dims)


@gradient_of("roll")
def roll_gradient(grad: Array, _output: Array, _a: Array, shifts: Any, dims: Any) -> Array:
    """Rolled back."""
    return np.roll(grad, np.negative(shifts), dims)


# Indexing. ----------------------------------------------------------------------------------------


@gradient_of("getitem")
def getitem_gradient(grad: Array, _output: Array, a: Array, index: Any) -> Array:
    """To the elements that were picked, the others get 0; an element picked twice gets both."""
    result = np.zeros_like(a, dtype=grad.dtype)
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, (list, np.ndarray)) for part in parts):
        np.add.at(result, index, grad)
    else:  # slices and numbers never pick an element twice
        result[index] = grad
    return result


@gradient_of("take_along")
def take_along_gradient(
    grad: Array, _output: Array, a: Array, index: Array, dim: int
) -> tuple[Array, None]:
    """Each gradient is added where its element was taken."""
    result = np.zeros_like(a, dtype=grad.dtype)
    places: list[Array] = list(np.indices(index.shape, sparse=True))
    places[dim] = index
    np.add.at(result, tuple(places), grad)
    return result, None
