"""How unusual a day is against the days before it, by two baselines that are shown together.

The median and MAD of 60 sessions forget a burst and notice a slow rise; the exponentially
weighted mean follows a slow rise and remembers a burst. Where they disagree, that is the news.
"""

import numpy as np
from numpy.typing import NDArray

from align.innovation import HALF_LIFE
from align.panel import BASELINE_DAYS
from align.series import Series

# Reference, section 2, step 9: no z on fewer baseline days, or with a smaller effective n.
_LEAST_BASELINE = 20
_LEAST_EFFECTIVE = 30.0


def zscores(series: Series, gone: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return z of the last day against median and MAD of the 60 sessions before it.

    Parameters
    ----------
    gone : ndarray of bool, shape (n_days,)
        Missing days, left out.

    Notes
    -----
    The spread is never taken below the sampling error of the share: a narrative that was
    silent for weeks has a MAD of zero, and its first story is no event of infinite size.
    """
    past = series.filled[:, -BASELINE_DAYS - 1 : -1][:, ~gone[-BASELINE_DAYS - 1 : -1]]
    if _is_thin(series, past.shape[1]):
        return np.full(len(past), np.nan)
    median = np.median(past, axis=1)
    mad = 1.4826 * np.median(np.abs(past - median[:, None]), axis=1)
    return _scaled(series, median, mad, past.mean(axis=1))


def ewma_zscores(series: Series, gone: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return z of the last day against an exponentially weighted mean and spread of those before.

    Notes
    -----
    Weights halve in 60 sessions (RiskMetrics Technical Document, J.P. Morgan/Reuters 1996);
    a missing day has none, and the days behind it keep their age. Same floor and same
    conditions as :func:`zscores`.
    """
    days = np.flatnonzero(~gone[:-1])
    past = series.filled[:, days]
    if _is_thin(series, len(days)):
        return np.full(len(past), np.nan)
    weights = 0.5 ** ((len(gone) - 1 - days) / HALF_LIFE)
    weights /= weights.sum()
    mean = past @ weights
    spread = np.sqrt((past - mean[:, None]) ** 2 @ weights)
    return _scaled(series, mean, spread, mean)


def _is_thin(series: Series, baseline: int) -> bool:
    return baseline < _LEAST_BASELINE or bool(series.effective_n[-1] < _LEAST_EFFECTIVE)


def _scaled(
    series: Series,
    usual: NDArray[np.float64],
    spread: NDArray[np.float64],
    mean: NDArray[np.float64],
) -> NDArray[np.float64]:
    n = series.effective_n[-1]
    rate = (mean * n + 0.5) / (n + 1.0)
    least = np.sqrt(rate * (1 - rate) / n)
    return np.asarray((series.filled[:, -1] - usual) / np.maximum(spread, least))
