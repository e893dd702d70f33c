"""Intensity minus what its own past forecast: the series that is tested against prices.

Levels of two persistent series agree by chance (62-72 % of the time at p < .05 in our
simulations); their innovations do not.
"""

import numpy as np
from numpy.typing import NDArray

LAGS = 5
WEEKDAYS = 5
# As few as a baseline may have; the prior below keeps ten coefficients tame on them.
LEAST_ROWS = 20
# Forecast errors behind the first sigma.
LEAST_ERRORS = 10
HALF_LIFE = 60
# The expanding window stops growing here: three years of sessions.
LONGEST = 750
# A prior of "no pattern" on each coefficient, worth this many observations; it fades as the
# window grows, and a weekday that never occurred keeps no effect.
_PRIOR = 5.0
# Known lags out of five that a row needs.
_LEAST_LAGS = 3


def logit_share(
    share: NDArray[np.float64], effective_n: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return log((x + .5) / (n - x + .5)) with x = share * n: bounded shares, stable near 0."""
    x = share * effective_n
    return np.asarray(np.log((x + 0.5) / (effective_n - x + 0.5)), dtype=np.float64)


def forecast_error(values: NDArray[np.float64], weekdays: NDArray[np.intp]) -> float:
    """Return :func:`forecast_errors` of one series."""
    return float(forecast_errors(values[None, :], weekdays)[0])


def forecast_errors(values: NDArray[np.float64], weekdays: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the last values minus their forecast by AR(5) and day of week from those before.

    Parameters
    ----------
    values : ndarray of shape (n_series, n_days)
        One value per session, NaN where missing; the last is the one to forecast.
    weekdays : ndarray of shape (n_days,)
        0 for Monday .. 4 for Friday.

    Returns
    -------
    ndarray of shape (n_series,)
        NaN when the last value is missing or there are under 20 usable rows before it.

    Notes
    -----
    Ridge regression on the rows before the last. A missing lag is replaced by the mean of
    the past, which is what an autoregression forecasts far ahead; a row needs three of five.
    """
    values, weekdays = values[:, -LONGEST:], weekdays[-LONGEST:]
    n = values.shape[1]
    if n <= LAGS:
        return np.full(len(values), np.nan)
    known = ~np.isnan(values)
    past = known[:, :-1]
    number = np.maximum(past.sum(axis=1, keepdims=True), 1)
    mean = np.where(past, values[:, :-1], 0.0).sum(axis=1, keepdims=True) / number
    centred = np.where(known, values - mean, 0.0)
    scale = np.sqrt((centred[:, :-1] ** 2).sum(axis=1) / number[:, 0])
    scale = np.where(scale > 0, scale, 1.0)
    steps = [slice(LAGS - lag, n - lag) for lag in range(1, LAGS + 1)]
    lags = np.stack([known[:, step] for step in steps], axis=2).sum(axis=2)
    rows = (lags >= _LEAST_LAGS) & known[:, LAGS:]
    rows[:, -1] = False
    lagged = np.stack([centred[:, step] for step in steps], axis=2) / scale[:, None, None]
    seasons = np.broadcast_to(np.eye(WEEKDAYS)[weekdays[LAGS:]], (len(values), n - LAGS, WEEKDAYS))
    design = np.concatenate([lagged, seasons], axis=2)
    x, y = design * rows[:, :, None], centred[:, LAGS:] * rows
    gram = x.transpose(0, 2, 1) @ x + _PRIOR * np.eye(x.shape[2])
    beta = np.linalg.solve(gram, x.transpose(0, 2, 1) @ y[:, :, None])[:, :, 0]
    error = centred[:, -1] - (design[:, -1] * beta).sum(axis=1)
    return np.where(known[:, -1] & (rows.sum(axis=1) >= LEAST_ROWS), error, np.nan)


def standardise(
    errors: NDArray[np.float64], since: int = 0, sums: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Divide each error by the EWMA root mean square of those before it.

    Parameters
    ----------
    errors : ndarray of shape (n_series, n_days)
    since : int
        The first day that is new; ``sums`` holds those before it.
    sums : ndarray of shape (3, n_series, n_days), optional
        Weighted squares, weights and number of the errors up to each day. Filled from
        ``since`` on.

    Returns
    -------
    ndarray of the same shape as ``errors``
        NaN with fewer than 10 earlier errors.
    """
    decay = 0.5 ** (1.0 / HALF_LIFE)
    kept = np.zeros((3, *errors.shape)) if sums is None else sums
    before = kept[:, :, since - 1].copy() if since else np.zeros(kept.shape[:2])
    for day in range(since, errors.shape[1]):
        there = ~np.isnan(errors[:, day])
        before[:2, there] *= decay
        before[0, there] += errors[there, day] ** 2
        before[1, there] += 1.0
        before[2, there] += 1.0
        kept[:, :, day] = before
    out = np.full(errors.shape, np.nan)
    total, weight, seen = kept[:, :, :-1]
    ready = (seen >= LEAST_ERRORS) & (total > 0)
    scale = np.sqrt(np.divide(total, weight, out=np.ones_like(total), where=ready))
    out[:, 1:] = np.where(ready, errors[:, 1:] / scale, np.nan)
    return out
