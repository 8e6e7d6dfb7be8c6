"""What checks are written with."""

import numpy as np
import pytest

from tinytorch.tensor import Tensor
from tito.testing import Mismatch, Spy, assert_same, is_recorded, show


@pytest.mark.parametrize(
    ("got", "expected", "message"),
    [
        (np.zeros((2, 3)), np.zeros(3), "shape (3,), but has shape (2, 3)"),
        (np.zeros(3, np.int64), np.zeros(3, np.float32), "type float32, but is of type int."),
        (
            np.array([1.0, 2, 4]),
            np.array([1.0, 2, 3]),
            "1 of 3; the first at [2]: expected 3",
        ),
        (None, np.zeros(3), "without `return`"),
        ([1.0], np.zeros(1), "should be a NumPy array, but is of type list"),
        (np.array([np.nan]), np.array([1.0]), "got nan"),
        ((1, 2), (1, 2, 3), "3 items, but has 2"),
        ((1, 5), (1, 2), "the result[1] is wrong: expected 2, got 5"),
        ({"a": 1}, {"b": 1}, "has no 'b'"),
        (np.array([2**53 + 1]), np.array([2**53]), "differs in 1 of 1"),
        (np.array([1 + 1e-8]), np.array([1.0]), "expected 1.0, got 1.00000001"),
        ("a", "b", "should be 'b', but is 'a'"),
        (True, None, "should be None"),
    ],
)
def test_what_differs_is_said(got, expected, message):
    with pytest.raises(Mismatch) as caught:
        assert_same(got, expected, inputs={"x": np.ones((2, 2))})
    assert message in str(caught.value)
    assert str(caught.value).startswith("With x = [[1., 1.], [1., 1.]]: ")


def test_numbers_are_shown_as_exactly_as_every_processor_has_them():
    one = np.array([0.73105857, 403.42877, 0, np.nan, 1e-9, 14683704], np.float32)
    other = np.nextafter(one, np.float32(np.inf))
    other[2] = 0
    assert show(one) == show(other)
    assert show(one[:2]) == "[  0.731059, 403.429   ]"
    assert (show(one[0]), show(one[1])) == (show(other[0]), "403.429")
    assert show(np.array([1.0, 2.0], np.float32)) == "[1., 2.]"


def test_what_is_the_same_passes():
    assert_same(Tensor([1.0, 2.0]), np.array([1.0, 2.0], np.float32))
    assert_same(np.float32(0.1) + np.float32(0.2), np.array(0.3, np.float32))
    assert_same(np.array([np.nan, np.inf]), np.array([np.nan, np.inf]))
    assert_same((np.ones(2), [1, "a"]), (np.ones(2), [1, "a"]))
    assert_same(np.ones(2, np.float32), np.ones(2), dtype=False)
    assert_same(np.array([1.1]), np.array([1.0]), atol=0.2)


def test_the_spy_follows_the_history():
    a, b, c = Tensor([1.0]), Tensor([2.0]), Tensor([3.0])
    with Spy() as spy:
        out = (a + b) * 2
        assert spy.reaches(out, a, b)
        assert spy.operations == ["add", "mul"]
        with pytest.raises(Mismatch, match="came from input 3"):
            spy.reaches(out, a, b, c)
        with pytest.raises(Mismatch, match="not a Tensor"):
            spy.reaches(out.data, a)
        with pytest.raises(Mismatch, match="came from its input"):
            spy.reaches(Tensor(a.data + 1), a)
    assert is_recorded(lambda x: x.sum(), a)
    assert not is_recorded(lambda x: Tensor(x.data), a)
