"""Chapter 03: activation functions, which make a network more than one linear map.

Each is a function and a module: `relu(x)`, and `ReLU()` to put between layers. All are stable:
no finite input overflows.

PyTorch: torch/nn/functional.py, torch/nn/modules/activation.py.
"""

from __future__ import annotations

import math

import numpy as np

from tinytorch.error_function import erf
from tinytorch.tensor import Array, Tensor, array_operation, operation, tensor_method


@tensor_method
@array_operation
def relu(x: Array) -> Array:
    """x where it is positive, else 0 (Nair and Hinton 2010)."""
    return np.maximum(x, 0)


@array_operation
def leaky_relu(x: Array, negative_slope: float = 0.01) -> Array:
    """x where it is positive, else `negative_slope` x (Maas et al. 2013)."""
    return np.where(x > 0, x, x * negative_slope)


@tensor_method
@array_operation
def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x), between 0 and 1; no finite x overflows."""
    small = np.exp(-np.abs(x))  # at most 1; for negative x the fraction is extended by e^x
    return np.where(x >= 0, 1, small) / (1 + small)


@tensor_method
@array_operation
def tanh(x: Array) -> Array:
    """Hyperbolic tangent, between -1 and 1; no finite x overflows."""
    return np.tanh(x)


@operation
def gelu(x: Tensor, approximate: str = "none") -> Tensor:
    """x times the probability that a normal number is below x (Hendrycks and Gimpel 2016).

    approximate: "none" (with the error function) or "tanh" (GPT-2's form, faster).
    """
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))
        return 0.5 * x * (1 + tanh(inner))
    if approximate != "none":
        raise ValueError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


@tensor_method
@operation
def softmax(x: Tensor, dim: int = -1) -> Tensor:
    """Positive numbers that sum to 1 along `dim`: e^x divided by the sum of e^x along it.

    No finite x overflows (Bridle 1990).
    """
    shifted = x - x.amax(dim, keepdim=True)  # cancels in the division, but e^x cannot overflow
    exponentials = shifted.exp()
    return exponentials / exponentials.sum(dim, keepdim=True)


@tensor_method
@operation
def log_softmax(x: Tensor, dim: int = -1) -> Tensor:
    """The natural logarithm of softmax along `dim`, finite for every finite x."""
    shifted = x - x.amax(dim, keepdim=True)
    return shifted - shifted.exp().sum(dim, keepdim=True).log()
