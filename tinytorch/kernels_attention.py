"""Fast scaled dot product attention (chapter 16, given): a few sequences at a time, in place.

Scores, mask and softmax share one array, which stays in the cache from the first product to the
second.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch.kernels_memory import empty
from tinytorch.kernels_sets import fast, floats
from tinytorch.kernels_threads import in_chunks
from tinytorch.random import default_generator

SCORE_BUDGET = 1 << 20  # bytes of scores in one chunk
LOWEST = -1e30  # a score no other can be below; finite, so that differences of scores are numbers


def softmax_rows(scores: np.ndarray) -> None:
    """Softmax over the last dimension, in place."""
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= (scores @ np.ones(scores.shape[-1], scores.dtype))[..., None]


def additive(mask: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """A mask of bool (True: may look) or float as what is added to the scores."""
    if mask.dtype == bool:
        return np.where(mask, dtype.type(0), dtype.type(LOWEST))
    return np.maximum(mask, dtype.type(LOWEST)).astype(dtype, copy=False)


def attention(
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    mask: np.ndarray | None,
    scale: float,
    kept: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """softmax(query @ key^T * scale + mask) @ value for every sequence and head.

    query: (B, heads, T, d); key: (B, heads, S, d); value: (B, heads, S, e); mask: bool or float,
    broadcasts to (B, heads, T, S); a query that may look nowhere gets zeros. kept: (B, heads, T,
    S), what dropout multiplies the probabilities with.

    Returns the output (B, heads, T, e), whose memory has the order (B, T, heads, e), so that
    merging the heads costs nothing, and the probabilities, which the backward pass needs.
    """
    batch, heads, t, _ = query.shape
    s, e = value.shape[2:]
    probabilities = empty((batch, heads, t, s), query.dtype)
    result = empty((batch, heads, t, e), query.dtype, order=(0, 2, 1, 3))
    seeing = None
    if mask is not None:
        mask = additive(mask, query.dtype)
        sees = (mask > LOWEST).any(axis=-1, keepdims=True)
        seeing = None if np.all(sees) else np.broadcast_to(sees, (batch, heads, t, 1))
        mask = np.broadcast_to(mask, probabilities.shape)

    def run(chunk: slice) -> None:
        scores = probabilities[chunk]
        np.matmul(query[chunk] * query.dtype.type(scale), key[chunk].swapaxes(2, 3), out=scores)
        if mask is not None:
            scores += mask[chunk]
        softmax_rows(scores)
        if seeing is not None:
            scores *= seeing[chunk]
        weights = scores if kept is None else scores * kept[chunk]
        result[chunk] = weights @ value[chunk]

    in_chunks(run, batch, heads * t * s * query.itemsize, SCORE_BUDGET)
    return result, probabilities


def attention_backward(
    gradient: np.ndarray,
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    probabilities: np.ndarray,
    scale: float,
    kept: np.ndarray | None = None,
    mask_too: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Gradients with respect to query, key, value, and the scores (B, heads, T, S) if `mask_too`.

    With P the probabilities and dP = g @ value^T, softmax gives dS = P * (dP - rowsum(P * dP)).
    """
    for_query, for_key, for_value = (
        empty(x.shape, x.dtype, order=(0, 2, 1, 3)) for x in (query, key, value)
    )
    for_scores = empty(probabilities.shape, query.dtype) if mask_too else None
    batch, heads, t, s = probabilities.shape

    def run(chunk: slice) -> None:
        p, g = probabilities[chunk], gradient[chunk]
        scores = empty(p.shape, p.dtype) if for_scores is None else for_scores[chunk]
        np.matmul(g, value[chunk].swapaxes(2, 3), out=scores)
        if kept is not None:
            scores *= kept[chunk]
        for_value[chunk] = (p if kept is None else p * kept[chunk]).swapaxes(2, 3) @ g
        scores -= np.einsum("bhts,bhts->bht", scores, p)[..., None]
        scores *= p
        for_query[chunk] = scores @ (key[chunk] * key.dtype.type(scale))
        for_key[chunk] = scores.swapaxes(2, 3) @ (query[chunk] * query.dtype.type(scale))

    in_chunks(run, batch, heads * t * s * query.itemsize, SCORE_BUDGET)
    return for_query, for_key, for_value, for_scores


def dropout_mask(shape: tuple[int, ...], p: float, dtype: np.dtype) -> np.ndarray:
    """What dropout multiplies with: 0 with probability `p`, else 1 / (1 - p)."""
    result = empty(shape, dtype)
    draws = default_generator.numpy.random(shape, dtype=np.float32)
    np.multiply(draws >= p, dtype.type(1 / (1 - p)), out=result)
    return result


@fast.implements("scaled_dot_product_attention")
def scaled_dot_product_attention(
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    mask: np.ndarray | None,
    dropout_p: float,
    is_causal: bool,
    scale: float,
) -> Any:
    """Scores, softmax and the weighted mean of a few sequences at a time."""
    heads = query.shape[:-2]
    if len(heads) != 2 or not heads == key.shape[:-2] == value.shape[:-2]:
        return NotImplemented
    if not floats(query, key, value) or not 0 <= dropout_p < 1:
        return NotImplemented
    scores = (*query.shape[:3], key.shape[2])
    if is_causal:
        mask = np.tri(*scores[2:], dtype=bool)
    kept = None
    if dropout_p:
        kept = dropout_mask(scores, dropout_p, query.dtype)
    output, probabilities = attention(query, key, value, mask, scale, kept)
    return output, probabilities, kept


@fast.gradient_of("scaled_dot_product_attention")
def scaled_dot_product_attention_gradient(
    grad: np.ndarray,
    _output: np.ndarray,
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    _mask: np.ndarray | None,
    dropout_p: float,
    is_causal: bool,
    scale: float,
    *,
    saved: tuple[np.ndarray, np.ndarray | None],
    needed: list[bool],
) -> tuple[np.ndarray | None, ...]:
    """Back through the weighted mean, softmax and the product."""
    probabilities, kept = saved
    return attention_backward(
        grad, query, key, value, probabilities, scale, kept, mask_too=needed[3]
    )
