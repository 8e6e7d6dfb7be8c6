"""Checks of 02-tensor/reshape."""

import numpy as np
import pytest

from tinytorch.tensor import Tensor, reshape
from tito.testing import assert_same

SIX = np.array([1, 2, 3, 4, 5, 6])


def shape_afterwards() -> tuple[int, ...]:
    """The shape of the argument after the call."""
    a = np.arange(6.0)
    reshape(a, (2, 3))
    return a.shape


def shares() -> bool:
    """Whether the result is the same memory."""
    a = np.arange(6.0)
    return np.shares_memory(reshape(a, (2, 3)), a)


PROBES = [
    lambda: reshape(np.arange(6), (2, 3)),
    lambda: reshape(np.arange(6).reshape(2, 3), (3, 2)),
    lambda: reshape(np.arange(6), (4, 2)),
    lambda: reshape(np.arange(6), (-1, 2)),
    shape_afterwards,
    shares,
]


@pytest.mark.confidence
def test_a_line_becomes_a_table():
    """Six numbers become two rows of three."""
    expected = np.array([[1, 2, 3], [4, 5, 6]])
    assert_same(reshape(SIX, (2, 3)), expected, inputs={"a": SIX, "shape": (2, 3)})


@pytest.mark.unit
def test_a_table_becomes_another():
    """The order of the numbers stays, row after row."""
    a = np.array([[1, 2, 3], [4, 5, 6]])
    expected = np.array([[1, 2], [3, 4], [5, 6]])
    assert_same(reshape(a, (3, 2)), expected, inputs={"a": a, "shape": (3, 2)})


@pytest.mark.unit
@pytest.mark.parametrize(
    ("shape", "expected"),
    [((-1, 2), (3, 2)), ((2, -1), (2, 3)), ((-1,), (6,))],
    ids=["(-1, 2)", "(2, -1)", "(-1,)"],
)
def test_one_size_left_open(shape, expected):
    """-1 is whatever is left."""
    a = np.array([[1, 2, 3], [4, 5, 6]])
    got = reshape(a, shape)
    assert_same(got, np.array([1, 2, 3, 4, 5, 6]).reshape(expected), inputs={"shape": shape})


@pytest.mark.unit
def test_wrong_count():
    """Six numbers do not fill a shape of eight: that is an error."""
    with pytest.raises(ValueError, match="shape"):
        reshape(SIX, (4, 2))


@pytest.mark.unit
def test_the_argument_stays():
    """The array it is given keeps its own shape."""
    a = np.arange(6.0)
    reshape(a, (2, 3))
    assert a.shape == (6,), (
        f"After the call the argument itself has shape {a.shape}; it was (6,). Return a new view "
        "and leave the argument as it is."
    )


@pytest.mark.learning
def test_no_number_moves():
    """The result is a view: the same memory, read in another shape."""
    a = np.arange(6.0)
    view = reshape(a, (2, 3))
    assert np.shares_memory(view, a), (
        "The numbers are right but they were copied. For a million numbers that is a million moves "
        "for nothing: a new shape for the same memory is enough."
    )
    print(f"line:  shape {a.shape}, strides {a.strides}")
    print(f"table: shape {view.shape}, strides {view.strides}, the same memory")


@pytest.mark.learning
def test_images_become_rows():
    """A batch of images becomes one row for each image."""
    images = np.arange(24).reshape(2, 3, 2, 2)
    rows = reshape(images, (2, -1))
    assert_same(rows, np.array([list(range(12)), list(range(12, 24))]))
    print(f"{images.shape} -> {rows.shape}; the first row holds {rows[0].tolist()}")


@pytest.mark.recorded
def test_recorded(spy):
    """The reshaped tensor remembers the tensor it came from."""
    x = Tensor([1.0, 2.0, 3.0, 4.0])
    y = x.reshape(2, 2)
    spy.reaches(y, x)
    assert_same(y, np.array([[1.0, 2.0], [3.0, 4.0]], np.float32), inputs={"x": x})


@pytest.mark.stretch
def test_of_a_transposed_view():
    """A transposed view, whose memory is in another order, still reads row after row."""
    a = np.array([[1, 2, 3], [4, 5, 6]]).T
    assert_same(reshape(a, (6,)), np.array([1, 4, 2, 5, 3, 6]), inputs={"a": a, "shape": (6,)})
