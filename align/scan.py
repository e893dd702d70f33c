"""Which narrative moved before, with or after which asset: the exploratory scan.

**Positive lag: the narrative came before the price.** At lag k the innovation of session t - k
meets the move of session t. (Said here, once; a test plants a lead and looks for it at +k.)

All cells are tested together: all narratives are shifted by one random number of sessions
around the circle, every pair is computed again, and the largest |t| is kept. That keeps the
correlation between narratives, between assets and within each series, and breaks only what
is tested. A cell that passes is exploratory all the same: it was found by looking.

The largest |t| of 21 lags is *not* counted over the shifts: shift s at lag k meets the same days
as shift s + k at lag 0, so 670 shifts hold 32 separate windows of 21 lags, 5 % of them is
one or two events, and such a count calls noise a finding in 7 runs of 100, with 140 sessions in
16. The largest |t| of one lag has 670 separate values; a distribution is fitted to those.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from store.records import AlignmentCell

LAGS = tuple(range(-10, 11))
SHIFTS = 999
# Reference, section 4: shifts in [40, T - 40). A short series keeps a fifth free instead.
_MARGIN = 40
LEAST_SESSIONS = 100
LEAST_PAIRS = 60
LEAST_FOR_EFFECT = 20
CLIP = 6.0
_Z95 = 1.959963984540054
METHOD = "max-T circular shift"
_DUST = 1e-12


def scan(
    innovations: NDArray[np.float64],
    moves: NDArray[np.float64],
    narrative_ids: Sequence[str],
    asset_ids: Sequence[str],
    window: tuple[date, date],
    *,
    seed: int,
) -> list[AlignmentCell]:
    """Return one cell per narrative, asset and lag.

    Parameters
    ----------
    innovations : ndarray of shape (n_narratives, n_sessions)
        Standardised innovations; NaN where missing.
    moves : ndarray of shape (n_assets, n_sessions)
        Vol-scaled moves on the same sessions; NaN where missing.
    window : pair of date
        First and last session.
    seed : int
        Of the shifts.

    Notes
    -----
    t_k = sum x_{t-k} y_t / sqrt(sum x_{t-k}^2 y_t^2) on demeaned series (HC0 under the null);
    p of a cell = (1 + number of shifts with |t| >= its own) / (1 + shifts); adjusted p by the
    distribution of the largest |t| (Westfall & Young 1993), see ``_adjusted``. It assumes
    stationarity, and says nothing about a common cause.
    Effect: the correlation with Fisher's interval on n corrected by Bartlett (1935).
    """
    x, y = _centred(innovations), _centred(moves)
    n = x.shape[1]
    shifts = _shifts(n, seed)
    lagged = _lagged(y)
    known = (~np.isnan(lagged)).astype(float)
    number = ((~np.isnan(x)).astype(float) @ known.T).reshape(len(x), len(LAGS), -1)
    zero_x, zero_y = np.nan_to_num(x), np.nan_to_num(lagged)
    observed = np.abs(_statistics(zero_x, zero_y)).reshape(number.shape)
    tested = (number >= LEAST_PAIRS) & ~np.isnan(observed) & (n >= LEAST_SESSIONS)
    own, adjusted = np.full(number.shape, np.nan), np.full(number.shape, np.nan)
    if shifts and tested.any():
        null = _null(zero_x, np.nan_to_num(y), shifts)
        for k in range(len(LAGS)):
            exceed = (null >= observed[:, k, :, None]).sum(axis=2)
            own[:, k] = (1 + exceed) / (1 + len(shifts))
        # The fit may say less than one in all shifts; no more is known of a cell than that.
        adjusted = np.fmax(_adjusted(observed, null, tested), own)
    effects = _effects(x, lagged, _inflation(x, y))
    cells = []
    for i, narrative_id in enumerate(narrative_ids):
        for j, asset_id in enumerate(asset_ids):
            for k, lag in enumerate(LAGS):
                pairs = int(number[i, k, j])
                pvalue = pvalue_adj = None
                if tested[i, k, j] and shifts:
                    pvalue = _number(own[i, k, j])
                    pvalue_adj = _number(adjusted[i, k, j])
                effect, low, high = effects[i, k, j]
                cells.append(
                    AlignmentCell(
                        narrative_id=narrative_id,
                        asset_id=asset_id,
                        lag=lag,
                        n=pairs,
                        effect=_number(effect),
                        effect_low=_number(low),
                        effect_high=_number(high),
                        pvalue=pvalue,
                        pvalue_adj=pvalue_adj,
                        method=_method(pvalue is not None, pairs, n, len(shifts)),
                        window_start=window[0],
                        window_end=window[1],
                    )
                )
    return cells


def _centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Clip at 6 sigma and take each row's mean off; NaN stays."""
    clipped = np.clip(values, -CLIP, CLIP)
    known = ~np.isnan(clipped)
    number = np.maximum(known.sum(axis=1, keepdims=True), 1)
    mean = np.where(known, clipped, 0.0).sum(axis=1, keepdims=True) / number
    return np.asarray(clipped - mean, dtype=np.float64)


def _lagged(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return y_{t+k} at column t for every lag k, shape (n_lags * n_assets, n_sessions)."""
    n_assets, n = y.shape
    out = np.full((len(LAGS), n_assets, n), np.nan)
    for place, lag in enumerate(LAGS):
        if abs(lag) >= n:
            continue
        if lag >= 0:
            out[place, :, : n - lag] = y[:, lag:]
        else:
            out[place, :, -lag:] = y[:, : n + lag]
    return out.reshape(len(LAGS) * n_assets, n)


def _statistics(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute t of all cells with two matrix products; missing values are zero in both."""
    denominator = np.sqrt((x**2) @ (y**2).T)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(denominator > 0, (x @ y.T) / denominator, np.nan)


def _null(x: NDArray[np.float64], y: NDArray[np.float64], shifts: list[int]) -> NDArray[np.float64]:
    """Return |t| of every pair at every shift, shape (n_narratives, n_assets, n_shifts).

    sum_t x_{t-s} y_t for every s is one circular cross-correlation, which the Fourier
    transform gives in n log n.
    """
    from scipy import fft

    n = x.shape[1]
    top, squares = (
        fft.irfft(np.conj(fft.rfft(ours, axis=1))[:, None] * fft.rfft(theirs, axis=1), n)
        for ours, theirs in ((x, y), (x**2, y**2))
    )
    top, squares = np.abs(top[:, :, shifts]), squares[:, :, shifts]
    # Dust of the transform is no variance.
    there = squares > _DUST * max(float(squares.max()), _DUST)
    return np.asarray(np.where(there, top / np.sqrt(np.where(there, squares, 1.0)), 0.0))


def _adjusted(
    observed: NDArray[np.float64], null: NDArray[np.float64], tested: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the chance that the largest |t| of all tested cells reaches each one's.

    The largest |t| of a lag is that of N independent normal numbers of deviation s:
    P(max < c) = (2 Phi(c / s) - 1)^N. The shifts give both: s is the root mean square of all
    shifted t, which grows where persistent series agree by chance, and N, the effective number
    of tests (Dudbridge & Gusnanto 2008), has the highest likelihood for the largest |t| of each
    shift. Lags are taken as independent, which is careful with persistent series.
    """
    from scipy import special

    seen = null[tested.any(axis=1)]
    scale = np.sqrt(np.mean(seen**2))
    largest = seen.max(axis=0)
    lags = int(tested.any(axis=(0, 2)).sum())
    with np.errstate(divide="ignore"):
        inside = np.log1p(-2.0 * special.ndtr(-largest[largest > 0] / scale))
        number = -len(inside) / inside.sum()
        return np.asarray(
            -np.expm1(lags * number * np.log1p(-2.0 * special.ndtr(-observed / scale)))
        )


def _shifts(n: int, seed: int) -> list[int]:
    """Return random shifts, or all that exist when they are fewer than 999."""
    margin = min(_MARGIN, n // 5)
    possible = np.arange(margin, n - margin)
    if n < LEAST_SESSIONS or len(possible) <= SHIFTS:
        return [] if n < LEAST_SESSIONS else [int(shift) for shift in possible]
    rng = np.random.default_rng(seed)
    return [int(shift) for shift in rng.choice(possible, SHIFTS, replace=False)]


def _effects(
    x: NDArray[np.float64], lagged: NDArray[np.float64], inflation: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return correlation, low and high, shape (n_narratives, n_lags, n_assets, 3).

    Over the pairs that are there; all cells at once by sums over pairs.
    """
    there_x, there_y = (~np.isnan(values) for values in (x, lagged))
    know_x, know_y = there_x.astype(float), there_y.astype(float).T
    fill_x, fill_y = np.nan_to_num(x), np.nan_to_num(lagged).T
    n = know_x @ know_y
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_x, mean_y = fill_x @ know_y / n, know_x @ fill_y / n
        covariance = fill_x @ fill_y - n * mean_x * mean_y
        variance_x = fill_x**2 @ know_y - n * mean_x**2
        variance_y = know_x @ fill_y**2 - n * mean_y**2
        r = covariance / np.sqrt(variance_x * variance_y)
    usable = (n >= LEAST_FOR_EFFECT) & (variance_x > _DUST * n) & (variance_y > _DUST * n)
    shape = (len(x), len(LAGS), -1)
    r = np.where(usable, np.clip(r, -0.999999, 0.999999), np.nan).reshape(shape)
    half = _Z95 / np.sqrt(np.maximum(n.reshape(shape) / inflation[:, None, :] - 3.0, 1.0))
    z = np.arctanh(r)
    return np.stack([r, np.tanh(z - half), np.tanh(z + half)], axis=-1)


def _inflation(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the variance of a cross-correlation of two autocorrelated series, over 1 / n.

    Bartlett (1935); shape (n_narratives, n_assets), never under 1.
    """
    ours, theirs = (np.array([_autocorrelations(row) for row in values]) for values in (x, y))
    return np.asarray(np.maximum(1.0, 1.0 + 2.0 * ours @ theirs.T), dtype=np.float64)


def _autocorrelations(series: NDArray[np.float64], order: int = 10) -> NDArray[np.float64]:
    filled = np.nan_to_num(series)
    variance = float(filled @ filled)
    if variance <= 0:
        return np.zeros(order)
    return np.array([filled[k:] @ filled[:-k] / variance for k in range(1, order + 1)])


def _method(tested: bool, pairs: int, sessions: int, shifts: int) -> str:
    if tested:
        return f"{METHOD}, {shifts} shifts"
    if pairs < LEAST_FOR_EFFECT:
        return f"too few pairs for an effect ({pairs} of {LEAST_FOR_EFFECT})"
    if sessions < LEAST_SESSIONS:
        return f"correlation only: {sessions} sessions, {LEAST_SESSIONS} needed for {METHOD}"
    return f"correlation only: {pairs} pairs, {LEAST_PAIRS} needed for {METHOD}"


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)
