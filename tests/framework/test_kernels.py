"""The fast kernels give what the plain operations give, and never write to memory in use."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import tinytorch as torch
from tinytorch import Tensor, kernels, kernels_memory, kernels_threads
from tinytorch.nn import functional as F

Function = Callable[..., Tensor]
Case = tuple[Function, list[np.ndarray]]


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    before, threads = kernels.kernels_in_use(), torch.get_num_threads()
    yield
    torch.use_kernels(before)
    torch.set_num_threads(threads)


def run(kernel_set: str, function: Function, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The output of the function and the gradients of its float inputs, with a kernel set."""
    torch.use_kernels(kernel_set)
    torch.manual_seed(0)
    inputs = [Tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    output = function(*inputs)
    seed = np.random.default_rng(1).standard_normal(output.shape).astype(output.dtype)
    output.backward(Tensor(np.asarray(seed)))
    return [output.data, *(x.grad.data for x in inputs if x.grad is not None)]


def assert_same_results(function: Function, arrays: list[np.ndarray]) -> None:
    """Plain and fast agree: closely in float32, to the last digits in float64."""
    for dtype, tolerance in ((np.float32, 2e-4), (np.float64, 1e-10)):
        inputs = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]
        plain, fast = run("plain", function, inputs), run("fast", function, inputs)
        assert len(plain) == len(fast)
        for expected, got in zip(plain, fast, strict=True):
            assert got.shape == expected.shape
            assert got.dtype == expected.dtype == dtype
            np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def convolution(rng: np.random.Generator) -> Case:
    groups = int(rng.integers(1, 3))
    kernel, stride, dilation = (tuple(rng.integers(1, high, 2).tolist()) for high in (4, 4, 3))
    padding = tuple(rng.integers(0, 4, 2).tolist())
    c, o = groups * int(rng.integers(1, 4)), groups * int(rng.integers(1, 4))
    size = [int(rng.integers(d * (k - 1) + 1, 12)) for k, d in zip(kernel, dilation, strict=True)]
    x = rng.standard_normal((int(rng.integers(1, 5)), c, *size))
    weight = rng.standard_normal((o, c // groups, *kernel))
    how: Any = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    if rng.random() < 0.5:
        return lambda x, w: F.conv2d(x, w, **how), [x, weight]
    return lambda x, w, b: F.conv2d(x, w, b, **how), [x, weight, rng.standard_normal(o)]


def pooling(rng: np.random.Generator) -> Case:
    kernel, stride = (tuple(rng.integers(1, 4, 2).tolist()) for _ in range(2))
    padding = tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel)
    x = np.maximum(rng.integers(-3, 4, (2, 3, *rng.integers(5, 12, 2))), 0).astype(float)  # ties
    pool = F.max_pool2d if rng.random() < 0.6 else F.avg_pool2d
    return lambda x: pool(x, kernel, stride, padding), [x]


def batch_normalization(rng: np.random.Generator) -> Case:
    shape = (6, 4, *rng.integers(1, 5, int(rng.integers(0, 3))).tolist())
    arrays = [rng.standard_normal(shape) * 3 + 5, *rng.standard_normal((2, 4))]
    mean, variance = rng.standard_normal(4), rng.random(4) + 0.5
    training = bool(rng.random() < 0.7)

    def normalize(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        running = [Tensor(a.astype(x.dtype)) for a in (mean, variance)]
        y = F.batch_norm(x, *running, weight, bias, training=training)
        channels = (1, -1, *[1] * (x.ndim - 2))  # what the running statistics became counts too
        return y * running[0].reshape(channels) + running[1].reshape(channels)

    return normalize, arrays


def layer_normalization(rng: np.random.Generator) -> Case:
    shape = tuple(rng.integers(1, 6, int(rng.integers(1, 3))).tolist())
    x = rng.standard_normal((*rng.integers(1, 5, 2).tolist(), *shape)) * 2 + 1
    weights = [rng.standard_normal(shape) for _ in range(int(rng.integers(0, 3)))]
    return lambda x, *w: F.layer_norm(x, shape, *w), [x, *weights]


def attention(rng: np.random.Generator) -> Case:
    b, h, t, s, d, e = rng.integers(1, 6, 6).tolist()
    arrays = [rng.standard_normal(shape) for shape in ((b, h, t, d), (b, h, s, d), (b, h, s, e))]
    kind = rng.integers(0, 4)
    how: Any = {"dropout_p": 0.3 if rng.random() < 0.3 else 0.0}
    if kind == 0:
        return lambda q, k, v: F.scaled_dot_product_attention(
            q, k, v, is_causal=True, **how
        ), arrays
    if kind == 1:
        return lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=0.3, **how), arrays
    if kind == 2:  # some queries may look nowhere
        return (
            lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m, **how),
            [*arrays, rng.random((b, 1, t, s)) < 0.5],
        )
    arrays.append(np.where(rng.random((h, t, s)) < 0.2, -np.inf, rng.standard_normal((h, t, s))))
    return lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m.detach(), **how), arrays


def attention_bias(rng: np.random.Generator) -> Case:
    arrays = [rng.standard_normal((2, 3, 4, 5)) for _ in range(3)]
    return F.scaled_dot_product_attention, [*arrays, rng.standard_normal((3, 4, 4))]


def losses(rng: np.random.Generator) -> Case:
    classes = int(rng.integers(2, 6))
    shape = rng.integers(1, 5, int(rng.integers(1, 4))).tolist()
    scores = rng.standard_normal((shape[0], classes, *shape[1:])) * 5
    target = rng.integers(0, classes, shape)
    target[rng.random(shape) < 0.2] = 9  # ignored
    target.flat[0] = 0
    how: Any = {
        "ignore_index": 9,
        "reduction": str(rng.choice(["mean", "sum", "none"])),
        "label_smoothing": float(rng.choice([0.0, 0.1])),
    }
    return lambda x, y: F.cross_entropy(x, y, **how), [scores, target]


def linear(rng: np.random.Generator) -> Case:
    i, o = rng.integers(1, 8, 2).tolist()
    x = rng.standard_normal((*rng.integers(1, 5, int(rng.integers(0, 3))).tolist(), i))
    arrays = [x, rng.standard_normal((o, i)), rng.standard_normal(o)]
    return F.linear, arrays[: int(rng.integers(2, 4))]


def activations(rng: np.random.Generator) -> Case:
    x = rng.standard_normal(rng.integers(1, 6, int(rng.integers(1, 4))).tolist()) * 4
    dim = int(rng.integers(-x.ndim, x.ndim))
    functions: list[Function] = [
        F.relu,
        F.gelu,
        lambda x: F.gelu(x, approximate="tanh"),
        lambda x: F.softmax(x, dim),
        lambda x: F.log_softmax(x, dim=dim),
    ]
    return functions[int(rng.integers(len(functions)))], [x]


def embedding(rng: np.random.Generator) -> Case:
    index = rng.integers(0, 7, rng.integers(1, 6, int(rng.integers(0, 3))).tolist())
    return F.embedding, [index, rng.standard_normal((7, 3))]


def arithmetic(rng: np.random.Generator) -> Case:
    a = rng.standard_normal((4, 1, 3)[int(rng.integers(0, 2)) :])
    b = rng.standard_normal((4, 5, 3))

    def mixture(a: Tensor, b: Tensor) -> Tensor:
        return (a + b) * b - (2 * a - 1) * b[:, 1:2] + b[1:, [0, 2, 2]].sum() - a * a

    return mixture, [a, b]


CASES = [
    convolution,
    pooling,
    batch_normalization,
    layer_normalization,
    attention,
    attention_bias,
    losses,
    linear,
    activations,
    embedding,
    arithmetic,
]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_fast_gives_what_plain_gives(case: Callable[..., Case], seed: int) -> None:
    assert_same_results(*case(np.random.default_rng(seed)))


def test_many_chunks_and_threads_give_what_one_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, weight = rng.standard_normal((9, 4, 8, 8)), rng.standard_normal((5, 4, 3, 3))
    arrays = [x.astype(np.float32), weight.astype(np.float32)]

    def network(x: Tensor, weight: Tensor) -> Tensor:
        y = F.max_pool2d(F.batch_norm(F.conv2d(x, weight, padding=1), None, None, training=True), 2)
        rows = y.reshape(9, 4, 4, 5)
        return F.scaled_dot_product_attention(rows, rows, F.gelu(rows), is_causal=True)

    expected = run("fast", network, arrays)
    whole = kernels_threads.in_chunks

    def finely(run: Any, count: int, bytes_each: int, budget: int) -> Any:
        return whole(run, count, bytes_each, 2 * bytes_each)

    for name in ("", "_convolution", "_pooling", "_normalization", "_softmax", "_attention"):
        monkeypatch.setattr(f"tinytorch.kernels{name}.in_chunks", finely)
    for threads in (1, 3):
        torch.set_num_threads(threads)
        for one, many in zip(expected, run("fast", network, arrays), strict=True):
            np.testing.assert_allclose(many, one, rtol=1e-4, atol=1e-5)


def test_strided_inputs_give_what_contiguous_ones_give() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 7, 6, 3)).transpose(0, 3, 2, 1)[::2, :, ::-1]
    weight = rng.standard_normal((3, 3, 2, 4)).transpose(2, 3, 0, 1)[:, :3]
    assert_same_results(lambda x, w: F.gelu(F.conv2d(x, w)), [x, weight])
    assert_same_results(lambda x: F.max_pool2d(x, 2), [x])
    rows, matrix = rng.standard_normal((6, 5, 4)).transpose(2, 0, 1), rng.standard_normal((5, 2)).T
    assert_same_results(lambda x, w: F.linear(F.layer_norm(x, 5), w), [rows, matrix])


def test_empty_batches_are_fine() -> None:
    for kernel_set in ("plain", "fast"):
        torch.use_kernels(kernel_set)
        layer = torch.nn.Linear(3, 2)
        y = F.gelu(F.layer_norm(layer(torch.zeros(0, 3)), 2)).relu()
        y.sum().backward()
        assert y.shape == (0, 2)
        assert layer.weight.grad is not None
        assert layer.weight.grad.shape == (2, 3)
        assert not layer.weight.grad.data.any()


def test_float32_and_float64_together_give_float64() -> None:
    torch.use_kernels("fast")
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((3, 4)), rng.standard_normal(4).astype(np.float32)
    total = Tensor(a) + Tensor(b) * Tensor(a)
    assert total.dtype == np.float64
    np.testing.assert_allclose(total.data, a + b * a, rtol=1e-12)
    assert (Tensor(b) + Tensor(a[0])).dtype == np.float64


def test_kernels_can_change_between_forward_and_backward() -> None:
    torch.use_kernels("fast")
    x = Tensor(np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4), requires_grad=True)
    loss = F.cross_entropy(F.gelu(F.layer_norm(x, 4)), Tensor(np.array([0, 1, 3])))
    torch.use_kernels("plain")
    loss.backward()
    assert x.grad is not None
    expected = run(
        "plain",
        lambda x: F.cross_entropy(F.gelu(F.layer_norm(x, 4)), Tensor(np.array([0, 1, 3]))),
        [x.data],
    )
    seed = np.random.default_rng(1).standard_normal(())
    np.testing.assert_allclose(x.grad.data * seed, expected[1], rtol=1e-4, atol=1e-5)


def test_bad_input_gets_the_plain_functions_message() -> None:
    for kernel_set in ("plain", "fast"):
        torch.use_kernels(kernel_set)
        with pytest.raises(ValueError, match="linear: the last size"):
            F.linear(torch.zeros(2, 3), torch.zeros(4, 5))
        with pytest.raises((ValueError, IndexError), match="cross_entropy"):
            F.cross_entropy(torch.zeros(2, 3), torch.tensor([0, 3]))
        with pytest.raises(ValueError, match=r"add: shapes .* do not broadcast"):
            torch.zeros(2, 3) + torch.zeros(4, 3)
        with pytest.raises(ValueError, match="approximate"):
            F.gelu(torch.zeros(2), approximate="erf")


def test_an_unknown_kernel_set_is_named() -> None:
    with pytest.raises(ValueError, match="plain, fast"):
        torch.use_kernels("fastest")


# Optimizers. -------------------------------------------------------------------------------------


def train(
    make: Callable[..., Any], settings: dict[str, Any], dtype: Any, sets: list[str]
) -> list[np.ndarray]:
    """Weights after a step for each kernel set in `sets`; now and then one has no gradient."""
    rng = np.random.default_rng(0)
    shapes = [(3, 4), (5,), (2, 3, 2)]
    weights = [Tensor(rng.standard_normal(s).astype(dtype), requires_grad=True) for s in shapes]
    held = [w.data for w in weights]
    groups = [{"params": weights[:2]}, {"params": weights[2:], "lr": 0.3}]
    optimizer = make(groups, lr=0.1, **settings)
    for number, kernel_set in enumerate(sets):
        torch.use_kernels(kernel_set)
        optimizer.zero_grad()
        for i, w in enumerate(weights):
            if number % 4 != 2 or i != 1:
                w.grad = Tensor(rng.standard_normal(w.shape).astype(dtype))
        optimizer.step()
        if number == 4:  # go on from a checkpoint
            saved = optimizer.state_dict()
            optimizer = make(groups, lr=0.1, **settings)
            optimizer.load_state_dict(saved)
    assert all(w.data is array for w, array in zip(weights, held, strict=True))
    assert [w.version for w in weights] == [len(sets), len(sets) - len(sets[2::4]), len(sets)]
    return [w.data for w in weights]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("SGD", {}),
        ("SGD", {"momentum": 0.9, "weight_decay": 0.1}),
        ("SGD", {"momentum": 0.9, "dampening": 0.5}),
        ("SGD", {"momentum": 0.9, "nesterov": True}),
        ("Adam", {"weight_decay": 0.1}),
        ("AdamW", {"betas": (0.8, 0.9), "weight_decay": 0.1}),
    ],
)
def test_optimizers_take_the_same_steps(name: str, settings: dict[str, Any], dtype: Any) -> None:
    make = getattr(torch.optim, name)
    plain = train(make, settings, dtype, ["plain"] * 9)
    mixed = ["fast", "fast", "fast", "plain", "fast", "fast", "plain", "fast", "fast"]
    for sets in (["fast"] * 9, mixed):
        for expected, got in zip(plain, train(make, settings, dtype, sets), strict=True):
            assert got.dtype == dtype
            np.testing.assert_allclose(got, expected, rtol=1e-5 if dtype == np.float32 else 1e-12)


# Memory. -----------------------------------------------------------------------------------------


def test_memory_in_use_is_never_handed_out_again() -> None:
    rng = np.random.default_rng(0)
    held: list[tuple[np.ndarray, np.ndarray]] = []
    for _ in range(300):
        array = kernels_memory.empty((int(rng.integers(10_000, 40_000)),))
        array[:] = rng.random()
        view = array[100:200] if rng.random() < 0.5 else array.reshape(1, -1)[:, ::7].T
        del array
        held.append((view, view.copy()))
        if rng.random() < 0.6:
            held.pop(int(rng.integers(len(held))))
        for seen, expected in held:
            np.testing.assert_array_equal(seen, expected)


def test_what_a_user_holds_survives_later_steps() -> None:
    torch.use_kernels("fast")
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2)
    )
    rng = np.random.default_rng(0)
    seen: list[tuple[np.ndarray, np.ndarray]] = []
    for _ in range(4):
        x = Tensor(rng.standard_normal((8, 3, 32, 32)).astype(np.float32), requires_grad=True)
        y = model(x)
        (y * y).sum().backward()
        assert x.grad is not None
        for array in (y.data, y.data[2:, ::3], x.grad.data, np.asarray(y.detach().reshape(-1))):
            seen.append((array, array.copy()))
    for array, expected in seen:
        np.testing.assert_array_equal(array, expected)


def test_memory_is_reused_and_given_back() -> None:
    kernels_memory.release_memory()
    first = kernels_memory.empty((100_000,))
    address = first.ctypes.data
    assert address % kernels_memory.ALIGNMENT == 0
    assert kernels_memory.idle_memory() == 0
    del first
    assert kernels_memory.idle_memory() >= 400_000
    again = kernels_memory.empty((50_000, 2), np.float32, order=(1, 0))
    assert again.ctypes.data == address
    assert again.strides == (4, 200_000)
    del again
    torch.use_kernels("fast")
    torch.use_kernels("plain")
    assert kernels_memory.idle_memory() == 0


def test_memory_is_counted_right_among_threads() -> None:
    kernels_memory.release_memory()

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(2000):
            array = kernels_memory.empty((int(rng.integers(8_192, 12_000)),))
            array[:] = seed
            assert array[-1] == seed
            assert array[0] == seed

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    kept = [len(buffers) * size for size, buffers in kernels_memory._pool.idle.items()]
    assert kernels_memory.idle_memory() == sum(kept)


def test_idle_memory_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels_memory.release_memory()
    monkeypatch.setattr(kernels_memory, "IDLE_LIMIT", 1_000_000)
    arrays = [kernels_memory.empty((100_000,)) for _ in range(5)]
    del arrays
    assert kernels_memory.idle_memory() <= 1_000_000


def test_training_does_not_accumulate_memory() -> None:
    torch.use_kernels("fast")
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.BatchNorm2d(8))
    x = torch.randn(16, 3, 32, 32)
    idle = []
    for _ in range(6):
        model.zero_grad()
        (model(x) ** 2).mean().backward()
        gc.collect()
        idle.append(kernels_memory.idle_memory())
    assert idle[-1] == idle[2]


# Threads. ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"TINYTORCH_NUM_THREADS": "3", "OMP_NUM_THREADS": "1"}, 3),
        ({"OPENBLAS_NUM_THREADS": "2"}, 2),
        ({"OMP_NUM_THREADS": "0"}, 1),
    ],
)
def test_the_environment_says_how_many_threads(
    settings: dict[str, str], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in kernels_threads.SETTINGS:
        monkeypatch.delenv(name, raising=False)
    assert 1 <= kernels_threads.default_threads() <= kernels_threads.MOST
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert kernels_threads.default_threads() == expected


def test_a_number_of_threads_must_be_positive() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        torch.set_num_threads(0)


def test_a_browser_has_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    assert torch.get_num_threads() == 2
    monkeypatch.setattr(sys, "platform", "emscripten")
    torch.set_num_threads(2)
    assert torch.get_num_threads() == 1
    monkeypatch.undo()
    torch.set_num_threads(before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_starts_threads_of_its_own() -> None:
    program = """
import os, numpy, tinytorch as torch
from tinytorch.kernels_threads import in_chunks
torch.set_num_threads(2)
total = lambda: sum(in_chunks(lambda s: s.stop - s.start, 40, 1, 1))
assert total() == 40
child = os.fork()
if child == 0:
    os._exit(0 if total() == 40 else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
