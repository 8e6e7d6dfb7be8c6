"""Checks of 03-activations/leaky-relu."""

import numpy as np
import pytest

from tinytorch.activations import leaky_relu
from tinytorch.tensor import Tensor
from tito.testing import assert_same

X = np.array([-4.0, -0.5, 0.0, 0.25, 3.0])

PROBES = [
    lambda: leaky_relu(X.copy()),
    lambda: leaky_relu(X.copy(), 0.5),
    lambda: leaky_relu(X.copy(), 2.0),
    lambda: leaky_relu(X.astype(np.float32)),
    lambda: (lambda x: (leaky_relu(x), x))(X.copy()),
]


@pytest.mark.confidence
def test_leak():
    """Below zero a hundredth gets through, above zero everything."""
    x = np.array([-200.0, 3.0])
    assert_same(leaky_relu(x), np.array([-2.0, 3.0]), inputs={"x": x})


@pytest.mark.unit
@pytest.mark.parametrize("negative_slope", [0.0, 0.5, 2.0, -1.0])
def test_slope(negative_slope):
    """The slope below zero is the caller's, whether small, above 1 or negative."""
    expected = np.array([-4.0 * negative_slope, 0.0, 0.25, 3.0])
    x = np.array([-4.0, 0.0, 0.25, 3.0])
    inputs = {"x": x, "negative_slope": negative_slope}
    assert_same(leaky_relu(x, negative_slope), expected, inputs=inputs)


@pytest.mark.unit
def test_shape_and_type():
    """It keeps shape and type: float32 stays float32."""
    x = np.array([[-8.0, 4.0], [5.0, -2.0]], np.float32)
    expected = np.array([[-4.0, 4.0], [5.0, -1.0]], np.float32)
    assert_same(leaky_relu(x, 0.5), expected, inputs={"x": x, "negative_slope": 0.5})


@pytest.mark.unit
def test_input_stays():
    """It makes a new array and leaves its input as it was."""
    x = np.array([-2.0, 3.0])
    leaky_relu(x)
    assert_same(x, np.array([-2.0, 3.0]), name="x after the call")


@pytest.mark.learning
def test_never_flat():
    """Nudge a negative x and the result moves: the slope is never 0."""
    x = np.array([-30.0, -3.0, 3.0])
    moved = (leaky_relu(x + 0.5) - leaky_relu(x - 0.5)) / 1.0
    assert_same(moved, np.array([0.01, 0.01, 1.0]), inputs={"x": x}, name="the slope at x")
    print(f"slope at {x.tolist()}: {moved.round(3).tolist()}; relu's is 0, 0 and 1")


@pytest.mark.recorded
def test_recorded(spy):
    """The result remembers the tensor it came from."""
    x = Tensor([-100.0, 2.0])
    spy.reaches(leaky_relu(x), x)
    assert_same(leaky_relu(x), np.array([-1.0, 2.0], np.float32), inputs={"x": x})


@pytest.mark.stretch
def test_infinite():
    """It also takes infinite numbers."""
    x = np.array([-np.inf, np.inf])
    assert_same(leaky_relu(x), x, inputs={"x": "[-inf, inf]"})
