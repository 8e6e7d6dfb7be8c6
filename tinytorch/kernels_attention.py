"""Fast scaled dot product attention (chapter 16, given): a few sequences at a time, in place.

Scores, mask and softmax share one array, which stays in the cache from the first product to the
second.
"""

from __future__ import annotations

import math

import numpy as np

from tinytorch.kernels_memory import empty, in_chunks

SCORE_BUDGET = 1 << 20  # bytes of scores in one chunk


def softmax_rows(scores: np.ndarray) -> np.ndarray:
    """Softmax over the last dimension, in place. A row of -inf only becomes NaN, as in PyTorch."""
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= (scores @ np.ones(scores.shape[-1], scores.dtype))[..., None]
    return scores


def _causal(rows: int, columns: int, dtype: np.dtype) -> np.ndarray:
    """(rows, columns): 0 where a query may look, -inf where the key lies in its future."""
    return np.triu(np.full((rows, columns), -np.inf, dtype), 1)


def attention(
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    mask: np.ndarray | None = None,
    is_causal: bool = False,
    scale: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """softmax(query @ key^T * scale + mask) @ value for every sequence and head.

    query: (B, heads, T, d); key, value: (B, heads, S, d or e); mask: bool (True may look) or float
    (added), broadcast to (B, heads, T, S). Returns the output (B, heads, T, e) and the
    probabilities (B, heads, T, S), which the backward pass needs. The memory of the output has the
    order (B, T, heads, e): merging the heads costs nothing.
    """
    batch, heads, t, d = query.shape
    s = key.shape[2]
    scale = 1 / math.sqrt(d) if scale is None else scale
    probabilities = empty((batch, heads, t, s), query.dtype)
    result = empty((batch, heads, t, value.shape[3]), query.dtype, order=(0, 2, 1, 3))
    if is_causal:
        mask = _causal(t, s, query.dtype)
    elif mask is not None and mask.dtype == bool:
        mask = np.where(mask, query.dtype.type(0), query.dtype.type(-np.inf))
    if mask is not None:
        mask = np.broadcast_to(mask, probabilities.shape)

    def run(chunk: slice) -> None:
        scores = probabilities[chunk]
        np.matmul(query[chunk] * query.dtype.type(scale), key[chunk].swapaxes(2, 3), out=scores)
        if mask is not None:
            scores += mask[chunk]
        softmax_rows(scores)
        result[chunk] = scores @ value[chunk]

    in_chunks(run, batch, heads * t * s * query.itemsize, SCORE_BUDGET)
    return result, probabilities


def attention_backward(
    gradient: np.ndarray,
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    probabilities: np.ndarray,
    scale: float | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients with respect to query, key and value, each in (B, T, heads, d) memory.

    With P the probabilities and dP = g @ value^T, softmax gives dS = P * (dP - rowsum(P * dP)).
    """
    scale = 1 / math.sqrt(query.shape[3]) if scale is None else scale
    gradients = (empty(x.shape, x.dtype, order=(0, 2, 1, 3)) for x in (query, key, value))
    query_gradient, key_gradient, value_gradient = gradients
    batch, heads, t, s = probabilities.shape

    def run(chunk: slice) -> None:
        p, g = probabilities[chunk], gradient[chunk]
        value_gradient[chunk] = p.swapaxes(2, 3) @ g
        scores = np.matmul(g, value[chunk].swapaxes(2, 3), out=empty(p.shape, p.dtype))
        scores -= np.einsum("bhts,bhts->bht", scores, p)[..., None]
        scores *= p
        scores *= p.dtype.type(scale)
        query_gradient[chunk] = scores @ key[chunk]
        key_gradient[chunk] = scores.swapaxes(2, 3) @ query[chunk]

    in_chunks(run, batch, heads * t * s * query.itemsize, SCORE_BUDGET)
    return query_gradient, key_gradient, value_gradient
