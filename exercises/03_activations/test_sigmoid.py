"""Checks of 03-activations/sigmoid."""

import math

import numpy as np
import pytest

from tinytorch.activations import sigmoid
from tinytorch.tensor import Tensor
from tito.testing import assert_same

quiet = np.errstate(all="ignore")


class Finite(np.ndarray):
    """An array that refuses to become infinite. In the browser NumPy does not notice it."""

    @quiet
    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **options):
        inputs = [x.view(np.ndarray) if isinstance(x, Finite) else x for x in inputs]
        if out:
            options["out"] = tuple(x.view(np.ndarray) for x in out)
        result = np.asarray(getattr(ufunc, method)(*inputs, **options))
        if np.isinf(result).any():
            raise OverflowError(f"np.{ufunc.__name__} gives infinity here")
        return result.view(Finite)


def finite(x, dtype=np.float64):
    """An array of x in which an overflow is an error."""
    return np.array(x, dtype).view(Finite)


PROBES = [
    lambda: sigmoid(finite([-2.0, 0.0, 1.0])),
    lambda: sigmoid(finite([1000.0, 3.0])),
    lambda: sigmoid(finite([-1000.0, -3.0])),
    lambda: quiet(sigmoid)(np.array([-1000.0, 1000.0])),
]


@pytest.mark.confidence
def test_middle():
    """At 0 it is undecided: 0.5."""
    assert_same(sigmoid(np.array([0.0])), np.array([0.5]), inputs={"x": [0.0]})


@pytest.mark.unit
def test_values():
    """It is 1 / (1 + e^-x), rising from 0 to 1."""
    x = np.array([-4.0, -1.0, 0.5, 2.0])
    expected = np.array([0.0179862099621, 0.2689414214, 0.6224593312, 0.8807970780])
    assert_same(sigmoid(x), expected, inputs={"x": x})


@pytest.mark.unit
@quiet
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large(dtype):
    """At 1000 it is 1 and at -1000 it is 0, and not nan."""
    x = np.array([1000.0, -1000.0], dtype)
    assert_same(sigmoid(x), np.array([1.0, 0.0], dtype), inputs={"x": x})


@pytest.mark.unit
@pytest.mark.parametrize("x", [1000.0, -1000.0])
def test_no_overflow(x):
    """On the way there, nothing becomes infinite."""
    sigmoid(finite([x]))


@pytest.mark.unit
def test_one_number():
    """It takes a single number, an array without axes."""
    assert_same(sigmoid(np.array(-2.0)), np.array(0.1192029220), inputs={"x": -2.0})


@pytest.mark.learning
def test_odds():
    """One more in x multiplies the odds, p against 1 - p, by e."""
    x = np.array([-1.0, 0.0, 1.0, 2.0])
    p = sigmoid(x)
    odds = p / (1 - p)
    assert_same(odds, np.array([1 / math.e, 1.0, math.e, math.e**2]), inputs={"x": x}, name="odds")
    for number, share, ratio in zip(x, p, odds, strict=True):
        print(f"x = {number:4}: p = {share:.3f}, odds {ratio:.3f} to 1")


@pytest.mark.recorded
def test_recorded(spy):
    """The result remembers the tensor it came from, as a function and as a method."""
    x = Tensor([-2.0, 0.0])
    spy.reaches(sigmoid(x), x)
    spy.reaches(x.sigmoid(), x)
    assert_same(sigmoid(x), np.array([0.119202922, 0.5], np.float32), inputs={"x": x})


@pytest.mark.stretch
def test_far_below():
    """Far below zero it is tiny and not 0: at -40 it is e^-40."""
    got = sigmoid(np.array([-40.0]))
    assert_same(got, np.array([4.248354255e-18]), inputs={"x": [-40.0]}, rtol=1e-6, atol=0.0)
