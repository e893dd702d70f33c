"""Past episodes that a move resembles in shape, with the percentiles that make it mean something.

Two large days always look somewhat alike, because most large days are risk-off days. So a
cosine is printed with its percentile among all large-move days before the window. And whoever
searches a hundred episodes nearly always finds one above the 95th (measured: on 95 % of large
days). So only the few episodes that were named beforehand count as *like* from the 95th on;
any other has to be nearer than the *best* of the whole library is on 95 % of large days.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.analog_words import say_analogs
from align.market import Market
from align.signatures import cosine, left_out_range
from store.records import Analog, Episode

ShippedMoves = Mapping[str, Mapping[int, Mapping[str, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalogAnswer:
    """Episodes by similarity, those that stand out, and the sentence that says so."""

    analogs: Sequence[Analog]
    like: Sequence[str]
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Case:
    """The move of one episode over the target's legs; NaN for a leg without data."""

    episode: Episode
    raw: NDArray[np.float64]
    clipped: NDArray[np.float64]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Legs that have data."""
        return np.asarray(~np.isnan(self.clipped))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Past:
    """Large-move days before the window, over the target's legs.

    Attributes
    ----------
    pool : ndarray of shape (n_large_days, n_legs)
        Clipped moves of the largest days; of the episodes when too few days are stored.
    dates : sequence of date
    covariance : ndarray of shape (n_legs, n_legs)
        Shrunk: S = (1 - shrink) Sigma + shrink diag(Sigma).
    least_norm : float
        A move under it is no large move.
    own_size : float or None
        Share of the stored days that were smaller.
    nearest : sequence of (date, cosine)
        The large days, episodes or not, that are nearest in shape.
    """

    pool: NDArray[np.float64]
    dates: Sequence[date]
    covariance: NDArray[np.float64]
    least_norm: float
    own_size: float | None
    nearest: Sequence[tuple[date, float]]
    _inverses: dict[bytes, NDArray[np.float64]] = field(default_factory=dict)

    def inverse(self, known: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the inverse covariance of some legs; the same few sets come again and again."""
        key = known.tobytes()
        if key not in self._inverses:
            inverse = np.linalg.pinv(self.covariance[np.ix_(known, known)])
            self._inverses[key] = np.asarray(inverse, dtype=np.float64)
        return self._inverses[key]


def find_analogs(
    market: Market,
    row: int,
    days: int,
    episodes: Sequence[Episode],
    weights: Mapping[str, Any],
    shipped: ShippedMoves | None = None,
) -> AnalogAnswer:
    """Compare the move that ends at one row with the episodes before its window.

    Parameters
    ----------
    shipped : mapping of episode to sessions to leg to sigma, optional
        Moves of episodes that the stored prices do not reach. The stored ones are taken
        wherever they cover as many legs.

    Notes
    -----
    Distance: Mahalanobis with S = 0.8 Sigma + 0.2 diag(Sigma) over the days before the
    window (Ledoit & Wolf 2004 shrink towards a simpler target likewise; the share is fixed
    here), times sqrt(legs / legs compared). Both compare the same number of sessions, ending
    at the episode's date. "No close analog": the nearest episode is further away than it is
    from 95 % of the large days before. The percentile over the whole library is a maximum
    statistic (Westfall & Young 1993). Neither says that the cause was the same.
    """
    rules = weights["analogs"]
    moves = market.moves(days)
    now = moves.iloc[row]
    legs = [leg for leg in rules["assets"] if leg in moves.columns and not np.isnan(now[leg])]
    if len(legs) < rules["legs_least"]:
        return _nothing("Too little price history to look for analogs.")
    table = moves[legs].to_numpy(dtype=float)
    cases = _cases(market, table[: max(row - days + 1, 0)], days, legs, episodes, shipped, rules)
    before = market.closes.index[max(row - days + 1, 0)].date()
    cases = [case for case in cases if case.episode.date < before]
    clip = rules["clip"]
    clipped = np.clip(table, -clip, clip)
    past = _past(market, clipped, row, days, cases, rules)
    if past is None:
        return _nothing("Too little price history to look for analogs.")
    found = [_analog(case, table[row], clipped[row], past) for case in cases]
    found = sorted(
        (one for one in found if not np.isnan(one.cosine)),
        key=lambda one: (-one.cosine, one.episode),
    )
    best, nearest = _best_of_library(past, cases, rules["apart_days"])
    large = bool(np.sqrt((clipped[row] ** 2).sum()) >= past.least_norm)
    anchors = {episode.id for episode in episodes if episode.anchor}
    # Ranked among episodes alone, which are no sample of days, no likeness stands out.
    told = large and past.own_size is not None
    like = [one.episode for one in found if told and _alike(one, best, anchors, rules)]
    text = say_analogs(
        found,
        like,
        {episode.id: _said(episode) for episode in episodes},
        anchors=anchors,
        nearest=past.nearest,
        own_size=past.own_size,
        large=large,
        days=days,
    )
    if found and min(one.distance for one in found) > np.quantile(nearest, rules["far_percentile"]):
        text += " No close analog: 95 % of large days before it were nearer to an episode."
    listed = [
        one
        for place, one in enumerate(found)
        if place < rules["listed"] or one.episode in {*anchors, *like}
    ]
    return AnalogAnswer(analogs=tuple(listed), like=tuple(like), statement=text)


def _said(episode: Episode) -> str:
    """Return the name, with a word where the event was none of the usual kind."""
    return episode.name if episode.kind == "shock" else f"{episode.name} ({episode.kind})"


def _nothing(statement: str) -> AnalogAnswer:
    return AnalogAnswer(analogs=(), like=(), statement=statement)


def _alike(
    one: Analog, best: NDArray[np.float64], anchors: set[str], rules: Mapping[str, Any]
) -> bool:
    limit = rules["like_percentile"]
    named = one.episode in anchors and one.percentile >= limit
    return named or bool((best < one.cosine).mean() >= limit)


def _cases(
    market: Market,
    past: NDArray[np.float64],
    days: int,
    legs: Sequence[str],
    episodes: Sequence[Episode],
    shipped: ShippedMoves | None,
    rules: Mapping[str, Any],
) -> list[_Case]:
    """Return the episodes with enough legs, from stored prices or else as shipped."""
    index = market.closes.index
    found = []
    for episode in episodes:
        given = (shipped or {}).get(episode.id, {}).get(days, {})
        raw = np.array([given.get(leg, np.nan) for leg in legs])
        if index[0].date() <= episode.date <= index[-1].date():
            position = market.row(episode.date)
            if position < len(past) and (~np.isnan(past[position])).sum() >= (~np.isnan(raw)).sum():
                raw = past[position]
        if (~np.isnan(raw)).sum() >= rules["legs_least"]:
            clipped = np.clip(raw, -rules["clip"], rules["clip"])
            found.append(_Case(episode=episode, raw=raw, clipped=clipped))
    return found


def _past(
    market: Market,
    clipped: NDArray[np.float64],
    row: int,
    days: int,
    cases: Sequence[_Case],
    rules: Mapping[str, Any],
) -> _Past | None:
    """Return the large days before the window; None when there are too few of any kind."""
    past = clipped[: max(row - days + 1, 0)]
    complete = np.flatnonzero(~np.isnan(past).any(axis=1))
    size = np.sqrt((past[complete] ** 2).sum(axis=1))
    top = rules["placebo_top"]
    # With few days the largest 5 % are a handful, and no 95th percentile can be told.
    if len(complete) * top >= rules["pool_least"]:
        cutoff = float(np.quantile(size, 1 - top))
        large = complete[size >= cutoff]
        near = cosine(past[large], clipped[row])
        order = np.argsort(-near, kind="stable")[: rules["nearest_days"]]
        index = market.closes.index
        return _Past(
            pool=past[large],
            dates=[index[at].date() for at in large],
            covariance=_shrunk(past[complete], rules["shrink"]),
            least_norm=cutoff,
            own_size=float((size < np.sqrt((clipped[row] ** 2).sum())).mean()),
            nearest=[(index[large[at]].date(), float(near[at])) for at in order],
        )
    if len(cases) < rules["pool_least"]:
        return None
    pool = np.vstack([case.clipped for case in cases])
    norms = np.sqrt(np.nansum(pool**2, axis=1))
    return _Past(
        pool=pool,
        dates=[case.episode.date for case in cases],
        covariance=_shrunk(pool, rules["shrink"]),
        least_norm=float(np.quantile(norms, top)),
        own_size=None,
        nearest=(),
    )


def _shrunk(table: NDArray[np.float64], shrink: float) -> NDArray[np.float64]:
    covariance = np.nan_to_num(pd.DataFrame(table).cov(min_periods=2).to_numpy())
    return np.asarray((1 - shrink) * covariance + shrink * np.diag(np.diag(covariance)))


def _analog(
    case: _Case, raw: NDArray[np.float64], clipped: NDArray[np.float64], past: _Past
) -> Analog:
    known = case.known
    near = float(cosine(case.clipped[None, known], clipped[known])[0])
    # An episode is no placebo for itself.
    others = np.array([day != case.episode.date for day in past.dates])
    placebo = cosine(past.pool[others][:, known], clipped[known])
    low, high = left_out_range(case.clipped, clipped)
    return Analog(
        episode=case.episode.id,
        date=case.episode.date,
        cosine=round(near, 4),
        distance=round(float(_distances(clipped[None, :], case, past)[0]), 4),
        percentile=round(float((placebo < near).mean()), 4),
        low=round(low, 4),
        high=round(high, 4),
        unclipped=round(float(cosine(case.raw[None, known], raw[known])[0]), 4),
    )


def _distances(table: NDArray[np.float64], case: _Case, past: _Past) -> NDArray[np.float64]:
    """Return the Mahalanobis distances of days from a case, on the legs that it has."""
    known = case.known
    inverse = past.inverse(known)
    gap = np.nan_to_num(table[:, known] - case.clipped[known])
    squared = np.einsum("ij,jk,ik->i", gap, inverse, gap).clip(min=0)
    return np.asarray(np.sqrt(squared * len(known) / known.sum()))


def _best_of_library(
    past: _Past, cases: Sequence[_Case], apart_days: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return, for each large day, its best cosine and its least distance over all cases.

    Cases within ``apart_days`` are passed over: a day must not be found near itself.
    """
    best = np.full(len(past.pool), -1.0)
    nearest = np.full(len(past.pool), np.inf)
    for case in cases:
        gap = timedelta(days=apart_days)
        other = np.array([abs(day - case.episode.date) > gap for day in past.dates])
        known = case.known
        near = np.nan_to_num(cosine(past.pool[:, known], case.clipped[known]), nan=-1.0)
        best = np.where(other, np.maximum(best, near), best)
        away = _distances(past.pool, case, past)
        nearest = np.where(other, np.minimum(nearest, away), nearest)
    return best, nearest
