"""Cells named beforehand: named once, decided once, by later sessions alone; failures stay."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from align import align
from align.catalogue import weights
from align.confirmation import confirm, unknown_cells, with_status
from align.paired import Paired
from align.scan_points import scan_points
from api.browse.app import make_datasette
from api.config import parse_settings
from api.errors import ConfigError
from nlp.narratives import load_taxonomy
from store import Store
from store.parquet import export_tables, import_tables
from store.publish import publish
from store.records import AlignmentCell, Confirmation, NamedCell
from tests.sample_store import populated_store
from tests.worlds import years

RULES = weights()
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
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


def _kept(lag=1, **changes):
    one = Confirmation(
        narrative_id="fed-policy",
        asset_id="GLD",
        lag=lag,
        named_at=date(2025, 10, 1),
        named_by="scan",
        named_sign=-1,
        named_effect=-0.31,
        horizon=max(lag, 1),
        sessions=12,
        oos_n=11,
        oos_effect=-0.12,
        oos_low=-0.5,
        oos_high=0.26,
        oos_p=0.26,
        partial_effect=-0.2,
        partial_p=0.01,
    )
    return replace(one, **changes)


CLOSED = {"status": "not confirmed", "closes_on": date(2025, 12, 26), "sessions": 60}


@pytest.fixture
def named_store(tmp_path):
    path = tmp_path / "t.db"
    populated_store(path)
    with Store.open(path) as store:
        store.db.execute("DELETE FROM confirmations")
        run = store.runs.begin("align", now=NOW)
        cells = [
            _kept(),
            _kept(2, **CLOSED, oos_p_adj=0.4),
            _kept(3, **{**CLOSED, "status": "confirmed"}, oos_p_adj=0.012),
            _kept(-1, named_by="settings", named_effect=None, named_at=date(2025, 6, 2)),
        ]
        store.confirmations.save(cells, now=NOW, run_id=run.id)
        run.finish(now=NOW)
        yield store


def test_a_closed_row_is_never_changed_and_an_open_one_only_by_news(named_store):
    store = named_store
    cells = store.confirmations.all()
    assert len(cells) == 4
    assert store.confirmations.changed(cells) == []
    later, run = NOW + timedelta(days=1), store.runs.begin("align", now=NOW)
    fresh = [_kept(sessions=13), _kept(2, status="confirmed", closes_on=date(2026, 1, 2))]
    assert store.confirmations.save(fresh, now=later, run_id=run.id) == 1
    found = {one.lag: one for one in store.confirmations.all()}
    assert (found[1].sessions, found[2].status) == (13, "not confirmed")
    frame = store.frames.confirmations().set_index("lag")
    assert frame.loc[1, "noted_at"] == pd.Timestamp(NOW)
    assert frame.loc[1, "updated_at"] == pd.Timestamp(later)
    assert frame.loc[2, "updated_at"] == pd.Timestamp(NOW)
    assert frame.loc[2, "named_at"] == pd.Timestamp("2025-10-01")


def test_survival_counts_failures(named_store):
    assert named_store.confirmations.survival() == {
        "named": 4, "open": 2, "confirmed": 1, "not_confirmed": 1, "survival": 0.5,
    }  # fmt: skip
    frame = named_store.frames.survival().set_index("named_by")
    assert frame.loc["scan", "survival"] == 0.5
    assert np.isnan(frame.loc["settings", "survival"])


def test_namings_outlive_a_rebuilt_database(named_store, tmp_path):
    export_tables(named_store, tmp_path / "lake")
    with Store.open(tmp_path / "again.db", create=True) as store:
        assert import_tables(store, tmp_path / "lake")["confirmations"] == 4
        assert store.confirmations.all() == named_store.confirmations.all()


def test_the_page_of_the_narrative_shows_what_was_named(named_store):
    path = publish(named_store).path
    datasette = make_datasette(path)
    html = asyncio.run(datasette.client.get("/narrative/fed-policy")).text
    table = html[html.index('id="named"') :]
    table = table[: table.index("</table>")]
    assert "Of 2 cells that closed, over all narratives, 1 held (50 %;" in table
    assert table.count("exploratory; not re-tested yet") == 2
    assert "not confirmed on Fri 26 Dec 2025, beside 1 other cell" in table
    assert "1 session before, opposite sign" in table
    assert "1 session after" in table
    assert "12 of 60" in table
    assert "-0.50 to 0.26" in table
    assert "first read" in table
    assert 'id="named"' not in asyncio.run(datasette.client.get("/narrative/tariffs")).text
    for name in ("named_cells", "survival"):
        rows = asyncio.run(datasette.client.get(f"/tapestory/{name}.json?_shape=array"))
        assert rows.status_code == 200
        assert len(rows.json()) == {"named_cells": 4, "survival": 2}[name]


# -- the settings ------------------------------------------------------------------------

CELL = """
[[align.cell]]
narrative = "fed-policy"
asset = "DGS10"
lag = {lag}
sign = "{sign}"
named = {named}
"""


def test_cells_of_the_settings_are_read(tmp_path):
    text = CELL.format(lag=-2, sign="-", named="2026-01-30")
    settings = parse_settings(text, origin="x.toml", base_dir=tmp_path)
    (cell,) = settings.cells
    assert cell == NamedCell(
        narrative_id="fed-policy", asset_id="DGS10", lag=-2, sign=-1, named=date(2026, 1, 30)
    )
    assert settings.assets, "the shipped assets stay"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(CELL.format(lag=11, sign="+", named="2026-01-30"), "lag = 11", id="far"),
        pytest.param(CELL.format(lag="true", sign="+", named="2026-01-30"), "= True", id="bool"),
        pytest.param(CELL.format(lag=1, sign="up", named="2026-01-30"), "sign = 'up'", id="sign"),
        pytest.param(CELL.format(lag=1, sign="+", named='"May"'), "named = 'May'", id="text"),
        pytest.param(
            CELL.format(lag=1, sign="+", named="2026-01-30T10:00:00"), "as a date", id="time"
        ),
        pytest.param(CELL.format(lag=1, sign="+", named="2026-01-30") * 2, "twice: a", id="twice"),
        pytest.param("[align]\ncells = 3\n", "unknown key 'cells'", id="key"),
        pytest.param("[align]\ncell = 3\n", "below its own line", id="no list"),
        pytest.param(
            CELL.format(lag=1, sign="+", named="2026-01-30") + "why = 'x'\n", "'why'", id="extra"
        ),
        pytest.param(
            "".join(CELL.format(lag=1, sign="+", named="2026-01-30") for _ in range(31)),
            "names 31 cells",
            id="many",
        ),
    ],
)  # fmt: skip
def test_a_cell_that_cannot_be_tested_is_refused(text, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        parse_settings(text, origin="x.toml", base_dir=tmp_path)


# -- the stage ---------------------------------------------------------------------------


def test_the_stage_names_follows_and_writes_nothing_on_an_unchanged_night(tmp_path):
    day = date(2025, 9, 30)
    named = [
        NamedCell(narrative_id=name, asset_id="SPY", lag=1, sign=1, named=day)
        for name in ("fed-policy", "no-such")
    ]
    with Store.open(tmp_path / "t.db", create=True) as store:
        chosen = [one for one in load_taxonomy() if one.id in ("fed-policy", "tariffs")]
        years.fill(store, chosen, sessions=150, per_day=12, sources=4)
        early = datetime(2025, 12, 1, 12, tzinfo=UTC)
        report = align(store, now=early, named=named)
        assert report.counts["confirmations"] == 1
        assert any("'no-such'" in note for note in report.notes)
        (one,) = store.confirmations.all()
        assert (one.status, one.sessions) == ("open", 42)
        report = align(store, now=NOW, named=named)
        assert report.counts["confirmations"] == 1
        (one,) = store.confirmations.all()
        assert one.status in ("confirmed", "not confirmed")
        assert any("of 1 held" in note for note in report.notes)
        status = store.db.execute(
            "SELECT status FROM alignments WHERE narrative_id = ? AND asset_id = ? AND lag = ?",
            one.cell,
        ).fetchone()
        assert status == (one.status,)
        assert set(align(store, now=NOW, named=named).counts.values()) == {0}
        # Nor when it is all computed again.
        store.db.execute("UPDATE runs SET settings = '{}' WHERE stage = 'align'")
        assert set(align(store, now=NOW, named=named).counts.values()) == {0}
        assert store.check() == []
