"""The shipped expanding innovations of whole series at once, for the simulations.

``align.innovation.forecast_error`` forecasts one day, because in the product each day has a
series of its own (its panel). A simulated series is the same seen from every day, and a table of
simulations needs millions of forecasts: this gives the same numbers (a test compares them) about
ten times as fast. A regression needs sums of products of its rows, and those of all windows are
differences of one cumulative sum; the mean and the scale that a window takes off are linear in
a row (``_frame``), so they are applied to the sums.
"""

import numpy as np
from numpy.typing import NDArray

from align.innovation import (
    _LEAST_LAGS,
    _PRIOR,
    LAGS,
    LEAST_ROWS,
    LONGEST,
    WEEKDAYS,
    standardise,
)

Array = NDArray[np.float64]
Days = NDArray[np.intp]
# A variance under this share of the squares is rounding: a series that stood still.
_STILL = 1e-12


def innovations(values: Array, weekdays: Days | None = None) -> Array:
    """Return what ``align`` would have stored day by day, shape (n_narratives, n_days)."""
    if weekdays is None:
        weekdays = np.arange(values.shape[1]) % WEEKDAYS
    return standardise(np.array([daily_errors(line, weekdays) for line in values]))


def daily_errors(values: Array, weekdays: Days) -> Array:
    """Return ``forecast_error`` of every day from the days before it, shape (n_days,)."""
    n = len(values)
    out = np.full(n, np.nan)
    known = ~np.isnan(values)
    if n <= LAGS + 1 or not known[:-1].any():
        return out
    ends = np.arange(LAGS + 1, n)
    starts = np.maximum(ends + 1 - LONGEST, 0)
    # From a value that the past never takes back: large numbers would cost digits.
    filled = np.where(known, values - values[known][0], 0.0)
    number, total, squares = (
        _between(part, starts, ends) for part in (known.astype(float), filled, filled**2)
    )
    mean = total / np.maximum(number, 1.0)
    variance = squares / np.maximum(number, 1.0) - mean**2
    scale = np.sqrt(np.where(variance > _STILL * squares, variance, 1.0))
    rows = _rows(filled, known, weekdays)
    usable = (rows[:, LAGS : 2 * LAGS].sum(axis=1) >= _LEAST_LAGS) & known[LAGS:]
    products = np.where(usable[:, None], rows, 0.0)[:, :, None] * rows[:, None, :]
    # A row needs its lags inside the window, so the first of a window starts LAGS days in.
    sums = _between(products, starts, ends - LAGS)
    ready = known[ends] & (_between(usable.astype(float), starts, ends - LAGS) >= LEAST_ROWS)
    if not ready.any():
        return out
    design = _frame(mean[ready], scale[ready])
    moments = design @ sums[ready] @ design.transpose(0, 2, 1)
    gram, cross = moments[:, :-1, :-1], moments[:, :-1, -1:]
    beta = np.linalg.solve(gram + _PRIOR * np.eye(gram.shape[1]), cross)
    last = design @ rows[ends[ready] - LAGS][:, :, None]
    out[ends[ready]] = last[:, -1, 0] - (last[:, :-1] * beta).sum(axis=(1, 2))
    return out


def _rows(filled: Array, known: NDArray[np.bool_], weekdays: Days) -> Array:
    """Return a raw row per day from the sixth: lags, which are known, weekday, value, one."""
    n = len(filled)
    lagged = [slice(LAGS - lag, n - lag) for lag in range(1, LAGS + 1)]
    return np.column_stack(
        [
            *(filled[days] for days in lagged),
            *(known[days].astype(float) for days in lagged),
            np.eye(WEEKDAYS)[weekdays[LAGS:]],
            filled[LAGS:],
            np.ones(n - LAGS),
        ]
    )


def _frame(mean: Array, scale: Array) -> Array:
    """Return the matrix that turns a raw row into (centred lags / scale, weekday, target)."""
    out = np.zeros((len(mean), LAGS + WEEKDAYS + 1, 2 * LAGS + WEEKDAYS + 2))
    lag, day = np.arange(LAGS), np.arange(LAGS, LAGS + WEEKDAYS)
    out[:, lag, lag] = 1.0 / scale[:, None]
    # A missing lag is zero in both, which puts it at the mean.
    out[:, lag, LAGS + lag] = -(mean / scale)[:, None]
    out[:, day, LAGS + day] = 1.0
    out[:, -1, -2], out[:, -1, -1] = 1.0, -mean
    return out


def _between(values: Array, starts: Days, ends: Days) -> Array:
    """Return the sums of ``values[start:end]`` along the first axis."""
    sums = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    return np.asarray(sums[ends] - sums[starts], dtype=np.float64)
