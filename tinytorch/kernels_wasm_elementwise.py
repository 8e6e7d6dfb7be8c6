"""WebAssembly kernels (chapter 16, given): arithmetic, activations and reductions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinytorch.kernels_memory import empty, empty_like
from tinytorch.kernels_sets import fast
from tinytorch.kernels_wasm import is_float32, lib, wasm
from tinytorch.tensor import Array, Dims

EXACT = 1 << 24  # integers up to here are float32 numbers


def _operand(x: Any) -> Any:
    """x as a float32 array if it is one, or a Python number that NumPy would make one of."""
    if isinstance(x, np.ndarray):
        return x if x.dtype == np.float32 else None
    if type(x) is float or (type(x) is int and -EXACT <= x <= EXACT):
        return np.asarray(x, np.float32)
    return None


def _pairwise(kernel: str, a: Any, b: Any) -> Any:
    """kernel(a, b) into new memory that looks like the larger of the two."""
    if not isinstance(a, np.ndarray) and not isinstance(b, np.ndarray):
        return NotImplemented
    x, y = _operand(a), _operand(b)
    if x is None or y is None:
        return NotImplemented
    like = x if x.size >= y.size else y
    if x.shape != y.shape and np.broadcast_shapes(x.shape, y.shape) != like.shape:
        return NotImplemented
    result = empty_like(like)
    return result if getattr(lib, kernel)(x, y, result) else NotImplemented


@wasm.implements("add")
def add(a: Any, b: Any) -> Any:
    """a + b."""
    return _pairwise("map_add", a, b)


@wasm.implements("sub")
def sub(a: Any, b: Any) -> Any:
    """a - b."""
    return _pairwise("map_sub", a, b)


@wasm.implements("mul")
def mul(a: Any, b: Any) -> Any:
    """a * b."""
    return _pairwise("map_mul", a, b)


@wasm.implements("div")
def div(a: Any, b: Any) -> Any:
    """a / b."""
    return _pairwise("map_div", a, b)


@wasm.implements("maximum")
def maximum(a: Any, b: Any) -> Any:
    """The larger of each pair."""
    return _pairwise("map_maximum", a, b)


@wasm.gradient_of("mul")
def mul_gradient(
    grad: Array, _output: Array, a: Array, b: Array, *, needed: list[bool]
) -> tuple[Array | None, Array | None]:
    """d(ab) = b da + a db."""
    return tuple(_times(grad, x) if need else None for x, need in zip((b, a), needed, strict=True))  # type: ignore[return-value]


def _times(grad: Array, x: Any) -> Any:
    product = _pairwise("map_mul", grad, x)
    return grad * x if product is NotImplemented else product


def _map(kernel: str, x: Array) -> Any:
    """kernel(x) into new memory that looks like x."""
    if not is_float32(x):
        return NotImplemented
    result = empty_like(x)
    return result if getattr(lib, kernel)(x, result) else NotImplemented


@wasm.implements("exp")
def exp(a: Array) -> Any:
    """e to the power of each element."""
    return _map("map_exp", a)


@wasm.implements("log")
def log(a: Array) -> Any:
    """Natural logarithm of each element."""
    return _map("map_log", a)


@wasm.implements("sqrt")
def sqrt(a: Array) -> Any:
    """Square root of each element."""
    return _map("map_sqrt", a)


@wasm.implements("tanh")
def tanh(x: Array) -> Any:
    """Hyperbolic tangent."""
    return _map("map_tanh", x)


@wasm.implements("sigmoid")
def sigmoid(x: Array) -> Any:
    """1 / (1 + e^-x)."""
    return _map("map_sigmoid", x)


@wasm.implements("relu")
def relu(x: Array) -> Any:
    """max(x, 0)."""
    return _map("map_relu", x)


def _slope(kernel: str, grad: Array, output: Array) -> Any:
    result = empty_like(output)
    return result if getattr(lib, kernel)(grad, output, result) else None


@wasm.gradient_of("tanh")
def tanh_gradient(grad: Array, output: Array, _x: Array) -> Array:
    """g (1 - t^2)."""
    result = _slope("map_tanh_gradient", grad, output)
    return grad * (1 - output * output) if result is None else result


@wasm.gradient_of("sigmoid")
def sigmoid_gradient(grad: Array, output: Array, _x: Array) -> Array:
    """g s (1 - s)."""
    result = _slope("map_sigmoid_gradient", grad, output)
    return grad * (output * (1 - output)) if result is None else result


@wasm.gradient_of("relu")
def relu_gradient(grad: Array, output: Array, _x: Array) -> Array:
    """The gradient where the output is positive."""
    result = _slope("map_relu_gradient", grad, output)
    return grad * (output > 0) if result is None else result


GELU = {"tanh": "map_gelu_tanh", "none": "map_gelu_erf"}


@wasm.implements("gelu")
def gelu(x: Array, approximate: str = "none") -> Any:
    """x times its gate, which is kept for the gradient."""
    if not is_float32(x) or approximate not in GELU:
        return NotImplemented
    result, gate = empty(x.shape), empty(x.shape)
    if not getattr(lib, GELU[approximate])(x, gate, result):
        return NotImplemented
    return result, gate


@wasm.gradient_of("gelu")
def gelu_gradient(
    grad: Array, _output: Array, x: Array, approximate: str = "none", *, saved: tuple[Array]
) -> Array:
    """gate + x * gate'."""
    result = empty(x.shape, x.dtype)
    if getattr(lib, f"{GELU[approximate]}_gradient")(grad, x, saved[0], result):
        return result
    return fast.rules["gelu"](grad, _output, x, approximate, saved=saved)


def _reduce(a: Array, dim: Dims, keepdim: bool, largest: bool) -> Any:
    """Sum or maximum over neighboring dimensions of a contiguous array."""
    if not is_float32(a) or not a.flags.c_contiguous or a.ndim == 0 or a.size == 0:
        return NotImplemented
    dims = range(a.ndim) if dim is None else (dim,) if isinstance(dim, int) else dim
    first, last = min(d % a.ndim for d in dims), max(d % a.ndim for d in dims)
    in_range = all(-a.ndim <= d < a.ndim for d in dims)
    if not in_range or sorted(d % a.ndim for d in dims) != list(range(first, last + 1)):
        return NotImplemented
    before, after = a.shape[:first], a.shape[last + 1 :]
    kept = (1,) * (last + 1 - first) if keepdim else ()
    result = np.empty((*before, *kept, *after), np.float32)
    view = a.reshape(math.prod(before), -1, math.prod(after))
    return result if lib.reduce(view, result, int(largest)) else NotImplemented


@wasm.implements("sum")
def sum_(a: Array, dim: Dims = None, keepdim: bool = False) -> Any:
    """Sum over dimension(s) `dim`."""
    return _reduce(a, dim, keepdim, largest=False)


@wasm.implements("max")
def max_(a: Array, dim: Dims = None, keepdim: bool = False) -> Any:
    """Largest element over dimension(s) `dim`."""
    return _reduce(a, dim, keepdim, largest=True)
