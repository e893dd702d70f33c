"""Cells named beforehand: named once, decided once, by later sessions alone; failures stay."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from align.catalogue import weights
from align.confirmation import confirm, unknown_cells, with_status
from align.paired import Paired
from align.scan_points import scan_points
from store.records import AlignmentCell, NamedCell

RULES = weights()
N = 300
NAMED_AT = 200  # sessions that were there when the cells were named


def _world(beta=0.6, *, seed=0, n=N):
    """Three narratives, two assets; n0 leads a0 by two sessions, n1 is told together with n0."""
    rng = np.random.default_rng(seed)
    lines = rng.normal(size=(3, n))
    lines[1] = 0.8 * lines[0] + 0.6 * lines[1]
    moves = rng.normal(size=(2, n))
    moves[0, 2:] += beta * lines[0, :-2]
    return Paired(
        days=pd.bdate_range("2024-01-01", periods=n),
        narrative_ids=["n0", "n1", "n2"],
        asset_ids=["a0", "VIX"],
        innovations=lines,
        moves=moves,
        volatility=moves[1],
        volume=rng.normal(size=n),
    )


def _cell(narrative="n0", asset="a0", lag=2, effect=0.3, padj=0.01):
    return AlignmentCell(
        narrative_id=narrative,
        asset_id=asset,
        lag=lag,
        n=190,
        effect=effect,
        effect_low=None,
        effect_high=None,
        pvalue=padj,
        pvalue_adj=padj,
        method="max-T circular shift",
        window_start=date(2024, 1, 1),
        window_end=date(2024, 10, 4),
    )


def _by_cell(found):
    return {one.cell: one for one in found}


def _then(world, cells=None, named=()):
    return confirm(
        [], world.between(0, NAMED_AT), [_cell()] if cells is None else cells, named, RULES
    )


def test_the_scan_names_what_passes_on_its_last_session():
    world = _world()
    cells = [_cell(), _cell(lag=3, padj=0.2), _cell(lag=4, padj=None), _cell("n2", effect=-0.1)]
    found = _by_cell(_then(world, cells))
    assert set(found) == {("n0", "a0", 2), ("n2", "a0", 2)}
    one = found["n0", "a0", 2]
    assert (one.named_at, one.named_by) == (world.day(NAMED_AT - 1), "scan")
    assert (one.named_sign, one.named_effect, one.horizon) == (1, 0.3, 2)
    assert found["n2", "a0", 2].named_sign == -1
    assert (one.sessions, one.status, one.closes_on) == (0, "open", None)
    assert (one.oos_n, one.oos_effect, one.oos_p) == (0, None, None)
    assert one.beta is not None


def test_sixty_later_sessions_decide_and_nothing_after_them():
    world = _world()
    named = _then(world)
    (before,) = confirm(named, world.between(0, NAMED_AT + 59), [], [], RULES)
    assert (before.sessions, before.status) == (59, "open")
    (on_the_day,) = confirm(named, world.between(0, NAMED_AT + 60), [], [], RULES)
    (later,) = confirm(named, world, [], [], RULES)
    assert on_the_day == later
    assert later.closes_on == world.day(NAMED_AT + 59)
    assert (later.status, later.sessions, later.oos_n) == ("confirmed", 60, 58)
    assert later.oos_low is not None
    assert later.oos_low > 0.2
    assert later.wald_lead_p is not None
    assert later.wald_lead_p < 0.001
    assert later.forecast_n == 60
    assert later.forecast_r2 is not None
    assert later.forecast_r2 > 0
    # A closed cell comes back as it is, whatever the data say by now.
    assert confirm([later], _world(beta=-0.6), [], [], RULES) == [later]


def test_sessions_before_the_naming_have_no_say_in_the_retest():
    world, other = _world(), _world()
    rng = np.random.default_rng(9)
    other.innovations[:, :NAMED_AT] = rng.normal(size=(3, NAMED_AT))
    other.moves[:, :NAMED_AT] = rng.normal(size=(2, NAMED_AT))
    one, two = (confirm(_then(world), w, [], [], RULES)[0] for w in (world, other))
    assert (one.oos_effect, one.oos_p, one.oos_n) == (two.oos_effect, two.oos_p, two.oos_n)
    assert one.beta != two.beta


def test_a_missing_session_is_waited_for():
    world = _world()
    world.innovations[0, NAMED_AT + 10 : NAMED_AT + 20] = np.nan
    (one,) = confirm(_then(world), world.between(0, NAMED_AT + 65), [], [], RULES)
    assert (one.sessions, one.status) == (55, "open")
    (one,) = confirm([one], world, [], [], RULES)
    assert one.closes_on == world.day(NAMED_AT + 69)


@pytest.mark.parametrize(
    ("beta", "sign"), [(0.0, 1), (0.6, -1)], ids=["nothing there", "the other sign"]
)
def test_what_does_not_hold_is_not_confirmed_and_stays(beta, sign):
    world = _world(beta)
    cell = _cell(effect=0.3 * sign)
    (one,) = confirm(_then(world, [cell]), world, [], [], RULES)
    assert one.status == "not confirmed"
    assert one.oos_p is not None
    assert one.oos_p > 0.05
    again = confirm([one], world, [cell], [], RULES)
    assert again == [one], "a cell is named once"


def test_a_narrative_told_beside_the_true_one_is_refused_by_the_partial_effect():
    world = _world()
    found = _by_cell(confirm(_then(world, [_cell(), _cell("n1")]), world, [], [], RULES))
    companion = found["n1", "a0", 2]
    assert companion.oos_p is not None
    assert companion.oos_p < 0.05, "alone it looks like the true one"
    assert companion.partial_p is not None
    assert companion.partial_p > 0.05
    assert companion.status == "not confirmed"
    assert found["n0", "a0", 2].status == "confirmed"


def test_cells_that_close_together_are_corrected_together():
    world = _world()
    cells = [_cell(), *(_cell("n2", lag=lag) for lag in range(-10, 11))]
    found = confirm(_then(world, cells), world, [], [], RULES)
    true = _by_cell(found)["n0", "a0", 2]
    assert true.oos_p is not None
    assert true.oos_p_adj == pytest.approx(22 * true.oos_p, abs=1e-5)
    for one in found:
        assert one.oos_p is not None
        assert one.oos_p_adj is not None
        assert one.oos_p <= one.oos_p_adj


def test_a_cell_whose_prices_come_late_joins_the_family_of_its_session():
    world = _world()
    cells = [_cell(), _cell("n2", asset="VIX", lag=1)]
    late = world.between(0, NAMED_AT + 60)
    late = replace(late, moves=late.moves.copy())
    late.moves[1, -1] = np.nan
    first = confirm(_then(world, cells), late, [], [], RULES)
    assert [one.status for one in first].count("open") == 1
    second = _by_cell(confirm(first, world.between(0, NAMED_AT + 60), [], [], RULES))
    one = second["n2", "VIX", 1]
    assert one.closes_on == second["n0", "a0", 2].closes_on
    assert one.oos_p is not None
    assert one.oos_p_adj == pytest.approx(one.oos_p, abs=1e-6), "the largest of two by Holm"


def test_at_most_thirty_are_open_and_those_of_the_settings_come_first():
    world = _world()
    by_hand = [
        NamedCell(narrative_id="n2", asset_id="a0", lag=lag, sign=-1, named=world.day(NAMED_AT))
        for lag in range(-10, 2)
    ]
    cells = [_cell("n1", lag=lag, padj=0.001 * (lag + 11)) for lag in range(-10, 11)]
    cells += [_cell("n0", lag=lag, padj=0.04) for lag in range(-10, 11)]
    found = _then(world, cells, by_hand)
    assert len(found) == 30
    assert [one.named_by for one in found].count("settings") == 12
    assert {one.cell[0] for one in found if one.named_by == "scan"} == {"n1"}
    assert {one.named_sign for one in found if one.named_by == "settings"} == {-1}
    again = confirm(found, world.between(0, NAMED_AT), cells, by_hand, RULES)
    assert again == found, "no room, and nothing new to measure"
    closed = confirm(found, world, [], [], RULES)
    assert {one.status == "open" for one in closed} == {False}
    more = confirm(closed, world, cells, by_hand, RULES)
    assert len(more) == 54, "with thirty closed there is room for the other cells"


def test_a_day_of_the_settings_counts_as_it_stands():
    world = _world()
    named = NamedCell(narrative_id="n0", asset_id="a0", lag=2, sign=1, named=world.day(99))
    (one,) = confirm([], world, [], [named], RULES)
    assert (one.named_by, one.named_at, one.named_effect) == ("settings", world.day(99), None)
    assert one.closes_on == world.day(159)
    assert one.status == "confirmed"
    odd = replace(named, narrative_id="n9")
    assert confirm([], world, [], [odd], RULES) == []
    (note,) = unknown_cells([named, odd], world)
    assert "'n9'" in note
    assert unknown_cells([odd], None) == []


def test_a_cell_named_in_years_to_come_waits_and_says_so():
    world = _world()
    today = world.day(-1)
    ahead = NamedCell(
        narrative_id="n0", asset_id="a0", lag=2, sign=1, named=today.replace(year=today.year + 10)
    )
    assert confirm([], world, [], [ahead], RULES) == []
    (note,) = unknown_cells([ahead], world)
    assert "lies ahead" in note
    tomorrow = replace(ahead, named=today + timedelta(days=1))
    (one,) = confirm([], world, [], [tomorrow], RULES)
    assert (one.status, one.sessions) == ("open", 0)
    assert unknown_cells([tomorrow], world) == []


def test_a_day_before_all_sessions_is_a_day():
    world = _world()
    old = NamedCell(narrative_id="n0", asset_id="a0", lag=2, sign=1, named=date(1, 1, 1))
    (one,) = confirm([], world, [], [old], RULES)
    assert one.closes_on == world.day(59)


def test_an_answer_as_of_an_earlier_day_takes_nothing_back():
    world = _world()
    (one,) = confirm(_then(world), world.between(0, NAMED_AT + 30), [], [], RULES)
    assert confirm([one], world.between(0, NAMED_AT + 10), [], [], RULES) == [one]
    assert confirm([one], None, [], [], RULES) == [one]


def test_the_vix_is_not_held_fixed_against_itself():
    world = _world()
    (one,) = confirm(_then(world, [_cell(asset="VIX", lag=0)]), world, [], [], RULES)
    assert one.partial_effect is not None


def test_the_scan_takes_the_verdict_over():
    cells = [_cell(), _cell(lag=3), _cell(lag=4)]
    (named,) = _then(_world())
    closed = replace(named, status="not confirmed", closes_on=date(2024, 6, 3))
    kept = [closed, replace(named, lag=3)]
    statuses = [cell.status for cell in with_status(cells, kept)]
    assert statuses == ["not confirmed", "exploratory", "exploratory"]


def test_the_scan_looks_at_its_window_alone():
    world = _world(n=900)
    changed = replace(world, moves=world.moves.copy())
    changed.moves[:, :150] *= -3
    assert scan_points(world) == scan_points(changed)
    assert scan_points(world)[0].window_start == world.day(150)
    assert scan_points(None) == []


# -- the table ---------------------------------------------------------------------------
