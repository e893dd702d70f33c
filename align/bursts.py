"""Days that deserve a second look: a burst of stories, or one voice behind most of them.

The share is capped against a single voice (``caps.py``); counts and reach are not, and many
accounts on a platform of one domain cannot be told from many people. So such days are marked.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import xlogy

from align.panel import BASELINE_DAYS

_LEAST_DAYS = 20


def kleinberg(
    carried: NDArray[np.float64],
    stories: NDArray[np.float64],
    gone: NDArray[np.bool_],
    rule: Mapping[str, Any],
    *,
    since: int = 0,
    over: NDArray[np.float64] | None = None,
) -> NDArray[np.bool_]:
    """Return on which days the stories of each narrative are in a burst.

    Parameters
    ----------
    carried : ndarray of shape (n_narratives, n_days)
        Stories that carry the narrative.
    stories : ndarray of shape (n_days,)
        All stories.
    gone : ndarray of bool, shape (n_days,)
        Missing days: the state is carried over them and no burst is reported.
    rule : mapping
        ``ratio`` (of the raised rate to the usual), ``gamma`` (price of going up, in units of
        the log of a baseline's length) and ``dispersion`` of the table ``burst``.
    since : int
        The first day that is new; those before it are False.
    over : ndarray of the shape of ``carried``, optional
        Cost of being raised over that of not, at the end of each day. Filled from ``since`` on.

    Notes
    -----
    The two-state automaton for batches of Kleinberg (2003, doi:10.1023/A:1024940629314), with
    two changes so that no later day can rewrite an earlier one: the usual rate is that of the
    60 sessions before the day, and what is returned is the state in which the cheapest path up
    to the day ends, not the cheapest path of all days. Stories of a day come in clumps, so a
    day's log-likelihood is divided by a dispersion.
    """
    n_days = carried.shape[1]
    rate = _usual(carried, stories, gone)
    raised = np.minimum(rule["ratio"] * rate, 0.5 * (1.0 + rate))
    rest = stories - carried
    with np.errstate(invalid="ignore", divide="ignore"):
        gain = xlogy(carried, raised / rate) + rest * (np.log1p(-raised) - np.log1p(-rate))
    gain = np.where(np.isnan(rate) | gone, 0.0, gain / rule["dispersion"])
    up = rule["gamma"] * np.log(BASELINE_DAYS)
    kept = np.empty(carried.shape) if over is None else over
    out = np.zeros(carried.shape, dtype=bool)
    for day in range(since, n_days):
        before = kept[:, day - 1] if day else np.full(len(carried), up)
        # Going down is free, so being raised never costs more than going up.
        kept[:, day] = np.minimum(np.maximum(before, 0.0), up) - gain[:, day]
        out[:, day] = (kept[:, day] < 0) & ~gone[day] & ~np.isnan(rate[:, day])
    return out


def _usual(
    carried: NDArray[np.float64], stories: NDArray[np.float64], gone: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the rate over the sessions before each day, NaN with too few of them."""

    def before(values: NDArray[np.float64]) -> NDArray[np.float64]:
        sums = np.cumsum(np.where(gone, 0.0, values), axis=-1)
        zero = np.zeros((*sums.shape[:-1], 1))
        sums = np.concatenate([zero, sums], axis=-1)[..., :-1]
        out = sums.copy()
        out[..., BASELINE_DAYS:] -= sums[..., :-BASELINE_DAYS]
        return out

    enough = before(np.ones(len(gone))) >= _LEAST_DAYS
    # Half a story: a narrative that was silent is not infinitely rare.
    rate = (before(carried) + 0.5) / (before(stories) + 1.0)
    return np.where(enough, rate, np.nan)


def concentrated(
    stories: pd.DataFrame,
    rows: NDArray[np.intp],
    story: NDArray[np.intp],
    cell: NDArray[np.intp],
    rule: Mapping[str, Any],
) -> NDArray[np.intp]:
    """Return the cells whose stories come mostly from one author or one domain.

    Parameters
    ----------
    stories : DataFrame
        ``source_id`` and, where they are known, ``author`` and ``domain``.
    rows : ndarray of shape (n_stories,)
        Session of each story.
    story, cell : ndarray of shape (n_labels,)
        Story of each label; the narrative and session that it counts for, as one number.
    rule : mapping
        ``origin_part`` and ``least`` of the table ``burst``.

    Notes
    -----
    A domain counts where its source brought others on that day, too: an outlet's own feed is
    one domain by nature. Cells with few stories are never returned.
    """
    cells, whole = np.unique(cell, return_counts=True)
    found = []
    for name in ("author", "domain"):
        if name not in stories or not stories[name].notna().any():
            continue
        named = stories[name].astype("string").str.strip().str.casefold()
        if name == "domain":
            others = named.groupby([stories["source_id"].to_numpy(), rows]).transform("nunique")
            named = named.where(others.to_numpy() > 1)
        codes = pd.factorize(named)[0][story]
        pairs = np.column_stack([cell, codes])[codes >= 0]
        groups, size = np.unique(pairs, axis=0, return_counts=True)
        of = whole[np.searchsorted(cells, groups[:, 0])]
        found.append(groups[(size > rule["origin_part"] * of) & (of >= rule["least"]), 0])
    return np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.intp)
