"""Fast pooling (chapter 16, given): one array operation for each place of the window.

With the channels last, the values at place (i, j) of all windows are a strided slice whose runs are
C long.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinytorch.arguments import Pair, output_size
from tinytorch.kernels_convolution import channels_last, empty_images, padded
from tinytorch.kernels_memory import empty
from tinytorch.kernels_sets import fast
from tinytorch.kernels_threads import in_chunks

POOL_BUDGET = 1 << 19  # bytes of images in one chunk


def _places(
    images: np.ndarray, kernel: Pair, stride: Pair, rows: int, columns: int, dilation: Pair = (1, 1)
) -> Iterator[np.ndarray]:
    """For each place of the window, in reading order: its values in all windows."""
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            top, left = i * dilation[0], j * dilation[1]
            down = slice(top, top + stride[0] * (rows - 1) + 1, stride[0])
            across = slice(left, left + stride[1] * (columns - 1) + 1, stride[1])
            yield images[:, down, across]


@fast.implements("max_pool2d")
def max_pool2d(
    x: np.ndarray, kernel: Pair, stride: Pair, padding: Pair = (0, 0), dilation: Pair = (1, 1)
) -> np.ndarray:
    """The largest value of each window: (N, C, H, W) to (N, C, H', W'), channels-last memory."""
    images = channels_last(x)
    n, h, w, c = images.shape
    rows = output_size(h, kernel[0], stride[0], padding[0], dilation[0])
    columns = output_size(w, kernel[1], stride[1], padding[1], dilation[1])
    result = empty_images((n, c, rows, columns), x.dtype)

    def run(chunk: slice) -> None:
        frame, target = padded(images[chunk], padding, -np.inf), channels_last(result[chunk])
        values = _places(frame, kernel, stride, rows, columns, dilation)
        first = next(values)
        second = next(values, first)
        np.maximum(first, second, out=target)
        for value in values:
            np.maximum(target, value, out=target)

    in_chunks(run, n, h * w * c * x.itemsize, POOL_BUDGET)
    return result


@fast.gradient_of("max_pool2d")
def max_pool2d_gradient(
    grad: np.ndarray,
    output: np.ndarray,
    x: np.ndarray,
    kernel: Pair,
    stride: Pair,
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
) -> np.ndarray:
    """Gradient with respect to x. Of equal values the first in reading order gets it (PyTorch).

    grad and output: (N, C, H', W'); x: (N, C, H, W).
    """
    images, outer, largest = channels_last(x), channels_last(grad), channels_last(output)
    n, h, w, c = images.shape
    rows, columns = outer.shape[1:3]
    apart = (
        stride[0] >= dilation[0] * (kernel[0] - 1) + 1
        and stride[1] >= dilation[1] * (kernel[1] - 1) + 1
    )
    covers = (
        apart
        and stride == kernel
        and padding == (0, 0)
        and (rows * kernel[0], columns * kernel[1]) == (h, w)
    )
    result = empty_images(x.shape, grad.dtype)

    def run(chunk: slice) -> None:
        frame, g, top = padded(images[chunk], padding, -np.inf), outer[chunk], largest[chunk]
        inside = channels_last(result[chunk])
        into = inside if padding == (0, 0) else empty(frame.shape, g.dtype)
        if not covers:
            into[...] = 0
        free = np.ones(top.shape, bool)
        places = zip(
            _places(frame, kernel, stride, rows, columns, dilation),
            _places(into, kernel, stride, rows, columns, dilation),
            strict=True,
        )
        for value, target in places:
            winner = value == top
            winner &= free
            free ^= winner
            if apart:
                np.multiply(g, winner, out=target)
            else:
                target += g * winner
        if padding != (0, 0):
            inside[...] = into[:, padding[0] : padding[0] + h, padding[1] : padding[1] + w]

    in_chunks(run, n, h * w * c * x.itemsize, POOL_BUDGET)
    return result


@fast.implements("avg_pool2d")
def avg_pool2d(x: np.ndarray, kernel: Pair, stride: Pair, padding: Pair = (0, 0)) -> np.ndarray:
    """The mean of each window, padding counted as zeros: (N, C, H, W) to (N, C, H', W')."""
    images = channels_last(x)
    n, h, w, c = images.shape
    rows = output_size(h, kernel[0], stride[0], padding[0], 1)
    columns = output_size(w, kernel[1], stride[1], padding[1], 1)
    result = empty_images((n, c, rows, columns), x.dtype)

    def run(chunk: slice) -> None:
        target = channels_last(result[chunk])
        target[...] = 0
        for value in _places(padded(images[chunk], padding), kernel, stride, rows, columns):
            target += value
        target *= 1 / (kernel[0] * kernel[1])

    in_chunks(run, n, h * w * c * x.itemsize, POOL_BUDGET)
    return result


@fast.gradient_of("avg_pool2d")
def avg_pool2d_gradient(
    grad: np.ndarray,
    _output: np.ndarray,
    x: np.ndarray,
    kernel: Pair,
    stride: Pair,
    padding: Pair = (0, 0),
) -> np.ndarray:
    """Gradient with respect to x: every value of a window gets an equal share."""
    outer = channels_last(grad)
    n, c, h, w = x.shape
    rows, columns = outer.shape[1:3]
    result = empty_images(x.shape, grad.dtype)

    def run(chunk: slice) -> None:
        share = outer[chunk] * grad.dtype.type(1 / (kernel[0] * kernel[1]))
        frame = np.zeros((len(share), h + 2 * padding[0], w + 2 * padding[1], c), share.dtype)
        for target in _places(frame, kernel, stride, rows, columns):
            target += share
        inner = frame[:, padding[0] : padding[0] + h, padding[1] : padding[1] + w]
        channels_last(result[chunk])[...] = inner

    in_chunks(run, n, h * w * c * grad.itemsize, POOL_BUDGET)
    return result
