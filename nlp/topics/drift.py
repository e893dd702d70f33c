"""How the telling of a narrative moved: words, entities and outlets of two windows. Pure.

That a word or an outlet is told more says nothing about why. Stories are taken as independent,
which those of one event are not: with some hundred stories in a window nearly every month differs
from the last, and the terms say in what.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from nlp.headlines import words_of
from nlp.topics.rises import PRIOR, Counts, Floats, holm, log_odds, two_sided
from store.records import DriftKind, DriftStory, DriftTerm, NarrativeDrift

LEAST_STORIES = 10
"""Stories that either window needs."""
LEAST_TOTAL = 5
"""Stories of both windows together that a term needs to be tested; says nothing of a rise."""
LEAST_SHARED = 2
"""The same to be part of a distribution: what was told once is in one window alone."""
LEAST_TERMS = 2
"""Terms that a distribution needs: one alone has all of it in both windows."""
CAP = 3
"""Stories a week that one source can bring to the count of a word or an entity."""
SHUFFLES = 1999
"""So many that the smallest probability passes Holm over the narratives and kinds of a report."""
MOST_TERMS = 10
# Shuffles that come out the same differ in the last digits.
_TIE = 1e-9
_BLOCK = 250


def drift_of(
    narrative_id: str,
    now: Sequence[DriftStory],
    before: Sequence[DriftStory],
    *,
    start: date,
    day: date,
    seed: int,
) -> list[NarrativeDrift]:
    """Return how a narrative's words, entities and outlets moved, one record for each kind.

    Parameters
    ----------
    now, before : sequence of DriftStory
        Stories of the window from ``start`` to ``day``, and of the one before; in any order.
    seed : int
        Of the shuffles; the same for the same stories.

    Returns
    -------
    list of NarrativeDrift
        Where either window has fewer than :data:`LEAST_STORIES` stories, without divergence and
        without terms; without divergence, too, where fewer than :data:`LEAST_TERMS` terms are in
        :data:`LEAST_SHARED` stories.
    """
    stories = [*_in_order(now), *_in_order(before)]
    enough = min(len(now), len(before)) >= LEAST_STORIES
    mixed = _shuffled(len(now), len(before), narrative_id, seed) if enough else None
    found = []
    for kind in get_args(DriftKind):
        divergence = pvalue = None
        terms: list[DriftTerm] = []
        if mixed is not None:
            table = _Told(stories, kind, start)
            divergence, pvalue = _divergence(table, mixed)
            terms = _moved(table, len(now), len(before))
        found.append(
            NarrativeDrift(
                day=day,
                narrative_id=narrative_id,
                kind=kind,
                start=start,
                stories=len(now),
                before=len(before),
                divergence=divergence,
                pvalue=pvalue,
                terms=terms,
            )
        )
    return found


class _Told:
    """Which stories have which terms, each pair once, in order of the terms.

    Attributes
    ----------
    terms : list of str
    story : array of int, shape (pairs,)
        Place of the story.
    first : array of int, shape (terms,)
        Place of each term's first pair; ``totals`` are its pairs.
    """

    def __init__(self, stories: Sequence[DriftStory], kind: DriftKind, start: date) -> None:
        midnight = datetime.combine(start, time(), UTC)
        by_term: dict[str, list[int]] = {}
        said: dict[tuple[str, str, int], int] = {}
        for place, story in enumerate(stories):
            week = (midnight - story.effective_at) // timedelta(days=7)
            for term in sorted(_terms(story, kind)):
                key = (term, story.source_id, week)
                said[key] = said.get(key, 0) + 1
                # An outlet is its stories; what it says again and again is no word of them all.
                if kind == "outlet" or said[key] <= CAP:
                    by_term.setdefault(term, []).append(place)
        shared = {term: by_term[term] for term in sorted(by_term)
                  if len(by_term[term]) >= LEAST_SHARED}  # fmt: skip
        self.terms = list(shared)
        self.totals: Counts = np.array([len(places) for places in shared.values()], dtype=np.int64)
        self.first: Counts = np.cumsum(self.totals) - self.totals
        self.story: Counts = np.array(
            [place for places in shared.values() for place in places], dtype=np.int64
        )

    def counts(self, chosen: NDArray[np.bool_]) -> Counts:
        """Return how many chosen stories have each term.

        Parameters
        ----------
        chosen : array of bool, shape (ways, stories)

        Returns
        -------
        array of int, shape (ways, terms)
        """
        pairs = chosen[:, self.story].astype(np.int64)
        found: Counts = np.add.reduceat(pairs, self.first, axis=1)
        return found


def _in_order(stories: Sequence[DriftStory]) -> list[DriftStory]:
    return sorted(stories, key=lambda story: (story.effective_at, story.document_id))


def _terms(story: DriftStory, kind: DriftKind) -> Collection[str]:
    """Return the terms of a story, each once."""
    if kind == "word":
        return words_of(story.title)
    return {story.source_id} if kind == "outlet" else {name for name in story.entities if name}


def _shuffled(now: int, before: int, narrative_id: str, seed: int) -> NDArray[np.bool_]:
    """Return which stories count as now: as it was, then in each shuffle."""
    rng = np.random.default_rng([seed, *narrative_id.encode()])
    as_it_was = np.arange(now + before) < now
    shuffles = rng.permuted(np.tile(as_it_was, (SHUFFLES, 1)), axis=1)
    return np.vstack([as_it_was, shuffles])


def _divergence(told: _Told, mixed: NDArray[np.bool_]) -> tuple[float | None, float | None]:
    """Return the Jensen-Shannon distance of the windows, and its p-value by shuffles.

    Both distributions are drawn to their common one by the weight of :data:`rises.PRIOR`.

    References
    ----------
    Lin (1991), IEEE Transactions on Information Theory 37(1); its root is a metric: Endres &
    Schindelin (2003), the same 49(7). Davison & Hinkley (1997), section 4.3, for the 1 that is
    added to both counts.
    """
    if len(told.terms) < LEAST_TERMS:
        return None, None
    both = PRIOR * told.totals / told.totals.sum()
    # In blocks: a row has a number for each term of each story.
    blocks = np.array_split(mixed, -(-len(mixed) // _BLOCK))
    distances = np.concatenate([_distances(told.counts(one), told.totals, both) for one in blocks])
    as_far = int((distances[1:] >= distances[0] - _TIE).sum())
    return float(distances[0]), (1 + as_far) / (1 + SHUFFLES)


def _distances(now: Counts, totals: Counts, both: Floats) -> Floats:
    """Return the distance of each way to divide the stories; shape (ways,)."""
    first, second = _distribution(now + both), _distribution(totals - now + both)
    squares = _entropy((first + second) / 2) - (_entropy(first) + _entropy(second)) / 2
    return np.asarray(np.sqrt(np.clip(squares, 0.0, 1.0)))


def _distribution(weights: Floats) -> Floats:
    shares: Floats = weights / weights.sum(axis=1, keepdims=True)
    return shares


def _entropy(shares: Floats) -> Floats:
    """Return the entropy in bits of each row; no share is 0."""
    found: Floats = -(shares * np.log2(shares)).sum(axis=1)
    return found


def _moved(told: _Told, now: int, before: int) -> list[DriftTerm]:
    """Return the terms that moved most surely, at most :data:`MOST_TERMS`."""
    tested = np.flatnonzero(told.totals >= LEAST_TOTAL)
    if not len(tested):
        return []
    as_it_was = np.arange(now + before)[None, :] < now
    stories = told.counts(as_it_was)[0][tested]
    earlier = told.totals[tested] - stories
    zscores = log_odds(stories, earlier, now, before)
    adjusted = holm(two_sided(zscores))
    surest = sorted(range(len(tested)), key=lambda place: (-abs(zscores[place]), place))
    return [
        DriftTerm(
            term=told.terms[tested[place]],
            stories=int(stories[place]),
            before=int(earlier[place]),
            zscore=float(zscores[place]),
            pvalue_adj=float(adjusted[place]),
        )
        for place in surest[:MOST_TERMS]
    ]
