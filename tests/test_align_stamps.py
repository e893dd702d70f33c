"""Checks of stamps by source, and what titles state."""

import dataclasses
from datetime import date

import numpy as np
import pandas as pd
import pytest

from align.market import build_market
from align.paired import pair
from align.scan_points import scan_points
from align.sessions import load_calendar
from align.stamps import assets_to_test, check_stamps, suspect, without_leads
from align.statements import stated
from store.records import StampCheck
from tests import align_world
from tests.lookahead import worlds

DAYS = pd.date_range("2025-08-04", periods=120, freq="D", tz="UTC")
NOTHING = pd.DataFrame({"document_id": [], "asset_id": [], "text": []})


def _stamps(effective, *, source="wire", published=None, seen=None, copies_of=None):
    effective = pd.DatetimeIndex(effective)
    return pd.DataFrame(
        {
            "document_id": [f"{source}-{number}" for number in range(len(effective))],
            "source_id": source,
            "title": "Nothing",
            "published_at": effective if published is None else published,
            "first_seen_at": effective if seen is None else seen,
            "effective_at": effective,
            "duplicate_of": copies_of,
        }
    )


def _flagged(*frames):
    stamps = pd.concat(frames, ignore_index=True)
    found = check_stamps(stamps, NOTHING, None, seed=1)
    return {(one.source_id, one.check) for one in found if one.flagged}, suspect(found, stamps)


def _any_time(seed=0):
    rng = np.random.default_rng(seed)
    return DAYS + pd.to_timedelta(rng.integers(0, 86_400, len(DAYS)), unit="s")


def test_bare_dates_read_as_midnight():
    flagged, early = _flagged(_stamps(DAYS), _stamps(_any_time(), source="other"))
    assert flagged == {("wire", "midnight")}
    assert early
    (one,) = [one for one in check_stamps(_stamps(DAYS), NOTHING, None, seed=1) if one.flagged]
    assert (one.n, one.statistic) == (120, 1.0)
    assert "import them as dates" in one.message


def test_a_source_of_one_percent_does_not_void_the_others():
    others = [_stamps(_any_time(seed), source=f"s{seed}") for seed in range(60)]
    flagged, early = _flagged(_stamps(DAYS[:60]), *others)
    assert flagged == {("wire", "midnight")}
    assert not early


def test_midnight_stamps_that_were_seen_later_do_no_harm():
    seen = DAYS + pd.Timedelta(hours=20)
    flagged, _ = _flagged(_stamps(seen, published=DAYS, seen=seen))
    assert flagged == set()


def test_bare_dates_as_imported_count_from_the_end_of_the_day():
    flagged, _ = _flagged(_stamps(DAYS + pd.Timedelta(hours=23, minutes=59, seconds=59)))
    assert ("wire", "midnight") not in flagged


def test_dates_of_the_future():
    at = _any_time()
    flagged, early = _flagged(_stamps(at + pd.Timedelta(hours=5), seen=at))
    assert flagged == {("wire", "future")}
    assert not early, "they count later, not earlier"


def test_copies_that_count_before_their_story():
    first = _stamps(_any_time())
    early = _stamps(
        pd.DatetimeIndex(first["effective_at"]) - pd.Timedelta(hours=3, minutes=17),
        source="copier",
        copies_of=first["document_id"],
    )
    assert _flagged(first, early)[0] == {("copier", "before_original")}
    spread = pd.to_timedelta(np.random.default_rng(2).integers(1, 9 * 3600, len(first)), unit="s")
    late = early.assign(effective_at=first["effective_at"] + spread)
    assert _flagged(first, late)[0] == set()


def test_a_source_that_is_whole_hours_ahead_lost_its_zone():
    rng = np.random.default_rng(1)
    first = _stamps(_any_time())
    delay = pd.to_timedelta(rng.integers(-200, 200, len(first)), unit="s")
    early = first["effective_at"] - pd.Timedelta(hours=5) + delay
    ahead = _stamps(early, source="zoneless", copies_of=first["document_id"])
    assert ("zoneless", "hours_ahead") in _flagged(first, ahead)[0]
    spread = pd.to_timedelta(rng.integers(0, 6 * 3600, len(first)), unit="s")
    quick = _stamps(first["effective_at"] - spread, source="quick", copies_of=first["document_id"])
    assert ("quick", "hours_ahead") not in _flagged(first, quick)[0]


def test_a_schedule_that_knows_no_summer_time():
    still = DAYS + pd.Timedelta(hours=8, minutes=30)
    moving = [
        day.tz_localize(None).replace(hour=8, minute=30).tz_localize("America/New_York")
        for day in DAYS
    ]
    new_york = pd.DatetimeIndex(moving).tz_convert("UTC")
    flagged, early = _flagged(_stamps(still), _stamps(new_york, source="new-york"))
    assert flagged == {("wire", "no_summer_time")}
    assert not early, "hours inside a session move no daily figure"


def test_few_documents_are_not_judged():
    assert check_stamps(_stamps(DAYS[:20]), NOTHING, None, seed=1) == []
    assert check_stamps(_stamps(DAYS[:0]), NOTHING, None, seed=1) == []


def test_leads_are_withheld_and_nothing_else():
    seen = worlds(sessions=110).late
    cells = scan_points(pair(seen.archive, seen.market, seen.measured, ["GLD"], "VIX"))
    kept = without_leads(cells)
    assert [one for one in kept if one.lag <= 0] == [one for one in cells if one.lag <= 0]
    leads = [one for one in kept if one.lag > 0]
    assert {one.method for one in leads} == {"not tested: stamps suspect"}
    assert all(one.pvalue is None and one.pvalue_adj is None for one in leads)
    assert [one.effect for one in leads] == [one.effect for one in cells if one.lag > 0]


def test_an_asset_that_closes_before_new_york_is_left_out():
    prices = align_world.prices(sessions=150)
    tokyo = prices[prices["asset_id"] == "EFA"].copy()
    moved = pd.concat(
        [
            prices[prices["asset_id"] != "EFA"],
            tokyo.assign(as_of=tokyo["as_of"] - pd.Timedelta(hours=15)),
        ]
    )
    calendar = load_calendar("XNYS", date(2025, 1, 2), align_world.LAST)
    assets = assets_to_test(build_market(moved, align_world.assets(), calendar))
    assert "EFA" not in assets
    assert {"SPY", "BTC", "GLD"} <= set(assets)


def test_a_check_is_plain_data():
    one = StampCheck(
        source_id=None, check="midnight", n=1, flagged=False, statistic=None, pvalue=None,
        message="none",
    )  # fmt: skip
    assert dataclasses.replace(one) == one


GOLD, BITCOIN = ("GLD", "Gold"), ("BTC", "Bitcoin")


@pytest.mark.parametrize(
    ("title", "names", "expected"),
    [
        ("Gold plunges as dollar firms", [GOLD], [("GLD", -1)]),
        ("GOLD JUMPS 3%", [GOLD], [("GLD", 1)]),
        ("Gold's price briefly falls below $4,000", [GOLD], [("GLD", -1)]),
        ("Plunge in gold shakes traders", [GOLD], [("GLD", -1)]),
        ("Bitcoin slides, gold rallies", [GOLD, BITCOIN], [("GLD", 1), ("BTC", -1)]),
        ("Stocks sink on tariff threat", [], [("SPY", -1)]),
        ("Rates rise: Wall Street tumbles", [], [("SPY", -1)]),
        # Nothing is stated:
        ("Gold could fall further", [GOLD], []),
        ("Gold set to rise for a third week", [GOLD], []),
        ("Gold falls this week", [GOLD], []),
        ("Will gold fall?", [GOLD], []),
        ("Gold falls?", [GOLD], []),
        ("Bitcoin up or down today", [BITCOIN], []),
        ("Apple sales surge", [("AAPL", "Apple")], []),
        ("Chip stocks sink", [], []),
        ("How gold is mined", [GOLD], []),
        ("Gold rises after gold falls", [GOLD], []),
        ("", [GOLD], []),
    ],
)
def test_what_a_title_states(title, names, expected):
    assert sorted(stated(title, names)) == sorted(expected)
