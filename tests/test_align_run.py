"""The stage against a store: what is written, when nothing is, and what may be missing."""

import json
from datetime import UTC, date, datetime

import pytest

from align import AlignError, align, explain
from store import Store
from tests import align_world
from tests.align_store import fill
from tests.align_world import CRASH, NARRATIVES, NOW

BEFORE = [date(2026, 1, day) for day in (26, 27, 28, 29, 30)]
PLANTED = {("GLD", CRASH): -4.0, ("SLV", CRASH): -5.0, ("UUP", CRASH): 3.0}


def _fill(store, *, sessions=60, with_prices=True, with_labels=True):
    said = align_world.talk(
        sessions=sessions,
        sources=4,
        per_day=4,
        bursts={("fed-policy", day): 0.3 for day in BEFORE},
        causal=[("fed-policy", CRASH)],
    )
    fill(
        store,
        said.stories,
        said.labels if with_labels else None,
        align_world.prices(PLANTED, sessions=320) if with_prices else None,
        now=NOW,
    )
    return said


def _dump(store):
    tables = ("intensity", "alignments", "episodes", "explanations", "moves", "suspects", "runs")
    return {name: list(store.db.query(f"SELECT * FROM {name}")) for name in tables}


@pytest.fixture(scope="module")
def aligned(tmp_path_factory):
    path = tmp_path_factory.mktemp("align") / "a.db"
    with Store.open(path, create=True) as store:
        _fill(store)
        report = align(store, now=NOW)
        yield store, report


def test_everything_is_written(aligned):
    store, report = aligned
    assert report.failures == 0
    assert report.counts["intensity"] == len(store.frames.intensity()) == 60 * len(NARRATIVES)
    assert report.counts["alignments"] == len(NARRATIVES) * 15 * 21
    assert report.counts["episodes"] >= 20
    assert report.counts["explanations"] >= 30
    assert store.results.explanation(CRASH) is not None


def test_stored_and_fresh_answers_are_the_same(aligned):
    store, _ = aligned
    stored = store.results.explanation(CRASH)
    fresh = explain(store, CRASH, now=NOW)
    assert stored is not None
    assert stored.premise == fresh.premise
    assert [s.score for s in stored.suspects] == [s.score for s in fresh.suspects]
    assert stored.falsifiers == list(fresh.falsifiers)


def test_quotes_are_substrings_of_the_stored_text(aligned):
    store, _ = aligned
    found = explain(store, CRASH)
    quotes = [quote for suspect in found.suspects for quote in suspect.quotes]
    assert len(quotes) >= 10
    for quote in quotes:
        document = store.documents.get(quote.document_id)
        assert quote.quote in document.text
        assert quote.url == document.url
    leader = next(s for s in found.suspects if s.narrative_id == "fed-policy")
    assert len(leader.quotes) == 3


def test_the_scan_covers_every_cell(aligned):
    store, _ = aligned
    cells = store.frames.query("SELECT * FROM alignments")
    assert set(cells["lag"]) == set(range(-10, 11))
    assert set(cells["status"]) == {"exploratory"}
    assert cells["pvalue"].isna().all(), "60 sessions are too few for a test"
    assert cells["method"].str.contains("needed|too few").all()


def test_the_second_run_writes_nothing(aligned):
    store, _ = aligned
    before = _dump(store)
    again = align(store, now=NOW)
    assert set(again.counts.values()) == {0}
    assert _dump(store) == before
    # Nor when the shortcut is not taken: the same values are found again.
    store.db.execute("UPDATE runs SET settings = '{}' WHERE stage = 'align'")
    assert set(align(store, now=NOW).counts.values()) == {0}
    for row in before["runs"]:
        if row["stage"] == "align":
            store.db.execute("UPDATE runs SET settings = ?", [row["settings"]])
    assert _dump(store)["intensity"] == before["intensity"]


def test_settings_of_the_run_name_the_versions(aligned):
    store, _ = aligned
    row = next(row for row in _dump(store)["runs"] if row["stage"] == "align")
    assert {"weights", "signatures", "inputs"} <= set(json.loads(row["settings"]))


def test_later_sessions_add_rows_and_change_none(tmp_path):
    with Store.open(tmp_path / "b.db", create=True) as store:
        _fill(store, sessions=50)
        first = datetime(2026, 1, 30, 23, tzinfo=UTC)
        align(store, now=first)
        before = {tuple(row.items()) for row in store.db.query("SELECT * FROM intensity")}
        align(store, now=NOW)
        after = {tuple(row.items()) for row in store.db.query("SELECT * FROM intensity")}
        assert before < after
        days = {dict(row)["day"] for row in after - before}
        assert min(days) == "2026-02-02", "no earlier day got a new value"
        kept = store.results.intensity_days()
        assert len(kept) == 50
        store.db.execute("DELETE FROM intensity_days")
        store.db.execute("UPDATE runs SET settings = '{}' WHERE stage = 'align'")
        assert align(store, now=NOW).counts["intensity"] == 0, "a whole run finds the same"
        assert store.results.intensity_days() == kept


def test_an_unchanged_night_that_was_touched_long_ago_is_no_idle_one(tmp_path):
    """What a night reads is as it was; something older was written."""
    with Store.open(tmp_path / "old.db", create=True) as store:
        _fill(store, sessions=30)
        align(store, now=NOW)
        assert align(store, now=NOW).notes == ["nothing new to align"]
        store.db.execute("INSERT INTO touched VALUES ('documents', '2001-09-11T12:00:00Z')")
        assert align(store, now=NOW).notes == []
        assert store.results.touched_since() is None


def test_an_empty_store_has_nothing_to_align(tmp_path):
    with Store.open(tmp_path / "c.db", create=True) as store:
        report = align(store, now=NOW)
        assert report.counts["intensity"] == 0
        assert len(report.notes) == 2
        with pytest.raises(AlignError, match="no prices are stored"):
            explain(store, CRASH)


def test_documents_without_prices_get_intensity(tmp_path):
    with Store.open(tmp_path / "d.db", create=True) as store:
        _fill(store, with_prices=False)
        report = align(store, now=NOW)
        assert report.counts["intensity"] > 0
        assert report.counts["explanations"] == 0
        assert report.notes == ["no prices yet: intensity only"]


@pytest.mark.parametrize("sessions", [1, 2, 5])
def test_the_first_nights_are_explained_before_any_source_is_regular(tmp_path, sessions):
    with Store.open(tmp_path / "t.db", create=True) as store:
        _fill(store, sessions=sessions)
        report = align(store, now=NOW)
    assert (report.failures, report.counts["explanations"]) == (0, sessions)


def test_documents_that_are_not_labelled_yet(tmp_path):
    with Store.open(tmp_path / "e.db", create=True) as store:
        _fill(store, sessions=30, with_labels=False)
        align(store, now=NOW)
        assert store.frames.intensity()["share"].isna().all()
        found = explain(store, CRASH)
        assert found.verdict == "no adequate suspect"
        assert len(found.suspects) == len(NARRATIVES)


def test_explain_reads_a_store_that_is_open_read_only(aligned):
    store, _ = aligned
    with Store.open(store.path, read_only=True) as readable:
        assert explain(readable, CRASH).date == CRASH


def test_progress_is_told_the_days(tmp_path):
    seen = []

    def progress(items, description):
        seen.append((len(items), description))
        return items

    with Store.open(tmp_path / "f.db", create=True) as store:
        _fill(store, sessions=30)
        align(store, now=NOW, progress=progress)
    assert seen
    assert seen[0][1] == "explain"
