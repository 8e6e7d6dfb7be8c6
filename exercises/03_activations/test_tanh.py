"""Checks of 03-activations/tanh."""

import numpy as np
import pytest

from tinytorch.activations import tanh
from tinytorch.tensor import Tensor
from tito.testing import assert_same

quiet = np.errstate(all="ignore")

PROBES = [
    lambda: tanh(np.array([-1.0, 0.0, 0.5])),
    lambda: quiet(tanh)(np.array([1000.0, -1000.0])),
]


@pytest.mark.confidence
def test_middle():
    """At 0 it is 0."""
    assert_same(tanh(np.array([0.0])), np.array([0.0]), inputs={"x": [0.0]})


@pytest.mark.unit
def test_values():
    """It rises from -1 to 1."""
    x = np.array([[-2.0, -0.5], [0.5, 1.0]])
    expected = np.array([[-0.9640275801, -0.4621171573], [0.4621171573, 0.7615941560]])
    assert_same(tanh(x), expected, inputs={"x": x})


@pytest.mark.unit
@quiet
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large(dtype):
    """At 1000 it is 1 and at -1000 it is -1, and not nan."""
    x = np.array([1000.0, -1000.0], dtype)
    assert_same(tanh(x), np.array([1.0, -1.0], dtype), inputs={"x": x})


@pytest.mark.learning
def test_centered():
    """Inputs around zero give outputs around zero: their mean is 0."""
    x = np.array([-3.0, -1.0, 1.0, 3.0])
    y = tanh(x)
    assert_same(y.mean(), np.array(0.0), inputs={"x": x}, name="the mean of tanh(x)")
    print(f"tanh of {x.tolist()}: {y.round(3).tolist()}, mean {abs(y.mean()):.1f}")


@pytest.mark.learning
def test_saturated():
    """Far from 0 a nudge changes nothing any more: the curve is saturated."""
    x = np.array([0.0, 2.0, 10.0])
    slope = (tanh(x + 0.001) - tanh(x - 0.001)) / 0.002
    expected = np.array([1.0, 0.0706508249, 0.0])
    assert_same(slope, expected, inputs={"x": x}, rtol=1e-4, atol=1e-6, name="the slope at x")
    print(f"slope at {x.tolist()}: {slope.round(4).tolist()}")


@pytest.mark.recorded
def test_recorded(spy):
    """The result remembers the tensor it came from, as a function and as a method."""
    x = Tensor([-1.0, 2.0])
    spy.reaches(tanh(x), x)
    spy.reaches(x.tanh(), x)
    assert_same(tanh(x), np.array([-0.7615941560, 0.9640275801], np.float32), inputs={"x": x})


@pytest.mark.stretch
def test_odd():
    """tanh(-x) is -tanh(x)."""
    x = np.array([0.1, 0.7, 5.0])
    assert_same(tanh(-x), -tanh(x), inputs={"x": x}, name="tanh(-x)")
