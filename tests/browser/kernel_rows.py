"""Random cases of the WebAssembly kernels: rows of matrices, windows of images, optimizer steps."""

import numpy as np
import tinytorch_wasm
from kernel_arrays import laid_out, same, shape, size, values, wide
from numpy.lib.stride_tricks import as_strided

lib = tinytorch_wasm.kernels


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
