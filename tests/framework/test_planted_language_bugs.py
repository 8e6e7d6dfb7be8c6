"""More bugs that are easy to write, planted in chapters 09 to 15: the suite catches each."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinytorch
from tinytorch import attention, embeddings, generation, normalization, spatial, tokenization
from tinytorch.autograd import rules
from tinytorch.tensor import Tensor

pytest.importorskip("torch")
Patch = pytest.MonkeyPatch
HERE = Path(__file__).parent


def load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"planted_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


parity = load(HERE.parent / "parity" / "test_images_and_text.py")
language = load(HERE / "test_language_models.py")
words = load(HERE / "test_tokenization.py")


@pytest.fixture(autouse=True)
def plain_kernels() -> Iterator[None]:
    before = tinytorch.use_kernels("plain")
    yield
    tinytorch.use_kernels(before)


def agrees(case: str) -> Callable[[], None]:
    """The case of the parity suite, on every seed it has."""

    def check() -> None:
        for seed in range(6):
            parity.test_forward_and_gradients_agree_with_pytorch(getattr(parity, case), seed)

    return check


def lost_duplicates(patch: Patch) -> None:
    """weight[ids] += grad counts an id that occurs twice once."""

    def rule(grad: Any, _output: Any, ids: Any, weight: Any) -> Any:
        to_weight = np.zeros_like(weight)
        to_weight[ids] += grad
        return None, to_weight

    patch.setitem(rules, "embedding", rule)


def causal_by_one_too_many(patch: Patch) -> None:
    patch.setattr(attention, "causal_mask", lambda t, s: np.tri(t, s, 1, dtype=bool))


def hidden_keys_keep_some_weight(patch: Patch) -> None:
    patch.setattr(attention, "LOWEST", -1.0)


def windows_overwrite_each_other(patch: Patch) -> None:
    """fold that assigns in place of adding."""
    right = spatial.fold

    def fold(columns: Any, shape: Any, kernel: Any, stride: Any, *rest: Any) -> Any:
        counts = right(np.ones_like(columns), shape, kernel, stride, *rest)
        return right(columns, shape, kernel, stride, *rest) / np.maximum(counts, 1)

    patch.setattr(spatial, "fold", fold)


def padding_of_zeros_wins_the_maximum(patch: Patch) -> None:
    right = spatial.pad_images
    patch.setattr(spatial, "pad_images", lambda x, padding, value=0.0: right(x, padding))


def every_largest_value_gets_the_gradient(patch: Patch) -> None:
    def rule(grad: Any, output: Any, x: Any, **_options: Any) -> Any:
        def up(a: Any) -> Any:
            return a.repeat(2, axis=2).repeat(2, axis=3)

        return (x == up(output)) * up(grad)

    patch.setitem(rules, "max_pool2d", rule)


def running_statistics_are_replaced(patch: Patch) -> None:
    def follow(running: Any, value: Any, momentum: float) -> None:
        running.copy_(value.detach().reshape(-1))

    patch.setattr(normalization, "follow", follow)


def rotation_of_neighbors(patch: Patch) -> None:
    """Rotating by the same angle in every plane, whatever its speed."""
    right = embeddings.rotate
    patch.setattr(embeddings, "rotate", lambda x, cos, sin: right(x, cos, cos))


def top_p_without_the_one_that_reaches_it(patch: Patch) -> None:
    def keep(scores: Any, p: float) -> Any:
        chances = generation.probabilities(scores)
        order = np.argsort(-scores)
        inside = order[np.cumsum(chances[order]) <= p]
        kept = np.full_like(scores, -np.inf)
        kept[inside] = scores[inside]
        return kept

    patch.setattr(generation, "keep_top_p", keep)


def merges_overlap(patch: Patch) -> None:
    def merge(ids: Any, pair: Any, new: int) -> list[int]:
        return [new if two == pair else two[0] for two in zip(ids, [*ids[1:], -1], strict=True)]

    patch.setattr(tokenization, "merge_pair", merge)


def heads_mixed_with_positions(patch: Patch) -> None:
    """reshape straight to (B, heads, T, d), without the transpose."""

    def split(self: Any, x: Tensor) -> Tensor:
        batch, length, dim = x.shape
        return x.reshape(batch, self.num_heads, length, dim // self.num_heads)

    patch.setattr(attention.MultiHeadAttention, "split_heads", split)


PLANTED: list[tuple[Callable[[Patch], None], Callable[[], None]]] = [
    (lost_duplicates, agrees("embedding")),
    (causal_by_one_too_many, language.test_attention_rows_differ_and_average_the_values),
    (causal_by_one_too_many, language.test_the_future_cannot_be_seen),
    (hidden_keys_keep_some_weight, agrees("attention_boolean_mask")),
    (windows_overwrite_each_other, agrees("conv2d_square")),
    (padding_of_zeros_wins_the_maximum, agrees("max_pool2d")),
    (every_largest_value_gets_the_gradient, agrees("max_pool2d_ties")),
    (running_statistics_are_replaced, agrees("batch_norm")),
    (rotation_of_neighbors, language.test_rotary_scores_depend_only_on_the_distance),
    (top_p_without_the_one_that_reaches_it, language.test_top_k_and_top_p_leave_out_the_improbable),
    (merges_overlap, words.test_incremental_training_on_prose),
    (heads_mixed_with_positions, language.test_heads_are_split_and_merged_without_mixing),
]


@pytest.mark.parametrize(("plant", "check"), PLANTED, ids=[p.__name__ for p, _ in PLANTED])
def test_the_bug_is_caught(plant, check, monkeypatch) -> None:
    tinytorch.manual_seed(0)
    check()
    plant(monkeypatch)
    tinytorch.manual_seed(0)
    with pytest.raises((AssertionError, IndexError, ValueError)):
        check()
