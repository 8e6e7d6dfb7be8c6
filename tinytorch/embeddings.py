"""Chapter 12: from ids to vectors, and where in the sequence each one stands.

`embedding` takes rows of a table. Attention does not see order, so positions are put into the
vectors: added (sinusoidal or learned), or as a rotation of queries and keys.

PyTorch: ATen/native/Embedding.cpp, nn/modules/sparse.py. Sources: Vaswani et al., "Attention Is All
You Need" (2017), section 3.5; Su et al., "RoFormer" (2021).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch.arguments import Arguments, prepared
from tinytorch.creation import randn
from tinytorch.graph import gradient_of
from tinytorch.layers import Module, Parameter
from tinytorch.shape import cat
from tinytorch.tensor import Array, Tensor, array_operation


def embedding_arguments(input: Any, weight: Any) -> Arguments:
    """Check that ids are integers inside the table."""
    if input.dtype.kind not in "iu":
        raise TypeError(f"embedding: ids must be integers, got {input.dtype}")
    if weight.ndim != 2:
        raise ValueError(f"embedding: the table must be (rows, size), got shape {weight.shape}")
    ids = np.asarray(input)
    wrong = ids[(ids < 0) | (ids >= len(weight))]
    if wrong.size:
        raise IndexError(
            f"embedding: id {wrong.flat[0]} is outside a table of {len(weight)} rows; "
            "is the vocabulary of the text larger than the model's?"
        )
    return (input, weight), {}


@prepared(embedding_arguments)
@array_operation
def embedding(input: Array, weight: Array) -> Array:
    """Row `id` of the table for each id: ids (...), weight (rows, size) -> (..., size)."""
    return weight[input]


@gradient_of("embedding")
def embedding_gradient(
    grad: Array, _output: Array, input: Array, weight: Array
) -> tuple[None, Array]:
    """A row that was taken several times gets the sum of the gradients of all its places."""
    to_weight = np.zeros(weight.shape, grad.dtype)
    np.add.at(to_weight, input, grad)
    return None, to_weight


class Embedding(Module):
    """A table of vectors that learn, one for each id.

    num_embeddings: how many ids; embedding_dim: the size of a vector. weight is (num_embeddings,
    embedding_dim) and starts normal with deviation 1, as in PyTorch.
    """

    def __init__(self, num_embeddings: int, embedding_dim: int) -> None:
        if min(num_embeddings, embedding_dim) < 1:
            raise ValueError(
                f"Embedding: sizes must be at least 1, got {num_embeddings} and {embedding_dim}"
            )
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.weight = Parameter(randn(num_embeddings, embedding_dim))

    def forward(self, input: Tensor) -> Tensor:
        """Ids (...) -> vectors (..., embedding_dim)."""
        return embedding(input, self.weight)

    def extra_repr(self) -> str:
        """The sizes, as PyTorch prints them."""
        return f"{self.num_embeddings}, {self.embedding_dim}"


def sinusoidal_positions(length: int, dim: int, base: float = 10_000.0) -> Tensor:
    """Sines and cosines of the position at `dim / 2` speeds: (length, dim).

    Columns 2i and 2i + 1 are sin and cos of position / base^(2i / dim). ValueError for an odd dim.
    """
    if dim % 2:
        raise ValueError(f"sinusoidal_positions: dim must be even, got {dim}")
    angles = position_angles(length, dim, base)
    table = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
    return Tensor(table.reshape(length, dim).astype(np.float32))


def position_angles(length: int, dim: int, base: float) -> Array:
    """position / base^(2i / dim) for each position and each i < dim / 2: (length, dim / 2)."""
    speeds = base ** -(np.arange(0, dim, 2) / dim)
    return np.outer(np.arange(length), speeds)


class SinusoidalPositions(Module):
    """Adds fixed sines and cosines to vectors (B, T, dim) at positions 0 to T - 1.

    max_length: the longest sequence. Raises ValueError for a longer one.
    """

    def __init__(self, max_length: int, dim: int) -> None:
        self.table = sinusoidal_positions(max_length, dim)

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """(B, T, dim) -> (B, T, dim); the first vector stands at position `start`."""
        return x + rows_for(self.table, x.shape[-2], start, "SinusoidalPositions")


class LearnedPositions(Module):
    """Adds a vector that learns for each position: weight is (max_length, dim).

    Raises ValueError for a sequence longer than max_length.
    """

    def __init__(self, max_length: int, dim: int) -> None:
        self.weight = Parameter(randn(max_length, dim))

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """(B, T, dim) -> (B, T, dim); the first vector stands at position `start`."""
        return x + rows_for(self.weight, x.shape[-2], start, "LearnedPositions")


class RotaryPositions(Module):
    """Turns queries and keys by an angle that grows with the position.

    Feature i and feature i + dim / 2 are a point in a plane, turned by position / base^(2i / dim).
    The product of a turned query and a turned key depends only on how far apart they stand.
    """

    def __init__(self, max_length: int, dim: int, base: float = 10_000.0) -> None:
        if dim % 2:
            raise ValueError(f"RotaryPositions: dim must be even, got {dim}")
        angles = position_angles(max_length, dim, base)
        self.cos = Tensor(np.cos(angles).astype(np.float32))
        self.sin = Tensor(np.sin(angles).astype(np.float32))

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """(..., T, dim) -> the same shape; the first vector stands at position `start`."""
        cos = rows_for(self.cos, x.shape[-2], start, "RotaryPositions")
        sin = rows_for(self.sin, x.shape[-2], start, "RotaryPositions")
        return rotate(x, cos, sin)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn the points (x[i], x[i + dim / 2]): x (..., T, dim), cos and sin (T, dim / 2)."""
    half = x.shape[-1] // 2
    first, second = x[..., :half], x[..., half:]
    return cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def rows_for(table: Tensor, length: int, start: int, name: str) -> Tensor:
    """Rows start to start + length; ValueError when the table ends before."""
    if start + length > len(table):
        raise ValueError(
            f"{name}: a sequence up to position {start + length} does not fit max_length "
            f"{len(table)}"
        )
    return table[start : start + length]
