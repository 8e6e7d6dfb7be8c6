"""Chapters 09 to 14 against PyTorch in float32, and against finite differences in float64.

Every case is one function that is called with either library, over random shapes, and with both
kernel sets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tinytorch

pytorch = pytest.importorskip("torch")

Case = Callable[[Any, np.random.Generator], tuple[Callable[..., Any], list[np.ndarray]]]


@pytest.fixture(autouse=True, params=["plain", "fast"])
def kernels(request: pytest.FixtureRequest) -> Iterator[str]:
    before = tinytorch.use_kernels(request.param)
    yield request.param
    tinytorch.use_kernels(before)


def functional(lib: Any) -> Any:
    return lib.nn.functional


def floats(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape).astype(np.float32)


def pick(rng: np.random.Generator, low: int, high: int) -> int:
    return int(rng.integers(low, high + 1))


# Each case draws its shapes and gives a function of (library, *tensors), and the arrays. ----------


def conv2d(rng):
    groups = pick(rng, 1, 3)
    ins, outs = groups * pick(rng, 1, 3), groups * pick(rng, 1, 3)
    kernel = (pick(rng, 1, 3), pick(rng, 1, 3))
    options = {
        "stride": (pick(rng, 1, 3), pick(rng, 1, 2)),
        "padding": (pick(rng, 0, 2), pick(rng, 0, 1)),
        "dilation": (pick(rng, 1, 2), pick(rng, 1, 2)),
        "groups": groups,
    }
    arrays = [
        floats(rng, pick(rng, 1, 3), ins, pick(rng, 5, 9), pick(rng, 5, 9)),
        floats(rng, outs, ins // groups, *kernel),
        floats(rng, outs),
    ]
    return lambda lib, x, w, b: functional(lib).conv2d(x, w, b, **options), arrays


def conv2d_square(rng):
    stride, padding = pick(rng, 1, 2), pick(rng, 0, 1)
    arrays = [floats(rng, 4, 3, 8, 8), floats(rng, 5, 3, 3, 3)]
    return lambda lib, x, w: functional(lib).conv2d(x, w, None, stride, padding), arrays


def conv2d_same(rng):
    arrays = [floats(rng, 2, 3, 6, 7), floats(rng, 4, 3, 3, 5)]
    return lambda lib, x, w: functional(lib).conv2d(x, w, padding="same"), arrays


def max_pool2d(rng):
    kernel = pick(rng, 2, 3)
    options = {
        "kernel_size": kernel,
        "stride": pick(rng, 1, 3),
        "padding": pick(rng, 0, kernel // 2),
        "dilation": pick(rng, 1, 2),
    }
    arrays = [floats(rng, pick(rng, 1, 3), pick(rng, 1, 4), pick(rng, 6, 9), pick(rng, 6, 9))]
    return lambda lib, x: functional(lib).max_pool2d(x, **options), arrays


def max_pool2d_ties(rng):
    arrays = [rng.integers(0, 3, (2, 2, 6, 6)).astype(np.float32)]
    return lambda lib, x: functional(lib).max_pool2d(x, 2), arrays


def avg_pool2d(rng):
    kernel = (pick(rng, 2, 3), pick(rng, 2, 3))
    options = {"stride": pick(rng, 1, 3), "padding": pick(rng, 0, 1)}
    arrays = [floats(rng, pick(rng, 1, 3), pick(rng, 1, 4), pick(rng, 5, 9), pick(rng, 5, 9))]
    return lambda lib, x: functional(lib).avg_pool2d(x, kernel, **options), arrays


def adaptive_avg_pool2d(rng):
    size = (pick(rng, 1, 4), pick(rng, 1, 4))
    arrays = [floats(rng, 2, 3, pick(rng, 4, 9), pick(rng, 4, 9))]
    return lambda lib, x: functional(lib).adaptive_avg_pool2d(x, size), arrays


def batch_norm(rng):
    shape = [(8, 3), (4, 3, 5), (3, 4, 5, 6)][pick(rng, 0, 2)]
    channels = shape[1]
    arrays = [2 * floats(rng, *shape) + 3, floats(rng, channels), floats(rng, channels)]

    def run(lib, x, weight, bias):
        mean, var = lib.zeros(channels), lib.ones(channels)
        out = functional(lib).batch_norm(x, mean, var, weight, bias, training=True)
        return out, mean, var

    return run, arrays


def batch_norm_eval(rng):
    arrays = [floats(rng, 3, 4, 5, 5), floats(rng, 4), floats(rng, 4)]
    mean, var = floats(rng, 4), np.abs(floats(rng, 4)) + 0.5

    def run(lib, x, weight, bias):
        as_x = lambda a: lib.tensor(a.astype(str(x.dtype).removeprefix("torch.")))  # noqa: E731
        return functional(lib).batch_norm(x, as_x(mean), as_x(var), weight, bias)

    return run, arrays


def layer_norm(rng):
    shape = (pick(rng, 1, 4), pick(rng, 1, 5), pick(rng, 2, 9))
    end = shape[-pick(rng, 1, 2) :]
    arrays = [3 * floats(rng, *shape) - 1, floats(rng, *end), floats(rng, *end)]
    return lambda lib, x, w, b: functional(lib).layer_norm(x, end, w, b), arrays


def layer_norm_without_parameters(rng):
    return lambda lib, x: functional(lib).layer_norm(x, (7,)), [floats(rng, 4, 7)]


def embedding(rng):
    rows = pick(rng, 2, 9)
    ids = rng.integers(0, rows, (pick(rng, 1, 4), pick(rng, 1, 9)))
    arrays = [floats(rng, rows, pick(rng, 1, 6))]
    return lambda lib, table: functional(lib).embedding(lib.tensor(ids), table), arrays


def attention_arrays(rng):
    batch, heads = pick(rng, 1, 3), pick(rng, 1, 3)
    queries, keys, size, out = (pick(rng, 2, 7) for _ in range(4))
    return [
        floats(rng, batch, heads, queries, size),
        floats(rng, batch, heads, keys, size),
        floats(rng, batch, heads, keys, out),
    ]


def attention(rng):
    arrays = attention_arrays(rng)
    return lambda lib, *qkv: functional(lib).scaled_dot_product_attention(*qkv), arrays


def attention_without_batch(rng):
    """One sequence: query (T, d), key (S, d), value (S, e)."""
    arrays = [a[0, 0] for a in attention_arrays(rng)]
    return lambda lib, *qkv: functional(lib).scaled_dot_product_attention(*qkv), arrays


def attention_causal(rng):
    arrays = attention_arrays(rng)

    def run(lib, *qkv):
        return functional(lib).scaled_dot_product_attention(*qkv, is_causal=True, scale=0.7)

    return run, arrays


def attention_boolean_mask(rng):
    arrays = attention_arrays(rng)
    mask = rng.random((arrays[0].shape[2], arrays[1].shape[2])) < 0.6
    mask[0] = False  # a query that may look nowhere gets zeros

    def run(lib, *qkv):
        return functional(lib).scaled_dot_product_attention(*qkv, attn_mask=lib.tensor(mask))

    return run, arrays


def attention_additive_mask(rng):
    arrays = attention_arrays(rng)
    shape = (arrays[0].shape[0], 1, arrays[0].shape[2], arrays[1].shape[2])
    mask = floats(rng, *shape)
    mask[rng.random(shape) < 0.2] = -np.inf
    mask[..., 0] = 0

    def run(lib, *qkv):
        added = lib.tensor(mask.astype(str(qkv[0].dtype).removeprefix("torch.")))
        return functional(lib).scaled_dot_product_attention(*qkv, attn_mask=added)

    return run, arrays


def attention_learned_bias(rng):
    arrays = attention_arrays(rng)
    arrays.append(floats(rng, arrays[0].shape[2], arrays[1].shape[2]))
    return lambda lib, *a: functional(lib).scaled_dot_product_attention(*a), arrays


CASES = [
    conv2d, conv2d_square, conv2d_same, max_pool2d, max_pool2d_ties, avg_pool2d,
    adaptive_avg_pool2d, batch_norm, batch_norm_eval, layer_norm, layer_norm_without_parameters,
    embedding, attention, attention_without_batch, attention_causal, attention_boolean_mask,
    attention_additive_mask, attention_learned_bias,
]  # fmt: skip


def close(ours: Any, theirs: Any, what: str) -> None:
    ours, theirs = np.asarray(ours), np.asarray(theirs.detach())
    assert ours.shape == theirs.shape, what
    assert ours.dtype == theirs.dtype, what
    np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5, err_msg=what)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_forward_and_gradients_agree_with_pytorch(case, seed: int) -> None:
    rng = np.random.default_rng(seed)
    run, arrays = case(rng)
    ours = [tinytorch.tensor(a, requires_grad=True) for a in arrays]
    theirs = [pytorch.tensor(a, requires_grad=True) for a in arrays]
    ours_out, theirs_out = run(tinytorch, *ours), run(pytorch, *theirs)
    if isinstance(theirs_out, tuple):
        for a, b in zip(ours_out[1:], theirs_out[1:], strict=True):
            close(a, b, "running statistics")
        ours_out, theirs_out = ours_out[0], theirs_out[0]
    close(ours_out.detach(), theirs_out, "forward")
    weight = floats(rng, *theirs_out.shape)
    ours_out.backward(tinytorch.tensor(weight))
    theirs_out.backward(pytorch.tensor(weight))
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        close(a.grad, b.grad, f"gradient of input {i}")


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "case", [c for c in CASES if c is not max_pool2d_ties], ids=lambda case: case.__name__
)
def test_gradients_agree_with_finite_differences(case, seed: int) -> None:
    rng = np.random.default_rng(seed)
    run, arrays = case(rng)
    arrays = [a.astype(np.float64) for a in arrays]

    def value(*parts: np.ndarray, record: bool = False) -> Any:
        inputs = [tinytorch.tensor(p, requires_grad=record) for p in parts]
        out = run(tinytorch, *inputs)
        out = out[0] if isinstance(out, tuple) else out
        return out, inputs

    out, inputs = value(*arrays, record=True)
    assert out.dtype == np.float64
    weight = rng.standard_normal(out.shape)
    out.backward(tinytorch.tensor(weight))
    for i, array in enumerate(arrays):
        direction = rng.standard_normal(array.shape)
        step = 1e-6
        ends = []
        for sign in (1, -1):
            moved = [*arrays]
            moved[i] = array + sign * step * direction
            ends.append(float((value(*moved)[0].numpy() * weight).sum()))
        slope = (ends[0] - ends[1]) / (2 * step)
        found = float((inputs[i].grad.numpy() * direction).sum())
        assert found == pytest.approx(slope, rel=1e-5, abs=1e-6), f"input {i}"


def test_extreme_inputs_stay_finite() -> None:
    functions = tinytorch.nn.functional
    big = tinytorch.tensor(np.float32([[[[1e4, -1e4], [0, 1e4]]]]), requires_grad=True)
    out = functions.scaled_dot_product_attention(big, big, big, is_causal=True)
    out.sum().backward()
    assert np.isfinite(out.numpy()).all()
    assert np.isfinite(big.grad.numpy()).all()
    flat = tinytorch.tensor(np.full((2, 4), 1e4, np.float32), requires_grad=True)
    normal = functions.layer_norm(flat, 4)
    normal.sum().backward()
    assert np.array_equal(normal.numpy(), np.zeros((2, 4)))
    assert np.isfinite(flat.grad.numpy()).all()
