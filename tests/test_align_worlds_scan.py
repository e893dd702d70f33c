"""The scan in small simulated worlds, beside the usual method that fails in each.

Seeds are fixed, so the counts are too; each bound is one that a right method would break once
in a thousand times. The full worlds are in ``test_benchmarks_worlds.py``.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from align import scan as scan_module
from align.innovation import forecast_error
from align.scan import CLIP, LAGS
from tests.worlds.cells_scan import cells, scaled, stories
from tests.worlds.expanding import daily_errors
from tests.worlds.naive import regression_pvalue
from tests.worlds.scan_runs import (
    MAX_T,
    ON_LEVELS,
    Size,
    run_independent,
    run_overlap,
    run_persistent,
    run_planted,
    run_reacting,
)
from tests.worlds.table import Row, markdown, missed
from tests.worlds.tape import narratives, returns

# Once in a thousand times by chance.
_CHANCE = 0.001


def _most(runs: int, rate: float) -> int:
    """Return the largest count that a rate would still give in all but 1 of 1,000 cases."""
    return int(stats.binom.isf(_CHANCE, runs, rate))


def _count(runs, name):
    return sum(run[name] for run in runs)


@pytest.mark.parametrize(("n_days", "missing"), [(300, 0.0), (300, 0.2), (900, 0.1), (40, 0.3)])
def test_innovations_of_whole_series_are_those_of_each_day(n_days, missing):
    rng = np.random.default_rng(n_days)
    values = narratives(rng, 1, n_days)[0] - 3.0
    values[rng.random(n_days) < missing] = np.nan
    values[0] = 0.1
    weekdays = np.arange(n_days) % 5
    weekdays[::9] = 2
    daily = [forecast_error(values[: day + 1], weekdays[: day + 1]) for day in range(1, n_days)]
    assert np.isfinite(daily).any() or n_days == 40
    np.testing.assert_allclose(daily_errors(values, weekdays)[1:], daily, atol=1e-10)


@pytest.mark.parametrize("n_days", [151, 420, 1130])
def test_shifts_by_fourier_transform_are_those_one_by_one(n_days):
    """The definition, spelled out: roll the talk, take t of each pair on the same day."""
    rng = np.random.default_rng(n_days)
    x, y = rng.normal(size=(3, n_days)), rng.standard_t(4, size=(2, n_days))
    y[1, 3:] += 0.5 * x[0, :-3]
    x[1, 20:60], y[0, rng.random(n_days) < 0.1] = np.nan, np.nan
    found = cells(x, y, seed=4)
    x, y = (np.clip(values, -CLIP, CLIP) for values in (x, y))
    x, y = (np.nan_to_num(values - np.nanmean(values, axis=1, keepdims=True)) for values in (x, y))

    def sizes(talk, lag):
        before = talk[:, max(-lag, 0) : n_days - max(lag, 0)]
        after = y[:, max(lag, 0) : n_days + min(lag, 0)]
        return np.abs(before @ after.T) / np.sqrt(before**2 @ (after**2).T)

    observed = np.stack([sizes(x, lag) for lag in LAGS], axis=2)
    shifts = scan_module._shifts(n_days, 4)
    null = np.array([sizes(np.roll(x, shift, axis=1), 0) for shift in shifts])
    own = (1 + (null[..., None] >= observed).sum(axis=0)) / (1 + len(shifts))
    np.testing.assert_allclose(found.pvalue, own, atol=1e-6)
    scale = np.sqrt((null**2).mean())
    inside = stats.norm.cdf(null.max(axis=(1, 2)) / scale) * 2 - 1
    number = -len(shifts) / np.log(inside).sum()
    assert 3 < number < 12, "six pairs, nearly independent"
    below = (2 * stats.norm.cdf(observed / scale) - 1) ** (number * len(LAGS))
    np.testing.assert_allclose(found.adjusted, np.maximum(1 - below, own), atol=1e-6)
    assert found.adjusted[0, 1, LAGS.index(3)] < 0.05


def test_independent_narratives_pass_as_often_as_stated():
    runs = [run_independent((Size(8, 6, 260), 0.9, seed)) for seed in range(60)]
    assert _count(runs, MAX_T) <= _most(60, 0.05)
    # The same p-values at one half, where sixty runs say more; careful with few sessions.
    assert stats.binom.ppf(_CHANCE, 60, 0.3) <= _count(runs, "half") <= _most(60, 0.5)
    assert _count(runs, "raw p") == 60, "480 tests of one cell each always find something"


def test_windows_of_lags_are_too_few_to_be_counted():
    """140 sessions hold three separate windows of 21 lags: 5 % of them is no event at all."""
    runs = [run_independent((Size(8, 6, 140), 0.9, seed)) for seed in range(80)]
    assert _count(runs, MAX_T) <= _most(80, 0.05)
    assert _count(runs, "windows") > _most(80, 0.05)


def test_narratives_that_react_are_followers_and_no_leads():
    runs = [run_reacting((Size(7, 6, 400), seed)) for seed in range(25)]
    assert _count(runs, "lead") <= _most(25, 0.05)
    assert _count(runs, "follow") >= 25 - _most(25, 0.05)
    # A line drawn through the days before and after tells tomorrow's talk today.
    assert _count(runs, "drawn lead") > 20


def test_persistent_levels_agree_by_chance_and_innovations_do_not():
    runs = [run_persistent((0.9, seed)) for seed in range(80)]
    for name in ("levels", "innovation on level", "innovation on change"):
        assert _count(runs, name) <= _most(80, 0.05), name
        assert _count(runs, f"any lag, {name}") <= _most(80, 0.05), name
    assert _count(runs, "OLS") > 40
    assert _count(runs, "HAC") > _most(80, 0.05)


def test_overlapping_sums_need_a_shift():
    runs = [run_overlap((0.9, 20, seed)) for seed in range(80)]
    for name in ("shift", "innovation and shift"):
        assert _count(runs, name) <= _most(80, 0.05), name
    assert _count(runs, "OLS") > 30


def test_a_planted_lead_is_found_at_its_lag():
    runs = [run_planted(((0.20,), False, seed))[0] for seed in range(8)]
    assert sum(run.hits[MAX_T].right > 0 for run in runs) >= 8 - _most(8, 0.05)
    # 24 planted pairs.
    assert sum(run.lag["moves"] for run in runs) >= 24 - _most(24, 0.10)
    assert sum(run.lag["chart"] for run in runs) < 12
    right, false = (
        {name: sum(getattr(run.hits[name], side) for run in runs) for name in runs[0].hits}
        for side in ("right", "false")
    )
    assert right[ON_LEVELS] < right[MAX_T]
    assert false["raw p"] > 0.9 * (false["raw p"] + right["raw p"])
    assert false[MAX_T] <= right[MAX_T] / 4


def test_without_a_plant_nothing_is_right():
    assert run_planted(((0.0,), False, 3))[0].hits[MAX_T].right == 0


def test_counted_stories_scatter_wider_than_binomial():
    rng = np.random.default_rng(5)
    still = stories(rng, np.zeros((400, 500)))
    share = 1 / (1 + np.exp(-still))
    base = share.mean(axis=1)
    # The half story of the logit shrinks little at 300 stories.
    ratio = share.std(axis=1) / np.sqrt(base * (1 - base) / 300)
    assert np.median(ratio) == pytest.approx(1.8, abs=0.1)
    assert 0.01 < base.min() < base.max() < 0.11


def test_moves_are_in_lagged_sigma():
    tape = returns(np.random.default_rng(2), 6, 1250)
    moves, sigma = scaled(tape)
    np.testing.assert_allclose(moves * sigma, tape[:, 250:])
    assert np.std(moves) == pytest.approx(1.0, abs=0.1)
    tape[:, 1000:] *= 5
    np.testing.assert_array_equal(scaled(tape)[1][:, :750], sigma[:, :750])


def test_the_naive_regression_is_that_of_the_library():
    from statsmodels.api import OLS, add_constant

    rng = np.random.default_rng(6)
    x, y = narratives(rng, 2, 300)
    plain = OLS(y, add_constant(x))
    robust = plain.fit(cov_type="HAC", cov_kwds={"maxlags": 6, "use_correction": False})
    assert regression_pvalue(x, y, bandwidth=6) == pytest.approx(robust.pvalues[1], rel=1e-6)
    assert regression_pvalue(x, y) == pytest.approx(plain.fit(use_t=False).pvalues[1], rel=1e-6)


def test_the_table_says_what_was_missed():
    rows = [
        Row(world="A", statistic="hits", target=(0.0, 0.07), measured=0.0825, runs=400),
        Row(
            world="B",
            statistic="power",
            target=(0.95, 1.0),
            measured=0.99,
            naive=0.2,
            naive_name="levels",
            runs=1200,
        ),
        Row(world="C", statistic="z", target=(-1, 1), measured=-0.123, runs=1, percent=False),
    ]
    assert missed(rows) == ["A, hits: 8.2 %, asked for ≤ 7.0 %"]
    known = replace(rows[0], accepted="too few stories")
    assert missed([known]) == []
    assert "(missed: too few stories)" in markdown([known])
    assert markdown(rows).splitlines()[2:] == [
        "| A | hits | ≤ 7.0 % | **8.2 %** (missed) |  | 400 |",
        "| B | power | ≥ 95.0 % | **99.0 %** | 20.0 % (levels) | 1,200 |",
        "| C | z | -1 to 1 | **-0.123** |  | 1 |",
    ]
