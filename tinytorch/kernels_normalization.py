"""Fast batch and layer normalization (chapter 16, given): few passes over memory.

Sums over rows or columns are products with a vector of ones, which BLAS does several times faster
than `sum`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinytorch.kernels_memory import empty
from tinytorch.kernels_sets import fast, floats
from tinytorch.kernels_threads import in_chunks

ROW_BUDGET = 1 << 20  # bytes of rows in one chunk


def _channels_last(x: np.ndarray) -> tuple[int, ...]:
    """The order of axes (N, ..., C) of an array (N, C, ...)."""
    return (0, *range(2, x.ndim), 1)


def _rows(x: np.ndarray) -> np.ndarray:
    """(N, C, ...) as a matrix with a row for each pixel: a view if the memory is channels-last."""
    return x.transpose(_channels_last(x)).reshape(-1, x.shape[1])


def column_sums(matrix: np.ndarray) -> np.ndarray:
    """Sum of each column of (M, N)."""
    return np.ones(len(matrix), matrix.dtype) @ matrix


def batch_statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and biased variance of each channel of (N, C, ...): two float arrays (C,).

    Each chunk gives its own mean and squared deviations, which merge exactly: stable like two
    passes, at the cost of one (Chan, Golub and LeVeque 1979).
    """
    rows = _rows(x)

    def run(chunk: slice) -> tuple[int, np.ndarray, np.ndarray]:
        part = rows[chunk]
        mean = column_sums(part) / part.dtype.type(len(part))
        deviation = np.subtract(part, mean, out=empty(part.shape, part.dtype))
        return len(part), mean, np.einsum("ij,ij->j", deviation, deviation)

    parts = in_chunks(run, len(rows), rows.shape[1] * rows.itemsize, ROW_BUDGET)
    counts = np.array([count for count, _, _ in parts], np.float64)[:, None]
    means = np.array([mean for _, mean, _ in parts], np.float64)
    mean = (counts * means).sum(0) / len(rows)
    squares = (
        np.array([square for _, _, square in parts], np.float64) + counts * (means - mean) ** 2
    )
    return mean.astype(x.dtype), (squares.sum(0) / len(rows)).astype(x.dtype)


def normalize(x: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """x * scale + shift with one scale and shift a channel, in the memory order of `_rows`."""
    rows, result = _rows(x), empty(x.shape, x.dtype, order=_channels_last(x))
    target = _rows(result)

    def run(chunk: slice) -> None:
        np.multiply(rows[chunk], scale, out=target[chunk])
        target[chunk] += shift

    in_chunks(run, len(rows), rows.shape[1] * rows.itemsize, ROW_BUDGET)
    return result


def batch_norm_backward(
    gradient: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray | None,
    mean: np.ndarray,
    inverse: np.ndarray,
    batch: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of batch normalization with respect to x, weight and bias.

    mean, inverse: the mean and 1 / sqrt(variance + eps) that were used, (C,); batch: whether they
    are the batch's own (training), so that x acts through them too (Ioffe and Szegedy 2015, section
    3).
    """
    rows, outer = _rows(x), _rows(gradient)
    scale = inverse if weight is None else weight * inverse

    def sums(chunk: slice) -> tuple[np.ndarray, np.ndarray]:
        deviation = np.subtract(rows[chunk], mean, out=empty(rows[chunk].shape, rows.dtype))
        return np.einsum("ij,ij->j", outer[chunk], deviation), column_sums(outer[chunk])

    parts = in_chunks(sums, len(rows), rows.shape[1] * rows.itemsize, ROW_BUDGET)
    weight_gradient = np.add.reduce([part for part, _ in parts]) * inverse
    bias_gradient = np.add.reduce([part for _, part in parts])
    result = empty(x.shape, x.dtype, order=_channels_last(x))
    inner = _rows(result)
    # In training x moves mean and variance too: minus the means of g and of g * xhat, times xhat.
    slope = -scale * inverse * weight_gradient / rows.dtype.type(len(rows))
    shift = -scale * bias_gradient / rows.dtype.type(len(rows)) - slope * mean

    def run(chunk: slice) -> None:
        target = np.multiply(outer[chunk], scale, out=inner[chunk])
        if batch:
            through_statistics = np.multiply(
                rows[chunk], slope, out=empty(target.shape, rows.dtype)
            )
            through_statistics += shift
            target += through_statistics

    in_chunks(run, len(rows), rows.shape[1] * rows.itemsize, ROW_BUDGET)
    return result, weight_gradient, bias_gradient


@fast.implements("batch_norm")
def batch_norm(
    x: np.ndarray,
    running_mean: np.ndarray | None,
    running_var: np.ndarray | None,
    weight: np.ndarray | None,
    bias: np.ndarray | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Any:
    """Statistics in one pass over x, the result in another; the running statistics follow."""
    if not floats(x, running_mean, running_var, weight, bias):
        return NotImplemented
    if training:
        mean, variance = batch_statistics(x)
        count = x.size // x.shape[1]
        for running, now in ((running_mean, mean), (running_var, variance * count / (count - 1))):
            if running is not None:
                running += momentum * (now - running)
    else:
        assert running_mean is not None
        assert running_var is not None
        mean, variance = running_mean.copy(), running_var
    inverse = 1 / np.sqrt(variance + eps)
    scale = inverse if weight is None else weight * inverse
    shift = -mean * scale if bias is None else bias - mean * scale
    return normalize(x, scale, shift), mean, inverse


@fast.gradient_of("batch_norm")
def batch_norm_gradient(
    grad: np.ndarray,
    _output: np.ndarray,
    x: np.ndarray,
    _running_mean: np.ndarray | None,
    _running_var: np.ndarray | None,
    weight: np.ndarray | None,
    _bias: np.ndarray | None,
    training: bool,
    momentum: float,
    eps: float,
    *,
    saved: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, None, None, np.ndarray, np.ndarray]:
    """In training the mean and the variance depend on x too."""
    for_x, for_weight, for_bias = batch_norm_backward(grad, x, weight, *saved, training)
    return for_x, None, None, for_weight, for_bias


@fast.implements("layer_norm")
def layer_norm(
    x: np.ndarray,
    shape: tuple[int, ...],
    weight: np.ndarray | None,
    bias: np.ndarray | None,
    eps: float,
) -> Any:
    """Normalize every run of elements of x (..., *shape), then scale and shift by (*shape).

    Returns the output, and for the gradient the mean and 1 / sqrt(variance + eps) of each row,
    (rows, 1).
    """
    if not floats(x, weight, bias):
        return NotImplemented
    size = math.prod(shape)
    rows, result = x.reshape(-1, size), empty(x.shape, x.dtype)
    mean, inverse = np.empty((len(rows), 1), rows.dtype), np.empty((len(rows), 1), rows.dtype)
    flat, average = result.reshape(-1, size), np.full(size, 1 / size, rows.dtype)

    def run(chunk: slice) -> None:
        part, target = rows[chunk], flat[chunk]
        mean[chunk, 0] = part @ average
        np.subtract(part, mean[chunk], out=target)
        variance = np.einsum("ij,ij->i", target, target) * average[0]
        inverse[chunk, 0] = 1 / np.sqrt(variance + rows.dtype.type(eps))
        target *= inverse[chunk]
        if weight is not None:
            target *= weight.reshape(-1)
        if bias is not None:
            target += bias.reshape(-1)

    in_chunks(run, len(rows), size * rows.itemsize, ROW_BUDGET)
    return result, mean, inverse


@fast.gradient_of("layer_norm")
def layer_norm_gradient(
    grad: np.ndarray,
    _output: np.ndarray,
    x: np.ndarray,
    shape: tuple[int, ...],
    weight: np.ndarray | None,
    _bias: np.ndarray | None,
    eps: float,
    *,
    saved: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, None, np.ndarray, np.ndarray]:
    """With xhat the normalized row and d = g * weight:

    dx = (d - mean(d) - xhat * mean(d * xhat)) / deviation  (Ba, Kiros and Hinton 2016).
    """
    size, (mean, inverse) = math.prod(shape), saved
    rows, outer, result = x.reshape(-1, size), grad.reshape(-1, size), empty(x.shape, x.dtype)
    flat, average = result.reshape(-1, size), np.full(size, 1 / size, rows.dtype)

    def run(chunk: slice) -> tuple[np.ndarray, np.ndarray]:
        g, target = outer[chunk], flat[chunk]
        normal = np.subtract(rows[chunk], mean[chunk], out=empty(target.shape, rows.dtype))
        normal *= inverse[chunk]
        sums = np.einsum("ij,ij->j", g, normal), column_sums(g)
        np.multiply(g, 1 if weight is None else weight.reshape(-1), out=target)
        along = np.einsum("ij,ij->i", target, normal) * average[0]
        normal *= along[:, None]
        normal += (target @ average)[:, None]
        target -= normal
        target *= inverse[chunk]
        return sums

    parts = in_chunks(run, len(rows), size * rows.itemsize, ROW_BUDGET)
    for_weight = np.add.reduce([part for part, _ in parts])
    for_bias = np.add.reduce([part for _, part in parts])
    return result, None, for_weight.reshape(shape), for_bias.reshape(shape)
