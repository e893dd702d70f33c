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
    """Sums of a value of the stories (1 for carried, or a stance weight) by narrative.

    Attributes
    ----------
    by_source : ndarray of shape (n_narratives, n_days, n_sources)
    pool : ndarray of shape (n_narratives, n_days)
        The same times the cap of the occasional stratum, over all stories.
    """

    by_source: NDArray[np.float64]
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
    capped = value * grid.story_cap[story]
    by_source = np.zeros((n_narratives, *grid.stories.shape))
    pool = np.zeros((n_narratives, len(grid.days)))
    regular = source >= 0
    where = (narrative[regular], day[regular], source[regular])
    np.add.at(by_source, where, value[regular])
    np.add.at(pool, (narrative, day), capped)
    return Counts(by_source=by_source, pool=pool)


def shares(grid: Grid, counts: Counts, panel: Panel, row: int) -> Series:
    """Return the shares of all narratives under one panel, on the days up to ``row``."""
    start = max(row - LONGEST, 0)
    days, members = slice(start, row + 1), panel.members
    stories = grid.stories[days, members] if len(members) else np.empty((row + 1 - start, 0))
    cap = _rest(grid.cap[days], grid.cap_by_source[days][:, members])
    mine = counts.by_source[:, days][:, :, members]
    with np.errstate(invalid="ignore", divide="ignore"):
        # The cap is the same for all stories of a source on a day.
        factor = np.where(stories > 0, grid.cap_by_source[days][:, members] / stories, 0.0)
        pool_sum = counts.pool[:, days] - (mine * factor).sum(axis=2)
        within = mine / stories
        pool = np.where(cap > 0, pool_sum / cap, np.nan)
    strata = np.concatenate([within, pool[:, :, None]], axis=2)
    weights = np.append(panel.weights, panel.pool_weight)
    present = np.concatenate([stories > 0, (cap > 0)[:, None]], axis=1)
    anything = present.any(axis=1)
    filled = _fill(strata, present)
    usable = ~np.isnan(filled)
    total = (usable * weights).sum(axis=2)
    series = np.divide(
        (np.where(usable, filled, 0.0) * weights).sum(axis=2),
        total,
        out=np.full(total.shape, np.nan),
        where=(total > 0) & anything,
    )
    today = present[-1]
    weight_today = float(weights[today].sum())
    observed = np.full(len(strata), np.nan)
    if weight_today > 0:
        observed = strata[:, -1, today] @ weights[today] / weight_today
    squared = _rest(grid.cap_squared[days], grid.cap_squared_by_source[days][:, members])
    # Source j gives each of its n_j stories w_j / n_j: sum of squares w_j^2 / n_j.
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.where(stories > 0, panel.weights**2 / stories, 0.0).sum(axis=1)
        spread += np.where(cap > 0, panel.pool_weight**2 * squared / cap**2, 0.0)
        effective = (present * weights).sum(axis=1) ** 2 / spread
    return Series(
        start=start,
        filled=series,
        observed=observed,
        effective_n=np.where(anything, np.nan_to_num(effective), 0.0),
    )


def _rest(whole: NDArray[np.float64], parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Subtract the members from a sum; float dust of it must not look like a story."""
    rest = whole - parts.sum(axis=1)
    return np.where(rest > 1e-9, rest, 0.0)


def _fill(strata: NDArray[np.float64], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Fill silent strata with their own mean over the baseline days before the last."""
    past, there = strata[:, -BASELINE_DAYS - 1 : -1], present[-BASELINE_DAYS - 1 : -1]
    number = there.sum(axis=0)
    sums = np.where(there, past, 0.0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(number > 0, sums / number, np.nan)
    return np.where(present, strata, mean[:, None, :])


def rolling_mean(values: NDArray[np.float64], width: int, least: int) -> NDArray[np.float64]:
    """Return trailing means along the last axis, NaN with fewer than ``least`` values."""
    known = ~np.isnan(values)
    sums = np.cumsum(np.where(known, values, 0.0), axis=1)
    number = np.cumsum(known, axis=1).astype(float)
    sums[:, width:] = sums[:, width:] - sums[:, :-width]
    number[:, width:] = number[:, width:] - number[:, :-width]
    return np.where(number >= least, sums / np.maximum(number, 1.0), np.nan)
