"""How near the nearest earlier story is: the search over vectors, in blocks of time. Pure.

A story looks back only, so what comes later changes no row, with one exception: a story that
is stored late, an archive's, is a newcomer to the stories of the 30 days after it, and they are
compared with it alone. Whatever the order of imports, the rows are the same in the end.

References
----------
Tetlock (2011), All the News That's Fit to Reprint: Do Investors React to Stale Information?,
Review of Financial Studies 24, 1481-1512.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from store.records import Nearest, StoryVector

NEAR, FAR = timedelta(days=7), timedelta(days=30)
# A block of cosines takes 8 MB; larger ones are no faster.
BLOCK = 1024
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class _Block:
    """Stories in order of time.

    Attributes
    ----------
    times : ndarray of shape (n,)
        Seconds since 1970.
    vectors : ndarray of int8, shape (n, width)
    lengths : ndarray of shape (n,)
    new : ndarray of bool, shape (n,)
    """

    stories: Sequence[StoryVector]
    times: NDArray[np.float64]
    vectors: NDArray[np.int8]
    lengths: NDArray[np.float64]
    new: NDArray[np.bool_]


@dataclass(slots=True)
class _Best:
    """The best so far for each story of a block; -1 and None where there is none."""

    near: NDArray[np.float64]
    far: NDArray[np.float64]
    ids: list[str | None]


def nearest_earlier(stories: Iterable[StoryVector]) -> Iterator[Nearest]:
    """Yield a row for each story that has none, and those rows that such a story changes.

    Parameters
    ----------
    stories : iterable of StoryVector
        Of one language, by time and then id, from 30 days before the first that has no row to
        30 days after the last. Held in memory: the vectors of 30 days.

    Yields
    ------
    Nearest
        Cosines rounded to four digits.
    """
    window: deque[_Block] = deque()
    iterator = iter(stories)
    while taken := list(islice(iterator, BLOCK)):
        block = _block(taken)
        while window and window[0].times[-1] < block.times[0] - FAR.total_seconds():
            window.popleft()
        window.append(block)
        if any(each.new.any() for each in window):
            yield from _rows(block, window)


def _block(stories: Sequence[StoryVector]) -> _Block:
    vectors = np.stack([np.frombuffer(story.vector, dtype=np.int8) for story in stories])
    squares = (vectors.astype(np.int64) ** 2).sum(axis=1)
    return _Block(
        stories,
        np.array([story.effective_at.timestamp() for story in stories]),
        vectors,
        np.sqrt(np.maximum(squares, 1)),
        np.array([story.nearest is None for story in stories]),
    )


def _rows(block: _Block, window: Iterable[_Block]) -> Iterator[Nearest]:
    count = len(block.stories)
    best = _Best(np.full(count, -1.0), np.full(count, -1.0), [None] * count)
    for earlier in window:
        if block.new.any():
            _compare(block, earlier, np.arange(len(earlier.stories)), best)
        elif earlier.new.any():
            _compare(block, earlier, np.flatnonzero(earlier.new), best)
    for row, story in enumerate(block.stories):
        near, far = (
            None if value < 0 else round(float(value), _DIGITS)
            for value in (best.near[row], best.far[row])
        )
        found = Nearest(
            document_id=story.document_id, nearest_7=near, nearest_30=far, nearest_id=best.ids[row]
        )
        if story.nearest is None:
            yield found
        elif (merged := _merge(story.nearest, found)) != story.nearest:
            yield merged


def _compare(block: _Block, earlier: _Block, columns: NDArray[np.intp], best: _Best) -> None:
    """Take in the cosines with some stories of an earlier block, or of the block itself."""
    # Products of signed bytes are whole numbers below 2 ** 24 for widths up to 1,040, which
    # single precision holds exactly: a cosine does not depend on the block it was computed in.
    products = block.vectors.astype(np.float32) @ earlier.vectors[columns].astype(np.float32).T
    cosines = (products / np.outer(block.lengths, earlier.lengths[columns])).clip(0.0)
    seen = block.new[:, None] | earlier.new[columns]
    if earlier is block:
        seen &= columns < np.arange(len(block.stories))[:, None]
    age = block.times[:, None] - earlier.times[columns]
    for span, values in ((NEAR, best.near), (FAR, best.far)):
        inside = np.where(seen & (age <= span.total_seconds()), cosines, -1.0)
        places = inside.argmax(axis=1)
        top = inside[np.arange(len(places)), places]
        better = np.flatnonzero(top > values)
        values[better] = top[better]
        if span is FAR:
            for row in better:
                best.ids[row] = earlier.stories[columns[places[row]]].document_id


def _merge(known: Nearest, found: Nearest) -> Nearest:
    """Return the nearer of what was known and what a newcomer brings."""
    far = _larger(known.nearest_30, found.nearest_30)
    return Nearest(
        document_id=known.document_id,
        nearest_7=_larger(known.nearest_7, found.nearest_7),
        nearest_30=far,
        nearest_id=known.nearest_id if far == known.nearest_30 else found.nearest_id,
    )


def _larger(one: float | None, other: float | None) -> float | None:
    values = [value for value in (one, other) if value is not None]
    return max(values, default=None)
