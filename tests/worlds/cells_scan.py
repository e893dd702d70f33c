"""Worlds of the scan: independent, reacting, persistent, planted, and told by counted stories.

Narratives come as levels; the shipped expanding innovations are made from them. Moves are
divided by the shipped lagged volatility, for which prices begin 250 sessions before the talk.
"""

from dataclasses import dataclass
from datetime import date
from unittest.mock import patch

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.innovation import logit_share
from align.returns import lagged_volatility
from align.scan import LAGS, scan
from tests.worlds.expanding import innovations
from tests.worlds.tape import Array, narratives, returns

# Three leading cells: this narrative, these assets, this lag.
LEADER, LED, LEAD = 10, (3, 4, 5), 2
FOLLOWERS = 5
_HISTORY = 250
_WINDOW = (date(2023, 1, 3), date(2025, 12, 31))
# Stories a day, and how much wider than binomial their count scatters (in standard deviations).
_STORIES = 300
_OVERDISPERSION = 1.8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class World:
    """Levels of talk and vol-scaled moves, each of shape (n_series, n_sessions)."""

    talk: Array
    moves: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """What the shipped scan says, each of shape (n_narratives, n_assets, n_lags)."""

    pvalue: Array
    adjusted: Array
    effect: Array

    @property
    def passed(self) -> NDArray[np.bool_]:
        """Which cells pass max-T at 5 %."""
        return self.adjusted <= 0.05


def scaled(changes: Array) -> tuple[Array, Array]:
    """Return moves in lagged sigma and that sigma, both from the 251st session on."""
    frame = pd.DataFrame(changes.T)
    sigma = lagged_volatility(frame, pd.DataFrame(np.ones(frame.shape)))
    kept = slice(_HISTORY, None)
    return (frame / sigma).to_numpy().T[:, kept], sigma.to_numpy().T[:, kept]


def independent(
    rng: np.random.Generator,
    n_narratives: int = 20,
    n_assets: int = 15,
    n_days: int = 750,
    *,
    phi: float = 0.9,
) -> World:
    """N1: talk and prices have nothing to do with each other."""
    tape = returns(rng, n_assets, _HISTORY + n_days)
    return World(talk=narratives(rng, n_narratives, n_days, phi=phi), moves=scaled(tape)[0])


def reacting(
    rng: np.random.Generator,
    n_narratives: int = 20,
    n_assets: int = 15,
    n_days: int = 750,
) -> World:
    """N2: narratives 0-4 react to yesterday's mean return and to its size."""
    tape = returns(rng, n_assets, _HISTORY + n_days)
    talk = narratives(rng, n_narratives, n_days)
    yesterday = tape.mean(axis=0)[_HISTORY - 1 : -1]
    size = np.abs(yesterday)
    talk[:FOLLOWERS] += -0.5 * yesterday + 0.4 * (size - size.mean())
    return World(talk=talk, moves=scaled(tape)[0])


def planted(
    rng: np.random.Generator, beta: float, n_days: int = 750, *, counted: bool = False
) -> World:
    """P1: the shock of narrative 10 moves assets 3, 4 and 5 by beta sigma two sessions later.

    With ``counted`` the narratives are seen through stories (see ``stories``); the plant stays
    on the shock itself.
    """
    tape = returns(rng, n_days=_HISTORY + n_days)
    talk = narratives(rng, n_days=n_days)
    sigma = scaled(tape)[1]
    # tape.narratives has phi .9 unless told otherwise.
    shock = talk[LEADER, 1:] - 0.9 * talk[LEADER, :-1]
    shock = (shock - shock.mean()) / shock.std()
    for asset in LED:
        tape[asset, _HISTORY + 1 + LEAD :] += beta * shock[:-LEAD] * sigma[asset, 1 + LEAD :]
    return World(talk=stories(rng, talk) if counted else talk, moves=scaled(tape)[0])


def stories(rng: np.random.Generator, talk: Array) -> Array:
    """Return the logit of counted shares: 300 stories a day, beta-binomial.

    A narrative has a base share between 1 and 10 % and doubles at one standard deviation.
    The variance of a count is 1.8 squared times the binomial one.
    """
    base = rng.uniform(0.01, 0.10, size=(len(talk), 1))
    share = 1 / (1 + np.exp(-(np.log(base / (1 - base)) + np.log(2.0) * talk)))
    # variance / binomial variance = 1 + (n - 1) / (a + b + 1)
    weight = (_STORIES - 1) / (_OVERDISPERSION**2 - 1) - 1
    seen = rng.binomial(_STORIES, rng.beta(share * weight, (1 - share) * weight)) / _STORIES
    return logit_share(seen, np.full(seen.shape, float(_STORIES)))


def persistent_pair(
    rng: np.random.Generator, phi: float, n_days: int = 750
) -> tuple[Array, Array, Array]:
    """N3: an outcome whose level is AR(.95), an unrelated narrative that is AR(phi).

    Returns
    -------
    tuple of ndarray
        Talk and level of shape (1, n_days), and the changes of the level in lagged sigma.
    """
    level = narratives(rng, 1, _HISTORY + n_days + 1, phi=0.95)
    changes = scaled(np.diff(level, axis=1))[0]
    return narratives(rng, 1, n_days, phi=phi), level[:, _HISTORY + 1 :], changes


def cells(x: Array, y: Array, seed: int = 1, lags: tuple[int, ...] = LAGS) -> Cells:
    """Run the shipped scan; NaN where it gives no figure.

    It tests 21 lags together; fewer ``lags`` make the family of a design that asks for leads.
    """
    names = [str(i) for i in range(len(x))], [str(j) for j in range(len(y))]
    with patch("align.scan.LAGS", lags):
        found = scan(x, y, *names, _WINDOW, seed=seed)
    shape = (len(x), len(y), len(lags))
    pvalue, adjusted, effect = (
        np.array([getattr(cell, name) for cell in found], dtype=float).reshape(shape)
        for name in ("pvalue", "pvalue_adj", "effect")
    )
    return Cells(pvalue=pvalue, adjusted=adjusted, effect=effect)


def scanned(world: World) -> Cells:
    """Run the shipped innovations and the shipped scan."""
    return cells(innovations(world.talk), world.moves)
