"""Where the level of a series changed: located, not tested."""

import numpy as np
import ruptures
from numpy.typing import NDArray

# A day's place is only as good as the days around it.
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
    PELT (Killick, Fearnhead & Eckley 2012) on squared error, every position allowed, with the
    penalty 2 ln n times the long-run variance s^2 (1 + phi) / (1 - phi): with the plain one a
    persistent series breaks five times a year without any break. It looks at the whole series,
    so it belongs on a page and in no test, and later days may move a break. phi is that of the
    series as it is, in which a real break looks like persistence: small breaks are missed.
    """
    known = np.flatnonzero(~np.isnan(values))
    series = values[known]
    n = len(series)
    variance = float(series.var()) if n else 0.0
    if n < _LEAST_VALUES or variance <= 0:
        return []
    long_run = variance if naive else variance * _inflation(series - series.mean())
    # jump = 1: the library looks at every fifth position unless told otherwise.
    found = ruptures.Pelt(model="l2", min_size=_LEAST_DAYS, jump=1).fit_predict(
        series.reshape(-1, 1), pen=2.0 * np.log(n) * long_run
    )
    return [int(known[place]) for place in found[:-1]]


def _inflation(centred: NDArray[np.float64]) -> float:
    """Return (1 + phi) / (1 - phi), phi by the lag-1 autocorrelation with Kendall's correction."""
    n = len(centred)
    phi = float(centred[1:] @ centred[:-1] / (centred @ centred))
    phi = min(max(phi + (1.0 + 3.0 * phi) / n, 0.0), 0.99)
    return (1.0 + phi) / (1.0 - phi)
