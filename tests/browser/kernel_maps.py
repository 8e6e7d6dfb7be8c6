"""Random cases of the WebAssembly kernels: elementwise work, products, NumPy's own functions."""

import math

import numpy as np
import tinytorch_wasm
from kernel_arrays import laid_out, misfit, room, same, shape, size, values, wide

lib = tinytorch_wasm.kernels


def sigmoid(x):
    return np.where(
        x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x)))
    )


UNARY = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "relu": lambda x: np.maximum(x, 0),
    "copy": lambda x: x,
}
BINARY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "maximum": np.maximum,
    "add_relu": lambda x, y: np.maximum(np.float64(np.float32(x + y)), 0),
    "relu_gradient": lambda g, y: g * (y > 0),
    "sigmoid_gradient": lambda g, y: g * (y * (1 - y)),
    "tanh_gradient": lambda g, y: g * (1 - y * y),
}
# Errors of the polynomials, and of what is subtracted on the way.
TOLERANCE = {"tanh": 5e-7, "log": 4e-7, "exp": 3e-7, "sigmoid": 4e-7}


def elementwise(rng):
    """Any strides, broadcasting, results on top of arguments."""
    unary = rng.random() < 0.5
    name = str(rng.choice(list(UNARY if unary else BINARY)))
    target = shape(rng)
    inputs = []
    for _ in range(1 if unary else 2):
        own = target[int(rng.integers(len(target) + 1)) :] if rng.random() < 0.3 else target
        own = tuple(1 if rng.random() < 0.15 else n for n in own)
        inputs.append(laid_out(rng, values(rng, own)))
    kernel, reference = getattr(lib, f"map_{name}"), (UNARY if unary else BINARY)[name]
    slope = name.endswith("gradient")  # overflows where NumPy does, so NumPy has to be float32 too
    expected = np.broadcast_to(reference(*(inputs if slope else wide(*inputs))), target)
    scale = None
    if slope or name in ("add", "sub", "add_relu"):
        x, y = map(np.abs, wide(*inputs))
        scale = np.broadcast_to(np.nan_to_num(x * (1 + y * y) if slope else x + y), target)
    first = inputs[0]
    if first.shape == target and rng.random() < 0.2 and first.flags.writeable:
        out = first  # in place
    else:
        out = room(rng, target)
    assert kernel(*inputs, out), f"{name} declined"
    same(out, expected, TOLERANCE.get(name, 2e-7), scale=scale)


def gelu(rng):
    """Both forms and their gradients, against the formulas."""
    target, erf = shape(rng), rng.random() < 0.5
    x, g = laid_out(rng, values(rng, target, False)), laid_out(rng, values(rng, target, False))
    gate, out, slope = room(rng, target), room(rng, target), room(rng, target)
    name = "map_gelu_erf" if erf else "map_gelu_tanh"
    assert getattr(lib, name)(x, gate, out)
    assert getattr(lib, f"{name}_gradient")(g, x, gate, slope)
    u, wide_g = wide(x, g)
    if erf:
        below = np.vectorize(math.erfc, otypes=[float])(-u / math.sqrt(2)) / 2
        change = np.exp(-u * u / 2) / math.sqrt(2 * math.pi)
    else:
        c = math.sqrt(2 / math.pi)
        below = sigmoid(2 * c * (u + 0.044715 * u**3))
        change = 2 * below * (1 - below) * c * (1 + 3 * 0.044715 * u * u)
    same(gate, below, 1e-5, 3e-7)
    same(out, u * below, 1e-5, 3e-6)
    same(slope, wide_g * (below + u * change), 1e-5, 2e-5 * (1 + np.abs(wide_g).max(initial=0)))


def product(rng):
    """matmul with batches, broadcasting, any strides, scale and accumulation."""
    n, k, m = (size(rng) if rng.random() < 0.8 else int(rng.integers(1, 70)) for _ in range(3))
    if rng.random() < 0.03:
        n, k, m = (
            int(rng.integers(150, 260)),
            int(rng.integers(200, 600)),
            int(rng.integers(350, 420)),
        )
    batch = shape(rng, 3) if n * k * m < 20_000 else ()
    batch = tuple(min(b, 5) for b in batch)

    def operand(rows, columns):
        own = batch[int(rng.integers(len(batch) + 1)) :] if rng.random() < 0.4 else batch
        own = tuple(1 if rng.random() < 0.2 else b for b in own)
        array = values(rng, (*own, rows, columns), None if n * k * m < 5000 else False)
        turned = rng.random() < 0.3  # a transposed view, as in every gradient
        array = np.ascontiguousarray(array.swapaxes(-1, -2)).swapaxes(-1, -2) if turned else array
        return laid_out(rng, array)

    a, b = operand(n, k), operand(k, m)
    scale, accumulate = float(rng.choice([1, 1, 0.5, -2])), int(rng.random() < 0.3)
    out = (
        laid_out(rng, values(rng, (*batch, n, m), False))
        if accumulate
        else room(rng, (*batch, n, m))
    )
    before = out.astype(np.float64) if accumulate else 0
    with np.errstate(all="ignore"):
        expected = np.broadcast_to(scale * np.matmul(*wide(a, b)) + before, out.shape)
        made_of = np.abs(scale) * np.matmul(np.abs(a, dtype="d"), np.abs(b, dtype="d"))
        made_of = np.broadcast_to(made_of + np.abs(before), out.shape)
    assert lib.matmul(a, b, out, scale, accumulate), "declined"
    if np.isfinite(made_of).all() and np.max(made_of, initial=0) < 1e38:
        same(out, expected, 6e-8 * (4 + k), scale=made_of)
    else:  # overflow on the way depends on the order of a sum; what is finite must be right
        fine = np.isfinite(made_of) & (made_of < 1e37)
        same(out[fine], expected[fine], 6e-8 * (4 + k), scale=made_of[fine])
        clear = np.isnan(expected) & np.isnan(np.asarray(made_of))
        assert np.isnan(out[clear]).all()


def refusals(rng):
    """What no kernel may touch is declined, and the result stays as it was."""
    target = shape(rng, 3, 1, 1)
    x, out = values(rng, target, False), np.full(target, 7, np.float32)
    kind = int(rng.integers(5))
    if kind == 0:
        done = lib.map_add(misfit(rng, x), x, out)
    elif kind == 1:
        odd = misfit(rng, out.copy())
        done = lib.map_add(x, x, odd)
    elif kind == 2:
        out.flags.writeable = False
        done = lib.map_exp(x, out)
    elif kind == 3:
        done = lib.map_add(x, values(rng, (*target[:-1], target[-1] + 1), False), out)
    else:
        a = values(rng, (4, 3), False)
        done = lib.matmul(a, values(rng, (4, 3), False), out, 1.0, 0) or lib.matmul(
            a, a.T, a, 1.0, 0
        )
    assert not done, f"kind {kind} was not declined"
    assert (out == 7).all(), f"kind {kind} wrote"


def overlaps(rng):
    """Views of one buffer: right or declined, never half overwritten."""
    buffer = values(rng, 300, False)
    n = int(rng.integers(1, 20))

    def view():
        step = int(rng.choice([1, 1, 2, -1, -3]))
        return (
            buffer[100 + int(rng.integers(0, 25)) :][::step][:n]
            if step > 0
            else buffer[: 160 + int(rng.integers(0, 25))][::step][:n]
        )

    x, y, out = view(), view(), view()
    rest = np.ones(300, bool)
    start = (out.__array_interface__["data"][0] - buffer.__array_interface__["data"][0]) // 4
    rest[start + out.strides[0] // 4 * np.arange(len(out))] = False
    expected, before = x.astype(np.float64) + y, buffer.copy()
    if lib.map_add(x, y, out):
        same(out, expected, 3e-7, 1e-6)
        assert (buffer[rest] == before[rest]).all()
    else:
        assert (buffer == before).all()
    square = buffer[:256].reshape(16, 16)
    a, b, c = (
        square[:8, :8],
        square[int(rng.integers(0, 9)) :, :8][:8].T,
        square[8:, int(rng.integers(0, 9)) :][:, :8],
    )
    expected, before = np.matmul(*wide(a, b)), buffer.copy()
    if lib.matmul(a, b, c, 1.0, 0):
        same(c, expected, 1e-5, 1e-4)
    else:
        assert (buffer == before).all()


def numpy_itself(rng):
    """NumPy's functions with our loops inside: every layout and form of call."""
    target = shape(rng, 3)
    x = laid_out(rng, values(rng, target))
    kind = int(rng.integers(5))
    if kind == 0:
        name = str(rng.choice(["exp", "log", "tanh"]))
        out = room(rng, target) if rng.random() < 0.5 else None
        got = getattr(np, name)(x, out=out)
        assert got.dtype == np.float32
        same(got, getattr(np, name)(wide(x)[0]), TOLERANCE[name])
    elif kind == 1:
        other = (
            laid_out(rng, values(rng, target)) if rng.random() < 0.5 else np.float32(rng.normal())
        )
        same(np.maximum(x, other), np.maximum(*wide(x, other)), 0)
        same(np.maximum(other, x), np.maximum(*wide(x, other)), 0)
    elif kind == 2:
        if x.size:
            same(x.max(), wide(x)[0].max(), 0)
        if x.ndim and x.shape[0]:
            same(x.max(axis=0), wide(x)[0].max(axis=0), 0)
            same(np.maximum.accumulate(x, axis=0), np.maximum.accumulate(wide(x)[0], axis=0), 0)
    elif kind == 3:
        n, k, m = size(rng), size(rng), size(rng)
        a, b = laid_out(rng, values(rng, (n, k), False)), laid_out(rng, values(rng, (k, m), False))
        made_of = np.matmul(np.abs(a, dtype="d"), np.abs(b, dtype="d"))
        same(a @ b, np.matmul(*wide(a, b)), 6e-8 * (4 + k), scale=made_of)
        same(
            a @ b[:, 0] if m else a @ np.zeros(k, "f"),
            np.matmul(wide(a)[0], wide(b)[0][:, 0] if m else np.zeros(k)),
            1e-5,
            1e-4,
        )
    else:
        n = int(rng.integers(1, 12))
        a = values(rng, (n, n), False)
        expected = np.matmul(*wide(a, a))
        np.matmul(a, a, out=a)  # NumPy makes the copy that this needs
        same(a, expected, 1e-5, 1e-3)
        b = values(rng, 40, False)
        expected = np.exp(wide(b)[0][:30])
        np.exp(b[:30], out=b[5:35])
        same(b[5:35], expected, 3e-7)
