"""The answer for one day: planted causes, followers, contradictions, and the right to decline."""

import math
import re
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from align.errors import AlignError
from align.evidence import gather_text
from align.explanation import days_to_explain, explain_day
from align.inputs import build, digest, limit, world_of
from align.quotes import select_quotes
from align.suspects import clarity_of
from align.wording import premise
from store.records import Move
from tests import align_world
from tests.align_world import CRASH, NARRATIVES

# A hawkish day: dollar and yields up, metals, shares and bitcoin down.
HAWKISH = {
    ("UUP", CRASH): 3.5,
    ("GLD", CRASH): -4.0,
    ("SLV", CRASH): -4.0,
    ("CPER", CRASH): -3.0,
    ("USO", CRASH): -3.0,
    ("SPY", CRASH): -2.5,
    ("QQQ", CRASH): -4.0,
    ("EFA", CRASH): -0.2,
    ("VIX", CRASH): 3.0,
    ("BTC", CRASH): -3.0,
    ("DGS10", CRASH): 3.0,
}
BEFORE = [date(2026, 1, day) for day in (26, 27, 28, 29, 30)]
AFTER = [date(2026, 2, day) for day in (2, 3, 4)]


def _world(said, planted=None, now=align_world.NOW, seed=1, table=None):
    table = align_world.prices(planted, seed=seed) if table is None else table
    given = align_world.inputs(table, said, now)
    known = limit(given, now)
    return world_of(build(known), known)


def _by_name(explanation):
    return {suspect.narrative_id: suspect for suspect in explanation.suspects}


@pytest.fixture(scope="module")
def planted():
    """A cause that was talked about before the move, and a follower after it."""
    bursts = {("fed-policy", day): 0.35 for day in BEFORE}
    bursts |= {("geopolitics", day): 0.5 for day in AFTER}
    said = align_world.talk(bursts=bursts, causal=[("fed-policy", CRASH)])
    return explain_day(_world(said, HAWKISH), CRASH)


def test_the_planted_cause_leads(planted):
    assert planted.verdict == "suspects"
    leader = planted.suspects[0]
    assert (leader.narrative_id, leader.status, leader.rank) == ("fed-policy", "leading", 1)
    assert leader.parts.intensity > 0.2
    assert leader.parts.causal_claims > 0.1
    assert leader.parts.signature > 0.2
    assert leader.placebo_percentile is not None
    assert leader.placebo_percentile > 0.95
    assert 0.2 < planted.clarity <= 1


def test_a_follower_never_leads(planted):
    follower = _by_name(planted)["geopolitics"]
    assert follower.pre_move_share is not None
    assert follower.pre_move_share < 0.5
    assert follower.status in ("follower", "contradicted")
    assert follower.rank > 1


def test_a_story_that_broke_the_day_before_and_goes_on_is_no_follower():
    """Two sessions of it before the close and three after: the sum calls both a follower."""
    broke = {("fed-policy", day): 0.3 for day in (*BEFORE[-2:], *AFTER)}
    after = {("recession", day): 0.3 for day in AFTER}
    world = _world(align_world.talk(bursts=broke | after), HAWKISH)
    assert world.archive is not None
    assert world.counts is not None
    row = world.market.offset + world.market.row(CRASH) - world.archive.offset
    text = gather_text(world.archive, world.counts, row, 1, world.weights)
    assert text is not None
    first, second = (NARRATIVES.index(name) for name in ("fed-policy", "recession"))
    assert max(text.pre_share[[first, second]]) < 0.5
    assert text.pace[first] == pytest.approx(1.0, abs=0.35)
    assert text.pace[second] < 0.33
    found = _by_name(explain_day(world, CRASH))
    assert found["fed-policy"].status in ("possible", "leading")
    assert found["fed-policy"].parts.timing > 0.05
    assert found["recession"].status in ("follower", "contradicted")
    assert found["recession"].parts.timing == 0


def test_parts_sum_to_the_score_and_all_is_in_range(planted):
    assert sorted(s.rank for s in planted.suspects) == list(range(1, len(NARRATIVES) + 1))
    assert {s.narrative_id for s in planted.suspects} == set(NARRATIVES)
    for suspect in planted.suspects:
        parts = suspect.parts
        assert math.isclose(parts.total, suspect.score, abs_tol=1e-5)
        for value in (parts.intensity, parts.causal_claims, parts.timing, parts.signature):
            assert value >= 0
        assert 0 <= suspect.low <= suspect.score <= suspect.high <= 1
    # Those that can lead first, the best of each kind first.
    order = [
        (
            suspect.status == "follower",
            suspect.status == "contradicted" or bool(suspect.fired),
            -suspect.score,
        )
        for suspect in planted.suspects
    ]
    assert order == sorted(order)


def test_contradicted_by_the_dollar_and_the_metals(planted):
    dollar = _by_name(planted)["dollar-policy"]
    assert dollar.status == "contradicted"
    assert {"UUP", "GLD", "SLV"} <= set(dollar.contradicted_by)


def test_premise_says_what_moved(planted):
    assert planted.premise.startswith("On 30 January 2026 ")
    assert re.search(r"gold (fell )?3\.\d % \(-\d\.\d sigma\)", planted.premise)
    assert re.search(r"the dollar (rose )?3\.\d % \(\+\d\.\d sigma\)", planted.premise)
    assert "the S&P 500" in planted.premise


def test_three_dated_numeric_falsifiers(planted):
    assert len(planted.falsifiers) == 3
    for falsifier in planted.falsifiers:
        assert falsifier.by == date(2026, 2, 6)
        assert re.search(r"\d", falsifier.condition)
        assert falsifier.series


def test_coverage(planted):
    coverage = planted.coverage
    assert coverage.stories == 6 * 36
    assert (coverage.sources, coverage.sources_expected) == (6, 6)
    assert coverage.share_of_panel == pytest.approx(1.0, abs=0.01)


def test_denials_do_not_make_a_suspect():
    bursts = {("fed-policy", day): 0.35 for day in BEFORE}
    said = align_world.talk(bursts=bursts, against=["fed-policy"], causal=[("fed-policy", CRASH)])
    found = explain_day(_world(said, HAWKISH), CRASH)
    parts = _by_name(found)["fed-policy"].parts
    assert (parts.intensity, parts.causal_claims) == (0, 0)
    assert found.verdict == "no adequate suspect"


def test_two_causes_are_not_distinguishable():
    bursts = {(name, day): 0.35 for day in BEFORE for name in ("fed-policy", "recession")}
    claims = [("fed-policy", CRASH), ("recession", CRASH)]
    said = align_world.talk(bursts=bursts, causal=claims)
    # The ten-year yield and gold, which would tell them apart, do not move.
    found = explain_day(
        _world(said, {**HAWKISH, ("DGS10", CRASH): 0.0, ("GLD", CRASH): 0.0}), CRASH
    )
    assert found.verdict == "not distinguishable"
    assert {s.status for s in found.suspects} <= {"possible", "contradicted", "quiet", "follower"}
    assert {found.suspects[0].narrative_id, found.suspects[1].narrative_id} == {
        "fed-policy",
        "recession",
    }


def test_noise_crashes_are_declined():
    """Reference P7: a crash without a story finds no adequate suspect nine times in ten."""
    declined = 0
    for seed in range(20):
        said = align_world.talk(seed=seed + 40)
        planted = {
            (asset, CRASH): sign * 4.0
            for asset, sign in zip(
                ("SPY", "GLD", "UUP", "USO", "BTC"), (1, -1, 1, -1, 1), strict=True
            )
        }
        found = explain_day(_world(said, planted, seed=seed), CRASH)
        declined += found.verdict == "no adequate suspect"
    assert declined >= 18


def test_a_quiet_day_needs_no_story():
    bursts = {("fed-policy", day): 0.4 for day in BEFORE}
    calm = dict.fromkeys(HAWKISH, 0.1)
    calm |= {(asset.id, CRASH): 0.1 for asset in align_world.assets()}
    found = explain_day(_world(align_world.talk(bursts=bursts), calm), CRASH)
    assert found.verdict == "no adequate suspect"
    assert "no asset moved two sigma or more" in found.premise


def test_talk_after_the_close_leaves_the_intensity_alone():
    bursts = {("recession", day): 0.6 for day in AFTER}
    found = []
    for said in (align_world.talk(), align_world.talk(bursts=bursts)):
        world = _world(said, HAWKISH)
        assert world.archive is not None
        assert world.counts is not None
        row = world.market.offset + world.market.row(CRASH) - world.archive.offset
        found.append(gather_text(world.archive, world.counts, row, 1, world.weights))
    quiet, loud = found
    assert quiet is not None
    assert loud is not None
    np.testing.assert_array_equal(quiet.z, loud.z)
    np.testing.assert_array_equal(quiet.percentile, loud.percentile)
    place = NARRATIVES.index("recession")
    assert loud.z_after[place] > 5 > quiet.z_after[place]


def test_as_it_was_known_that_evening():
    """Later documents are not in an answer that is given as of the evening of the day."""
    said = align_world.talk(bursts={("geopolitics", day): 0.6 for day in AFTER})
    evening = datetime(2026, 1, 31, 1, tzinfo=UTC)
    found = explain_day(_world(said, HAWKISH, now=evening), CRASH)
    again = align_world.talk()
    keep = said.stories["effective_at"] <= pd.Timestamp(evening)
    again.stories, again.collected = said.stories[keep], said.collected[keep]
    again.labels = said.labels[said.labels["effective_at"] <= pd.Timestamp(evening)]
    assert explain_day(_world(again, HAWKISH, now=evening), CRASH) == found
    assert all(suspect.pre_move_share is None for suspect in found.suspects)


def test_a_sunday_is_answered_with_the_session_before():
    found = explain_day(_world(align_world.talk(), HAWKISH), date(2026, 2, 1))
    assert found.date == CRASH
    assert found.premise.startswith(
        "1 February 2026 is no New York session; the last before it is 30 January 2026. On 30"
    )


def test_several_sessions():
    found = explain_day(_world(align_world.talk(), HAWKISH), date(2026, 2, 3), days=5)
    assert (found.window_start, found.window_end) == (date(2026, 1, 28), date(2026, 2, 3))
    assert found.premise.startswith("From 28 January 2026 to 3 February 2026 ")


@pytest.mark.parametrize("day", [date(2020, 3, 12), date(2026, 6, 1)])
def test_a_day_without_prices_names_the_range(day):
    with pytest.raises(AlignError, match=r"they run from 2023-\d\d-\d\d to 2026-02-06"):
        explain_day(_world(align_world.talk(sessions=30)), day)


def test_too_few_prices_for_a_volatility_are_not_called_missing():
    table = align_world.prices(sessions=60)
    with pytest.raises(AlignError, match="120 changes before are needed"):
        explain_day(_world(align_world.talk(sessions=30), table=table), CRASH)
    one = table[table["date"] == "2026-01-30"]
    with pytest.raises(AlignError, match=r"a window of 1 session to .* begins before"):
        explain_day(_world(align_world.talk(sessions=30), table=one), CRASH)


def test_a_window_of_no_session():
    with pytest.raises(AlignError, match="give 1 or more"):
        explain_day(_world(align_world.talk(sessions=30)), CRASH, days=0)


def test_a_day_before_the_documents_has_prices_only():
    found = explain_day(_world(align_world.talk(sessions=30), HAWKISH), date(2025, 6, 2))
    assert found.verdict == "no adequate suspect"
    assert found.coverage.stories == 0
    assert all(suspect.parts.intensity == 0 for suspect in found.suspects)


def test_without_any_document():
    said = align_world.talk(sessions=5)
    none = align_world.Talk(said.stories.head(0), said.labels.head(0), said.collected.head(0))
    found = explain_day(_world(none, HAWKISH), CRASH)
    assert found.verdict == "no adequate suspect"
    assert found.coverage.share_of_panel == 0


def test_without_prices_there_is_no_move_to_explain():
    said = align_world.talk(sessions=5)
    given = limit(align_world.inputs(align_world.prices().head(0), said), align_world.NOW)
    with pytest.raises(AlignError, match="no prices are stored"):
        world_of(build(given), given)


def test_funding_is_shown_as_it_was_known_at_the_close():
    found = explain_day(_world(align_world.talk(sessions=30)), CRASH)
    funding = next(move for move in found.moves if move.asset_id == "SOFR_IORB")
    assert funding.as_of.date() == date(2026, 1, 29)
    assert funding.unit == "bp"


def test_days_to_explain_are_recent_and_large():
    said = align_world.talk(sessions=100)
    days = days_to_explain(_world(said, HAWKISH))
    assert CRASH in days
    assert days == sorted(days)
    assert 30 <= len(days) <= 40


def test_digest_follows_the_inputs():
    said = align_world.talk(sessions=30)
    table = align_world.prices(sessions=200)
    first = digest(limit(align_world.inputs(table, said), align_world.NOW))
    assert first == digest(limit(align_world.inputs(table, said), align_world.NOW))
    changed = table.copy()
    changed["close"] = changed["close"].mul(1.01)
    assert first != digest(limit(align_world.inputs(changed, said), align_world.NOW))
    later = datetime(2026, 2, 6, 20, tzinfo=UTC)
    assert first != digest(limit(align_world.inputs(table, said), later))


def test_clarity_of_nothing_and_of_one():
    assert clarity_of([]) == 0.0


def _passages():
    rows = [
        # narrative, document, source, stance, probability, causal
        ("a", "d1", "s1", "favor", 0.95, False),
        ("a", "d1", "s1", "favor", 0.94, False),
        ("a", "d2", "s1", "favor", 0.93, False),
        ("a", "d3", "s2", "against", 0.70, True),
        ("a", "d4", "s3", "favor", 0.60, False),
        ("b", "d5", "s1", "none", 0.50, False),
    ]
    table = pd.DataFrame(
        rows,
        columns=["narrative_id", "document_id", "source_id", "stance", "probability", "causal"],
    )
    return table.assign(
        url=None,
        published_at=pd.Timestamp("2026-01-30T12:00Z"),
        effective_at=pd.Timestamp("2026-01-30T12:00Z"),
        stance_probability=0.8,
        text=[f"{'A passage of some length, number'} {number}" for number in range(6)],
    )


def test_quotes_differ_in_source_and_side():
    found = select_quotes(_passages(), ["a", "b", "c"])
    # The causal claim first, then the other side, then another source.
    assert [quote.document_id for quote in found["a"]] == ["d3", "d1", "d4"]
    assert {quote.stance for quote in found["a"]} == {"favor", "against"}
    assert len(found["b"]) == 1
    assert found["c"] == []


def test_a_window_goes_on_in_the_direction_of_the_whole_of_it():
    """Down for four sessions and up on the last: what goes on is the fall."""
    days = [date(2026, 1, day) for day in (26, 27, 28, 29)]
    fall = {("GLD", day): -4.0 for day in days} | {("GLD", CRASH): 1.5}
    found = explain_day(_world(align_world.talk(), fall), CRASH, days=5)
    assert found.verdict == "no adequate suspect"
    gold = next(one for one in found.falsifiers if one.series == "GLD")
    assert gold.operator == "<"


def test_a_zero_has_no_sign():
    as_of = datetime(2026, 1, 30, 21, tzinfo=UTC)
    calm = Move(asset_id="SPY", name="S", change=-0.0001, unit="return", sigma=-0.01, as_of=as_of)
    said = premise([calm], {}, ["SPY"], asked=CRASH, start=CRASH, end=CRASH)
    assert "S hardly moved (0.0 %, 0.0 sigma)" in said


def test_move_without_history_has_no_sigma_and_is_not_in_the_premise():
    as_of = datetime(2026, 1, 30, 21, tzinfo=UTC)
    moves = [
        Move(asset_id="SPY", name="S", change=-0.003, unit="return", sigma=-0.3, as_of=as_of),
        Move(asset_id="NEW", name="New", change=0.5, unit="return", sigma=None, as_of=as_of),
        Move(asset_id="DGS10", name="10", change=12.0, unit="bp", sigma=2.6, as_of=as_of),
    ]
    said = premise(moves, {}, ["SPY"], asked=CRASH, start=CRASH, end=CRASH)
    assert said == (
        "On 30 January 2026 10 rose 12 bp (+2.6 sigma); S hardly moved (-0.3 %, -0.3 sigma)."
    )
