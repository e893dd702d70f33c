"""Daily shares of narratives under the panel of one day, that day and all days before it.

The series behind a day are computed with *its* panel: a source that joined later is not in
the past of an earlier day, and a source that is in the panel but was silent on some earlier
day is filled with its own average there, so that a change of the panel is no change of the
series (the effect of chain-linking an index).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from align.innovation import LONGEST
from align.panel import BASELINE_DAYS, Grid, Panel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counts:
    """Weighted sums of a value of the stories (1 for carried, or a stance weight) by narrative.

    Attributes
    ----------
    within : ndarray of shape (n_narratives, n_days, n_sources)
        Over the stories of the source on the day; 0 where there is none.
    capped : ndarray of shape (n_narratives, n_days, n_sources)
        What each source would bring to the occasional stratum.
    pool : ndarray of shape (n_narratives, n_days)
        The same over all sources.
    """

    within: NDArray[np.float64]
    capped: NDArray[np.float64]
    pool: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """Shares under one panel for the days ``start`` .. ``row``.

    Attributes
    ----------
    filled : ndarray of shape (n_narratives, n_days)
        Share with silent members filled; NaN on a day without any story.
    observed : ndarray of shape (n_narratives,)
        Share of the last day from what was there alone; NaN without a story.
    effective_n : ndarray of shape (n_days,)
        (sum w)^2 / sum w^2 over the stories of each day.
    """

    start: int
    filled: NDArray[np.float64]
    observed: NDArray[np.float64]
    effective_n: NDArray[np.float64]


def count(
    grid: Grid,
    story: NDArray[np.intp],
    narrative: NDArray[np.intp],
    value: NDArray[np.float64],
    n_narratives: int,
) -> Counts:
    """Sum a value over stories.

    Parameters
    ----------
    story, narrative, value : ndarray of shape (n_labels,)
        Story number, narrative number and value of each label.
    """
    day, source = grid.story_day[story], grid.story_source[story]
    within, capped = (np.zeros((n_narratives, *grid.stories.shape)) for _ in range(2))
    pool = np.zeros((n_narratives, len(grid.days)))
    regular = source >= 0
    where = (narrative[regular], day[regular], source[regular])
    np.add.at(within, where, (value * grid.story_weight[story])[regular])
    np.add.at(capped, where, (value * grid.story_cap[story])[regular])
    np.add.at(pool, (narrative, day), value * grid.story_cap[story])
    whole = np.where(grid.stories > 0, grid.stories, 1.0)
    return Counts(within=within / whole, capped=capped, pool=pool)


def shares(
    grid: Grid, counts: Counts, panel: Panel, row: int, *, first: int | None = None
) -> Series:
    """Return the shares of all narratives under one panel, on the days up to ``row``.

    Parameters
    ----------
    first : int, optional
        First day wanted; default: 750 before.
    """
    start = max(row - LONGEST, 0) if first is None else first
    days = slice(start, row + 1)
    own, inside = np.zeros(grid.stories.shape[1]), np.zeros(grid.stories.shape[1])
    own[panel.members], inside[panel.members] = panel.weights, 1.0
    there = grid.stories[days] > 0
    cap = _rest(grid.cap[days], grid.cap_by_source[days] @ inside)
    pool = _dusted(counts.pool[:, days] - counts.capped[:, days] @ inside)
    pool = np.where(cap > 0, pool / np.where(cap > 0, cap, 1.0), 0.0)
    filled = _filled(counts.within[:, days], pool, there, cap > 0, own, panel.pool_weight)
    anything = (there @ inside > 0) | (cap > 0)
    today = there[-1, panel.members]
    strata = counts.within[:, row, panel.members[today]]
    observed = strata @ panel.weights[today]
    weight_today = float(panel.weights[today].sum())
    if cap[-1] > 0:
        observed = observed + panel.pool_weight * pool[:, -1]
        weight_today += panel.pool_weight
    squared = _rest(grid.cap_squared[days], grid.cap_squared_by_source[days] @ inside)
    # A story of weight v in a source whose stories weigh V counts w v / V: squares of the
    # source sum to w^2 times its dispersion.
    spread = grid.dispersion[days] @ own**2
    spread += np.where(cap > 0, panel.pool_weight**2 * squared / np.where(cap > 0, cap, 1) ** 2, 0)
    present = there @ own + panel.pool_weight * (cap > 0)
    effective = np.divide(present**2, spread, out=np.zeros(len(spread)), where=spread > 0)
    return Series(
        start=start,
        filled=np.where(anything, filled, np.nan),
        observed=observed / weight_today if weight_today > 0 else np.full(len(observed), np.nan),
        effective_n=np.where(anything, effective, 0.0),
    )


def _dusted(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Float dust of a subtraction must not look like a story."""
    return np.asarray(np.where(np.abs(values) > 1e-9, values, 0.0))


def _rest(whole: NDArray[np.float64], part: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.maximum(_dusted(whole - part), 0.0))


def _filled(
    within: NDArray[np.float64],
    pool: NDArray[np.float64],
    there: NDArray[np.bool_],
    pool_there: NDArray[np.bool_],
    weights: NDArray[np.float64],
    pool_weight: float,
) -> NDArray[np.float64]:
    """Average the strata; a silent one has its own mean over the baseline days before the last.

    All as products of matrices: this runs for every day over three years before it.
    """
    base = slice(max(within.shape[1] - 1 - BASELINE_DAYS, 0), within.shape[1] - 1)
    number = there[base].sum(axis=0)
    means = within[:, base].sum(axis=1) / np.maximum(number, 1)
    silent = np.where(there, 0.0, weights * (number > 0))
    pool_number = int(pool_there[base].sum())
    pool_mean = pool[:, base].sum(axis=1) / max(pool_number, 1)
    pool_silent = np.where(pool_there, 0.0, pool_weight * (pool_number > 0))
    total = there @ weights + silent.sum(axis=1) + pool_weight * pool_there + pool_silent
    value = within @ weights + means @ silent.T
    value += pool_weight * pool + pool_mean[:, None] * pool_silent
    return np.asarray(np.divide(value, total, out=np.full(value.shape, np.nan), where=total > 0))


def rolling_mean(values: NDArray[np.float64], width: int, least: int) -> NDArray[np.float64]:
    """Return trailing means along the last axis, NaN with fewer than ``least`` values."""
    known = ~np.isnan(values)
    sums = np.cumsum(np.where(known, values, 0.0), axis=1)
    number = np.cumsum(known, axis=1).astype(float)
    sums[:, width:] = sums[:, width:] - sums[:, :-width]
    number[:, width:] = number[:, width:] - number[:, :-width]
    return np.where(number >= least, sums / np.maximum(number, 1.0), np.nan)
