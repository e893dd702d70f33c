"""One simulated run each: a task (a world and a seed) -> what each method said in it.

Plain functions of a task, so that two processes can share the work.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.scan import LAGS
from tests.worlds.cells_scan import (
    FOLLOWERS,
    LEAD,
    LEADER,
    LED,
    World,
    cells,
    independent,
    persistent_pair,
    planted,
    reacting,
    scanned,
    stories,
)
from tests.worlds.expanding import innovations
from tests.worlds.naive import corrections, raw_pvalues, regression_pvalue, window_count
from tests.worlds.tape import Array, narratives, returns

LEADS = tuple(range(1, 11))
_AHEAD = np.array([lag > 0 for lag in LAGS])
MAX_T, ON_LEVELS, ON_LEADS = "max-T", "max-T on levels", "max-T over leads"
METHODS = ("raw p", "BH", "BY", "Bonferroni", ON_LEADS, MAX_T, ON_LEVELS)
HORIZONS = (5, 20)


@dataclass(frozen=True, slots=True)
class Size:
    """Narratives, assets and sessions of a world without a plant."""

    n_narratives: int = 20
    n_assets: int = 15
    n_days: int = 750


@dataclass(frozen=True, slots=True)
class Hits:
    """Cells that passed: planted ones, and others."""

    right: int
    false: int


@dataclass(frozen=True, slots=True)
class Planted:
    """Hits by method, and at how many of three pairs the largest effect is at the right lag.

    ``lag`` is by what was correlated: innovations and ``moves``, ``levels`` of talk and moves,
    or levels of talk and price, as a ``chart`` shows them.
    """

    beta: float
    hits: dict[str, Hits]
    lag: dict[str, int]


def run_independent(task: tuple[Size, float, int]) -> dict[str, float]:
    """N1: whether anything passes, over all lags of the product, per method."""
    size, phi, seed = task
    rng = np.random.default_rng(seed)
    return _null(independent(rng, size.n_narratives, size.n_assets, size.n_days, phi=phi))


def run_counted(seed: int) -> dict[str, float]:
    """N1 with narratives that are seen through counted stories."""
    rng = np.random.default_rng(seed)
    world = independent(rng)
    return _null(World(talk=stories(rng, world.talk), moves=world.moves))


def _null(world: World) -> dict[str, float]:
    """Count what passes in a world without a relation.

    ``half`` says whether the best adjusted p is at most one half, as it is every second time,
    and less often with few sessions.
    """
    x = innovations(world.talk)
    found = cells(x, world.moves)
    raw = corrections(raw_pvalues(x, world.moves, LEADS))
    return {
        MAX_T: bool(found.passed.any()),
        "windows": window_count(x, world.moves, LAGS) <= 0.05,
        "half": bool(np.nanmin(found.adjusted) <= 0.5),
        **{name: bool(hits.any()) for name, hits in raw.items()},
        "raw hits": int(raw["raw p"].sum()),
    }


def run_reacting(task: tuple[Size, int]) -> dict[str, float]:
    """N2: false leads and true followers of the shipped scan, and of a centred mean.

    A mean over two days before and two after is a usual way to draw a calm line; it hands
    tomorrow's talk, which is about today's move, to yesterday.
    """
    size, seed = task
    world = reacting(np.random.default_rng(seed), size.n_narratives, size.n_assets, size.n_days)
    found = scanned(world).passed
    smooth = pd.DataFrame(world.talk.T).rolling(5, center=True).mean().to_numpy().T
    drawn = cells(innovations(smooth), world.moves).passed
    yesterday = LAGS.index(-1)
    return {
        "lead": bool(found[:, :, _AHEAD].any()),
        "follow": bool(found[:FOLLOWERS, :, yesterday].any()),
        "others": bool(found[FOLLOWERS:].any()),
        "drawn lead": bool(drawn[:, :, _AHEAD].any()),
    }


def run_persistent(task: tuple[float, int]) -> dict[str, float]:
    """N3: whether lag 1 of two unrelated persistent series is called a relation."""
    phi, seed = task
    talk, level, changes = persistent_pair(np.random.default_rng(seed), phi)
    x, place = innovations(talk), LAGS.index(1)
    on_levels, on_level, on_change = (
        cells(*pair) for pair in ((talk, level), (x, level), (x, changes))
    )
    ends = talk[0, :-1], level[0, 1:]
    return {
        "OLS": regression_pvalue(*ends) <= 0.05,
        "HAC": regression_pvalue(*ends, bandwidth=6) <= 0.05,
        "levels": bool(on_levels.pvalue[0, 0, place] <= 0.05),
        "any lag, levels": bool(on_levels.passed.any()),
        "innovation on level": bool(on_level.pvalue[0, 0, place] <= 0.05),
        "any lag, innovation on level": bool(on_level.passed.any()),
        "innovation on change": bool(on_change.pvalue[0, 0, place] <= 0.05),
        "any lag, innovation on change": bool(on_change.passed.any()),
    }


def run_overlap(task: tuple[float, int, int]) -> dict[str, float]:
    """Whether talk of today is called related to the sum of the next h returns, per method."""
    phi, horizon, seed = task
    rng = np.random.default_rng(seed)
    tape = returns(rng, 1, 750 + horizon)
    ahead = np.cumsum(tape, axis=1)
    sums = ahead[:, horizon:] - ahead[:, :-horizon]
    talk = narratives(rng, 1, 751, phi=phi)[:, :-1]
    x, place = innovations(talk), LAGS.index(0)
    known = ~np.isnan(x[0])
    return {
        "OLS": regression_pvalue(talk[0], sums[0]) <= 0.05,
        "HAC": regression_pvalue(talk[0], sums[0], bandwidth=horizon) <= 0.05,
        "innovation and HAC": (
            regression_pvalue(x[0, known], sums[0, known], bandwidth=horizon) <= 0.05
        ),
        "shift": bool(cells(talk, sums).pvalue[0, 0, place] <= 0.05),
        "innovation and shift": bool(cells(x, sums).pvalue[0, 0, place] <= 0.05),
    }


def run_planted(task: tuple[tuple[float, ...], bool, int]) -> list[Planted]:
    """P1 and P3: plants of several sizes in the same talk and returns."""
    betas, counted, seed = task
    out, x = [], None
    for beta in betas:
        world = planted(np.random.default_rng(seed), beta, counted=counted)
        # The seed is the same, so the talk is: only the returns know of the plant.
        x = innovations(world.talk) if x is None else x
        found, on_levels = cells(x, world.moves), cells(world.talk, world.moves)
        hits = {
            MAX_T: _hits(found.passed, LAGS),
            ON_LEVELS: _hits(on_levels.passed, LAGS),
            ON_LEADS: _hits(cells(x, world.moves, lags=LEADS).passed, LEADS),
        }
        for name, passed in corrections(raw_pvalues(x, world.moves, LEADS)).items():
            hits[name] = _hits(passed, LEADS)
        effects = {"moves": found.effect, "levels": on_levels.effect, "chart": _chart(world)}
        right = {name: int((_peaks(effect) == LEAD).sum()) for name, effect in effects.items()}
        out.append(Planted(beta, hits, right))
    return out


def _hits(passed: NDArray[np.bool_], lags: Sequence[int]) -> Hits:
    right = int(passed[LEADER, list(LED), list(lags).index(LEAD)].sum())
    return Hits(right, int(passed.sum()) - right)


def _peaks(effect: Array) -> NDArray[np.int64]:
    """Return the lag of the largest effect of each planted pair."""
    best = np.abs(effect[LEADER, list(LED)]).argmax(axis=1)
    return np.asarray(np.array(LAGS)[best], dtype=np.int64)


def _chart(world: World) -> Array:
    """Return lagged correlations of talk with the cumulated price."""
    prices = np.cumsum(np.nan_to_num(world.moves[list(LED)]), axis=1)
    talk, n = world.talk[LEADER], world.talk.shape[1]
    out = np.zeros((len(world.talk), len(world.moves), len(LAGS)))
    for row, asset in enumerate(LED):
        for place, lag in enumerate(LAGS):
            before = talk[max(-lag, 0) : n - max(lag, 0)]
            out[LEADER, asset, place] = np.corrcoef(
                before, prices[row, max(lag, 0) : n + min(lag, 0)]
            )[0, 1]
    return out
