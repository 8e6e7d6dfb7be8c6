"""Checks of 02-tensor/transpose."""

import numpy as np
import pytest

from tinytorch.tensor import Tensor, transpose
from tito.testing import assert_same

TABLE = np.array([[1, 2, 3], [4, 5, 6]])
BOX = np.arange(24).reshape(2, 3, 4)

PROBES = [
    lambda: transpose(np.arange(6).reshape(2, 3), 0, 1),
    lambda: transpose(np.arange(24).reshape(2, 3, 4), 0, 1),
    lambda: transpose(np.arange(24).reshape(2, 3, 4), 0, 2),
    lambda: (lambda a: np.shares_memory(transpose(a, 0, 1), a))(np.arange(6).reshape(2, 3)),
]


@pytest.mark.confidence
def test_rows_become_columns():
    """Two rows of three become three rows of two."""
    expected = np.array([[1, 4], [2, 5], [3, 6]])
    assert_same(transpose(TABLE, 0, 1), expected, inputs={"a": TABLE, "dim0": 0, "dim1": 1})


@pytest.mark.unit
@pytest.mark.parametrize(
    ("dims", "expected"),
    [((0, 1), (3, 2, 4)), ((0, 2), (4, 3, 2)), ((1, 2), (2, 4, 3)), ((-1, 0), (4, 3, 2))],
    ids=["0 and 1", "0 and 2", "1 and 2", "-1 and 0"],
)
def test_two_of_three(dims, expected):
    """Of three dimensions two change places and the third stays."""
    got = transpose(BOX, *dims)
    assert got.shape == expected, f"transpose{dims} of shape (2, 3, 4) gave shape {got.shape}."
    place = [1, 2, 3]
    value = BOX[1, 2, 3]
    place[dims[0]], place[dims[1]] = place[dims[1]], place[dims[0]]
    assert got[tuple(place)] == value, (
        f"Element [1, 2, 3] of the array is {value}; after transpose{dims} it belongs at {place}, "
        f"where the result has {got[tuple(place)]}."
    )


@pytest.mark.unit
def test_twice_is_nothing():
    """Swapping twice gives the array back."""
    assert_same(transpose(transpose(BOX, 0, 2), 0, 2), np.arange(24).reshape(2, 3, 4))


@pytest.mark.unit
def test_with_itself():
    """Swapping a dimension with itself changes nothing."""
    assert_same(transpose(TABLE, 1, 1), np.array([[1, 2, 3], [4, 5, 6]]), inputs={"a": TABLE})


@pytest.mark.unit
def test_no_such_dimension():
    """A dimension that is not there is an error."""
    with pytest.raises((IndexError, ValueError)):
        transpose(TABLE, 0, 2)


@pytest.mark.learning
def test_strides_change_places():
    """No number moves: the strides change places with the sizes."""
    a = np.arange(6, dtype=np.float32).reshape(2, 3)
    b = transpose(a, 0, 1)
    assert np.shares_memory(a, b), (
        "The numbers are right but they were copied. Swapping two strides reads the same memory "
        "the other way round."
    )
    print(f"array:      shape {a.shape}, strides {a.strides}")
    print(f"transposed: shape {b.shape}, strides {b.strides}")
    assert b.strides == (4, 12), f"The strides of the result are {b.strides}, not (4, 12)."


@pytest.mark.learning
def test_it_is_no_reshape():
    """An image from (row, column, channel) to (channel, row, column)."""
    image = np.array([[[1, 10], [2, 20]], [[3, 30], [4, 40]]])
    got = transpose(transpose(image, 0, 2), 1, 2)
    assert_same(got, np.array([[[1, 2], [3, 4]], [[10, 20], [30, 40]]]), inputs={"image": image})
    print("first channel by transpose:", got[0].tolist(), "- the numbers 1 to 4")
    print("first channel by reshape:  ", image.reshape(2, 2, 2)[0].tolist(), "- two colors mixed")


@pytest.mark.recorded
def test_recorded(spy):
    """The transposed tensor remembers the tensor it came from."""
    x = Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    y = x.transpose(0, 1)
    spy.reaches(y, x)
    spy.reaches(x.T, x)


@pytest.mark.stretch
def test_many_dimensions():
    """It swaps any two of five dimensions."""
    got = transpose(np.zeros((2, 3, 4, 5, 6)), 1, -2)
    assert got.shape == (2, 5, 4, 3, 6), f"transpose(1, -2) of (2, 3, 4, 5, 6) gave {got.shape}."
