"""`same(function, *arrays)`: one function, called with PyTorch and with us, must agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tinytorch
from tinytorch.gradcheck import gradcheck


def _run(lib: Any, function: Callable[..., Any], arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The output and the gradients of all float arrays, as NumPy arrays."""
    tensors = [lib.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    output = function(lib, *tensors)
    result = [np.array(output.detach().numpy())]
    if output.requires_grad:
        weights = np.linspace(0.5, 1.5, result[0].size, dtype=np.float32).reshape(result[0].shape)
        (output * lib.tensor(weights)).sum().backward()
        empty = (np.zeros_like(a) for a in arrays)
        floats = [(t, e) for t, e in zip(tensors, empty, strict=True) if t.requires_grad]
        result += [e if t.grad is None else t.grad.numpy() for t, e in floats]
    return result


@pytest.fixture(params=["plain", "fast"])
def same(request: pytest.FixtureRequest) -> Iterator[Callable[..., None]]:
    """Compare output and gradients in float32, then backward with finite differences in float64.

    `differences=False` for functions with kinks at the points given, or without a gradient.
    """
    torch = pytest.importorskip("torch")

    def compare(
        function: Callable[..., Any],
        *arrays: np.ndarray,
        rtol: float = 1e-4,
        atol: float = 1e-5,
        differences: bool = True,
    ) -> None:
        expected, got = (_run(lib, function, list(arrays)) for lib in (torch, tinytorch))
        assert [g.shape for g in got] == [e.shape for e in expected]
        assert [g.dtype for g in got] == [e.dtype for e in expected]
        for g, e in zip(got, expected, strict=True):
            np.testing.assert_allclose(g, e, rtol, atol)
        if differences:
            inputs = [
                tinytorch.tensor(a, tinytorch.float64 if a.dtype.kind == "f" else None)
                for a in arrays
            ]
            for x in inputs:
                x.requires_grad = x.dtype.kind == "f"
            gradcheck(lambda *tensors: function(tinytorch, *tensors), inputs)

    before = tinytorch.use_kernels(request.param)
    yield compare
    tinytorch.use_kernels(before)
