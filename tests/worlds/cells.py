"""Pairs and tables of narratives and returns with a known lead, for tests of single cells.

All series run through the shipped innovation and the shipped lagged volatility, as in the
stage: nothing is fitted on the whole sample. ``T`` counts sessions that have both.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from align.innovation import forecast_error, standardise
from align.paired import Paired
from align.returns import lagged_volatility
from tests.worlds.tape import Array, garch, narratives, returns

T = 750
# Sessions before the first innovation, and of prices before those.
_WARM, _EARLIER = 40, 160


@dataclass
class Pair:
    """One narrative and one asset.

    Attributes
    ----------
    level, innovation : ndarray of shape (n_sessions,)
        The narrative as it was made, and as the stage would test it.
    moves : ndarray of shape (n_sessions,)
        Vol-scaled returns.
    """

    level: Array
    innovation: Array
    moves: Array


def innovations(levels: Array) -> Array:
    """Return expanding innovations of each row, by the shipped forecast and scale."""
    weekdays = np.arange(levels.shape[1]) % 5
    errors = [
        [forecast_error(line[: day + 1], weekdays[: day + 1]) for day in range(len(line))]
        for line in levels
    ]
    return np.asarray(standardise(np.array(errors)))


def scaled(moves: Array) -> Array:
    """Return returns over their lagged volatility, as the stage scales them."""
    frame = pd.DataFrame(moves.T)
    return np.asarray((frame / lagged_volatility(frame, frame * 0.0 + 1.0)).to_numpy().T)


def volatility(moves: Array) -> Array:
    """Return the standard deviation that the GARCH recursion of the tape gives each day."""
    h = np.ones(moves.shape)
    for day in range(1, moves.shape[1]):
        h[:, day] = 0.04 + 0.08 * moves[:, day - 1] ** 2 + 0.88 * h[:, day - 1]
    return np.sqrt(h)


def independent(rng: np.random.Generator, *, phi: float = 0.9, n: int = T) -> Pair:
    """Return a persistent narrative that has nothing to do with the price."""
    return led(rng, beta=0.0, phi=phi, n=n)


def led(
    rng: np.random.Generator, *, beta: float, lag: int = 2, phi: float = 0.9, n: int = T
) -> Pair:
    """Return a narrative that leads: r_{t+lag} += beta e_t sigma_{t+lag}."""
    days = n + _WARM + _EARLIER
    level, r = narratives(rng, 1, days, phi=phi), garch(rng, 1, days)
    lead(level, r, beta, [(0, 0)], lag=lag, phi=phi)
    return _pair(level, r)


def follower(rng: np.random.Generator, *, n: int = T) -> Pair:
    """Return a narrative that reacts to yesterday, and to how large yesterday was.

    x_t = .9 x_{t-1} + .4 u - .5 r_{t-1} + .4 (|r_{t-1}| - .7): a follower, never a leader,
    whose size and the price's volatility share a cause.
    """
    days = n + _WARM + _EARLIER
    r, u = garch(rng, 1, days), rng.normal(size=days)
    level = np.zeros((1, days))
    for day in range(1, days):
        past = r[0, day - 1]
        told = -0.5 * past + 0.4 * (abs(past) - 0.7)
        level[0, day] = 0.9 * level[0, day - 1] + 0.4 * u[day] + told
    return _pair(level, r)


def table(
    rng: np.random.Generator,
    *,
    beta: float,
    shape: tuple[int, int] = (20, 15),
    n: int = T,
    planted: tuple[int, tuple[int, ...]] = (10, (3, 4, 5)),
) -> Paired:
    """Return narratives and assets; one narrative leads some assets by two sessions."""
    days = n + _WARM + _EARLIER
    level, r = narratives(rng, shape[0], days), returns(rng, shape[1], days)
    lead(level, r, beta, [(planted[0], asset) for asset in planted[1]])
    e, moves = innovations(level[:, _EARLIER:])[:, _WARM:], scaled(r)[:, _EARLIER + _WARM :]
    nothing = np.full(n, np.nan)
    return Paired(
        days=pd.bdate_range("2022-01-03", periods=n),
        narrative_ids=[f"n{place}" for place in range(shape[0])],
        asset_ids=[f"a{place}" for place in range(shape[1])],
        innovations=e,
        moves=moves,
        volatility=nothing,
        volume=nothing,
    )


def lead(
    level: Array,
    moves: Array,
    beta: float,
    pairs: list[tuple[int, int]],
    *,
    lag: int = 2,
    phi: float = 0.9,
) -> None:
    """Let narratives lead assets, in place: the shock of t enters the return of t + lag."""
    sigma = volatility(moves)
    shock = level[:, 1:] - phi * level[:, :-1]
    shock /= shock.std(axis=1, keepdims=True)
    for narrative, asset in pairs:
        moves[asset, lag + 1 :] += beta * shock[narrative, :-lag] * sigma[asset, lag + 1 :]


def _pair(level: Array, moves: Array) -> Pair:
    e = innovations(level[:, _EARLIER:])[0, _WARM:]
    return Pair(
        level=level[0, _EARLIER + _WARM :],
        innovation=e,
        moves=scaled(moves)[0, _EARLIER + _WARM :],
    )
