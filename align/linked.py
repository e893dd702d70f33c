"""The printed share without the steps that a change of the panel makes.

A panel is frozen for a quarter. When the next one takes over, its shares are brought to the
level of the series so far through the days on which both are known, as a price index is
chained when its basket changes.
"""

import numpy as np
from numpy.typing import NDArray

from align.archive import Archive
from align.panel import BASELINE_DAYS, LEAST_COVERAGE, Panel, coverage_of
from align.series import Counts, Series, shares

# Reference, section 2, step 3.
LEAST_OVERLAP = 20


def linked_shares(archive: Archive, counts: Counts) -> NDArray[np.float64]:
    """Return the chain-linked share, shape (n_narratives, n_days); NaN on missing days.

    Notes
    -----
    The panel changes with the first collected session of a quarter, and within one when the
    frozen panel is no longer there (under 80 % of its weight) though today's is. Over the last
    60 sessions (20 at least, else the old panel stays) the mean shares L of the series so far
    and N of the new panel give one odds ratio, theta = odds(L) / odds(N); from then on the
    series is theta s / (1 - s + theta s). Near 0 that is a ratio, so a narrative of a tenth of
    a percent is not lifted by tenths; it maps 0 to 0 and stays under 1, which a ratio does not; and
    adding would make shares negative. Half a story on either side keeps theta at 1 where
    both are silent. Each link reads earlier days alone, so none rewrites a point; its error
    stays in the level for good, so compare levels within a year, not over ten.
    """
    n_days = len(archive.grid.days)
    out = np.full((len(archive.narrative_ids), n_days), np.nan)
    quarter = archive.grid.days.to_period("Q").asi8
    frozen: Panel | None = None
    since, theta = 0, np.ones(len(out))
    for row in range(n_days):
        if archive.missing(row):
            continue
        today = archive.panels[row]
        if not len(today.members) and not today.pool_usual:
            continue
        if frozen is None:
            frozen, since = today, row
        elif quarter[row] != quarter[since] or _is_gone(archive, row, frozen):
            found = _link(archive, counts, today, row, out)
            if found is not None:
                frozen, since, theta = today, row, found
        series = _series(archive, counts, frozen, row)
        share = series.filled[:, -1]
        out[:, row] = theta * share / (1.0 - share + theta * share)
    return out


def _is_gone(archive: Archive, row: int, panel: Panel) -> bool:
    share = coverage_of(archive.grid, row, panel)
    return share is not None and share < LEAST_COVERAGE


def _series(archive: Archive, counts: Counts, panel: Panel, row: int) -> Series:
    first = max(row - BASELINE_DAYS, 0)
    return shares(archive.grid, counts, panel, row, first=first)


def _link(
    archive: Archive, counts: Counts, panel: Panel, row: int, linked: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Return the odds ratio that brings a panel to the level so far; None on too few days."""
    series = _series(archive, counts, panel, row)
    old, new = linked[:, series.start : row], series.filled[:, :-1]
    n = series.effective_n[:-1]
    both = ~np.isnan(old).any(axis=0) & ~np.isnan(new).any(axis=0) & (n > 0)
    if both.sum() < LEAST_OVERLAP:
        return None
    stories = n[both].sum()
    level, base = ((values[:, both] @ n[both] + 0.5) / (stories + 1.0) for values in (old, new))
    return np.asarray((level / (1.0 - level)) / (base / (1.0 - base)))
