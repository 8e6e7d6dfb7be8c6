"""Checks of 02-tensor/arithmetic."""

import numpy as np
import pytest

from tinytorch.tensor import Tensor, div, mul, sub
from tito.testing import assert_same


def twice_used(function):
    """The result and what became of the argument."""
    a = np.array([[8.0, 6.0], [4.0, 2.0]])
    result = function(a, np.array([2.0, 4.0]))
    return result, a


NAMES = ["sub", "mul", "div"]
PROBES = [
    lambda: sub(np.array([[9, 5], [7, 1]]), np.array([[1, 2], [3, 4]])),
    lambda: mul(np.array([[9, 5], [7, 1]]), np.array([[1, 2], [3, 4]])),
    lambda: mul(np.array([1.0, 2.0]), np.array([3.0, 5.0])),
    lambda: div(np.array([7, 8, 9]), np.array([2, 2, 2])),
    lambda: div(np.array([3.0, 1.0]), np.array([2.0, 4.0])),
    lambda: [twice_used(function) for function in (sub, mul, div)],
]


@pytest.mark.confidence
def test_sub_of_two_numbers():
    """sub takes the second from the first."""
    assert_same(sub(np.array(7.0), np.array(3.0)), np.array(4.0), inputs={"a": 7.0, "b": 3.0})


@pytest.mark.confidence
def test_mul_of_two_numbers():
    """mul multiplies two numbers."""
    assert_same(mul(np.array(7.0), np.array(3.0)), np.array(21.0), inputs={"a": 7.0, "b": 3.0})


@pytest.mark.confidence
def test_div_of_two_numbers():
    """div divides the first by the second."""
    assert_same(div(np.array(7.0), np.array(4.0)), np.array(1.75), inputs={"a": 7.0, "b": 4.0})


@pytest.mark.unit
@pytest.mark.parametrize(
    ("function", "expected"),
    [(sub, [[8, 3], [4, -3]]), (mul, [[9, 10], [21, 4]]), (div, [[9.0, 2.5], [7 / 3, 0.25]])],
    ids=NAMES,
)
def test_tables(function, expected):
    """Tables are combined place by place."""
    a, b = np.array([[9, 5], [7, 1]]), np.array([[1, 2], [3, 4]])
    name = f"{function.__name__}(a, b)"
    assert_same(function(a, b), np.array(expected), inputs={"a": a, "b": b}, name=name)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (sub, [[-8.0, -18.0], [-7.0, -17.0]]),
        (mul, [[20.0, 40.0], [30.0, 60.0]]),
        (div, [[0.2, 0.1], [0.3, 0.15]]),
    ],
    ids=NAMES,
)
def test_broadcasting(function, expected):
    """A column meets a row: every pair is combined."""
    column, row = np.array([[2.0], [3.0]]), np.array([10.0, 20.0])
    name = f"{function.__name__}(a, b)"
    assert_same(
        function(column, row), np.array(expected), inputs={"a": column, "b": row}, name=name
    )


@pytest.mark.unit
def test_integers():
    """Integers stay integers in sub and mul; dividing them gives a fraction."""
    a, b = np.array([7, 8, 9]), np.array([2, 2, 2])
    inputs = {"a": a, "b": b}
    assert_same(sub(a, b), np.array([5, 6, 7]), inputs=inputs, name="sub(a, b)")
    assert_same(mul(a, b), np.array([14, 16, 18]), inputs=inputs, name="mul(a, b)")
    assert_same(div(a, b), np.array([3.5, 4.0, 4.5]), inputs=inputs, name="div(a, b)")


@pytest.mark.unit
def test_float32_stays():
    """float32 in, float32 out."""
    a, b = np.array([6.0, 8.0], dtype=np.float32), np.array([4.0, 2.0], dtype=np.float32)
    for function, name in zip((sub, mul, div), NAMES, strict=True):
        got = function(a, b)
        assert got.dtype == np.float32, f"{name} made {got.dtype} of two float32 arrays."


@pytest.mark.unit
def test_arguments_stay():
    """The arrays they are given are the same afterwards."""
    for function, name in zip((sub, mul, div), NAMES, strict=True):
        a, b = np.array([[8.0, 6.0], [4.0, 2.0]]), np.array([2.0, 4.0])
        function(a, b)
        assert_same(a, np.array([[8.0, 6.0], [4.0, 2.0]]), name=f"the first argument after {name}")
        assert_same(b, np.array([2.0, 4.0]), name=f"the second argument after {name}")


@pytest.mark.learning
def test_contrast():
    """Center, scale, shift: distances from the middle grow, the middle stays."""
    photo = Tensor([0.3, 0.5, 0.7])
    sharper = (photo - 0.5) * 2 + 0.5
    assert_same(sharper, np.array([0.1, 0.5, 0.9], dtype=np.float32), inputs={"photo": photo})
    for before, after in zip(photo.tolist(), sharper.tolist(), strict=True):
        print(f"pixel {before:.1f}, {before - 0.5:+.1f} from the middle: becomes {after:.1f}")


@pytest.mark.recorded
@pytest.mark.parametrize("sign", ["-", "*", "/"])
def test_recorded(spy, sign):
    """The result remembers both tensors it came from."""
    a, b = Tensor([6.0, 8.0]), Tensor([[2.0], [4.0]])
    output = {"-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b}[sign]()
    spy.reaches(output, a, b)


@pytest.mark.stretch
def test_division_by_zero():
    """Dividing by zero gives inf or nan in that place and no exception."""
    with np.errstate(divide="ignore", invalid="ignore"):
        got = div(np.array([1.0, -1.0, 0.0, 6.0]), np.array([0.0, 0.0, 0.0, 3.0]))
    assert_same(got, np.array([np.inf, -np.inf, np.nan, 2.0]))
