"""Chapter 06, given: keeping gradients from exploding. PyTorch: torch/nn/utils/clip_grad.py."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from tinytorch.tensor import Tensor


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in parameters if p.grad is not None]


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale all gradients by one factor so that their common norm is at most `max_norm`.

    Returns the norm that they had before (Pascanu et al. 2013).
    """
    grads = _gradients(parameters)
    arrays = [g.data for g in grads]
    if norm_type == 2:
        total = math.sqrt(sum(float(np.vdot(g, g)) for g in arrays))
    elif norm_type == math.inf:
        total = max((float(np.abs(g).max()) for g in arrays), default=0.0)
    else:
        total = sum(float((np.abs(g) ** norm_type).sum()) for g in arrays) ** (1 / norm_type)
    if error_if_nonfinite and not math.isfinite(total):
        raise RuntimeError(f"clip_grad_norm_: the norm of the gradients is {total}")
    scale = max_norm / (total + 1e-6)
    if not scale >= 1:  # also when it is NaN, as in PyTorch
        for g in grads:
            g *= scale
    return Tensor(total)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Limit every element of every gradient to [-clip_value, clip_value]."""
    for g in _gradients(parameters):
        g.clamp_(-clip_value, clip_value)
