"""Worlds of documents that report moves, a share of them stamped one session too early.

A day has about 300 documents, of which some state a move of one of 15 assets. Seven of ten
such statements report: they go to the assets in proportion to the size of their moves, 65 % in
the session of the move and 35 % in the next one (what is printed after the close), in the right
direction nine times of ten, and in clumps (a gamma factor of shape 2 by asset and day). The
others are background, tied to no move of the day: any asset, in the direction of the last 20
sessions three times of five (weekly wraps, trend talk, titles read wrongly).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import linregress

from tests.worlds import tape

Array = NDArray[np.float64]
SOURCES = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class Stamped:
    """Statements one by one, and the moves.

    ``asset``, ``direction`` (0 a rise, 1 a fall), ``source`` and ``day`` have one entry per
    statement; ``moves`` has the shape (n_assets, n_days).
    """

    asset: NDArray[np.intp]
    direction: NDArray[np.intp]
    source: NDArray[np.intp]
    day: NDArray[np.intp]
    moves: Array

    def counts(self, source: int | None = None) -> Array:
        """Return statements by direction, asset and day, of all sources or of one."""
        table = np.zeros((2, *self.moves.shape))
        mine = slice(None) if source is None else self.source == source
        np.add.at(table, (self.direction[mine], self.asset[mine], self.day[mine]), 1.0)
        return table


def stamped(
    rng: np.random.Generator,
    *,
    n_days: int = 504,
    documents: float = 300.0,
    stating: float = 0.09,
    leak: float = 0.0,
    leaking_source: float = 0.0,
    moves: Array | None = None,
) -> Stamped:
    """Return a world.

    Parameters
    ----------
    leak : float
        Share of all documents, drawn at random, that are stamped one session early.
    leaking_source : float
        Share of all documents that comes from source 0, all of it stamped one session early.
    """
    z = _scaled(tape.returns(rng, 15, n_days + 120)) if moves is None else moves
    n_assets, length = z.shape
    number = documents * stating
    attention = np.maximum(np.abs(z) - 0.5, 0.0) ** 1.5 * rng.gamma(2.0, 0.5, z.shape)
    attention *= 0.7 * number / attention.sum(axis=0).mean()
    # No newsroom prints ten times its usual number.
    attention *= np.minimum(1.0, 4.0 * number / np.maximum(attention.sum(axis=0), 1e-9))
    right = np.where(z > 0, 0, 1)
    asset, direction, day = [], [], []
    for share, later in ((0.65, 0), (0.35, 1)):
        a, d = _spread(rng.poisson(share * attention))
        wrong = rng.random(len(a)) < 0.1
        asset.append(a)
        direction.append(np.where(wrong, 1 - right[a, d], right[a, d]))
        day.append(d + later)
    trend = np.where(_trend(z) > 0, 0, 1)
    a, d = _spread(rng.poisson(np.full(z.shape, 0.3 * number / n_assets)))
    asset.append(a)
    direction.append(np.where(rng.random(len(a)) < 0.6, trend[a, d], 1 - trend[a, d]))
    day.append(d)
    days = np.concatenate(day)
    source = _sources(rng, len(days), leaking_source)
    early = rng.random(len(days)) < leak
    if leaking_source:
        early |= source == 0
    days = days - early
    inside = (days >= 0) & (days < length)
    return Stamped(
        asset=np.concatenate(asset)[inside],
        direction=np.concatenate(direction)[inside],
        source=source[inside],
        day=days[inside],
        moves=z,
    )


def _sources(rng: np.random.Generator, number: int, first: float) -> NDArray[np.intp]:
    """Return sources of uneven volume; source 0 has a given share, or one like the others."""
    share = 1.0 / np.arange(2.0, SOURCES + 2.0)
    if first:
        share[0] = 0.0
        share *= (1.0 - first) / share.sum()
        share[0] = first
    return rng.choice(SOURCES, number, p=share / share.sum())


def _spread(counts: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    places = np.repeat(np.arange(counts.size), counts.ravel())
    a, d = np.unravel_index(places, counts.shape)
    return a, d


def _trend(z: Array) -> Array:
    """Return the sum of the 20 moves before each day."""
    total = np.cumsum(np.pad(z, ((0, 0), (20, 0))), axis=1)
    return np.concatenate([np.zeros((len(z), 1)), (total[:, 20:] - total[:, :-20])[:, :-1]], axis=1)


def _scaled(returns: Array) -> Array:
    """Return vol-scaled moves: over the EWMA deviation of the days before, half-life 60."""
    decay, out = 0.5 ** (1 / 60), np.empty_like(returns)
    variance = np.ones(len(returns))
    for day in range(returns.shape[1]):
        out[:, day] = returns[:, day] / np.sqrt(variance)
        variance = decay * variance + (1 - decay) * returns[:, day] ** 2
    return out[:, 120:]


def naive_lead(world: Stamped) -> float:
    """Return the p-value of the usual pipeline: tomorrow's move on today's tone, plain OLS.

    Tone is falls minus rises over all statements of the day; the move is the mean over assets.
    """
    counts = world.counts().sum(axis=1)
    total = np.maximum(counts.sum(axis=0), 1.0)
    tone, move = (counts[1] - counts[0]) / total, world.moves.mean(axis=0)
    return float(linregress(tone[:-1], move[1:]).pvalue)


def leaking_series(rng: np.random.Generator, weight: float, *, n_days: int = 750) -> float:
    """Return the same p-value for the leak of the reference: AR(.7) + weight (-r_{t+1})."""
    r = tape.returns(rng, 1, n_days + 1)[0]
    x = np.zeros(n_days + 100)
    for day in range(1, len(x)):
        x[day] = 0.7 * x[day - 1] + rng.normal()
    x = x[100:] / x[100:].std()
    leaked = x - weight * r[1:] / r.std()
    return float(linregress(leaked, r[1:]).pvalue)
