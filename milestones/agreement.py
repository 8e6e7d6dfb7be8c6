"""Whether a fast kernel gives what a student's function gives, on random shapes.

A case of an operation draws shapes and numbers and says how the operation is called. It runs with
plain functions and then with that one kernel in place of the student's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

import tinytorch as torch
from tinytorch import course, nn

Function = Callable[..., Any]
Case = tuple[Function, list[np.ndarray]]
TOLERANCE = 2e-4  # float32, sums in another order
ROUNDS = 4


def _sizes(rng: np.random.Generator, count: int, high: int = 7) -> list[int]:
    sizes: list[int] = rng.integers(1, high, count).tolist()
    return sizes


def _elementwise(function: Function) -> Callable[[np.random.Generator], Case]:
    def draw(rng: np.random.Generator) -> Case:
        b, c = _sizes(rng, 2)
        return function, [rng.standard_normal((3, b, c)), rng.standard_normal((b, 1))]

    return draw


def _getitem(rng: np.random.Generator) -> Case:
    n, m = (k + 2 for k in _sizes(rng, 2))
    return lambda a: a[1:] * a[0], [rng.standard_normal((n, m))]


def _linear(rng: np.random.Generator) -> Case:
    n, i, o = _sizes(rng, 3)
    arrays = [(n, i), (o, i), (o,)]
    return nn.functional.linear, [rng.standard_normal(shape) for shape in arrays]


def _of_scores(name: str, **options: Any) -> Callable[[np.random.Generator], Case]:
    def draw(rng: np.random.Generator) -> Case:
        scores = rng.standard_normal(_sizes(rng, 2)) * 3
        return lambda x: getattr(nn.functional, name)(x, **options), [scores]

    return draw


def _cross_entropy(rng: np.random.Generator) -> Case:
    n, c = _sizes(rng, 2)
    smoothing = float(rng.choice([0.0, 0.1]))
    arrays = [rng.standard_normal((n, c + 1)) * 3, rng.integers(0, c + 1, n)]
    return lambda x, y: nn.functional.cross_entropy(x, y, label_smoothing=smoothing), arrays


def _conv2d(rng: np.random.Generator) -> Case:
    n, c, o = _sizes(rng, 3, 5)
    kernel, stride, padding = _sizes(rng, 3, 4)
    arrays = [(n, c, 8, 7), (o, c, kernel, kernel), (o,)]

    def run(x: Any, weight: Any, bias: Any) -> Any:
        return nn.functional.conv2d(x, weight, bias, stride=stride, padding=padding)

    return run, [rng.standard_normal(shape) for shape in arrays]


def _pool(name: str) -> Callable[[np.random.Generator], Case]:
    def draw(rng: np.random.Generator) -> Case:
        n, c = _sizes(rng, 2, 5)
        size = int(rng.integers(2, 4))
        return lambda x: getattr(nn.functional, name)(x, size), [rng.standard_normal((n, c, 9, 8))]

    return draw


def _batch_norm(rng: np.random.Generator) -> Case:
    n, c = (k + 1 for k in _sizes(rng, 2))
    training = bool(rng.integers(2))
    mean, variance = rng.standard_normal(c), rng.random(c) + 0.5

    def run(x: Any, weight: Any, bias: Any) -> Any:
        kept = [torch.tensor(a.astype(np.float32)) for a in (mean, variance)]
        y = nn.functional.batch_norm(x, *kept, weight, bias, training=training)
        # The running statistics are part of what it does.
        return y * kept[0].reshape((1, c, 1, 1)) + kept[1].reshape((1, c, 1, 1))

    return run, [rng.standard_normal((n, c, 3, 4)) * 2 + 1, *rng.standard_normal((2, c))]


def _layer_norm(rng: np.random.Generator) -> Case:
    b, t, d = (k + 1 for k in _sizes(rng, 3))
    arrays = [rng.standard_normal((b, t, d)) * 2 + 1, *rng.standard_normal((2, d))]
    return lambda x, w, b: nn.functional.layer_norm(x, (d,), w, b), arrays


def _embedding(rng: np.random.Generator) -> Case:
    rows, d = (k + 1 for k in _sizes(rng, 2))
    index = rng.integers(0, rows, _sizes(rng, 2))
    return nn.functional.embedding, [index, rng.standard_normal((rows, d))]


def _attention(rng: np.random.Generator) -> Case:
    b, h, t, d = _sizes(rng, 4, 6)
    causal = bool(rng.integers(2))
    attend = nn.functional.scaled_dot_product_attention
    arrays = list(rng.standard_normal((3, b, h, t, d)))
    return lambda q, k, v: attend(q, k, v, is_causal=causal), arrays


def _optimizer(name: str, **options: Any) -> Callable[[np.random.Generator], Case]:
    def draw(rng: np.random.Generator) -> Case:
        shapes = [tuple(_sizes(rng, 2)), tuple(_sizes(rng, 1))]
        values = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
        slopes = [[rng.standard_normal(s).astype(np.float32) for s in shapes] for _ in range(4)]

        def run() -> Any:
            weights = [nn.Parameter(torch.tensor(value.copy())) for value in values]
            optimizer = getattr(torch.optim, name)(weights, lr=0.1, **options)
            for grads in slopes:
                for weight, grad in zip(weights, grads, strict=True):
                    weight.grad = torch.tensor(grad)
                optimizer.step()
            return torch.tensor(np.concatenate([np.asarray(w).ravel() for w in weights]))

        return run, []

    return draw


CASES: dict[str, Callable[[np.random.Generator], Case]] = {
    "add": _elementwise(lambda a, b: a + b),
    "sub": _elementwise(lambda a, b: a - b),
    "mul": _elementwise(lambda a, b: a * b),
    "getitem": _getitem,
    "linear": _linear,
    "relu": _of_scores("relu"),
    "gelu": _of_scores("gelu"),
    "softmax": _of_scores("softmax", dim=-1),
    "log_softmax": _of_scores("log_softmax", dim=-1),
    "cross_entropy": _cross_entropy,
    "conv2d": _conv2d,
    "max_pool2d": _pool("max_pool2d"),
    "avg_pool2d": _pool("avg_pool2d"),
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "embedding": _embedding,
    "scaled_dot_product_attention": _attention,
    "SGD.step": _optimizer("SGD", momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam.step": _optimizer("Adam"),
    "AdamW.step": _optimizer("AdamW", weight_decay=0.1),
}


def kernels() -> Any:
    """The module that chooses kernels, whatever the level: they stand in, they add nothing."""
    with course.shown_until(max(course.MODULES.values())):
        for name in course.MODULES:
            if name.startswith("kernels"):
                import_module(f"tinytorch.{name}")
    return sys.modules["tinytorch.kernels_sets"]


def compare() -> dict[str, str]:
    """For each operation with a kernel: "" where it agrees, else how it differs.

    Operations of chapters that this level hides are left out. Plain functions run afterwards.
    """
    sets = kernels()
    found: dict[str, str] = {}
    for name in {**sets.fast.implementations, **sets.fast.rules}:
        try:
            found[name] = _difference(sets.use_kernels, name)
        except ModuleNotFoundError:
            continue
        finally:
            sets.use_kernels("plain")
    return found


def _difference(use_kernels: Callable[..., str], name: str) -> str:
    """How the kernel differs from the function in use; "" where it agrees."""
    for seed in range(ROUNDS):
        results = []
        for chosen in ("plain", "fast"):
            use_kernels(chosen, [name])
            function, arrays = CASES[name](np.random.default_rng(seed))
            try:
                results.append(_run(function, arrays))
            except ModuleNotFoundError:
                raise
            except Exception as error:
                whose = "yours" if chosen == "plain" else "the kernel"
                return f"{whose} raised {type(error).__name__}: {error}"
        for kind, (mine, fast) in enumerate(zip(*results, strict=True)):
            what = "output" if kind == 0 else f"gradient of input {kind}"
            if mine.shape != fast.shape:
                return f"the {what} has shape {mine.shape}, the kernel's {fast.shape}"
            if not np.allclose(mine, fast, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
                worst = np.max(np.abs(mine - fast))
                return f"the {what} differs by up to {worst:.3g}"
    return ""


def _run(function: Function, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The output, and the gradients of the float inputs where the level has gradients."""
    floats = [a.dtype.kind == "f" for a in arrays]
    inputs = [
        torch.Tensor(a.astype(np.float32) if f else a, requires_grad=f)
        for a, f in zip(arrays, floats, strict=True)
    ]
    output = function(*inputs)
    if arrays and hasattr(output, "backward"):
        seed = np.random.default_rng(1).standard_normal(np.shape(output)).astype(np.float32)
        output.backward(torch.tensor(seed) if seed.ndim else None)
    grads = [np.asarray(x.grad) for x in inputs if x.grad is not None]
    return [np.asarray(output), *grads]
