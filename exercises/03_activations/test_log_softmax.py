"""Checks of 03-activations/log-softmax."""

import numpy as np
import pytest

from tinytorch.activations import log_softmax
from tinytorch.tensor import Tensor
from tito.testing import assert_same, is_recorded

TABLE = [[0.0, 1.0], [3.0, 0.0]]
ROWS = [[-1.3132616875, -0.3132616875], [-0.0485873516, -3.0485873516]]
COLUMNS = [[-3.0485873516, -0.3132616875], [-0.0485873516, -1.3132616875]]
FAR = [[0.0, 1.0], [1000.0, 1001.0]]

quiet = np.errstate(all="ignore")

PROBES = [
    lambda: quiet(log_softmax)(Tensor([1.0, 2.0, 4.0])),
    lambda: quiet(log_softmax)(Tensor(TABLE), dim=1),
    lambda: quiet(log_softmax)(Tensor(TABLE), dim=0),
    lambda: quiet(log_softmax)(Tensor([0.0, 1000.0])),
    lambda: quiet(log_softmax)(Tensor(FAR), dim=1),
    lambda: is_recorded(log_softmax, Tensor([1.0, 2.0])),
]


@pytest.mark.confidence
def test_equal_scores():
    """Two equal scores give log 0.5 each."""
    got = log_softmax(Tensor([3.0, 3.0]))
    assert_same(got, np.full(2, -0.6931471806, np.float32), inputs={"x": [3.0, 3.0]})


@pytest.mark.unit
@pytest.mark.parametrize(
    ("dim", "expected"), [(1, ROWS), (-1, ROWS), (0, COLUMNS)], ids=["dim 1", "dim -1", "dim 0"]
)
def test_along_dim(dim, expected):
    """It is the logarithm of softmax along dim."""
    got = log_softmax(Tensor(TABLE), dim=dim)
    assert_same(got, np.array(expected, np.float32), inputs={"x": TABLE, "dim": dim})


@pytest.mark.unit
def test_last_dim():
    """Without dim it is the last one."""
    assert_same(log_softmax(Tensor(TABLE)), np.array(ROWS, np.float32), inputs={"x": TABLE})


@pytest.mark.unit
@quiet
def test_large():
    """Scores 1000 apart give -1000, not -inf and not nan."""
    for x, expected in (([0.0, 1000.0], [-1000.0, 0.0]), ([0.0, -1000.0], [0.0, -1000.0])):
        assert_same(log_softmax(Tensor(x)), np.array(expected, np.float32), inputs={"x": x})


@pytest.mark.unit
@quiet
def test_each_row_has_its_own_largest():
    """A row far below another one keeps its values."""
    expected = np.array([[-1.3132616875, -0.3132616875]] * 2, np.float32)
    got = log_softmax(Tensor(FAR), dim=1)
    assert_same(got, expected, inputs={"x": FAR, "dim": 1}, rtol=1e-3)


@pytest.mark.learning
@quiet
def test_surprise():
    """What has probability e^-200 is written -200; the probability itself rounds to 0."""
    x = Tensor([0.0, -200.0])
    log_probability = log_softmax(x)[1].item()
    assert_same(log_probability, -200.0, inputs={"x": x}, dtype=False, name="log_softmax(x)[1]")
    print(
        f"float32 writes e^-200 as {np.exp(np.float32(-200))}, its logarithm as {log_probability}"
    )


@pytest.mark.recorded
def test_recorded(spy):
    """The result remembers the scores, as a function and as a method."""
    x = Tensor(TABLE)
    spy.reaches(log_softmax(x, dim=0), x)
    spy.reaches(x.log_softmax(dim=1), x)


@pytest.mark.stretch
def test_sums_to_one():
    """Back as probabilities, they sum to 1 along dim of a stack, too."""
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4) % 7
    total = np.exp(log_softmax(Tensor(x), dim=1).numpy()).sum(axis=1)
    assert_same(
        total,
        np.ones((2, 4), np.float32),
        inputs={"x": x, "dim": 1},
        name="the sum of the probabilities",
    )
