"""Snapshots, back-ups and Parquet: derived files that can be trusted or are not made."""

import os
from datetime import UTC, datetime

import pytest

from store import Store
from store.errors import StoreError
from store.parquet import export_tables, import_tables
from store.publish import backup, is_current, publish, restore, snapshot_path
from store.records import Source
from tests.test_store_database import a_document

NOW = datetime(2026, 1, 30, 21, 0, tzinfo=UTC)


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "t.db"
    with Store.open(path, create=True) as store:
        store.sources.sync([Source(id="desk", kind="feed", url="https://desk.example/rss")])
        run = store.runs.begin("crawl", now=NOW)
        documents = [a_document(1), a_document(2), a_document(3, duplicate_of=None)]
        store.documents.add(documents, run.id)
        store.documents.set_duplicates({a_document(1).id: a_document(3).id})
        run.finish(now=NOW)
    return path


def rows(path):
    with Store.open(path, read_only=True) as store:
        return [
            tuple(row) for row in store.db.execute("SELECT id, title FROM documents ORDER BY id")
        ]


def test_publish_writes_once_and_again_after_a_change(database):
    with Store.open(database) as store:
        assert publish(store).fresh
        assert not publish(store).fresh
        store.sources.sync([Source(id="two", kind="feed", url="https://two.example/")])
        os.utime(database, ns=(2**62, 2**62))
        assert not is_current(database)
    assert rows(snapshot_path(database)) == rows(database)


def test_search_works_in_the_snapshot(database):
    with Store.open(database) as store:
        publish(store)
    with Store.open(snapshot_path(database), read_only=True) as site:
        found = list(site.db.table("documents").search("funding"))
    assert len(found) == 3


def test_a_backup_restores_to_the_same_rows(database, tmp_path):
    copy = backup(database, tmp_path / "copies" / "b.db")
    restored = tmp_path / "restored.db"
    restore(copy, restored)
    assert rows(restored) == rows(database)


def test_a_damaged_backup_replaces_nothing(database, tmp_path):
    bad = tmp_path / "bad.db"
    bad.write_bytes(database.read_bytes()[:5000])
    before = rows(database)
    with pytest.raises(StoreError):
        restore(bad, database)
    assert rows(database) == before


def test_tables_survive_a_round_trip_through_parquet(database, tmp_path):
    with Store.open(database) as store:
        counts = export_tables(store, tmp_path / "lake")
    assert counts["documents"] == 3
    with Store.open(tmp_path / "again.db", create=True) as store:
        assert import_tables(store, tmp_path / "lake")["documents"] == 3
        assert import_tables(store, tmp_path / "lake")["documents"] == 0
    assert rows(tmp_path / "again.db") == rows(database)


def test_an_empty_folder_is_no_export(database, tmp_path):
    with Store.open(database) as store, pytest.raises(StoreError, match=r"documents\.parquet"):
        import_tables(store, tmp_path)
