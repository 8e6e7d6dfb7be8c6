"""WebAssembly kernels (chapter 16, given): matrix products, and what is made of them.

Linear layers, embeddings and attention.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch.kernels_attention import (
    LOWEST,
    SCORE_BUDGET,
    additive,
    attention_backward,
    dropout_mask,
)
from tinytorch.kernels_memory import empty
from tinytorch.kernels_sets import fast
from tinytorch.kernels_threads import in_chunks
from tinytorch.kernels_wasm import is_float32, lib, rows_of, wasm
from tinytorch.tensor import Array

CHUNK = 1 << 19  # bytes of a product's result in one chunk


def product(a: Array, b: Array) -> Any:
    """a @ b for matrices and batches of them, or None."""
    if a.ndim < 2 or b.ndim < 2 or not is_float32(a, b):
        return None
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    result = empty((*batch, a.shape[-2], b.shape[-1]))
    return result if lib.matmul(a, b, result, 1.0, 0) else None


@wasm.implements("matmul")
def matmul(a: Array, b: Array) -> Any:
    """Matrix product; vectors are taken as a row on the left and a column on the right."""
    if not is_float32(a, b) or not a.ndim or not b.ndim:
        return NotImplemented
    row, column = a.ndim == 1, b.ndim == 1
    left, right = a[None] if row else a, b[:, None] if column else b
    if left.shape[-1] != right.shape[-2]:
        return NotImplemented
    result = product(left, right)
    if result is None:
        return NotImplemented
    result = result[..., 0] if column else result
    return result[..., 0, :] if row and not column else result[..., 0] if row else result


@wasm.gradient_of("matmul")
def matmul_gradient(
    grad: Array, _output: Array, a: Array, b: Array, *, needed: list[bool]
) -> tuple[Array | None, Array | None]:
    """G B^T goes to A and A^T G to B."""
    row, column = a.ndim == 1, b.ndim == 1
    a, b = a[None] if row else a, b[:, None] if column else b
    grad = np.expand_dims(grad, -1) if column else grad
    grad = np.expand_dims(grad, -2) if row else grad
    to_a = to_b = None
    if needed[0]:
        turned = b.swapaxes(-1, -2)
        to_a = product(grad, turned)
        to_a = grad @ turned if to_a is None else to_a
    if needed[1]:
        left, right = a.swapaxes(-1, -2), grad
        if b.ndim == 2:  # one matrix for a whole batch: a single product
            left, right = a.reshape(-1, a.shape[-1]).T, grad.reshape(-1, grad.shape[-1])
        to_b = product(left, right)
        to_b = left @ right if to_b is None else to_b
    return to_a, to_b[..., 0] if column and to_b is not None else to_b


@wasm.implements("linear")
def linear(x: Array, weight: Array, bias: Array | None = None) -> Any:
    """x @ weight^T + bias: x (..., in), weight (out, in), bias (out,) to (..., out)."""
    if x.ndim == 0 or not is_float32(x, weight, bias) or x.shape[-1] != weight.shape[1]:
        return NotImplemented
    rows, result = x.reshape(-1, x.shape[-1]), empty((*x.shape[:-1], len(weight)))
    flat, matrix = result.reshape(-1, len(weight)), weight.T
    done = True

    def run(chunk: slice) -> None:
        nonlocal done
        target = flat[chunk]
        done &= bool(lib.matmul(rows[chunk], matrix, target, 1.0, 0))
        if bias is not None:
            done &= bool(lib.map_add(target, bias, target))

    in_chunks(run, len(rows), len(weight) * 4, CHUNK)
    return result if done else NotImplemented


@wasm.gradient_of("linear")
def linear_gradient(
    grad: Array, _output: Array, x: Array, weight: Array, _bias: Any = None, *, needed: list[bool]
) -> tuple[Array | None, Array | None, Array | None]:
    """dx = g W, dW = g^T x, db = the column sums of g."""
    count, width = weight.shape
    outer, rows = grad.reshape(-1, count), x.reshape(-1, width)
    for_x = empty(x.shape) if needed[0] else None
    for_weight = np.empty(weight.shape, np.float32) if any(needed[1:]) else None
    for_bias = np.empty(count, np.float32) if any(needed[1:]) else None
    done = is_float32(grad, x, weight)
    if done and for_x is not None:
        done &= bool(lib.matmul(outer, weight, for_x.reshape(-1, width), 1.0, 0))
    if done and for_weight is not None and for_bias is not None:
        done &= bool(lib.matmul(outer.T, rows, for_weight, 1.0, 0)) and column_sums(outer, for_bias)
    if not done:
        return fast.rules["linear"](grad, _output, x, weight, _bias, needed=needed)
    return for_x, for_weight, for_bias


def column_sums(matrix: Array, out: Array) -> bool:
    """The sum of each column of (M, N) into out (N,); whether it was done."""
    return bool(lib.reduce(rows_of(matrix, matrix.shape[1])[None], out, 0))


@wasm.gradient_of("embedding")
def embedding_gradient(
    grad: Array, _output: Array, index: Array, weight: Array
) -> tuple[None, Array]:
    """For each row of weight the sum of the gradients of its uses."""
    result = np.zeros(weight.shape, grad.dtype)
    rows, places = rows_of(grad, weight.shape[1]), np.ascontiguousarray(index)
    if lib.add_rows(places, rows, result):
        return None, result
    return fast.rules["embedding"](grad, _output, index, weight)


@wasm.implements("scaled_dot_product_attention")
def attention(
    query: Array,
    key: Array,
    value: Array,
    mask: Array | None,
    dropout_p: float,
    is_causal: bool,
    scale: float,
) -> Any:
    """Scores, softmax and the weighted mean of a few sequences at a time.

    Under a causal mask each row of scores is looked at as far as its query may look.
    """
    heads = query.shape[:-2]
    if len(heads) != 2 or not heads == key.shape[:-2] == value.shape[:-2]:
        return NotImplemented
    if not is_float32(query, key, value) or not 0 <= dropout_p < 1 or key.shape[2] == 0:
        return NotImplemented
    t, s = query.shape[2], key.shape[2]
    seeing = added = None
    if mask is not None and not is_causal:
        added = additive(mask, query.dtype)
        sees = np.asarray((added > LOWEST).any(axis=-1, keepdims=True))
        seeing = None if np.all(sees) else sees.astype(np.float32)
        shape = (*heads, t, s)
        added = np.broadcast_to(added, shape)
        seeing = seeing if seeing is None else np.broadcast_to(seeing, (*heads, t, 1))
    kept = dropout_mask((*heads, t, s), dropout_p, query.dtype) if dropout_p else None
    probabilities = empty((*heads, t, s))
    result = empty((*heads, t, value.shape[3]), order=(0, 2, 1, 3))
    done = True

    def run(chunk: slice) -> None:
        nonlocal done
        scores = probabilities[chunk]
        rows = scores.reshape(-1, s)
        steps = [lib.matmul(query[chunk], key[chunk].swapaxes(2, 3), scores, scale, 0)]
        if added is not None:
            steps.append(lib.map_add(scores, added[chunk], scores))
        steps.append(lib.softmax_rows(rows, rows, t if is_causal else 0))
        if seeing is not None:
            steps.append(lib.map_mul(scores, seeing[chunk], scores))
        weights = scores
        if kept is not None:
            weights = empty(scores.shape)
            steps.append(lib.map_mul(scores, kept[chunk], weights))
        steps.append(lib.matmul(weights, value[chunk], result[chunk], 1.0, 0))
        done &= all(steps)

    in_chunks(run, heads[0], heads[1] * t * s * 4, SCORE_BUDGET)
    return (result, probabilities, kept) if done else NotImplemented


@wasm.gradient_of("scaled_dot_product_attention")
def attention_gradient(
    grad: Array,
    _output: Array,
    query: Array,
    key: Array,
    value: Array,
    _mask: Array | None,
    dropout_p: float,
    is_causal: bool,
    scale: float,
    *,
    saved: tuple[Array, Array | None],
    needed: list[bool],
) -> tuple[Array | None, ...]:
    """With P the probabilities and dP = g @ value^T: dS = P * (dP - rowsum(P * dP))."""
    probabilities, kept = saved
    batch, heads, t, s = probabilities.shape
    targets = [empty(x.shape, x.dtype, order=(0, 2, 1, 3)) for x in (query, key, value)]
    done = is_float32(grad, query, key, value, probabilities) and not needed[3] and s > 0

    def run(chunk: slice) -> None:
        nonlocal done
        p, g = probabilities[chunk], grad[chunk]
        for_query, for_key, for_value = (target[chunk] for target in targets)
        scores, weights = empty(p.shape), p
        steps = [lib.matmul(g, value[chunk].swapaxes(2, 3), scores, 1.0, 0)]
        if kept is not None:
            weights = empty(p.shape)
            steps.append(lib.map_mul(scores, kept[chunk], scores))
            steps.append(lib.map_mul(p, kept[chunk], weights))
        steps.append(lib.matmul(weights.swapaxes(2, 3), g, for_value, 1.0, 0))
        rows = scores.reshape(-1, s)
        steps.append(lib.softmax_rows_gradient(rows, p.reshape(-1, s), rows, scale))
        steps.append(lib.matmul(scores, key[chunk], for_query, 1.0, 0))
        steps.append(lib.matmul(scores.swapaxes(2, 3), query[chunk], for_key, 1.0, 0))
        done &= all(steps)

    if done:
        in_chunks(run, batch, heads * t * s * 4, SCORE_BUDGET)
    if done:
        return (*targets, None)
    return attention_backward(
        grad, query, key, value, probabilities, scale, kept, mask_too=needed[3]
    )
