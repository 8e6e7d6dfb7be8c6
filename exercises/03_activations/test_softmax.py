"""Checks of 03-activations/softmax."""

import numpy as np
import pytest

from tinytorch.activations import softmax
from tinytorch.tensor import Tensor
from tito.testing import assert_same, is_recorded

TABLE = [[0.0, 1.0], [3.0, 0.0]]
ROWS = [[0.2689414214, 0.7310585786], [0.9525741268, 0.0474258732]]
COLUMNS = [[0.0474258732, 0.7310585786], [0.9525741268, 0.2689414214]]
FAR = [[0.0, 1.0], [1000.0, 1001.0]]

quiet = np.errstate(all="ignore")

PROBES = [
    lambda: softmax(Tensor([1.0, 2.0, 4.0])),
    lambda: softmax(Tensor(TABLE), dim=1),
    lambda: softmax(Tensor(TABLE), dim=0),
    lambda: quiet(softmax)(Tensor([1000.0, 1001.0])),
    lambda: quiet(softmax)(Tensor(FAR), dim=1),
    lambda: is_recorded(softmax, Tensor([1.0, 2.0])),
]


@pytest.mark.confidence
def test_equal_scores():
    """Equal scores give equal probabilities."""
    got = softmax(Tensor([2.0, 2.0, 2.0, 2.0]))
    assert_same(got, np.full(4, 0.25, np.float32), inputs={"x": [2.0, 2.0, 2.0, 2.0]})


@pytest.mark.unit
def test_values():
    """It divides e^x by the sum of e^x."""
    x = [1.0, 2.0, 4.0]
    expected = np.array([0.0420100661, 0.1141951993, 0.8437947345], np.float32)
    assert_same(softmax(Tensor(x)), expected, inputs={"x": x})


@pytest.mark.unit
@pytest.mark.parametrize(
    ("dim", "expected"), [(1, ROWS), (-1, ROWS), (0, COLUMNS)], ids=["dim 1", "dim -1", "dim 0"]
)
def test_along_dim(dim, expected):
    """The probabilities sum to 1 along dim, also on a square table."""
    got = softmax(Tensor(TABLE), dim=dim)
    assert_same(got, np.array(expected, np.float32), inputs={"x": TABLE, "dim": dim})


@pytest.mark.unit
def test_last_dim():
    """Without dim it is the last one."""
    assert_same(softmax(Tensor(TABLE)), np.array(ROWS, np.float32), inputs={"x": TABLE})


@pytest.mark.unit
@quiet
def test_large():
    """Scores of 1000 and of -1000 give no nan."""
    expected = np.array([0.2689414214, 0.7310585786], np.float32)
    for x in ([1000.0, 1001.0], [-1001.0, -1000.0]):
        assert_same(softmax(Tensor(x)), expected, inputs={"x": x}, rtol=1e-3)


@pytest.mark.unit
@quiet
def test_each_row_has_its_own_largest():
    """A row far below another one keeps its probabilities."""
    expected = np.array([[0.2689414214, 0.7310585786]] * 2, np.float32)
    assert_same(softmax(Tensor(FAR), dim=1), expected, inputs={"x": FAR, "dim": 1}, rtol=1e-3)


@pytest.mark.learning
def test_differences_count():
    """Only differences count: 100 more for every score changes nothing."""
    x = Tensor([1.0, 2.0, 4.0])
    before, after = softmax(x), softmax(x + 100)
    assert_same(after, before.numpy().copy(), inputs={"x": "[101, 102, 104]"}, rtol=1e-4)
    print("[1, 2, 4]       ->", [round(p, 3) for p in before.tolist()])
    print("[101, 102, 104] ->", [round(p, 3) for p in after.tolist()])


@pytest.mark.recorded
def test_recorded(spy):
    """The probabilities remember the scores, as a function and as a method."""
    x = Tensor(TABLE)
    spy.reaches(softmax(x, dim=0), x)
    spy.reaches(x.softmax(dim=1), x)


@pytest.mark.stretch
def test_forbidden():
    """A score of -inf is a probability of 0: attention forbids places this way."""
    got = softmax(Tensor([0.0, -np.inf, 0.0]))
    assert_same(got, np.array([0.5, 0.0, 0.5], np.float32), inputs={"x": "[0.0, -inf, 0.0]"})
