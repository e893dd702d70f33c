"""Verdicts on claims in a made-up market whose every move is known."""

from datetime import date, timedelta

import pandas as pd
import pytest

from align.claim_tape import Tape
from align.claims import check_claim
from nlp.claims import find_claims
from tests.worlds.claims import LAST, assets, prices, until

CRASH = LAST
DAY_BEFORE = date(2026, 1, 29)


def tape(planted=None, *, day=LAST, ranges=None):
    from align.inputs import with_derived

    return Tape(until(prices(planted), day), with_derived(assets()), ranges)


def check(text, planted=None, *, day=LAST, sessions=1, ranges=None):
    claims = find_claims(text)
    assert len(claims) == 1, claims
    return check_claim(claims[0], tape(planted, day=day, ranges=ranges), day, sessions)


def verdict(*args, **options):
    found = check(*args, **options)
    return found.verdict, found.qualifier


def in_one_series(text, asset_id, closes, *, day=LAST, ranges=None):
    """Return a text checked against one series, whose last closes are given."""
    table = until(prices(), day)
    table = table[table["asset_id"] == asset_id].copy()
    table.iloc[-len(closes) :, table.columns.get_loc("close")] = closes
    (claim,) = find_claims(text)
    return check_claim(claim, Tape(table, assets(), ranges), day)


@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [
        ("Gold fell.", -0.02, ("supported", "")),
        ("Gold fell.", -0.001, ("supported", "weak")),
        ("Gold fell.", 0.02, ("contradicted", "")),
        ("Gold plummeted.", -0.02, ("supported", "")),
        ("Gold plummeted.", -0.008, ("supported", "weak")),
        ("Gold plummeted.", -0.003, ("contradicted", "hardly moved")),
        ("Gold did not fall.", 0.02, ("supported", "")),
        ("Gold did not fall.", -0.02, ("contradicted", "")),
        ("Gold was flat.", 0.003, ("supported", "")),
        ("Gold was flat.", 0.03, ("contradicted", "")),
        ("Gold fell 5%.", -0.051, ("supported", "")),
        ("Gold fell 5%.", -0.06, ("supported", "roughly")),
        ("Gold fell 5%.", -0.08, ("contradicted", "")),
        ("Gold fell 5%.", 0.05, ("contradicted", "")),
        ("Gold fell more than 5%.", -0.08, ("supported", "")),
        ("Gold fell more than 5%.", -0.04, ("contradicted", "")),
        ("Gold fell less than 5%.", -0.04, ("supported", "")),
        ("Gold fell less than 5%.", -0.06, ("contradicted", "")),
    ],
)
def test_a_change_of_the_day(text, change, expected):
    assert verdict(text, {("IDX_GOLD", CRASH): change}) == expected


def test_the_figures_are_rows_of_the_store():
    found = check("Gold plummeted.", {("IDX_GOLD", CRASH): -0.1})
    change, sigma, close = found.figures
    assert (change.asset_id, change.date, change.unit) == ("IDX_GOLD", CRASH, "return")
    assert change.value == pytest.approx(-0.1)
    assert sigma.value == pytest.approx(-20, rel=0.1)
    table = prices({("IDX_GOLD", CRASH): -0.1})
    row = table[(table["asset_id"] == "IDX_GOLD") & (table["date"] == "2026-01-30")].iloc[0]
    assert close.value == pytest.approx(row["close"])
    assert close.known_at == row["known_at"].to_pydatetime()
    assert found.statement.startswith("Gold fell 10.0 % on 30 January 2026")


def test_an_asset_that_is_not_there_is_judged_by_proxy_and_says_so():
    found = check("Silver plummeted.", {("SLV", CRASH): -0.1})
    assert found.verdict == "supported"
    assert "by proxy: SLV" in found.statement


def test_what_is_not_stored_is_not_checkable_and_named():
    found = check("Mortgage rates rose.")
    assert found.verdict == "not checkable"
    assert "MORTGAGE30US" in found.statement


def test_a_window_of_sessions():
    planted = {("IDX_GOLD", date(2026, 1, 28)): -0.1}
    assert verdict("Gold plummeted.", planted)[0] == "contradicted"
    assert verdict("Gold plummeted.", planted, sessions=5)[0] == "supported"


def test_sessions_of_a_coin_are_as_long_as_those_of_the_others():
    planted = {("BTC", date(2026, 1, 25)): -0.2}  # a Sunday
    assert verdict("Bitcoin plummeted.", planted, sessions=5)[0] == "supported"
    assert verdict("Bitcoin plummeted.", planted, sessions=4)[0] == "contradicted"


def test_a_span_of_the_text_wins_over_the_day():
    planted = {("IDX_GOLD", date(2026, 1, 14)): 0.2}
    assert verdict("Gold rose 20% this month.", planted)[0] == "supported"
    assert verdict("Gold rose 20% this week.", planted)[0] == "contradicted"
    assert verdict("Gold rose 20% within three weeks.", planted)[0] == "supported"
    planted = {("IDX_GOLD", date(2026, 1, 21)): 0.2}
    assert verdict("Gold rose 20% last week.", planted)[0] == "supported"


def test_a_date_of_the_text_wins_over_the_day():
    planted = {("IDX_GOLD", date(2024, 3, 12)): -0.2}
    assert verdict("Gold fell 20% on March 12, 2024.", planted)[0] == "supported"
    assert verdict("Gold fell 20% on March 13, 2024.", planted)[0] == "contradicted"
    assert verdict("Gold fell 20% in 2024.", planted)[0] == "supported"
    planted = {("IDX_GOLD", date(2026, 1, 28)): -0.2}
    assert verdict("Gold fell 20% on Wednesday.", planted)[0] == "supported"
    assert verdict("Gold fell 20% on January 28.", planted)[0] == "supported"


def test_a_date_beyond_the_day_asked_is_not_looked_up():
    planted = {("IDX_GOLD", CRASH): -0.2}
    text = "Gold fell 20% on January 30, 2026."
    assert verdict(text, planted)[0] == "supported"
    assert verdict(text, planted, day=DAY_BEFORE)[0] == "not checkable"


def test_a_remark_of_the_days_before_is_found_there():
    planted = {("IDX_DXY", date(2026, 1, 27)): -0.013}
    found = check("As soon as he spoke, the dollar fell sharply.", planted)
    assert found.verdict == "supported"
    assert found.figures[0].date == date(2026, 1, 27)


def test_a_fall_within_24_hours_depends_on_the_bars():
    planted = {("BTC", CRASH): -0.37}
    text = "Bitcoin plummeted over 50% within 24 hours."
    found = check(text, planted)
    assert (found.verdict, found.qualifier) == ("contradicted", "depends on definition")
    assert "highs and lows within the day are not stored" in found.statement
    days = pd.date_range("2026-01-28", "2026-01-30")
    ranges = pd.DataFrame(
        {"asset_id": "BTC", "date": days, "high": [101.0, 101.0, 100.0], "low": [99.0, 99.0, 45.0]}
    )
    found = check(text, planted, ranges=ranges)
    assert (found.verdict, found.qualifier) == ("contradicted", "depends on definition")
    assert found.figures[-1].value == pytest.approx(45 / 101 - 1)
    assert verdict("Bitcoin plummeted over 30% within 24 hours.", planted)[0] == "supported"


# ---- extremes: lowest of so many years, and neither of more nor of fewer.
def _low(years):
    """Return a dollar that is lowest since so many years ago: a dip then, a deeper one now."""
    then = LAST - timedelta(days=round(365.25 * years))
    while then.weekday() > 3:
        then -= timedelta(days=1)
    back = then + timedelta(days=1)
    return {("IDX_DXY", then): -0.2, ("IDX_DXY", back): 0.3, ("IDX_DXY", CRASH): -0.2}


@pytest.mark.parametrize(
    ("text", "years", "expected"),
    [
        ("The dollar is at a two-year low.", 2.1, ("supported", "")),
        ("The dollar is at a two-year low.", 1.0, ("contradicted", "")),
        ("The dollar is at a two-year low.", 4.0, ("contradicted", "understates")),
        ("The dollar is not at a two-year low.", 4.0, ("contradicted", "")),
        ("The dollar is not at a two-year low.", 0.5, ("supported", "")),
        ("The dollar is not at a two-year low.", 2.1, ("contradicted", "")),
        ("The dollar is at a nearly two-year low.", 1.6, ("supported", "")),
        ("The dollar is at a two-year low.", 1.6, ("contradicted", "")),
        ("The dollar closed at the lowest in more than two years.", 4.0, ("supported", "")),
        ("The dollar closed at the lowest since January 2022.", 4.0, ("supported", "")),
        ("The dollar closed at the lowest since May 2024.", 4.0, ("contradicted", "understates")),
        ("The dollar closed at a record low.", 4.0, ("contradicted", "")),
        ("美元创两年新低。", 2.1, ("supported", "")),
    ],
)  # fmt: skip
def test_how_far_back_an_extreme_reaches(text, years, expected):
    assert verdict(text, _low(years)) == expected


def test_a_record_is_one_of_what_is_stored():
    assert verdict("Gold hit a record high.", {("IDX_GOLD", CRASH): 0.5})[0] == "supported"
    planted = {
        ("IDX_GOLD", date(2020, 6, 1)): 1.0,
        ("IDX_GOLD", date(2020, 6, 2)): -0.5,
        ("IDX_GOLD", CRASH): 0.5,
    }
    found = check("Gold hit a record high.", planted)
    assert found.verdict == "contradicted"
    assert found.figures[1].date == date(2020, 6, 1)


def test_a_record_of_a_short_history_is_not_checkable():
    table = prices({("IDX_GOLD", CRASH): 0.5})
    short = Tape(table[table["date"] >= "2025-01-02"], assets())
    (claim,) = find_claims("Gold hit a record high.")
    found = check_claim(claim, short, LAST)
    assert (found.verdict, found.qualifier) == ("not checkable", "too little history")


@pytest.mark.parametrize(
    "text",
    [
        "Gold hit a 9999-year low.",
        "Gold hit its lowest in 9999 decades.",
        "Gold fell 3% in 9999 years.",
    ],
)
def test_a_span_from_before_the_calendar_is_too_little_history(text):
    assert verdict(text, {("IDX_GOLD", CRASH): -0.5})[0] == "not checkable"


# ---- closes that no percentage starts from


@pytest.mark.parametrize("text", ["Oil rose.", "Oil fell 30%.", "Oil plunged within 24 hours."])
@pytest.mark.parametrize("close", [-37.0, 0.0])
def test_after_a_close_of_zero_or_less_there_is_no_return(text, close):
    found = in_one_series(text, "USO", [close, 10.0])
    assert (found.verdict, found.figures) == ("not checkable", ())
    assert "none before it from which a change can be taken" in found.statement


def test_a_range_that_holds_a_close_of_zero_is_not_checkable():
    closes = [0.0, *[10.0] * 66]
    assert in_one_series("Oil consolidated for three months.", "USO", closes).figures == ()


def test_a_percentage_of_a_yield_that_was_negative_is_left_out():
    found = in_one_series("The 10-year yield rose 50% within 24 hours.", "DGS10", [-0.1, 0.2, 0.3])
    assert found.verdict == "supported"
    assert [one.what for one in found.figures].count("change since 2026-01-28") == 0
    found = in_one_series("The 10-year yield rose 50% within 24 hours.", "DGS10", [-0.1, 0.3])
    assert found.verdict == "not checkable"


def test_high_and_low_are_compared_in_the_unit_of_the_claim():
    days = pd.DatetimeIndex(["2026-01-28", "2026-01-29", "2026-01-30"])
    ranges = pd.DataFrame({"asset_id": "VIX", "date": days, "high": 24.0, "low": 20.0})
    text = "The VIX rose 4 points within 24 hours."
    found = in_one_series(text, "VIX", [20.0, 20.0, 21.0], ranges=ranges)
    assert (found.verdict, found.qualifier) == ("contradicted", "depends on definition")
    assert (found.figures[-1].value, found.figures[-1].unit) == (4.0, "points")
    assert "+4.0 points from high to low" in found.statement


# ---- levels and ranges
@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [
        ("Bank reserves remain low.", -0.1, "supported"),
        ("Bank reserves remain low.", 0.1, "contradicted"),
        ("SOFR and IORB are not loose.", 0.1, "supported"),
    ],
)
def test_low_is_the_lowest_tenth(text, change, expected):
    day = date(2026, 1, 28)
    found = check(text, {("WRESBAL", day): change, ("SOFR", day): change, ("SOFR", CRASH): 0.0})
    assert found.verdict == expected
    assert [figure.unit for figure in found.figures[1:]] == ["percentile", "percentile"]


def test_a_value_that_comes_out_the_next_morning_is_not_known_on_the_day():
    planted = {("SOFR", CRASH): 0.3}
    found = check("SOFR and IORB are not loose.", planted)
    assert found.figures[0].date == DAY_BEFORE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The 10-year yield stands at 4.0%.", "supported"),
        ("The 10-year yield stands at 4.5%.", "contradicted"),
        ("The 10-year yield is above 3.5%.", "supported"),
        ("The 10-year yield fell below 3.5%.", "contradicted"),
        ("Gold topped $90.", "supported"),
        ("Gold topped $5,000.", "contradicted"),
        ("Silver topped $90.", "not checkable"),
    ],
)
def test_a_stated_level_needs_a_series_on_its_own_scale(text, expected):
    assert verdict(text)[0] == expected


def test_a_range_is_neither_a_trend_nor_wide():
    text = "The S&P 500 has been consolidating for three months."
    assert verdict(text)[0] == "supported"
    assert verdict(text, {("IDX_SP500", date(2026, 1, 5)): 0.2})[0] == "contradicted"
    back = {("IDX_SP500", date(2026, 1, 5)): 0.2, ("IDX_SP500", date(2026, 1, 6)): -1 / 6}
    assert verdict(text, back)[0] == "contradicted"


# ---- several at once
_CORE = ("SPY", "QQQ", "SMH", "EFA", "HYG", "GLD", "SLV", "CPER", "USO", "UUP", "TLT", "BTC")


@pytest.mark.parametrize(("falling", "expected"), [
    (12, ("supported", "")), (10, ("supported", "")), (6, ("contradicted", "half")),
    (2, ("contradicted", "")),
])  # fmt: skip
def test_almost_all_assets_is_four_of_five(falling, expected):
    planted = {(name, CRASH): -0.05 for name in _CORE[:falling]}
    assert verdict("Almost all assets plummeted.", planted) == expected


def test_one_better_than_the_other():
    planted = {("IDX_GOLD", date(2026, 1, 5)): 0.1}
    assert verdict("Gold outperformed US stocks this month.", planted)[0] == "supported"
    assert verdict("US stocks outperformed gold this month.", planted)[0] == "contradicted"


def test_money_that_fled_risk_needs_both_legs():
    text = "Money is fleeing risk assets and rushing to the dollar."
    risk = {(name, CRASH): -0.05 for name in _CORE[:9]} | {("BTC", CRASH): -0.05}
    assert verdict(text, risk | {("IDX_DXY", CRASH): 0.02}) == ("supported", "")
    assert verdict(text, risk | {("IDX_DXY", CRASH): -0.02}) == ("contradicted", "half")


def test_confined_means_that_the_others_rest():
    text = "The crash was concentrated in the crypto market."
    assert verdict(text, {("BTC", CRASH): -0.2})[0] == "supported"
    planted = {(name, CRASH): -0.05 for name in _CORE}
    assert verdict(text, planted)[0] == "contradicted"


def test_prices_of_later_days_change_no_verdict():
    planted = {("IDX_GOLD", date(2026, 1, 20)): -0.05, ("IDX_GOLD", CRASH): 0.4}
    day = date(2026, 1, 20)
    texts = ["Gold plummeted.", "Gold hit a record high.", "Gold closed at the lowest in a month.",
             "Almost all assets fell.", "Gold outperformed US stocks this month."]  # fmt: skip
    whole = prices(planted)
    for text in texts:
        (claim,) = find_claims(text)
        then = check_claim(claim, Tape(until(whole, day), assets()), day)
        known = whole[whole["date"] <= "2026-01-20"]
        assert then == check_claim(claim, Tape(until(known, day), assets()), day)


def test_no_wording_says_that_one_caused_the_other():
    for text in ("Gold plummeted.", "Almost all assets fell.", "Bank reserves remain low."):
        said = check(text).statement.lower()
        assert not any(word in said for word in ("cause", "predict", "signal", "because"))
