"""Checks of 03-activations/relu."""

import numpy as np
import pytest

from tinytorch.activations import relu
from tinytorch.tensor import Tensor
from tito.testing import assert_same

X = np.array([-2.0, -0.5, 0.0, 0.25, 3.0])

PROBES = [
    lambda: relu(X.copy()),
    lambda: relu(np.array([[-1.0, 4.0], [5.0, -6.0]], np.float32)),
    lambda: (lambda x: (relu(x), x))(X.copy()),
    lambda: relu(Tensor([-1.0, 2.0])),
]


@pytest.mark.confidence
def test_switch():
    """It is 0 below zero and passes on what is above."""
    assert_same(relu(np.array([-3.0, 2.0])), np.array([0.0, 2.0]), inputs={"x": [-3.0, 2.0]})


@pytest.mark.unit
def test_one_number():
    """It takes a single number, an array without axes."""
    assert_same(relu(np.array(-1.5)), np.array(0.0), inputs={"x": -1.5})
    assert_same(relu(np.array(1.5)), np.array(1.5), inputs={"x": 1.5})


@pytest.mark.unit
def test_any_shape():
    """It keeps shape and type, whatever they are."""
    x = np.array([[[-1.0, 4.0], [5.0, -6.0]]], np.float32)
    assert_same(relu(x), np.array([[[0.0, 4.0], [5.0, 0.0]]], np.float32), inputs={"x": x})


@pytest.mark.unit
def test_input_stays():
    """It makes a new array and leaves its input as it was."""
    x = np.array([-2.0, 3.0])
    relu(x)
    assert_same(x, np.array([-2.0, 3.0]), name="x after the call")


@pytest.mark.learning
def test_bend():
    """A sum goes through a straight line unchanged, but not through relu: it bends."""
    a, b = np.array([-2.0]), np.array([3.0])
    whole, parts = relu(a + b), relu(a) + relu(b)
    assert_same(whole, np.array([1.0]), inputs={"x": a + b})
    assert_same(parts, np.array([3.0]), name="relu(-2) + relu(3)")
    print(f"relu(-2 + 3) = {whole.item()}, but relu(-2) + relu(3) = {parts.item()}")


@pytest.mark.recorded
def test_recorded(spy):
    """The result remembers the tensor it came from, as a function and as a method."""
    x = Tensor([-1.0, 2.0])
    spy.reaches(relu(x), x)
    spy.reaches(x.relu(), x)
    assert_same(relu(x), np.array([0.0, 2.0], np.float32), inputs={"x": x})


@pytest.mark.stretch
def test_nothing_hidden():
    """A nan stays a nan: what went wrong before is not hidden behind a 0."""
    got = relu(np.array([np.nan, -1.0, 2.0]))
    assert_same(got, np.array([np.nan, 0.0, 2.0]), inputs={"x": "[nan, -1.0, 2.0]"})
