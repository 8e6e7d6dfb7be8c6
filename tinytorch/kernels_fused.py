"""Fast linear layers, activations, losses and embeddings (chapter 16, given).

An operation written as five array operations reads and writes memory five times. Here a chunk that
fits the cache goes through all of them before the next one is touched ("kernel fusion").
"""

from __future__ import annotations

import math

import numpy as np

from tinytorch.kernels_memory import empty, empty_like, in_chunks

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
    rows = np.moveaxis(x, dim, -1)
    result = np.moveaxis(empty_like(x), dim, -1)
    np.subtract(rows, rows.max(axis=-1, keepdims=True), out=result)
    np.exp(result, out=result)
    result /= result.sum(axis=-1, keepdims=True)
    return np.moveaxis(result, -1, dim)


def softmax_backward(gradient: np.ndarray, output: np.ndarray, dim: int) -> np.ndarray:
    """p * (g - sum(g * p)) along `dim`, with p the output of `softmax`."""
    result = empty_like(output)
    np.multiply(gradient, output, out=result)
    result -= output * result.sum(axis=dim, keepdims=True)
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
