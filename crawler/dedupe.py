"""Copies of one story: equal texts, and near-copies. Pure.

Documents are judged in the order of time, and each belongs to one story: the one it resembles
most, or its own. What comes later therefore changes nothing that was decided, no document joins
two stories (a round-up or a hostile text may hold the words of both), and the order of the rows
does not matter. Candidates come from sketches (``sketches.py``) and are compared in full, so that
a chance collision never makes a copy.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from crawler.sketches import (
    MIN_TOKENS,
    Hashes,
    Sketches,
    common,
    digest_of,
    normalise,
    shingles,
    tokens_of,
)

# From the first document of a story to its last copy: a thread of the same name each day is not
# one story for ever.
WINDOW = timedelta(days=7)
JACCARD = 0.5
CONTAINMENT = 0.8
# What any two of a story have in common, of the shorter: two copies that were edited by a tenth
# each share half. Less, and a chain of small changes leads from one story to another.
COHERENCE = 0.3
# "Market wrap" twice is two stories.
MIN_EXACT_TOKENS = 4
# The cookie notice that an outlet's pages show instead of their text, under every headline.
_MAX_NOTICE_TOKENS = 150
# Documents of a story that the next is compared with; the first of all is one of them.
_WITNESSES = 8
_CANDIDATES = 50
_CACHED = 4096
# Shingles that are kept from the first reading, 32 MB of them; the rest are made again.
_KEPT = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What the comparison needs of a document.

    Attributes
    ----------
    duplicate_of : str or None
        Story that it is known to belong to.
    """

    id: str
    title: str
    text: str
    language: str | None
    effective_at: datetime
    published_at: datetime | None = None
    duplicate_of: str | None = None
    source_id: str = ""


@dataclass(slots=True)
class _Known:
    """A document without its text; ``number`` is its place in time."""

    id: str
    number: int
    at: datetime
    language: str | None
    source_id: str
    title: bytes | None
    tokens: int
    digest: bytes
    has_shingles: bool
    duplicate_of: str | None


@dataclass(slots=True)
class _Story:
    first: _Known
    witnesses: list[_Known] = field(default_factory=list)


def find_duplicates(
    rows: Iterable[Text],
    *,
    since: datetime | None = None,
    reread: Callable[[str], tuple[str, str]] | None = None,
) -> dict[str, str | None]:
    """Return which documents are copies of which, where that differs from ``duplicate_of``.

    Parameters
    ----------
    rows : iterable of Text
        In any order when ``reread`` is None, else from the oldest on.
    since : datetime or None
        Documents that count from before stay as they are; None judges all. One whose story
        began before all rows stays as it is, too.
    reread : callable or None
        Gives title and text of an id again, so that no text need be kept. None keeps them.

    Returns
    -------
    dict
        The id of the first document of the story, or None for one that is no copy after all.
    """
    if reread is None:
        kept = sorted(rows, key=_time)
        texts = {row.id: (row.title, row.text) for row in kept}
        rows, reread = kept, texts.__getitem__
    return _Judge(rows, since, reread).verdicts()


def _time(row: Text) -> tuple[datetime, datetime, str]:
    # One night's crawl sees all its documents at once: the stated date says which came first.
    return row.effective_at, row.published_at or row.effective_at, row.id


class _Judge:
    """Goes through the documents in time and gives each its story."""

    def __init__(
        self,
        rows: Iterable[Text],
        since: datetime | None,
        reread: Callable[[str], tuple[str, str]],
    ) -> None:
        sketches = Sketches()
        self._known: list[_Known] = []
        self._ids: set[str] = set()
        kept: dict[str, Hashes] = {}
        budget = _KEPT
        self._first_new: int | None = None
        for number, row in enumerate(rows):
            if self._first_new is None and (since is None or row.effective_at >= since):
                self._first_new = number
            tokens = tokens_of(row.title, row.text)
            own = shingles(row.text or row.title, tokens)
            known = _summary(row, number, tokens, has_shingles=len(own) > 0)
            self._known.append(known)
            self._ids.add(row.id)
            if len(own) <= budget:
                kept[row.id] = own
                budget -= len(own)
            sketches.add(number, own, known.title if known.has_shingles else None)
        if self._first_new is None:
            self._first_new = len(self._known)
        self._pairs = sketches.pairs(self._first_new)

        @lru_cache(maxsize=_CACHED)
        def shingles_of(document_id: str) -> Hashes:
            if document_id in kept:
                return kept[document_id]
            title, text = reread(document_id)
            return shingles(text or title, tokens_of(title, text))

        self._shingles = shingles_of
        self._stories: dict[str, _Story] = {}
        self._story_of: dict[int, _Story] = {}
        self._equal: dict[bytes, list[_Known]] = defaultdict(list)

    def verdicts(self) -> dict[str, str | None]:
        changed: dict[str, str | None] = {}
        for known in self._known:
            if self._is_settled(known):
                self._settle(known)
                continue
            story = self._equal_story(known) or self._near_story(known)
            first = story.first.id if story else None
            self._join(known, story or _Story(known))
            if first != known.duplicate_of:
                changed[known.id] = first
        return changed

    def _is_settled(self, known: _Known) -> bool:
        if known.number < (self._first_new or 0):
            return True
        return known.duplicate_of is not None and known.duplicate_of not in self._ids

    def _settle(self, known: _Known) -> None:
        story = self._stories.get(known.duplicate_of) if known.duplicate_of else _Story(known)
        # A story that began before all rows is over: nothing new lies within its week.
        if story is not None:
            self._join(known, story)

    def _join(self, known: _Known, story: _Story) -> None:
        self._stories[story.first.id] = story
        self._story_of[known.number] = story
        if known.tokens >= MIN_EXACT_TOKENS:
            self._equal[known.digest].append(known)
        is_new_text = all(known.digest != other.digest for other in story.witnesses)
        if known.has_shingles and is_new_text and len(story.witnesses) < _WITNESSES:
            story.witnesses.append(known)

    def _equal_story(self, known: _Known) -> _Story | None:
        """Return the story of an equal text: of one with the same title, else the earliest."""
        found = [
            (other.title != known.title, story.first.number, story)
            for other in self._equal[known.digest][-_CANDIDATES:]
            if _may_join(known, story := self._story_of[other.number])
            and not _is_notice(known, other)
        ]
        return min(found, key=lambda each: each[:2])[2] if found else None

    def _near_story(self, known: _Known) -> _Story | None:
        """Return the story whose text is nearest, the earliest of those that are equally near."""
        best: tuple[float, int] | None = None
        nearest = None
        for number in sorted(self._pairs.get(known.number, ()), reverse=True)[:_CANDIDATES]:
            story = self._story_of.get(number)
            other = self._known[number]
            if story is None or not _may_join(known, story) or _is_notice(known, other):
                continue
            likeness = _likeness(self._shingles(other.id), self._shingles(known.id))
            rank = (likeness, -story.first.number)
            if likeness and (best is None or rank > best) and self._coheres(known, story):
                best, nearest = rank, story
        return nearest

    def _coheres(self, known: _Known, story: _Story) -> bool:
        own = self._shingles(known.id)
        return all(
            common(other, own) >= COHERENCE * min(len(other), len(own))
            for other in (self._shingles(witness.id) for witness in story.witnesses)
        )


def _summary(row: Text, number: int, tokens: list[str], *, has_shingles: bool) -> _Known:
    title = normalise(row.title)
    return _Known(
        id=row.id,
        number=number,
        at=row.effective_at,
        language=row.language,
        source_id=row.source_id,
        title=digest_of(title) if len(title) >= MIN_EXACT_TOKENS else None,
        tokens=len(tokens),
        digest=digest_of(tokens),
        has_shingles=has_shingles,
        duplicate_of=row.duplicate_of,
    )


def _may_join(known: _Known, story: _Story) -> bool:
    if known.at - story.first.at > WINDOW:
        return False
    # An unknown language may be any.
    return len({known.language, story.first.language} - {None}) < 2


def _is_notice(known: _Known, other: _Known) -> bool:
    """Return whether two equal texts are what an outlet shows in place of two articles."""
    return (
        known.digest == other.digest
        and known.source_id == other.source_id != ""
        and None not in {known.title, other.title}
        and known.title != other.title
        and MIN_TOKENS <= known.tokens < _MAX_NOTICE_TOKENS
    )


def _likeness(first: Hashes, second: Hashes) -> float:
    """Return the share of the shingles that two texts have in common, 0 for two stories."""
    shared = common(first, second)
    union = len(first) + len(second) - shared
    is_near = shared >= JACCARD * union or shared >= CONTAINMENT * min(len(first), len(second))
    return shared / union if shared and is_near else 0.0
