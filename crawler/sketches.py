"""Texts to sketches, and sketches to pairs that may be copies. Pure.

A sketch is small whatever the text: the window of a large night is a hundred thousand texts, and
their shingles would take a gigabyte. Two kinds of pair come out: texts that resemble each other,
by MinHash and bands (Broder 1997), and texts of which one may lie within the other, by the
shingles whose hash is a multiple of eight.

References
----------
Broder, A. Z. (1997). On the resemblance and containment of documents.
https://doi.org/10.1109/SEQUEN.1997.666900
"""

import re
from array import array
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

# Below this a text has too few shingles for a resemblance to mean anything.
MIN_TOKENS = 20
_SHINGLE = 3
_GRAM = 4
_PERMUTATIONS = 128
_BANDS = 32  # with 128 permutations: candidates from a Jaccard of about 0.42
_SAMPLED = 8
# Odd, so that there is a number that undoes it modulo 2^64.
_BASE = 0xD6E8FEB86659FD93
_INVERSE = pow(_BASE, -1, 1 << 64)
# Of a bucket that many texts share, a text meets the nearest before it and the first of all.
_NEIGHBOURS = 12
# A sampled shingle that so many texts have is boilerplate.
_COMMON = 64
_TOKEN = re.compile(r"\w+")
_SPACED = "".join(char if _TOKEN.match(char) else " " for char in map(chr, range(128)))
_CJK = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")

Hashes = NDArray[np.uint64]


def normalise(text: str) -> list[str]:
    """Return the words of a text, or its characters in Chinese and Japanese."""
    folded = text.casefold()
    if is_cjk(folded):
        return [char for char in folded if char.isalnum()]
    # Four times as fast, and most texts are ASCII or nearly so.
    return folded.translate(_SPACED).split() if folded.isascii() else _TOKEN.findall(folded)


def is_cjk(text: str) -> bool:
    """Return whether a text is written without spaces between words."""
    start = text[:400]
    return not start.isascii() and 5 * len(_CJK.findall(start)) > len(start)


def tokens_of(title: str, text: str) -> list[str]:
    """Return the words that are compared: the text's, with the title's when those are few."""
    body = normalise(text)
    return body if len(body) >= MIN_TOKENS else normalise(f"{title} {text}")


def digest_of(tokens: Sequence[str]) -> bytes:
    """Return the digest that equal texts share."""
    return blake2b(" ".join(tokens).encode(errors="replace"), digest_size=16).digest()


# All sizes are kept: of texts of mixed length, most would have to make theirs anew if only the last
# few were. They are powers of two up to 2^18 for the longest text, 2^19 for one of Chinese with a
# space after each character: 8 or 16 MB in all for both bases, if every size is met.
@cache
def _powers(size: int, base: int) -> Hashes:
    """Return the powers of a number modulo 2^64, from the zeroth on."""
    powers = np.full(size, base, np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


def _word_hashes(words: Sequence[str]) -> Hashes:
    """Return a hash of each word: a polynomial of its characters, whatever its place.

    All words of a text at once: the sum of all terms up to its end, less that up to its start,
    divided by the power of its start. That is three times as fast as a look-up of each.
    """
    codes = np.frombuffer(" ".join(words).encode("utf-32-le", errors="replace"), np.uint32)
    size = 1 << len(codes).bit_length()
    terms = codes.astype(np.uint64) * _powers(size, _BASE)[: len(codes)]
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(terms, dtype=np.uint64)))
    ends = np.append(np.flatnonzero(codes == ord(" ")), len(codes))
    starts = np.concatenate(([0], ends[:-1] + 1))
    return _mixed((sums[ends] - sums[starts]) * _powers(size, _INVERSE)[starts])


def _mixed(hashes: Hashes) -> Hashes:
    """Return hashes of which every bit depends on all bits of the given ones."""
    hashes ^= hashes >> np.uint64(31)
    hashes *= np.uint64(0xBF58476D1CE4E5B9)
    hashes ^= hashes >> np.uint64(29)
    return hashes


def shingles(text: str, tokens: Sequence[str]) -> Hashes:
    """Return the distinct shingles of a text in ascending order; none for a short one.

    Hashes of three words in a row, or of four characters in Chinese and Japanese.
    """
    if len(tokens) < MIN_TOKENS:
        return np.empty(0, np.uint64)
    size = _GRAM if is_cjk(text) else _SHINGLE
    words = _word_hashes(tokens)
    mixed = np.zeros(len(words) - size + 1, np.uint64)
    for place in range(size):
        # A polynomial of the hashes modulo 2^64: the order of words counts.
        mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + words[place : place + len(mixed)]
    mixed = _mixed(mixed)
    mixed.sort()
    return mixed[np.concatenate(([True], mixed[1:] != mixed[:-1]))]


class Sketches:
    """Sketches of texts in the order in which they are added."""

    def __init__(self) -> None:
        self._bands: list[NDArray[np.uint64]] = []
        self._waiting: list[Hashes] = []
        self._numbers = array("l")
        self._sampled: list[Hashes] = []
        self._sampled_counts: dict[int, int] = {}
        self._titles: dict[bytes, list[int]] = defaultdict(list)

    def add(self, number: int, shingles: Hashes, title: bytes | None) -> None:
        """Remember a text by its number, which must be higher than all before."""
        if title is not None:
            self._titles[title].append(number)
        if not len(shingles):
            return
        self._numbers.append(number)
        sampled = shingles[shingles % np.uint64(_SAMPLED) == 0]
        self._sampled.append(sampled)
        self._sampled_counts[number] = len(sampled)
        self._waiting.append(shingles)
        if len(self._waiting) == 500:
            self._sign()

    def pairs(self, first_new: int) -> dict[int, list[int]]:
        """Return, for texts from a number on, the earlier ones that each may be a copy of."""
        self._sign()
        found = [self._resembling(first_new), self._within(first_new)]
        found += [
            _in_bucket(np.array(numbers, np.int64), first_new)
            for numbers in self._titles.values()
            if len(numbers) > 1
        ]
        pairs = np.unique(np.concatenate(found), axis=0)
        earlier: dict[int, list[int]] = defaultdict(list)
        for later, first in pairs.tolist():
            earlier[later].append(first)
        return earlier

    def _sign(self) -> None:
        """Sign the texts that wait: in bulk, which costs a third."""
        if not self._waiting:
            return
        from rensa import RMinHash

        ends = np.cumsum([0, *map(len, self._waiting)]).astype(np.uint64)
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(
            np.concatenate(self._waiting), ends, _PERMUTATIONS, 42
        )
        rows = np.array(matrix.to_rows(), np.uint32)
        banded = rows.reshape(len(rows), _BANDS, -1).astype(np.uint64)
        keys = np.zeros(banded.shape[:2], np.uint64)
        for place in range(banded.shape[2]):
            keys = keys * np.uint64(0x9E3779B97F4A7C15) + banded[:, :, place]
        self._bands.append(keys)
        self._waiting.clear()

    def _resembling(self, first_new: int) -> NDArray[np.int64]:
        if not self._bands:
            return np.empty((0, 2), np.int64)
        keys, numbers = np.concatenate(self._bands), np.array(self._numbers, np.int64)
        return np.unique(
            np.concatenate([_in_buckets(column, numbers, first_new) for column in keys.T]), axis=0
        )

    def _within(self, first_new: int) -> NDArray[np.int64]:
        """Return pairs with two sampled shingles in common, or one where there are few."""
        if not self._sampled:
            return np.empty((0, 2), np.int64)
        owners = np.repeat(np.array(self._numbers, np.int64), list(map(len, self._sampled)))
        pairs = _in_buckets(np.concatenate(self._sampled), owners, first_new, common=_COMMON)
        pairs, shared = np.unique(pairs, axis=0, return_counts=True)
        counts = self._sampled_counts
        fewest = np.array([min(counts[a], counts[b]) for a, b in pairs.tolist()], np.int64)
        kept: NDArray[np.int64] = pairs[(shared > 1) | (fewest < 4)]
        return kept


def _in_buckets(
    keys: Hashes, numbers: NDArray[np.int64], first_new: int, common: int | None = None
) -> NDArray[np.int64]:
    """Return (later, earlier) pairs of the numbers whose keys are equal."""
    order = np.argsort(keys, kind="stable")
    keys, numbers = keys[order], numbers[order]
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    sizes = np.diff(np.append(starts, len(keys)))
    start = np.repeat(starts, sizes)
    usable = np.repeat(sizes <= (common or len(keys)), sizes) & (numbers >= first_new)
    found = []
    places = np.arange(len(keys))
    for back in range(1, min(_NEIGHBOURS, int(sizes.max(initial=1)) - 1) + 1):
        later = places[usable & (places - back >= start)]
        found.append(np.stack([numbers[later], numbers[later - back]], axis=1))
    later = places[usable & (places - _NEIGHBOURS > start)]
    found.append(np.stack([numbers[later], numbers[start[later]]], axis=1))
    return np.concatenate(found)


def _in_bucket(numbers: NDArray[np.int64], first_new: int) -> NDArray[np.int64]:
    return _in_buckets(np.zeros(len(numbers), np.uint64), numbers, first_new)


def common(first: Hashes, second: Hashes) -> int:
    """Return how many shingles two texts share."""
    places = np.searchsorted(first, second)
    places[places == len(first)] = 0
    return int(np.count_nonzero(first[places] == second)) if len(first) else 0
