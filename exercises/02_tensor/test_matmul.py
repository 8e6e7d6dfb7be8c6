"""Checks of 02-tensor/matmul."""

import numpy as np
import pytest

from tinytorch.tensor import Tensor, matmul
from tito.testing import assert_same

A = np.array([[1, 2, 3], [4, 5, 6]])
B = np.array([[1, 0], [2, 1], [0, 3]])


def error(a: np.ndarray, b: np.ndarray) -> str:
    """The kind of error for shapes that do not fit, and whether it names both of them."""
    try:
        return f"result of shape {np.shape(matmul(a, b))}"
    except Exception as problem:
        named = str(a.shape) in str(problem) and str(b.shape) in str(problem)
        return f"{type(problem).__name__}, both shapes named: {named}"


def refused(a_shape: tuple[int, ...], b_shape: tuple[int, ...]) -> None:
    """Fail unless these shapes are refused with a message that names both."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is what is checked
        matmul(np.ones(a_shape), np.ones(b_shape))
    message = str(caught.value)
    for shape in (a_shape, b_shape):
        assert str(shape) in message, (
            f"The message should name both shapes, {a_shape} and {b_shape}, so that the reader "
            f"sees what met. It says: {message}"
        )


PROBES = [
    lambda: matmul(np.array([[1, 2], [3, 4]]), np.array([[5, 6], [7, 9]])),
    lambda: matmul(np.array([[1, 2, 3], [4, 5, 6]]), np.array([[1, 0], [2, 1], [0, 3]])),
    lambda: matmul(np.arange(12).reshape(2, 2, 3), np.arange(12).reshape(2, 3, 2)),
    lambda: matmul(np.arange(6).reshape(2, 3), np.array([1, 2, 4])),
    lambda: matmul(np.array([1, 2, 4]), np.array([[1, 0], [2, 1], [0, 3]])),
    lambda: error(np.ones((2, 3)), np.ones((2, 3))),
]


@pytest.mark.confidence
def test_dot_product():
    """Two vectors: multiply in pairs and add up."""
    a, b = np.array([2.0, 3.0, 1.0]), np.array([10.0, 100.0, 1000.0])
    assert_same(matmul(a, b), np.array(1320.0), inputs={"a": a, "b": b})


@pytest.mark.confidence
def test_matrix_times_vector():
    """Each row of the matrix is dotted with the vector."""
    b = np.array([1, 10, 100])
    assert_same(matmul(A, b), np.array([321, 654]), inputs={"a": A, "b": b})


@pytest.mark.unit
def test_vector_times_matrix():
    """A vector on the left is a row."""
    a = np.array([1, 10, 100])
    assert_same(matmul(a, B), np.array([21, 310]), inputs={"a": a, "b": B})


@pytest.mark.unit
def test_matrix_times_matrix():
    """Every row meets every column: (2, 3) @ (3, 2) is (2, 2)."""
    assert_same(matmul(A, B), np.array([[5, 11], [14, 23]]), inputs={"a": A, "b": B})
    expected = np.array([[1, 2, 3], [6, 9, 12], [12, 15, 18]])
    assert_same(matmul(B, A), expected, inputs={"a": B, "b": A})


@pytest.mark.unit
def test_batched():
    """A stack of matrices against a stack of matrices: pair by pair."""
    a, b = np.arange(12).reshape(2, 2, 3), np.arange(12).reshape(2, 3, 2)
    expected = np.array([[[10, 13], [28, 40]], [[172, 193], [244, 274]]])
    assert_same(matmul(a, b), expected, inputs={"a": a, "b": b})


@pytest.mark.unit
def test_batch_against_one():
    """A stack against one matrix: it is used for each of them."""
    a = np.stack([A, 10 * A])
    expected = np.array([[[5, 11], [14, 23]], [[50, 110], [140, 230]]])
    assert_same(matmul(a, B), expected, inputs={"a": a, "b": B})
    assert_same(matmul(a, np.array([1, 10, 100])), np.array([[321, 654], [3210, 6540]]))


@pytest.mark.unit
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_type_stays(dtype):
    """The result has the type of the elements."""
    got = matmul(A.astype(dtype), B.astype(dtype))
    assert_same(got, np.array([[5, 11], [14, 23]], dtype), inputs={"a": A, "b": B})


@pytest.mark.unit
@pytest.mark.parametrize(
    ("a_shape", "b_shape"),
    [((2, 3), (2, 3)), ((2, 3), (2,)), ((4,), (3, 2)), ((5,), (4,)), ((6, 2, 3), (6, 2, 3))],
    ids=["two tables", "table, vector", "vector, table", "two vectors", "two stacks"],
)
def test_shapes_that_do_not_fit(a_shape, b_shape):
    """Inner sizes that differ are a ValueError that names both shapes."""
    refused(a_shape, b_shape)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("a_shape", "b_shape"), [((), (3,)), ((3,), ()), ((), ())], ids=["first", "second", "both"]
)
def test_numbers_are_refused(a_shape, b_shape):
    """A single number has no rows and no columns: a ValueError that names both shapes."""
    refused(a_shape, b_shape)


@pytest.mark.learning
def test_a_layer():
    """A layer is one product: four examples with three features, two outputs."""
    x = Tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    weight = Tensor([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    out = x @ weight.T
    expected = [[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [6.0, 60.0]]
    assert_same(out, np.array(expected, np.float32), inputs={"x": x, "weight": weight})
    print(f"{x.shape} @ {weight.T.shape} -> {out.shape}")
    for example, row in zip(x.tolist(), out.tolist(), strict=True):
        print(f"  {example} -> {row}")


@pytest.mark.recorded
def test_recorded(spy):
    """The product remembers both tensors it came from."""
    a, b = Tensor(A.astype(np.float32)), Tensor(B.astype(np.float32))
    spy.reaches(a @ b, a, b)


@pytest.mark.stretch
def test_stacks_broadcast():
    """Stacks of different sizes broadcast: (5, 1, 2, 3) @ (4, 3, 7) is (5, 4, 2, 7)."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(5, 1, 2, 3)), rng.normal(size=(4, 3, 7))
    got = matmul(a, b)
    assert got.shape == (5, 4, 2, 7), f"The result has shape {got.shape}."
    assert_same(got, np.einsum("xyik,ykj->xyij", np.tile(a, (1, 4, 1, 1)), b))
