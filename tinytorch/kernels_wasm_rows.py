"""WebAssembly kernels (chapter 16, given): softmax, cross-entropy and layer normalization."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinytorch.kernels_memory import empty
from tinytorch.kernels_sets import fast
from tinytorch.kernels_wasm import is_float32, lib, rows_of, wasm
from tinytorch.tensor import Array


def _is_last(x: Array, dim: int) -> bool:
    return x.ndim > 0 and dim in (-1, x.ndim - 1) and x.shape[-1] > 0


def _by_rows(kernel: str, x: Array, *more: Any) -> Any:
    """kernel(rows of x, result, *more) for x (..., n), or NotImplemented."""
    result = empty(x.shape)
    n = x.shape[-1]
    done = getattr(lib, kernel)(rows_of(x, n), result.reshape(-1, n), *more)
    return result if done else NotImplemented


def _gradient_by_rows(kernel: str, grad: Array, output: Array, dim: int, *more: Any) -> Any:
    """kernel(rows of grad, rows of output, result, *more), or None."""
    if not is_float32(grad, output) or not _is_last(output, dim):
        return None
    n, result = output.shape[-1], empty(output.shape)
    rows = rows_of(grad, n), rows_of(output, n), result.reshape(-1, n)
    return result if getattr(lib, kernel)(*rows, *more) else None


@wasm.implements("softmax")
def softmax(x: Array, dim: int = -1) -> Any:
    """exp(x) / sum(exp(x)) along the last dimension."""
    if not is_float32(x) or not _is_last(x, dim):
        return NotImplemented
    return _by_rows("softmax_rows", x, 0)


@wasm.gradient_of("softmax")
def softmax_gradient(grad: Array, output: Array, _x: Array, dim: int = -1) -> Array:
    """p * (g - sum(g * p)) along `dim`, with p the output."""
    result = _gradient_by_rows("softmax_rows_gradient", grad, output, dim, 1.0)
    return fast.rules["softmax"](grad, output, _x, dim) if result is None else result


@wasm.implements("log_softmax")
def log_softmax(x: Array, dim: int = -1) -> Any:
    """x - log(sum(exp(x))) along the last dimension."""
    if not is_float32(x) or not _is_last(x, dim):
        return NotImplemented
    return _by_rows("log_softmax_rows", x)


@wasm.gradient_of("log_softmax")
def log_softmax_gradient(grad: Array, output: Array, _x: Array, dim: int = -1) -> Array:
    """g - softmax(x) * sum(g) along `dim`."""
    result = _gradient_by_rows("log_softmax_rows_gradient", grad, output, dim)
    return fast.rules["log_softmax"](grad, output, _x, dim) if result is None else result


@wasm.implements("cross_entropy")
def cross_entropy(
    scores: Array,
    target: Array,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """Softmax, logarithm and choice, row by row; the probabilities are kept."""
    expected = scores.shape[:1] + scores.shape[2:]
    fits = scores.ndim >= 2 and target.shape == expected and target.dtype.kind in "iu"
    sensible = 0 <= label_smoothing <= 1 and reduction in ("mean", "sum", "none")
    counted = target != ignore_index
    if not (fits and sensible and is_float32(scores) and counted.any()):
        return NotImplemented
    classes = np.where(counted, target, 0).reshape(-1).astype(np.int64, copy=False)
    counts = counted.reshape(-1)
    rows = rows_of(np.moveaxis(scores, 1, -1), scores.shape[1])
    losses, probabilities = np.empty(len(rows), np.float32), empty(rows.shape)
    if not lib.cross_entropy_rows(rows, classes, losses, probabilities, label_smoothing):
        return NotImplemented
    losses *= counts
    saved = (probabilities, classes, counts)
    if reduction == "none":
        return losses.reshape(target.shape), *saved
    return losses.sum() / (int(counts.sum()) if reduction == "mean" else 1), *saved


@wasm.gradient_of("cross_entropy")
def cross_entropy_gradient(
    grad: Array,
    _output: Array,
    scores: Array,
    _target: Array,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    *,
    saved: tuple[Array, Array, Array],
) -> Array:
    """The probabilities, minus 1 at the right class."""
    probabilities, classes, counts = saved
    each = grad.reshape(-1) * counts.astype(grad.dtype)
    if reduction == "mean":
        each /= grad.dtype.type(counts.sum())
    rows = empty(probabilities.shape, probabilities.dtype)
    if not lib.cross_entropy_rows_gradient(each, probabilities, classes, rows, label_smoothing):
        return fast.rules["cross_entropy"](
            *(grad, _output, scores, _target, ignore_index, reduction, label_smoothing), saved=saved
        )
    last = (scores.shape[0], *scores.shape[2:], scores.shape[1])
    return np.moveaxis(rows.reshape(last), -1, 1) if scores.ndim > 2 else rows


@wasm.implements("layer_norm")
def layer_norm(
    x: Array, shape: tuple[int, ...], weight: Array | None, bias: Array | None, eps: float
) -> Any:
    """Normalize every run of elements of x (..., *shape), then scale and shift by (*shape).

    Mean and 1 / sqrt(variance + eps) of each row, (rows, 1), are kept.
    """
    size = math.prod(shape)
    if not is_float32(x, weight, bias) or size == 0:
        return NotImplemented
    rows, result = rows_of(x, size), empty(x.shape)
    mean, inverse = np.empty((len(rows), 1), np.float32), np.empty((len(rows), 1), np.float32)
    flat = result.reshape(-1, size)
    if not lib.layer_norm_rows(rows, weight, bias, flat, mean, inverse, eps):
        return NotImplemented
    return result, mean, inverse


@wasm.gradient_of("layer_norm")
def layer_norm_gradient(
    grad: Array,
    _output: Array,
    x: Array,
    shape: tuple[int, ...],
    weight: Array | None,
    _bias: Array | None,
    eps: float,
    *,
    saved: tuple[Array, Array],
) -> tuple[Array, None, Array, Array]:
    """dx = (d - mean(d) - xhat * mean(d * xhat)) / deviation, with d = g * weight."""
    size, result = math.prod(shape), empty(x.shape, x.dtype)
    for_weight, for_bias = np.zeros(shape, x.dtype), np.zeros(shape, x.dtype)
    rows = (rows_of(grad, size), rows_of(x, size), weight, *saved, result.reshape(-1, size))
    if lib.layer_norm_rows_gradient(*rows, for_weight, for_bias):
        return result, None, for_weight, for_bias
    return fast.rules["layer_norm"](grad, _output, x, shape, weight, _bias, eps, saved=saved)
