"""Chapter 05: losses, one number that says how wrong a network is.

Each is a function of predictions and targets, and a module. `reduction` is "mean", "sum" or
"none". Options are given by name, because PyTorch's functions have others in their places.

PyTorch: torch/nn/functional.py, torch/nn/modules/loss.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch.activations import log_softmax
from tinytorch.indexing import check_index
from tinytorch.layers import Module
from tinytorch.tensor import Tensor, operation


def reduce(losses: Tensor, reduction: str) -> Tensor:
    """The mean or the sum of the losses, or the losses themselves ("none")."""
    if reduction == "mean":
        return losses.mean()
    if reduction == "sum":
        return losses.sum()
    if reduction == "none":
        return losses
    raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}")


def check_same_shape(name: str, input: Tensor, target: Tensor) -> None:
    """Raise ValueError unless predictions and targets have one shape: no silent broadcasting."""
    if input.shape != target.shape:
        raise ValueError(
            f"{name}: predictions and targets need one shape, got {input.shape} and {target.shape}"
        )


@operation
def mse_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Squared difference: far off costs much more than a little off."""
    check_same_shape("mse_loss", input, target)
    difference = input - target
    return reduce(difference * difference, reduction)


@operation
def l1_loss(input: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Absolute difference: an outlier counts no more than its distance."""
    check_same_shape("l1_loss", input, target)
    return reduce(abs(input - target), reduction)


@operation
def nll_loss(
    input: Tensor, target: Tensor, *, ignore_index: int = -100, reduction: str = "mean"
) -> Tensor:
    """Minus the log-probability of the right class.

    input: log-probabilities (N, C), (C,) or (N, C, ...); target: classes (N,), () or (N, ...).
    Positions whose target is `ignore_index` cost nothing and do not count in the mean.
    """
    rows, classes = class_rows("nll_loss", input, target, ignore_index)
    counted = classes.data != ignore_index
    safe = Tensor(np.where(counted, classes.data, 0)).reshape(-1, 1)
    losses = -rows.gather(1, safe).reshape(-1) * Tensor(counted.astype(rows.dtype))
    return reduce_counted(losses, counted, target.shape, reduction)


@operation
def cross_entropy(
    input: Tensor,
    target: Tensor,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """How surprised softmax(input) is by the right class: -log of its probability.

    input: scores (N, C), (C,) or (N, C, ...), not probabilities; target: classes 0 .. C - 1 of
    shape (N,), () or (N, ...). `label_smoothing` gives that share to all classes evenly
    (Szegedy et al. 2016).
    """
    if not 0 <= label_smoothing <= 1:
        raise ValueError(
            f"cross_entropy: label_smoothing is between 0 and 1, not {label_smoothing}"
        )
    rows, classes = class_rows("cross_entropy", input, target, ignore_index)
    log_probabilities = log_softmax(rows, dim=1)
    counted = classes.data != ignore_index
    losses = nll_loss(log_probabilities, classes, ignore_index=ignore_index, reduction="none")
    if label_smoothing > 0:
        all_classes = -log_probabilities.mean(dim=1) * Tensor(counted.astype(rows.dtype))
        losses = (1 - label_smoothing) * losses + label_smoothing * all_classes
    return reduce_counted(losses, counted, target.shape, reduction)


@operation
def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, *, reduction: str = "mean", pos_weight: Tensor | None = None
) -> Tensor:
    """Cross-entropy of sigmoid(input) with targets between 0 and 1, of one shape.

    Written as max(x, 0) - x t + log(1 + e^-|x|), in which nothing overflows. `pos_weight` (it
    broadcasts) multiplies what the positive targets cost.
    """
    check_same_shape("binary_cross_entropy_with_logits", input, target)
    softplus = (-abs(input)).exp().log1p()
    if pos_weight is None:
        return reduce(input.relu() - input * target + softplus, reduction)
    weight = 1 + (pos_weight - 1) * target
    return reduce((1 - target) * input + weight * (softplus + (-input).relu()), reduction)


def class_rows(
    name: str, input: Tensor, target: Tensor, ignore_index: int
) -> tuple[Tensor, Tensor]:
    """Scores as rows (n, C) and classes as (n,), checked: (N, C, ...) has its classes in dim 1."""
    if target.dtype.kind not in "iu":
        raise TypeError(f"{name}: targets are class numbers (integers), got {target.dtype}")
    expected = input.shape[:1] + input.shape[2:] if input.ndim > 1 else ()
    if input.ndim == 0 or target.shape != expected:
        raise ValueError(
            f"{name}: scores of shape {input.shape} need targets of shape {expected}, "
            f"got {target.shape}"
        )
    classes = input.shape[min(1, input.ndim - 1)]
    check_index(name, target.data[target.data != ignore_index], classes)
    if input.ndim > 2:
        input = input.movedim(1, -1)
    return input.reshape(-1, classes), target.reshape(-1)


def reduce_counted(losses: Tensor, counted: Any, shape: tuple[int, ...], reduction: str) -> Tensor:
    """`reduce`, where the mean is over the positions that count."""
    if reduction == "mean":
        return losses.sum() / int(counted.sum()) if counted.any() else losses.sum() / float("nan")
    return reduce(losses.reshape(shape), reduction)


# As modules. --------------------------------------------------------------------------------------


class _Loss(Module):
    def __init__(self, *, reduction: str = "mean") -> None:
        self.reduction = reduction


class MSELoss(_Loss):
    """`mse_loss` as a module."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """`l1_loss` as a module."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return l1_loss(input, target, reduction=self.reduction)


class NLLLoss(_Loss):
    """`nll_loss` as a module."""

    def __init__(self, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return nll_loss(input, target, ignore_index=self.ignore_index, reduction=self.reduction)


class CrossEntropyLoss(_Loss):
    """`cross_entropy` as a module."""

    def __init__(
        self, *, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0
    ) -> None:
        super().__init__(reduction=reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return cross_entropy(
            input,
            target,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class BCEWithLogitsLoss(_Loss):
    """`binary_cross_entropy_with_logits` as a module."""

    def __init__(self, *, reduction: str = "mean", pos_weight: Tensor | None = None) -> None:
        super().__init__(reduction=reduction)
        self.pos_weight = pos_weight

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return binary_cross_entropy_with_logits(
            input, target, reduction=self.reduction, pos_weight=self.pos_weight
        )
