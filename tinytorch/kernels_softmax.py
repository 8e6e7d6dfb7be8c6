"""Fast softmax and cross-entropy (chapter 16, given).

Exponentials, sums and logarithms of a few rows at a time, in the memory of the result.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch.kernels_memory import empty, empty_like
from tinytorch.kernels_sets import fast, floats
from tinytorch.kernels_threads import in_chunks

CHUNK = 1 << 18  # bytes of scores in one chunk


@fast.implements("softmax")
def softmax(x: np.ndarray, dim: int = -1) -> Any:
    """exp(x) / sum(exp(x)) along `dim`."""
    if not floats(x):
        return NotImplemented
    result = empty_like(x)
    np.subtract(x, x.max(axis=dim, keepdims=True), out=result)
    np.exp(result, out=result)
    result /= result.sum(axis=dim, keepdims=True)
    return result


@fast.gradient_of("softmax")
def softmax_gradient(
    grad: np.ndarray, output: np.ndarray, _x: np.ndarray, dim: int = -1
) -> np.ndarray:
    """p * (g - sum(g * p)) along `dim`, with p the output."""
    result = empty_like(output)
    np.multiply(grad, output, out=result)
    result -= output * result.sum(axis=dim, keepdims=True)
    return result


@fast.implements("log_softmax")
def log_softmax(x: np.ndarray, dim: int = -1) -> Any:
    """x - log(sum(exp(x))) along `dim`."""
    if not floats(x):
        return NotImplemented
    result = empty_like(x)
    np.subtract(x, x.max(axis=dim, keepdims=True), out=result)
    result -= np.log(np.exp(result).sum(axis=dim, keepdims=True))
    return result


@fast.gradient_of("log_softmax")
def log_softmax_gradient(
    grad: np.ndarray, output: np.ndarray, _x: np.ndarray, dim: int = -1
) -> np.ndarray:
    """g - softmax(x) * sum(g) along `dim`."""
    result = empty_like(output)
    np.exp(output, out=result)
    result *= grad.sum(axis=dim, keepdims=True)
    np.subtract(grad, result, out=result)
    return result


def row_losses(
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


def row_gradients(
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


@fast.implements("cross_entropy")
def cross_entropy(
    scores: np.ndarray,
    target: np.ndarray,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """Softmax, logarithm and choice of a few rows at a time; the probabilities are kept."""
    expected = scores.shape[:1] + scores.shape[2:]
    fits = scores.ndim >= 2 and target.shape == expected and target.dtype.kind in "iu"
    sensible = 0 <= label_smoothing <= 1 and reduction in ("mean", "sum", "none")
    counted = target != ignore_index
    if not (fits and sensible and floats(scores) and counted.any()):
        return NotImplemented
    classes, counts = np.where(counted, target, 0).reshape(-1), counted.reshape(-1)
    if classes.min() < 0 or classes.max() >= scores.shape[1]:
        return NotImplemented  # the plain function says which one is out of range
    rows = np.moveaxis(scores, 1, -1).reshape(-1, scores.shape[1])
    losses, probabilities = row_losses(rows, classes, label_smoothing)
    losses *= counts
    saved = (probabilities, classes, counts)
    if reduction == "none":
        return losses.reshape(target.shape), *saved
    return losses.sum() / (int(counts.sum()) if reduction == "mean" else 1), *saved


@fast.gradient_of("cross_entropy")
def cross_entropy_gradient(
    grad: np.ndarray,
    _output: np.ndarray,
    scores: np.ndarray,
    _target: np.ndarray,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    *,
    saved: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> np.ndarray:
    """The probabilities, minus 1 at the right class."""
    probabilities, classes, counts = saved
    each = grad.reshape(-1) * counts.astype(grad.dtype)
    if reduction == "mean":
        each /= grad.dtype.type(counts.sum())
    rows = row_gradients(each, probabilities, classes, label_smoothing)
    last = (scores.shape[0], *scores.shape[2:], scores.shape[1])
    return np.moveaxis(rows.reshape(last), -1, 1) if scores.ndim > 2 else rows
