"""Signatures and analogs: the reference answers on real days, and the rules on made-up ones."""

from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest

from align.catalogue import signature_library, weights
from align.errors import AlignError
from align.market import build_market
from align.sessions import load_calendar
from align.signatures import (
    collinearity,
    contradictions,
    cosine,
    left_out_range,
    match,
    resolve,
)
from nlp.narratives import load_taxonomy
from store.records import Narrative
from tests import align_world

COLUMNS = [*signature_library().legs, "HYG"]


def _narratives():
    return list(load_taxonomy())


def _signatures(columns=COLUMNS):
    return resolve(_narratives(), signature_library(), list(columns))


@cache
def _market():
    if not align_world.SHARED.exists():
        return None
    calendar = load_calendar("XNYS", date(2007, 12, 1), date(2026, 12, 31))
    return build_market(
        align_world.real_prices(),
        align_world.real_assets(),
        calendar,
        spreads=["QQQ/SPY", "DGS30-DGS10"],
    )


def _real(day: str):
    market = _market()
    if market is None:
        pytest.skip("real prices lie in ../shared, which is not here")
    signatures = _signatures(market.changes.columns)
    row = market.row(date.fromisoformat(day))
    return {
        name: match(market.moves(1), row, 1, signature, weights())
        for name, signature in signatures.items()
    }


def test_weak_dollar_is_right_on_the_27th_and_contradicted_on_the_30th():
    first, last = _real("2026-01-27"), _real("2026-01-30")
    best = max(first, key=lambda name: first[name].cosine or -1)
    assert best == "dollar-policy"
    assert first[best].cosine == pytest.approx(0.84, abs=0.03)
    assert first[best].contradicted_by == ()
    assert last["dollar-policy"].cosine == pytest.approx(-0.81, abs=0.05)
    assert {"UUP", "GLD", "SLV", "CPER"} <= set(last["dollar-policy"].contradicted_by)


def test_hawkish_and_squeeze_on_the_30th():
    found = _real("2026-01-30")
    assert found["fed-policy"].cosine == pytest.approx(0.71, abs=0.05)
    assert found["qt-liquidity"].cosine == pytest.approx(0.66, abs=0.05)
    assert found["qt-liquidity"].core_silent, "S&P, VIX and high yield hardly moved"
    assert set(found["geopolitics"].contradicted_by) == {"GLD", "SLV"}
    free = ("qt-liquidity", "fed-policy", "recession", "ai-capex-doubt", "deleveraging")
    assert all(found[name].contradicted_by == () for name in free)


@pytest.mark.parametrize(
    ("day", "accepted"),
    [
        ("2020-03-12", {"qt-liquidity"}),
        ("2024-08-05", {"deleveraging"}),
        ("2025-01-27", {"ai-capex-doubt"}),
        ("2025-04-21", {"fed-independence", "fiscal-worry"}),
        ("2022-06-13", {"fed-policy", "inflation"}),
        ("2021-05-19", {"crypto-stress"}),
    ],
)
def test_labelled_episodes(day, accepted):
    found = _real(day)
    assert max(found, key=lambda name: found[name].cosine or -1) in accepted


def test_a_perfect_move_has_cosine_one_and_its_opposite_minus_one():
    signs = np.array([1.0, -2.0, 0.0, 0.5])
    moves = np.vstack([3 * signs, -signs, [np.nan, -2.0, 0.0, np.nan], np.zeros(4)])
    found = cosine(moves, signs)
    assert found[:3] == pytest.approx([1, -1, 1])
    assert np.isnan(found[3])


def test_hawkish_and_squeeze_cannot_be_told_apart():
    signatures = _signatures()
    near = collinearity(signatures["qt-liquidity"], signatures["fed-policy"])
    assert near == pytest.approx(0.80, abs=0.01)
    assert near >= weights()["signature"]["collinear"]
    short = _signatures([name for name in COLUMNS if name != "SOFR_IORB"])
    assert collinearity(short["qt-liquidity"], short["fed-policy"]) >= 0.80, "nor without funding"
    opposite = collinearity(signatures["dollar-policy"], signatures["fed-policy"])
    assert opposite == pytest.approx(-0.62, abs=0.01)


def test_one_leg_does_not_contradict_and_two_do():
    signature = _signatures()["dollar-policy"]
    move = pd.Series({"UUP": 2.0, "GLD": -0.5, "SLV": 0.2})
    assert contradictions(move, signature, weights()) == ()
    move["GLD"] = -1.0
    assert contradictions(move, signature, weights()) == ("UUP", "GLD")


def test_half_weights_and_spreads_never_contradict():
    signature = _signatures()["recession"]
    move = pd.Series({"GLD": -6.0, "DGS30-DGS10": -6.0, "UUP": -2.0})
    assert contradictions(move, signature, weights()) == ()


def test_a_narrative_is_matched_by_its_own_signature():
    own = Narrative(
        id="fed-policy",
        name="x",
        proposition="",
        signature={"GLD": "+", "SLV": "--", "NIKKEI": "+", "HYG": "0/-"},
        core=["GLD"],
    )
    found = resolve([own], signature_library(), COLUMNS)["fed-policy"]
    assert dict(found.signs) == {"GLD": 1.0, "SLV": -2.0, "HYG": -0.5}
    assert found.core == ["GLD"]
    assert "HYG" in found.liquid, "the user names it, so it may contradict"


def test_a_stand_in_takes_the_place_of_a_missing_series():
    found = _signatures([name for name in COLUMNS if name != "UUP"] + ["IDX_DXY"])
    assert found["dollar-policy"].signs["IDX_DXY"] == -2.0


def test_an_unknown_sign_is_refused_by_name():
    bad = Narrative(id="mine", name="x", proposition="", signature={"GLD": "up"})
    with pytest.raises(AlignError, match="'up' for 'GLD'"):
        resolve([bad], signature_library(), COLUMNS)


def test_a_narrative_without_a_signature_has_no_match():
    free = Narrative(id="mine", name="x", proposition="")
    signature = resolve([free], signature_library(), COLUMNS)["mine"]
    moves = pd.DataFrame(np.ones((5, len(COLUMNS))), columns=COLUMNS)
    found = match(moves, 4, 1, signature, weights())
    assert (found.cosine, found.percentile, found.contradicted_by) == (None, None, ())


@pytest.mark.parametrize("history", [400, 50])
def test_placebo_percentile_of_a_planted_move(history):
    """With a long past days of similar size are the placebo, with a short one permuted legs."""
    rng = np.random.default_rng(3)
    signature = _signatures()["dollar-policy"]
    moves = pd.DataFrame(rng.normal(size=(history, len(COLUMNS))), columns=COLUMNS)
    moves.iloc[-1] = [2.0 * signature.signs.get(name, 0.0) for name in COLUMNS]
    found = match(moves, history - 1, 1, signature, weights())
    assert found.cosine == pytest.approx(1.0)
    assert found.percentile is not None
    assert found.percentile > 0.98
    before = match(moves.iloc[:-1], history - 2, 1, signature, weights())
    moves.iloc[-1] = 99.0
    assert match(moves, history - 2, 1, signature, weights()) == before, "later days decide nothing"


def test_range_with_one_asset_left_out():
    left, right = np.array([1.0, 0.0, np.nan]), np.array([1.0, 1.0, 5.0])
    # Without the first leg nothing is left of the one vector; without the second they agree.
    assert left_out_range(left, right) == pytest.approx((1.0, 1.0))
    found = left_out_range(np.array([1.0, 1.0, -1.0]), np.ones(3))
    assert found == pytest.approx((0.0, 1.0), abs=1e-12)
    assert np.isnan(left_out_range(np.full(2, np.nan), np.ones(2))).all()
