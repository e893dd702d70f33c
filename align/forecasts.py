"""Would it have helped to know? One session's forecast from all sessions before it.

The share of the variance that a narrative forecasts out of sample is about zero for real
effects, and it is printed for that reason.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from align.projections import lagged

Array = NDArray[np.float64]
# Pairs behind the first forecast.
LEAST_FIT = 60
# Forecasts behind a p-value.
LEAST_FORECASTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecasts:
    """Forecasts of a move from an innovation, beside those from the past mean alone.

    Attributes
    ----------
    actual, model, mean : ndarray of shape (n_forecasts,)
        Moves, and the two forecasts that were possible the session before.
    """

    actual: Array
    model: Array
    mean: Array

    @property
    def r2(self) -> float:
        """Share of the mean's squared error that the model saves; below 0: it adds error."""
        baseline = float(((self.actual - self.mean) ** 2).sum())
        if not baseline > 0:
            return float("nan")
        return 1.0 - float(((self.actual - self.model) ** 2).sum()) / baseline

    @property
    def pvalue(self) -> float:
        """One-sided p of Clark & West (2007): the model's error is not below the mean's.

        The mean is the model with a slope of zero; between nested models the test of Diebold &
        Mariano (1995) rejects too rarely, since the larger one also pays for its estimate.
        """
        from scipy import stats

        n = len(self.actual)
        if n < LEAST_FORECASTS:
            return float("nan")
        gain = (self.actual - self.mean) ** 2 - (
            (self.actual - self.model) ** 2 - (self.mean - self.model) ** 2
        )
        error = float(gain.std(ddof=1)) / np.sqrt(n)
        if not error > 0:
            return float("nan")
        return float(stats.t.sf(float(gain.mean()) / error, n - 1))


def forecasts(innovation: Array, moves: Array, lag: int, start: int) -> Forecasts:
    """Forecast each move from row ``start`` on, from an innovation that came before it.

    Parameters
    ----------
    innovation, moves : ndarray of shape (n_sessions,)
        NaN where missing.
    lag : int
        Sessions by which the innovation came first; 1 or more.
    start : int
        First row that is forecast. All pairs before a row, and no others, are fitted.

    Returns
    -------
    Forecasts
        Empty without a lead, or while fewer than 60 pairs lie before.
    """
    empty = np.empty(0)
    if lag < 1:
        return Forecasts(actual=empty, model=empty, mean=empty)
    x, y = lagged(innovation, lag), moves
    rows = np.flatnonzero(~np.isnan(x) & ~np.isnan(y))
    x, y = x[rows], y[rows]
    before = np.arange(len(rows), dtype=float)
    fitted = before >= LEAST_FIT
    sums = [_before(values) for values in (x, y, x * x, x * y)]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_x, mean_y, square, product = (total / before for total in sums)
        variance = square - mean_x**2
        slope = np.where(variance > 0, (product - mean_x * mean_y) / variance, 0.0)
    chosen = fitted & (rows >= start)
    model = mean_y + slope * (x - mean_x)
    return Forecasts(actual=y[chosen], model=model[chosen], mean=mean_y[chosen])


def _before(values: Array) -> Array:
    """Return the sum of all values before each one."""
    return np.asarray(np.concatenate([[0.0], np.cumsum(values)[:-1]]), dtype=np.float64)
