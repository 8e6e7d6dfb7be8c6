"""Random cases of every WebAssembly kernel against NumPy; runs inside Pyodide.

Each case draws its arrays, calls a kernel, and compares what it wrote with NumPy in float64.
"""

import math
import traceback

import numpy as np
import tinytorch_wasm
from kernel_arrays import laid_out, misfit, room, same, shape, size, values
from numpy.lib.stride_tricks import as_strided

lib = tinytorch_wasm.kernels


def wide(*arrays):
    return tuple(np.asarray(a, np.float64) for a in arrays)


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


def rows(rng):
    """Softmax, its logarithm, cross-entropy and their gradients."""
    n, width = size(rng), size(rng, 1) if rng.random() < 0.9 else int(rng.integers(500, 1500))
    special = rng.random() < 0.1
    x, g = values(rng, (n, width), special), values(rng, (n, width), False)
    x[x == np.inf] = 9  # inf - inf is NaN, in each way of writing it another one
    seen = np.array([i + 1 if i + 1 < width else width for i in range(n)])
    causal = int(rng.random() < 0.3) * max(n, 1)
    wide_x, wide_g = wide(x, g)
    sees = np.arange(width) < (seen[:, None] if causal else width)
    shifted = np.where(sees, wide_x, -np.inf)
    shifted -= shifted.max(1, keepdims=True)
    p = np.where(sees, np.exp(shifted) / np.exp(shifted).sum(1, keepdims=True), 0)
    out = np.empty_like(x)
    assert lib.softmax_rows(x, out, causal)
    same(out, p, 1e-5, 1e-37)
    y, back = p.astype(np.float32), np.empty_like(x)
    assert lib.softmax_rows_gradient(g, y, back, 0.5)
    along = (wide_g * y).sum(1, keepdims=True)
    same(back, 0.5 * y * (wide_g - along), 1e-5, 1e-4)
    if causal or special:
        return
    logs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    assert lib.log_softmax_rows(x, out)
    same(out, logs, 2e-6, 4e-6)
    assert lib.log_softmax_rows_gradient(g, logs.astype(np.float32), back)
    same(back, wide_g - p * wide_g.sum(1, keepdims=True), 1e-5, 1e-4)
    classes = rng.integers(0, width, n)
    losses, chances = np.empty(n, np.float32), np.empty_like(x)
    smoothing = float(rng.choice([0, 0.1]))
    assert lib.cross_entropy_rows(x, classes, losses, chances, smoothing)
    target = np.full((n, width), smoothing / width)
    target[np.arange(n), classes] += 1 - smoothing
    same(losses, -(target * logs).sum(1), 1e-5, 1e-4)
    same(chances, p, 1e-5, 1e-37)
    each = values(rng, n, False)
    assert lib.cross_entropy_rows_gradient(each, chances, classes, back, smoothing)
    same(back, (p - target) * each[:, None].astype(np.float64), 1e-5, 1e-5)
    if n:
        classes[int(rng.integers(n))] = int(rng.choice([-1, width]))
        assert not lib.cross_entropy_rows(x, classes, losses, chances, smoothing)


def layer_norm(rng):
    """Layer normalization and its gradients."""
    n, width = size(rng), size(rng, 1)
    x, g = values(rng, (n, width), False), values(rng, (n, width), False)
    weight = values(rng, width, False) if rng.random() < 0.7 else None
    bias = values(rng, width, False) if rng.random() < 0.7 else None
    out, mean, inverse = np.empty_like(x), np.empty(n, np.float32), np.empty(n, np.float32)
    assert lib.layer_norm_rows(x, weight, bias, out, mean, inverse, 1e-5)
    wide_x, wide_g = wide(x, g)
    w, b = (1 if weight is None else wide(weight)[0]), (0 if bias is None else wide(bias)[0])
    center = wide_x.mean(1, keepdims=True) if n else wide_x[:, :1]
    scale = 1 / np.sqrt(((wide_x - center) ** 2).mean(1, keepdims=True) + 1e-5) if n else center
    normal = (wide_x - center) * scale
    most = float(np.max(scale, initial=1) * np.max(np.abs(wide_x), initial=1))
    close = 1e-6 * most * (1 + float(np.max(np.abs(w), initial=1)))
    same(out, normal * w + b, 1e-5, close * 4)
    back, dw, db = np.empty_like(x), np.zeros(width, np.float32), np.zeros(width, np.float32)
    assert lib.layer_norm_rows_gradient(g, x, weight, mean, inverse, back, dw, db)
    d = wide_g * w
    expected = scale * (d - d.mean(1, keepdims=True) - normal * (d * normal).mean(1, keepdims=True))
    large = 1 + float(np.max(np.abs(d), initial=1) * np.max(scale, initial=1) * (1 + most))
    same(back, expected, 1e-4, 2e-6 * large * most)
    same(dw, (wide_g * normal).sum(0), 1e-4, 4e-6 * most * (1 + np.abs(wide_g).sum()))
    same(db, wide_g.sum(0), 1e-5, 1e-5 * (1 + np.abs(wide_g).sum()))


def reductions(rng):
    """Sums and maxima over the middle axis, and rows added at places."""
    x = values(rng, (size(rng), size(rng), size(rng)))
    if rng.random() < 0.05:
        x = values(rng, (1, int(rng.integers(3000, 9000)), int(rng.choice([1, 3, 8]))), False)
    out = np.full((x.shape[0], x.shape[2]), 5, np.float32)
    finite = np.where(np.isfinite(x) & (np.abs(x) < 1e37), x, 0)
    assert lib.reduce(finite, out, 0)
    made_of = np.abs(wide(finite)[0]).sum(1)
    same(out, wide(finite)[0].sum(1), 2e-6, 1e-37, scale=made_of)
    if lib.reduce(x, out, 1):
        same(out, x.max(1), 0)
    else:
        assert x.shape[1] == 0
    table, picked = values(rng, (size(rng, 1), size(rng, 1)), False), size(rng)
    index = rng.integers(0, len(table), picked)
    added = values(rng, (picked, table.shape[1]), False)
    expected = table.astype(np.float64)
    np.add.at(expected, index, added)
    assert lib.add_rows(index, added, table)
    same(table, expected, 1e-5, 1e-4)


def windows_of(x, kernel, stride, padding, dilation, fill):
    """All windows of (n, h, w, c), by NumPy: (n, rows, across, kh, kw, c)."""
    around = ((0, 0), (padding[0],) * 2, (padding[1],) * 2, (0, 0))
    frame = np.pad(x, around, constant_values=fill)
    n, h, w, c = frame.shape
    many = [
        (length - d * (k - 1) - 1) // s + 1
        for length, d, k, s in zip((h, w), dilation, kernel, stride, strict=True)
    ]
    sn, sh, sw, sc = frame.strides
    steps = (sn, sh * stride[0], sw * stride[1], sh * dilation[0], sw * dilation[1], sc)
    return as_strided(frame, (n, *many, *kernel, c), steps), frame


def images(rng):
    """Gathering, scattering and pooling of windows, with padding, strides and dilation."""
    kernel, stride, dilation = (tuple(rng.integers(1, 4, 2).tolist()) for _ in range(3))
    padding = tuple(rng.integers(0, 3, 2).tolist())
    least = [
        max(1, d * (k - 1) + 1 - 2 * p) for d, k, p in zip(dilation, kernel, padding, strict=True)
    ]
    h, w = (low + int(rng.integers(0, 6)) for low in least)
    n, c = int(rng.integers(0, 4)), size(rng, 1)
    x = values(rng, (n, h, w, c), False)
    if rng.random() < 0.3:  # ties, for the maxima
        x = np.maximum(np.round(x), 0)
    if rng.random() < 0.3:  # some channels of wider images
        x = np.concatenate([x, x + 1], axis=3)[..., c // 2 : c // 2 + c]
    if rng.random() < 0.3:  # rows with gaps
        x = np.concatenate([x, x], axis=2)[:, :, :w]
    how = (*kernel, *stride, *padding, *dilation)
    view, _ = windows_of(x, kernel, stride, padding, dilation, 0)
    rows_, across = view.shape[1:3]
    columns = np.full((n * rows_ * across, kernel[0] * kernel[1] * c), 9, np.float32)
    assert lib.gather_windows(x, columns, rows_, across, *how)
    same(columns, view.reshape(columns.shape), 0, 0)
    total = np.zeros((n, h, w, c), np.float32)
    assert lib.scatter_windows(columns, total, rows_, across, *how)
    added = np.zeros((n, h + 2 * padding[0], w + 2 * padding[1], c))
    g = values(rng, (n, rows_, across, c), False)
    for i in range(rows_):
        for j in range(across):
            a, b = i * stride[0], j * stride[1]
            down = slice(a, a + dilation[0] * (kernel[0] - 1) + 1, dilation[0])
            right = slice(b, b + dilation[1] * (kernel[1] - 1) + 1, dilation[1])
            added[:, down, right] += view[:, i, j]
    inner = added[:, padding[0] : padding[0] + h, padding[1] : padding[1] + w]
    same(total, inner, 1e-5, 1e-4)
    pooled = np.empty((n, rows_, across, c), np.float32)
    assert lib.pool(x, pooled, 1, *how)
    same(pooled, wide(view)[0].mean((3, 4)), 1e-5, 1e-5)
    back = np.zeros((n, h, w, c), np.float32)
    assert lib.mean_pool_gradient(g, back, *how)
    framed, _ = windows_of(x, kernel, stride, padding, dilation, -np.inf)
    assert lib.pool(x, pooled, 0, *how)
    same(pooled, framed.max((3, 4)), 0, 0)
    top, share = np.zeros((n, h, w, c), np.float32), 1 / (kernel[0] * kernel[1])
    assert lib.max_pool_gradient(g, pooled, x, top, *how)
    expected, shares = np.zeros(added.shape), np.zeros(added.shape)
    first = framed.reshape(n, rows_, across, kernel[0] * kernel[1], c).argmax(3)
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            a, b = i * dilation[0], j * dilation[1]
            down = slice(a, a + stride[0] * (rows_ - 1) + 1, stride[0])
            right = slice(b, b + stride[1] * (across - 1) + 1, stride[1])
            expected[:, down, right] += g * (first == i * kernel[1] + j)
            shares[:, down, right] += g * share
    crop = (slice(None), slice(padding[0], padding[0] + h), slice(padding[1], padding[1] + w))
    same(back, shares[crop], 1e-5, 1e-5)
    same(top, expected[crop], 1e-5, 1e-5)


def optimizers(rng):
    """Steps of SGD and Adam, on parameters and gradients of any layout."""
    target = shape(rng, 3)
    p, g, m = (laid_out(rng, values(rng, target, False)) for _ in range(3))
    v = laid_out(rng, np.asarray(np.abs(values(rng, target, False))))
    wp, wg, wm, wv = (a.astype(np.float64) for a in (p, g, m, v))
    lr, decay, rate = 0.1, float(rng.choice([0, 0.01])), float(rng.choice([0, 0.9]))
    kind = int(rng.integers(3))
    if kind == 0:
        assert lib.sgd_step(p, g, lr, decay)
        same(p, wp - lr * (wg + decay * wp), 1e-5, 1e-5)
    elif kind == 1:
        nesterov, started = bool(rng.random() < 0.5), bool(rng.random() < 0.7)
        assert lib.sgd_momentum_step(p, g, m, lr, decay, rate, 0.5, int(nesterov), int(started))
        wg = wg + decay * wp
        velocity = rate * wm + 0.5 * wg if started else wg
        same(m, velocity, 1e-5, 1e-5)
        same(p, wp - lr * (wg + rate * velocity if nesterov else velocity), 1e-5, 1e-5)
    else:
        decoupled = bool(rng.random() < 0.5)
        assert lib.adam_step(p, g, m, v, lr, decay, int(decoupled), 0.9, 0.99, 1e-3, 1.5)
        wp, wg = (wp * (1 - decay), wg) if decoupled else (wp, wg + decay * wp)
        wm, wv = 0.9 * wm + 0.1 * wg, 0.99 * wv + 0.01 * wg * wg
        same(m, wm, 1e-4, 1e-5)
        same(v, wv, 1e-4, 1e-5)
        steps = lr * wm / (1.5 * np.sqrt(wv) + 1e-3)
        same(p, wp - steps, 1e-3, 1e-4 * (1 + np.abs(steps).max(initial=0)))


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


CASES = (elementwise, elementwise, product, product, refusals, overlaps, rows, layer_norm, gelu)
CASES = (*CASES, reductions, images, optimizers, numpy_itself, numpy_itself)


def grow():
    """Have the memory of the interpreter grow, which moves its buffer."""
    return np.ones(96 << 20, np.uint8)[-1]


def run(seed, count):
    """Run `count` cases; what failed, each with the seed that repeats it."""
    assert lib is not None, tinytorch_wasm.why_not
    assert tinytorch_wasm.speed_up_numpy(), "NumPy does not take our loops"
    failures = []
    for number in range(count):
        if number == count // 2:
            grow()
        case = CASES[number % len(CASES)]
        try:
            with np.errstate(all="ignore"):
                case(np.random.default_rng((seed, number)))
        except Exception as error:
            line = traceback.extract_tb(error.__traceback__)[1].lineno
            failures.append(f"{case.__name__} ({seed}, {number}), line {line}: {error!r}"[:400])
            if len(failures) == 10:
                break
    return failures
