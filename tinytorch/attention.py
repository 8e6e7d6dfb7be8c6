"""Chapter 13: every position looks at the others and takes what it needs.

PyTorch: ATen/native/transformers/attention.cpp, nn.functional.scaled_dot_product_attention.
Source: Vaswani et al., "Attention Is All You Need" (2017), sections 3.2.1 and 3.2.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinytorch.activations import softmax
from tinytorch.arguments import Arguments, prepared
from tinytorch.layers import Linear, Module, dropout, linear
from tinytorch.tensor import Array, Tensor, operation

LOWEST = -1e30  # a score no other can be below; finite, so that differences of scores are numbers


def attention_arguments(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Arguments:
    """Check shapes and the mask's type; the mask goes among the inputs, scale is a number."""
    name = "scaled_dot_product_attention"
    shapes = f"query {query.shape}, key {key.shape}, value {value.shape}"
    if min(query.ndim, key.ndim, value.ndim) < 2 or query.shape[-1] != key.shape[-1]:
        raise ValueError(
            f"{name}: needs query (..., T, d), key (..., S, d) and value (..., S, e), got {shapes}"
        )
    if key.shape[-2] != value.shape[-2]:
        raise ValueError(f"{name}: needs a value for each key, got {shapes}")
    if attn_mask is not None:
        check_mask(attn_mask, (*query.shape[:-1], key.shape[-2]), is_causal)
    options: dict[str, Any] = {"dropout_p": dropout_p, "is_causal": is_causal}
    options["scale"] = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    return (query, key, value, attn_mask), options


def check_mask(mask: Any, scores: tuple[int, ...], is_causal: bool) -> None:
    """A mask must be bool or float, and broadcast to the scores (..., T, S)."""
    name = "scaled_dot_product_attention"
    if is_causal:
        raise ValueError(f"{name}: is_causal=True is a mask already; leave one of the two out")
    if mask.dtype.kind not in "bf":
        raise TypeError(
            f"{name}: a mask is bool (True: may look) or float (added to the scores), got "
            f"{mask.dtype}; for 1 and 0 write mask.bool()"
        )
    fits = len(mask.shape) <= len(scores) and all(
        m in (1, s) for m, s in zip(reversed(mask.shape), reversed(scores), strict=False)
    )
    if not fits:
        raise ValueError(f"{name}: a mask {mask.shape} does not broadcast to scores {scores}")


def causal_mask(queries: int, keys: int) -> Array:
    """(queries, keys) bool: True where the key is not later than the query."""
    return np.tri(queries, keys, dtype=bool)


@prepared(attention_arguments)
@operation
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """softmax(query @ key^T * scale) @ value: for each query a mean of the values.

    query (..., T, d), key (..., S, d), value (..., S, e) -> (..., T, e). attn_mask broadcasts to
    (..., T, S): bool, True where a query may look, or float, added to the scores. is_causal: only
    at keys that are not later. A query that may look nowhere gets zeros. scale: 1 / sqrt(d) unless
    given. dropout_p: the share of weights dropped, as long as this is called.
    """
    scores = (query @ key.transpose(-2, -1)) * scale
    hidden = None
    if is_causal:
        hidden = Tensor(~causal_mask(query.shape[-2], key.shape[-2]))
    elif attn_mask is not None and attn_mask.dtype == bool:
        hidden = Tensor(~attn_mask.data)
    elif attn_mask is not None:
        hidden = Tensor(attn_mask.data == -np.inf)
        scores = scores + attn_mask
    if hidden is None:
        weights = softmax(scores, -1)
    else:
        weights = softmax(scores.masked_fill(hidden, LOWEST), -1).masked_fill(hidden, 0.0)
    return dropout(weights, dropout_p) @ value


class MultiHeadAttention(Module):
    """Several attentions side by side, each in its own part of the vectors.

    embed_dim: size of the vectors, divisible by num_heads. `qkv` makes queries, keys and values in
    one product, `out` mixes what the heads found. positions: rotary positions, called with queries
    and keys (B, heads, T, d). Masks are those of `scaled_dot_product_attention`: True may look
    (`torch.nn.MultiheadAttention` has it the other way round, and returns a tuple).
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        positions: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        if min(embed_dim, num_heads) < 1 or embed_dim % num_heads:
            raise ValueError(
                f"MultiHeadAttention: embed_dim must divide by num_heads, "
                f"got {embed_dim} and {num_heads}"
            )
        self.embed_dim, self.num_heads, self.dropout = embed_dim, num_heads, dropout
        self.qkv = Linear(embed_dim, 3 * embed_dim, bias=bias)
        self.out = Linear(embed_dim, embed_dim, bias=bias)
        self.positions = positions

    def forward(
        self,
        x: Tensor,
        context: Tensor | None = None,
        attn_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """x (B, T, embed_dim) looks at context (B, S, embed_dim), or at itself -> x's shape."""
        if x.ndim != 3 or x.shape[-1] != self.embed_dim:
            raise ValueError(
                f"MultiHeadAttention: needs (B, T, {self.embed_dim}), got shape {x.shape}"
            )
        query, key, value = (self.split_heads(t) for t in self.project(x, context))
        if self.positions is not None:
            query, key = self.positions(query), self.positions(key)
        found = scaled_dot_product_attention(
            query, key, value, attn_mask, self.dropout if self.training else 0.0, is_causal
        )
        return self.out(self.merge_heads(found))

    def project(self, x: Tensor, context: Tensor | None) -> tuple[Tensor, ...]:
        """Queries of x, keys and values of the context (of x without one): each (B, T,
        embed_dim).
        """
        if context is None:
            return self.qkv(x).split(self.embed_dim, dim=-1)
        d, weight, bias = self.embed_dim, self.qkv.weight, self.qkv.bias
        query = linear(x, weight[:d], None if bias is None else bias[:d])
        both = linear(context, weight[d:], None if bias is None else bias[d:])
        return (query, *both.split(d, dim=-1))

    def split_heads(self, x: Tensor) -> Tensor:
        """(B, T, embed_dim) -> (B, heads, T, d)."""
        batch, length, dim = x.shape
        return x.reshape(batch, length, self.num_heads, dim // self.num_heads).transpose(1, 2)

    def merge_heads(self, x: Tensor) -> Tensor:
        """(B, heads, T, d) -> (B, T, embed_dim)."""
        batch, heads, length, size = x.shape
        return x.transpose(1, 2).reshape(batch, length, heads * size)
