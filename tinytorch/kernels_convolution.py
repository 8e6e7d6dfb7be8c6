"""Fast 2-d convolution (chapter 16, given): chunks of images, channels last, as matrix products.

Images keep PyTorch's shape (N, C, H, W), but in memory the channels lie side by side (strides of
(N, H, W, C)). A window of a row is then one contiguous run, so gathering the windows ("im2col",
Chellapilla et al. 2006) is one strided copy. A few images at a time are gathered, so that the
columns are still in the cache when the matrix product reads them.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tinytorch.arguments import Pair, output_size
from tinytorch.kernels_memory import empty
from tinytorch.kernels_sets import fast
from tinytorch.kernels_threads import in_chunks

COLUMN_BUDGET = 4 << 20  # bytes of gathered windows in one chunk


def channels_last(images: np.ndarray) -> np.ndarray:
    """Images (N, C, H, W) as a view (N, H, W, C), contiguous if their memory is channels-last."""
    return images.transpose(0, 2, 3, 1)


def empty_images(shape: tuple[int, ...], dtype: np.typing.DTypeLike) -> np.ndarray:
    """Uninitialised images (N, C, H, W) in channels-last memory."""
    return empty(shape, dtype, order=(0, 2, 3, 1))


def padded(images: np.ndarray, padding: Pair, value: float = 0.0) -> np.ndarray:
    """Images (n, h, w, c) with a border of `value`: (n, h + 2p, w + 2q, c)."""
    p, q = padding
    if p == 0 and q == 0:
        return images
    n, h, w, c = images.shape
    result = empty((n, h + 2 * p, w + 2 * q, c), images.dtype)
    result[:, :p] = result[:, p + h :] = value
    result[:, p : p + h, :q] = result[:, p : p + h, q + w :] = value
    result[:, p : p + h, q : q + w] = images
    return result


def windows(images: np.ndarray, kernel: Pair, stride: Pair, dilation: Pair) -> np.ndarray:
    """Every window of (n, h, w, c) as a view (n, rows, columns, kernel height, kernel width, c)."""
    n, h, w, c = images.shape
    rows = output_size(h, kernel[0], stride[0], 0, dilation[0])
    columns = output_size(w, kernel[1], stride[1], 0, dilation[1])
    sn, sh, sw, sc = images.strides
    strides = (sn, sh * stride[0], sw * stride[1], sh * dilation[0], sw * dilation[1], sc)
    return as_strided(images, (n, rows, columns, *kernel, c), strides, writeable=False)


def gathered(images: np.ndarray, kernel: Pair, stride: Pair, dilation: Pair) -> np.ndarray:
    """The windows as rows of a matrix: (n * rows * columns, kernel height * kernel width * c)."""
    view = windows(images, kernel, stride, dilation)
    length = kernel[0] * kernel[1] * images.shape[3]
    if kernel == (1, 1) and stride == (1, 1):
        return view.reshape(-1, length)
    columns = empty(view.shape, images.dtype)
    columns[...] = view
    return columns.reshape(-1, length)


def scattered(
    columns: np.ndarray, into: np.ndarray, kernel: Pair, stride: Pair, dilation: Pair
) -> None:
    """Add every window, (n, rows, columns, kh, kw, c), back to the place it was gathered from."""
    rows, width = columns.shape[1:3]
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            top, left = i * dilation[0], j * dilation[1]
            down = slice(top, top + stride[0] * (rows - 1) + 1, stride[0])
            across = slice(left, left + stride[1] * (width - 1) + 1, stride[1])
            into[:, down, across] += columns[:, :, :, i, j]


def as_matrices(weight: np.ndarray, groups: int) -> np.ndarray:
    """Weight (out, c, kh, kw) as one matrix a group: (groups, kh * kw * c, out / groups)."""
    out, c, kh, kw = weight.shape
    by_group = weight.reshape(groups, out // groups, c, kh, kw).transpose(0, 3, 4, 2, 1)
    return by_group.reshape(groups, kh * kw * c, out // groups)


def flipped(weight: np.ndarray, groups: int) -> np.ndarray:
    """The weight that carries gradients back: turned by 180 degrees, in and out exchanged."""
    out, c, kh, kw = weight.shape
    by_group = weight[:, :, ::-1, ::-1].reshape(groups, out // groups, c, kh, kw)
    return by_group.transpose(0, 2, 1, 3, 4).reshape(groups * c, out // groups, kh, kw)


@fast.implements("conv2d")
def conv2d(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> np.ndarray:
    """Cross-correlation of images with a weight, as `torch.nn.functional.conv2d`.

    x: (N, in, H, W); weight: (out, in/groups, kh, kw); bias: (out,). Returns (N, out, H', W') in
    channels-last memory. The shapes have been checked by the operation that this stands in for.
    """
    images, kernel = channels_last(x), (weight.shape[2], weight.shape[3])
    n, h, w, _ = images.shape
    rows, columns = (
        output_size(*axis) for axis in zip((h, w), kernel, stride, padding, dilation, strict=True)
    )
    out = weight.shape[0]
    matrices = as_matrices(weight, groups)
    c, o = weight.shape[1], out // groups
    result = empty_images((n, out, rows, columns), np.result_type(x, weight))

    def run(chunk: slice) -> None:
        frame = padded(images[chunk], padding)
        target = channels_last(result[chunk]).reshape(-1, out)
        for group in range(groups):
            patches = gathered(frame[..., group * c : (group + 1) * c], kernel, stride, dilation)
            np.matmul(patches, matrices[group], out=target[:, group * o : (group + 1) * o])
        if bias is not None:
            target += bias

    in_chunks(run, n, rows * columns * matrices.shape[1] * x.itemsize, COLUMN_BUDGET)
    return result


def conv2d_input_gradient(
    gradient: np.ndarray,
    x_shape: tuple[int, ...],
    weight: np.ndarray,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """Gradient with respect to x, (N, in, H, W), from that of the output, (N, out, H', W').

    With stride 1 it is a convolution of `gradient` with the flipped weight. Otherwise the gradient
    of every window is added back to its place.
    """
    kernel = (weight.shape[2], weight.shape[3])
    reach = (dilation[0] * (kernel[0] - 1) - padding[0], dilation[1] * (kernel[1] - 1) - padding[1])
    if stride == (1, 1) and min(reach) >= 0:
        return conv2d(gradient, flipped(weight, groups), None, stride, reach, dilation, groups)

    outer = channels_last(gradient)
    n, rows, columns, out = outer.shape
    _, channels, h, w = x_shape
    c, o = weight.shape[1], out // groups
    matrices = as_matrices(weight, groups)
    result = empty_images(x_shape, np.result_type(gradient, weight))

    def run(chunk: slice) -> None:
        g = outer[chunk].reshape(-1, out)
        frame = np.zeros(
            (chunk.stop - chunk.start, h + 2 * padding[0], w + 2 * padding[1], channels),
            result.dtype,
        )
        for i in range(groups):
            patches = g[:, i * o : (i + 1) * o] @ matrices[i].T
            patches = patches.reshape(-1, rows, columns, *kernel, c)
            scattered(patches, frame[..., i * c : (i + 1) * c], kernel, stride, dilation)
        inner = frame[:, padding[0] : padding[0] + h, padding[1] : padding[1] + w]
        channels_last(result[chunk])[...] = inner

    in_chunks(run, n, rows * columns * matrices.shape[1] * gradient.itemsize, COLUMN_BUDGET)
    return result


def conv2d_weight_gradient(
    gradient: np.ndarray,
    x: np.ndarray,
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of `conv2d` with respect to weight, (out, in/groups, kh, kw), and bias, (out,).

    The windows of x are gathered again: that is cheaper than keeping them since the forward pass.
    """
    images, outer = channels_last(x), channels_last(gradient)
    n, rows, columns, out = outer.shape
    c, o = images.shape[3] // groups, out // groups

    def run(chunk: slice) -> tuple[np.ndarray, np.ndarray]:
        frame, g = padded(images[chunk], padding), outer[chunk].reshape(-1, out)
        weight_part = np.empty((groups, kernel[0] * kernel[1] * c, o), gradient.dtype)
        for i in range(groups):
            patches = gathered(frame[..., i * c : (i + 1) * c], kernel, stride, dilation)
            np.matmul(patches.T, g[:, i * o : (i + 1) * o], out=weight_part[i])
        return weight_part, np.ones(len(g), g.dtype) @ g

    bytes_each = rows * columns * kernel[0] * kernel[1] * c * x.itemsize
    parts = in_chunks(run, n, bytes_each, COLUMN_BUDGET)
    total = np.add.reduce([part for part, _ in parts])
    by_group = total.reshape(groups, *kernel, c, o).transpose(0, 4, 3, 1, 2)
    return by_group.reshape(out, c, *kernel), np.add.reduce([part for _, part in parts])


@fast.gradient_of("conv2d")
def conv2d_gradient(
    grad: np.ndarray,
    _output: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    _bias: np.ndarray | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
    *,
    needed: list[bool],
) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
    """A convolution with the flipped weight for x, windows times gradient for the weight."""
    how = (stride, padding, dilation, groups)
    for_x = None
    if needed[0]:
        for_x = conv2d_input_gradient(grad, x.shape, weight, *how)
    if any(needed[1:]):
        kernel = (weight.shape[2], weight.shape[3])
        return for_x, *conv2d_weight_gradient(grad, x, kernel, *how)
    return for_x, None, None
