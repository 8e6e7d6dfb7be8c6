"""Checks of 02-tensor/mean."""

import numpy as np
import pytest

from tinytorch.tensor import Tensor, mean
from tito.testing import assert_same, is_recorded

ROWS = [[1.0, 2.0, 6.0], [3.0, 8.0, 10.0]]

PROBES = [
    lambda: mean(Tensor(ROWS)),
    lambda: mean(Tensor(ROWS), dim=0),
    lambda: mean(Tensor(ROWS), dim=1, keepdim=True),
    lambda: is_recorded(mean, Tensor(ROWS)),
]


@pytest.mark.confidence
def test_of_all():
    """It gives the mean of all elements as one number."""
    assert_same(mean(Tensor(ROWS)), np.array(5.0, np.float32), inputs={"x": ROWS})


@pytest.mark.unit
@pytest.mark.parametrize(
    ("dim", "expected"),
    [(0, [2.0, 5.0, 8.0]), (1, [3.0, 7.0]), (-1, [3.0, 7.0])],
    ids=["dim 0", "dim 1", "dim -1"],
)
def test_over_one_dimension(dim, expected):
    """It gives the mean over one dimension."""
    got = mean(Tensor(ROWS), dim)
    assert_same(got, np.array(expected, np.float32), inputs={"x": ROWS, "dim": dim})


@pytest.mark.unit
def test_over_two_dimensions():
    """It gives the mean over several dimensions at once."""
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    got = mean(Tensor(x), dim=(0, 2))
    assert_same(got, np.array([7.5, 11.5, 15.5], np.float32), inputs={"x": x, "dim": (0, 2)})


@pytest.mark.unit
def test_keepdim():
    """With keepdim the dimension stays, with size 1."""
    got = mean(Tensor(ROWS), dim=1, keepdim=True)
    inputs = {"x": ROWS, "dim": 1, "keepdim": True}
    assert_same(got, np.array([[3.0], [7.0]], np.float32), inputs=inputs)


@pytest.mark.learning
def test_center():
    """Rows less their own mean have a mean of zero: this is how data are centered."""
    x = Tensor(ROWS)
    centered = x - mean(x, dim=1, keepdim=True)
    expected = np.array([[-2.0, -1.0, 3.0], [-4.0, 1.0, 3.0]], np.float32)
    assert_same(centered, expected, inputs={"x": ROWS}, name="x - mean(x, 1, keepdim=True)")
    for before, after in zip(ROWS, centered.tolist(), strict=True):
        print(
            f"row {before} less its mean: {after}, which sums to {after[0] + after[1] + after[2]}"
        )


@pytest.mark.recorded
def test_recorded(spy):
    """The mean remembers the tensor it came from."""
    x = Tensor(ROWS)
    spy.reaches(mean(x), x)
    spy.reaches(mean(x, dim=0), x)


@pytest.mark.stretch
def test_of_nothing():
    """The mean over a dimension that leaves nothing over is an empty tensor."""
    got = mean(Tensor(np.ones((0, 3), np.float32)), dim=1)
    assert_same(got, np.ones(0, np.float32), inputs={"x": "a tensor of shape (0, 3)", "dim": 1})
