"""Bugs that course frameworks have shipped, planted here on purpose: a check must catch each.

The checks are tests of this suite where one takes no arguments; the others say which tests of the
suite do the same in full.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import activations, autograd, init, nn, optimizers, spatial, transformers
from tinytorch.autograd import Variable, rules
from tinytorch.gradcheck import gradcheck
from tinytorch.graph import Node
from tinytorch.tensor import Tensor

TESTS = Path(__file__).parent.parent
Patch = pytest.MonkeyPatch


def suite(file: str, test: str) -> Callable[[], None]:
    """A test without arguments of another file of this suite."""

    def run() -> None:
        spec = importlib.util.spec_from_file_location("planted_" + Path(file).stem, TESTS / file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        getattr(module, test)()

    return run


# Backward without a topological order: the cost grows by a factor with each layer. ----------------


def rules_asked(depth: int, patch: Patch) -> int:
    """How many gradient rules run in a network `depth` residual layers deep."""
    count = 0
    ask = Node.gradients

    def counted(*arguments: Any) -> Any:
        nonlocal count
        count += 1
        return ask(*arguments)

    with patch.context() as inner:
        inner.setattr(Node, "gradients", counted)
        x = tt.ones(1, requires_grad=True)
        y = x
        for _ in range(depth):
            y = y + y * 0.5
        y.sum().backward()
    return count


def cost_is_linear() -> None:
    """In full: test_autograd.test_time_grows_linearly_with_depth."""
    patch = pytest.MonkeyPatch()
    assert rules_asked(12, patch) < 2.5 * rules_asked(6, patch)


def naive_recursion(patch: Patch) -> None:
    def visit(node: Node, grad: np.ndarray) -> None:
        for parent, g in node.gradients(grad):
            if isinstance(parent, Node):
                visit(parent, g)
            else:
                autograd.accumulate(parent, autograd.unbroadcast(g, parent.shape), {})

    patch.setattr(Variable, "backward", lambda self: visit(self.grad_fn, np.ones_like(self.data)))


def wrong_order(patch: Patch) -> None:
    """Each node once, but some before all of their gradient has arrived."""

    def breadth_first(root: Node) -> list[Node]:
        order = [root]
        for node in order:
            order += [p for p in node.parents if isinstance(p, Node) and p not in order]
        return order[::-1]

    patch.setattr(autograd, "topological_order", breadth_first)


# Accumulation and broadcasting. -------------------------------------------------------------------


def assigned_gradient(patch: Patch) -> None:
    def assign(parent: Any, g: np.ndarray, pending: Any) -> None:
        if isinstance(parent, Node):
            pending[parent] = g
        else:
            parent.grad = Tensor(g)

    patch.setattr(autograd, "accumulate", assign)


def shared_gradient(patch: Patch) -> None:
    """`.grad` that is the same memory as another gradient."""
    right = autograd.accumulate

    def share(parent: Any, g: np.ndarray, pending: Any) -> None:
        right(parent, g, pending)
        if not isinstance(parent, Node):
            parent.grad.data = g

    patch.setattr(autograd, "accumulate", share)


def gradient_keeps_the_broadcast_shape(patch: Patch) -> None:
    patch.setattr(autograd, "unbroadcast", lambda grad, shape: grad)


# The graph is cut. --------------------------------------------------------------------------------


def every_parameter_moves() -> None:
    """Every parameter of a CNN gets a gradient that is not zero, and moves."""
    tt.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(12, 4),
    )  # fmt: skip
    before = {name: p.data.copy() for name, p in model.named_parameters()}
    optimizer = tt.optim.SGD(model.parameters(), lr=0.1)
    nn.functional.cross_entropy(model(tt.randn(8, 2, 6, 6)), tt.arange(8) % 4).backward()
    for name, p in model.named_parameters():
        assert p.grad is not None, name
        assert np.abs(p.grad.data).max() > 0, name
    optimizer.step()
    for name, p in model.named_parameters():
        assert not np.array_equal(p.data, before[name]), name


def flatten_rewraps_data(patch: Patch) -> None:
    patch.setattr(
        Tensor, "flatten", lambda self, start, end: Tensor(self.data.reshape(len(self.data), -1))
    )


# Rules and formulas. ------------------------------------------------------------------------------


def layer_norm_gradient_is_right() -> None:
    """In full: tests/parity/test_images_and_text.py, every layer in float64."""
    rng = np.random.default_rng(0)
    x = tt.tensor(rng.standard_normal((2, 5)), requires_grad=True)
    gradcheck(lambda x: transformers.layer_norm(x, (5,)), [x])


def detached_variance(patch: Patch) -> None:
    def layer_norm(x: Tensor, shape: tuple[int, ...]) -> Tensor:
        centered = x - x.mean(-1, keepdim=True)
        variance = (centered * centered).mean(-1, keepdim=True).detach()
        return centered / (variance + 1e-5).sqrt()

    patch.setattr(transformers, "layer_norm", layer_norm)


def half_of_a_rule(patch: Patch) -> None:
    patch.setitem(rules, "matmul", lambda grad, _output, a, b: (grad @ b.T, None))


def convolution_adds_its_bias_once() -> None:
    """In full: tests/parity/test_images_and_text.py, conv2d."""
    x, weight, bias = np.ones((1, 2, 3, 3)), np.ones((1, 2, 2, 2)), np.ones(1)
    output = spatial.conv2d(x, weight, bias)
    np.testing.assert_array_equal(output, np.full((1, 1, 2, 2), 9.0))


def bias_inside_the_window_sum(patch: Patch) -> None:
    right = spatial.conv2d

    def conv2d(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
        times = weight[0].size
        return right(x, weight, bias * times)

    patch.setattr(spatial, "conv2d", conv2d)


def stable_softmax() -> None:
    """In full: tests/parity/test_operations.py, test_extreme_inputs."""
    x = tt.tensor([1e4, 0.0])
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(activations.softmax(x, 0).data, [1, 0])


def softmax_of_the_raw_scores(patch: Patch) -> None:
    patch.setattr(activations, "softmax", lambda x, dim: x.exp() / x.exp().sum(dim, keepdim=True))


def additive_mask_taken_for_zeros_and_ones(patch: Patch) -> None:
    """-inf for "hidden" and 0 for "seen" reach code that hides zeros: nothing is left to see."""

    def attention(query: Tensor, key: Tensor, value: Tensor, is_causal: bool) -> Tensor:
        scores = query @ key.transpose(-2, -1)
        mask = Tensor(np.where(np.tri(query.shape[-2], dtype=bool), 0.0, -np.inf))
        return activations.softmax(scores.masked_fill(mask == 0, -1e9), -1) @ value

    patch.setattr(nn.functional, "scaled_dot_product_attention", attention)


# Optimizers and layers. ---------------------------------------------------------------------------


def first_step_of_adam_is_the_learning_rate() -> None:
    """In full: tests/parity/test_optimizers.py."""
    w = tt.tensor([1.0, -2.0], requires_grad=True)
    w.grad = tt.tensor([0.3, -0.001])
    tt.optim.Adam([w], lr=0.1).step()
    np.testing.assert_allclose(w.data, [0.9, -1.9], rtol=1e-4)


def no_bias_correction(patch: Patch) -> None:
    def adam(p: Any, grad: Any, state: Any, lr: float, betas: Any, eps: float, **_: Any) -> None:
        mean, square = (1 - betas[0]) * grad, (1 - betas[1]) * grad * grad
        p -= lr * mean / (np.sqrt(square) + eps)

    patch.setattr(optimizers.Adam, "rule", staticmethod(adam))


def unscaled_dropout(patch: Patch) -> None:
    def dropout(x: Tensor, p: float, training: bool) -> Tensor:
        return x * (tt.rand(*x.shape) >= p).float() if training else x

    patch.setattr("tinytorch.layers.dropout", dropout)


# The milestone tells the truth. -------------------------------------------------------------------


def xor_is_solved(*arguments: str) -> None:
    patch = pytest.MonkeyPatch()
    with patch.context() as inner:
        inner.setattr(sys, "argv", ["xor", *arguments])
        inner.syspath_prepend(str(TESTS.parent))
        from milestones import xor

        assert xor.main() == 0


def every_unit_starts_the_same(patch: Patch) -> None:
    """Weights that break no symmetry: the hidden layer is one unit."""
    patch.setattr(init, "uniform_", lambda tensor, a, b: tensor.fill_(b))


def three_of_four(patch: Patch) -> None:
    """A network that gets 75 %: training that ends too early."""
    from milestones import xor

    train = xor.train_hidden
    patch.setattr(xor, "train_hidden", lambda seed, steps: train(seed, 2))


AUTOGRAD, MODULES = "framework/test_autograd.py", "framework/test_modules.py"
PROPERTIES, LANGUAGE = "framework/test_properties.py", "framework/test_language_models.py"
PLANTED: list[tuple[Callable[[Patch], None], Callable[[], None]]] = [
    (naive_recursion, cost_is_linear),
    (wrong_order, suite(AUTOGRAD, "test_a_chain_of_residuals")),
    (assigned_gradient, suite(AUTOGRAD, "test_a_value_used_twice_gets_both_gradients")),
    (assigned_gradient, suite(AUTOGRAD, "test_gradients_accumulate_over_calls")),
    (shared_gradient, suite(AUTOGRAD, "test_the_gradient_of_a_leaf_is_memory_of_its_own")),
    (
        gradient_keeps_the_broadcast_shape,
        suite(PROPERTIES, "test_broadcasting_forward_and_backward"),
    ),
    (flatten_rewraps_data, every_parameter_moves),
    (half_of_a_rule, suite(MODULES, "test_every_parameter_gets_a_gradient_and_moves")),
    (detached_variance, layer_norm_gradient_is_right),
    (bias_inside_the_window_sum, convolution_adds_its_bias_once),
    (softmax_of_the_raw_scores, stable_softmax),
    (
        additive_mask_taken_for_zeros_and_ones,
        suite(LANGUAGE, "test_attention_rows_differ_and_average_the_values"),
    ),
    (no_bias_correction, first_step_of_adam_is_the_learning_rate),
    (unscaled_dropout, suite(MODULES, "test_train_and_eval_reach_all_modules_inside")),
    (every_unit_starts_the_same, xor_is_solved),
    (three_of_four, xor_is_solved),
]


@pytest.mark.parametrize(("plant", "check"), PLANTED, ids=[p.__name__ for p, _ in PLANTED])
def test_the_bug_is_caught(plant, check, monkeypatch):
    before = tt.use_kernels("plain")
    try:
        check()
        plant(monkeypatch)
        try:
            check()
        except Exception:  # it passed a moment ago, so whatever it says is about the bug
            return
        pytest.fail("the check passes in spite of the bug")
    finally:
        tt.use_kernels(before)
