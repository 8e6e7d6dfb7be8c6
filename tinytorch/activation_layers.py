"""Chapter 04, given: the activations of chapter 03 as modules, to put between layers.

PyTorch: torch/nn/modules/activation.py.
"""

from __future__ import annotations

from tinytorch import activations
from tinytorch.layers import Module
from tinytorch.tensor import Tensor


class ReLU(Module):
    """`relu` as a module."""

    def __init__(self, inplace: bool = False) -> None:
        self.inplace = inplace  # accepted for PyTorch's sake; the input is never changed

    def forward(self, x: Tensor) -> Tensor:
        return activations.relu(x)


class LeakyReLU(Module):
    """`leaky_relu` as a module."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Tensor) -> Tensor:
        return activations.leaky_relu(x, negative_slope=self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class Sigmoid(Module):
    """`sigmoid` as a module."""

    def forward(self, x: Tensor) -> Tensor:
        return activations.sigmoid(x)


class Tanh(Module):
    """`tanh` as a module."""

    def forward(self, x: Tensor) -> Tensor:
        return activations.tanh(x)


class GELU(Module):
    """`gelu` as a module."""

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Tensor) -> Tensor:
        return activations.gelu(x, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class Softmax(Module):
    """`softmax` as a module."""

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return activations.softmax(x, dim=self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """`log_softmax` as a module."""

    def forward(self, x: Tensor) -> Tensor:
        return activations.log_softmax(x, dim=self.dim)
