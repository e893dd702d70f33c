"""The printed share without the steps that a change of the panel makes.

A panel is frozen for a quarter. When the next one takes over, its shares are brought to the
level of the series so far through the days on which both are known, as a price index is
chained when its basket changes.
"""

from datetime import date

import numpy as np
from numpy.typing import NDArray

from align.archive import Archive
from align.carried import Carried
from align.panel import BASELINE_DAYS, LEAST_COVERAGE, Panel, coverage_of
from align.series import Counts, Series, shares

# Reference, section 2, step 3.
LEAST_OVERLAP = 20


def linked_shares(
    archive: Archive, counts: Counts, since: int = 0, kept: Carried | None = None
) -> NDArray[np.float64]:
    """Return the chain-linked share, shape (n_narratives, n_days); NaN on missing days.

    Parameters
    ----------
    since : int
        The first row that is new; the chain of those before it is in ``kept``.
    kept : Carried, optional
        Its ``linked``, ``theta`` and ``panel`` are filled from ``since`` on.

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
    kept = Carried.empty(len(archive.narrative_ids), n_days) if kept is None else kept
    quarter = archive.grid.days.to_period("Q").asi8
    # Row whose panel is frozen, and its odds ratio.
    start = _frozen_row(archive, kept.panel[since - 1]) if since else None
    theta = kept.theta[:, since - 1] if since else np.ones(len(kept.linked))
    for row in range(since, n_days):
        today = archive.panels[row]
        if not archive.missing(row) and (len(today.members) or today.pool_usual):
            if start is None:
                start = row
            elif quarter[row] != quarter[start] or _is_gone(archive, row, archive.panels[start]):
                found = _link(archive, counts, today, row, kept.linked)
                if found is not None:
                    start, theta = row, found
            share = _series(archive, counts, archive.panels[start], row).filled[:, -1]
            kept.linked[:, row] = theta * share / (1.0 - share + theta * share)
        kept.theta[:, row] = theta
        kept.panel[row] = 0 if start is None else archive.day(start).toordinal()
    return kept.linked


def _frozen_row(archive: Archive, ordinal: float) -> int | None:
    """Return the row of the session of an ordinal, None for 0."""
    if not ordinal:
        return None
    position = int(archive.calendar.fold([date.fromordinal(int(ordinal))])[0])
    # A panel from before the grid is computed from too little: `horizon` has everything read.
    return max(position - archive.offset, 0)


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
