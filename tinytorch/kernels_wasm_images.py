"""WebAssembly kernels (chapter 16, given): convolution and pooling, channels last in memory.

As in the fast set, windows are gathered for a few images at a time ("im2col") and multiplied.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch.arguments import Pair, output_size
from tinytorch.kernels_convolution import as_matrices, channels_last, empty_images, flipped
from tinytorch.kernels_memory import empty
from tinytorch.kernels_sets import fast
from tinytorch.kernels_threads import in_chunks
from tinytorch.kernels_wasm import is_float32, lib, wasm
from tinytorch.kernels_wasm_products import column_sums
from tinytorch.tensor import Array

COLUMN_BUDGET = 1 << 20  # bytes of gathered windows in one chunk
ONE = (1, 1)


def _last(images: Array) -> Array:
    """(N, C, H, W) as (N, H, W, C) with the channels of a pixel side by side; copied if need be."""
    view = channels_last(images)
    if view.strides[3] == view.itemsize or view.shape[3] == 1:
        return view
    result = channels_last(empty_images(images.shape, images.dtype))
    if not lib.map_copy(view, result):
        result[...] = view
    return result


def _windows(kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> tuple[int, ...]:
    return (*kernel, *stride, *padding, *dilation)


class _Columns:
    """Gathers the windows of some channels of some images as rows of a matrix."""

    def __init__(self, images: Array, kernel: Pair, size: Pair, how: tuple[Pair, Pair, Pair]):
        self.images, self.size = images, size
        self.windows = _windows(kernel, *how)
        c = images.shape[3]
        # A 1 x 1 window at every pixel: the images are their own columns.
        self.plain = kernel == ONE and how == (ONE, (0, 0), ONE) and images.flags.c_contiguous
        self.shape = (size[0] * size[1], kernel[0] * kernel[1] * c)

    def gather(self, chunk: slice) -> Any:
        """The matrix of the images in `chunk`, or None."""
        part, (pixels, width) = self.images[chunk], self.shape
        if self.plain:
            return part.reshape(-1, width)
        columns = empty((len(part) * pixels, width))
        done = lib.gather_windows(part, columns, *self.size, *self.windows)
        return columns if done else None


@wasm.implements("conv2d")
def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Pair = ONE,
    padding: Pair = (0, 0),
    dilation: Pair = ONE,
    groups: int = 1,
) -> Any:
    """Cross-correlation: x (N, in, H, W), weight (out, in/groups, kh, kw), bias (out,)."""
    if not is_float32(x, weight, bias):
        return NotImplemented
    images, kernel = _last(x), (weight.shape[2], weight.shape[3])
    n, h, w, _ = images.shape
    size = (
        output_size(h, kernel[0], stride[0], padding[0], dilation[0]),
        output_size(w, kernel[1], stride[1], padding[1], dilation[1]),
    )
    matrices = as_matrices(weight, groups)
    out, c, o = weight.shape[0], weight.shape[1], weight.shape[0] // groups
    result = empty_images((n, out, *size), np.float32)
    flat = channels_last(result).reshape(-1, out)
    how, pixels, done = (stride, padding, dilation), size[0] * size[1], True
    parts = [_Columns(images[..., g * c : (g + 1) * c], kernel, size, how) for g in range(groups)]

    def run(chunk: slice) -> None:
        nonlocal done
        target = flat[chunk.start * pixels : chunk.stop * pixels]
        for group, part in enumerate(parts):
            columns, into = part.gather(chunk), target[:, group * o : (group + 1) * o]
            done &= columns is not None
            done &= bool(lib.matmul(columns, matrices[group], into, 1.0, 0))
        if bias is not None:
            done &= bool(lib.map_add(target, bias, target))

    in_chunks(run, n, pixels * matrices.shape[1] * 4, COLUMN_BUDGET)
    return result if done else NotImplemented


def _input_gradient(
    grad: Array, x: Array, weight: Array, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Any:
    """Gradient of the images: a convolution with the flipped weight, or windows added back."""
    kernel = (weight.shape[2], weight.shape[3])
    reach = tuple(d * (k - 1) - p for d, k, p in zip(dilation, kernel, padding, strict=True))
    if stride == ONE and min(reach) >= 0:
        turned = np.ascontiguousarray(flipped(weight, groups))
        return conv2d(grad, turned, None, ONE, (reach[0], reach[1]), dilation, groups)
    outer, out = _last(grad), weight.shape[0]
    n, rows, across, _ = outer.shape
    c, o = weight.shape[1], out // groups
    matrices = as_matrices(weight, groups)
    result = empty_images(x.shape, np.float32)
    inside = channels_last(result)
    inside[...] = 0
    windows, done = _windows(kernel, stride, padding, dilation), True

    def run(chunk: slice) -> None:
        nonlocal done
        g = outer[chunk].reshape(-1, out)
        for i in range(groups):
            columns = empty((len(g), matrices.shape[1]))
            into = inside[chunk, ..., i * c : (i + 1) * c]
            left, right = g[:, i * o : (i + 1) * o], matrices[i].T
            done &= bool(lib.matmul(left, right, columns, 1.0, 0))
            done &= bool(lib.scatter_windows(columns, into, rows, across, *windows))

    in_chunks(run, n, rows * across * matrices.shape[1] * 4, COLUMN_BUDGET)
    return result if done else NotImplemented


def _weight_gradient(
    grad: Array, x: Array, weight: Array, stride: Pair, padding: Pair, dilation: Pair, groups: int
) -> Any:
    """Gradients of weight and bias: windows times gradient, summed in one matrix a group."""
    images, outer, out = _last(x), _last(grad), weight.shape[0]
    n, rows, across, _ = outer.shape
    kernel, c, o = (weight.shape[2], weight.shape[3]), weight.shape[1], out // groups
    total = np.zeros((groups, kernel[0] * kernel[1] * c, o), np.float32)
    how, done = (stride, padding, dilation), True
    parts = [
        _Columns(images[..., g * c : (g + 1) * c], kernel, (rows, across), how)
        for g in range(groups)
    ]

    def run(chunk: slice) -> None:
        nonlocal done
        g = outer[chunk].reshape(-1, out)
        for i, part in enumerate(parts):
            columns = part.gather(chunk)
            done &= columns is not None
            right = g[:, i * o : (i + 1) * o]
            done &= columns is not None and bool(lib.matmul(columns.T, right, total[i], 1.0, 1))

    in_chunks(run, n, rows * across * total.shape[1] * 4, COLUMN_BUDGET)
    for_bias = np.empty(out, np.float32)
    if not done or not column_sums(outer.reshape(-1, out), for_bias):
        return NotImplemented
    by_group = total.reshape(groups, *kernel, c, o).transpose(0, 4, 3, 1, 2)
    return by_group.reshape(weight.shape), for_bias


@wasm.gradient_of("conv2d")
def conv2d_gradient(
    grad: Array,
    _output: Array,
    x: Array,
    weight: Array,
    _bias: Array | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
    *,
    needed: list[bool],
) -> tuple[Array | None, Array | None, Array | None]:
    """A convolution with the flipped weight for x, windows times gradient for the weight."""
    how = (stride, padding, dilation, groups)
    for_x = for_weight = for_bias = None
    done = is_float32(grad, x, weight)
    if done and needed[0]:
        for_x = _input_gradient(grad, x, weight, *how)
        done = for_x is not NotImplemented
    if done and any(needed[1:]):
        both = _weight_gradient(grad, x, weight, *how)
        done = both is not NotImplemented
        for_weight, for_bias = both if done else (None, None)
    if done:
        return for_x, for_weight, for_bias
    return fast.rules["conv2d"](grad, _output, x, weight, _bias, *how, needed=needed)


def _pool(x: Array, mean: int, windows: tuple[int, ...]) -> Any:
    if not is_float32(x):
        return NotImplemented
    images = _last(x)
    n, h, w, c = images.shape
    kh, kw, sh, sw, ph, pw, dh, dw = windows
    rows, across = output_size(h, kh, sh, ph, dh), output_size(w, kw, sw, pw, dw)
    result = empty_images((n, c, rows, across), np.float32)
    done = lib.pool(images, channels_last(result), mean, *windows)
    return result if done else NotImplemented


@wasm.implements("max_pool2d")
def max_pool2d(
    x: Array, kernel: Pair, stride: Pair, padding: Pair = (0, 0), dilation: Pair = ONE
) -> Any:
    """The largest value of each window: (N, C, H, W) to (N, C, H', W')."""
    return _pool(x, 0, _windows(kernel, stride, padding, dilation))


@wasm.gradient_of("max_pool2d")
def max_pool2d_gradient(
    grad: Array,
    output: Array,
    x: Array,
    kernel: Pair,
    stride: Pair,
    padding: Pair = (0, 0),
    dilation: Pair = ONE,
) -> Array:
    """The first of the largest values of a window gets its gradient."""
    if is_float32(grad, output, x):
        result = empty_images(x.shape, np.float32)
        result[...] = 0
        windows = _windows(kernel, stride, padding, dilation)
        into = channels_last(result)
        if lib.max_pool_gradient(_last(grad), _last(output), _last(x), into, *windows):
            return result
    return fast.rules["max_pool2d"](grad, output, x, kernel, stride, padding, dilation)


@wasm.implements("avg_pool2d")
def avg_pool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair = (0, 0)) -> Any:
    """The mean of each window, padding counted as zeros: (N, C, H, W) to (N, C, H', W')."""
    return _pool(x, 1, _windows(kernel, stride, padding, ONE))


@wasm.gradient_of("avg_pool2d")
def avg_pool2d_gradient(
    grad: Array,
    _output: Array,
    x: Array,
    kernel: Pair,
    stride: Pair,
    padding: Pair = (0, 0),
) -> Array:
    """Every value of a window gets an equal share."""
    if is_float32(grad):
        result = empty_images(x.shape, np.float32)
        result[...] = 0
        windows = _windows(kernel, stride, padding, ONE)
        if lib.mean_pool_gradient(_last(grad), channels_last(result), *windows):
            return result
    return fast.rules["avg_pool2d"](grad, _output, x, kernel, stride, padding)
