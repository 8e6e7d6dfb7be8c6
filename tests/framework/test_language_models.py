"""Chapters 12 to 15: positions, attention, GPT and generation do what they say."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tinytorch as torch
from tinytorch import nn
from tinytorch.attention import MultiHeadAttention
from tinytorch.embeddings import (
    LearnedPositions,
    RotaryPositions,
    SinusoidalPositions,
    sinusoidal_positions,
)
from tinytorch.generation import (
    choose,
    generate,
    generate_text,
    keep_top_k,
    keep_top_p,
    probabilities,
    stream,
    stream_text,
)
from tinytorch.nn import functional
from tinytorch.random import Generator
from tinytorch.tokenization import BytePairTokenizer, CharTokenizer
from tinytorch.transformers import GPT, Block, GPTConfig

CONFIG = GPTConfig(vocab_size=11, context=8, dim=12, heads=3, layers=2)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


# Embeddings and positions. ------------------------------------------------------------------------


def test_sinusoidal_positions_are_the_formula() -> None:
    table = sinusoidal_positions(50, 6).numpy()
    for position in (0, 1, 49):
        for i in range(3):
            angle = position / 10_000 ** (2 * i / 6)
            assert table[position, 2 * i] == pytest.approx(math.sin(angle), abs=1e-6)
            assert table[position, 2 * i + 1] == pytest.approx(math.cos(angle), abs=1e-6)


def test_rotary_scores_depend_only_on_the_distance() -> None:
    rotary = RotaryPositions(64, 8)
    query, key = torch.randn(1, 8), torch.randn(1, 8)

    def score(at_query: int, at_key: int) -> float:
        return float((rotary(query, at_query) @ rotary(key, at_key).T).item())

    assert score(5, 2) == pytest.approx(score(40, 37), abs=1e-4)
    assert score(5, 2) != pytest.approx(score(5, 3), abs=1e-4)
    assert score(0, 0) == pytest.approx(float((query @ key.T).item()), abs=1e-5)


def test_rotary_keeps_lengths_and_starts_where_told() -> None:
    rotary = RotaryPositions(16, 4)
    x = torch.randn(2, 3, 16, 4)
    turned = rotary(x).numpy()
    assert np.allclose(
        np.linalg.norm(turned, axis=-1), np.linalg.norm(x.numpy(), axis=-1), atol=1e-5
    )
    assert np.allclose(rotary(x[:, :, 5:9], 5).numpy(), turned[:, :, 5:9], atol=1e-6)


@pytest.mark.parametrize("kind", [SinusoidalPositions, LearnedPositions])
def test_added_positions_tell_places_apart(kind) -> None:
    positions = kind(6, 4)
    added = positions(torch.zeros(2, 6, 4)).numpy()
    assert len(np.unique(added[0].round(5), axis=0)) == 6
    assert np.array_equal(positions(torch.zeros(1, 2, 4), 3).numpy()[0], added[0, 3:5])
    with pytest.raises(ValueError, match=r"up to position 7 does not fit max_length 6"):
        positions(torch.zeros(1, 7, 4))


@pytest.mark.parametrize("kernels", ["plain", "fast"])
def test_ids_outside_the_table_are_named(kernels: str) -> None:
    before = torch.use_kernels(kernels)
    try:
        layer = nn.Embedding(5, 2)
        with pytest.raises(IndexError, match="embedding: id 5 is outside a table of 5 rows"):
            layer(torch.tensor([0, 5]))
        with pytest.raises(IndexError, match="id -1"):
            layer(torch.tensor([-1]))
        with pytest.raises(TypeError, match="ids must be integers, got float32"):
            layer(torch.tensor([1.0]))
    finally:
        torch.use_kernels(before)


# Attention. ---------------------------------------------------------------------------------------


def qkv(*shape: int) -> list[torch.Tensor]:
    return [torch.randn(*shape) for _ in range(3)]


def test_attention_rows_differ_and_average_the_values() -> None:
    query, key, _ = qkv(1, 2, 5, 4)
    value = torch.eye(5).reshape(1, 1, 5, 5).expand(1, 2, 5, 5)
    rows = functional.scaled_dot_product_attention(query, key, value, is_causal=True).numpy()
    assert np.allclose(rows.sum(-1), 1, atol=1e-6)
    assert np.allclose(rows[..., 0, 0], 1)
    assert (np.triu(rows, 1) == 0).all()
    uniform = np.tril(np.ones((5, 5))) / np.arange(1, 6)[:, None]
    assert np.abs(rows[0, 0] - uniform).max() > 0.05, "the scores must matter"
    assert np.abs(rows[0, 0] - rows[0, 1]).max() > 0.05


def test_the_future_cannot_be_seen() -> None:
    model = GPT(CONFIG).eval()
    ids = torch.randint(0, 11, (1, 8))
    scores = model(ids).detach().numpy()
    changed = ids.clone()
    changed[0, 5] = (changed[0, 5].item() + 1) % 11
    after = model(changed).detach().numpy()
    assert np.allclose(scores[0, :5], after[0, :5], atol=1e-6)
    assert np.abs(scores[0, 5:] - after[0, 5:]).max() > 1e-4


def test_boolean_and_additive_masks_say_the_same_in_their_own_way() -> None:
    query, key, value = qkv(2, 2, 4, 3)
    allowed = np.tri(4, dtype=bool)
    attention = functional.scaled_dot_product_attention
    boolean = attention(query, key, value, torch.tensor(allowed)).numpy()
    added = np.where(allowed, 0, -np.inf).astype(np.float32)
    assert np.allclose(
        attention(query, key, value, torch.tensor(added)).numpy(), boolean, atol=1e-6
    )
    assert np.allclose(attention(query, key, value, is_causal=True).numpy(), boolean, atol=1e-6)
    with pytest.raises(
        TypeError, match=r"bool \(True: may look\) or float .* got int64.*mask.bool"
    ):
        attention(query, key, value, torch.tensor(allowed.astype(np.int64)))


def test_bad_attention_shapes_are_named() -> None:
    query, key, value = qkv(1, 2, 4, 3)
    attention = functional.scaled_dot_product_attention
    with pytest.raises(ValueError, match=r"needs query \(..., T, d\).* got query \(1, 2, 4, 3\)"):
        attention(query, key[..., :2], value)
    with pytest.raises(ValueError, match="a value for each key"):
        attention(query, key, value[:, :, :3])
    with pytest.raises(ValueError, match=r"a mask \(3, 4\) does not broadcast to scores \(1, 2, 4"):
        attention(query, key, value, torch.ones(3, 4, dtype=torch.bool))
    with pytest.raises(ValueError, match="is_causal=True is a mask already"):
        attention(query, key, value, torch.ones(4, 4, dtype=torch.bool), is_causal=True)
    with pytest.raises(ValueError, match="embed_dim must divide by num_heads, got 10 and 3"):
        MultiHeadAttention(10, 3)


def test_attention_dropout_only_while_training() -> None:
    layer = MultiHeadAttention(12, 3, dropout=0.5)
    x = torch.randn(1, 6, 12)
    assert not np.allclose(layer(x).detach().numpy(), layer(x).detach().numpy())
    layer.eval()
    assert np.array_equal(layer(x).detach().numpy(), layer(x).detach().numpy())


def test_looking_at_itself_equals_looking_at_a_context_that_is_itself() -> None:
    layer = MultiHeadAttention(12, 3)
    x = torch.randn(2, 5, 12)
    assert np.allclose(layer(x).detach().numpy(), layer(x, x).detach().numpy(), atol=1e-6)
    assert layer(x, torch.randn(2, 9, 12)).shape == (2, 5, 12)


def test_heads_are_split_and_merged_without_mixing() -> None:
    layer = MultiHeadAttention(12, 3)
    x = torch.randn(2, 5, 12)
    heads = layer.split_heads(x)
    assert heads.shape == (2, 3, 5, 4)
    assert np.array_equal(heads.numpy()[:, 1], x.numpy()[:, :, 4:8])
    assert np.array_equal(layer.merge_heads(heads).numpy(), x.numpy())


# Transformers. ------------------------------------------------------------------------------------


@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary"])
@pytest.mark.parametrize("tied", [True, False])
def test_every_parameter_of_a_gpt_learns(positions: str, tied: bool) -> None:
    config = GPTConfig(11, 8, 12, 3, 2, dropout=0.1, positions=positions, tied=tied)
    model = GPT(config)
    before = {name: p.numpy().copy() for name, p in model.named_parameters()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    ids, targets = torch.randint(0, 11, (4, 8)), torch.randint(0, 11, (4, 8))
    first = model.loss(ids, targets)
    for _ in range(40):
        optimizer.zero_grad()
        model.loss(ids, targets).backward()
        optimizer.step()
    for name, p in model.named_parameters():
        assert p.grad is not None, name
        assert np.abs(p.numpy() - before[name]).max() > 1e-3, name
    assert first.item() == pytest.approx(math.log(11), abs=0.1), "starts without an opinion"
    assert model.eval().loss(ids, targets).item() < first.item() - 0.8


def test_tied_weights_are_one_parameter() -> None:
    model = GPT(CONFIG)
    assert model.head.weight is model.tokens.weight
    count = 11 * 12 + 8 * 12 + 12 * 2
    count += 2 * (2 * 24 + (12 * 36 + 36) + (12 * 12 + 12) + (12 * 48 + 48) + (48 * 12 + 12))
    assert model.parameter_count() == count
    untied = GPT(GPTConfig(11, 8, 12, 3, 2, tied=False))
    assert untied.parameter_count() == count + 11 * 12
    model.load_state_dict(model.state_dict())
    assert model.head.weight is model.tokens.weight


def test_a_gpt_without_biases_has_none() -> None:
    names = [name for name, _ in GPT(GPTConfig(11, 8, 12, 3, 1, bias=False)).named_parameters()]
    assert not [name for name in names if name.endswith("bias")]


def test_residual_projections_start_smaller() -> None:
    model = GPT(GPTConfig(50, 8, 64, 4, 8))
    block = model.blocks[0]
    assert block.attention.qkv.weight.numpy().std() == pytest.approx(0.02, rel=0.05)
    for layer in (block.attention.out, block.feed_forward.down):
        assert layer.weight.numpy().std() == pytest.approx(0.02 / 4, rel=0.05)


def test_bad_configurations_and_inputs_are_named() -> None:
    with pytest.raises(ValueError, match="dim must divide by heads, got 10 and 3"):
        GPTConfig(5, dim=10, heads=3)
    with pytest.raises(ValueError, match="learned, sinusoidal or rotary, not 'none'"):
        GPTConfig(5, positions="none")
    with pytest.raises(ValueError, match="sizes must be at least 1"):
        GPTConfig(0)
    with pytest.raises(ValueError, match=r"T at most 8, got \(1, 9\)"):
        GPT(CONFIG)(torch.zeros(1, 9, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"normalized_shape \(4,\) is not the end of \(2, 3\)"):
        nn.LayerNorm(4)(torch.zeros(2, 3))
    with pytest.raises(ValueError, match=r"layer_norm: weight must be \(3,\), got shape \(2,\)"):
        functional.layer_norm(torch.zeros(2, 3), 3, torch.ones(2))
    assert Block(CONFIG)(torch.zeros(1, 8, 12)).shape == (1, 8, 12)


# Generation. --------------------------------------------------------------------------------------

SCORES = np.log(np.array([0.5, 0.25, 0.15, 0.1], np.float32))


def drawn(count: int = 4000, **options: Any) -> np.ndarray:
    generator = Generator().manual_seed(0)
    ids = [choose(SCORES, generator=generator, **options) for _ in range(count)]
    return np.bincount(ids, minlength=4) / count


def test_ids_are_drawn_by_their_probability() -> None:
    assert np.allclose(drawn(), [0.5, 0.25, 0.15, 0.1], atol=0.03)


def test_temperature_sharpens_and_flattens() -> None:
    sharp = np.array([0.5, 0.25, 0.15, 0.1]) ** 2
    assert np.allclose(drawn(temperature=0.5), sharp / sharp.sum(), atol=0.03)
    assert np.allclose(drawn(temperature=100.0), 0.25, atol=0.03)
    assert drawn(50, temperature=0).tolist() == [1, 0, 0, 0]


def test_top_k_and_top_p_leave_out_the_improbable() -> None:
    assert np.allclose(drawn(top_k=2), [2 / 3, 1 / 3, 0, 0], atol=0.03)
    assert np.allclose(drawn(top_p=0.7), [2 / 3, 1 / 3, 0, 0], atol=0.03)
    assert drawn(50, top_p=0.01).tolist() == [1, 0, 0, 0]
    assert drawn(50, top_k=1).tolist() == [1, 0, 0, 0]
    assert np.isfinite(keep_top_k(SCORES, 9)).all()
    assert np.isfinite(keep_top_p(SCORES, 1.0)).all()
    assert probabilities(keep_top_p(SCORES, 0.76)).round(3).tolist() == [0.556, 0.278, 0.167, 0]


def test_bad_choices_are_named() -> None:
    with pytest.raises(ValueError, match="the temperature must be at least 0, got -1"):
        choose(SCORES, temperature=-1)
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        choose(SCORES, top_k=0)
    with pytest.raises(ValueError, match=r"p must be above 0 and at most 1, got 1\.5"):
        choose(SCORES, top_p=1.5)
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match=f"highest score is {bad}"):
            choose(np.array([0.0, bad]))
    with pytest.raises(ValueError, match="highest score is -inf"):
        choose(np.array([-np.inf, -np.inf]))
    with pytest.raises(ValueError, match="at least one id"):
        generate(GPT(CONFIG), [], 3)


class Counter(nn.Module):
    """Says that the id after n is n + 1, and remembers what it was shown."""

    def __init__(self) -> None:
        self.config = CONFIG
        self.seen: list[int] = []

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        assert not torch.is_grad_enabled()
        assert not self.training
        self.seen.append(ids.shape[1])
        return functional.one_hot((ids + 1) % 200, 200).float() * 50


def test_generation_goes_on_stops_and_keeps_to_the_context() -> None:
    model = Counter()
    assert generate(model, [3], 4) == [3, 4, 5, 6, 7]
    assert model.training, "put back as it was"
    assert generate(model, [3], 50, stop={6}) == [3, 4, 5]
    model.seen = []
    generate(model, [1, 2], 10)
    assert max(model.seen) == CONFIG.context
    assert generate(model, [1], 0) == [1]


def test_tokens_come_one_by_one() -> None:
    model = Counter()
    tokens = stream(model, [3], 100)
    assert next(tokens) == 4
    assert torch.is_grad_enabled(), "the caller's own code is recorded"
    assert next(tokens) == 5
    assert len(model.seen) == 2
    tokens.close()
    assert model.training


def test_text_comes_in_whole_characters() -> None:
    tokenizer = BytePairTokenizer([])
    model = Counter()
    assert generate_text(model, tokenizer, "a", 3) == "abcd"
    pieces = list(stream_text(model, CharTokenizer("".join(map(chr, range(200)))), "\x41", 2))
    assert pieces == ["B", "C"]


class Spelling(nn.Module):
    """Writes a fixed text, whatever it sees."""

    def __init__(self, ids: list[int]) -> None:
        self.config = CONFIG
        self.ids = iter(ids)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return functional.one_hot(torch.tensor([[next(self.ids)]]), 256).float() * 50


def test_a_character_of_several_tokens_waits_until_it_is_whole() -> None:
    tokenizer = BytePairTokenizer([])
    model = Spelling(tokenizer.encode("é!🙂"))
    assert list(stream_text(model, tokenizer, "x", 7)) == ["é", "!", "🙂"]


def test_same_seed_same_text() -> None:
    model = GPT(CONFIG)

    def run(seed: int) -> list[int]:
        return generate(model, [1], 20, generator=Generator().manual_seed(seed))

    assert run(1) == run(1)
    assert run(1) != run(2)
