"""Chapter 14: the parts of a GPT, and the GPT.

A block lets positions exchange what they know (attention) and then thinks about it at each position
(feed-forward); both add to the vectors that run through the model.

PyTorch: nn/modules/normalization.py. Sources: Ba, Kiros and Hinton, "Layer Normalization" (2016);
Radford et al., "Language Models are Unsupervised Multitask Learners" (2019); Karpathy, nanoGPT.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tinytorch import init
from tinytorch.activations import gelu
from tinytorch.arguments import Arguments, prepared
from tinytorch.attention import MultiHeadAttention
from tinytorch.containers import ModuleList
from tinytorch.creation import ones, zeros
from tinytorch.embeddings import (
    Embedding,
    LearnedPositions,
    RotaryPositions,
    SinusoidalPositions,
)
from tinytorch.layers import Dropout, Linear, Module, Parameter
from tinytorch.losses import cross_entropy
from tinytorch.tensor import Tensor, operation


def layer_norm_arguments(
    input: Any,
    normalized_shape: int | Sequence[int],
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
) -> Arguments:
    """Check that the last dimensions are those to normalize."""
    shape = sizes(normalized_shape)
    if not shape or input.shape[-len(shape) :] != shape:
        raise ValueError(f"layer_norm: normalized_shape {shape} is not the end of {input.shape}")
    for name, parameter in (("weight", weight), ("bias", bias)):
        if parameter is not None and parameter.shape != shape:
            raise ValueError(f"layer_norm: {name} must be {shape}, got shape {parameter.shape}")
    return (input, shape, weight, bias), {"eps": eps}


def sizes(shape: int | Sequence[int]) -> tuple[int, ...]:
    """A shape given as one number or as several."""
    return (shape,) if isinstance(shape, int) else tuple(shape)


@prepared(layer_norm_arguments)
@operation
def layer_norm(
    input: Tensor,
    normalized_shape: tuple[int, ...],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Each vector with mean 0 and variance 1, then scaled and shifted.

    normalized_shape: the last dimensions, which are one vector; weight and bias have that shape.
    The variance is the mean of the squared deviations, and gradients flow through it too.
    """
    dims = tuple(range(-len(normalized_shape), 0))
    centered = input - input.mean(dims, keepdim=True)
    variance = (centered * centered).mean(dims, keepdim=True)
    result = centered / (variance + eps).sqrt()
    if weight is not None:
        result = result * weight
    return result if bias is None else result + bias


class LayerNorm(Module):
    """`layer_norm` with a weight (starts at 1) and a bias (starts at 0) that learn."""

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        self.normalized_shape = sizes(normalized_shape)
        self.eps = eps
        affine, shape = elementwise_affine, self.normalized_shape
        self.weight = Parameter(ones(shape)) if affine else None
        self.bias = Parameter(zeros(shape)) if affine and bias else None

    def forward(self, input: Tensor) -> Tensor:
        """(..., *normalized_shape) -> the same shape."""
        return layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The arguments, as PyTorch prints them."""
        affine, bias = self.weight is not None, self.bias is not None
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={affine}, bias={bias}"


class FeedForward(Module):
    """Linear, GELU, linear, at each position by itself: (..., dim) -> (..., dim)."""

    def __init__(self, dim: int, hidden: int, dropout: float = 0.0, bias: bool = True) -> None:
        self.up = Linear(dim, hidden, bias=bias)
        self.down = Linear(hidden, dim, bias=bias)
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(..., dim) -> (..., dim), through (..., hidden)."""
        return self.dropout(self.down(gelu(self.up(x), approximate="tanh")))


@dataclass(frozen=True)
class GPTConfig:
    """The shape of a GPT.

    vocab_size: ids; context: the longest sequence; dim: size of the vectors; heads and layers;
    positions: "learned", "sinusoidal" or "rotary"; tied: the table of the embedding is the weight
    of the output too. Raises ValueError for sizes that do not fit.
    """

    vocab_size: int
    context: int = 128
    dim: int = 128
    heads: int = 4
    layers: int = 4
    dropout: float = 0.0
    bias: bool = True
    positions: str = "learned"
    tied: bool = True

    def __post_init__(self) -> None:
        if min(self.vocab_size, self.context, self.dim, self.heads, self.layers) < 1:
            raise ValueError(f"GPTConfig: sizes must be at least 1, got {asdict(self)}")
        if self.dim % self.heads:
            raise ValueError(
                f"GPTConfig: dim must divide by heads, got {self.dim} and {self.heads}"
            )
        if self.positions not in ("learned", "sinusoidal", "rotary"):
            raise ValueError(
                f"GPTConfig: positions are learned, sinusoidal or rotary, not {self.positions!r}"
            )


class Block(Module):
    """Attention, then feed-forward; each normalizes what it reads and adds what it finds."""

    def __init__(self, config: GPTConfig) -> None:
        rotary = config.positions == "rotary"
        positions = RotaryPositions(config.context, config.dim // config.heads) if rotary else None
        self.norm1 = LayerNorm(config.dim, bias=config.bias)
        self.attention = MultiHeadAttention(
            config.dim, config.heads, config.dropout, config.bias, positions
        )
        self.norm2 = LayerNorm(config.dim, bias=config.bias)
        self.feed_forward = FeedForward(config.dim, 4 * config.dim, config.dropout, config.bias)
        self.dropout = Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, dim) -> (B, T, dim)."""
        x = x + self.dropout(self.attention(self.norm1(x), is_causal=True))
        return x + self.feed_forward(self.norm2(x))


class GPT(Module):
    """A language model: for each position, a score for every id that could come next."""

    def __init__(self, config: GPTConfig) -> None:
        self.config = config
        self.tokens = Embedding(config.vocab_size, config.dim)
        self.positions: Module | None = None
        if config.positions == "learned":
            self.positions = LearnedPositions(config.context, config.dim)
        elif config.positions == "sinusoidal":
            self.positions = SinusoidalPositions(config.context, config.dim)
        self.dropout = Dropout(config.dropout)
        self.blocks = ModuleList([Block(config) for _ in range(config.layers)])
        self.norm = LayerNorm(config.dim, bias=config.bias)
        self.head = Linear(config.dim, config.vocab_size, bias=False)
        if config.tied:
            self.head.weight = self.tokens.weight
        self.initialize()

    def initialize(self) -> None:
        """Weights normal with deviation 0.02, biases 0, as in GPT-2.

        What adds to the vectors starts smaller, because 2 x layers of them are summed.
        """
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                adds = name.endswith(("out.weight", "down.weight"))
                std = 0.02 / math.sqrt(2 * self.config.layers) if adds else 0.02
                init.normal_(parameter, 0.0, std)
            elif name.endswith("bias"):
                init.zeros_(parameter)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids (B, T), T at most the context -> scores (B, T, vocab_size)."""
        if ids.ndim != 2 or ids.shape[1] > self.config.context:
            raise ValueError(
                f"GPT: needs ids (B, T) with T at most {self.config.context}, got {ids.shape}"
            )
        x = self.tokens(ids)
        if self.positions is not None:
            x = self.positions(x)
        x = self.dropout(x)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))

    def loss(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Mean cross entropy in nats: ids and targets (B, T), targets the ids one place later."""
        scores = self(ids)
        return cross_entropy(scores.reshape(-1, scores.shape[-1]), targets.reshape(-1))

    def parameter_count(self) -> int:
        """How many numbers are learned; a tied table counts once."""
        return sum(parameter.numel() for parameter in self.parameters())
