"""How often a move alone names the right cause, judged on episodes left out one at a time.

An evaluation, in no score. Each way of naming ranks causes for the moves of one episode; the
baselines are the nearest other episode and the most frequent labels.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.signatures import Signature, contradictions, cosine
from store.records import Episode

# Two episodes this near in time are one event: neither may teach or answer for the other.
APART_DAYS = 14
# A prior sign vector counts as much as this many episodes.
PRIOR_WEIGHT = 5.0

Ranking = Sequence[frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """An episode with its unclipped moves in sigma; NaN for a leg without data."""

    episode: Episode
    legs: Sequence[str]
    moves: NDArray[np.float64]

    @property
    def labels(self) -> frozenset[str]:
        """Accepted causes."""
        return frozenset(self.episode.labels)

    @property
    def largest(self) -> float:
        """Largest absolute move, in sigma."""
        return float(np.nanmax(np.abs(self.moves)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Right answers among ``cases``: an accepted label first, or among the first two."""

    cases: int
    first: int
    first_two: int


def build_cases(
    episodes: Sequence[Episode],
    moves: Mapping[str, Mapping[str, float]],
    legs: Sequence[str],
    *,
    kind: str = "shock",
) -> list[Case]:
    """Return the episodes of a kind that have a label and moves."""
    return [
        Case(
            episode=episode,
            legs=tuple(legs),
            moves=np.array([moves[episode.id].get(leg, np.nan) for leg in legs]),
        )
        for episode in episodes
        if episode.kind == kind and episode.labels and episode.id in moves
    ]


def by_signs(
    cases: Sequence[Case], signatures: Mapping[str, Signature], clip: float
) -> list[Ranking]:
    """Rank causes by the cosine of the clipped move with their sign vectors."""
    return [_ranked(case, _signs(signatures, case.legs), clip) for case in cases]


def by_shrunk(
    cases: Sequence[Case],
    signatures: Mapping[str, Signature],
    clip: float,
    prior_weight: float = PRIOR_WEIGHT,
) -> list[Ranking]:
    """Rank causes by vectors learned from the *other* episodes, shrunk to the sign vectors.

    Notes
    -----
    u = (k s + sum of x_i) / (k + n), with s the sign vector and x_i the moves of the n other
    episodes with that label, all of length one; k = ``prior_weight``. Episodes within
    ``APART_DAYS`` of the one judged are left out with it.
    """
    shapes = [_unit(np.clip(case.moves, -clip, clip)) for case in cases]
    priors = {name: _unit(vector) for name, vector in _signs(signatures, cases[0].legs).items()}
    found = []
    for case in cases:
        others = [place for place, one in enumerate(cases) if _apart(case, one)]
        learned = {}
        for name, prior in priors.items():
            own = [shapes[place] for place in others if name in cases[place].labels]
            known = ~np.isnan(np.vstack([prior, *own]))
            total = prior_weight * np.nan_to_num(prior) + np.nan_to_num(own).sum(axis=0)
            weight = prior_weight * known[0] + known[1:].sum(axis=0)
            learned[name] = np.where(weight > 0, total / np.where(weight > 0, weight, 1), np.nan)
        found.append(_ranked(case, learned, clip))
    return found


def by_nearest(cases: Sequence[Case], clip: float) -> list[Ranking]:
    """Rank the labels of the other episodes, the one with the largest cosine first."""
    found: list[Ranking] = []
    for case in cases:
        others = {
            one.episode.id: np.clip(one.moves, -clip, clip) for one in cases if _apart(case, one)
        }
        labels = {one.episode.id: one.labels for one in cases}
        near = _ranked(case, others, clip)
        found.append([labels[next(iter(one))] for one in near])
    return found


def by_frequency(cases: Sequence[Case]) -> list[Ranking]:
    """Rank labels by how many other episodes have them, whatever the move."""
    found: list[Ranking] = []
    for case in cases:
        counts = Counter(
            label for one in cases if _apart(case, one) for label in sorted(one.labels)
        )
        order = sorted(counts, key=lambda label: (-counts[label], label))
        found.append([frozenset({label}) for label in order])
    return found


def accuracy(cases: Sequence[Case], rankings: Sequence[Ranking]) -> Accuracy:
    """Count the cases whose accepted labels come first, or among the first two."""
    pairs = list(zip(cases, rankings, strict=True))
    return Accuracy(
        cases=len(pairs),
        first=sum(right_within(case, ranking, 1) for case, ranking in pairs),
        first_two=sum(right_within(case, ranking, 2) for case, ranking in pairs),
    )


def right_within(case: Case, ranking: Ranking, places: int) -> bool:
    """Return whether one of the first answers is an accepted label."""
    return any(answer & case.labels for answer in ranking[:places])


def contradicted_labels(
    case: Case, signatures: Mapping[str, Signature], rule: Mapping[str, Any]
) -> list[str]:
    """Return the causes, accepted or not, that the contradiction rule takes out."""
    move = pd.Series(case.moves, index=list(case.legs))
    weights = {"contradiction": rule}
    return [name for name, one in signatures.items() if contradictions(move, one, weights)]


def _ranked(case: Case, vectors: Mapping[str, NDArray[np.float64]], clip: float) -> Ranking:
    move = np.clip(case.moves, -clip, clip)
    near = {}
    for name, vector in vectors.items():
        known = ~np.isnan(vector)
        near[name] = float(cosine(move[None, known], vector[known])[0])
    order = sorted(near, key=lambda name: (-np.nan_to_num(near[name], nan=-2.0), name))
    return [frozenset({name}) for name in order]


def _signs(
    signatures: Mapping[str, Signature], legs: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    return {
        name: np.array([one.signs.get(leg, np.nan) for leg in legs])
        for name, one in signatures.items()
    }


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vector / np.sqrt(np.nansum(vector**2)))


def _apart(left: Case, right: Case) -> bool:
    return abs((left.episode.date - right.episode.date).days) > APART_DAYS
