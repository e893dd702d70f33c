"""A narrative that was found on a day: what was tagged afterwards is no evidence of a lead."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from align import align
from align.catalogue import weights
from align.confirmation import confirm, unknown_cells, with_status
from align.dose import dose_lines
from align.explanation import explain_day
from align.found import hours_since
from align.increment import day_digests
from align.inputs import build, digest, world_of
from align.paired import Paired
from align.scan_points import scan_points
from align.standing import explanation_digests
from nlp.narratives import load_taxonomy
from store import Store
from store.records import NamedCell, TimingLine
from tests import align_world
from tests.align_world import CRASH, NARRATIVES
from tests.test_align_explain import AFTER, BEFORE, HAWKISH
from tests.worlds import years

N = 400
FOUND_AT = 220  # the column from which on "n0" may be tested
RULES = weights()


def _world(led=slice(0, 0), *, seed=0, n=N, found_at: int | None = FOUND_AT):
    """Three narratives and two assets; n0 leads a0 by two sessions inside a slice of days."""
    rng = np.random.default_rng(seed)
    lines, moves = rng.normal(size=(3, n)), rng.normal(size=(2, n))
    there = np.zeros(n)
    there[led] = lines[0, led]
    moves[0, 2:] += 3.0 * there[:-2]
    days = pd.bdate_range("2024-01-01", periods=n)
    found = {} if found_at is None else {"n0": _day(days, found_at)}
    return Paired(
        days=days,
        narrative_ids=["n0", "n1", "n2"],
        asset_ids=["a0", "VIX"],
        innovations=lines,
        moves=moves,
        volatility=moves[1],
        volume=rng.normal(size=n),
        found_on=found,
    )


def _day(days, column):
    """Return the date of a column; beyond the last, days go on."""
    if column < len(days):
        return days[column].date()
    return days[-1].date() + timedelta(days=column - len(days) + 1)


def _of(cells, *names):
    return [cell for cell in cells if cell.narrative_id in names]


def _passing(cells):
    return {
        (one.narrative_id, one.asset_id, one.lag)
        for one in cells
        if one.pvalue_adj is not None and one.pvalue_adj <= 0.05
    }


HINDSIGHT = slice(0, FOUND_AT - 2)
LEAD = ("n0", "a0", 2)

# -- the scan ----------------------------------------------------------------------------


def test_a_perfect_lead_before_the_day_is_no_finding():
    assert LEAD in _passing(scan_points(_world(HINDSIGHT, found_at=None)))
    cells = scan_points(_world(HINDSIGHT))
    assert _passing(_of(cells, "n0")) == set()
    assert {one.n for one in _of(cells, "n0") if one.lag == 2} == {N - FOUND_AT - 2}


def test_the_same_lead_after_the_day_is_found():
    world = _world(slice(FOUND_AT, N - 2))
    cells = scan_points(world)
    assert LEAD in _passing(cells)
    lead = next(one for one in cells if (one.narrative_id, one.asset_id, one.lag) == LEAD)
    assert (lead.window_start, lead.window_end) == (world.day(FOUND_AT), world.day(N - 1))
    # A fifth of the sessions is kept free of shifts at either end.
    assert lead.method == (
        "max-T circular shift, 108 shifts; since it was found, from 4 November 2024"
    )


@pytest.mark.parametrize("found_at", [30, FOUND_AT, N - 20, N + 3])
def test_cells_of_the_others_do_not_change_by_a_bit(found_at):
    never = scan_points(_world(slice(0, 300), found_at=None))
    found = scan_points(_world(slice(0, 300), found_at=found_at))
    assert _of(found, "n1", "n2") == _of(never, "n1", "n2")
    assert _of(found, "n0") != _of(never, "n0")
    keys = [[(one.narrative_id, one.asset_id, one.lag) for one in part] for part in (never, found)]
    assert keys[0] == keys[1]


def test_its_cells_are_those_of_an_archive_that_begins_on_the_day():
    """Nothing before the day has a say: neither its innovations nor the moves."""
    world, other = _world(HINDSIGHT), _world(HINDSIGHT)
    rng = np.random.default_rng(9)
    other.innovations[:, :FOUND_AT] = rng.normal(size=(3, FOUND_AT))
    other.moves[:, :FOUND_AT] = rng.normal(size=(2, FOUND_AT))
    cells, short = scan_points(world), scan_points(world.between(FOUND_AT, N))
    assert _of(cells, "n0") == _of(scan_points(other), "n0")
    assert [(one.effect, one.pvalue, one.pvalue_adj) for one in _of(cells, "n0")] == [
        (one.effect, one.pvalue, one.pvalue_adj) for one in _of(short, "n0")
    ]


def test_too_few_sessions_since_the_day_are_untested_and_say_so():
    cells = _of(scan_points(_world(found_at=N - 70)), "n0")
    assert {one.pvalue for one in cells} == {None}
    assert all(one.effect is not None for one in cells)
    (words,) = {one.method for one in cells}
    assert words == (
        "correlation only: 70 sessions, 100 needed for max-T circular shift; since it was found,"
        " from 7 April 2025"
    )
    after = _of(scan_points(_world(found_at=N)), "n0")
    assert {(one.n, one.effect, one.pvalue) for one in after} == {(0, None, None)}
    assert {one.method for one in after} == {"not tested: found after the last session"}


def test_noise_since_the_day_gives_no_hit():
    hits = sum(
        bool(_passing(_of(scan_points(_world(HINDSIGHT, seed=seed)), "n0"))) for seed in range(12)
    )
    # A third of 5 % of runs by construction.
    assert hits <= 2


def test_a_day_before_the_window_changes_nothing():
    world = _world(HINDSIGHT, found_at=None)
    early = replace(world, found_on={"n0": date(1500, 1, 1)})
    assert scan_points(early) == scan_points(world)


# -- cells that are named ----------------------------------------------------------------


def _named(day, narrative="n0", lag=2):
    return NamedCell(narrative_id=narrative, asset_id="a0", lag=lag, sign=1, named=day)


def _confirmed(world, before=(), named=()):
    return {one.cell: one for one in confirm(before, world, [], named, RULES)}


def test_a_lead_before_the_day_confirms_no_cell():
    world = _world(HINDSIGHT, found_at=None)
    cells = [_named(world.day(100)), _named(world.day(100), "n1")]
    blind = _confirmed(world, named=cells)
    assert blind[LEAD].status == "confirmed"
    found = _confirmed(_world(HINDSIGHT), named=cells)
    one = found[LEAD]
    assert (one.named_at, one.status) == (world.day(FOUND_AT), "not confirmed")
    assert one.closes_on == world.day(FOUND_AT + 60)
    assert abs(one.beta) < 0.5 < blind[LEAD].beta
    assert found["n1", "a0", 2] == blind["n1", "a0", 2]
    real = _confirmed(_world(slice(FOUND_AT, N - 2)), named=cells)[LEAD]
    assert (real.status, real.named_at) == ("confirmed", world.day(FOUND_AT))


def test_no_estimate_of_a_cell_reaches_back_before_the_day():
    world, other = _world(HINDSIGHT), _world(HINDSIGHT)
    other.innovations[0, :FOUND_AT] = np.random.default_rng(9).normal(size=FOUND_AT)
    cells = [_named(world.day(100))]
    assert _confirmed(world, named=cells) == _confirmed(other, named=cells)


def test_a_cell_that_was_named_before_the_day_begins_anew():
    blind = _world(HINDSIGHT, found_at=None).between(0, FOUND_AT + 30)
    (old,) = confirm([], blind, [], [_named(blind.day(200))], RULES)
    assert (old.status, old.sessions) == ("open", 49)
    world = _world(HINDSIGHT).between(0, FOUND_AT + 30)
    (new,) = confirm([old], world, [], [], RULES)
    assert (new.named_at, new.sessions, new.status) == (world.day(FOUND_AT), 29, "open")
    assert confirm([new], world, [], [], RULES) == [new]


def test_a_verdict_on_earlier_days_marks_no_cell_of_the_scan():
    blind = _world(HINDSIGHT, found_at=None)
    (closed,) = confirm([], blind, [], [_named(blind.day(100))], RULES)
    assert closed.status == "confirmed"
    world = _world(HINDSIGHT)
    cells = scan_points(world)
    assert {one.status for one in with_status(cells, [closed])} == {"exploratory", "confirmed"}
    assert {one.status for one in with_status(cells, [closed], world.found_on)} == {"exploratory"}


def test_a_narrative_that_is_found_later_is_not_named_yet():
    world = _world(found_at=N + 30)
    assert _confirmed(world, named=[_named(world.day(100))]) == {}
    (note,) = unknown_cells([_named(world.day(100))], world)
    assert note.endswith(
        f"found_on = {world.found_on['n0']} lies ahead, nothing is named before it"
    )


# -- the explanation of a day ------------------------------------------------------------


def _given(found_on=None, *, bursts=BEFORE, narrative="fed-policy"):
    said = align_world.talk(
        bursts={(narrative, day): 0.35 for day in bursts}, causal=[(narrative, CRASH)]
    )
    given = align_world.inputs(align_world.prices(HAWKISH), said)
    narratives = [
        replace(one, found_on=found_on) if one.id == narrative else one for one in given.narratives
    ]
    return replace(given, narratives=narratives)


def _explained(found_on=None, **options):
    given = _given(found_on, **options)
    return explain_day(world_of(build(given), given), CRASH)


def _suspects(explanation):
    return {one.narrative_id: one for one in explanation.suspects}


@pytest.fixture(scope="module")
def known():
    """The answer when the cause was known beforehand."""
    return _explained()


@pytest.mark.parametrize("later", [0, 1, 400], ids=["that day", "next day", "next year"])
def test_a_narrative_found_after_the_move_is_no_suspect(later, known):
    day = CRASH + timedelta(days=later)
    found = _explained(day)
    one = _suspects(found)["fed-policy"]
    assert _suspects(known)["fed-policy"].status == "leading"
    assert (one.status, one.score, one.low, one.high) == ("quiet", 0.0, 0.0, 0.0)
    assert one.rank == len(NARRATIVES)
    said = f"found on {day.day} {day:%B %Y}: earlier days were tagged afterwards"
    assert one.fired == (f"{said} and are no evidence",)
    assert (one.pre_move_share, one.placebo_percentile, one.rejected) == (None, None, False)
    assert one.projection_percentile is None
    assert found.verdict == "no adequate suspect"
    assert "fed-policy" not in {line.narrative_id for line in found.timing.lines}
    assert "fed-policy" not in {line.narrative_id for line in found.dose}
    assert sorted(one.rank for one in found.suspects) == list(range(1, len(NARRATIVES) + 1))


def test_the_others_are_judged_as_they_would_be(known):
    found = _suspects(_explained(CRASH + timedelta(days=1)))
    for name, one in _suspects(known).items():
        if name != "fed-policy":
            assert replace(found[name], rank=one.rank) == one


def test_found_before_the_talk_it_is_a_suspect_like_any_other(known):
    found = _explained(date(2025, 12, 1))
    assert replace(found, dose=known.dose) == known
    assert "fed-policy" not in {line.narrative_id for line in found.dose}
    assert "fed-policy" in {line.narrative_id for line in known.dose}


def test_of_the_days_before_a_move_only_those_since_it_was_found_are_evidence(known):
    """Told on the four days before the move and not on its own; found on the last of them."""
    loud, day = BEFORE[:3], BEFORE[3]
    before, since = (_suspects(_explained(one, bursts=loud))["fed-policy"] for one in (None, day))
    assert before.parts.intensity > 0.1
    assert since.parts.intensity < before.parts.intensity / 2
    assert since.fired == before.fired == ()
    # Told since then, it counts.
    real = _suspects(_explained(BEFORE[2]))["fed-policy"]
    assert real.parts.intensity == pytest.approx(_suspects(known)["fed-policy"].parts.intensity)
    assert real.status == "leading"


def test_a_first_hour_before_the_day_is_not_told(known):
    line = next(one for one in known.timing.lines if one.narrative_id == "fed-policy")
    assert isinstance(line, TimingLine)
    assert line.first_at is not None
    early = line.first_at.date()
    assert hours_since(known.timing, {"fed-policy": early}) == known.timing
    rest = hours_since(known.timing, {"fed-policy": early + timedelta(days=1)})
    assert line not in rest.lines
    assert len(rest.lines) == len(known.timing.lines) - 1


def test_the_dose_is_counted_since_the_day():
    given = _given(date(2025, 11, 3), bursts=AFTER)
    world = world_of(build(given), given)
    row = world.market.row(CRASH)
    rule = {**world.weights, "dose": {**world.weights["dose"], "least": 20}}
    lines = dose_lines(world.market, row, 1, world.innovations, world.signatures, rule)
    n = {one.narrative_id: one.n for one in lines if one.lag == 0}
    since = world.market.closes.index[:row]
    # One session less than there are: the lagged innovation of the first one is unknown.
    assert n["fed-policy"] == (since >= pd.Timestamp(2025, 11, 3)).sum() - 1
    assert n["recession"] > n["fed-policy"] + 10


# -- nothing stale -----------------------------------------------------------------------


def test_the_day_is_in_every_digest_that_it_changes_and_in_no_other():
    digests = []
    for day in (None, date(2026, 1, 5), date(2026, 1, 6)):
        given = _given(day)
        built = build(given)
        assert built.archive is not None
        text = day_digests(built.archive, given.rates)
        digests.append((digest(given), explanation_digests(built, given, text, [CRASH]), text))
    for place in (0, 1):
        assert len({str(one[place]) for one in digests}) == 3
    # Shares and innovations are what they are: a day computes none of them again.
    assert digests[0][2] == digests[1][2] == digests[2][2]


def _dump(store, name):
    return [tuple(row.values()) for row in store.db.query(f"SELECT * FROM {name} ORDER BY 1, 2, 3")]


def _cells(store):
    return {
        (row["narrative_id"], row["asset_id"], row["lag"]): {**row, "run_id": ""}
        for row in store.db.query("SELECT * FROM alignments")
    }


def test_the_stage_tests_anew_when_a_day_is_given_and_then_writes_nothing(tmp_path):
    now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    chosen = [one for one in load_taxonomy() if one.id in ("fed-policy", "tariffs")]
    named = [
        NamedCell(narrative_id=one.id, asset_id="SPY", lag=1, sign=1, named=date(2025, 12, 31))
        for one in chosen
    ]
    later = date(2026, 1, 20)
    with Store.open(tmp_path / "t.db", create=True) as store:
        years.fill(store, chosen, sessions=150, per_day=12, sources=4)
        align(store, now=now, named=named)
        before, intensity = _cells(store), _dump(store, "intensity")
        changed = [replace(one, found_on=later if one.id == "tariffs" else None) for one in chosen]
        assert store.narratives.sync(changed, "years.v1") >= 1
        assert [one.found_on for one in store.narratives.all()].count(later) == 1
        report = align(store, now=now, named=named)
        assert report.counts["alignments"] == len(before)
        assert report.counts["intensity"] == 0
        assert report.counts["explanations"] > 10
        after = _cells(store)
        for cell, row in after.items():
            assert (row == before[cell]) == (cell[0] != "tariffs")
            if cell[0] == "tariffs":
                assert row["window_start"] == "2026-01-20"
                assert row["pvalue"] is None
        cells = {one.narrative_id: one for one in store.confirmations.all()}
        assert cells["tariffs"].named_at == later
        assert cells["tariffs"].sessions < cells["fed-policy"].sessions == 20
        assert _dump(store, "intensity") == intensity
        assert set(align(store, now=now, named=named).counts.values()) == {0}
        # Nor when it is all computed again.
        store.db.execute("UPDATE runs SET settings = '{}' WHERE stage = 'align'")
        assert set(align(store, now=now, named=named).counts.values()) == {0}
        tagged = next(store.db.query("SELECT count(*) AS n FROM back_tagged"))["n"]
        assert tagged > 0
        assert store.check() == []
