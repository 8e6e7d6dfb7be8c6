"""Chapter 07, given: gradients checked against finite differences.

PyTorch: torch/autograd/gradcheck.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinytorch.autograd import no_grad
from tinytorch.tensor import Array, Tensor


class GradcheckError(RuntimeError):
    """A gradient is not what finite differences say."""


def numerical_gradient(function: Callable[[], Any], x: Tensor, eps: float = 1e-6) -> Array:
    """d function() / dx, by (f(x + eps) - f(x - eps)) / 2 eps for one element after the other."""
    gradient = np.zeros_like(x.data)
    with no_grad():
        for index in np.ndindex(x.shape):
            kept = x.data[index]
            x.data[index] = kept + eps
            above = float(function())
            x.data[index] = kept - eps
            below = float(function())
            x.data[index] = kept
            gradient[index] = (above - below) / (2 * eps)
    return gradient


def gradcheck(
    function: Callable[..., Tensor],
    inputs: Sequence[Any],
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
) -> bool:
    """Whether backward gives the gradients that finite differences give.

    The inputs that require gradients must be float64 leaves: float32 is too coarse for small
    differences. Raises GradcheckError with the input, the place and both numbers.
    """
    checked = [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]
    if not checked or any(x.dtype != np.float64 or not x.is_leaf for x in checked):
        raise ValueError("gradcheck: needs float64 leaf tensors with requires_grad=True")
    output = function(*inputs)
    # Any fixed weights will do; ones would not notice errors that cancel in the sum.
    weights = Tensor(np.random.default_rng(0).uniform(0.5, 1.5, output.shape))
    for x in checked:
        x.grad = None
    (output * weights).sum().backward()
    for number, x in enumerate(checked):
        expected = numerical_gradient(lambda: (function(*inputs) * weights).sum(), x, eps)
        got = np.zeros_like(x.data) if x.grad is None else x.grad.data
        wrong = ~np.isclose(got, expected, rtol, atol)
        if wrong.any():
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise GradcheckError(
                f"gradcheck: input {number} of shape {x.shape}: at {place} backward gives "
                f"{got[place]:.6g}, finite differences {expected[place]:.6g} "
                f"({int(wrong.sum())} of {wrong.size} differ)"
            )
        x.grad = None
    return True
