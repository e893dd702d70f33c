"""Pairs and tables of narratives and returns with a known lead, for tests of single cells.

All series run through the shipped innovation and the shipped lagged volatility, as in the
stage: nothing is fitted on the whole sample. ``T`` counts sessions that have both.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from align.paired import Paired
from align.returns import lagged_volatility
from tests.worlds.expanding import innovations
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


def independent(
    rng: np.random.Generator, number: int, *, phi: float = 0.9, n: int = T
) -> list[Pair]:
    """Return persistent narratives that have nothing to do with the prices."""
    return led(rng, number, beta=0.0, phi=phi, n=n)


def led(
    rng: np.random.Generator,
    number: int,
    *,
    beta: float,
    lag: int = 2,
    phi: float = 0.9,
    n: int = T,
) -> list[Pair]:
    """Return narratives that lead: r_{t+lag} += beta e_t sigma_{t+lag}."""
    days = n + _WARM + _EARLIER
    level = np.vstack([narratives(rng, 1, days, phi=phi) for _ in range(number)])
    r = garch(rng, number, days)
    lead(level, r, beta, [(place, place) for place in range(number)], lag=lag, phi=phi)
    return _pairs(level, r)


def follower(rng: np.random.Generator, number: int, *, n: int = T) -> list[Pair]:
    """Return narratives that react to yesterday, and to how large yesterday was.

    x_t = .9 x_{t-1} + .4 u - .5 r_{t-1} + .4 (|r_{t-1}| - .7): a follower, never a leader,
    whose size and the price's volatility share a cause.
    """
    days = n + _WARM + _EARLIER
    r, u = garch(rng, number, days), rng.normal(size=(number, days))
    level = np.zeros((number, days))
    for day in range(1, days):
        past = r[:, day - 1]
        told = -0.5 * past + 0.4 * (np.abs(past) - 0.7)
        level[:, day] = 0.9 * level[:, day - 1] + 0.4 * u[:, day] + told
    return _pairs(level, r)


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


def _pairs(level: Array, moves: Array) -> list[Pair]:
    start = _EARLIER + _WARM
    return [
        Pair(level=one, innovation=e, moves=r)
        for one, e, r in zip(
            level[:, start:],
            innovations(level[:, _EARLIER:])[:, _WARM:],
            scaled(moves)[:, start:],
            strict=True,
        )
    ]
