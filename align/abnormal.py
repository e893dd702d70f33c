"""How unusual the talk of a window is, against the days before it and against itself.

Two windows end at the close: five sessions and the move's own, for a story that grew, and one
session and the move's own, for one that broke the night before. The larger z counts, and its
placebo percentiles come from the same larger z of earlier sessions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from align.bootstrap import Draws, Window
from align.series import Series, rolling_mean

# Sessions behind a placebo baseline, inside the history.
_LEAST_PLACEBO_BASELINE = 20
_WINSOR = 4.0
_MOST_AUTOCORRELATION = 0.8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Abnormal:
    """Abnormal intensity of every narrative.

    Attributes
    ----------
    z, scale : ndarray of shape (n_narratives,)
        Of the window with the larger z, and the deviation that it is measured in; NaN
        without a baseline.
    width : ndarray of int, shape (n_narratives,)
        Sessions of that window.
    percentile, own_percentile : ndarray of shape (n_narratives,)
        As ``TextEvidence`` describes them.
    past_z : ndarray of shape (n_past, n_narratives)
    past_columns : ndarray of int, shape (n_past,)
        Columns of the series.
    """

    z: Draws
    scale: Draws
    width: NDArray[np.intp]
    percentile: Draws
    own_percentile: Draws
    past_z: Draws
    past_columns: NDArray[np.intp]


def abnormal(
    asserted: Series, carried: Series, window: Window, weights: Mapping[str, Any]
) -> Abnormal:
    """Return the abnormal intensity of the window's assertions."""
    rule = weights["window"]
    span = window.last - window.first + 1
    first, last = window.first - asserted.start, window.last - asserted.start
    number = len(asserted.filled)
    means = rolling_mean(asserted.filled, span, max(2, (span + 1) // 2))
    past = means[:, :first][:, -rule["baseline"] :]
    enough = (~np.isnan(past[:1])).sum() >= rule["baseline_least"] if number else False
    if not enough or np.isnan(means[:, last]).all():
        return _nothing(number, span)
    talk = np.nanmean(carried.filled[:, :first], axis=1)
    days = window.last - window.move_first + 1
    widths = sorted({span, min(days + rule["short"], span)}, reverse=True)
    found = [_one_width(asserted, talk, (first, last), width, rule) for width in widths]
    z, scale = (np.array([getattr(one, name) for one in found]) for name in ("z", "scale"))
    best = np.argmax(np.nan_to_num(z, nan=-np.inf), axis=0)
    pick = (best, np.arange(number))
    # Sessions of the long window's history; the short one has all of them, or says nothing.
    columns = found[0].columns
    history = np.full((len(columns), number), np.nan)
    for one in found:
        inside = np.isin(columns, one.columns)
        history[inside] = np.fmax(history[inside], one.history[np.isin(one.columns, columns)])
    least = weights["adequate"]["history_least"]
    known = len(history) >= least
    largest = history.max(axis=1) if known else np.empty(0)
    unknown = np.full(number, np.nan)
    return Abnormal(
        z=z[pick],
        scale=scale[pick],
        width=np.array(widths, dtype=np.intp)[best],
        percentile=np.array([(largest < value).mean() for value in z[pick]]) if known else unknown,
        own_percentile=(history < z[pick]).mean(axis=0) if known else unknown,
        past_z=history if known else history[:0],
        past_columns=columns if known else columns[:0],
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Width:
    """z and scale of one window, and z of the same window in the past, by column."""

    z: Draws
    scale: Draws
    history: Draws
    columns: NDArray[np.intp]


def _nothing(number: int, span: int) -> Abnormal:
    unknown = np.full(number, np.nan)
    return Abnormal(
        z=unknown,
        scale=unknown,
        width=np.full(number, span, dtype=np.intp),
        percentile=unknown,
        own_percentile=unknown,
        past_z=np.empty((0, number)),
        past_columns=np.empty(0, dtype=np.intp),
    )


def _one_width(
    asserted: Series, talk: Draws, rows: tuple[int, int], width: int, rule: Mapping[str, Any]
) -> _Width:
    """Return z of the mean of the last ``width`` days; its baseline ends before the long window."""
    first, last = rows
    daily, baseline = asserted.filled[:, :first], rule["baseline"]
    means = rolling_mean(asserted.filled, width, max(2, (width + 1) // 2))
    n = max(float(asserted.effective_n[last - width + 1 : last + 1].sum()), 1.0)
    error = sampling_error(talk, n)
    scale = _scale(daily[:, -baseline:], width, error)
    z = (means[:, last] - np.nanmedian(means[:, :first][:, -baseline:], axis=1)) / scale
    history, columns = _history(daily, means[:, :first], (width, last - first + 1), baseline, error)
    return _Width(z=z, scale=scale, history=history, columns=columns)


def _history(
    daily: Draws, means: Draws, widths: tuple[int, int], baseline: int, error: Draws
) -> tuple[Draws, NDArray[np.intp]]:
    """Return z of each past session against the ``baseline`` days before its long window."""
    width, span = widths
    number, n_days = means.shape
    pad = np.full((number, baseline + span), np.nan)
    # Window ``row`` of a view holds the rows row - span - baseline + 1 .. row - span.
    before, days = (
        np.lib.stride_tricks.sliding_window_view(np.hstack([pad, line]), baseline, axis=1)[
            :, 1 : n_days + 1
        ]
        for line in (means, daily)
    )
    known = (~np.isnan(before)).sum(axis=2)[0] if number else np.zeros(n_days)
    columns = np.flatnonzero(~np.isnan(means[0]) & (known >= _LEAST_PLACEBO_BASELINE))
    if not len(columns):
        return np.empty((0, number)), columns
    scale = _scale(days[:, columns], width, error[:, None])
    z = (means[:, columns] - np.nanmedian(before[:, columns], axis=2)) / scale
    return np.asarray(z.T), columns


def _scale(daily: Draws, width: int, least: Draws) -> Draws:
    """Return the deviation of a mean over ``width`` days, from the days of a baseline (last axis).

    Daily deviation, winsorised at four robust ones so that an earlier burst does not hide a
    later one, over sqrt(width), times sqrt((1 + r) / (1 - r)) for an autocorrelation r; never
    below the sampling error of the mean. Sixty days say more about it than the spread of
    sixty overlapping means, of which ten are independent.
    """
    median = np.nanmedian(daily, axis=-1, keepdims=True)
    off = daily - median
    robust = 1.4826 * np.nanmedian(np.abs(off), axis=-1, keepdims=True)
    limit = _WINSOR * np.maximum(robust, least[..., None] * np.sqrt(width))
    off = np.clip(off, -limit, limit)
    variance = np.nanmean(off**2, axis=-1)
    # Pairs of neighbours that are both known; of a gap, or of a still series, nothing.
    pairs = off[..., 1:] * off[..., :-1]
    number = np.maximum((~np.isnan(pairs)).sum(axis=-1), 1)
    r = np.nansum(pairs, axis=-1) / number / np.maximum(variance, 1e-12)
    r = np.clip(r, 0.0, _MOST_AUTOCORRELATION)
    return np.asarray(np.maximum(np.sqrt(variance * (1 + r) / (1 - r) / width), least))


def sampling_error(share: Draws, n: float) -> Draws:
    """Return the standard error of a share of ``n`` effective stories."""
    rate = np.clip((share * n + 0.5) / (n + 1.0), 0.0, 1.0)
    return np.asarray(np.sqrt(rate * (1 - rate) / n), dtype=np.float64)
