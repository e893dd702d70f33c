"""Find documents that are stamped before the moves that they report.

A title that states a move ("gold plunges") reports the session that it belongs to, or the one
before. Documents stamped a session too early state the move of the session *after* theirs.
Statements are far more telling than correlations of shares: before a large move, nobody but a
leak has a reason to state its direction.

The numbers of statements by asset, direction s and session d are modelled as streams that add
up, each a function of a move z in the stated direction:

    lambda_d = a (c + f(s z_d) + g(s z_{d-1}))

Stamps that are a session early bring a stream f(s z_{d+1}). It is looked for by the part that is
odd in the sign of that move, with a fixed shape w(z) = max(z - .75, 0) up to 5 sigma:

    U = sum_d x_d,   x_d = sum a (N - lambda_d) (w(s z_{d+1}) - w(-s z_{d+1})) / (2 v_d)

with v the variance of the counts. Without a leak, the sign of tomorrow's move is independent
of what was printed until today, whatever made them print it: x_d is as often positive as
negative. So no base rate, cluster of volatility or correlation between assets matters; the
p-value is from flipping the signs of whole days, and beyond what so many flips can tell, the
bound exp(-t^2 / 2) of Hoeffding (1963), t = U / sqrt(sum x^2). The shape is not fitted: where
all stamps are early, the moves of the own session would teach nothing about it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Array = NDArray[np.float64]

# Edges of the bins of a move in the stated direction, in sigma.
EDGES = np.array([-2.5, -1.5, -0.75, 0.75, 1.5, 2.5, 3.5, 5.0])
FLIPS = 4_999
# Fewer statements than this cannot be tested.
LEAST_STATEMENTS = 100
# Sessions with prices on both sides; fewer have too few large moves.
LEAST_SESSIONS = 60
_BINS = len(EDGES) + 1
# The quietest cell is never taken to be rarer than this share of the average one.
_FLOOR = 0.1
_DIRECTIONS = (1.0, -1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Whether the stamps of some documents run ahead of the moves that they state.

    Attributes
    ----------
    n : int
        Statements behind it.
    share : float or None
        Estimated share of the statements that are stamped a session early, too low beyond one
        half; may be negative by chance. None when there is too little to test.
    tstat, pvalue : float or None
        One-sided: a small p says that statements run ahead.
    """

    n: int
    share: float | None
    tstat: float | None
    pvalue: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rates:
    """The fitted streams: ``usual`` by direction and asset, ``own`` and ``before`` by bin."""

    usual: Array
    base: float
    own: Array
    before: Array
    dispersion: float


def find_leaks(
    statements: Array, moves: Array, *, seed: int, sources: Sequence[Array] = ()
) -> list[Leak]:
    """Test all documents, then each source, for stamps that are a session early.

    Parameters
    ----------
    statements : ndarray of shape (2, n_assets, n_sessions)
        Documents that state a rise, and a fall, of each asset.
    moves : ndarray of shape (n_assets, n_sessions)
        Vol-scaled moves of the same sessions; NaN where there is none.
    sources : sequence of ndarray of the shape of ``statements``
        The parts that sources bring; their streams are scaled from those of all.

    Notes
    -----
    It assumes that the sign of a move cannot be told from what was printed before, so titles
    that truly foretell moves would be flagged, too. It sees leaks across the close alone: a
    stamp that is hours early inside one session changes no daily figure.
    """
    here, before, after = _shifted(moves)
    rates = fit_rates(statements, here, before)
    rng = np.random.default_rng(seed)
    flips = rng.choice((-1.0, 1.0), size=(FLIPS, moves.shape[1]))
    return [_test(part, rates, (here, before, after), flips) for part in (statements, *sources)]


def fit_rates(statements: Array, here: Array, before: Array) -> Rates:
    """Fit the streams by non-negative least squares on the means of the bins."""
    usual = np.maximum(statements.mean(axis=2), 1e-9)
    design, mean, weight = [], [], []
    for place, direction in enumerate(_DIRECTIONS):
        known = ~np.isnan(here) & ~np.isnan(before)
        own, past = _bins(direction * here), _bins(direction * before)
        cell = own * _BINS + past
        share = np.broadcast_to(usual[place][:, None], here.shape)
        total = np.bincount(cell[known], share[known], _BINS**2)
        design.append(total)
        mean.append(np.bincount(cell[known], statements[place][known], _BINS**2))
        weight.append(total)
    exposure, counts = np.sum(design, axis=0), np.sum(mean, axis=0)
    filled = np.flatnonzero(exposure > 0)
    rate = counts[filled] / exposure[filled]
    # The quietest bin is the base of both functions, so that the three parts are told apart.
    columns = np.zeros((len(filled), 1 + 2 * _BINS))
    columns[:, 0] = 1.0
    columns[np.arange(len(filled)), 1 + filled // _BINS] = 1.0
    columns[np.arange(len(filled)), 1 + _BINS + filled % _BINS] = 1.0
    scale = np.sqrt(exposure[filled])
    found = nnls(columns * scale[:, None], rate * scale)[0]
    own_part, past_part = found[1 : 1 + _BINS], found[1 + _BINS :]
    base = float(found[0] + own_part.min() + past_part.min())
    rates = Rates(
        usual=usual,
        base=max(base, _FLOOR),
        own=own_part - own_part.min(),
        before=past_part - past_part.min(),
        dispersion=0.0,
    )
    return Rates(
        usual=usual,
        base=rates.base,
        own=rates.own,
        before=rates.before,
        dispersion=_dispersion(statements, rates, here, before),
    )


def _dispersion(statements: Array, rates: Rates, here: Array, before: Array) -> float:
    """Return phi of var = m + phi m^2 by moments: outlets copy what others report."""
    excess = square = 0.0
    for place, direction in enumerate(_DIRECTIONS):
        mean = _expected(rates, place, direction * here, direction * before)
        known = ~np.isnan(mean)
        gap = statements[place][known] - mean[known]
        excess += float((gap**2 - mean[known]).sum())
        square += float((mean[known] ** 2).sum())
    return max(excess / square, 0.0) if square > 0 else 0.0


def _test(part: Array, rates: Rates, moves: tuple[Array, Array, Array], flips: Array) -> Leak:
    here, before, after = moves
    number = int(part.sum())
    usable = ~np.isnan(here) & ~np.isnan(before) & ~np.isnan(after)
    if number < LEAST_STATEMENTS or usable.any(axis=0).sum() < LEAST_SESSIONS:
        return Leak(n=number, share=None, tstat=None, pvalue=None)
    # A source speaks of the assets as all do, at its own volume.
    volume = part.sum(axis=(1, 2)) / np.maximum(rates.usual.sum(axis=1) * part.shape[2], 1e-9)
    daily, whole = np.zeros(part.shape[2]), 0.0
    for place, direction in enumerate(_DIRECTIONS):
        mean = volume[place] * _expected(rates, place, direction * here, direction * before)
        tomorrow = volume[place] * _expected(rates, place, direction * after, direction * here)
        size = volume[place] * rates.usual[place][:, None]
        variance = mean + rates.dispersion * (mean - size * rates.base) ** 2
        odd = size * 0.5 * (_shape(direction * after) - _shape(-direction * after)) / variance
        daily += np.where(usable, (part[place] - mean) * odd, 0.0).sum(axis=0)
        whole += float(np.where(usable, (tomorrow - mean) * odd, 0.0).sum())
    spread = float(np.sqrt((daily**2).sum()))
    if spread <= 0:
        return Leak(n=number, share=None, tstat=None, pvalue=None)
    observed = float(daily.sum())
    tstat = observed / spread
    flipped = float((1 + (flips @ daily >= observed).sum()) / (1 + len(flips)))
    bound = max(float(np.exp(-(max(tstat, 0.0) ** 2) / 2)), 1e-9)
    return Leak(
        n=number,
        share=_share(observed, whole),
        tstat=round(tstat, 4),
        pvalue=round(min(flipped, bound), 9),
    )


def _share(observed: float, whole: float) -> float:
    """Return q from U and what it would be if all stamps were early.

    Without any talk of the own session to learn from there is no such figure: then it is all
    or nothing.
    """
    if whole <= 0:
        return 1.0 if observed > 0 else 0.0
    return round(float(np.clip(observed / whole, -1.0, 1.0)), 4)


def _shape(values: Array) -> Array:
    """Return how much is said of a move in the stated direction, up to a factor."""
    return np.clip(np.nan_to_num(values) - 0.75, 0.0, 4.25)


def _expected(rates: Rates, place: int, own: Array, past: Array) -> Array:
    parts = rates.base + rates.own[_bins(own)] + rates.before[_bins(past)]
    found = rates.usual[place][:, None] * parts
    return np.where(np.isnan(own) | np.isnan(past), np.nan, found)


def _bins(values: Array) -> NDArray[np.intp]:
    return np.searchsorted(EDGES, np.nan_to_num(values), side="right")


def _shifted(moves: Array) -> tuple[Array, Array, Array]:
    """Return the moves of a session, of the one before and of the one after."""
    before, after = np.full(moves.shape, np.nan), np.full(moves.shape, np.nan)
    before[:, 1:], after[:, :-1] = moves[:, :-1], moves[:, 1:]
    return moves, before, after
