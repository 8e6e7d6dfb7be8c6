"""Chapter 15: a language model writes, one token after the other.

The model gives a score for every id that could come next. How one of them is chosen is what this
chapter is about.

Sources: Holtzman et al., "The Curious Case of Neural Text Degeneration" (2020), section 3 (top-p);
Fan, Lewis and Dauphin, "Hierarchical Neural Story Generation" (2018) (top-k).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from tinytorch.autograd import no_grad
from tinytorch.random import Generator, default_generator
from tinytorch.tensor import Array, Tensor


class Tokenizer(Protocol):
    """What `generate_text` needs of a tokenizer."""

    def encode(self, text: str) -> list[int]: ...

    def decode(self, ids: Sequence[int]) -> str: ...


def keep_top_k(scores: Array, k: int) -> Array:
    """The k highest scores (vocab_size,); the others become -inf. Ties with the k-th stay."""
    if k < 1:
        raise ValueError(f"keep_top_k: k must be at least 1, got {k}")
    if k >= len(scores):
        return scores
    threshold = np.sort(scores)[-k]
    return np.where(scores < threshold, -np.inf, scores)


def keep_top_p(scores: Array, p: float) -> Array:
    """The most probable ids that together reach probability p; the others become -inf.

    The most probable one always stays.
    """
    if not 0 < p <= 1:
        raise ValueError(f"keep_top_p: p must be above 0 and at most 1, got {p}")
    order = np.argsort(-scores, kind="stable")
    chances = probabilities(scores)[order]
    reached_before = np.cumsum(chances) - chances
    kept = np.full_like(scores, -np.inf)
    inside = order[reached_before < p]
    kept[inside] = scores[inside]
    return kept


def probabilities(scores: Array) -> Array:
    """softmax(scores) of one row, in float64; -inf becomes 0."""
    powers = np.exp(scores.astype(np.float64) - scores.max())
    return powers / powers.sum()


def choose(
    scores: Array,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: Generator | None = None,
) -> int:
    """Draw an id by its probability, from scores (vocab_size,).

    temperature: scores are divided by it: below 1 bolder, above 1 more even; 0 takes the highest
    score (greedy). top_k, top_p: leave out what is improbable. Raises ValueError when the highest
    score is not a finite number.
    """
    if temperature < 0:
        raise ValueError(f"choose: the temperature must be at least 0, got {temperature}")
    if not np.isfinite(scores.max()):  # the maximum of numbers and a NaN is NaN
        raise ValueError(f"choose: the highest score is {scores.max()}; did the training diverge?")
    if temperature == 0:
        return int(np.argmax(scores))
    scores = scores / temperature
    if top_k is not None:
        scores = keep_top_k(scores, top_k)
    if top_p is not None:
        scores = keep_top_p(scores, top_p)
    drawn = (generator or default_generator).numpy.random()
    ends = np.cumsum(probabilities(scores))
    return int(np.searchsorted(ends, drawn * ends[-1], side="right"))


@no_grad()
def stream(
    model: Any,
    ids: Sequence[int],
    max_new_tokens: int,
    context: int | None = None,
    stop: Collection[int] = (),
    **choice: Any,
) -> Iterator[int]:
    """Yield new ids one by one, each as soon as it is chosen.

    model: ids (1, T) -> scores (1, T, vocab_size). ids: what to go on from, at least one. context:
    how many ids the model sees (its config's unless given). stop: an id of these ends it, and is
    not given. choice: arguments of `choose`. The model is in eval mode while it runs.
    """
    written = [int(i) for i in ids]
    if not written:
        raise ValueError("stream: needs at least one id to go on from")
    if context is None:
        context = model.config.context
    was_training = model.training
    model.eval()
    try:
        for _ in range(max_new_tokens):
            seen = Tensor([written[-context:]])
            scores = model(seen).data[0, -1]
            new = choose(scores, **choice)
            if new in stop:
                return
            written.append(new)
            yield new
    finally:
        model.train(was_training)


def generate(model: Any, ids: Sequence[int], max_new_tokens: int, **options: Any) -> list[int]:
    """`ids` and up to `max_new_tokens` new ones; options are those of `stream` and `choose`."""
    return [*(int(i) for i in ids), *stream(model, ids, max_new_tokens, **options)]


def stream_text(
    model: Any, tokenizer: Tokenizer, prompt: str, max_new_tokens: int, **options: Any
) -> Iterator[str]:
    """Yield new text piece by piece; a character that takes several tokens comes when it is whole.

    Options are those of `stream` and `choose`.
    """
    waiting: list[int] = []
    for new in stream(model, tokenizer.encode(prompt), max_new_tokens, **options):
        waiting.append(new)
        piece = tokenizer.decode(waiting)
        if not piece.endswith("\N{REPLACEMENT CHARACTER}"):
            yield piece
            waiting = []
    if waiting:
        yield tokenizer.decode(waiting)


def generate_text(
    model: Any, tokenizer: Tokenizer, prompt: str, max_new_tokens: int, **options: Any
) -> str:
    """The prompt and what the model writes after it."""
    return prompt + "".join(stream_text(model, tokenizer, prompt, max_new_tokens, **options))
