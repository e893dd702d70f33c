"""A night that reads three years and a half finds what a run over everything finds."""

import shutil
from datetime import timedelta

import numpy as np
import pytest

from align import align, explain, run
from align.horizon import LOOKBACK, horizon_of
from align.sessions import load_calendar
from store import Store
from store.records import NamedCell
from tests.worlds import years
from tests.worlds.tape import narratives as persistent

SESSIONS = LOOKBACK + 150
NARRATIVES = 3
CALENDAR = load_calendar("XNYS", years.LAST.replace(year=2019), years.LAST)
FIRST = len(CALENDAR.dates) - SESSIONS
TABLES = {
    "intensity_days": "day, digest, content",
    "alignments": "narrative_id, asset_id, lag, n, effect, effect_low, effect_high, pvalue,"
    " pvalue_adj, status",
    "stamp_checks": '"check", source_id, n, flagged, statistic, message',
    "explanations": "date, digest, document",
}


def _fill(store):
    """A hole of four sessions, a source that joins, days of more and of fewer stories."""
    told = years.twelve()[:NARRATIVES]
    share = 0.2 * np.exp(0.4 * persistent(np.random.default_rng(3), NARRATIVES, SESSIONS))
    started = store.runs.begin("import", now=years.NOW)
    with store.transaction():
        store.sources.sync(years.sources_of(5))
        store.narratives.sync(told, "test.v1")
        store.assets.sync(years.assets(8))
        for row in range(SESSIONS):
            if row in range(600, 604):
                continue
            number, size = (4, 8 + row % 3) if row < 700 else (5, 9 + row % 4)
            day = share[:, row].clip(0, 0.9)
            years.add_day(store, told, CALENDAR, FIRST + row, day, size, number, started.id)
        tape = years.bars(CALENDAR, SESSIONS + 260, np.random.default_rng(4), years.assets(8))
        store.prices.add(list(tape), started.id)
        started.finish(now=years.NOW)


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    """Two stores of the same documents: one aligned night by night, one at once at the end."""
    folder = tmp_path_factory.mktemp("nights")
    read: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("align.explanation.RECENT_SESSIONS", 4)
        patch.setattr("align.explanation.LARGEST_MOVES", 1)
        whole = run._read

        def noted(store, now, after=None):
            read.append(after)
            return whole(store, now, after)

        patch.setattr(run, "_read", noted)
        with Store.open(folder / "once.db", create=True) as store:
            _fill(store)
        shutil.copy(folder / "once.db", folder / "nights.db")
        with Store.open(folder / "nights.db") as by_night, Store.open(folder / "once.db") as once:
            for days in (2, 1, 0):
                align(by_night, now=years.NOW - timedelta(days=days + 1))
            align(once, now=years.NOW - timedelta(days=1))
            # What the tests read themselves comes after, in whatever order they run.
            yield by_night, once, read, tuple(read)


def _rows(store, table):
    columns = TABLES[table]
    return {repr(tuple(row)) for row in store.db.execute(f"SELECT {columns} FROM {table}")}


def test_only_the_first_night_reads_everything(nights):
    first, *later, at_once = nights[3]
    assert (first, at_once) == (None, None)
    assert len(later) == 2
    since = [len(CALENDAR.dates) - CALENDAR.last_on_or_before(one) for one in later]
    assert LOOKBACK < min(since) < max(since) < SESSIONS


@pytest.mark.parametrize("table", ["intensity_days", "alignments", "stamp_checks"])
def test_the_nights_end_where_one_run_ends(nights, table):
    by_night, once, *_ = nights
    assert _rows(by_night, table) == _rows(once, table) != set()


def test_explanations_are_those_of_one_run(nights):
    by_night, once, *_ = nights
    assert _rows(by_night, "explanations") >= _rows(once, "explanations") != set()


def test_the_last_value_of_every_day_is_that_of_one_run(nights):
    columns = [name for name in nights[0].frames.intensity() if name != "seen_at"]
    by_night, once = (store.frames.intensity()[columns] for store in nights[:2])
    assert by_night.equals(once)
    # The last night was before the close of the last session.
    assert len(once) == (SESSIONS - 1) * NARRATIVES


def test_a_day_is_explained_alike_from_all_and_from_a_part(nights):
    by_night, once, *_ = nights
    last = years.LAST
    assert explain(by_night, last) == explain(once, last)


def test_what_is_written_of_an_old_day_is_seen(nights):
    """A document of five years ago that is labelled again: the next night reads everything."""
    by_night, *_ = nights
    horizon = horizon_of(years.NOW)
    assert by_night.results.touched_since() is None
    assert run._cut_after(by_night, horizon) is not None
    (oldest,) = by_night.db.execute("SELECT min(effective_at) FROM documents").fetchone()
    # Written, and the same as before: the other tests look at this store, too.
    by_night.db.execute("UPDATE documents SET title = title WHERE effective_at = ?", [oldest])
    assert by_night.results.touched_since() < horizon
    assert run._cut_after(by_night, horizon) is None
    by_night.results.seen()


def test_an_old_cell_of_the_settings_needs_everything(nights):
    by_night, _, read, _ = nights
    horizon = horizon_of(years.NOW)
    day = CALENDAR.day(FIRST + 200)
    told = years.twelve()[0].id
    cell = NamedCell(narrative_id=told, asset_id="SPY", lag=1, sign=1, named=day)
    inputs = run._read(by_night, years.NOW, run._cut_after(by_night, horizon))
    del read[:]
    assert run._measured(by_night, inputs).inputs.after is not None
    assert run._measured(by_night, inputs, [cell]).inputs.after is None
    assert read == [None]


def test_other_code_needs_everything(nights, monkeypatch):
    by_night, *_ = nights
    inputs = run._read(by_night, years.NOW, run._cut_after(by_night, horizon_of(years.NOW)))
    monkeypatch.setattr("align.increment.source_digest", lambda: "of other files")
    assert run._measured(by_night, inputs).inputs.after is None
