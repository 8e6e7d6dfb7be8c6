"""The tensor as an object: its seams, what it shows, and what it says to bad input."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.metrics import confusion_matrix
from tinytorch.tensor import (
    Tensor,
    add,
    array_operation,
    exp,
    implementations,
    operation,
    recorders,
    tensor_method,
)


@pytest.fixture
def spy():
    """A recorder that notes the operations that ran."""
    names = []

    def record(operation, inputs, options, output, *saved):
        names.append(operation.__name__)
        return Tensor(output)

    recorders.append(record)
    yield names
    recorders.pop()


def test_operations_are_functions_of_arrays():
    assert type(add(np.ones(2), np.ones(2))) is np.ndarray
    np.testing.assert_array_equal(exp(np.zeros(2)), [1, 1])


def test_every_operation_passes_the_recorder(spy):
    x = tt.ones(2, 3)
    ((x + 1) @ x.T).sum(0).reshape(2, 1).exp()
    assert spy == ["add", "transpose", "matmul", "sum", "reshape", "exp"]


def test_an_implementation_runs_in_place_of_the_operation():
    implementations["exp"] = lambda a: a * 0 + 7
    try:
        assert tt.zeros(2).exp().tolist() == [7, 7]
        assert exp(np.zeros(1)) == 1
    finally:
        del implementations["exp"]


def test_a_composed_function_runs_its_body_until_it_has_an_implementation(spy):
    @operation
    def double(x, factor=2):
        return x * factor

    assert double(tt.ones(1)).tolist() == [2]
    implementations["double"] = lambda a, factor=2: NotImplemented if factor == 3 else a + a
    try:
        assert double(tt.ones(1)).tolist() == [2]
        assert double(x=tt.ones(1)).tolist() == [2]
        assert double(tt.ones(1), factor=3).tolist() == [3]
    finally:
        del implementations["double"]
    assert spy == ["mul", "double", "double", "mul"]


def test_an_array_operation_takes_arrays_and_tensors():
    @array_operation
    def half(a, b=None):
        return a / 2

    assert type(half(np.ones(2))) is np.ndarray
    assert isinstance(half(tt.ones(2)), Tensor)
    assert isinstance(half(a=tt.ones(2), b=tt.ones(2)), Tensor)


def test_an_array_operation_runs_itself_where_its_implementation_will_not():
    implementations["exp"] = lambda a: NotImplemented
    try:
        assert tt.zeros(2).exp().tolist() == [1, 1]
    finally:
        del implementations["exp"]


def test_an_unknown_keyword_is_named():
    with pytest.raises(TypeError, match="unexpected keyword argument 'inputs'"):
        tt.relu(inputs=tt.ones(1))


def test_an_operation_that_returns_nothing_is_named():
    def forgetful(a):
        a + 1

    with pytest.raises(TypeError, match="forgetful: numbers are needed, got None"):
        Tensor._op(forgetful, tt.ones(1))


def test_later_chapters_give_methods():
    @tensor_method
    def thrice(self):
        return self * 3

    try:
        assert tt.ones(1).thrice().tolist() == [3]
    finally:
        del Tensor.thrice


def test_numpy_sees_the_array_but_no_ufunc_does():
    x = tt.tensor([1.0, -2.0])
    assert np.asarray(x) is x.data
    assert x.numpy() is x.data
    with pytest.raises(TypeError, match=r"x\.maximum"):
        np.maximum(x, 0)
    with pytest.raises(TypeError, match="does not take a Tensor"):
        np.ones(2) * x


def test_lists_become_the_default_types():
    assert tt.tensor([1, 2]).dtype == tt.int64
    assert tt.tensor([1.0]).dtype == tt.float32
    assert tt.tensor([True]).dtype == tt.bool
    assert tt.tensor(np.ones(1)).dtype == tt.float64
    assert tt.tensor([1], dtype=tt.float64).dtype == tt.float64


@pytest.fixture
def browser_integers(monkeypatch):
    """NumPy whose integers are int32 unless a type is given, as where pointers have 32 bits."""

    def narrow(function):
        def run(*inputs, dtype=None, **options):
            if dtype is not None:
                return function(*inputs, dtype=dtype, **options)
            result = function(*inputs, **options)
            wide = any(getattr(x, "dtype", None) == np.int64 for x in inputs)
            return result.astype(np.int32) if result.dtype == np.int64 and not wide else result

        return run

    for name in ("asarray", "array", "arange", "sum", "prod", "cumsum"):
        monkeypatch.setattr(np, name, narrow(getattr(np, name)))
    for name in ("argmax", "argmin", "argsort", "argwhere", "bincount"):
        found = getattr(np, name)
        monkeypatch.setattr(np, name, lambda *a, f=found, **o: f(*a, **o).astype(np.int32))
    monkeypatch.setattr(np, "int_", np.int32)

    class Draws:
        def __init__(self, source):
            self.source = source

        def __getattr__(self, name):
            return getattr(self.source, name)

        def permutation(self, n):
            return self.source.permutation(n).astype(np.int32)

        def choice(self, *inputs):
            return self.source.choice(*inputs).astype(np.int32)

    tt.manual_seed(0)
    monkeypatch.setattr(tt.default_generator, "numpy", Draws(tt.default_generator.numpy))


INTEGERS = {
    "number": lambda: tt.tensor(3),
    "list": lambda: tt.tensor([[1, 2], [3, 4]]),
    "Tensor": lambda: tt.Tensor([1, 2]),
    "full": lambda: tt.full((2,), 7),
    "arange": lambda: tt.arange(4),
    "randint": lambda: tt.randint(0, 9, (3,)),
    "randperm": lambda: tt.randperm(4),
    "multinomial": lambda: tt.multinomial(tt.ones(3), 2),
    "where": lambda: tt.where(tt.ones(2) > 0, 1, 2),
    "argmax": lambda: tt.ones(3).argmax(),
    "argmin": lambda: tt.ones(2, 3).argmin(dim=1),
    "max": lambda: tt.ones(2, 3).max(dim=1).indices,
    "min": lambda: tt.ones(2, 3).min(dim=1).indices,
    "argsort": lambda: tt.ones(3).argsort(),
    "sort": lambda: tt.ones(3).sort().indices,
    "topk": lambda: tt.ones(3).topk(2).indices,
    "nonzero": lambda: tt.ones(3).nonzero(),
    "bincount": lambda: tt.tensor([0, 2]).bincount(),
    "one_hot": lambda: tt.nn.functional.one_hot(tt.tensor([0, 2])),
    "sum of bools": lambda: (tt.ones(3) > 0).sum(),
    "sum of int32": lambda: tt.ones(3, dtype=tt.int32).sum(dim=0),
    "sum of uint8": lambda: tt.ones(3, dtype=tt.uint8).sum(),
    "prod": lambda: tt.ones(3, dtype=tt.int32).prod(),
    "cumsum": lambda: (tt.ones(3) > 0).cumsum(0),
    "arithmetic": lambda: tt.arange(3) * 2 - 1,
    "collated": lambda: tt.utils.data.default_collate([1, 2]),
    "batch": lambda: next(iter(tt.utils.data.DataLoader([(0.5, 1), (1.5, 2)], 2)))[1],
    "confusion": lambda: confusion_matrix(tt.ones(2, 3), tt.tensor([0, 1])),
    "batches tracked": lambda: tt.nn.BatchNorm1d(2).num_batches_tracked,
}


@pytest.mark.parametrize("make", INTEGERS.values(), ids=INTEGERS)
def test_integers_are_int64_whatever_the_platform(browser_integers, make):
    assert make().dtype == tt.int64


def test_arrays_keep_their_types():
    for name in ("uint8", "int32", "float16", "float64"):
        assert tt.tensor(np.ones(2, name)).dtype == name
        assert tt.tensor(np.ones(2, name)[0]).dtype == name


def test_tensor_copies_and_as_tensor_shares():
    array = np.ones(2, np.float32)
    copied, shared = tt.tensor(array), tt.from_numpy(array)
    array[0] = 5
    assert copied.tolist() == [1, 1]
    assert shared.tolist() == [5, 1]
    assert tt.as_tensor(shared) is shared


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (tt.tensor([[1.0, 2.5]]), "tensor([[1.0, 2.5]], shape=(1, 2), dtype=float32)"),
        (tt.tensor(3), "tensor(3, shape=(), dtype=int64)"),
        (
            tt.tensor([True, False]),
            "tensor([ True, False], shape=(2,), dtype=bool)",
        ),
        (
            tt.tensor([0.5], requires_grad=True),
            "tensor([0.5], shape=(1,), dtype=float32, requires_grad=True)",
        ),
        (
            tt.tensor([0.5], requires_grad=True) * 2,
            "tensor([1.], shape=(1,), dtype=float32, grad_fn=<mul>)",
        ),
    ],
)
def test_repr_shows_values_shape_and_dtype(x, text):
    assert repr(x) == text


def test_a_large_tensor_prints_short():
    assert len(repr(tt.zeros(1000, 1000))) < 1000


def test_it_behaves_like_a_python_number_and_sequence():
    x = tt.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert len(x) == 2
    assert [row.tolist() for row in x] == [[1, 2], [3, 4]]
    assert float(x[1, 1]) == 4.0
    assert f"{x.sum():.2f}" == "10.00"
    assert int(tt.tensor(7)) == 7
    assert list(range(5))[tt.tensor(2)] == 2
    assert bool(tt.tensor(0)) is False
    assert {x: 1}[x] == 1
    assert x.size() == (2, 2)
    assert x.size(1) == 2
    assert x.numel() == 4


def test_changes_in_place_are_counted_and_shared_with_views():
    x = tt.zeros(2, 2)
    view = x.T
    x += 1
    x[0] = 3
    view.mul_(2)
    assert x.tolist() == [[6, 6], [2, 2]]
    assert x.version == view.version == x.detach().version == 3
    assert (x + 0).version == 0


def test_in_place_needs_a_shape_that_fits():
    x = tt.zeros(2)
    with pytest.raises(ValueError, match=r"shape \(3, 2\) does not fit"):
        x += tt.ones(3, 2)
    count = tt.arange(3)
    with pytest.raises(TypeError, match="float32 does not fit into int64"):
        count += 0.5


BAD = [
    (lambda: tt.ones(2, 3) + tt.ones(4), ValueError, r"add: shapes \(2, 3\) and \(4,\)"),
    (
        lambda: tt.ones(2, 3) @ tt.ones(2, 3),
        ValueError,
        r"matmul.*\(2, 3\) and \(2, 3\).*3 against",
    ),
    (lambda: tt.ones(2) @ tt.tensor(1.0), ValueError, "matmul: needs at least 1 dimension"),
    (lambda: tt.ones(2, 3).sum(dim=2), IndexError, r"sum: dim is out of range.*\(2, 3\)"),
    (lambda: tt.ones(6).reshape(4, 2), ValueError, r"reshape: .*size 6 into shape \(4,2\)"),
    (lambda: tt.ones(0).max(), ValueError, "max: "),
    (lambda: tt.ones(3)[5], IndexError, "getitem: .*5"),
    (lambda: tt.ones(3).T, ValueError, "transpose"),
    (lambda: tt.zeros(2, -1), ValueError, r"zeros: sizes.*\(2, -1\)"),
    (lambda: tt.randn(2.5), ValueError, "randn: sizes"),
    (lambda: tt.arange(5, 0), ValueError, "arange: step 1 does not lead from 5 to 0"),
    (lambda: tt.tensor([[1, 2], [3]]), ValueError, "not rectangular"),
    (lambda: tt.tensor("text"), TypeError, "numbers are needed"),
    (lambda: tt.tensor([1, 2], requires_grad=True), TypeError, "int64"),
    (lambda: tt.cat([tt.ones(2, 3), tt.ones(2, 4)]), ValueError, r"cat: .*\(2, 3\), \(2, 4\)"),
    (lambda: tt.cat([]), ValueError, "cat: needs at least one"),
    (lambda: tt.stack([tt.ones(2), tt.ones(3)]), ValueError, r"stack: .*\(2,\), \(3,\)"),
    (lambda: tt.where(tt.ones(2), 1, 2), TypeError, "where: the condition must be bool"),
    (lambda: tt.ones(2).masked_fill(tt.ones(2), 0), TypeError, "masked_fill: .*bool"),
    (lambda: tt.ones(2, 2).gather(1, tt.zeros(2)), ValueError, "gather: needs integers"),
    (lambda: tt.ones(4).split([1, 2]), ValueError, "split: .*4"),
    (lambda: tt.ones(2, 3).permute(0, 0), ValueError, "permute"),
    (lambda: tt.ones(2).unsqueeze(3), IndexError, "unsqueeze: dim 3"),
    (lambda: tt.ones(3).topk(4), ValueError, "topk: k must be between 0 and 3"),
    (lambda: tt.ones(2).item(), ValueError, r"item: .*\(2,\)"),
    (lambda: bool(tt.ones(2)), ValueError, "neither true nor false"),
    (lambda: tt.manual_seed(-1), ValueError, "manual_seed"),
    (lambda: tt.multinomial(tt.tensor([0.0, 0.0]), 1), ValueError, "multinomial"),
    (lambda: tt.multinomial(tt.tensor([0.0, 1.0]), 2), ValueError, "without replacement"),
    (lambda: tt.nn.functional.one_hot(tt.tensor([3]), 3), IndexError, "between 0 and 2"),
    (lambda: tt.device("cuda"), ValueError, "only 'cpu'"),
    (lambda: tt.ones(2).to("cuda"), ValueError, "only 'cpu'"),
    (lambda: tt.nn.functional.gelu(tt.ones(2), approximate="x"), ValueError, "gelu: approximate"),
]


@pytest.mark.parametrize("kernels", ["plain", "fast"])
@pytest.mark.parametrize(("action", "error", "message"), BAD)
def test_bad_input_names_the_operation_and_the_shapes(kernels, action, error, message):
    before = tt.use_kernels(kernels)
    try:
        with pytest.raises(error, match=message):
            action()
    finally:
        tt.use_kernels(before)


def test_an_error_inside_an_operation_keeps_its_traceback():
    """A student needs the line in the own function."""

    def broken(a):
        raise ValueError("mine")

    with pytest.raises(ValueError, match="broken: mine") as caught:
        Tensor._op(broken, tt.ones(2))
    assert caught.traceback[-1].name == "broken"


def test_a_program_may_ask_for_the_device():
    device = tt.device("cuda" if tt.cuda.is_available() else "cpu")
    x = tt.ones(2, device=device).to(device)
    assert str(device) == "cpu"
    assert x.to("cpu").to(tt.float64).dtype == tt.float64
    assert x.to(device, tt.int64).dtype == tt.int64


def test_the_same_seed_gives_the_same_numbers():
    tt.manual_seed(3)
    first = [tt.rand(2), tt.randn(2), tt.randint(0, 9, (3,)), tt.randperm(5)]
    tt.manual_seed(3)
    second = [tt.rand(2), tt.randn(2), tt.randint(0, 9, (3,)), tt.randperm(5)]
    assert all(tt.equal(a, b) for a, b in zip(first, second, strict=True))
    own = tt.Generator().manual_seed(3)
    assert tt.equal(tt.rand(2, generator=own), first[0])
    state = own.get_state()
    expected = tt.rand(4, generator=own)
    own.set_state(state)
    assert tt.equal(tt.rand(4, generator=own), expected)


def test_operators_of_python_exist_for_tensors():
    x = tt.tensor([5, 8])
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "lt", "ge", "eq", "ne"):
        function = getattr(operator, name)
        np.testing.assert_allclose(function(x, 3).data, function(x.data, 3), 1e-6)
