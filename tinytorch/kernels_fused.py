"""Fast linear layers, activations, losses and embeddings (chapter 16, given).

An operation written as five array operations reads and writes memory five times. Here a chunk that
fits the cache goes through all of them before the next one is touched ("kernel fusion").
"""

from __future__ import annotations

import math

import numpy as np

from tinytorch.kernels_memory import empty, empty_like
from tinytorch.kernels_threads import in_chunks
from tinytorch.random import default_generator

CHUNK = 1 << 18  # bytes of one array in one chunk
GEMM_CHUNK = 1 << 21  # bytes of a product's result in one chunk

GELU_SLOPE = math.sqrt(2 / math.pi)
GELU_CUBIC = 0.044715 * GELU_SLOPE
# P(t), highest power first.
# fmt: off
ERFC = (
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807,
    -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223,
)
# fmt: on


def linear(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """x @ weight^T + bias: x (..., in), weight (out, in), bias (out,) to (..., out)."""
    rows = x.reshape(-1, x.shape[-1])
    result = empty((*x.shape[:-1], len(weight)), np.result_type(x, weight))
    flat = result.reshape(-1, len(weight))

    def run(chunk: slice) -> None:
        target = np.matmul(rows[chunk], weight.T, out=flat[chunk])
        if bias is not None:
            target += bias

    in_chunks(run, len(rows), len(weight) * result.itemsize, GEMM_CHUNK)
    return result


def linear_input_gradient(gradient: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Gradient with respect to x, (..., in): gradient (..., out) @ weight."""
    result = empty((*gradient.shape[:-1], weight.shape[1]), np.result_type(gradient, weight))
    flat, outer = result.reshape(-1, weight.shape[1]), gradient.reshape(-1, len(weight))

    def run(chunk: slice) -> None:
        np.matmul(outer[chunk], weight, out=flat[chunk])

    in_chunks(run, len(flat), weight.shape[1] * result.itemsize, GEMM_CHUNK)
    return result


def linear_weight_gradient(gradient: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gradients with respect to weight, (out, in), and bias, (out,)."""
    rows, outer = x.reshape(-1, x.shape[-1]), gradient.reshape(-1, gradient.shape[-1])

    def run(chunk: slice) -> tuple[np.ndarray, np.ndarray]:
        g = outer[chunk]
        return g.T @ rows[chunk], np.ones(len(g), g.dtype) @ g

    parts = in_chunks(run, len(rows), outer.shape[1] * outer.itemsize, GEMM_CHUNK)
    return np.add.reduce([part for part, _ in parts]), np.add.reduce([part for _, part in parts])


def relu(x: np.ndarray) -> np.ndarray:
    """max(x, 0), in the memory order of x."""
    result = empty_like(x)
    np.maximum(x, 0, out=result)
    return result


def relu_backward(gradient: np.ndarray, output: np.ndarray) -> np.ndarray:
    """The gradient where the output of `relu` is above 0."""
    result = empty_like(output)
    np.multiply(gradient, output > 0, out=result)
    return result


def _tanh_gate(u: np.ndarray, out: np.ndarray) -> None:
    """(1 + tanh(sqrt(2 / pi) * (u + 0.044715 u^3))) / 2, what u is multiplied with."""
    np.multiply(u, u, out=out)
    out *= GELU_CUBIC
    out += GELU_SLOPE
    out *= u
    np.tanh(out, out=out)
    out += 1
    out *= 0.5


def _erf_gate(u: np.ndarray, out: np.ndarray) -> None:
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


def gelu(x: np.ndarray, approximate: str) -> tuple[np.ndarray, np.ndarray]:
    """x times its gate ("tanh", or "none" for the normal distribution); the gate is returned too.

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016).
    """
    flat, result, gate = x.reshape(-1), empty(x.shape, x.dtype), empty(x.shape, x.dtype)
    products, gates = result.reshape(-1), gate.reshape(-1)
    fill = _tanh_gate if approximate == "tanh" else _erf_gate

    def run(chunk: slice) -> None:
        fill(flat[chunk], gates[chunk])
        np.multiply(flat[chunk], gates[chunk], out=products[chunk])

    in_chunks(run, x.size, x.itemsize, CHUNK)
    return result, gate


def gelu_backward(
    gradient: np.ndarray, x: np.ndarray, gate: np.ndarray, approximate: str
) -> np.ndarray:
    """Gradient of `gelu`: gate + x * gate'.

    gate' is the normal density, or with v the argument of tanh: 2 gate (1 - gate) v'.
    """
    flat, outer, gates = x.reshape(-1), gradient.reshape(-1), gate.reshape(-1)
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


def softmax(x: np.ndarray, dim: int) -> np.ndarray:
    """exp(x) / sum(exp(x)) along `dim`."""
    result = empty_like(x)
    np.subtract(x, x.max(axis=dim, keepdims=True), out=result)
    np.exp(result, out=result)
    result /= result.sum(axis=dim, keepdims=True)
    return result


def softmax_backward(gradient: np.ndarray, output: np.ndarray, dim: int) -> np.ndarray:
    """p * (g - sum(g * p)) along `dim`, with p the output of `softmax`."""
    result = empty_like(output)
    np.multiply(gradient, output, out=result)
    result -= output * result.sum(axis=dim, keepdims=True)
    return result


def dropout_mask(shape: tuple[int, ...], p: float, dtype: np.dtype) -> np.ndarray:
    """What dropout multiplies with: 0 with probability `p`, else 1 / (1 - p)."""
    result = empty(shape, dtype)
    draws = default_generator.numpy.random(shape, dtype=np.float32)
    np.multiply(draws >= p, dtype.type(1 / (1 - p)), out=result)
    return result


def log_softmax(x: np.ndarray, dim: int) -> np.ndarray:
    """x - log(sum(exp(x))) along `dim`."""
    result = empty_like(x)
    np.subtract(x, x.max(axis=dim, keepdims=True), out=result)
    result -= np.log(np.exp(result).sum(axis=dim, keepdims=True))
    return result


def log_softmax_backward(gradient: np.ndarray, output: np.ndarray, dim: int) -> np.ndarray:
    """g - softmax(x) * sum(g) along `dim`."""
    result = empty_like(output)
    np.exp(output, out=result)
    result *= gradient.sum(axis=dim, keepdims=True)
    np.subtract(gradient, result, out=result)
    return result


def cross_entropy(
    rows: np.ndarray, classes: np.ndarray, smoothing: float
) -> tuple[np.ndarray, np.ndarray]:
    """Loss of each row of scores (N, C) for its class (N,), and the probabilities (N, C).

    smoothing: the share of the target that goes to all classes evenly.
    """
    losses, probabilities = np.empty(len(rows), rows.dtype), empty(rows.shape, rows.dtype)

    def run(chunk: slice) -> None:
        p, ones = probabilities[chunk], np.ones(rows.shape[1], rows.dtype)
        np.subtract(rows[chunk], rows[chunk].max(axis=1, keepdims=True), out=p)
        right = np.take_along_axis(p, classes[chunk, None], axis=1)[:, 0]
        if smoothing:
            right = (1 - smoothing) * right + smoothing / rows.shape[1] * (p @ ones)
        np.exp(p, out=p)
        total = p @ ones
        losses[chunk] = np.log(total) - right
        p /= total[:, None]

    in_chunks(run, len(rows), rows.shape[1] * rows.itemsize, CHUNK)
    return losses, probabilities


def cross_entropy_backward(
    gradient: np.ndarray, probabilities: np.ndarray, classes: np.ndarray, smoothing: float
) -> np.ndarray:
    """Gradient with respect to the scores: (probabilities - target) times that of each loss (N,).

    gradient: (N,), 0 where a row does not count.
    """
    result = empty(probabilities.shape, probabilities.dtype)
    np.subtract(probabilities, smoothing / probabilities.shape[1], out=result)
    result[np.arange(len(classes)), classes] -= 1 - smoothing
    result *= gradient[:, None]
    return result


def embedding(index: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Rows of weight (count, d) for an index (...), known to be in range: (..., d)."""
    result = empty((*index.shape, weight.shape[1]), weight.dtype)
    np.take(weight, index, axis=0, out=result, mode="clip")
    return result


def embedding_gradient(gradient: np.ndarray, index: np.ndarray, count: int) -> np.ndarray:
    """Sum the rows of `gradient` (..., d) that came from the same entry of a table (count, d).

    Sorted by index, the rows of an entry lie together and `np.add.reduceat` sums them at once.
    """
    rows, flat = gradient.reshape(-1, gradient.shape[-1]), index.reshape(-1)
    result = np.zeros((count, rows.shape[1]), rows.dtype)
    if not len(rows):
        return result
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    result[ordered[starts]] = np.add.reduceat(rows[order], starts, axis=0)
    return result
