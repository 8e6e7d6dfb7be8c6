"""Chapter 16: kernels, the same operations made fast.

`implementations` and `rules` say what runs for an operation and for its gradient. A kernel set
fills them: `use_kernels("fast")` puts the functions declared here in the place of those that
chapters 02 to 15 wrote, `use_kernels("plain")` takes them out. Results are the same to rounding.

An implementation that returns NotImplemented leaves the case to the function it stands in for.

What makes them fast is the same everywhere: memory that is used again (`kernels_memory`), work
in chunks that fit the cache, several steps in one pass, and matrix products where there can be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from tinytorch import (
    gradient_rules,
    kernels_attention,
    kernels_convolution,
    kernels_fused,
    kernels_normalization,
    kernels_optimizers,
    kernels_pooling,
)
from tinytorch.autograd import rules
from tinytorch.kernels_memory import empty, empty_like, release_memory
from tinytorch.tensor import Array, implementations

Function = TypeVar("Function", bound=Callable[..., Any])
Pair = tuple[int, int]
Rule = Callable[..., Any]


class KernelSet:
    """Functions that stand in for operations, and the gradient rules that go with them."""

    def __init__(self) -> None:
        self.implementations: dict[str, Callable[..., Any]] = {}
        self.rules: dict[str, Rule] = {}

    def implements(self, name: str) -> Callable[[Function], Function]:
        """Declare a function as the implementation of operation `name` in this set."""

        def declare(function: Function) -> Function:
            self.implementations[name] = function
            return function

        return declare

    def gradient_of(self, name: str) -> Callable[[Function], Function]:
        """Declare a function as the gradient rule of operation `name` in this set."""

        def declare(function: Function) -> Function:
            self.rules[name] = function
            return function

        return declare


fast = KernelSet()
sets: dict[str, KernelSet] = {"plain": KernelSet(), "fast": fast}
_in_use = "plain"
_plain_rules: dict[str, Rule | None] = {}  # what the set in use has displaced


def use_kernels(name: str) -> str:
    """Choose the kernel set, "plain" or "fast"; returns the name of the one before.

    It holds for operations from now on. What was recorded before keeps its own gradient rules.
    """
    global _in_use, _plain_rules
    if name not in sets:
        raise ValueError(f"use_kernels: there are {', '.join(sets)}; got {name!r}")
    before, _in_use = _in_use, name
    for operation in sets[before].implementations:
        implementations.pop(operation, None)
    for operation, rule in _plain_rules.items():
        if rule is None:
            rules.pop(operation, None)
        else:
            rules[operation] = rule
    _plain_rules = {operation: rules.get(operation) for operation in sets[name].rules}
    implementations.update(sets[name].implementations)
    rules.update(sets[name].rules)
    if name == "plain":
        release_memory()
    return before


def kernels_in_use() -> str:
    """The name of the kernel set in use."""
    return _in_use


def _floats(*arrays: Array | None) -> bool:
    """Whether all arrays given are float32, or all float64: what the kernels are written for."""
    kinds = {array.dtype.char for array in arrays if array is not None}
    return kinds == {"f"} or kinds == {"d"}


# Arithmetic: the same ufuncs, into memory that is used again. -------------------------------------


def _into_empty(ufunc: np.ufunc, a: Any, b: Any) -> Any:
    """ufunc(a, b), into recycled memory if the result looks like the larger of two float arrays."""
    like = a if np.size(a) >= np.size(b) else b
    small = b if like is a else a
    if not isinstance(like, np.ndarray) or like.dtype.kind != "f":
        return ufunc(a, b)
    if isinstance(small, np.ndarray) and (
        small.dtype != like.dtype or np.broadcast_shapes(a.shape, b.shape) != like.shape
    ):
        return ufunc(a, b)
    return ufunc(a, b, out=empty_like(like))


@fast.implements("add")
def add(a: Any, b: Any) -> Any:
    """a + b."""
    return _into_empty(np.add, a, b)


@fast.implements("sub")
def sub(a: Any, b: Any) -> Any:
    """a - b."""
    return _into_empty(np.subtract, a, b)


@fast.implements("mul")
def mul(a: Any, b: Any) -> Any:
    """a * b."""
    return _into_empty(np.multiply, a, b)


@fast.gradient_of("getitem")
def getitem_gradient(grad: Array, output: Array, a: Array, index: Any) -> Array:
    """To the elements that were picked; the others get 0."""
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, (list, np.ndarray)) for part in parts):
        return gradient_rules.getitem_gradient(grad, output, a, index)
    result = empty(a.shape, grad.dtype)
    result[...] = 0
    result[index] = grad
    return result


# Linear layers and activations. ------------------------------------------------------------------


@fast.implements("linear")
def linear(x: Array, weight: Array, bias: Array | None = None) -> Any:
    """x @ weight^T + bias as one product; the bias is added while the result is in the cache."""
    if x.ndim == 0 or x.shape[-1] != weight.shape[1] or not _floats(x, weight, bias):
        return NotImplemented
    return kernels_fused.linear(x, weight, bias)


@fast.gradient_of("linear")
def linear_gradient(
    grad: Array, _output: Array, x: Array, weight: Array, _bias: Any = None, *, needed: list[bool]
) -> tuple[Array | None, Array | None, Array | None]:
    """dx = g W, dW = g^T x, db = the column sums of g."""
    for_x = kernels_fused.linear_input_gradient(grad, weight) if needed[0] else None
    if any(needed[1:]):
        return for_x, *kernels_fused.linear_weight_gradient(grad, x)
    return for_x, None, None


fast.implements("relu")(kernels_fused.relu)


@fast.gradient_of("relu")
def relu_gradient(grad: Array, output: Array, _x: Array) -> Array:
    """The gradient passes where the output is positive."""
    return kernels_fused.relu_backward(grad, output)


@fast.implements("gelu")
def gelu(x: Array, approximate: str = "none") -> Any:
    """All steps of GELU on a chunk before the next; its gate is kept for the gradient."""
    exact_enough = x.dtype.char == "f" or approximate == "tanh"
    if approximate not in ("tanh", "none") or not exact_enough or not _floats(x):
        return NotImplemented
    return kernels_fused.gelu(x, approximate)


@fast.gradient_of("gelu")
def gelu_gradient(
    grad: Array, _output: Array, x: Array, approximate: str = "none", *, saved: tuple[Array]
) -> Array:
    """gate + x * gate', times g."""
    return kernels_fused.gelu_backward(grad, x, saved[0], approximate)


@fast.implements("softmax")
def softmax(x: Array, dim: int = -1) -> Any:
    """Softmax in the memory of its result."""
    return kernels_fused.softmax(x, dim) if _floats(x) else NotImplemented


@fast.gradient_of("softmax")
def softmax_gradient(grad: Array, output: Array, _x: Array, dim: int = -1) -> Array:
    """p (g - sum(g p))."""
    return kernels_fused.softmax_backward(grad, output, dim)


# Images. -----------------------------------------------------------------------------------------

fast.implements("conv2d")(kernels_convolution.conv2d)
fast.implements("max_pool2d")(kernels_pooling.max_pool2d)
fast.implements("avg_pool2d")(kernels_pooling.avg_pool2d)


@fast.gradient_of("conv2d")
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
    for_x = None
    if needed[0]:
        for_x = kernels_convolution.conv2d_input_gradient(grad, x.shape, weight, *how)
    if any(needed[1:]):
        kernel = (weight.shape[2], weight.shape[3])
        return for_x, *kernels_convolution.conv2d_weight_gradient(grad, x, kernel, *how)
    return for_x, None, None


@fast.gradient_of("max_pool2d")
def max_pool2d_gradient(
    grad: Array, output: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Array:
    """To the first largest value of each window."""
    return kernels_pooling.max_pool2d_backward(grad, x, output, kernel, stride, padding, dilation)


@fast.gradient_of("avg_pool2d")
def avg_pool2d_gradient(
    grad: Array, _output: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair
) -> Array:
    """An equal share to every value of each window."""
    return kernels_pooling.avg_pool2d_backward(grad, x.shape, kernel, stride, padding)


@fast.implements("batch_norm")
def batch_norm(
    x: Array,
    running_mean: Array | None,
    running_var: Array | None,
    weight: Array | None,
    bias: Array | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Any:
    """Statistics in one pass over x, the result in another; the running statistics follow."""
    if not _floats(x, running_mean, running_var, weight, bias):
        return NotImplemented
    if training:
        mean, variance = kernels_normalization.batch_statistics(x)
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
    return kernels_normalization.normalize(x, scale, shift), mean, inverse


@fast.gradient_of("batch_norm")
def batch_norm_gradient(
    grad: Array,
    _output: Array,
    x: Array,
    _running_mean: Array | None,
    _running_var: Array | None,
    weight: Array | None,
    _bias: Array | None,
    training: bool,
    momentum: float,
    eps: float,
    *,
    saved: tuple[Array, Array],
) -> tuple[Array, None, None, Array, Array]:
    """In training the mean and the variance depend on x too."""
    for_x, for_weight, for_bias = kernels_normalization.batch_norm_backward(
        grad, x, weight, *saved, training
    )
    return for_x, None, None, for_weight, for_bias


# Language. ---------------------------------------------------------------------------------------


@fast.implements("layer_norm")
def layer_norm(
    x: Array, shape: tuple[int, ...], weight: Array | None, bias: Array | None, eps: float
) -> Any:
    """Mean, deviation, scale and shift of a few rows at a time."""
    if not _floats(x, weight, bias):
        return NotImplemented
    size = int(np.prod(shape))
    return kernels_normalization.layer_norm(x, weight, bias, size, eps)


@fast.gradient_of("layer_norm")
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
    """The mean and the deviation depend on x too."""
    size = int(np.prod(shape))
    for_x, for_weight, for_bias = kernels_normalization.layer_norm_backward(
        grad, x, weight, *saved, size
    )
    return for_x, None, for_weight.reshape(shape), for_bias.reshape(shape)


@fast.implements("scaled_dot_product_attention")
def attention(
    query: Array,
    key: Array,
    value: Array,
    mask: Array | None,
    dropout_p: float,
    is_causal: bool,
    scale: float,
) -> Any:
    """Scores, softmax and the weighted mean of a few sequences at a time."""
    heads = query.shape[:-2]
    if len(heads) != 2 or not heads == key.shape[:-2] == value.shape[:-2]:
        return NotImplemented
    if not _floats(query, key, value) or not 0 <= dropout_p < 1:
        return NotImplemented
    scores = (*query.shape[:3], key.shape[2])
    if is_causal:
        mask = np.tri(*scores[2:], dtype=bool)
    kept = None
    if dropout_p:
        kept = kernels_fused.dropout_mask(scores, dropout_p, query.dtype)
    output, probabilities = kernels_attention.attention(query, key, value, mask, scale, kept)
    return output, probabilities, kept


@fast.gradient_of("scaled_dot_product_attention")
def attention_gradient(
    grad: Array,
    _output: Array,
    query: Array,
    key: Array,
    value: Array,
    _mask: Array | None,
    dropout_p: float,
    is_causal: bool,
    scale: float,
    *,
    saved: tuple[Array, Array | None],
    needed: list[bool],
) -> tuple[Array | None, ...]:
    """Back through the weighted mean, softmax and the product."""
    probabilities, kept = saved
    return kernels_attention.attention_backward(
        grad, query, key, value, probabilities, scale, kept, mask_too=needed[3]
    )


fast.implements("embedding")(kernels_fused.embedding)


@fast.gradient_of("embedding")
def embedding_gradient(
    grad: Array, _output: Array, index: Array, weight: Array
) -> tuple[None, Array]:
    """Gradients that go to one row are added together first, not one by one."""
    return None, kernels_fused.embedding_gradient(grad, index, len(weight))


# Losses. -----------------------------------------------------------------------------------------


@fast.implements("log_softmax")
def log_softmax(x: Array, dim: int = -1) -> Any:
    """The logarithm of softmax in the memory of its result."""
    return kernels_fused.log_softmax(x, dim) if _floats(x) else NotImplemented


@fast.gradient_of("log_softmax")
def log_softmax_gradient(grad: Array, output: Array, _x: Array, dim: int = -1) -> Array:
    """g - p sum(g)."""
    return kernels_fused.log_softmax_backward(grad, output, dim)


@fast.implements("cross_entropy")
def cross_entropy(
    scores: Array,
    target: Array,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """Softmax, logarithm and choice of a few rows at a time; the probabilities are kept."""
    expected = scores.shape[:1] + scores.shape[2:]
    fits = scores.ndim >= 2 and target.shape == expected and target.dtype.kind in "iu"
    sensible = 0 <= label_smoothing <= 1 and reduction in ("mean", "sum", "none")
    counted = target != ignore_index
    if not (fits and sensible and _floats(scores) and counted.any()):
        return NotImplemented
    classes, counts = np.where(counted, target, 0).reshape(-1), counted.reshape(-1)
    if classes.min() < 0 or classes.max() >= scores.shape[1]:
        return NotImplemented  # the plain function says which one is out of range
    rows = np.moveaxis(scores, 1, -1).reshape(-1, scores.shape[1])
    losses, probabilities = kernels_fused.cross_entropy(rows, classes, label_smoothing)
    losses *= counts
    saved = (probabilities, classes, counts)
    if reduction == "none":
        return losses.reshape(target.shape), *saved
    return losses.sum() / (int(counts.sum()) if reduction == "mean" else 1), *saved


@fast.gradient_of("cross_entropy")
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
    rows = kernels_fused.cross_entropy_backward(each, probabilities, classes, label_smoothing)
    last = (scores.shape[0], *scores.shape[2:], scores.shape[1])
    return np.moveaxis(rows.reshape(last), -1, 1) if scores.ndim > 2 else rows


# Optimizers: whole steps, which take the optimizer. -----------------------------------------------

fast.implements("SGD.step")(kernels_optimizers.sgd_step)
fast.implements("Adam.step")(kernels_optimizers.adam_step)
fast.implements("AdamW.step")(kernels_optimizers.adam_step)
