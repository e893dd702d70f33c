"""The usual ways to test a lead, which fail in the worlds that the shipped scan is run in."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from align.scan import _centred, _null

Array = NDArray[np.float64]


def raw_pvalues(x: Array, y: Array, lags: Sequence[int]) -> Array:
    """Return the normal p-value of each cell alone, (n_narratives, n_assets, n_lags).

    t = sum x_{t-k} y_t / sqrt(sum x_{t-k}^2 y_t^2), as in the scan, missing values left out.
    """
    x, y = (np.nan_to_num(values - np.nanmean(values, axis=1, keepdims=True)) for values in (x, y))
    n = x.shape[1]
    out = np.empty((len(x), len(y), len(lags)))
    for place, lag in enumerate(lags):
        before, after = x[:, max(-lag, 0) : n - max(lag, 0)], y[:, max(lag, 0) : n + min(lag, 0)]
        t = before @ after.T / np.sqrt(before**2 @ (after**2).T)
        out[:, :, place] = 2 * stats.norm.sf(np.abs(t))
    return out


def window_count(x: Array, y: Array, lags: Sequence[int]) -> float:
    """Return the smallest adjusted p when windows of lags are counted over all shifts.

    The usual max-T by circular shift: the largest |t| over pairs and lags at each shift. Windows
    of neighbouring shifts overlap, so there are fewer of them than shifts.
    """
    n, margin = x.shape[1], min(40, x.shape[1] // 5)
    zero_x, zero_y = (np.nan_to_num(_centred(values)) for values in (x, y))
    largest = _null(zero_x, zero_y, list(range(n))).max(axis=(0, 1))
    window = np.max([np.roll(largest, -lag) for lag in lags], axis=0)
    null = window[margin : n - margin]
    return float((1 + (null >= window[0]).sum()) / (1 + len(null)))


def regression_pvalue(x: Array, y: Array, *, bandwidth: int | None = None) -> float:
    """Return the p-value of the slope of y on x: OLS, or Newey & West (1987) with a bandwidth."""
    x, y = x - x.mean(), y - y.mean()
    slope = float(x @ y / (x @ x))
    scores = x * (y - slope * x)
    n = len(x)
    if bandwidth is None:
        residual = y - slope * x
        variance = float(residual @ residual) / (n - 2) / float(x @ x)
    else:
        spread = float(scores @ scores)
        for lag in range(1, bandwidth + 1):
            spread += 2 * (1 - lag / (bandwidth + 1)) * float(scores[lag:] @ scores[:-lag])
        variance = max(spread, 1e-12) / float(x @ x) ** 2
    return float(2 * stats.norm.sf(abs(slope) / np.sqrt(variance)))


def corrections(pvalues: Array) -> dict[str, NDArray[np.bool_]]:
    """Return which cells pass at 5 % under each correction of a table of raw p-values."""
    flat = pvalues.ravel()
    passed = {
        "raw p": flat <= 0.05,
        "BH": stats.false_discovery_control(flat, method="bh") <= 0.05,
        "BY": stats.false_discovery_control(flat, method="by") <= 0.05,
        "Bonferroni": flat <= 0.05 / len(flat),
    }
    return {name: hits.reshape(pvalues.shape) for name, hits in passed.items()}
