"""Simulations of the confirmation step at full size, as tables: ``pytest -m benchmark -s``."""

import warnings
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.stats.multitest import multipletests
from statsmodels.tsa.stattools import diebold_mariano_test, grangercausalitytests

from align.catalogue import weights
from align.confirmation import confirm
from align.forecasts import forecasts
from align.projections import cell_effect, lead_follow, local_projection, partial_effect
from align.scan import scan
from store.records import AlignmentCell
from tests.worlds import cells as worlds

pytestmark = pytest.mark.benchmark
LEVEL = 0.05
Counts = Counter[Any]
HORIZONS = (1, 5, 10, 20)


def show(title: str, rows: Sequence[tuple[str, float]]) -> None:
    """Print a table of shares."""
    print(f"\n{title}")
    for name, value in rows:
        print(f"  {name:<58} {100 * value:6.1f} %")


def _pairs(world, runs, *, seed, **planted):
    """Yield the pairs of a world, a hundred at a time."""
    for batch in range(0, runs, 100):
        yield from world(np.random.default_rng([seed, batch]), min(100, runs - batch), **planted)


def naive_projection(level, moves, horizon):
    """Cumulative move on the level, without lags, HAC with as many lags as the window is long."""
    total = np.array([moves[t + 1 : t + 1 + horizon].sum() for t in range(len(moves) - horizon)])
    design = sm.add_constant(level[: len(total)])
    fit = sm.OLS(total, design).fit(cov_type="HAC", cov_kwds={"maxlags": horizon})
    return fit.pvalues[1]


def granger(level, moves):
    """The usual F test at five lags, and the smallest p over one to five."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = grangercausalitytests(np.column_stack([moves, level]), maxlag=5)
    pvalues = [found[lag][0]["ssr_ftest"][1] for lag in range(1, 6)]
    return pvalues[-1], min(pvalues)


def test_n4_local_projections_keep_their_level_under_overlap():
    """N4: T 750, phi .9, nothing leads anything."""
    runs = 2000
    hits: Counts = Counter()
    for pair in _pairs(worlds.independent, runs, seed=1):
        for h in HORIZONS:
            hits["ours", h] += local_projection(pair.innovation, pair.moves, h).pvalue <= LEVEL
            hits["level", h] += local_projection(pair.level, pair.moves, h).pvalue <= LEVEL
            hits["naive", h] += naive_projection(pair.level, pair.moves, h) <= LEVEL
    names = {
        "ours": "lag-augmented HC1 on the innovation",
        "level": "lag-augmented HC1 on the level",
        "naive": "level, no lags, HAC(h)",
    }
    show(
        f"N4 local projection, rejections of a true null, {runs} runs",
        [(f"h {h}: {name}", hits[key, h] / runs) for h in HORIZONS for key, name in names.items()],
    )
    assert max(hits["ours", h] for h in (5, 10, 20)) / runs <= 0.07
    assert max(hits["naive", h] for h in (5, 10, 20)) / runs > 0.07


def test_n2_a_follower_is_no_leader():
    """N2: the pair design."""
    runs = 2000
    hits: Counts = Counter()
    for pair in _pairs(worlds.follower, runs, seed=2):
        found = lead_follow(pair.innovation, pair.moves)
        usual, smallest = granger(pair.level, pair.moves)
        hits["lead"] += found.lead <= LEVEL
        hits["follow"] += found.follow <= LEVEL
        hits["usual"] += usual <= LEVEL
        hits["smallest"] += smallest <= LEVEL
    show(
        f"N2 follower under volatility feedback, {runs} runs",
        [
            ("false lead: HC1 Wald", hits["lead"] / runs),
            ("false lead: grangercausalitytests, F at five lags", hits["usual"] / runs),
            ("false lead: smallest p over one to five lags", hits["smallest"] / runs),
            ("power to see that it follows", hits["follow"] / runs),
        ],
    )
    assert hits["lead"] / runs <= 0.07
    assert hits["follow"] / runs >= 0.95
    assert hits["smallest"] / runs > 0.12


def test_p2_power_and_coverage_of_one_named_cell():
    """P2: one cell, lag 2, sign named."""
    runs = 1000
    power: Counts = Counter()
    outside: Counts = Counter()
    better: Counts = Counter()
    gain: list[tuple[float, float]] = []
    for beta in (0.0, 0.05, 0.10, 0.15, 0.20):
        for pair in _pairs(worlds.led, runs, seed=3, beta=beta):
            found = cell_effect(pair.innovation, pair.moves, 2)
            power[beta, "one"] += found.one_sided(1) <= LEVEL
            power[beta, "two"] += found.pvalue <= LEVEL and found.effect > 0
            naive = cell_effect((pair.level - pair.level.mean()) / pair.level.std(), pair.moves, 2)
            power[beta, "level"] += naive.one_sided(1) <= LEVEL
            for h in (2, 5, 10):
                path = local_projection(pair.innovation, pair.moves, h)
                outside[beta, h] += not path.low <= beta <= path.high
            if beta in (0.0, 0.10):
                guess = forecasts(pair.innovation, pair.moves, 2, 250)
                test = diebold_mariano_test(guess.actual, guess.mean, guess.model)
                gain.append((beta, guess.r2))
                better[beta, "cw"] += guess.pvalue <= LEVEL
                better[beta, "dm"] += test.pvalue <= LEVEL and test.statistic > 0
    rows = []
    for beta in (0.0, 0.05, 0.10, 0.15, 0.20):
        rows += [
            (f"{beta:.2f} sd: named sign, innovation", power[beta, "one"] / runs),
            (f"{beta:.2f} sd: two-sided, innovation", power[beta, "two"] / runs),
            (f"{beta:.2f} sd: named sign, level", power[beta, "level"] / runs),
        ]
    show(f"P2 power of one cell, lag 2, T {worlds.T}, {runs} runs", rows)
    show(
        "Coverage of the 95 % interval of the local projection",
        [
            (f"{beta:.2f} sd, h {h}", 1 - outside[beta, h] / runs)
            for beta in (0.0, 0.10, 0.20)
            for h in (2, 5, 10)
        ],
    )
    show(
        "Out of sample against the mean, forecasts from session 250 on",
        [
            row
            for beta in (0.0, 0.10)
            for row in (
                (f"{beta:.2f} sd: mean R2", float(np.mean([g for b, g in gain if b == beta]))),
                (f"{beta:.2f} sd: Clark-West rejects", better[beta, "cw"] / runs),
                (f"{beta:.2f} sd: Diebold-Mariano rejects", better[beta, "dm"] / runs),
            )
        ],
    )
    assert power[0.10, "one"] / runs >= 0.80
    assert power[0.15, "one"] / runs >= 0.95
    assert power[0.0, "one"] / runs <= 0.07
    assert all(0.93 <= 1 - outside[beta, h] / runs <= 0.97 for beta, h in outside)


def _cells(world):
    window = (world.day(0), world.day(-1))
    return scan(
        world.innovations, world.moves, world.narrative_ids, world.asset_ids, window, seed=1
    )


def test_partial_regression_takes_the_confounded_cells_out():
    """Planted scan, .25 sd: what passes, and what of it stays beside the other narratives.

    The rule of the scan is max-T. What Benjamini and Hochberg let through beside it are
    mostly cells at other lags, which no regression on other narratives can take out.
    """
    runs = 60
    passed: Counts = Counter()
    confounded: dict[str, list[float]] = {"alone": [], "partial": []}
    for seed in range(runs):
        world = worlds.table(np.random.default_rng(3000 + seed), beta=0.25)
        found = [cell for cell in _cells(world) if cell.pvalue is not None]
        t = np.array([_pvalue(world, cell) for cell in found])
        bh = multipletests(t, alpha=LEVEL, method="fdr_bh")[0]
        for cell, by_bh in zip(found, bh, strict=True):
            told, moved = cell.narrative_id == "n10", cell.asset_id in ("a3", "a4", "a5")
            true = told and moved and cell.lag == 2
            if moved and cell.lag == 2 and not told:
                confounded["alone"].append(_pvalue(world, cell) <= LEVEL)
                confounded["partial"].append(_partial(world, cell).pvalue <= LEVEL)
            rules = {"BH": by_bh, "max-T": cell.pvalue_adj <= LEVEL}
            for rule in (name for name, passes in rules.items() if passes):
                passed[rule, true] += 1
                passed[rule, true, "partial"] += _stays(world, cell)
    shares = {
        (rule, *rest): passed[rule, False, *rest]
        / max(passed[rule, False, *rest] + passed[rule, True, *rest], 1)
        for rule in ("BH", "max-T")
        for rest in ((), ("partial",))
    }
    rates = {name: float(np.mean(values)) for name, values in confounded.items()}
    show(
        f"False share of the cells that pass, .25 sd, {runs} scans",
        [
            *(
                (f"{rule}{', then partial regression' if rest else ''}", shares[rule, *rest])
                for rule, *rest in shares
            ),
            *((f"confounded cells at p <= .05, {name}", rate) for name, rate in rates.items()),
        ],
    )
    kept = passed["max-T", True, "partial"] / passed["max-T", True]
    print(f"  {dict(passed)}; true cells kept {kept:.2f}")
    assert shares["max-T",] <= 0.06
    assert shares["max-T", "partial"] <= 0.06
    assert rates["partial"] <= 0.06 < rates["alone"]
    assert kept >= 0.95


def _pvalue(world, cell) -> float:
    n, a = world.narrative_ids.index(cell.narrative_id), world.asset_ids.index(cell.asset_id)
    return cell_effect(world.innovations[n], world.moves[a], cell.lag).pvalue


def _partial(world, cell):
    n, a = world.narrative_ids.index(cell.narrative_id), world.asset_ids.index(cell.asset_id)
    return partial_effect(world.innovations, n, [], world.moves[a], cell.lag)


def _stays(world, cell) -> bool:
    found = _partial(world, cell)
    return bool(found.pvalue <= LEVEL and found.effect * (cell.effect or 0.0) > 0)


def _best(found: list[AlignmentCell], number: int) -> list[AlignmentCell]:
    """Return cells as a person who trusts raw p would name them: the best, called a pass."""
    from dataclasses import replace

    order = sorted(found, key=lambda cell: (cell.pvalue, -abs(cell.effect or 0.0)))
    return [replace(cell, pvalue_adj=0.01) for cell in order[:number]]


@pytest.mark.parametrize("beta", [0.0, 0.25], ids=["null", "planted"])
def test_what_survives_the_next_sixty_sessions(beta):
    """The 30 best cells of a scan by raw p are named; 60 later sessions decide."""
    runs, later = 100, 60
    count: Counts = Counter()
    for seed in range(runs):
        rng = np.random.default_rng(4000 + seed)
        planted = (3, (0, 1, 2))
        world = worlds.table(rng, beta=beta, shape=(6, 8), n=worlds.T + later, planted=planted)
        then = world.between(0, worlds.T)
        named = confirm([], then, _best(_cells(then), 30), [], weights())
        for one in confirm(named, world, [], [], weights()):
            true = beta > 0 and (one.narrative_id, one.lag) == ("n3", 2)
            true = true and one.asset_id in ("a0", "a1", "a2")
            count[true, "named"] += 1
            count[true, "confirmed"] += one.status == "confirmed"
            count[true, "raw"] += (one.oos_p or 1.0) <= LEVEL
            n = world.narrative_ids.index(one.narrative_id)
            a = world.asset_ids.index(one.asset_id)
            again = cell_effect(world.innovations[n], world.moves[a], one.lag)
            count[true, "all data"] += again.pvalue <= LEVEL
    words = {
        "confirmed": "confirmed: Holm, and the partial effect",
        "raw": "one-sided p of the later sessions alone",
        "all data": "re-tested on all data, the naming included",
    }
    rows = [
        (f"{'planted' if true else 'null'}, {count[true, 'named']} cells: {word}",
         count[true, key] / count[true, "named"])
        for true in (False, True)
        for key, word in words.items()
        if count[true, "named"]
    ]  # fmt: skip
    show(f"Survival on {later} later sessions, beta {beta}, {runs} runs", rows)
    assert count[False, "confirmed"] / count[False, "named"] <= 0.05
    assert count[False, "raw"] / count[False, "named"] <= 0.07
    assert count[False, "all data"] / count[False, "named"] > 0.5
    assert date(2022, 1, 3) < then.day(-1)
