"""Chapter 11: every text comes back, and training is repeatable and fast."""

from __future__ import annotations

import random
import time
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytorch.tokenization import (
    BytePairTokenizer,
    CharTokenizer,
    learn_merges,
    merge_pair,
    split_words,
)

PROSE = "the cat sat on the mat. the cats sat, the mats: that's that.\n" * 5


def slow_merges(text: str, number: int) -> list[tuple[int, int]]:
    """The definition: count everything again for each merge."""
    words = [list(word.encode()) for word in split_words(text)]
    merges = []
    for step in range(number):
        counts = Counter((a, b) for ids in words for a, b in pairwise(ids))
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        words = [merge_pair(ids, best, 256 + step) for ids in words]
        merges.append(best)
    return merges


@given(st.text())
def test_words_join_to_the_text(text: str) -> None:
    assert "".join(split_words(text)) == text


@given(st.text())
def test_any_text_round_trips_through_byte_pairs(text: str) -> None:
    tokenizer = BytePairTokenizer.train(PROSE, 300)
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(st.text())
def test_text_round_trips_through_byte_pairs_learned_from_it(text: str) -> None:
    tokenizer = BytePairTokenizer.train(text, 400)
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(st.text())
def test_text_round_trips_through_its_characters(text: str) -> None:
    tokenizer = CharTokenizer.train(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text


@given(st.text(alphabet="aab \n", max_size=200))
def test_incremental_training_learns_what_the_definition_says(text: str) -> None:
    assert learn_merges(text, 30) == slow_merges(text, 30)


def test_incremental_training_on_prose() -> None:
    assert learn_merges(PROSE, 60) == slow_merges(PROSE, 60)


def test_known_merges() -> None:
    # "aaabdaaabac": aa first; then (ab, ac, aab ... tie) the smallest pair among the most frequent.
    assert learn_merges("aaabdaaabac", 3) == [(97, 97), (97, 98), (256, 257)]
    assert BytePairTokenizer([(97, 97), (256, 98)]).encode("aaab") == [256, 97, 98]


def test_merge_pair_goes_from_left_to_right_without_overlap() -> None:
    assert merge_pair([7, 7, 7], (7, 7), 256) == [256, 7]
    assert merge_pair([1, 2, 1, 2, 3], (1, 2), 9) == [9, 9, 3]


def test_merges_shorten_the_text_and_stay_inside_words() -> None:
    tokenizer = BytePairTokenizer.train(PROSE, 320)
    assert len(tokenizer.encode(PROSE)) < len(PROSE) / 2
    assert all(b" " not in piece.lstrip(b" ") for piece in tokenizer.bytes_of if piece.strip())


def test_a_thousand_merges_on_a_megabyte_take_seconds() -> None:
    choose = random.Random(0)
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    words = ["".join(choose.choices(letters, k=choose.randint(2, 9))) for _ in range(30_000)]
    text = " ".join(choose.choices(words, k=160_000))
    assert len(text) > 1_000_000
    start = time.process_time()
    tokenizer = BytePairTokenizer.train(text, 1256)
    assert time.process_time() - start < 30
    assert tokenizer.vocab_size == 1256


@pytest.mark.parametrize("kind", [CharTokenizer, BytePairTokenizer])
def test_saved_tokenizer_comes_back(kind, tmp_path) -> None:
    text = PROSE + "naïve 你好 🙂 \x00"
    tokenizer = kind.train(text) if kind is CharTokenizer else kind.train(text, 300)
    tokenizer.save(tmp_path / "tokenizer.json")
    again = kind.load(tmp_path / "tokenizer.json")
    assert again.vocab_size == tokenizer.vocab_size
    assert again.encode(text) == tokenizer.encode(text)
    assert again.decode(again.encode(text)) == text
    other = BytePairTokenizer if kind is CharTokenizer else CharTokenizer
    with pytest.raises(ValueError, match="holds no"):
        other.load(tmp_path / "tokenizer.json")


def test_bytes_of_half_a_character_decode_to_the_replacement_sign() -> None:
    tokenizer = BytePairTokenizer([])
    assert tokenizer.decode(tokenizer.encode("é")[:1]) == "�"


def test_errors_name_what_is_wrong_and_the_way_out() -> None:
    characters = CharTokenizer("ab")
    with pytest.raises(ValueError, match=r"'z' is not in the vocabulary of 2.*BytePairTokenizer"):
        characters.encode("az")
    with pytest.raises(ValueError, match=r"id 2 at position 1 .* vocabulary of 2"):
        characters.decode([0, 2])
    with pytest.raises(ValueError, match="id -1"):
        BytePairTokenizer([]).decode([-1])
    with pytest.raises(ValueError, match="twice"):
        CharTokenizer("aa")
    with pytest.raises(ValueError, match="256 bytes come first"):
        BytePairTokenizer.train("text", 100)
    with pytest.raises(ValueError, match="merge 0 joins 97 and 300"):
        BytePairTokenizer([(97, 300)])
