"""Copies of one story: equal texts, and near-copies found by MinHash. Pure.

Candidates come from locality-sensitive hashing of word shingles (Broder 1997) and are then
compared in full, so that a chance collision never merges two stories.

References
----------
Broder, A. Z. (1997). On the resemblance and containment of documents.
https://doi.org/10.1109/SEQUEN.1997.666900
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

WINDOW = timedelta(days=7)
JACCARD = 0.5
CONTAINMENT = 0.8
# Below this a text has too few shingles for a resemblance to mean anything.
MIN_TOKENS = 20
# "Market wrap" twice is two stories.
MIN_EXACT_TOKENS = 4
_SHINGLE = 3
_GRAM = 4
_PERMUTATIONS = 128
_BANDS = 32  # with 128 permutations: candidates from a Jaccard of about 0.42
_CANDIDATES = 50
_TOKEN = re.compile(r"\w+")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What the comparison needs of a document.

    Attributes
    ----------
    duplicate_of : str or None
        Story it is already known to belong to.
    """

    id: str
    title: str
    text: str
    language: str | None
    effective_at: datetime
    published_at: datetime | None = None
    duplicate_of: str | None = None


def find_duplicates(rows: Sequence[Text]) -> dict[str, str]:
    """Return, for every copy, the id of the earliest document of its story.

    Parameters
    ----------
    rows : sequence of Text
        In any order; the result does not depend on it.

    Returns
    -------
    dict
        Only documents whose story differs from ``duplicate_of`` as it stands.
    """
    # One night's crawl sees all its documents at once: the stated date says which came first.
    ordered = sorted(
        rows,
        key=lambda row: (row.effective_at, row.published_at or row.effective_at, row.id),
    )
    stories = _Stories(ordered)
    index = _Index()
    for row in ordered:
        for earlier in index.matches(row):
            stories.join(earlier.id, row.id)
    return {
        row.id: story
        for row in ordered
        if (story := stories.earliest(row.id)) != row.id and story != row.duplicate_of
    }


def normalise(text: str) -> tuple[str, ...]:
    """Return the words of a text, or its characters in Chinese and Japanese."""
    folded = text.casefold()
    if is_cjk(folded):
        return tuple(char for char in folded if char.isalnum())
    return tuple(_TOKEN.findall(folded))


def is_cjk(text: str) -> bool:
    """Return whether a text is written without spaces between words."""
    start = text[:400]
    return 5 * len(_CJK.findall(start)) > len(start)


def _tokens(row: Text) -> tuple[str, ...]:
    """Return the words that are compared: the text's, with the title's when those are few."""
    body = normalise(row.text)
    return body if len(body) >= MIN_TOKENS else normalise(f"{row.title} {row.text}")


def _shingles(row: Text, tokens: tuple[str, ...]) -> frozenset[str]:
    if len(tokens) < MIN_TOKENS:
        return frozenset()
    size = _GRAM if is_cjk(row.text or row.title) else _SHINGLE
    return frozenset(map(" ".join, zip(*(tokens[start:] for start in range(size)), strict=False)))


def _may_match(first: Text, second: Text) -> bool:
    if second.effective_at - first.effective_at > WINDOW:
        return False
    languages = {first.language, second.language} - {None}
    return len(languages) < 2


def _are_near(first: frozenset[str], second: frozenset[str]) -> bool:
    shared = len(first & second)
    union = len(first) + len(second) - shared
    return shared >= JACCARD * union or shared >= CONTAINMENT * min(len(first), len(second))


class _Index:
    """The documents so far, in the order of time.

    Words and shingles are made again for the few that are compared: kept for all, they would
    take twenty times the memory of the texts.
    """

    def __init__(self) -> None:
        from rensa import RMinHash, RMinHashLSH

        self._rows: list[Text] = []
        self._equal: dict[bytes, Text] = {}
        self._titles: dict[tuple[str, ...], list[int]] = defaultdict(list)
        self._signature = RMinHash
        self._bands = RMinHashLSH(threshold=JACCARD, num_perm=_PERMUTATIONS, num_bands=_BANDS)

    def matches(self, row: Text) -> Iterator[Text]:
        """Yield earlier documents of the same story, and remember this one."""
        tokens = _tokens(row)
        if len(tokens) < MIN_EXACT_TOKENS:
            return
        digest = blake2b(" ".join(tokens).encode(), digest_size=16).digest()
        equal = self._equal.get(digest)
        self._equal[digest] = row
        if equal is not None and _may_match(equal, row):
            # One of each text is enough to compare the others with.
            yield equal
            return
        shingles = _shingles(row, tokens)
        if shingles:
            yield from self._near(row, shingles)

    def _near(self, row: Text, shingles: frozenset[str]) -> Iterator[Text]:
        signature = self._signature(num_perm=_PERMUTATIONS, seed=42)
        signature.update(list(shingles))
        number = len(self._rows)
        near = set(self._bands.query(signature))
        title = normalise(row.title)
        if len(title) >= MIN_EXACT_TOKENS:
            near.update(self._titles[title])
            self._titles[title].append(number)
        # The most recent ones: older than the window they could not match anyway.
        for other in sorted(near, reverse=True)[:_CANDIDATES]:
            earlier = self._rows[other]
            if _may_match(earlier, row) and _are_near(
                _shingles(earlier, _tokens(earlier)), shingles
            ):
                yield earlier
        self._rows.append(row)
        self._bands.insert(number, signature)


class _Stories:
    """Documents joined into stories (union-find); the earliest one stands for the story."""

    def __init__(self, ordered: Sequence[Text]) -> None:
        # A story's first document may lie before the window: it is earlier than all in it.
        self._rank = {row.id: number for number, row in enumerate(ordered, start=1)}
        self._parent: dict[str, str] = {row.id: row.id for row in ordered}
        for row in ordered:
            if row.duplicate_of is not None:
                self._parent.setdefault(row.duplicate_of, row.duplicate_of)
                self.join(row.duplicate_of, row.id)

    def earliest(self, document_id: str) -> str:
        while (parent := self._parent[document_id]) != document_id:
            self._parent[document_id] = self._parent[parent]
            document_id = parent
        return document_id

    def join(self, first: str, second: str) -> None:
        roots = sorted(
            (self.earliest(first), self.earliest(second)),
            key=lambda root: (self._rank.get(root, 0), root),
        )
        self._parent[roots[1]] = roots[0]
