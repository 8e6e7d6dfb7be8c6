"""Checks of 02-tensor/add."""

import numpy as np
import pytest

from tinytorch.tensor import Tensor, add
from tito.testing import assert_same

PROBES = [
    lambda: add(np.array([1.0, 2.0]), np.array([3.0, 5.0])),
    lambda: add(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([10.0, 20.0])),
    lambda: (lambda a: (add(a, np.array([3, 5])), a))(np.array([1, 2])),
]


@pytest.mark.confidence
def test_two_numbers():
    """It adds two numbers."""
    assert_same(add(np.array(2.0), np.array(3.0)), np.array(5.0), inputs={"a": 2.0, "b": 3.0})


@pytest.mark.confidence
def test_two_arrays():
    """It adds two arrays element by element."""
    a, b = np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 40.0])
    assert_same(add(a, b), np.array([11.0, 22.0, 43.0]), inputs={"a": a, "b": b})


@pytest.mark.unit
@pytest.mark.parametrize("dtype", [np.int64, np.float32])
def test_type_stays(dtype):
    """Integers stay integers and float32 stays float32."""
    a, b = np.array([1, 2], dtype), np.array([3, 5], dtype)
    assert_same(add(a, b), np.array([4, 7], dtype), inputs={"a": a, "b": b})


@pytest.mark.unit
def test_inputs_stay():
    """It makes a new array and leaves both inputs as they were."""
    a, b = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    add(a, b)
    assert_same(a, np.array([1.0, 2.0]), name="a after the call")
    assert_same(b, np.array([3.0, 5.0]), name="b after the call")


@pytest.mark.unit
def test_shapes_that_do_not_fit():
    """Shapes that cannot be stretched to each other are an error."""
    with pytest.raises(ValueError, match="shape"):
        add(np.ones((2, 3)), np.ones(2))


@pytest.mark.learning
def test_row_on_every_row():
    """A vector is added to every row of a matrix: broadcasting."""
    a, b = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([10.0, 20.0])
    got = add(a, b)
    expected = np.array([[11.0, 22.0], [13.0, 24.0], [15.0, 26.0]])
    assert_same(got, expected, inputs={"a": a, "b": b})
    print(f"shape {a.shape} and shape {b.shape} give {np.shape(got)}: {np.asarray(got).tolist()}")


@pytest.mark.recorded
def test_recorded(spy):
    """The sum of two tensors remembers both tensors it came from."""
    a, b = Tensor([1.0, 2.0]), Tensor([3.0, 5.0])
    total = a + b
    spy.reaches(total, a, b)
    assert_same(total, np.array([4.0, 7.0], np.float32), inputs={"a": a, "b": b})


@pytest.mark.stretch
def test_column_and_row():
    """A column and a row give a whole table."""
    a, b = np.array([[0], [10], [20]]), np.array([1, 2])
    expected = np.array([[1, 2], [11, 12], [21, 22]])
    assert_same(add(a, b), expected, inputs={"a": a, "b": b})
