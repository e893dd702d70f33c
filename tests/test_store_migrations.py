"""Databases made by an older version: their schema is brought up to date and no row is lost."""

import sqlite3
from datetime import UTC, datetime

import pytest
from sqlite_utils import Database

from store import Store
from store.errors import SchemaError, StoreError
from store.migrations import migrations
from store.publish import is_current, publish, snapshot_path
from store.records import Failure, Source

AT = "2026-01-30T21:00:00Z"


@pytest.fixture
def old_path(tmp_path):
    """A file from before the kinds left the schema, with rows that refer to a source."""
    path = tmp_path / "old.db"
    db = Database(sqlite3.connect(path))
    migrations.apply(db, stop_before="m011_source_kinds")
    # As such a file has it: its list of kinds ends before those of today.
    (sql,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'sources'").fetchone()
    assert "CHECK (kind IN (" in sql
    with db.atomic():
        db.execute("PRAGMA writable_schema = ON")
        db.execute(
            "UPDATE sqlite_master SET sql = ? WHERE name = 'sources'",
            [sql.replace(", 'gdelt'", "")],
        )
        db.execute("PRAGMA writable_schema = RESET")
    with db.atomic():
        db.execute(
            "INSERT INTO runs (id, stage, started_at, status) VALUES ('r','crawl',?,'done')", [AT]
        )
        db.execute(
            "INSERT INTO sources (id, kind, name, url, weight, status, errors, cursor)"
            " VALUES ('desk', 'mastodon', 'Desk', 'https://desk.example/', 2.0, 'failing', 3, '17')"
        )
        db.execute(
            "INSERT INTO documents (id, source_id, entry_key, title, text, first_seen_at,"
            " effective_at, date_source, content_hash, run_id)"
            " VALUES ('d', 'desk', 'k', 'Gold', 'Up.', ?, ?, 'seen', 'h', 'r')",
            [AT, AT],
        )
        db.execute(
            "INSERT INTO fetches (run_id, source_id, url, outcome, bytes, seconds, fetched_at)"
            " VALUES ('r', 'desk', 'https://desk.example/', 'ok', 1, 0.1, ?)",
            [AT],
        )
    db.close()
    return path


def test_the_old_file_refuses_a_new_kind(old_path):
    connection = sqlite3.connect(old_path)
    with pytest.raises(sqlite3.IntegrityError, match="kind IN"):
        connection.execute("UPDATE sources SET kind = 'gdelt'")
    connection.close()


def test_an_old_database_takes_new_kinds_and_keeps_its_rows(old_path):
    with Store.open(old_path) as store:
        (source,) = store.sources.all()
        assert (source.kind, source.weight) == ("mastodon", 2.0)
        state = store.sources.states()["desk"]
        assert (state.status, state.errors, state.cursor) == ("failing", 3, "17")
        assert store.documents.get("d").source_id == "desk"
        (row,) = store.sources.health()
        assert (row["kind"], row["documents"], row["last_outcome"]) == ("mastodon", 1, "ok")
        store.sources.sync([Source(id="bulk", kind="gdelt", url="http://bulk.example/")])
        assert store.db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert store.check() == []


def test_foreign_keys_still_hold_after_the_migration(old_path):
    with Store.open(old_path) as store, pytest.raises(sqlite3.IntegrityError):
        store.db.execute("DELETE FROM sources WHERE id = 'desk'")


def test_an_old_and_a_new_database_have_the_same_tables_and_views(old_path, tmp_path):
    def columns(path):
        with Store.open(path, create=True) as store:
            names = store.db.table_names() + store.db.view_names()
            return {name: list(store.db[name].columns_dict) for name in names}

    assert columns(old_path) == columns(tmp_path / "new.db")


def test_an_old_database_takes_runs_and_failures_of_alerts(tmp_path):
    path = tmp_path / "old.db"
    db = Database(sqlite3.connect(path))
    migrations.apply(db, stop_before="m021_alerts")
    with db.atomic():
        # As such a file has it: its list of stages ends before that of the alerts.
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_master SET sql = replace(sql, ?, '')", [", 'alerts'"])
        db.execute("PRAGMA writable_schema = RESET")
    with db.atomic():
        db.execute(
            "INSERT INTO runs (id, stage, started_at, status, code, counts)"
            " VALUES ('r', 'crawl', ?, 'done', 3, '{}')",
            [AT],
        )
        db.execute(
            "INSERT INTO failures VALUES ('r', 'tag', 'item', 'kind', 'message', 'advice', ?)",
            [AT],
        )
    with pytest.raises(sqlite3.IntegrityError, match="stage IN"), db.atomic():
        db.execute("UPDATE runs SET stage = 'alerts'")
    db.close()
    now = datetime(2026, 1, 31, tzinfo=UTC)
    with Store.open(path) as store:
        (failure,) = store.runs.failures()
        assert (failure["stage"], failure["item"], failure["advice"]) == ("tag", "item", "advice")
        assert [run["stage"] for run in store.runs.latest()] == ["crawl"]
        run = store.runs.begin("alerts", now=now)
        run.fail(Failure(stage="alerts", item="i", kind="k", message="m", advice="a"))
        run.finish(now=now)
        assert store.runs.failures()[0]["stage"] == "alerts"
        assert store.check() == []
        with pytest.raises(sqlite3.IntegrityError):
            store.db.execute("DELETE FROM runs WHERE id = 'r'")


def test_an_unknown_stage_is_refused_with_the_choice(tmp_path):
    with (
        Store.open(tmp_path / "t.db", create=True) as store,
        pytest.raises(StoreError, match=r"'dance'.*alerts"),
    ):
        store.runs.begin("dance", now=datetime(2026, 1, 30, tzinfo=UTC))  # type: ignore[arg-type]


def test_an_unknown_kind_is_refused_with_the_choice(tmp_path):
    odd = Source(id="s", kind="pigeon", url="http://s.example/")  # type: ignore[arg-type]
    with Store.open(tmp_path / "t.db", create=True) as store:
        with pytest.raises(StoreError, match=r"'pigeon'.*gdelt"):
            store.sources.sync([odd])
        assert store.sources.all() == []
        assert store.runs.begin("crawl", now=datetime(2026, 1, 30, tzinfo=UTC)).id


def test_a_reader_says_that_a_file_is_of_an_older_version(old_path):
    with pytest.raises(SchemaError, match=r"older version .* 'tapestory publish DB'"):
        Store.open(old_path, read_only=True)
    Store.open(old_path).close()
    Store.open(old_path, read_only=True).close()


def test_a_snapshot_of_an_older_version_is_published_again(tmp_path):
    path = tmp_path / "t.db"
    with Store.open(path, create=True) as store:
        publish(store)
        assert is_current(path)
    connection = sqlite3.connect(snapshot_path(path))
    connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'm022_pages'")
    connection.commit()
    connection.close()
    assert not is_current(path)
    with Store.open(path) as store:
        assert publish(store).fresh
    assert is_current(path)


def test_a_file_from_before_topics_opens_with_them_and_keeps_its_narratives(tmp_path):
    path = tmp_path / "old.db"
    db = Database(sqlite3.connect(path))
    migrations.apply(db, stop_before="m023_topics")
    assert not db["topics"].exists()
    with db.atomic():
        db.execute(
            "INSERT INTO narratives (id, name, proposition, taxonomy, signature, core, keywords,"
            " origin, active) VALUES ('gold', 'Gold', 'Up.', 't', '{}', '[]', '[]', 'default', 1)"
        )
    db.close()
    with Store.open(path) as store:
        (narrative,) = store.narratives.all()
        assert (narrative.id, narrative.found_on) == ("gold", None)
        assert store.topics.all() == []
        assert store.topics.discoveries() == []
        assert store.db.execute("SELECT * FROM back_tagged").fetchall() == []
        assert store.runs.begin("discover", now=datetime(2026, 1, 31, tzinfo=UTC)).id
        assert store.check() == []
