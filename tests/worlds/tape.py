"""Returns and narratives of the simulated worlds, before anything is planted in them.

Returns: r_jt = b_j f_t + sqrt(1 - rho) e_jt with rho = .45 and b_j = +-sqrt(rho), three of four
positive; the factor and every own term are GARCH(1, 1), h = .04 + .08 r^2 + .88 h before, with
t shocks of 5 degrees of freedom scaled to unit variance. Narratives: AR(1) with a common
part, x_t = phi x_{t-1} + sqrt(.2) c_t + sqrt(.8) u_t, standardised.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
RHO = 0.45
_DEGREES = 5.0


def garch(rng: np.random.Generator, n_series: int, n_days: int, *, burn_in: int = 200) -> Array:
    """Return GARCH(1, 1) series of unit variance with fat tails, shape (n_series, n_days)."""
    scale = np.sqrt((_DEGREES - 2.0) / _DEGREES)
    shocks = rng.standard_t(_DEGREES, size=(n_series, n_days + burn_in)) * scale
    out, h = np.empty_like(shocks), np.ones(n_series)
    for day in range(shocks.shape[1]):
        out[:, day] = np.sqrt(h) * shocks[:, day]
        h = 0.04 + 0.08 * out[:, day] ** 2 + 0.88 * h
    return np.asarray(out[:, burn_in:])


def returns(rng: np.random.Generator, n_assets: int = 15, n_days: int = 750) -> Array:
    """Return correlated returns of about unit variance, shape (n_assets, n_days)."""
    sign = np.where(np.arange(n_assets) % 4 == 3, -1.0, 1.0)
    factor = garch(rng, 1, n_days)
    own = garch(rng, n_assets, n_days)
    return np.asarray(sign[:, None] * np.sqrt(RHO) * factor + np.sqrt(1.0 - RHO) * own)


def narratives(
    rng: np.random.Generator,
    n_narratives: int = 20,
    n_days: int = 750,
    *,
    phi: float = 0.9,
    burn_in: int = 300,
) -> Array:
    """Return persistent, correlated narrative series, standardised, same shape rule."""
    common = rng.normal(size=(1, n_days + burn_in))
    own = rng.normal(size=(n_narratives, n_days + burn_in))
    shocks = np.sqrt(0.2) * common + np.sqrt(0.8) * own
    x = np.zeros_like(shocks)
    for day in range(1, shocks.shape[1]):
        x[:, day] = phi * x[:, day - 1] + shocks[:, day]
    x = x[:, burn_in:]
    return np.asarray((x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True))
