"""What the stories said before, with and after a move, each line kept apart.

Only talk that was public before the move's session closed enters the intensity; what came
after enters the timing, and causal claims are a line of their own. Ranking suspects by talk
after the move picks a follower nearly every time (0-7 % right in our simulations).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from align.abnormal import abnormal, sampling_error
from align.archive import Archive
from align.bootstrap import Bootstrap, Draws, Window, causal_share, stance_values
from align.panel import EXPECTED_DAYS
from align.series import Counts, Series, count, shares
from store.records import Coverage


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TextCounts:
    """Sums behind the evidence: of what stories assert, and of what they talk about."""

    asserted: Counts
    carried: Counts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TextEvidence:
    """Evidence from stories for every narrative, with bootstrap draws.

    Attributes
    ----------
    z : ndarray of shape (n_narratives,)
        Abnormal asserted intensity up to the close, of the longer or the shorter window,
        whichever is larger; NaN without a baseline.
    percentile : ndarray of shape (n_narratives,)
        Of that z among the *largest* z of past sessions over all narratives, so that twelve
        chances are not one; NaN with too little history.
    own_percentile : ndarray of shape (n_narratives,)
        Of that z among the narrative's own past; for one that prices already single out.
    causal_share : ndarray of shape (n_narratives,)
        Share of the stories that claim a cause which name this one; negative when more deny
        it than assert it.
    causal_stories : ndarray of shape (n_narratives,)
    pre_share : ndarray of shape (n_narratives,)
        Share of the surge that was out before the close; NaN without a surge, or while the
        next session is not known.
    pace : ndarray of shape (n_narratives,)
        Excess talk per session before the close over that after it, in the longer or the
        shorter window, whichever is larger; infinite with none after, NaN where ``pre_share``
        is.
    z_before, z_after : ndarray of shape (n_narratives,)
        Size of the surge in talk, before the close and after it.
    z_draws, causal_draws, pace_draws : ndarray of shape (n_draws, n_narratives)
    usual : ndarray of shape (n_narratives,)
        Median daily share of stories that carry the narrative, before the window.
    past_z : ndarray of shape (n_past, n_narratives)
        The same z of earlier sessions; none with too little history.
    past_rows : ndarray of shape (n_past,)
        Their rows in the grid.
    """

    z: Draws
    percentile: Draws
    own_percentile: Draws
    causal_share: Draws
    causal_stories: NDArray[np.intp]
    pre_share: Draws
    pace: Draws
    z_before: Draws
    z_after: Draws
    z_draws: Draws
    causal_draws: Draws
    pace_draws: Draws
    usual: Draws
    past_z: Draws
    past_rows: NDArray[np.intp]


def text_counts(archive: Archive, weights: Mapping[str, Any]) -> TextCounts:
    """Count assertions (by the stance weights) and talk once for all days."""
    number = len(archive.narrative_ids)
    args = (archive.grid, archive.story, archive.narrative)
    return TextCounts(
        asserted=count(*args, stance_values(archive, weights), number),
        carried=count(*args, np.ones(len(archive.story)), number),
    )


def gather_text(
    archive: Archive, counts: TextCounts, row: int, days: int, weights: Mapping[str, Any]
) -> TextEvidence | None:
    """Return the evidence for the window of ``days`` sessions that ends at a row.

    None when the row lies outside the archive or its day is missing.
    """
    if not 0 <= row < len(archive.grid.days) or archive.missing(row):
        return None
    rule = weights["window"]
    move_first = max(row - days + 1, 0)
    window = Window(
        first=max(move_first - rule["before"], 0),
        last=row,
        move_first=move_first,
        after=_rows_after(archive, row, rule["after"]),
    )
    panel = archive.panels[row]
    asserted = _cleared(archive, shares(archive.grid, counts.asserted, panel, row))
    carried_until = shares(archive.grid, counts.carried, panel, row + window.after)
    carried = _cleared(archive, carried_until)
    told = abnormal(asserted, carried, window, weights)
    usual = _median(carried.filled[:, : window.first - carried.start], rule["baseline"])
    z_before = _surge(carried, window.first, window.last, usual)
    z_after = _surge(carried, row + 1, row + window.after, usual)
    share, stories, claims = _causal(archive, window, weights)
    draws = Bootstrap(archive, panel, window, weights)
    daily = draws.carried_means(None)
    pre = _pre_share(daily, usual, window)[0]
    surge = np.fmax(z_before, z_after) >= weights["timing"]["surge_z"]
    pre = np.where(surge & (window.after > 0), pre, np.nan)
    pace, pace_draws = (
        np.where(np.isnan(pre), np.nan, _pace(some, usual, window, rule["short"]))
        for some in (daily, draws.carried_means(draws.weights))
    )
    return TextEvidence(
        z=told.z,
        percentile=told.percentile,
        own_percentile=told.own_percentile,
        causal_share=share,
        causal_stories=stories,
        pre_share=pre,
        pace=pace[0],
        z_before=z_before,
        z_after=z_after,
        z_draws=draws.z_draws(told.z, told.scale, told.width),
        causal_draws=draws.causal_draws(claims),
        pace_draws=pace_draws,
        usual=usual,
        past_z=told.past_z,
        past_rows=told.past_columns + asserted.start,
    )


def coverage_over(archive: Archive | None, row: int, days: int, before: int) -> Coverage:
    """Return what an answer rests on: stories and sources of the window up to the close."""
    if archive is None or not 0 <= row < len(archive.grid.days):
        return Coverage(stories=0, sources=0, sources_expected=0, share_of_panel=0.0)
    grid = archive.grid
    first = max(row - days + 1 - before, 0)
    rows = np.arange(first, row + 1)
    trailing = np.flatnonzero(grid.covered[: row + 1])[-EXPECTED_DAYS:]
    # Twice in twenty days: an address that appeared once is nobody to wait for. Counted over
    # all sources: which of them are regular depends on days that were still to come.
    number = int(grid.delivery_source.max(initial=-1)) + 1
    behind, inside = (np.isin(grid.delivery_day, some) for some in (trailing, rows))
    expected = np.bincount(grid.delivery_source[behind], minlength=number) >= 2
    there = (np.bincount(grid.delivery_source[inside], minlength=number) > 0) & expected
    parts = [archive.coverage[r] for r in rows.tolist()]
    known = [
        float(grid.covered[r]) if part is None else part
        for r, part in zip(rows, parts, strict=True)
    ]
    return Coverage(
        stories=int(((grid.story_day >= first) & (grid.story_day <= row)).sum()),
        sources=int(there.sum()),
        sources_expected=int(expected.sum()),
        share_of_panel=round(float(np.mean(known)), 4),
    )


def _rows_after(archive: Archive, row: int, longest: int) -> int:
    """Return how many sessions after a row are complete and were collected."""
    number = 0
    for later in range(row + 1, min(row + longest, len(archive.grid.days) - 1) + 1):
        if not archive.complete[later] or archive.missing(later):
            break
        number += 1
    return number


def _cleared(archive: Archive, series: Series) -> Series:
    """Return the series with missing days as NaN."""
    rows = range(series.start, series.start + series.filled.shape[1])
    gone = np.array([archive.missing(row) for row in rows])
    return Series(
        start=series.start,
        filled=np.where(gone, np.nan, series.filled),
        observed=series.observed,
        effective_n=np.where(gone, 0.0, series.effective_n),
    )


def _median(values: Draws, longest: int) -> Draws:
    past = values[:, -longest:]
    if past.shape[1] == 0 or np.isnan(past).all():
        return np.zeros(len(values))
    return np.asarray(np.nanmedian(past, axis=1), dtype=np.float64)


def _surge(carried: Series, first: int, last: int, usual: Draws) -> Draws:
    """Return z of the mean talk of some days above the usual share."""
    days = slice(first - carried.start, last - carried.start + 1)
    part = carried.filled[:, days]
    if part.shape[1] == 0 or np.isnan(part).all():
        return np.full(len(usual), np.nan)
    n = max(float(carried.effective_n[days].sum()), 1.0)
    return np.asarray((np.nanmean(part, axis=1) - usual) / sampling_error(usual, n))


def _pre_share(daily: NDArray[np.float64], usual: Draws, window: Window) -> Draws:
    """Return the part of the excess talk that came before the close.

    Parameters
    ----------
    daily : ndarray of shape (n_draws, n_days, n_narratives)
        Shares of the window and of the days after it.
    """
    excess = np.nan_to_num(np.maximum(daily - usual, 0.0))
    split = window.last - window.first + 1
    before, after = excess[:, :split].sum(axis=1), excess[:, split:].sum(axis=1)
    total = before + after
    part = np.divide(before, total, out=np.full(total.shape, 0.5), where=total > 0)
    return np.asarray(part, dtype=np.float64)


def _pace(daily: NDArray[np.float64], usual: Draws, window: Window, short: int) -> Draws:
    """Return mean excess talk before the close over that after it; infinite with none after.

    Per session, so that a story that broke the day before is not measured against more days
    of its own going on than there were before the close. Arguments as of ``_pre_share``.
    """
    excess = np.nan_to_num(np.maximum(daily - usual, 0.0))
    split = window.last - window.first + 1
    recent = min(window.last - window.move_first + 1 + short, split)
    before = np.maximum(
        excess[:, :split].mean(axis=1), excess[:, split - recent : split].mean(axis=1)
    )
    after = excess[:, split:].sum(axis=1) / max(window.after, 1)
    pace = np.divide(before, after, out=np.full(before.shape, np.inf), where=after > 0)
    return np.asarray(pace, dtype=np.float64)


def _causal(
    archive: Archive, window: Window, weights: Mapping[str, Any]
) -> tuple[Draws, NDArray[np.intp], NDArray[np.bool_]]:
    """Return the share of causal claims, the stories behind it, and which labels they are."""
    rule = weights["window"]
    day = archive.grid.story_day[archive.story]
    claims = (
        archive.causal & (day >= window.move_first) & (day <= window.last + rule["causal_after"])
    )
    places = np.unique(archive.story[claims], return_inverse=True)[1]
    ones = np.ones((1, int(places.max(initial=-1)) + 1))
    share = causal_share(archive, claims, places, ones, weights)[0]
    stories = np.bincount(archive.narrative[claims], minlength=len(archive.narrative_ids))
    return share, stories.astype(np.intp), claims
