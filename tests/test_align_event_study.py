"""Event-day tests, doses, and the crash world in small."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from align.catalogue import weights
from align.dose import dose_lines
from align.event_study import bmp, event_study, unusual_of
from align.explanation import explain_day
from align.inputs import build, limit, world_of
from tests import align_world
from tests.align_world import CRASH
from tests.test_align_explain import HAWKISH
from tests.worlds import crash as crashes
from tests.worlds.tape import returns

RULES = {**weights()["event"], "estimation_days": 300, "estimation_least": 200}


def _day(rng, *, planted=0.0):
    """300 days of 15 sign-aligned assets and one more, moved by ``planted`` sigma."""
    made = returns(rng, 15, 301)
    made *= np.where(np.arange(15) % 4 == 3, -1.0, 1.0)[:, None]
    made[:, -1] += planted
    return pd.DataFrame(made.T, columns=[f"A{number}" for number in range(15)])


def test_one_date_is_one_event():
    """N9 in small: placebo dates and Kolari-Pynnonen hold, the plain test rejects half."""
    from scipy.stats import t as student

    found = []
    for seed in range(150):
        unusual = unusual_of(event_study(_day(np.random.default_rng([9, seed])), 300, 1, RULES))
        assert unusual is not None
        plain = 2 * student.sf(abs(unusual.t_bmp), unusual.assets - 1)
        found.append((unusual.placebo_p <= 0.05, unusual.p_kp <= 0.05, plain <= 0.05))
    placebo, corrected, plain = np.mean(found, axis=0)
    assert placebo <= 0.09
    assert corrected <= 0.13
    assert plain > 0.35


def test_a_common_move_is_found_and_a_market_model_takes_it_out():
    table = _day(np.random.default_rng(1), planted=4.0)
    unusual = unusual_of(event_study(table, 300, 1, RULES))
    assert unusual is not None
    assert unusual.size_percentile > 0.98
    assert unusual.mean_percentile > 0.98
    table["M"] = table.mean(axis=1)
    against = event_study(table, 300, 1, RULES, factor="M")
    assert against is not None
    assert "M" not in against.assets
    assert abs(against.standardised.mean()) < 1.0


def test_event_study_against_the_formulas_by_hand():
    rng = np.random.default_rng(2)
    table = pd.DataFrame(rng.normal(size=(251, 4)), columns=list("abcd"))
    rules = {"estimation_days": 250, "estimation_least": 200, "assets_least": 3}
    study = event_study(table, 250, 1, rules)
    assert study is not None
    past, now = table.iloc[:250], table.iloc[250]
    sar = (now - past.mean()) / (past.std(ddof=1) * np.sqrt(1 + 1 / 250))
    np.testing.assert_allclose(study.standardised, sar.to_numpy(), rtol=1e-12)
    t_bmp, t_kp, p = bmp(study.standardised, 0.4)
    assert t_bmp == pytest.approx(sar.mean() / (sar.std(ddof=1) / 2.0))
    assert t_kp == pytest.approx(t_bmp * np.sqrt(0.6 / 2.2))
    assert 0 < p < 1


def test_event_study_over_several_days_sums_and_looks_back_only():
    rng = np.random.default_rng(3)
    table = pd.DataFrame(rng.normal(size=(300, 4)), columns=list("abcd"))
    table.iloc[5, 0] = np.nan
    rules = {"estimation_days": 250, "estimation_least": 200, "assets_least": 3}
    first = event_study(table, 280, 5, rules)
    assert first is not None
    past = table.iloc[26:276]
    car = (table.iloc[276:281] - past.mean()).sum()
    np.testing.assert_allclose(first.abnormal, car.to_numpy(), rtol=1e-12)
    later = table.copy()
    later.iloc[281:] = 99.0
    again = event_study(later, 280, 5, rules)
    assert again is not None
    np.testing.assert_array_equal(first.standardised, again.standardised)
    assert unusual_of(first) == unusual_of(again)
    assert event_study(table.iloc[:100], 99, 1, rules) is None
    assert unusual_of(None) is None


def test_one_price_under_three_names_has_no_deviation_across_assets():
    rng = np.random.default_rng(4)
    one = rng.normal(size=251)
    table = pd.DataFrame({"a": one, "b": one, "c": -one})
    rules = {"estimation_days": 250, "estimation_least": 200, "assets_least": 3}
    assert unusual_of(event_study(table, 250, 1, rules)) is None


def test_dose_finds_a_planted_slope_and_only_looks_back():
    given = limit(
        align_world.inputs(align_world.prices(HAWKISH), align_world.talk(sessions=30)),
        align_world.NOW,
    )
    planted = world_of(build(given), given)
    market = planted.market
    row = market.row(CRASH)
    rng = np.random.default_rng(5)
    index = market.closes.index
    signature = planted.signatures["fed-policy"]
    legs = [leg for leg, sign in signature.signs.items() if sign]
    signs = np.array([signature.signs[leg] for leg in legs])
    told = rng.normal(size=len(index))
    moves = market.moves(1).copy()
    vector = signs / np.linalg.norm(signs)
    moves[legs] = rng.normal(size=(len(index), len(legs))) + 0.5 * np.outer(told, vector)
    made = replace(market, _scaled={1: moves})
    innovations = pd.DataFrame({"fed-policy": told}, index=index)
    lines = dose_lines(made, row, 1, innovations, planted.signatures, planted.weights)
    assert [line.lag for line in lines] == [0, 1]
    assert lines[0].low < 0.5 < lines[0].high
    assert lines[0].low > 0 > lines[1].low
    later = innovations.copy()
    later.iloc[row:] = 50.0
    assert dose_lines(made, row, 1, later, planted.signatures, planted.weights) == lines
    assert dose_lines(made, row, 1, None, planted.signatures, planted.weights) == ()


def test_dose_has_the_errors_of_statsmodels():
    from statsmodels.api import OLS, add_constant

    from align.dose import _slopes

    rng = np.random.default_rng(6)
    x = rng.normal(size=(150, 2))
    y = 0.2 * x[:, 0] + rng.normal(size=150) * (1 + np.abs(x[:, 1]))
    lines = _slopes("a", np.column_stack([y, x]), (0, 1))
    fitted = OLS(y, add_constant(x)).fit(cov_type="HC1")
    bounds = fitted.conf_int()
    for place, line in enumerate(lines, start=1):
        assert line.effect == pytest.approx(fitted.params[place], abs=1e-4)
        assert (line.low, line.high) == pytest.approx(tuple(bounds[place]), abs=1e-4)


def test_the_planted_cause_among_followers():
    """P4 in small: through the shipped evidence; talk after the move finds followers alone."""
    top = naive = followers = 0
    runs = 12
    for seed in range(runs):
        rng = np.random.default_rng([4, seed])
        made = crashes.crash(rng, factor=3.0)
        world, day = crashes.world(rng, made)
        first = explain_day(world, day).suspects[0].narrative_id
        number = crashes.SUSPECTS.index(first)
        top += number in made.causes
        followers += number in made.followers
        naive += crashes.naive_ranks(made.shares)["after"] in made.causes
    assert top >= runs - 2
    assert followers == 0
    assert naive <= 2


def test_a_crash_without_a_cause_is_declined():
    """P7 in small."""
    runs = 8
    declined = 0
    for seed in range(runs):
        rng = np.random.default_rng([7, seed])
        world, day = crashes.world(rng, crashes.crash(rng, factor=1.0, causes=0))
        declined += explain_day(world, day).verdict == "no adequate suspect"
    assert declined >= runs - 1
