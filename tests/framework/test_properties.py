"""Properties that hold for any shapes, found by hypothesis against NumPy and PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinytorch as tt

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
settings.register_profile("framework", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("framework")


def numbers(shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.float64).reshape(shape) / 7 - 1


@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=4))
def test_broadcasting_forward_and_backward(shapes):
    """Gradients have the inputs' shapes, and each counts how often its element was used."""
    (a_shape, b_shape), result = shapes.input_shapes, shapes.result_shape
    a = tt.tensor(numbers(a_shape), requires_grad=True)
    b = tt.tensor(numbers(b_shape), requires_grad=True)
    output = a * 2 + b
    assert output.shape == result
    np.testing.assert_array_equal(output.data, a.data * 2 + b.data)
    output.sum().backward()
    for x, factor in ((a, 2), (b, 1)):
        used = np.prod(result) / max(x.numel(), 1)
        np.testing.assert_array_equal(x.grad.data, np.full(x.shape, factor * used))


@given(SHAPES, SHAPES)
def test_shapes_that_do_not_broadcast_are_refused_by_name(a_shape, b_shape):
    a, b = tt.tensor(numbers(a_shape)), tt.tensor(numbers(b_shape))
    try:
        expected = np.broadcast_shapes(a_shape, b_shape)
    except ValueError:
        with pytest.raises(ValueError, match=r"^mul: shapes") as caught:
            a * b
        assert str(a_shape) in str(caught.value)
        assert str(b_shape) in str(caught.value)
    else:
        assert (a * b).shape == expected


@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4))
def test_indexing_is_numpys_and_its_gradient_counts_the_picks(data, shape):
    index = data.draw(
        st.one_of(
            hnp.basic_indices(shape, allow_newaxis=True),
            hnp.integer_array_indices(shape),
            hnp.arrays(bool, shape),
        )
    )
    array = numbers(shape)
    x = tt.tensor(array, requires_grad=True)
    picked = x[index]
    np.testing.assert_array_equal(picked.data, array[index])
    picked.sum().backward()
    counts = np.zeros(shape)
    np.add.at(counts, index, 1)
    np.testing.assert_array_equal(x.grad.data, counts)


@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4))
def test_assignment_is_numpys(data, shape):
    index = data.draw(hnp.basic_indices(shape))
    expected, x = numbers(shape), tt.tensor(numbers(shape))
    expected[index] = 9
    x[index] = tt.tensor(9.0)
    np.testing.assert_array_equal(x.data, expected)
    assert x.version == 1


@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4))
def test_reshape_and_permute_there_and_back(data, shape):
    array = numbers(shape)
    x = tt.tensor(array, requires_grad=True)
    order = data.draw(st.permutations(range(len(shape))))
    moved = x.permute(*order)
    np.testing.assert_array_equal(moved.data, array.transpose(order))
    flat = moved.reshape(-1)
    back = flat.reshape(moved.shape).permute(*np.argsort(order).tolist())
    assert tt.equal(back, x)
    (back * tt.tensor(array)).sum().backward()
    np.testing.assert_array_equal(x.grad.data, array)


@given(st.data(), hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4))
def test_reductions_over_any_dimensions(data, shape):
    dims = data.draw(st.sets(st.integers(-len(shape), len(shape) - 1), min_size=1, max_size=1))
    others = data.draw(st.sets(st.integers(0, len(shape) - 1), min_size=1))
    keepdim = data.draw(st.booleans())
    array = numbers(shape)
    for dim in (next(iter(dims)), tuple(others), None):
        x = tt.tensor(array, requires_grad=True)
        total = x.sum(dim, keepdim)
        np.testing.assert_allclose(total.data, array.sum(axis=dim, keepdims=keepdim))
        np.testing.assert_allclose(
            x.mean(dim, keepdim).data, array.mean(axis=dim, keepdims=keepdim)
        )
        (total * total).sum().backward()
        expected = 2 * np.broadcast_to(array.sum(axis=dim, keepdims=True), shape)
        np.testing.assert_allclose(x.grad.data, expected)


@given(st.data(), st.integers(1, 4))
def test_cat_and_split_there_and_back(data, count):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3))
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    sizes = data.draw(st.lists(st.integers(1, 3), min_size=count, max_size=count))
    parts = []
    for i, size in enumerate(sizes):
        own = list(shape)
        own[dim] = size
        parts.append(tt.tensor(numbers(tuple(own)) + i, requires_grad=True))
    joined = tt.cat(parts, dim)
    pieces = joined.split(sizes, dim)
    assert all(tt.equal(a, b) for a, b in zip(parts, pieces, strict=True))
    (joined * joined).sum().backward()
    for part in parts:
        np.testing.assert_array_equal(part.grad.data, 2 * part.data)


@given(
    hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=3),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_matmul_of_batches_is_numpys(shapes, n, k, m):
    a_shape, b_shape = shapes.input_shapes
    a = tt.tensor(numbers((*a_shape, n, k)), requires_grad=True)
    b = tt.tensor(numbers((*b_shape, k, m)), requires_grad=True)
    output = a @ b
    np.testing.assert_allclose(output.data, a.data @ b.data)
    output.sum().backward()
    assert a.grad.shape == a.shape
    assert b.grad.shape == b.shape
    ones = np.ones(output.shape)
    np.testing.assert_allclose(
        a.grad.data.sum(), (ones @ b.data.swapaxes(-1, -2)).sum(), rtol=1e-9, atol=1e-9
    )
