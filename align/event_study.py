"""Event-day tests: whether the move of a window is unusual at all, for so many assets at once.

A crash day is one event, not fifteen: a cross-sectional test that takes the assets for
independent rejects a true null half of the time. So the answer is a rank among placebo days,
and beside it stands the test of Boehmer, Musumeci & Poulsen (1991) with the correction for
correlated assets of Kolari & Pynnonen (2010), RFS 23(11) 3996.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr

from align.signatures import Signature
from store.records import Unusual

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventStudy:
    """Standardised abnormal returns of one window and of the placebo windows before it.

    Attributes
    ----------
    assets : sequence of str
    abnormal : ndarray of shape (n_assets,)
        Sum of the abnormal returns over the window (CAR), in the unit of the input.
    standardised : ndarray of shape (n_assets,)
        The same over its forecast standard error.
    placebo : ndarray of shape (n_windows, n_assets)
        Standardised abnormal returns of all windows of that length before; NaN where missing.
    """

    assets: Sequence[str]
    abnormal: Array
    standardised: Array
    placebo: Array


def event_study(
    returns: pd.DataFrame,
    row: int,
    days: int,
    rules: Mapping[str, Any],
    *,
    factor: str | None = None,
) -> EventStudy | None:
    """Return the abnormal returns of the ``days`` rows that end at a row.

    Parameters
    ----------
    returns : DataFrame of shape (n_sessions, n_assets)
        Changes, better vol-scaled: a forecast error is compared with errors of other days.
    rules : mapping
        ``estimation_days, estimation_least, assets_least`` of ``weights.toml``.
    factor : str, optional
        Column of a market model r = a + b m; without it the forecast is the mean.

    Returns
    -------
    EventStudy or None
        None with too few assets that have the window's last day and the days before.

    Notes
    -----
    AR = r - forecast; SAR = AR / (s c) with the residual deviation s of the estimation window,
    which ends before the window begins, and Patell's (1976) correction c for the error of
    the forecast. Over L days the abnormal returns are summed and s grows with sqrt(L).
    """
    first = row - days + 1
    start = max(first - int(rules["estimation_days"]), 0)
    past = returns.iloc[start:first]
    window = returns.iloc[first : row + 1]
    enough = past.notna().sum() >= rules["estimation_least"]
    names = [name for name in returns.columns[enough & window.iloc[-1].notna()] if name != factor]
    if len(names) < rules["assets_least"]:
        return None
    before, now = (part[names].to_numpy(dtype=float) for part in (past, window))
    market = None
    if factor is not None:
        market = (past[factor].to_numpy(dtype=float), window[factor].to_numpy(dtype=float))
    errors, abnormal, widening = _forecast(before, now, market)
    known = ~np.isnan(errors)
    spent = 1 if market is None else 2
    with np.errstate(invalid="ignore"):
        deviation = np.sqrt(np.nansum(errors**2, axis=0) / (known.sum(axis=0) - spent))
    lengths = (~np.isnan(abnormal)).sum(axis=0)
    scale = deviation * np.sqrt(lengths * widening)
    car = np.nansum(abnormal, axis=0)
    there = (scale > 0) & (lengths > 0)
    if there.sum() < rules["assets_least"]:
        return None
    return EventStudy(
        assets=[name for name, kept in zip(names, there, strict=True) if kept],
        abnormal=car[there],
        standardised=car[there] / scale[there],
        placebo=_windows(errors[:, there] / deviation[there], days),
    )


def _forecast(
    before: Array, now: Array, market: tuple[Array, Array] | None
) -> tuple[Array, Array, Array]:
    """Return errors before, errors of the window, and the squared correction per asset."""
    number = (~np.isnan(before)).sum(axis=0)
    if market is None:
        mean = np.nanmean(before, axis=0)
        return before - mean, now - mean, 1.0 + now.shape[0] / number
    x, x_now = market
    shared = ~np.isnan(before) & ~np.isnan(x)[:, None]
    xs = np.where(shared, x[:, None], np.nan)
    ys = np.where(shared, before, np.nan)
    centre = np.nanmean(xs, axis=0)
    spread = np.nansum((xs - centre) ** 2, axis=0)
    beta = np.nansum((xs - centre) * ys, axis=0) / spread
    alpha = np.nanmean(ys, axis=0) - beta * centre
    widening = 1.0 + now.shape[0] / shared.sum(axis=0)
    widening += np.nanmean((x_now[:, None] - centre) ** 2, axis=0) * now.shape[0] / spread
    return ys - alpha - beta * x[:, None], now - alpha - beta * x_now[:, None], widening


def _windows(errors: Array, days: int) -> Array:
    """Return sums over all windows of a length, in units of one such sum's deviation."""
    if days == 1:
        return errors
    sums = pd.DataFrame(errors).rolling(days, min_periods=max(days // 2, 1)).sum()
    return np.asarray(sums.to_numpy(dtype=float)[days - 1 :] / np.sqrt(days))


def common_direction(placebo: Array) -> Array:
    """Return +1 or -1 per asset: the signs of the first principal component of the past."""
    filled = np.nan_to_num(placebo)
    loading = np.linalg.eigh(filled.T @ filled)[1][:, -1]
    signs = np.where(loading < 0, -1.0, 1.0)
    # An eigenvector has no sign of its own: the majority of the assets gives it one.
    return np.asarray(signs if signs.sum() >= 0 else -signs)


def mean_correlation(placebo: Array) -> float:
    """Return the mean correlation over all pairs of assets."""
    table = np.asarray(pd.DataFrame(placebo).corr(), dtype=float)
    pairs = table[np.triu_indices(len(table), 1)]
    return float(np.nanmean(pairs)) if len(pairs) else float("nan")


def bmp(standardised: Array, correlation: float) -> tuple[float, float, float]:
    """Return t of BMP, t of Kolari-Pynnonen, and the two-sided p of the latter.

    Notes
    -----
    t_BMP = mean(SAR) / (sd(SAR) / sqrt(A)); t_KP = t_BMP sqrt((1 - r) / (1 + (A - 1) r)) with
    the mean correlation r of the estimation residuals; p by Student's t with A - 1 degrees.
    """
    n = len(standardised)
    t_bmp = float(standardised.mean() / (standardised.std(ddof=1) / np.sqrt(n)))
    r = min(max(correlation, -1.0 / (n - 1) + 1e-6), 1.0 - 1e-9)
    t_kp = t_bmp * float(np.sqrt((1 - r) / (1 + (n - 1) * r)))
    return t_bmp, t_kp, float(2.0 * stdtr(n - 1, -abs(t_kp)))


def unusual_of(study: EventStudy | None) -> Unusual | None:
    """Return the tests of one window; None without one, or of one price under many names."""
    if study is None:
        return None
    turn = common_direction(study.placebo)
    aligned, past = study.standardised * turn, study.placebo * turn
    if not np.ptp(aligned) > 0:
        return None  # no deviation across assets to hold the mean against
    known = ~np.isnan(past).all(axis=1)
    past = past[known]
    sizes = np.sqrt(np.nanmean(past**2, axis=1))
    means = np.abs(np.nanmean(past, axis=1))
    mean = float(aligned.mean())
    correlation = mean_correlation(past)
    t_bmp, t_kp, p_kp = bmp(aligned, correlation)
    return Unusual(
        size_percentile=_below(sizes, float(np.sqrt((aligned**2).mean()))),
        mean_percentile=_below(means, abs(mean)),
        placebo_p=round(float((1 + (means >= abs(mean)).sum()) / (1 + len(means))), 6),
        mean=round(mean, 4),
        t_bmp=round(t_bmp, 4),
        t_kp=round(t_kp, 4),
        p_kp=round(p_kp, 6),
        correlation=round(correlation, 4),
        assets=len(aligned),
        days=len(past),
    )


def projection_percentile(study: EventStudy | None, signature: Signature) -> float | None:
    """Return where the size of the projection on a sign vector lies among the days before.

    None without a leg of the vector among the assets of the study.
    """
    if study is None:
        return None
    vector = np.array([signature.signs.get(name, 0.0) for name in study.assets])
    norm = float(np.sqrt((vector**2).sum()))
    if norm == 0:
        return None
    known = ~np.isnan(study.placebo[:, vector != 0]).all(axis=1)
    past = np.abs(np.nan_to_num(study.placebo[known]) @ vector) / norm
    return _below(past, abs(float(study.standardised @ vector)) / norm)


def _below(values: Array, value: float) -> float:
    return round(float((values < value).mean()), 4)
