"""Regressions of a cell: equal to statsmodels, blind to missing days, honest in small worlds."""

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.tsa.api import LocalProjections

from align.forecasts import forecasts
from align.projections import (
    LAGS,
    Estimate,
    cell_effect,
    lagged,
    lead_follow,
    local_projection,
    partial_effect,
)
from tests.worlds import cells as worlds


def _series(n=300, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=n), rng.standard_t(5, size=n)


def _oracle(design, outcome):
    known = ~np.isnan(np.column_stack([outcome, *design])).any(axis=1)
    x = sm.add_constant(np.column_stack(design)[known])
    return sm.OLS(outcome[known], x).fit(cov_type="HC1", use_t=True)


def _design(e, r, first):
    return [
        *(lagged(e, k) for k in range(first, LAGS + 1)),
        *(lagged(r, k) for k in range(1 if first else 0, LAGS + (1 if first else 0))),
    ]


@pytest.mark.parametrize("horizon", [1, 5, 10])
def test_a_local_projection_is_ols_with_hc1_errors(horizon):
    e, r = _series()
    e[40:44], r[200] = np.nan, np.nan
    total = sum(lagged(r, -step) for step in range(1, horizon + 1))
    fit = _oracle(_design(e, r, 0), total)
    ours = local_projection(e, r, horizon)
    assert ours.n == fit.nobs
    low, high = fit.conf_int()[1]
    wanted = (fit.params[1], low, high, fit.pvalues[1])
    assert (ours.effect, ours.low, ours.high, ours.pvalue) == pytest.approx(wanted, rel=1e-8)


def test_one_session_ahead_is_what_statsmodels_projects():
    """Its horizon 0 has the shock of today and the move of today; ours, the move of tomorrow."""
    e, r = _series()
    theirs = LocalProjections(
        np.column_stack([e[:-1], r[1:]]), shock_idx=0, lags=LAGS, horizons=0
    ).fit()
    assert local_projection(e, r, 1).effect == pytest.approx(theirs.irfs[0, 1, 0], rel=1e-8)


def test_a_cumulative_response_is_the_sum_of_the_steps():
    e, r = _series()
    shifted = np.column_stack([e[:-1], r[1:]])
    theirs = LocalProjections(shifted, shock_idx=0, lags=LAGS, horizons=4).fit()
    # Theirs end all steps on one row, four before the last; so must ours, to be their sum.
    e[len(e) - 5 :] = np.nan
    ours = local_projection(e, r, 5).effect
    assert ours == pytest.approx(theirs.irfs[:, 1, 0].sum(), rel=1e-8)


def test_both_wald_tests_are_those_of_statsmodels():
    e, r = _series()
    e[100:103] = np.nan
    found = lead_follow(e, r)
    past = _design(e, r, 1)
    lead, follow = _oracle(past, r), _oracle(past, e)
    own, other = np.eye(11)[1:6], np.eye(11)[6:11]
    assert found.lead == pytest.approx(float(lead.f_test(own).pvalue), rel=1e-8)
    assert found.follow == pytest.approx(float(follow.f_test(other).pvalue), rel=1e-8)


def test_positive_lag_means_that_the_narrative_came_first():
    e, r = _series()
    r = r + 0.5 * lagged(e, 3)
    assert cell_effect(e, r, 3).low > 0.2
    for lag in (-3, 0, 2):
        found = cell_effect(e, r, lag)
        assert found.low < 0 < found.high
    assert cell_effect(r, e, -3).low > 0.05


def test_a_partial_effect_leaves_nothing_of_a_companion():
    rng = np.random.default_rng(3)
    common = rng.normal(size=600)
    lines = np.array([common + 0.7 * rng.normal(size=600) for _ in range(3)])
    r = rng.normal(size=600) + 0.5 * lagged(lines[0], 1)
    alone = cell_effect(lines[1], r, 1)
    beside = partial_effect(lines, 1, [], r, 1)
    assert alone.pvalue < 0.001
    assert beside.pvalue > 0.05
    assert partial_effect(lines, 0, [], r, 1).pvalue < 0.001
    fit = _oracle([lagged(lines[k], 1) for k in (1, 0, 2)], r)
    assert beside.effect == pytest.approx(fit.params[1], rel=1e-8)


def test_controls_that_are_hardly_known_are_left_out():
    lines = np.array([_series(seed=seed)[0] for seed in range(3)])
    r = _series()[1]
    late, never, flat = lines[1].copy(), np.full(300, np.nan), np.ones(300)
    late[:200] = np.nan
    plain = partial_effect(lines[:1], 0, [], r, 1)
    assert partial_effect(lines[:1], 0, [late, never, flat], r, 1) == plain
    assert partial_effect(lines[:1], 0, [lines[2]], r, 1) != plain


@pytest.mark.parametrize("n", [0, 1, 15, 30])
def test_too_few_sessions_give_no_number(n):
    e, r = _series(n=n)
    assert np.isnan(local_projection(e, r, 5).effect)
    assert np.isnan([lead_follow(e, r).lead, lead_follow(e, r).follow]).all()
    assert np.isnan(cell_effect(e[:20], r[:20], 1).one_sided(1))
    assert local_projection(e, r, 5).n == max(n - 10, 0)


def test_a_constant_series_gives_no_number():
    r = _series()[1]
    assert np.isnan(cell_effect(np.zeros(300), r, 1).pvalue)
    assert np.isnan(lead_follow(np.zeros(300), r).lead)


def test_a_named_sign_halves_p_or_turns_it_round():
    found = Estimate(n=60, effect=0.3, low=0.1, high=0.5, pvalue=0.02)
    assert found.one_sided(1) == pytest.approx(0.01)
    assert found.one_sided(-1) == pytest.approx(0.99)


def test_forecasts_use_earlier_pairs_alone():
    e, r = _series(n=200)
    e[90], r[120] = np.nan, np.nan
    found = forecasts(e, r, 2, 100)
    x = lagged(e, 2)
    row = 150
    known = np.flatnonzero(~np.isnan(x[:row]) & ~np.isnan(r[:row]))
    slope, start = np.polyfit(x[known], r[known], 1)
    place = list(found.actual).index(r[row])
    assert found.model[place] == pytest.approx(start + slope * x[row])
    assert found.mean[place] == pytest.approx(r[known].mean())
    later = forecasts(e[:151], r[:151], 2, 100)
    assert later.model == pytest.approx(found.model[: len(later.model)])
    # A session without a price, or whose session two before was not collected, has none.
    assert len(found.actual) == 99


def test_a_planted_lead_is_forecast_and_noise_is_not():
    rng = np.random.default_rng(8)
    e = rng.normal(size=1000)
    noise = rng.normal(size=1000)
    strong = forecasts(e, noise + 0.5 * lagged(e, 2), 2, 100)
    nothing = forecasts(e, noise, 2, 100)
    assert strong.r2 > 0.1
    assert strong.pvalue < 0.001
    assert abs(nothing.r2) < 0.02
    assert nothing.pvalue > 0.05
    assert len(forecasts(e, noise, 0, 100).actual) == 0
    assert np.isnan(forecasts(e, noise, 0, 100).r2)
    assert np.isnan(forecasts(e[:50], noise[:50], 2, 0).pvalue)


def test_the_usual_granger_test_sees_leads_in_a_follower_and_ours_does_not():
    """A small run of the follower; the full one stands in test_benchmarks_confirm.py."""
    from tests.test_benchmarks_confirm import granger

    false, naive, follows, runs = 0, 0, 0, 30
    for pair in worlds.follower(np.random.default_rng(1000), runs, n=400):
        found = lead_follow(pair.innovation, pair.moves)
        false += found.lead <= 0.05
        follows += found.follow <= 0.05
        naive += granger(pair.level, pair.moves)[1] <= 0.05
    # 5 % of 30: five or more in one of sixty repetitions.
    assert false <= 4
    assert naive > false
    assert follows == runs


def test_overlap_without_lags_rejects_and_with_lags_does_not():
    from tests.test_benchmarks_confirm import naive_projection

    ours, naive, runs = 0, 0, 200
    for pair in worlds.independent(np.random.default_rng(3), runs, phi=0.97, n=400):
        ours += local_projection(pair.innovation, pair.moves, 10).pvalue <= 0.05
        naive += naive_projection(pair.level, pair.moves, 10) <= 0.05
    # 5 % is 10 of 200; more than 18 would come once in a hundred times.
    assert ours <= 18 < naive
