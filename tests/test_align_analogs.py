"""Analogs: the reference answers on real days, and the rules on made-up ones."""

import re
from datetime import date

import numpy as np
import pandas as pd
import pytest

from align.analog_words import ordinal
from align.analogs import find_analogs
from align.catalogue import episode_moves, load_episodes, weights
from align.market import build_market
from align.sessions import load_calendar
from store.records import Analog, Coverage, Explanation
from store.results import document_of, explanation_of
from tests import align_world
from tests.worlds import episodes as world

RULES = weights()["analogs"]
LEGS = list(RULES["assets"])


def _find(market, day, days=1, **kwargs):
    return find_analogs(
        market, market.row(day), days, load_episodes(), weights(), episode_moves(), **kwargs
    )


def _by_id(found):
    return {analog.episode: analog for analog in found.analogs}


@pytest.mark.parametrize(
    ("episode", "near", "percentile"),
    [
        ("march-2020-312", 0.68, 0.89),
        ("march-2020-18", 0.63, 0.84),
        ("tariffs-2025-04-04", 0.65, 0.85),
        ("crypto-519-2021", 0.41, 0.71),
    ],
)
def test_30_january_is_like_none_of_the_days_asked_about(episode, near, percentile):
    found = _find(world.real_market(), date(2026, 1, 30))
    one = _by_id(found)[episode]
    assert one.cosine == pytest.approx(near, abs=0.06)
    assert one.percentile == pytest.approx(percentile, abs=0.05)
    assert one.low < one.cosine < one.high
    assert abs(one.unclipped) < one.cosine, "the metals alone make less of it"
    assert found.like == ()
    assert "Not distinguishable" in found.statement
    assert "12 March 2020 (312) (0.66, 89th)" in found.statement
    assert "unclipped" in found.statement
    assert "metals-flush-2026-01-30" not in _by_id(found), "no day is its own analog"
    # Flushes of metals are nearer than any episode, and the sentence says so.
    nearest = r"7 June 2024 \(0\.9\d\), 4 October 2016 \(0\.9\d\) and 21 October 2025"
    assert re.search(nearest, found.statement)


def test_five_sessions_to_5_february_are_like_march_2020_and_not_like_519():
    found = _find(world.real_market(), date(2026, 2, 5), 5)
    by_id = _by_id(found)
    assert by_id["march-2020-18"].cosine == pytest.approx(0.83, abs=0.03)
    assert by_id["march-2020-18"].percentile == pytest.approx(0.97, abs=0.02)
    assert by_id["crypto-519-2021"].cosine == pytest.approx(0.15, abs=0.03)
    assert by_id["crypto-519-2021"].percentile == pytest.approx(0.46, abs=0.03)
    assert "march-2020-18" in found.like
    assert "crypto-519-2021" not in found.like
    assert "Closer in shape, not necessarily in size, to 18 March 2020" in found.statement
    assert "one large day in twenty is as near" in found.statement


def test_a_day_that_is_not_large_is_like_nothing():
    found = _find(world.real_market(), date(2026, 1, 29))
    assert max(one.percentile for one in found.analogs) > 0.95
    assert found.like == ()
    assert "which is not among the largest" in found.statement


def test_prices_since_2022_find_march_2020_all_the_same():
    """Shipped moves stand in for prices that the user does not have."""
    long, short = world.real_market(), world.real_market("2022-01-01")
    day = date(2026, 1, 30)
    far, near = _by_id(_find(long, day)), _by_id(_find(short, day))
    assert near["march-2020-312"].cosine == pytest.approx(far["march-2020-312"].cosine, abs=0.02)
    assert len(near) >= RULES["listed"]
    without = find_analogs(short, short.row(day), 1, load_episodes(), weights())
    assert "march-2020-312" not in _by_id(without)


def test_an_episode_after_the_day_is_no_analog():
    found = _find(world.real_market(), date(2020, 3, 12))
    assert found.analogs
    assert max(analog.date for analog in found.analogs) < date(2020, 3, 12)


def test_later_prices_change_no_answer():
    day = date(2025, 11, 20)
    prices = align_world.prices(sessions=900)
    calendar = load_calendar("XNYS", date(2022, 1, 3), date(2026, 3, 1))
    answers = []
    for table in (prices, prices[prices["date"] <= pd.Timestamp(day)]):
        market = build_market(table, align_world.assets(), calendar)
        answers.append(_find(market, day))
    assert answers[0] == answers[1]
    assert answers[0].analogs


def test_a_short_history_ranks_among_the_episodes():
    calendar = load_calendar("XNYS", date(2022, 1, 3), date(2026, 3, 1))
    market = build_market(align_world.prices(sessions=150), align_world.assets(), calendar)
    found = find_analogs(market, 149, 1, load_episodes(), weights(), episode_moves())
    assert len(found.analogs) >= RULES["listed"]
    assert "percentiles are among the episodes alone" in found.statement
    bare = find_analogs(market, 149, 1, load_episodes(), weights())
    assert bare.analogs == ()
    assert "Too little price history" in bare.statement


def test_a_planted_repetition_is_found_and_a_far_day_has_no_close_analog():
    calendar = load_calendar("XNYS", date(2022, 1, 3), date(2026, 3, 1))
    legs = [leg for leg in LEGS if leg not in ("BTC", "DGS10", "VIX")]
    signs = np.where(np.arange(len(legs)) % 3 == 0, 4.5, -4.5)
    then, now = date(2025, 3, 12), align_world.CRASH
    planted = {
        (leg, day): sign
        for leg, sign in zip(legs, signs.tolist(), strict=True)
        for day in (then, now)
    }
    table = align_world.prices(planted, sessions=900)
    market = build_market(table, align_world.assets(), calendar)
    rows = world.large_days(market, LEGS, 0.05)
    made = world.made_up(market, sorted({*rows[:20], market.row(then)}))
    found = find_analogs(market, market.row(now), 1, made, weights())
    assert found.analogs[0].date == then
    assert found.like == (f"e-{then}",)
    assert "No close analog" not in found.statement
    others = [episode for episode in made if episode.date != then]
    alone = find_analogs(market, market.row(now), 1, others, weights())
    assert alone.like == ()
    assert "No close analog" in alone.statement


def test_noise_is_seldom_like_anything_though_some_episode_is_always_high():
    """Searching forty days, one is nearly always above the 95th percentile of its own."""
    market = world.noise_market()
    rules = {**weights(), "analogs": {**RULES, "placebo_top": 0.15}}
    rows = world.large_days(market, LEGS, 0.15)
    past, asked = rows[:40], rows[-50:]
    made = world.made_up(market, past)
    naive, like, large = 0, 0, 0
    for row in asked:
        found = find_analogs(market, row, 1, made, rules)
        if "not among the largest" in found.statement:
            continue
        large += 1
        naive += any(one.percentile >= RULES["like_percentile"] for one in found.analogs)
        like += bool(found.like)
    assert large >= 30
    assert naive / large > 0.7
    assert like / large <= 0.12


def test_an_answer_of_an_older_version_is_still_read():
    answer = Explanation(
        date=date(2026, 1, 30),
        window_start=date(2026, 1, 30),
        window_end=date(2026, 1, 30),
        moves=[],
        premise="p",
        verdict="suspects",
        clarity=0.5,
        suspects=[],
        analogs=[
            Analog(episode="e", date=date(2020, 3, 12), cosine=0.7, distance=3.0, percentile=0.9)
        ],
        analog_like=[],
        analog_statement="s",
        falsifiers=[],
        coverage=Coverage(stories=0, sources=0, sources_expected=0, share_of_panel=0.0),
    )
    stored = document_of(answer)
    for analog in stored["analogs"]:
        for name in ("low", "high", "unclipped"):
            analog.pop(name)
    assert document_of(explanation_of(stored)) == document_of(answer)


def test_ranks_in_words():
    said = [ordinal(share) for share in (0.0, 0.11, 0.22, 0.93, 0.889, 0.29, 1.0)]
    # 0.29 * 100 is 28.999999999999996.
    assert said == ["0th", "11th", "22nd", "93rd", "88th", "29th", "100th"]
