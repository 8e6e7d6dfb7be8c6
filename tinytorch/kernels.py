"""Chapter 16: kernels, the same operations made fast.

Here are the arithmetic, linear layers, activations and embeddings; companions have convolution,
pooling, normalization, softmax, attention and the optimizers. What makes them fast is the same
everywhere: memory that is used again (`kernels_memory`), work in chunks that fit the cache
(`kernels_threads`), several steps in one pass over memory ("kernel fusion"), and matrix products
where there can be. `use_kernels` in `kernels_sets` chooses whether they run.

An implementation that returns NotImplemented leaves the case to the function it stands in for.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinytorch import gradient_rules
from tinytorch.kernels_memory import empty, empty_like
from tinytorch.kernels_sets import fast, floats
from tinytorch.kernels_sets import kernels_in_use as kernels_in_use
from tinytorch.kernels_sets import use_kernels as use_kernels
from tinytorch.kernels_threads import in_chunks
from tinytorch.tensor import Array

CHUNK = 1 << 18  # bytes of one array in one chunk
GEMM_CHUNK = 1 << 21  # bytes of a product's result in one chunk

# Arithmetic: the same ufuncs, into memory that is used again. -------------------------------------


def _into_empty(ufunc: np.ufunc, a: Any, b: Any) -> Any:
    """ufunc(a, b), into recycled memory if the result looks like the larger of two float arrays."""
    like = a if np.size(a) >= np.size(b) else b
    small = b if like is a else a
    if not isinstance(like, np.ndarray) or like.dtype.kind != "f":
        return ufunc(a, b)
    if isinstance(small, np.ndarray) and not (small.dtype == like.dtype and _fits(small, like)):
        return ufunc(a, b)
    return ufunc(a, b, out=empty_like(like))


def _fits(small: Array, like: Array) -> bool:
    """Whether `small` broadcasts to the shape of `like`."""
    pairs = zip(reversed(small.shape), reversed(like.shape), strict=False)
    return small.ndim <= like.ndim and all(s in (1, n) for s, n in pairs)


@fast.implements("add")
def add(a: Any, b: Any) -> Any:
    """a + b."""
    return _into_empty(np.add, a, b)


@fast.implements("sub")
def sub(a: Any, b: Any) -> Any:
    """a - b."""
    return _into_empty(np.subtract, a, b)


@fast.implements("mul")
def mul(a: Any, b: Any) -> Any:
    """a * b."""
    return _into_empty(np.multiply, a, b)


@fast.gradient_of("getitem")
def getitem_gradient(grad: Array, output: Array, a: Array, index: Any) -> Array:
    """To the elements that were picked; the others get 0."""
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, (list, np.ndarray)) for part in parts):
        return gradient_rules.getitem_gradient(grad, output, a, index)
    result = empty(a.shape, grad.dtype)
    result[...] = 0
    result[index] = grad
    return result


# Linear layers. -----------------------------------------------------------------------------------


@fast.implements("linear")
def linear(x: Array, weight: Array, bias: Array | None = None) -> Any:
    """x @ weight^T + bias: x (..., in), weight (out, in), bias (out,) to (..., out).

    One product over all rows; the bias is added while the result is in the cache.
    """
    if x.ndim == 0 or x.shape[-1] != weight.shape[1] or not floats(x, weight, bias):
        return NotImplemented
    rows, result = x.reshape(-1, x.shape[-1]), empty((*x.shape[:-1], len(weight)), x.dtype)
    flat = result.reshape(-1, len(weight))

    def run(chunk: slice) -> None:
        target = np.matmul(rows[chunk], weight.T, out=flat[chunk])
        if bias is not None:
            target += bias

    in_chunks(run, len(rows), len(weight) * result.itemsize, GEMM_CHUNK)
    return result


@fast.gradient_of("linear")
def linear_gradient(
    grad: Array, _output: Array, x: Array, weight: Array, _bias: Any = None, *, needed: list[bool]
) -> tuple[Array | None, Array | None, Array | None]:
    """dx = g W, dW = g^T x, db = the column sums of g."""
    outer = grad.reshape(-1, len(weight))
    for_x = _product(outer, weight, x.shape) if needed[0] else None
    if not any(needed[1:]):
        return for_x, None, None
    rows = x.reshape(-1, x.shape[-1])

    def run(chunk: slice) -> tuple[Array, Array]:
        g = outer[chunk]
        return g.T @ rows[chunk], np.ones(len(g), g.dtype) @ g

    parts = in_chunks(run, len(rows), outer.shape[1] * outer.itemsize, GEMM_CHUNK)
    for_weight, for_bias = (np.add.reduce(part) for part in zip(*parts, strict=True))
    return for_x, for_weight, for_bias


def _product(a: Array, b: Array, shape: tuple[int, ...]) -> Array:
    """a @ b in chunks of rows, as an array of `shape`."""
    result = empty(shape, a.dtype)
    flat = result.reshape(-1, b.shape[1])

    def run(chunk: slice) -> None:
        np.matmul(a[chunk], b, out=flat[chunk])

    in_chunks(run, len(a), b.shape[1] * a.itemsize, GEMM_CHUNK)
    return result


# Activations. -------------------------------------------------------------------------------------


@fast.implements("relu")
def relu(x: Array) -> Array:
    """max(x, 0), in the memory order of x."""
    result = empty_like(x)
    np.maximum(x, 0, out=result)
    return result


@fast.gradient_of("relu")
def relu_gradient(grad: Array, output: Array, _x: Array) -> Array:
    """The gradient where the output is positive."""
    result = empty_like(output)
    np.multiply(grad, output > 0, out=result)
    return result


GELU_SLOPE = math.sqrt(2 / math.pi)
GELU_CUBIC = 0.044715 * GELU_SLOPE
# P(t), highest power first.
# fmt: off
ERFC = (
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807,
    -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223,
)
# fmt: on


def _tanh_gate(u: Array, out: Array) -> None:
    """(1 + tanh(sqrt(2 / pi) * (u + 0.044715 u^3))) / 2, what u is multiplied with."""
    np.multiply(u, u, out=out)
    out *= GELU_CUBIC
    out += GELU_SLOPE
    out *= u
    np.tanh(out, out=out)
    out += 1
    out *= 0.5


def _erf_gate(u: Array, out: Array) -> None:
    """The probability that a normal number is below u, erfc(-u / sqrt(2)) / 2, in float32.

    erfc as t exp(-z^2 + P(t)), t = 2 / (2 + |z|), exact to 1.2e-7 (Press et al., section 6.2).
    """
    size = np.abs(u, out=empty(u.shape, u.dtype))
    size *= math.sqrt(0.5)
    t = np.add(size, 2, out=empty(u.shape, u.dtype))
    np.divide(2, t, out=t)
    np.multiply(t, ERFC[0], out=out)
    for coefficient in ERFC[1:-1]:
        out += coefficient
        out *= t
    out += ERFC[-1]
    size *= size
    out -= size
    np.exp(out, out=out)
    out *= t
    out *= 0.5
    np.subtract(0.5, out, out=out)
    np.copysign(out, u, out=out)
    out += 0.5


@fast.implements("gelu")
def gelu(x: Array, approximate: str = "none") -> Any:
    """x times its gate (Hendrycks and Gimpel 2016), which is kept for the gradient."""
    exact_enough = x.dtype.char == "f" or approximate == "tanh"
    if approximate not in ("tanh", "none") or not exact_enough or not floats(x):
        return NotImplemented
    flat, result, gate = x.reshape(-1), empty(x.shape, x.dtype), empty(x.shape, x.dtype)
    products, gates = result.reshape(-1), gate.reshape(-1)
    fill = _tanh_gate if approximate == "tanh" else _erf_gate

    def run(chunk: slice) -> None:
        fill(flat[chunk], gates[chunk])
        np.multiply(flat[chunk], gates[chunk], out=products[chunk])

    in_chunks(run, x.size, x.itemsize, CHUNK)
    return result, gate


@fast.gradient_of("gelu")
def gelu_gradient(
    grad: Array, _output: Array, x: Array, approximate: str = "none", *, saved: tuple[Array]
) -> Array:
    """gate + x * gate', where gate' is the normal density, or 2 gate (1 - gate) v' with tanh(v)."""
    flat, outer, gates = x.reshape(-1), grad.reshape(-1), saved[0].reshape(-1)
    result = empty(x.shape, x.dtype)
    slopes = result.reshape(-1)

    def run(chunk: slice) -> None:
        u, s, slope = flat[chunk], gates[chunk], slopes[chunk]
        np.multiply(u, u, out=slope)
        if approximate == "tanh":
            slope *= 6 * GELU_CUBIC
            slope += 2 * GELU_SLOPE
            slope *= s
            slope *= np.subtract(1, s, out=empty(u.shape, u.dtype))
        else:
            slope *= -0.5
            np.exp(slope, out=slope)
            slope *= 1 / math.sqrt(2 * math.pi)
        slope *= u
        slope += s
        slope *= outer[chunk]

    in_chunks(run, x.size, x.itemsize, CHUNK)
    return result


# Embeddings. --------------------------------------------------------------------------------------


@fast.implements("embedding")
def embedding(index: Array, weight: Array) -> Array:
    """Rows of weight (count, d) for an index (...), known to be in range: (..., d)."""
    result = empty((*index.shape, weight.shape[1]), weight.dtype)
    np.take(weight, index, axis=0, out=result, mode="clip")
    return result


@fast.gradient_of("embedding")
def embedding_gradient(
    grad: Array, _output: Array, index: Array, weight: Array
) -> tuple[None, Array]:
    """For each row of weight the sum of the gradients of its uses.

    Sorted by index, the uses of a row lie together and `np.add.reduceat` sums them at once.
    """
    rows, flat = grad.reshape(-1, weight.shape[1]), index.reshape(-1)
    result = np.zeros(weight.shape, rows.dtype)
    if len(rows):
        order = np.argsort(flat, kind="stable")
        ordered = flat[order]
        starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        result[ordered[starts]] = np.add.reduceat(rows[order], starts, axis=0)
    return None, result
