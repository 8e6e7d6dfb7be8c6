"""Autograd as a whole: the graph, what is kept and freed, and what it refuses."""

from __future__ import annotations

import gc
import time
import weakref

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.autograd import Variable, rules, topological_order, unbroadcast
from tinytorch.gradcheck import GradcheckError, gradcheck
from tinytorch.graph_drawing import draw_graph


def leaf(*values: float) -> tt.Tensor:
    return tt.tensor(list(values), requires_grad=True)


def test_a_value_used_twice_gets_both_gradients():
    x = leaf(3.0)
    (x * x + x).sum().backward()
    assert x.grad.tolist() == [7]


def test_gradients_accumulate_over_calls():
    x = leaf(3.0)
    for expected in (2, 4):
        (x * 2).sum().backward()
        assert x.grad.tolist() == [expected]


def test_a_chain_of_diamonds_has_linear_cost():
    """There are 2^200 paths to x; each node is visited once."""
    x = leaf(1.0)
    y = x
    for _ in range(200):
        y = y * 0.5 + y * 0.5
    y.sum().backward()
    assert x.grad.tolist() == [1]


def test_a_chain_of_residuals():
    """Paths of different length meet: a node waits for all of its gradient."""
    x = leaf(1.0)
    y = x
    for _ in range(10):
        y = y + y * 0.5
    y.sum().backward()
    assert x.grad.tolist() == pytest.approx([1.5**10])


def test_the_gradient_of_a_leaf_is_memory_of_its_own():
    """An optimizer or clipping may change it; nothing else may change with it."""
    a, b = leaf(1.0, 2.0), leaf(1.0, 2.0)
    seed = tt.ones(2)
    (a + b).backward(seed)
    a.grad *= 5
    assert b.grad.tolist() == seed.tolist() == [1, 1]
    c = leaf(1.0, 2.0)
    c.reshape(2, 1).T.sum().backward()
    c.grad *= 5
    assert c.grad.tolist() == [5, 5]


def test_backward_needs_one_number_or_a_gradient_of_the_shape():
    y = leaf(1.0, 2.0) * 2
    with pytest.raises(RuntimeError, match=r"shape \(2,\) needs backward\(gradient\)"):
        y.backward()
    with pytest.raises(ValueError, match=r"\(3,\) for a tensor \(2,\)"):
        y.backward(tt.ones(3))


def test_without_history_there_is_nothing_to_differentiate():
    with pytest.raises(RuntimeError, match="requires_grad=True"):
        (tt.ones(2) * 2).sum().backward()


def test_a_second_backward_says_what_to_do():
    x = leaf(1.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4]
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        y.backward()


def test_an_in_place_change_of_a_saved_value_is_noticed():
    x, w = leaf(1.0), tt.ones(1)
    y = (x * w).sum()
    w += 1
    with pytest.raises(RuntimeError, match="a value that mul needs was changed in place"):
        y.backward()
    y = (x + w).sum()  # a sum needs no values
    w += 1
    y.backward()
    assert x.grad.tolist() == [1]


def test_a_change_of_a_saved_result_is_noticed():
    x = leaf(1.0)
    y = x.exp()
    with tt.no_grad():
        y.mul_(2)
    with pytest.raises(RuntimeError, match="a value that exp needs"):
        y.sum().backward()


def test_a_change_through_a_view_is_noticed():
    x, w = leaf(1.0), tt.ones(2, 2)
    y = (x * w).sum()
    w[0] += 1
    with pytest.raises(RuntimeError, match="changed in place"):
        y.backward()


def test_leaves_are_changed_only_without_recording():
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="leaf"):
        x += 1
    with pytest.raises(RuntimeError, match="no_grad"):
        x[0] = 2.0
    same = x
    with tt.no_grad():
        x -= 0.5
        x[0] = 2 * x[0]
    assert same.tolist() == [1]
    assert same is x
    total = tt.zeros(1)
    total += x * 2  # a sum that carries gradients becomes a new tensor
    total.sum().backward()
    assert x.grad.tolist() == [2]


def test_no_grad_as_block_decorator_and_around_a_generator():
    x = leaf(1.0)
    with tt.no_grad():
        assert not (x * 2).requires_grad
        assert not tt.is_grad_enabled()
        with tt.enable_grad():
            assert (x * 2).requires_grad
    assert tt.is_grad_enabled()

    @tt.no_grad()
    def double():
        return x * 2

    @tt.no_grad()
    def doubles():
        yield x * 2
        yield x * 4

    assert not double().requires_grad
    for value in doubles():
        assert not value.requires_grad
        assert (x * 2).requires_grad
    with tt.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    with pytest.raises(ZeroDivisionError), tt.no_grad():
        1 / 0  # noqa: B018
    assert tt.is_grad_enabled()


def test_a_change_that_the_graph_would_not_know_of_is_refused():
    x = leaf(1.0, -1.0)
    result = x * 2
    for change in (
        lambda: result.clamp_(0, 1),
        lambda: result.zero_(),
        lambda: result.add_(1),
        lambda: tt.zeros(2).add_(x),
    ):
        with pytest.raises(RuntimeError, match="in place"):
            change()
    with tt.no_grad():
        assert result.clamp_(0, 1).tolist() == [1, 0]
    total = tt.zeros(2)
    total += x  # another tensor from now on, which has the history
    total.sum().backward()
    assert x.grad.tolist() == [1, 1]


def test_detach_cuts_the_graph_and_integers_have_none():
    x = leaf(1.0, 2.0)
    assert not x.detach().requires_grad
    assert not (x > 1).requires_grad
    assert not x.argmax().requires_grad
    assert not (x * 2).long().requires_grad
    (x * x.detach()).sum().backward()
    assert x.grad.tolist() == [1, 2]


def test_results_of_recorded_operations_are_variables():
    x = leaf(1.0)
    y = x * 2
    assert isinstance(y, Variable)
    assert x.is_leaf
    assert not y.is_leaf
    assert repr(y.grad_fn) == "<mul>"
    y.retain_grad()
    (y * 3).sum().backward()
    assert y.grad.tolist() == [3]


def test_an_operation_without_a_rule_is_named():
    with pytest.raises(NotImplementedError, match="floordiv has no gradient rule"):
        (leaf(1.0) // 2).sum().backward()


def test_time_grows_linearly_with_depth():
    """Ten times as deep takes about ten times as long: no node is visited twice."""

    def seconds(depth: int) -> float:
        x = leaf(1.0)
        y = x
        for _ in range(depth):
            y = y * 1.0 + y * 0.0
        start = time.process_time()
        y.sum().backward()
        return time.process_time() - start

    seconds(100)
    short = min(seconds(200) for _ in range(5))
    assert min(seconds(2000) for _ in range(3)) < 25 * short


def test_a_graph_deeper_than_the_recursion_limit():
    x = leaf(1.0)
    y = x
    for _ in range(20_000):
        y = y + 1.0
    y.sum().backward()
    assert x.grad.tolist() == [1]
    y = x
    for _ in range(20_000):
        y = y + 1.0
    del y  # freeing it must not recurse either
    gc.collect()


def test_backward_frees_as_it_goes():
    """What a node saved is gone when the next one is asked."""
    saved, counts = [], []

    def exp_gradient(grad, output, a):
        counts.append(sum(ref() is not None for ref in saved))
        return grad * output

    before = rules["exp"]
    rules["exp"] = exp_gradient
    x = tt.ones(1000, requires_grad=True)
    y = x
    for _ in range(50):
        y = y.exp()
        saved.append(weakref.ref(y.data))
        y = y * 0.1
    rules["exp"] = before
    loss = y.sum()
    del y
    loss.backward()
    assert counts == list(range(50, 0, -1))
    assert not any(ref() is not None for ref in saved)
    assert loss.grad_fn.parents == ()


def test_no_cycles_keep_memory():
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0)
        y = (x * 2).exp()
        ref = weakref.ref(y)
        del y
        assert ref() is None
    finally:
        gc.enable()


def test_values_that_no_rule_needs_are_not_kept():
    x = tt.ones(10, requires_grad=True)
    a = x * 2
    b = a + 1  # needs neither a nor b
    ref = weakref.ref(a.data)
    del a
    assert ref() is None
    b.sum().backward()
    assert x.grad.tolist() == [2] * 10


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((3,), [3, 5, 7]),
        ((2, 1), [[3], [12]]),
        ((1, 3), [[3, 5, 7]]),
        ((), 15),
        ((2, 3), [[0, 1, 2], [3, 4, 5]]),
    ],
)
def test_unbroadcast_sums_what_was_repeated(shape, expected):
    result = unbroadcast(np.arange(6.0).reshape(2, 3), shape)
    assert result.shape == shape
    np.testing.assert_array_equal(result, expected)


def test_topological_order_has_inputs_first():
    x = leaf(1.0)
    a = x * 2
    b = a + a
    c = a * b
    order = topological_order(c.grad_fn)
    assert [node.name for node in order] == ["mul", "add", "mul"]
    assert order == [a.grad_fn, b.grad_fn, c.grad_fn]


def test_gradcheck_finds_a_wrong_rule_and_says_where(monkeypatch):
    x = tt.tensor([1.0, 2.0], dtype=tt.float64, requires_grad=True)
    assert gradcheck(lambda x: x.exp(), [x])
    monkeypatch.setitem(rules, "exp", lambda grad, output, a: grad * output * (a > 1.5))
    with pytest.raises(
        GradcheckError, match=r"input 0 of shape \(2,\): at \(0,\) backward gives 0"
    ):
        gradcheck(lambda x: x.exp(), [x])
    with pytest.raises(ValueError, match="float64"):
        gradcheck(lambda x: x, [tt.ones(1, requires_grad=True)])


def test_the_drawing_shows_operations_leaves_and_shapes():
    w, b = tt.ones(3, 2, requires_grad=True), tt.ones(2, requires_grad=True)
    svg = draw_graph((tt.ones(4, 3) @ w + b).relu().sum(), w=w, b=b)._repr_svg_()
    for text in (
        ">w<",
        ">b<",
        ">matmul<",
        ">add<",
        ">relu<",
        ">sum<",
        "4×2",
        "graph of 4 operations",
    ):
        assert text in svg
    with pytest.raises(ValueError, match="no history"):
        draw_graph(w)


def test_backward_of_a_leaf_gives_it_the_gradient():
    x = tt.tensor([1.0, 2.0], requires_grad=True)
    x.backward(tt.tensor([3.0, 4.0]))
    x.backward(tt.tensor([1.0, 1.0]))
    assert x.grad.tolist() == [4, 5]
    with pytest.raises(RuntimeError, match=r"needs backward\(gradient\)"):
        x.backward()
