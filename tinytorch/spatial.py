"""Chapter 09: layers that see an image as an image.

A window slides over the image. `unfold` lays what it sees into columns, so that a convolution is
one matrix product; `fold` adds columns back to where they came from, which is what gradients need.
Pooling looks through the same windows and keeps the largest value, or the mean.

PyTorch: ATen/native/im2col.h, ConvolutionMM2d.cpp, MaxPooling.cpp, nn/modules/conv.py, pooling.py.
Source: Chellapilla, Puri and Simard, "High Performance Convolutional Neural Networks" (2006).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tinytorch import init
from tinytorch.arguments import (
    Pair,
    Size,
    avg_pool2d_arguments,
    conv2d_arguments,
    max_pool2d_arguments,
    output_size,
    pair,
    prepared,
)
from tinytorch.creation import empty
from tinytorch.graph import gradient_of
from tinytorch.layers import Module, Parameter
from tinytorch.tensor import Array, Tensor, array_operation


def windows(x: Array, kernel: Pair, stride: Pair = (1, 1), dilation: Pair = (1, 1)) -> Array:
    """What a sliding window sees: (N, C, H, W) -> (N, C, H', W', kh, kw), a read-only view.

    No number is copied: one step to the next window is `stride` steps in the image, one step inside
    a window is `dilation` steps.
    """
    n, c, height, width = x.shape
    rows = output_size(height, kernel[0], stride[0], 0, dilation[0])
    columns = output_size(width, kernel[1], stride[1], 0, dilation[1])
    sn, sc, sh, sw = x.strides
    between = (sh * stride[0], sw * stride[1])
    inside = (sh * dilation[0], sw * dilation[1])
    shape = (n, c, rows, columns, *kernel)
    return as_strided(x, shape, (sn, sc, *between, *inside), writeable=False)


def pad_images(x: Array, padding: Pair, value: float = 0.0) -> Array:
    """`value` added on all sides: (N, C, H, W) -> (N, C, H + 2 ph, W + 2 pw)."""
    ph, pw = padding
    return np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)), constant_values=value)


def unfold(x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Array:
    """One column for each window: (N, C, H, W) -> (N, C * kh * kw, H' * W')."""
    seen = windows(pad_images(x, padding), kernel, stride, dilation)
    n, c, rows, columns, kh, kw = seen.shape
    return seen.transpose(0, 1, 4, 5, 2, 3).reshape(n, c * kh * kw, rows * columns)


def fold(
    columns: Array,
    shape: tuple[int, ...],
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> Array:
    """Add the columns of `unfold` back into images of `shape` (N, C, H, W).

    A pixel that several windows saw gets the sum of what they hold for it.
    """
    n, c, height, width = shape
    (kh, kw), (ph, pw) = kernel, padding
    rows = output_size(height, kh, stride[0], ph, dilation[0])
    across = output_size(width, kw, stride[1], pw, dilation[1])
    places = columns.reshape(n, c, kh, kw, rows, across)
    padded = np.zeros((n, c, height + 2 * ph, width + 2 * pw), columns.dtype)
    for i in range(kh):
        for j in range(kw):
            top, left = i * dilation[0], j * dilation[1]
            bottom, right = top + stride[0] * rows, left + stride[1] * across
            padded[:, :, top : bottom : stride[0], left : right : stride[1]] += places[:, :, i, j]
    return padded[:, :, ph : ph + height, pw : pw + width]


# Convolution. -------------------------------------------------------------------------------------


@prepared(conv2d_arguments)
@array_operation
def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """Every window times every filter: x (N, in, H, W), weight (out, in / groups, kh, kw).

    Returns (N, out, H', W'). With groups, each group of filters sees its own part of the channels.
    """
    n, kernel = len(x), weight.shape[2:]
    columns = unfold(x, kernel, stride, padding, dilation)
    columns = columns.reshape(n, groups, -1, columns.shape[-1])
    filters = weight.reshape(groups, len(weight) // groups, -1)
    height = output_size(x.shape[2], kernel[0], stride[0], padding[0], dilation[0])
    result = (filters @ columns).reshape(n, len(weight), height, -1)
    return result if bias is None else result + bias.reshape(-1, 1, 1)


@gradient_of("conv2d")
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
) -> tuple[Array, Array, Array]:
    """Gradients for x, weight and bias.

    The result was filters @ columns: two more matrix products, and `fold` for x.
    """
    n, kernel = len(x), weight.shape[2:]
    columns = unfold(x, kernel, stride, padding, dilation)
    columns = columns.reshape(n, groups, -1, columns.shape[-1])
    filters = weight.reshape(groups, len(weight) // groups, -1)
    outer = grad.reshape(n, groups, len(weight) // groups, -1)
    for_columns = (filters.swapaxes(1, 2) @ outer).reshape(n, -1, columns.shape[-1])
    for_x = fold(for_columns, x.shape, kernel, stride, padding, dilation)
    for_weight = (outer @ columns.swapaxes(2, 3)).sum(axis=0).reshape(weight.shape)
    return for_x, for_weight, grad.sum(axis=(0, 2, 3))


# Pooling. -----------------------------------------------------------------------------------------


@prepared(max_pool2d_arguments)
@array_operation
def max_pool2d(
    x: Array, kernel: Pair, stride: Pair, padding: Pair = (0, 0), dilation: Pair = (1, 1)
) -> Array:
    """The largest value of each window: (N, C, H, W) -> (N, C, H', W'). Padding never wins."""
    return windows(pad_images(x, padding, -np.inf), kernel, stride, dilation).max(axis=(4, 5))


@gradient_of("max_pool2d")
def max_pool2d_gradient(
    grad: Array,
    _output: Array,
    x: Array,
    kernel: Pair,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
) -> Array:
    """All of a window's gradient goes to its largest value, the first one among equals."""
    seen = windows(pad_images(x, padding, -np.inf), kernel, stride, dilation)
    flat = seen.reshape(*seen.shape[:4], -1)
    places = np.arange(flat.shape[-1]).reshape(-1, 1, 1)
    winners = flat.argmax(axis=-1)[:, :, None] == places  # (N, C, kh * kw, H', W')
    columns = winners * grad[:, :, None]
    return fold(columns, x.shape, kernel, stride, padding, dilation)


@prepared(avg_pool2d_arguments)
@array_operation
def avg_pool2d(x: Array, kernel: Pair, stride: Pair, padding: Pair = (0, 0)) -> Array:
    """The mean of each window, zeros of the padding included: (N, C, H, W) -> (N, C, H', W')."""
    return windows(pad_images(x, padding), kernel, stride).mean(axis=(4, 5))


@gradient_of("avg_pool2d")
def avg_pool2d_gradient(
    grad: Array, _output: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair
) -> Array:
    """Every value of a window gets an equal share."""
    area = kernel[0] * kernel[1]
    columns = np.repeat(grad[:, :, None] / area, area, axis=2)
    return fold(columns, x.shape, kernel, stride, padding, (1, 1))


def averaging(size: int, bins: int) -> Array:
    """Matrix (bins, size) whose row i averages the part of `size` that belongs to bin i.

    Bins reach from floor(i size / bins) to ceil((i + 1) size / bins); they may overlap.
    """
    matrix = np.zeros((bins, size))
    for i in range(bins):
        start, end = i * size // bins, -(-(i + 1) * size // bins)
        matrix[i, start:end] = 1 / (end - start)
    return matrix


def adaptive_avg_pool2d(x: Tensor, output_size: Size) -> Tensor:
    """Means of as many equal parts as asked for: (N, C, H, W) -> (N, C, *output_size)."""
    if x.ndim != 4:
        raise ValueError(f"adaptive_avg_pool2d: needs images (N, C, H, W), got shape {x.shape}")
    rows, columns = pair(output_size, "adaptive_avg_pool2d: output_size")
    down = Tensor(averaging(x.shape[2], rows).astype(x.dtype))
    across = Tensor(averaging(x.shape[3], columns).T.astype(x.dtype))
    return down @ x @ across


# Layers. ------------------------------------------------------------------------------------------


class Conv2d(Module):
    """A convolution with weights that learn.

    in_channels, out_channels: divisible by `groups`. kernel_size, stride, padding, dilation: a
    number or (height, width); padding may be "same" or "valid". weight is (out, in / groups,
    kh, kw), bias (out,).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        if (
            min(in_channels, out_channels, groups) < 1
            or in_channels % groups + out_channels % groups
        ):
            raise ValueError(
                f"Conv2d: channels must be positive and divide by groups, got in_channels="
                f"{in_channels}, out_channels={out_channels}, groups={groups}"
            )
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = pair(kernel_size, "Conv2d: kernel_size")
        self.stride = pair(stride, "Conv2d: stride")
        self.padding = padding if isinstance(padding, str) else pair(padding, "Conv2d: padding", 0)
        self.dilation = pair(dilation, "Conv2d: dilation")
        self.weight = Parameter(empty(out_channels, in_channels // groups, *self.kernel_size))
        self.bias = Parameter(empty(out_channels)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start as PyTorch does: uniform in +-1 / sqrt(inputs of a filter)."""
        bound = 1 / math.sqrt(math.prod(self.weight.shape[1:]))
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) -> (N, out, H', W')."""
        return conv2d(
            x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )

    def extra_repr(self) -> str:
        """Arguments that are not the defaults, as PyTorch prints them."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        text += f", stride={self.stride}"
        defaults = {"padding": (0, 0), "dilation": (1, 1), "groups": 1}
        for name, default in defaults.items():
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        return text if self.bias is not None else text + ", bias=False"


class MaxPool2d(Module):
    """The largest value of each window; the stride is the window's size unless given."""

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
    ) -> None:
        self.kernel_size, self.stride = kernel_size, stride or kernel_size
        self.padding, self.dilation = padding, dilation

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H', W')."""
        return max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation)

    def extra_repr(self) -> str:
        """The window, as PyTorch prints it."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode=False"
        )


class AvgPool2d(Module):
    """The mean of each window; the stride is the window's size unless given."""

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> None:
        self.kernel_size, self.stride, self.padding = kernel_size, stride or kernel_size, padding

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H', W')."""
        return avg_pool2d(x, self.kernel_size, self.stride, self.padding)

    def extra_repr(self) -> str:
        """The window, as PyTorch prints it."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AdaptiveAvgPool2d(Module):
    """Means of as many equal parts as asked for, whatever the image's size."""

    def __init__(self, output_size: Size) -> None:
        self.output_size = output_size

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, *output_size)."""
        return adaptive_avg_pool2d(x, self.output_size)

    def extra_repr(self) -> str:
        """The size, as PyTorch prints it."""
        return f"output_size={self.output_size}"
