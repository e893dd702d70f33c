"""``open_tapestory``: tidy frames, as they were known, and clear errors."""

import inspect
import subprocess
import sys
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from api import Tapestory, open_tapestory
from api.errors import ConfigError
from store import Store
from store.errors import NotFoundError, StoreError
from tests.sample_store import empty_store, populated_store

FRIDAY = date(2026, 1, 30)
# What each table gives on the sample, asked for with nothing more than it needs.
TABLES = (
    "narratives", "assets", "sources", "documents", "labels", "quotes", "intensity", "prices",
    "moves", "suspects", "alignments", "confirmations",
)  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    found = tmp_path_factory.mktemp("reading") / "t.db"
    populated_store(found)
    return found


@pytest.fixture
def tape(path):
    with open_tapestory(path) as opened:
        yield opened


@pytest.fixture
def bare(tmp_path):
    empty_store(tmp_path / "e.db")
    with open_tapestory(tmp_path / "e.db") as opened:
        yield opened


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_tidy_and_keeps_its_columns_when_it_is_empty(tape, bare, name):
    full, none = getattr(tape, name)(), getattr(bare, name)()
    assert len(full) > 0
    assert list(full.columns) == list(none.columns)
    assert full.index.equals(pd.RangeIndex(len(full)))
    assert not full.columns.duplicated().any()
    for column in full.columns:
        if column.endswith("_at") and column not in ("named_at",):
            assert str(full[column].dtype).endswith("UTC]"), column
        if column in ("day", "date"):
            assert full[column].dt.tz is None, column


def test_no_public_method_is_left_out():
    methods = {
        name for name, _ in inspect.getmembers(Tapestory, inspect.isfunction) if name[0] != "_"
    }
    assert methods == {*TABLES, "search", "explain", "report", "close"}


def test_days_are_taken_as_dates_and_as_text_and_both_ends_count(tape):
    by_text = tape.intensity(start="2026-01-29", end="2026-01-30")
    pd.testing.assert_frame_equal(by_text, tape.intensity(start=date(2026, 1, 29), end=FRIDAY))
    assert sorted(set(by_text["day"].dt.date)) == [date(2026, 1, 29), FRIDAY]
    day = tape.documents(start=FRIDAY, end=FRIDAY)
    assert set(day["effective_at"].dt.date) == {FRIDAY}


def test_labels_are_those_that_the_alignment_reads(tape, path):
    with Store.open(path, read_only=True) as store:
        naive = store.frames.labels().drop(columns="weight")
    both = tape.labels()[naive.columns].merge(naive, how="outer", indicator=True)
    assert set(both["_merge"]) == {"both"}
    assert len(both) == len(naive)


def test_a_quote_is_part_of_the_stored_text(tape):
    documents = tape.documents(copies=True).set_index("document_id")
    quotes = tape.quotes("fed-policy", stance="against")
    assert set(quotes["stance"]) == {"against"}
    for row in quotes.itertuples():
        stored = documents.loc[row.document_id]
        assert row.text in stored["text"] or row.text in stored["title"]


def test_parts_sum_to_the_score(tape):
    board = tape.suspects()
    parts = board[[name for name in board.columns if name.startswith("part_")]]
    assert ((parts.sum(axis=1) - board["score"]).abs() < 1e-9).all()


def test_an_instant_hides_what_became_known_later(path):
    then = datetime(2026, 1, 29, 22, 0, tzinfo=UTC)
    with open_tapestory(path, as_of=then) as tape:
        assert tape.documents()["effective_at"].max() <= then
        assert tape.labels()["effective_at"].max() <= then
        assert tape.quotes()["effective_at"].max() <= then
        assert tape.search("gold")["effective_at"].max() <= then
        assert tape.prices("GLD")["known_at"].max() <= then
        assert tape.moves()["as_of"].max() <= then
        assert tape.intensity()["day"].max() == pd.Timestamp("2026-01-29")
        assert tape.suspects()["date"].max() <= pd.Timestamp("2026-01-29")


def test_a_session_counts_from_its_close_on(path):
    for minute, last in ((59, "2026-01-28"), (0, "2026-01-29")):
        hour = 20 if minute else 21
        then = datetime(2026, 1, 29, hour, minute, tzinfo=UTC)
        with open_tapestory(path, as_of=then) as tape:
            assert tape.intensity()["day"].max() == pd.Timestamp(last)


def test_of_several_values_of_a_day_the_one_seen_by_then(tmp_path):
    populated_store(tmp_path / "t.db")
    with Store.open(tmp_path / "t.db") as store, store.transaction():
        columns = [
            row[1]
            for row in store.db.execute("PRAGMA table_info(intensity)")
            if row[1] != "seen_at"
        ]
        names = ", ".join(columns)
        for seen, stories in (("2026-02-10T00:00:00Z", 77), ("2026-02-20T00:00:00Z", 88)):
            chosen = names.replace("stories", str(stories), 1)
            store.db.execute(
                f"INSERT INTO intensity ({names}, seen_at) SELECT {chosen}, '{seen}' FROM intensity"
                " WHERE day = '2026-01-30' AND narrative_id = 'fed-policy' LIMIT 1"
            )
    asked = {"start": FRIDAY, "end": FRIDAY}
    with open_tapestory(tmp_path / "t.db") as tape:
        assert tape.intensity("fed-policy", **asked)["stories"].tolist() == [88]
    at = datetime(2026, 2, 15, tzinfo=UTC)
    with open_tapestory(tmp_path / "t.db", as_of=at) as tape:
        assert tape.intensity("fed-policy", **asked)["stories"].tolist() == [77]
    # All were seen later: an archive that was imported whole; the first is nearest to then.
    at = datetime(2026, 1, 31, tzinfo=UTC)
    with open_tapestory(tmp_path / "t.db", as_of=at) as tape:
        assert tape.intensity("fed-policy", **asked)["stories"].iloc[0] not in (77, 88)


def test_a_revised_text_is_the_one_that_stood_then(tmp_path):
    populated_store(tmp_path / "t.db")
    with Store.open(tmp_path / "t.db") as store, store.transaction():
        id_, title = store.db.execute(
            "SELECT id, title FROM documents WHERE title <> '' AND duplicate_of IS NULL"
            " ORDER BY effective_at LIMIT 1"
        ).fetchone()
        store.db.execute(
            "INSERT INTO revisions VALUES (?, '2026-02-03T00:00:00Z', 'as it was', 'old')", [id_]
        )
    for day, expected in ((1, "as it was"), (4, title)):
        with open_tapestory(tmp_path / "t.db", as_of=datetime(2026, 2, day, tzinfo=UTC)) as tape:
            documents = tape.documents().set_index("document_id")
            assert documents.loc[id_, "title"] == expected


def test_the_stored_answer_and_the_report(tape):
    assert tape.explain("2026-01-30").verdict in ("suspects", "not distinguishable")
    report = tape.report("2026-W05")
    assert report["week"]["name"] == "2026-W05"
    assert tape.report("2026-W05") == report


def test_a_snapshot_reads_like_the_working_file(path, tape, tmp_path):
    from store.publish import copy_checked

    copy_checked(path, tmp_path / "s.db")
    before = (tmp_path / "s.db").read_bytes()
    with open_tapestory(str(tmp_path / "s.db")) as snapshot:
        pd.testing.assert_frame_equal(snapshot.intensity(), tape.intensity())
    assert (tmp_path / "s.db").read_bytes() == before


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda tape: tape.intensity("weak dollar"), NotFoundError, "there are"),
        (lambda tape: tape.prices(["GLD", "XYZ"]), NotFoundError, "no asset 'XYZ'"),
        (lambda tape: tape.documents(source="nobody"), NotFoundError, "no source 'nobody'"),
        (lambda tape: tape.explain("30.1.2026"), ConfigError, "write it as 2026-01-30"),
        (lambda tape: tape.moves(start=datetime(2026, 1, 1, tzinfo=UTC)), ConfigError, "instant"),
        (lambda tape: tape.moves(start="2026-02-01", end="2026-01-01"), ConfigError, "lies after"),
        (lambda tape: tape.report("2026-05"), ConfigError, "2026-W05"),
    ],
    ids=["narrative", "asset", "source", "day", "instant", "turned", "week"],
)
def test_what_is_not_there_is_said(tape, ask, error, words):
    with pytest.raises(error, match=words):
        ask(tape)


def test_a_file_that_is_missing_or_no_database_is_said(tmp_path):
    with pytest.raises(StoreError, match="no database at"):
        open_tapestory(tmp_path / "none.db")
    (tmp_path / "text.db").write_text("no database")
    with pytest.raises(StoreError):
        open_tapestory(tmp_path / "text.db")
    with pytest.raises(ConfigError, match="no time zone"):
        open_tapestory(tmp_path / "none.db", as_of=datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_name_costs_the_command_line_nothing():
    code = "import api, sys; sys.exit('pandas' in sys.modules or 'store.database' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
