"""Chapter 09, given: arguments are checked and completed before an operation runs.

PyTorch: ATen/native/Convolution.cpp and Pool.h (the same checks).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from tinytorch.tensor import Function

Pair = tuple[int, int]
Size = int | Sequence[int]  # one number for height and width, or both
Arguments = tuple[tuple[Any, ...], dict[str, Any]]  # inputs and options of an operation


def pair(value: Size, what: str, least: int = 1) -> Pair:
    """(height, width) of a number or a pair; ValueError when one is below `least`."""
    sizes = (value, value) if isinstance(value, int) else tuple(value)
    if len(sizes) != 2 or min(sizes) < least:
        raise ValueError(f"{what} must be one or two integers of at least {least}, got {value!r}")
    return int(sizes[0]), int(sizes[1])


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """How many windows fit along an axis of `size`: floor((size + 2p - d(k - 1) - 1) / s) + 1."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def prepared(prepare: Callable[..., Arguments]) -> Callable[[Function], Function]:
    """Declare a function whose arguments go through `prepare` first.

    `prepare` checks them and completes them, so that the function, and whatever stands in for it
    in `implementations`, sees pairs in place of numbers and no shapes that do not fit.
    """

    def declare(function: Function) -> Function:
        @functools.wraps(function)
        def run(*arguments: Any, **named: Any) -> Any:
            inputs, options = prepare(*arguments, **named)
            return function(*inputs, **options)

        return run  # type: ignore[return-value]

    return declare


def check_images(x: Any, operation: str) -> None:
    """ValueError unless x is (N, C, H, W) floats."""
    if x.ndim != 4:
        hint = "; a single image needs x.unsqueeze(0)" if x.ndim == 3 else ""
        raise ValueError(f"{operation}: needs images (N, C, H, W), got shape {x.shape}{hint}")
    if x.dtype.kind != "f":
        raise TypeError(f"{operation}: needs float images, got {x.dtype}; x.float() converts")


def check_fit(x: Any, kernel: Pair, padding: Pair, dilation: Pair, operation: str) -> None:
    """ValueError when the window is larger than the padded image."""
    for axis, name in ((0, "height"), (1, "width")):
        window = dilation[axis] * (kernel[axis] - 1) + 1
        room = x.shape[2 + axis] + 2 * padding[axis]
        if window > room:
            raise ValueError(
                f"{operation}: a window of {name} {window} does not fit images of shape {x.shape} "
                f"with padding {padding}, which have {room}"
            )


def conv2d_arguments(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Arguments:
    """Check a convolution's shapes; strides, padding and dilation as pairs."""
    check_images(x, "conv2d")
    if weight.ndim != 4:
        raise ValueError(f"conv2d: the weight must be (out, in, kh, kw), got shape {weight.shape}")
    kernel = weight.shape[2:]
    strides, dilations = pair(stride, "conv2d: stride"), pair(dilation, "conv2d: dilation")
    if isinstance(padding, str):
        paddings = named_padding(padding, kernel, strides, dilations)
    else:
        paddings = pair(padding, "conv2d: padding", 0)
    if groups < 1 or weight.shape[0] % groups or x.shape[1] != weight.shape[1] * groups:
        raise ValueError(
            f"conv2d: images of shape {x.shape} and a weight of shape {weight.shape} do not fit "
            f"with groups={groups}: {x.shape[1]} channels come, "
            f"{weight.shape[1]} x {groups} are expected, and out must divide by groups"
        )
    if bias is not None and bias.shape != (weight.shape[0],):
        raise ValueError(f"conv2d: the bias must be ({weight.shape[0]},), got shape {bias.shape}")
    check_fit(x, kernel, paddings, dilations, "conv2d")
    options = {"stride": strides, "padding": paddings, "dilation": dilations, "groups": groups}
    return (x, weight, bias), options


def named_padding(name: str, kernel: Pair, stride: Pair, dilation: Pair) -> Pair:
    """Padding "valid" is none, "same" keeps height and width."""
    if name == "valid":
        return 0, 0
    around = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if name != "same" or stride != (1, 1) or any(size % 2 for size in around):
        raise ValueError(
            f"conv2d: padding={name!r} needs stride 1 and odd windows, got kernel {kernel}, "
            f"stride {stride}, dilation {dilation}; give the padding as numbers"
        )
    return around[0] // 2, around[1] // 2


def pool_arguments(
    name: str, x: Any, kernel: Size, stride: Size | None, padding: Size, dilation: Size = 1
) -> Arguments:
    """Check a pooling's shapes; the stride is the window's size unless given."""
    check_images(x, name)
    size = pair(kernel, f"{name}: kernel_size")
    paddings, dilations = pair(padding, f"{name}: padding", 0), pair(dilation, f"{name}: dilation")
    if any(2 * p > k for p, k in zip(paddings, size, strict=True)):
        raise ValueError(
            f"{name}: padding {paddings} is more than half the window {size}: windows of padding"
        )
    check_fit(x, size, paddings, dilations, name)
    strides = size if stride is None else pair(stride, f"{name}: stride")
    return (x,), {"kernel": size, "stride": strides, "padding": paddings, "dilation": dilations}


def max_pool2d_arguments(
    x: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
) -> Arguments:
    """Arguments of `max_pool2d`, under PyTorch's names."""
    return pool_arguments("max_pool2d", x, kernel_size, stride, padding, dilation)


def avg_pool2d_arguments(
    x: Any, kernel_size: Size, stride: Size | None = None, padding: Size = 0
) -> Arguments:
    """Arguments of `avg_pool2d`, under PyTorch's names."""
    inputs, options = pool_arguments("avg_pool2d", x, kernel_size, stride, padding)
    del options["dilation"]
    return inputs, options
