"""Checks of 02-tensor/sum."""

import numpy as np
import pytest

from tinytorch.tensor import Tensor, sum
from tito.testing import assert_same

TABLE = np.array([[1, 2, 3], [10, 20, 30]])
BOX = np.arange(24).reshape(2, 3, 4)

PROBES = [
    lambda: sum(np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])),
    lambda: sum(np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]), 0),
    lambda: sum(np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]), dim=1),
    lambda: sum(np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]), dim=1, keepdim=True),
    lambda: sum(BOX, dim=(0, 2)),
]


@pytest.mark.confidence
def test_of_all():
    """Without dim it adds up everything."""
    assert_same(sum(np.array([1.0, 2.0, 4.0])), np.array(7.0), inputs={"a": [1.0, 2.0, 4.0]})
    assert_same(sum(TABLE), np.array(66), inputs={"a": TABLE})


@pytest.mark.unit
@pytest.mark.parametrize(
    ("dim", "expected"),
    [(0, [11, 22, 33]), (1, [6, 60]), (-1, [6, 60]), (-2, [11, 22, 33])],
    ids=["dim 0", "dim 1", "dim -1", "dim -2"],
)
def test_over_one_dimension(dim, expected):
    """dim is the dimension that disappears; negative ones count from the end."""
    assert_same(sum(TABLE, dim), np.array(expected), inputs={"a": TABLE, "dim": dim})


@pytest.mark.unit
@pytest.mark.parametrize(
    ("dim", "expected"),
    [((0, 1), [60, 66, 72, 78]), ((0, 2), [60, 92, 124]), ((1, 2), [66, 210])],
    ids=["0 and 1", "0 and 2", "1 and 2"],
)
def test_over_two_dimensions(dim, expected):
    """Several dimensions disappear at once."""
    got = sum(BOX, dim=dim)
    assert_same(got, np.array(expected), inputs={"a": "arange(24).reshape(2, 3, 4)", "dim": dim})


@pytest.mark.unit
@pytest.mark.parametrize(
    ("dim", "expected"),
    [(0, [[11, 22, 33]]), (1, [[6], [60]]), (None, [[66]])],
    ids=["dim 0", "dim 1", "all"],
)
def test_keepdim(dim, expected):
    """With keepdim the dimension stays, with size 1."""
    got = sum(TABLE, dim, keepdim=True)
    assert_same(got, np.array(expected), inputs={"a": TABLE, "dim": dim, "keepdim": True})


@pytest.mark.unit
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_type_stays(dtype):
    """The sum has the type of the elements."""
    assert_same(sum(TABLE.astype(dtype), 0), np.array([11, 22, 33], dtype), inputs={"a": TABLE})


@pytest.mark.unit
def test_counts_true():
    """The sum of a bool array says how many are True."""
    passed = np.array([[True, False], [True, True]])
    assert_same(sum(passed, 0), np.array([2, 1]), inputs={"a": passed, "dim": 0})


@pytest.mark.unit
def test_no_such_dimension():
    """A dimension that is not there is an error."""
    with pytest.raises((IndexError, ValueError)):
        sum(TABLE, 2)


@pytest.mark.learning
def test_shares():
    """keepdim lets a total meet its own row: shares that add up to one."""
    table = Tensor([[1.0, 3.0], [2.0, 6.0]])
    shares = table / table.sum(1, keepdim=True)
    scrambled = table / table.sum(1)
    assert_same(shares, np.array([[0.25, 0.75], [0.25, 0.75]], np.float32), inputs={"x": table})
    print("rows divided by their totals:", shares.tolist())
    print("without keepdim             :", scrambled.tolist(), "- no error, and wrong")


@pytest.mark.recorded
def test_recorded(spy):
    """The sum remembers the tensor it came from."""
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    spy.reaches(x.sum(), x)
    spy.reaches(x.sum(0, keepdim=True), x)


@pytest.mark.stretch
def test_many_small_numbers():
    """A hundred thousand float32 numbers add up without losing digits."""
    got = sum(np.full(100_000, 0.1, np.float32))
    error = abs(float(got) - 10_000) / 10_000
    plain = np.cumsum(np.full(100_000, 0.1, np.float32))[-1]
    print(f"yours {float(got):.3f}, one after the other {plain:.3f}, right 10000")
    assert error < 1e-5, (
        f"100,000 times 0.1 gave {float(got):.3f}. Adding small numbers to a large float32 total "
        "rounds each time; NumPy's own sum adds in pairs."
    )
