"""What stands beside the suspects: plumbing, blame, hours, alibis, scored conditions."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from align.blame import blame_flow
from align.catalogue import signature_library, weights
from align.explanation import explain_day
from align.falsifiers import score_falsifier
from align.hours import stamps_of
from align.inputs import build, limit, world_of
from align.plumbing import day_flags, plumbing_card
from align.sessions import load_calendar
from align.signatures import contradictions, resolve
from nlp.narratives import load_taxonomy
from store.records import Asset, Falsifier, Narrative
from store.results import document_of, explanation_of
from tests import align_world
from tests.align_world import CRASH, NARRATIVES
from tests.test_align_explain import BEFORE, HAWKISH

BY = date(2026, 2, 6)


def _planted(now=align_world.NOW, **more):
    bursts = {("fed-policy", day): 0.35 for day in BEFORE}
    said = align_world.talk(bursts=bursts, causal=[("fed-policy", CRASH)], **more)
    given = limit(align_world.inputs(align_world.prices(HAWKISH), said, now), now)
    return world_of(build(given), given)


@pytest.fixture(scope="module")
def planted():
    return _planted()


@pytest.fixture(scope="module")
def explained(planted):
    return explain_day(planted, CRASH)


def test_an_answer_survives_storing(explained):
    found = explanation_of(document_of(explained))
    assert found.timing is not None
    assert (found.unusual, found.timing.price_to) == (
        explained.unusual,
        explained.timing.price_to,
    )
    assert found.falsifiers == list(explained.falsifiers)
    assert next(iter(found.plumbing)).known_at == explained.plumbing[0].known_at
    assert document_of(explanation_of(document_of(explained))) == document_of(explained)


def test_an_answer_of_before_still_loads(explained):
    old = document_of(explained)
    for name in ("unusual", "timing", "dose", "plumbing", "blame", "none_of_these"):
        del old[name]
    for suspect in old["suspects"]:
        del suspect["fired"], suspect["projection_percentile"]
    for falsifier in old["falsifiers"]:
        for name in ("statistic", "operator", "value", "after"):
            del falsifier[name]
    found = explanation_of(old)
    assert found.unusual is None
    assert found.blame == ()
    assert score_falsifier(found.falsifiers[0], pd.Series(dtype=float), now=BY) is None


def test_the_day_is_unusual_and_some_line_says_so(explained):
    assert explained.unusual is not None
    assert explained.unusual.size_percentile > 0.95
    assert explained.unusual.days == 250
    assert explained.none_of_these.startswith("“None of these” does not hold: “fed-policy” has two")
    leader = explained.suspects[0]
    assert leader.projection_percentile is not None
    assert leader.projection_percentile > 0.95


def test_blame_sums_to_one_each_day_and_waits_until_it_is_known():
    bursts = {("geopolitics", day): 0.5 for day in (CRASH, date(2026, 2, 2), date(2026, 2, 4))}
    claims = [("geopolitics", date(2026, 2, 2))]
    said = align_world.talk(bursts=bursts, causal=claims)
    sizes = {}
    for now in (
        datetime(2026, 1, 31, 1, tzinfo=UTC),
        datetime(2026, 2, 3, 12, tzinfo=UTC),
        align_world.NOW,
    ):
        given = limit(align_world.inputs(align_world.prices(HAWKISH), said, now), now)
        world = world_of(build(given), given)
        assert world.archive is not None
        row = world.market.offset + world.market.row(CRASH) - world.archive.offset
        flow = blame_flow(world.archive, row, world.weights)
        sizes[now] = {day.after: day for day in flow}
        for day in flow:
            assert sum(part.share for part in day.shares) == pytest.approx(1.0, abs=1e-5)
            assert 0 <= day.entropy <= 1
    first, second, third = sizes.values()
    assert (list(first), list(second), list(third)) == ([0], [0, 1], [0, 1, 3])
    assert first[0] == second[0] == third[0]
    assert third[1].basis == "claims"
    assert third[1].entropy == 0
    assert third[1].shares[0].narrative_id == "geopolitics"
    assert third[0].basis == "talk"
    assert blame_flow(None, 0, weights()) == ()


def test_hours_of_talk_before_and_after_the_open():
    """A story that breaks two days before, and a follower after the close."""
    bursts = {("fed-policy", date(2026, 1, 28)): 0.6, ("fed-policy", date(2026, 1, 29)): 0.6}
    bursts |= {("geopolitics", date(2026, 2, 2)): 0.7}
    given = align_world.inputs(align_world.prices(HAWKISH), align_world.talk(bursts=bursts))
    found = explain_day(world_of(build(given), given), CRASH)
    assert found.timing is not None
    lines = {line.narrative_id: line for line in found.timing.lines}
    assert set(lines) == set(NARRATIVES)
    assert found.timing.price_from == datetime(2026, 1, 30, 14, 30, tzinfo=UTC)
    assert found.timing.price_to == datetime(2026, 1, 30, 21, tzinfo=UTC)
    early, late = lines["fed-policy"], lines["geopolitics"]
    assert early.first_at is not None
    assert early.first_at.date() == date(2026, 1, 28)
    assert early.hours_before is not None
    assert early.hours_before == pytest.approx(
        (found.timing.price_from - early.first_at) / timedelta(hours=1), abs=0.1
    )
    assert late.hours_before is not None
    assert late.hours_before < 0
    assert late.stories >= 3
    assert late.expected is not None
    assert late.stories > late.expected


def test_hours_of_steady_talk_raise_few_alarms():
    """The chance of any false alarm over all hours of a window is the one asked for."""
    alarms = lines = 0
    for seed in range(4):
        given = align_world.inputs(align_world.prices(), align_world.talk(seed=70 + seed))
        found = explain_day(world_of(build(given), given), CRASH)
        assert found.timing is not None
        lines += len(found.timing.lines)
        alarms += sum(line.first_at is not None for line in found.timing.lines)
    assert alarms / lines <= 0.1


def test_a_stamp_is_an_interval():
    stories = pd.DataFrame(
        {
            "effective_at": [
                pd.Timestamp(f"2026-01-30T{at}", tz="UTC")
                for at in ("22:00", "23:59:59", "22:00", "20:15:30")
            ],
            "published_at": [
                pd.Timestamp(f"2026-01-30T{at}", tz="UTC") if at else pd.NaT
                for at in ("15:00", "23:59:59", "", "20:15:30")
            ],
            "date_source": ["feed", "import", "seen", "feed"],
        }
    )
    stamps = stamps_of(stories, 24)
    hours = (stamps.latest - stamps.earliest) / 3.6e12
    np.testing.assert_allclose(hours, [7.0, 24.0, 24.0, 0.0], atol=0.001)
    bare = stamps_of(stories[["effective_at"]], 24)
    assert (bare.earliest == bare.latest).all()


def test_unsure_stamps_widen_the_share_before_the_close():
    bursts = {("fed-policy", day): 0.35 for day in (*BEFORE, date(2026, 2, 2))}
    said = align_world.talk(bursts=bursts)
    said.stories["published_at"] = said.stories["effective_at"]
    said.stories["date_source"] = "feed"
    next_day = said.stories["effective_at"].dt.date == date(2026, 2, 2)
    # Seen on the next session; when they were written is not known.
    said.stories.loc[next_day, "published_at"] -= pd.Timedelta(days=3)
    given = align_world.inputs(align_world.prices(HAWKISH), said)
    found = explain_day(world_of(build(given), given), CRASH)
    assert found.timing is not None
    line = next(line for line in found.timing.lines if line.narrative_id == "fed-policy")
    assert line.unsure > 0
    assert line.pre_share == line.pre_share_low
    assert line.pre_share_low is not None
    assert line.pre_share_high is not None
    assert line.pre_share_low < line.pre_share_high <= 1
    assert [(count.source, count.stories > 0) for count in line.stamps] == [("feed", True)]


def test_alibis_say_what_fired_and_keep_from_leading(explained):
    by_name = {suspect.narrative_id: suspect for suspect in explained.suspects}
    words = by_name["geopolitics"].fired
    assert any(one.startswith("gold fell (-") for one in words)
    assert any(one.startswith("the dollar rose (+") for one in by_name["dollar-policy"].fired)
    assert by_name["fed-policy"].fired == ()
    leaders = [suspect for suspect in explained.suspects if suspect.status == "leading"]
    assert [suspect.rank for suspect in leaders] == [1]


def test_silent_core_legs_support_nothing():
    """The talk and the claims are there; the dollar and the yields that define it slept."""
    calm = {**HAWKISH, **{(leg, CRASH): 0.2 for leg in ("UUP", "GLD", "DGS10")}}
    bursts = {("fed-policy", day): 0.35 for day in BEFORE}
    said = align_world.talk(bursts=bursts, causal=[("fed-policy", CRASH)])
    given = align_world.inputs(align_world.prices(calm), said)
    found = explain_day(world_of(build(given), given), CRASH)
    suspect = next(one for one in found.suspects if one.narrative_id == "fed-policy")
    assert any(words.startswith("its core assets hardly moved: ") for words in suspect.fired)
    assert found.verdict == "no adequate suspect"
    assert found.none_of_these.startswith("“None of these” holds: not one of 6 narratives")


def test_core_assets_that_moved_the_other_way_keep_from_leading():
    """One asset is too few for a contradiction: bitcoin that rises is the alibi of its stress."""
    told = {("fed-policy", day): 0.8 for day in BEFORE}
    said = align_world.talk(bursts=told, causal=[("fed-policy", CRASH)])

    def judged(moves, core):
        given = align_world.inputs(align_world.prices(moves), said)
        world = world_of(build(given), given)
        signed = replace(world.signatures["fed-policy"], core=core)
        world = replace(world, signatures={**world.signatures, "fed-policy": signed})
        found = explain_day(world, CRASH)
        return found, next(one for one in found.suspects if one.narrative_id == "fed-policy")

    along, _ = judged(HAWKISH, ("GLD",))
    assert along.suspects[0].narrative_id == "fed-policy"
    against, suspect = judged({**HAWKISH, ("GLD", CRASH): 4.0}, ("GLD",))
    assert any("its core assets moved the other way: gold (+" in words for words in suspect.fired)
    assert suspect.rejected
    assert suspect.status != "leading"
    mixed, suspect = judged({**HAWKISH, ("GLD", CRASH): 4.0}, ("GLD", "UUP"))
    assert not any("the other way" in words for words in suspect.fired), "the dollar rose"
    assert against.date == mixed.date


def test_talk_that_predicts_nothing_counts_for_nothing(planted):
    """A narrative without a sign and without a claim is sport: loud, early, and no suspect."""
    bare = {**planted.signatures}
    bare["recession"] = replace(bare["recession"], signs={}, core=())
    bursts = {("recession", day): 0.8 for day in BEFORE}
    given = align_world.inputs(align_world.prices(HAWKISH), align_world.talk(bursts=bursts))
    world = replace(world_of(build(given), given), signatures=bare)
    found = explain_day(world, CRASH)
    suspect = next(one for one in found.suspects if one.narrative_id == "recession")
    assert (suspect.parts.intensity, suspect.parts.timing) == (0, 0)
    assert suspect.rank > 1
    assert any("no signature" in words for words in suspect.fired)


CONDITION = Falsifier(
    condition="silver closes above 75.00 by 6 February 2026",
    series="SLV",
    by=BY,
    statistic="any close",
    operator=">",
    value=75.0,
    after=CRASH,
)


@pytest.mark.parametrize(
    ("closes", "now", "expected"),
    [
        ({"2026-01-30": 80.0, "2026-02-02": 70.0}, date(2026, 2, 3), "open"),
        ({"2026-02-02": 76.0}, date(2026, 2, 3), "hit"),
        ({"2026-02-05": 76.0}, date(2026, 2, 4), "open"),
        ({"2026-02-02": 70.0, "2026-02-06": 75.0}, BY, "miss"),
        ({"2026-02-09": 99.0, "2026-02-02": 70.0}, date(2026, 2, 10), "miss"),
        ({"2026-01-30": 80.0}, BY, None),
    ],
)
def test_a_condition_is_scored(closes, now, expected):
    values = pd.Series(closes).set_axis(pd.DatetimeIndex(list(closes)))
    assert score_falsifier(CONDITION, values, now=now) == expected


def test_a_mean_is_scored_when_its_days_are_over():
    share = replace(
        CONDITION, series="intensity:tariffs", statistic="mean", operator="<=", value=0.05
    )
    days = pd.DatetimeIndex(["2026-02-02", "2026-02-03"])
    low = pd.Series([0.02, 0.06], index=days)
    assert score_falsifier(share, low, now=date(2026, 2, 3)) == "open"
    assert score_falsifier(share, low, now=BY) == "hit"
    assert score_falsifier(share, low + 0.05, now=BY) == "miss"


def test_falsifiers_carry_what_they_say(explained):
    assert len(explained.falsifiers) == 3
    for falsifier in explained.falsifiers:
        assert falsifier.after == CRASH
        assert falsifier.value is not None
        shown = falsifier.value
        share = falsifier.statistic == "mean"
        assert (f"{100 * shown:.1f} %" if share else f"{shown:,.2f}") in falsifier.condition


@pytest.mark.parametrize(
    ("day", "flags"),
    [
        (date(2026, 1, 30), ["month-end"]),
        (date(2025, 12, 31), ["month-end", "year-end"]),
        (date(2026, 3, 31), ["month-end", "quarter-end"]),
        (date(2026, 1, 15), ["tax date"]),
        (date(2025, 6, 16), ["tax date"]),
        (date(2026, 2, 17), []),
        (date(2026, 1, 29), []),
    ],
)
def test_the_calendar_of_money_markets(day, flags):
    calendar = load_calendar("XNYS", date(2025, 1, 2), date(2026, 6, 30))
    assert day_flags(calendar, calendar.last_on_or_before(day)) == flags


needs_archive = pytest.mark.skipif(
    not align_world.SHARED.exists(), reason="needs the real prices in ../shared"
)


@pytest.fixture(scope="module")
def real_market():
    assets = [
        *align_world.real_assets(),
        Asset(id="DGS2", name="DGS2", asset_class="rates", unit="yield_pct"),
    ]
    given = align_world.inputs(align_world.real_prices(), align_world.talk(sessions=5))
    market = build(replace(given, assets=assets)).market
    assert market is not None
    return market


@needs_archive
def test_the_card_knows_what_was_known(real_market):
    """N10: on 30 January the spread of the 29th; that of the 30th came on 2 February."""
    card = {
        day: {line.series: line for line in plumbing_card(real_market, real_market.row(day), 30)}
        for day in (CRASH, date(2026, 2, 2))
    }
    before, after = (card[day]["SOFR_IORB"] for day in card)
    assert (before.value, before.value_date) == (0, date(2026, 1, 29))
    assert (after.value, after.value_date) == (3, CRASH)
    assert after.percentile == pytest.approx(0.90, abs=0.01)
    assert (before.flags, after.flags) == ((), ("month-end",))
    assert card[CRASH]["DGS30-DGS10"].unit == "bp"


# Labels of the reference; flight to safety is no narrative of ours, so its vector stands here.
FLIGHT = Narrative(
    id="flight",
    name="Flight to safety",
    proposition="Money flees into Treasuries.",
    signature={
        "SPY": "-", "QQQ/SPY": "0", "VIX": "++", "DGS10": "-", "DGS30-DGS10": "0", "UUP": "+",
        "GLD": "0/+", "SLV": "0", "CPER": "-", "USO": "-", "EFA": "-", "BTC": "-",
    },
)  # fmt: skip
ACCEPTED = {
    "2011-08-08": "flight", "2013-06-20": "fed-policy", "2018-12-24": "recession fed-policy",
    "2020-03-12": "qt-liquidity", "2020-03-18": "qt-liquidity", "2021-05-19": "crypto-stress",
    "2022-06-13": "fed-policy", "2023-03-13": "flight", "2024-08-05": "deleveraging",
    "2025-01-27": "ai-capex-doubt", "2025-04-03": "recession", "2025-04-04": "recession",
    "2025-04-21": "fiscal-worry dollar-policy", "2025-10-10": "recession flight",
    "2026-01-27": "dollar-policy", "2026-01-30": "fed-policy deleveraging",
}  # fmt: skip


@needs_archive
def test_at_most_one_accepted_label_is_contradicted(real_market):
    """N4 over the reference's labels: SVB, whose dollar and bitcoin moved the other way."""
    columns = list(real_market.changes.columns)
    signatures = resolve([*load_taxonomy(), FLIGHT], signature_library(), columns)
    moves = real_market.moves(1)
    wrong = {
        day
        for day, labels in ACCEPTED.items()
        if all(
            contradictions(
                moves.iloc[real_market.row(date.fromisoformat(day))], signatures[label], weights()
            )
            for label in labels.split()
        )
    }
    assert wrong <= {"2023-03-13"}
    dollar = signatures["dollar-policy"]
    crash = contradictions(moves.iloc[real_market.row(CRASH)], dollar, weights())
    assert {"UUP", "GLD", "SLV", "CPER"} <= set(crash)
    assert not contradictions(moves.iloc[real_market.row(date(2026, 1, 27))], dollar, weights())
