"""The open database: lock, schema, transactions, and errors that say what to do."""

import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from store import Store
from store.errors import NotFoundError, SchemaError, StoreError, StoreLockedError
from store.records import (
    Asset,
    Document,
    Failure,
    Label,
    Narrative,
    Passage,
    PriceBar,
    Source,
    Tagging,
)

NOW = datetime(2026, 1, 30, 21, 0, tzinfo=UTC)


def a_document(number: int = 1, **changes) -> Document:
    plain = Document(
        id=f"{number:016x}",
        source_id="desk",
        guid=f"g{number}",
        entry_key=f"g{number}",
        url=f"https://desk.example/{number}",
        canonical_url=f"https://desk.example/{number}",
        title=f"Note {number}",
        text="The dollar fell. Funding was calm.",
        author="A. Writer",
        language="en",
        published_at=NOW,
        first_seen_at=NOW,
        effective_at=NOW,
        date_source="feed",
        content_hash=f"hash{number}",
        engagement={"likes": 3},
    )
    return replace(plain, **changes)


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "t.db", create=True) as opened:
        opened.sources.sync([Source(id="desk", kind="feed", url="https://desk.example/rss")])
        yield opened


def dump(store: Store) -> list[str]:
    return list(store.db.conn.iterdump())


def test_a_document_comes_back_as_it_was_stored(store):
    run = store.runs.begin("crawl", now=NOW)
    assert store.documents.add([a_document()], run.id) == 1
    assert store.documents.get(a_document().id) == a_document()


def test_the_same_documents_again_change_nothing(store):
    run = store.runs.begin("crawl", now=NOW)
    store.documents.add([a_document(1), a_document(2)], run.id)
    before = dump(store)
    assert store.documents.add([a_document(1), a_document(2)], run.id) == 0
    assert store.sources.sync([Source(id="desk", kind="feed", url="https://desk.example/rss")]) == 0
    assert dump(store) == before


def test_a_run_without_effect_adds_no_row(store):
    run = store.runs.begin("crawl", now=NOW)
    run.finish(now=NOW)
    assert store.runs.latest() == []


def test_two_runs_of_one_instant_have_two_ids(store):
    first = store.runs.begin("crawl", now=NOW).id
    second = store.runs.begin("crawl", now=NOW).id
    assert (first, second) == ("crawl-20260130T210000Z", "crawl-20260130T210000Z-2")


def test_a_run_that_never_finished_is_marked_crashed(store):
    assert store.runs.begin("crawl", now=NOW).id
    assert store.runs.mark_crashed() == 1
    assert store.runs.latest()[0]["status"] == "crashed"


def test_the_same_failure_twice_is_one_row(store):
    run = store.runs.begin("crawl", now=NOW)
    failure = Failure(stage="crawl", item="x", kind="decode", message="bad", advice="look")
    run.fail(failure)
    run.fail(failure)
    assert len(store.runs.failures()) == 1


def test_an_error_inside_a_transaction_leaves_nothing_behind(store):
    run = store.runs.begin("crawl", now=NOW)
    run_id = run.id
    with pytest.raises(RuntimeError), store.transaction():
        store.documents.add([a_document()], run_id)
        raise RuntimeError
    assert store.documents.count() == 0


def test_a_revision_keeps_the_old_text_and_stops_at_the_cap(store):
    store.documents.add([a_document()], store.runs.begin("crawl", now=NOW).id)
    outcomes = [
        store.documents.revise(
            a_document().id,
            title="Note 1",
            text=f"version {number}",
            content_hash=str(number),
            seen_at=NOW.replace(minute=number),
        )
        for number in range(30)
    ]
    assert outcomes == [True] * 24 + [False] * 6
    assert store.documents.get(a_document().id).text == "version 23"
    first = store.db.execute("SELECT text FROM revisions ORDER BY seen_at").fetchone()[0]
    assert first == a_document().text


def test_full_text_search_follows_a_revision(store):
    store.documents.add([a_document()], store.runs.begin("crawl", now=NOW).id)
    store.documents.revise(
        a_document().id, title="Note 1", text="silver sank", content_hash="x", seen_at=NOW
    )
    found = list(store.db["documents"].search("silver"))
    assert [row["id"] for row in found] == [a_document().id]
    assert list(store.db["documents"].search("dollar")) == []


def test_an_unknown_vocabulary_word_is_refused_by_the_schema(store):
    with pytest.raises(sqlite3.IntegrityError):
        store.db.execute(
            "INSERT INTO sources (id, kind, name, url, weight, status) VALUES (?,?,?,?,?,?)",
            ["x", "feed", "x", "x", 1.0, "asleep"],
        )


def test_a_missing_document_says_where_to_look(store):
    with pytest.raises(NotFoundError, match="search"):
        store.documents.get("nope")


def test_a_second_writer_is_told_to_wait(store):
    with pytest.raises(StoreLockedError, match="another run"):
        Store.open(store.path)


def test_a_reader_needs_no_lock(store):
    store.sources.sync([Source(id="two", kind="feed", url="https://two.example/")])
    with Store.open(store.path, read_only=True) as reader:
        assert [source.id for source in reader.sources.all()] == ["desk", "two"]


def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(StoreError, match="--sample"):
        Store.open(tmp_path / "none.db")


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "x.db"
    path.write_bytes(b"this is a text file, and a long one at that" * 100)
    with pytest.raises(SchemaError, match="restore"):
        Store.open(path)


def test_a_database_of_something_else_is_refused_untouched(tmp_path):
    path = tmp_path / "x.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (id)")
    connection.commit()
    connection.close()
    with pytest.raises(SchemaError, match="recipes"):
        Store.open(path)


def test_a_database_from_a_newer_version_is_refused(store):
    store.db.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
        " VALUES ('tapestory', 'm999_future', '2030-01-01')"
    )
    store.db.conn.commit()
    path = store.path
    store.close()
    with pytest.raises(SchemaError, match="m999_future"):
        Store.open(path)


def test_labels_are_pending_until_saved_and_again_after_a_revision(store):
    document = a_document()
    store.documents.add([document], store.runs.begin("crawl", now=NOW).id)
    store.narratives.sync(
        [Narrative(id="dollar-policy", name="Weak dollar", proposition="p")], "t1"
    )
    assert store.labels.pending_count("m", "t1") == 1
    passage = Passage(
        id=f"{document.id}-1",
        document_id=document.id,
        position=1,
        part="text",
        start=0,
        end=16,
        text=document.text[:16],
    )
    label = Label(
        passage_id=passage.id,
        document_id=document.id,
        narrative_id="dollar-policy",
        probability=0.9,
        stance="favor",
        stance_probability=0.8,
        is_causal_claim=False,
        model="m",
        taxonomy="t1",
    )
    tagging = Tagging(
        document_id=document.id,
        content_hash=document.content_hash,
        model="m",
        taxonomy="t1",
        outcome="tagged",
        language="en",
        passages=[passage],
        labels=[label],
    )
    store.labels.save([tagging], store.runs.begin("tag", now=NOW).id)
    assert store.labels.pending_count("m", "t1") == 0
    assert store.labels.pending_count("m", "t2") == 1
    assert store.frames.labels().iloc[0]["stance"] == "favor"
    store.documents.revise(document.id, title="n", text="other", content_hash="other", seen_at=NOW)
    assert [d.id for d in store.labels.pending("m", "t1")] == [document.id]


def test_a_changed_close_is_a_new_row_and_the_past_stays_visible(store):
    store.assets.sync([Asset(id="SPY", name="S&P 500", asset_class="equity")])
    bar = PriceBar(asset_id="SPY", date=date(2026, 1, 30), close=691.97, as_of=NOW, known_at=NOW)
    run = store.runs.begin("prices", now=NOW)
    assert store.prices.add([bar], run.id).new == 1
    assert store.prices.add([bar], run.id).same == 1
    later = NOW.replace(day=31)
    assert store.prices.add([replace(bar, close=690.0, known_at=later)], run.id).revised == 1
    assert store.frames.prices(known_by=NOW)["close"].tolist() == [691.97]
    assert store.frames.prices()["close"].tolist() == [690.0]


def test_an_import_does_not_undo_a_listed_asset(store):
    store.assets.sync([Asset(id="SPY", name="S&P 500", asset_class="equity", source="csv:a")])
    store.assets.sync([Asset(id="SPY", name="SPY", asset_class="metal", listed=False)])
    assert store.assets.all()[0].name == "S&P 500"


def test_the_check_names_what_is_wrong(store):
    assert store.check() == []
    store.db.execute("PRAGMA foreign_keys = OFF")
    store.db.execute(
        "INSERT INTO revisions VALUES ('no-such-document', '2026-01-30T00:00:00Z', '', '')"
    )
    store.db.conn.commit()
    assert "revisions" in store.check()[0]
