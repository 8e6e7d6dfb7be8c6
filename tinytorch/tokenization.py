"""Chapter 11: text becomes integers, and integers become the same text again.

Two tokenizers with one interface: `train`, `encode`, `decode`, `save`, `load`, `vocab_size`.
`CharTokenizer` has one id a character. `BytePairTokenizer` starts from the 256 bytes, which can
write any text there is, and gives the most frequent pair of neighbors an id of its own, again and
again.

Source: Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units"
(2016); on bytes: Radford et al., "Language Models are Unsupervised Multitask Learners" (2019).
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

Pair = tuple[int, int]

# Letters, digits or signs with the space before them, or spaces: every character is in one word.
WORD = re.compile(r" ?[^\W\d_]+| ?\d+| ?(?:[^\w\s]|_)+|\s+(?!\S)|\s+")


class CharTokenizer:
    """One id for each character of a vocabulary.

    vocabulary: the characters, in the order of their ids, each once.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = list(vocabulary)
        self.ids = {character: number for number, character in enumerate(self.vocabulary)}
        if len(self.ids) != len(self.vocabulary):
            raise ValueError("CharTokenizer: a character is in the vocabulary twice")

    @classmethod
    def train(cls, text: str) -> CharTokenizer:
        """A tokenizer for the characters of `text`, in code point order."""
        return cls(sorted(set(text)))

    @property
    def vocab_size(self) -> int:
        """How many ids there are."""
        return len(self.vocabulary)

    def encode(self, text: str) -> list[int]:
        """The id of each character. ValueError names a character that is not in the vocabulary."""
        try:
            return [self.ids[character] for character in text]
        except KeyError as error:
            raise ValueError(
                f"CharTokenizer.encode: character {error.args[0]!r} is not in the vocabulary of "
                f"{self.vocab_size}; train on a text that has it, or use BytePairTokenizer"
            ) from None

    def decode(self, ids: Iterable[int]) -> str:
        """The text of the ids. ValueError names an id outside the vocabulary."""
        return "".join(self.vocabulary[i] for i in checked(ids, self.vocab_size, "CharTokenizer"))

    def save(self, path: str | Path) -> None:
        """Write the vocabulary to a JSON file."""
        content = {"tokenizer": "char", "vocabulary": self.vocabulary}
        Path(path).write_text(json.dumps(content), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> CharTokenizer:
        """The tokenizer that `save` wrote."""
        return cls(read_saved(path, "char", "vocabulary"))


def split_words(text: str) -> list[str]:
    """Cut text into words, each with the space before it; joined they are the text again.

    Merges stay inside words, so equal words are counted once, and no token spans two words.
    """
    return WORD.findall(text)


def merge_pair(ids: Sequence[int], pair: Pair, new: int) -> list[int]:
    """Replace each occurrence of `pair`, from left to right, by the id `new`."""
    merged: list[int] = []
    position = 0
    while position < len(ids):
        if position + 1 < len(ids) and (ids[position], ids[position + 1]) == pair:
            merged.append(new)
            position += 2
        else:
            merged.append(ids[position])
            position += 1
    return merged


def count_pairs(words: dict[str, int]) -> Counter[Pair]:
    """How often each pair of neighboring bytes occurs; words: word -> how often it occurs."""
    counts: Counter[Pair] = Counter()
    for word, times in words.items():
        for pair in pairwise(word.encode("utf-8")):
            counts[pair] += times
    return counts


def most_frequent(counts: Counter[Pair]) -> Pair:
    """The pair with the highest count; among equals the smallest, so training is repeatable."""
    highest = max(counts.values())
    return min(pair for pair, count in counts.items() if count == highest)


def learn_merges(text: str, number: int) -> list[Pair]:
    """The first `number` merges of byte pairs for `text` (fewer when no pair is left).

    Merge k makes id 256 + k. The counts are kept up to date: a merge looks again only at the words
    that contain its pair, which is what makes a thousand merges a matter of seconds.
    """
    words = Counter(split_words(text))
    spelled = {word: list(word.encode("utf-8")) for word in words}
    counts = count_pairs(words)
    words_with: dict[Pair, set[str]] = defaultdict(set)
    for word, ids in spelled.items():
        for pair in pairwise(ids):
            words_with[pair].add(word)

    merges: list[Pair] = []
    while counts and len(merges) < number:
        best = most_frequent(counts)
        for word in words_with.pop(best):
            before = spelled[word]
            after = spelled[word] = merge_pair(before, best, 256 + len(merges))
            for pair in pairwise(before):
                counts[pair] -= words[word]
            for pair in pairwise(after):
                counts[pair] += words[word]
                words_with[pair].add(word)
            for pair in pairwise(before):
                if counts[pair] == 0:
                    del counts[pair]
        merges.append(best)
    return merges


class BytePairTokenizer:
    """Ids for the 256 bytes and for learned pairs; encodes any text.

    merges: the pairs in the order learned; pair k has id 256 + k and is made of earlier ids.
    """

    def __init__(self, merges: Iterable[Sequence[int]]) -> None:
        self.ranks: dict[Pair, int] = {}
        self.bytes_of = [bytes([value]) for value in range(256)]
        for first, second in merges:
            if not 0 <= min(first, second) <= max(first, second) < self.vocab_size:
                raise ValueError(
                    f"BytePairTokenizer: merge {len(self.ranks)} joins {first} and {second}, "
                    f"but only ids below {self.vocab_size} exist there"
                )
            self.ranks[(first, second)] = len(self.ranks)
            self.bytes_of.append(self.bytes_of[first] + self.bytes_of[second])
        self.known: dict[str, list[int]] = {}

    @classmethod
    def train(cls, text: str, vocab_size: int) -> BytePairTokenizer:
        """Learn `vocab_size - 256` merges from `text`. ValueError for less than 256 ids."""
        if vocab_size < 256:
            raise ValueError(
                f"BytePairTokenizer.train: vocab_size is {vocab_size}, but the 256 bytes come first"
            )
        return cls(learn_merges(text, vocab_size - 256))

    @property
    def vocab_size(self) -> int:
        """How many ids there are."""
        return len(self.bytes_of)

    def encode(self, text: str) -> list[int]:
        """The ids of `text`: each word's bytes with the merges applied in the order learned."""
        ids: list[int] = []
        for word in split_words(text):
            if word not in self.known:
                self.known[word] = self.encode_word(word)
            ids += self.known[word]
        return ids

    def encode_word(self, word: str) -> list[int]:
        """The ids of one word: apply the earliest merge that fits until none does."""
        ids = list(word.encode("utf-8"))
        while len(ids) > 1:
            pair = min(pairwise(ids), key=lambda pair: self.ranks.get(pair, len(self.ranks)))
            if pair not in self.ranks:
                break
            ids = merge_pair(ids, pair, 256 + self.ranks[pair])
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """The text of the ids; bytes that are not a whole character yet become U+FFFD.

        ValueError names an id outside the vocabulary.
        """
        parts = [self.bytes_of[i] for i in checked(ids, self.vocab_size, "BytePairTokenizer")]
        return b"".join(parts).decode("utf-8", errors="replace")

    def save(self, path: str | Path) -> None:
        """Write the merges to a JSON file."""
        content = {"tokenizer": "byte-pair", "merges": list(self.ranks)}
        Path(path).write_text(json.dumps(content), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> BytePairTokenizer:
        """The tokenizer that `save` wrote."""
        return cls(read_saved(path, "byte-pair", "merges"))


def checked(ids: Iterable[int], vocab_size: int, name: str) -> list[int]:
    """The ids as Python integers; ValueError names the first that is not below `vocab_size`."""
    numbers = [int(i) for i in ids]
    for position, number in enumerate(numbers):
        if not 0 <= number < vocab_size:
            raise ValueError(
                f"{name}.decode: id {number} at position {position} is outside the vocabulary "
                f"of {vocab_size}"
            )
    return numbers


def read_saved(path: str | Path, kind: str, key: str) -> list:
    """The list under `key` in a file of the named kind; ValueError when it is another kind."""
    content = json.loads(Path(path).read_text(encoding="utf-8"))
    found = content.get("tokenizer") if isinstance(content, dict) else None
    if found != kind:
        raise ValueError(f"{path} holds no {kind} tokenizer (it says {found!r})")
    return list(content[key])
