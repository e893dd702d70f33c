"""Regressions of moves on innovations, with errors that hold when volatility changes.

Four questions about one cell, each with its interval or its p-value: how large is it, what
is left of it beside all other narratives, how did the price go on after it, and who came
first. Every error is HC1 (MacKinnon & White 1985) on Student's t; rows with a missing value
are left out, never filled. All of it is association.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Five lags of either side in every regression that carries lags: a week of sessions.
LAGS = 5
LONGEST_HORIZON = 10
# Fewer degrees of freedom give no estimate.
LEAST_FREEDOM = 20
# Another narrative is held fixed when it is known on this share of the cell's own rows.
_LEAST_KNOWN = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A coefficient with its 95 % interval; NaN where the data do not give one.

    Attributes
    ----------
    n : int
        Rows behind it, also when they were too few.
    effect, low, high : float
        In sigmas of the move per standard deviation of the innovation.
    pvalue : float
        Two-sided.
    """

    n: int
    effect: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    pvalue: float = float("nan")

    def one_sided(self, sign: int) -> float:
        """Return p against effects that are not of a sign that was stated beforehand."""
        half = self.pvalue / 2.0
        return half if self.effect * sign > 0 else 1.0 - half


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadFollow:
    """Joint tests of both directions; NaN where the data do not give one.

    Attributes
    ----------
    lead : float
        p of "past innovations add nothing to past moves" for the move.
    follow : float
        p of "past moves add nothing to past innovations" for the innovation.
    """

    n: int
    lead: float
    follow: float


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    n: int
    freedom: int
    beta: Array
    covariance: Array


def local_projection(
    innovation: Array, moves: Array, horizon: int, *, lags: int = LAGS
) -> Estimate:
    """Return the response of the moves of the next sessions to an innovation.

    Parameters
    ----------
    innovation, moves : ndarray of shape (n_sessions,)
        Standardised innovation and vol-scaled move; NaN where missing.
    horizon : int
        Sessions over which moves are summed; 1 to 10 in the stage.

    Notes
    -----
    sum_{j=1..h} r_{t+j} = a + b_h e_t + sum_{k=1..5} g_k e_{t-k} + sum_{k=0..4} d_k r_{t-k} + u,
    HC1. With the lags in it the errors need no correction for overlap (Montiel Olea &
    Plagborg-Moller 2021, arXiv 2007.13888); without them, HAC with h lags rejects a true null
    too often. Linear; says nothing about a cause common to both.
    """
    total = np.sum([lagged(moves, -step) for step in range(1, horizon + 1)], axis=0)
    design = [
        innovation,
        *(lagged(innovation, k) for k in range(1, lags + 1)),
        *(lagged(moves, k) for k in range(lags)),
    ]
    return _first(_fit(design, total), _known(design, total))


def lead_follow(innovation: Array, moves: Array, *, lags: int = LAGS) -> LeadFollow:
    """Test with the same lags whether the narrative led the price, and whether it followed it.

    Notes
    -----
    r_t (then e_t) on five lags of both; Wald test of the five lags of the other one with the
    HC1 covariance, F(5, n - 11). The classical Granger F test assumes constant variance and
    rejects a true null twice as often as it says when volatility answers to the past.
    """
    past = [
        *(lagged(innovation, k) for k in range(1, lags + 1)),
        *(lagged(moves, k) for k in range(1, lags + 1)),
    ]
    own, other = np.arange(1, lags + 1), np.arange(lags + 1, 2 * lags + 1)
    return LeadFollow(
        n=_known(past, moves),
        lead=_wald(_fit(past, moves), own),
        follow=_wald(_fit(past, innovation), other),
    )


def cell_effect(innovation: Array, moves: Array, lag: int) -> Estimate:
    """Return the slope of the move of t on the innovation of t - lag, nothing else held fixed.

    Positive lag: the narrative came before the price.
    """
    design = [lagged(innovation, lag)]
    return _first(_fit(design, moves), _known(design, moves))


def partial_effect(
    innovations: Array, place: int, controls: Sequence[Array], moves: Array, lag: int
) -> Estimate:
    """Return the slope of one cell with all other narratives and the controls held fixed.

    Parameters
    ----------
    innovations : ndarray of shape (n_narratives, n_sessions)
    place : int
        Row of the cell's own narrative.
    controls : sequence of ndarray of shape (n_sessions,)
        What else the session of the innovation was like: change of the VIX, surprise in the
        number of stories.

    Notes
    -----
    The move of t on everything of t - lag, HC1. Narratives are told together, so a narrative
    beside the true one passes a scan, too; what it shares with the others is taken out here.
    What is not among the regressors is not taken out.
    """
    own = lagged(innovations[place], lag)
    rows = ~np.isnan(own) & ~np.isnan(moves)
    others = [line for number, line in enumerate(innovations) if number != place]
    design = [own]
    for line in (lagged(series, lag) for series in (*others, *controls)):
        there = rows & ~np.isnan(line)
        if there.sum() >= _LEAST_KNOWN * max(rows.sum(), 1) and np.ptp(line[there]) > 0:
            design.append(line)
    return _first(_fit(design, moves), _known(design, moves))


def lagged(series: Array, lag: int) -> Array:
    """Return the series with its value of t - lag at t; NaN where there is none."""
    out = np.full(len(series), np.nan)
    if abs(lag) < len(series):
        if lag >= 0:
            out[lag:] = series[: len(series) - lag]
        else:
            out[:lag] = series[-lag:]
    return out


def _rows(design: Sequence[Array], outcome: Array) -> NDArray[np.bool_]:
    known = ~np.isnan(outcome)
    for column in design:
        known &= ~np.isnan(column)
    return known


def _known(design: Sequence[Array], outcome: Array) -> int:
    return int(_rows(design, outcome).sum())


def _fit(design: Sequence[Array], outcome: Array) -> _Fit | None:
    """Fit OLS with an intercept in front; None when rows or rank do not allow it."""
    known = _rows(design, outcome)
    y = outcome[known]
    x = np.column_stack([np.ones(len(y)), *(column[known] for column in design)])
    n, k = x.shape
    if n - k < LEAST_FREEDOM:
        return None
    beta, _, rank, _ = np.linalg.lstsq(x, y, rcond=None)
    if rank < k:
        return None
    bread = np.linalg.inv(x.T @ x)
    scores = x * (y - x @ beta)[:, None]
    covariance = bread @ (scores.T @ scores) @ bread * (n / (n - k))
    return _Fit(n, n - k, np.asarray(beta), np.asarray(covariance))


def _first(fit: _Fit | None, n: int) -> Estimate:
    """Return the coefficient after the intercept."""
    from scipy import stats

    if fit is None or not fit.covariance[1, 1] > 0:
        return Estimate(n=n)
    effect, error = float(fit.beta[1]), float(np.sqrt(fit.covariance[1, 1]))
    half = float(stats.t.ppf(0.975, fit.freedom)) * error
    return Estimate(
        n=n,
        effect=effect,
        low=effect - half,
        high=effect + half,
        pvalue=float(2.0 * stats.t.sf(abs(effect / error), fit.freedom)),
    )


def _wald(fit: _Fit | None, places: NDArray[np.intp]) -> float:
    from scipy import stats

    if fit is None:
        return float("nan")
    beta, block = fit.beta[places], fit.covariance[np.ix_(places, places)]
    statistic = float(beta @ np.linalg.solve(block, beta)) / len(places)
    return float(stats.f.sf(statistic, len(places), fit.freedom))
