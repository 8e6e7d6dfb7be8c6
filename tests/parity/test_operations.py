"""Chapters 02, 03 and 05, operation by operation: the same lambda for PyTorch and for us."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

SEEDS = range(3)


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Distinct numbers, none near 0: no kinks and ties where slopes are compared."""
    size = int(np.prod(shape))
    values = np.linspace(0.1, 2.0, size) * rng.choice([-1, 1], size)
    return rng.permutation(values).reshape(shape).astype(np.float32)


def positive(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return np.abs(normal(rng, *shape)) + np.float32(0.2)


def broadcasting(rng: np.random.Generator) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes that broadcast, with dimensions of size 1 and missing ones."""
    full = tuple(int(n) for n in rng.integers(1, 5, rng.integers(1, 5)))
    pair = []
    for _ in range(2):
        kept = tuple(n if rng.random() < 0.7 else 1 for n in full)
        pair.append(kept[rng.integers(0, len(full)) :])
    pair[rng.integers(0, 2)] = full
    return pair[0], pair[1]


def shape(rng: np.random.Generator, low: int = 1) -> tuple[int, ...]:
    return tuple(int(n) for n in rng.integers(low, 5, rng.integers(1, 5)))


BINARY = {
    "add": lambda lib, a, b: a + b,
    "sub": lambda lib, a, b: a - b,
    "mul": lambda lib, a, b: a * b,
    "div": lambda lib, a, b: a / b,
    "maximum": lambda lib, a, b: lib.maximum(a, b),
    "minimum": lambda lib, a, b: lib.minimum(a, b),
    "where": lambda lib, a, b: lib.where(a > b, a, b * 2),
    "function forms": lambda lib, a, b: lib.add(lib.mul(a, b), lib.sub(a, b)),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", BINARY)
def test_two_operands_broadcast(same, name, seed):
    rng = np.random.default_rng(seed)
    a, b = broadcasting(rng)
    same(BINARY[name], normal(rng, *a), normal(rng, *b) + np.float32(0.013))


@pytest.mark.parametrize("seed", SEEDS)
def test_power_of_positive_numbers(same, seed):
    rng = np.random.default_rng(seed)
    a, b = broadcasting(rng)
    same(lambda lib, a, b: a**b, positive(rng, *a), normal(rng, *b))


UNARY = {
    "neg": lambda lib, x: -x,
    "abs": lambda lib, x: lib.abs(x),
    "exp": lambda lib, x: lib.exp(x),
    "sin": lambda lib, x: x.sin(),
    "cos": lambda lib, x: lib.cos(x),
    "square": lambda lib, x: lib.square(x),
    "power": lambda lib, x: x**3,
    "power 0": lambda lib, x: x**0,
    "numbers": lambda lib, x: 2 - 3 / (x * 4 + 10) + 2**x,
    "clamp": lambda lib, x: lib.clamp(x, -0.53, 1.07),
    "clamp min": lambda lib, x: x.clamp(min=0.11),
    "masked_fill": lambda lib, x: x.masked_fill(x > 0.5, -2.0),
    "relu": lambda lib, x: lib.nn.functional.relu(x),
    "leaky_relu": lambda lib, x: lib.nn.functional.leaky_relu(x, 0.2),
    "sigmoid": lambda lib, x: lib.sigmoid(x),
    "tanh": lambda lib, x: lib.tanh(x),
    "gelu": lambda lib, x: lib.nn.functional.gelu(x),
    "gelu tanh": lambda lib, x: lib.nn.functional.gelu(x, approximate="tanh"),
    "softmax": lambda lib, x: lib.softmax(x, dim=-1),
    "softmax first": lambda lib, x: x.softmax(0),
    "log_softmax": lambda lib, x: lib.nn.functional.log_softmax(x, dim=0),
    "modules": lambda lib, x: lib.nn.Sequential(
        lib.nn.Tanh(), lib.nn.GELU(), lib.nn.LeakyReLU(0.3), lib.nn.Sigmoid(), lib.nn.Softmax(0)
    )(x),
    "sum": lambda lib, x: x.sum(),
    "mean": lambda lib, x: x.mean(),
    "sum last": lambda lib, x: x.sum(-1),
    "sum keepdim": lambda lib, x: lib.sum(x, dim=0, keepdim=True),
    "sum two": lambda lib, x: x.unsqueeze(0).sum(dim=(0, -1)),
    "mean last": lambda lib, x: x.mean(dim=-1, keepdim=True),
    "max": lambda lib, x: x.max(),
    "max dim": lambda lib, x: x.max(dim=0).values,
    "min dim": lambda lib, x: x.min(dim=-1, keepdim=True)[0],
    "amax": lambda lib, x: x.amax(dim=0),
    "prod": lambda lib, x: x.prod(),
    "prod dim": lambda lib, x: x.prod(dim=-1),
    "cumsum": lambda lib, x: x.cumsum(dim=0),
    "norm": lambda lib, x: x.norm(),
    "norm 1": lambda lib, x: x.norm(p=1, dim=0),
    "logsumexp": lambda lib, x: x.logsumexp(dim=-1),
    "flatten": lambda lib, x: x.flatten(),
    "reshape": lambda lib, x: lib.reshape(x, (-1,)) * 2,
    "flip": lambda lib, x: lib.flip(x, (0,)),
    "roll": lambda lib, x: lib.roll(x, 2, 0),
    "cat": lambda lib, x: lib.cat([x, x * 2, x], dim=-1),
    "stack": lambda lib, x: lib.stack([x, -x], dim=1),
    "expand": lambda lib, x: x.unsqueeze(1).expand(x.shape[0], 3, *x.shape[1:]),
    "repeat": lambda lib, x: x.repeat(2, *[1] * x.ndim),
    "chunk": lambda lib, x: x.chunk(2, dim=0)[0],
    "split": lambda lib, x: x.split(2, dim=-1)[-1],
    "topk": lambda lib, x: x.topk(1, dim=-1).values,
    "sort": lambda lib, x: x.sort(dim=0, descending=True).values,
    "squeeze": lambda lib, x: x.unsqueeze(-1).squeeze(),
    "movedim": lambda lib, x: x.movedim(0, -1),
    "integer index": lambda lib, x: x[0],
    "list index": lambda lib, x: x[[0, -1, 0]],
    "tensor index": lambda lib, x: x[lib.tensor([0, 0, 0])],
    "boolean index": lambda lib, x: x[x > 0],
    "slices": lambda lib, x: x[..., ::2],
    "new dimension": lambda lib, x: x[None, ..., None],
    "double": lambda lib, x: x.double(),
    "clone": lambda lib, x: x.clone() + x.contiguous(),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", UNARY)
def test_one_operand(same, name, seed):
    rng = np.random.default_rng(seed)
    same(UNARY[name], normal(rng, *shape(rng)))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "function",
    [
        lambda lib, x: lib.log(x),
        lambda lib, x: x.sqrt(),
        lambda lib, x: x.rsqrt(),
        lambda lib, x: x.log1p(),
    ],
)
def test_positive_operand(same, function, seed):
    rng = np.random.default_rng(seed)
    same(function, positive(rng, *shape(rng)))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "function",
    [
        lambda lib, x: x.var(dim=-1),
        lambda lib, x: x.std(dim=0, keepdim=True),
        lambda lib, x: x.var(dim=0, unbiased=False),
        lambda lib, x: x.T if x.ndim == 2 else x.transpose(0, -1),
        lambda lib, x: x.transpose(-1, -2),
        lambda lib, x: x.permute(1, 0, *range(2, x.ndim)),
        lambda lib, x: x.tril(),
        lambda lib, x: lib.triu(x, diagonal=1),
        lambda lib, x: x.gather(1, lib.zeros_like(x).long()),
        lambda lib, x: x.index_select(1, lib.tensor([1, 0, 1])),
        lambda lib, x: x[:, 1],
        lambda lib, x: x[lib.tensor([0, 1, 0]), lib.tensor([1, 0, 1])],
        lambda lib, x: x.view(x.shape[1], -1),
        lambda lib, x: x.flatten(0, 1),
        lambda lib, x: lib.nn.functional.pad(x, (1, 2, 0, 1), value=3.0),
        lambda lib, x: lib.nn.functional.pad(x, (1, 2) * x.ndim),
    ],
)
def test_two_or_more_dimensions(same, function, seed):
    rng = np.random.default_rng(seed)
    sizes = tuple(int(n) for n in rng.integers(2, 5, rng.integers(2, 5)))
    same(function, normal(rng, *sizes))


@pytest.mark.parametrize(
    "shapes",
    [
        ((3,), (3,)),
        ((3,), (3, 4)),
        ((2, 3), (3,)),
        ((2, 3), (3, 4)),
        ((5, 2, 3), (3, 4)),
        ((5, 2, 3), (5, 3, 4)),
        ((5, 2, 3), (3,)),
        ((3,), (5, 3, 4)),
        ((2, 3), (5, 3, 4)),
        ((1, 2, 3), (5, 3, 4)),
        ((6, 1, 2, 3), (5, 3, 4)),
        ((6, 5, 2, 3), (6, 5, 3, 1)),
    ],
)
def test_matmul_of_every_combination_of_ranks(same, shapes):
    rng = np.random.default_rng(0)
    same(lambda lib, a, b: a @ b, *(normal(rng, *s) for s in shapes))


@pytest.mark.parametrize(
    "shapes", [((4, 3), (5, 3), (5,)), ((2, 4, 3), (5, 3), (5,)), ((3,), (5, 3), (5,))]
)
def test_linear(same, shapes):
    rng = np.random.default_rng(0)
    arrays = [normal(rng, *s) for s in shapes]
    same(lambda lib, x, w, b: lib.nn.functional.linear(x, w, b), *arrays)
    same(lambda lib, x, w, b: lib.nn.functional.linear(x, w, bias=b), *arrays)
    same(lambda lib, x, w: lib.nn.functional.linear(x, w), *arrays[:2])


REDUCTIONS = ("mean", "sum", "none")


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "binary_cross_entropy_with_logits"])
def test_losses_of_one_shape(same, name, reduction):
    rng = np.random.default_rng(0)
    sizes = shape(rng)
    target = rng.random(sizes).astype(np.float32) + np.float32(0.003)

    def loss(lib: Any, x: Any, t: Any) -> Any:
        return getattr(lib.nn.functional, name)(x, t, reduction=reduction)

    same(loss, normal(rng, *sizes), target)


LOSS_OPTIONS: list[dict[str, Any]] = [
    {},
    {"label_smoothing": 0.1},
    {"ignore_index": 1},
    {"ignore_index": 1, "label_smoothing": 0.3},
]


def test_positive_weight(same):
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, (5, 3))

    def loss(lib: Any, x: Any, t: Any) -> Any:
        weight = lib.tensor([1.0, 2.0, 0.5])
        return lib.nn.functional.binary_cross_entropy_with_logits(
            x, t.to(x.dtype), pos_weight=weight.to(x.dtype)
        )

    same(loss, normal(rng, 5, 3), target)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("options", LOSS_OPTIONS)
@pytest.mark.parametrize("sizes", [(6, 4), (4,), (3, 4, 5), (2, 4, 3, 2)])
def test_cross_entropy(same, sizes, options, reduction):
    rng = np.random.default_rng(0)
    target = rng.integers(0, 4, sizes[:1] + sizes[2:] if len(sizes) > 1 else ())
    if target.ndim == 0:
        target = np.asarray(2)

    def loss(lib: Any, x: Any, t: Any) -> Any:
        return lib.nn.functional.cross_entropy(x, t, reduction=reduction, **options)

    same(loss, 3 * normal(rng, *sizes), target)


def test_losses_as_modules(same):
    rng = np.random.default_rng(0)
    target = rng.integers(0, 4, 6)

    def loss(lib: Any, x: Any, t: Any) -> Any:
        nn = lib.nn
        first = nn.CrossEntropyLoss(label_smoothing=0.2)(x, t)
        second = nn.NLLLoss()(nn.LogSoftmax(dim=1)(x), t)
        goal = t.to(x.dtype).reshape(6, 1) * lib.tensor([1.0, 2.0, 3.0, 4.0]).to(x.dtype)
        third = nn.MSELoss()(x, goal) + nn.L1Loss(reduction="sum")(x, goal + 1.003)
        return first + second + third

    same(loss, normal(rng, 6, 4), target)


@pytest.mark.parametrize("size", [1e4, -1e4, 0.0, -0.0, 88.0, -88.0])
@pytest.mark.parametrize(
    "name", ["relu", "leaky_relu", "sigmoid", "tanh", "gelu", "softmax", "log_softmax"]
)
def test_extreme_inputs(same, name, size):
    """Forward and gradient are PyTorch's at the ends of the range, and at exactly 0."""
    dim = {"dim": 0} if "softmax" in name else {}
    with np.errstate(all="ignore"):
        same(
            lambda lib, x: getattr(lib.nn.functional, name)(x, **dim),
            np.array([size, 1.0, -1.0], np.float32),
            differences=False,
        )


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "sigmoid", "tanh", "softmax"])
@pytest.mark.parametrize("size", [float("inf"), float("-inf"), float("nan")])
def test_infinity_and_nan_are_not_hidden(same, name, size):
    dim = {"dim": 0} if "softmax" in name else {}
    with np.errstate(all="ignore"):
        same(
            lambda lib, x: getattr(lib.nn.functional, name)(x, **dim).detach(),
            np.array([size, 1.0, -1.0], np.float32),
            differences=False,
        )


def test_gradients_at_ties_and_limits(same):
    zeros = np.zeros(3, np.float32)
    same(lambda lib, a, b: lib.maximum(a, b), zeros, zeros, differences=False)
    same(lambda lib, a: a.max() + a.amax(0), zeros, differences=False)
    same(lambda lib, a: a.clamp(0, 1) + a.abs(), zeros, differences=False)
    same(lambda lib, a: a**2 + a.prod(), zeros, differences=False)


@pytest.mark.parametrize("kind", ["int64", "float32", "bool"])
@pytest.mark.parametrize("other", ["int64", "float32", "bool", "2", "2.5"])
@pytest.mark.parametrize("name", ["+", "*", "/", "<"])
def test_types_of_results(same, kind, other, name):
    """What two types give together: integers stay integers, float64 never appears."""
    numbers = {"2": 2, "2.5": 2.5}
    arrays = [np.array([1, 0, 3]).astype(kind)]
    if other not in numbers:
        arrays.append(np.array([1, 2, 1]).astype(other))
    functions = {
        "+": lambda a, b: a + b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
        "<": lambda a, b: a < b,
    }

    def function(lib: Any, a: Any, b: Any = None) -> Any:
        return functions[name](a, numbers[other] if b is None else b).detach()

    with np.errstate(all="ignore"):
        same(function, *arrays, differences=False)


def test_integer_operations(same):
    a, b = np.array([7, -7, 3]), np.array([2, 2, -5])
    same(lambda lib, a, b: a // b, a, b, differences=False)
    same(lambda lib, a, b: a % b, a, b, differences=False)
    same(lambda lib, a, b: a.sum() + b.max(), a, b, differences=False)
    same(lambda lib, a, b: (a > b) & ~(a < 0) | (b == 2), a, b, differences=False)
    same(lambda lib, a, b: a.argsort(), a, b, differences=False)
    same(lambda lib, a, b: lib.nn.functional.one_hot(a + 7), a, b, differences=False)
    same(lambda lib, a, b: (a + 7).bincount(), a, b, differences=False)


@pytest.mark.parametrize(
    "make",
    [
        lambda lib: lib.zeros(2, 3),
        lambda lib: lib.ones((2, 3)),
        lambda lib: lib.full((2,), 7),
        lambda lib: lib.full((2,), 0.5),
        lambda lib: lib.arange(5),
        lambda lib: lib.arange(1, 9, 3),
        lambda lib: lib.arange(0, 1, 0.25),
        lambda lib: lib.linspace(-1, 1, 5),
        lambda lib: lib.eye(3),
        lambda lib: lib.eye(2, 4),
        lambda lib: lib.tensor([[1, 2], [3, 4]]),
        lambda lib: lib.tensor([1.5, 2]),
        lambda lib: lib.tensor([True, False]),
        lambda lib: lib.tensor(3),
        lambda lib: lib.tensor(np.ones(2)),
        lambda lib: lib.tensor([1, 2], dtype=lib.float32),
        lambda lib: lib.full_like(lib.ones(2), 3.5),
        lambda lib: lib.zeros_like(lib.tensor([1, 2])),
    ],
)
def test_creation(same, make):
    same(lambda lib, _: make(lib), np.zeros(1, np.int64), differences=False)
