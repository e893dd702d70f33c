"""Where the level of a series changed: located, not tested."""

import numpy as np
import ruptures
from numpy.typing import NDArray

# Reference, section 2: a level holds five days at least.
_LEAST_DAYS = 5
_LEAST_VALUES = 20


def breaks_of(values: NDArray[np.float64], *, naive: bool = False) -> list[int]:
    """Return the positions at which a new level begins.

    Parameters
    ----------
    values : ndarray of shape (n_days,)
        One value per session; missing ones (NaN) are left out and cannot hold a break.
    naive : bool
        Leave the correction for autocorrelation out, to show what it is for.

    Returns
    -------
    list of int
        Positions in ``values``, ascending; none with under 20 values or without variation.

    Notes
    -----
    PELT (Killick, Fearnhead & Eckley 2012) on squared error with the penalty 2 ln n times the
    long-run variance s^2 (1 + phi) / (1 - phi): with s^2 alone a persistent series breaks
    five times a year without any break. The linear kernel of ``ruptures`` has the same optimum
    as its ``Pelt(model="l2", min_size=5, jump=1)`` in a hundredth of the time. It looks at the
    whole series: later days may move a break, so it belongs on a page and in no test.
    """
    known = np.flatnonzero(~np.isnan(values))
    series = values[known]
    n = len(series)
    if n < _LEAST_VALUES or np.ptp(series) <= 0:
        return []
    variance = float(series.var()) if naive else _long_run_variance(series)
    model = ruptures.KernelCPD(kernel="linear", min_size=_LEAST_DAYS)
    found = model.fit_predict(series.reshape(-1, 1), pen=2.0 * np.log(n) * variance)
    return [int(known[place]) for place in found[:-1]]


def _long_run_variance(series: NDArray[np.float64]) -> float:
    """Return s^2 (1 + phi) / (1 - phi) around the two levels that fit best.

    Around one level a break looks like persistence and hides itself. Two levels fitted to a
    series without a break make it look less persistent; the bias of phi is corrected for both
    means (Kendall 1954: -(1 + 3 phi) / n for one) and s^2 for the freedom they cost.
    """
    n = len(series)
    sums, place = np.cumsum(series), np.arange(_LEAST_DAYS, n - _LEAST_DAYS)
    left = sums[place - 1]
    gain = left**2 / place + (sums[-1] - left) ** 2 / (n - place)
    split = int(place[gain.argmax()])
    centred = series.copy()
    centred[:split] -= centred[:split].mean()
    centred[split:] -= centred[split:].mean()
    squares = float(centred @ centred)
    if squares <= 0:
        return float(series.var())
    phi = float(centred[1:] @ centred[:-1]) / squares
    phi = min(max(phi + 2.0 * (1.0 + 3.0 * phi) / n, 0.0), 0.99)
    freedom = max(n - 2.0 / (1.0 - phi), n / 2.0)
    return squares / freedom * (1.0 + phi) / (1.0 - phi)
