"""Checks of 03-activations/gelu."""

import numpy as np
import pytest

from tinytorch.activations import gelu
from tinytorch.tensor import Tensor
from tito.testing import assert_same, is_recorded

X = [-3.0, -1.0, 0.0, 0.5, 2.0]
EXACT = [-0.0040496940, -0.1586552539, 0.0, 0.3457312306, 1.9544997361]
TANH = [-0.0036373920, -0.1588080094, 0.0, 0.3457140248, 1.9545976940]

PROBES = [
    lambda: gelu(Tensor(X)),
    lambda: gelu(Tensor(X), approximate="tanh"),
    lambda: is_recorded(gelu, Tensor(X)),
    lambda: gelu(Tensor(X), approximate="erf"),
]


@pytest.mark.confidence
def test_far_out():
    """Far below zero it is 0, far above it is x, as relu."""
    got = gelu(Tensor([-20.0, 0.0, 20.0]))
    assert_same(got, np.array([0.0, 0.0, 20.0], np.float32), inputs={"x": [-20.0, 0.0, 20.0]})


@pytest.mark.unit
def test_exact():
    """With the error function it has the exact values."""
    assert_same(gelu(Tensor(X)), np.array(EXACT, np.float32), inputs={"x": X}, rtol=1e-4)


@pytest.mark.unit
def test_tanh_form():
    """With approximate="tanh" it has the values of GPT-2's form."""
    got = gelu(Tensor(X), approximate="tanh")
    inputs = {"x": X, "approximate": "tanh"}
    assert_same(got, np.array(TANH, np.float32), inputs=inputs, rtol=1e-4)


@pytest.mark.unit
def test_unknown_form():
    """A form it does not know is a ValueError that names it."""
    with pytest.raises(ValueError, match="tan"):
        gelu(Tensor(X), approximate="tan")


@pytest.mark.learning
def test_dips():
    """Unlike relu it turns: a little below zero it goes down before it comes up."""
    x = [-3.0, -0.75, 0.0]
    left, dip, zero = gelu(Tensor(x)).tolist()
    message = f"gelu at {x} is {[round(y, 3) for y in (left, dip, zero)]}: the second is not lowest"
    assert dip < left < zero + 1e-6, message
    print(f"gelu(-3) = {left:.3f}, gelu(-0.75) = {dip:.3f}, gelu(0) = {zero:.3f}")


@pytest.mark.recorded
def test_recorded(spy):
    """The result remembers the tensor it came from, in both forms."""
    x = Tensor(X)
    spy.reaches(gelu(x), x)
    spy.reaches(gelu(x, approximate="tanh"), x)


@pytest.mark.stretch
def test_forms_are_close():
    """The two forms differ by less than a thousandth."""
    x = Tensor(np.linspace(-6, 6, 241))
    difference = (gelu(x) - gelu(x, approximate="tanh")).numpy()
    largest = float(np.abs(difference).max())
    message = f"the two forms differ by {largest:.5f}; 0.0001 to 0.001 was expected"
    assert 1e-4 < largest < 1e-3, message
