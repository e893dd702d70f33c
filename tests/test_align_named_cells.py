"""Cells named beforehand, in the store, on the page and in the settings."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from align import align
from api.browse.app import make_datasette
from api.config import parse_settings
from api.errors import ConfigError
from nlp.narratives import load_taxonomy
from store import Store
from store.parquet import export_tables, import_tables
from store.publish import publish
from store.records import Confirmation, NamedCell
from tests.sample_store import populated_store
from tests.worlds import years

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


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
