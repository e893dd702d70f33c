"""The published snapshot, back-ups and their restore.

Readers never open the working file: they see a snapshot that was checked and swapped in by
rename, so that no second connection touches the file that the nightly run writes.
"""

import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from store.database import Store
from store.errors import SchemaError, StoreError
from store.migrations.pages import VIEWS
from store.page_topics import PLACES

# What no page shows: about 1 KB a document, four tenths of an archive of headlines.
_WORKING = ("vectors",)
# The tables that hold the rows of the pages' views, each in the order in which it is read.
_TABLES = {
    "story_labels": """
  narrative_id TEXT NOT NULL,
  effective_at TEXT NOT NULL,
  document_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  source_id TEXT NOT NULL,
  stance TEXT NOT NULL,
  probability REAL NOT NULL,
  stance_probability REAL NOT NULL,
  causal INTEGER NOT NULL,
  PRIMARY KEY (narrative_id, effective_at, document_id, position)""",
    "story_stances": """
  narrative_id TEXT NOT NULL,
  effective_at TEXT NOT NULL,
  document_id TEXT NOT NULL,
  source_id TEXT NOT NULL,
  stance TEXT NOT NULL,
  probability REAL NOT NULL,
  causal INTEGER NOT NULL,
  reach INTEGER NOT NULL,
  PRIMARY KEY (narrative_id, effective_at, document_id)""",
    "story_mentions": """
  asset_id TEXT NOT NULL,
  effective_at TEXT NOT NULL,
  document_id TEXT NOT NULL,
  mentions INTEGER NOT NULL,
  PRIMARY KEY (asset_id, effective_at, document_id)""",
    "topic_stories": """
  topic_id TEXT NOT NULL,
  effective_at TEXT NOT NULL,
  document_id TEXT NOT NULL,
  source_id TEXT NOT NULL,
  is_core INTEGER NOT NULL,
  similarity REAL NOT NULL,
  PRIMARY KEY (topic_id, effective_at, document_id)""",
    "table_counts": """
  "table" TEXT NOT NULL,
  "rows" INTEGER NOT NULL,
  PRIMARY KEY ("table")""",
}
# Of the last but one there is no view: the pages ask the tables of a working file themselves.
_SELECTS = {**VIEWS, "topic_stories": PLACES}
# The table of labels is looked at by narrative and stance, in the order of its key; the names in
# the stories of a narrative are counted without their rows.
_FOR_TABLES = (
    "CREATE INDEX entities_of_document ON entities(document_id, text, label, asset_id)",
    "DROP INDEX labels_by_pair",
    "CREATE INDEX labels_by_narrative ON labels(narrative_id, passage_id, stance)",
    # For the canned query that shows them to a person.
    "CREATE INDEX labels_unsure ON labels(stance_probability) WHERE stance_probability < 0.6",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Where the snapshot lies, and whether this call made it."""

    path: Path
    fresh: bool


def snapshot_path(database: Path) -> Path:
    """Return where the snapshot of a working file lies: ``tapestory.site.db`` beside it."""
    return database.with_suffix(f".site{database.suffix or '.db'}")


def is_current(database: Path) -> bool:
    """Return whether the snapshot is at least as new as the working file."""
    snapshot = snapshot_path(database)
    if not (database.exists() and snapshot.exists()):
        return False
    if snapshot.stat().st_mtime_ns < database.stat().st_mtime_ns:
        return False
    try:
        Store.open(snapshot, read_only=True).close()
    except StoreError:
        return False  # damaged, or of an older version, whose pages read otherwise
    return _holds_rows(snapshot)


def publish(store: Store) -> Published:
    """Write a checked snapshot of the working file and swap it in.

    Nothing is written when the snapshot is newer than the last change.

    Raises
    ------
    StoreError
        When the copy fails its check or cannot be written; the old snapshot stays.
    """
    target = snapshot_path(store.path)
    if is_current(store.path):
        return Published(path=target, fresh=False)
    _copy_checked(store.path, target, _for_readers)
    return Published(path=target, fresh=True)


def table_counts(snapshot: Path) -> dict[str, int]:
    """Return the rows of every table of a snapshot; nothing of a file that is none.

    Raises
    ------
    StoreError
        When the file cannot be read.
    """
    if not _holds_rows(snapshot):
        return {}
    with Store.open(snapshot, read_only=True) as store:
        return store.pages.counts()


def backup(database: Path, target: Path) -> Path:
    """Copy a database consistently and check the copy; return its path.

    ``target`` may be a folder: the copy then keeps the name of the database.

    Raises
    ------
    StoreError
        When the database is missing, or the copy cannot be written or fails its check.
    """
    if not database.exists():
        raise StoreError(f"no database at {str(database)!r} to back up: check the path")
    if target.is_dir():
        target = target / database.name
    copy_checked(database, target)
    return target


def restore(source: Path, database: Path) -> None:
    """Put a back-up in the place of a database, after checking it.

    Raises
    ------
    StoreError
        When the back-up is missing or fails its check; the database then stays as it is.
    """
    if not source.exists():
        raise StoreError(f"no back-up at {str(source)!r}: check the path")
    with Store.open(database, create=True):  # takes the lock: no run may write meanwhile
        pass
    copy_checked(source, database)


def copy_checked(source: Path, target: Path) -> None:
    """Copy a database into place: vacuumed, checked, flushed to disk, swapped by rename."""
    _copy_checked(source, target, _for_writing)


def _copy_checked(source: Path, target: Path, fit: Callable[[Path], None]) -> None:
    partial = target.with_name(f"{target.name}.tmp")
    partial.unlink(missing_ok=True)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)
        try:
            connection.execute("VACUUM INTO ?", [str(partial)])
        finally:
            connection.close()
        fit(partial)
        _check(partial)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(target)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(
            f"cannot copy {str(source)!r} to {str(target)!r} ({error}): check that the source is"
            " sound with 'tapestory doctor' and that the disk has room"
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _for_readers(copy: Path) -> None:
    """Leave out what no page shows, and write down the rows of the views that pages read."""
    connection = sqlite3.connect(copy, isolation_level=None)
    try:
        # Nobody sees this file before it is checked and flushed: a crash leaves nothing behind.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -65536")
        for table in _WORKING:
            # No second vacuum: what is written down next takes the room.
            connection.execute(f"DELETE FROM {table}")
        for name, columns in _TABLES.items():
            connection.execute(f"DROP VIEW IF EXISTS {name}")
            connection.execute(f"CREATE TABLE {name} ({columns}\n) STRICT, WITHOUT ROWID")
            key = columns.rpartition("PRIMARY KEY (")[2].rstrip(")")
            connection.execute(
                f"INSERT INTO {name} SELECT * FROM ({_SELECTS[name]}) ORDER BY {key}"
            )
        for statement in _FOR_TABLES:
            connection.execute(statement)
        # Statistics help the planner of the pages; a snapshot is never written to again.
        connection.execute("ANALYZE")
        _count_rows(connection)
    finally:
        connection.close()


def _count_rows(connection: sqlite3.Connection) -> None:
    """Write down how many rows every table has, itself among them."""
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (name,) in found:
        connection.execute(
            f'INSERT OR REPLACE INTO table_counts SELECT ?, count(*) FROM "{name}"', [name]
        )
    connection.execute(
        'UPDATE table_counts SET "rows" = (SELECT count(*) FROM table_counts)'
        " WHERE \"table\" = 'table_counts'"
    )


def _for_writing(copy: Path) -> None:
    """Make views again of what is written down in a snapshot: it would not follow the tables."""
    connection = sqlite3.connect(copy, isolation_level=None)
    try:
        kept = {
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        } & set(VIEWS)
        for name in [name for name in VIEWS if name in kept]:
            connection.execute(f"DROP TABLE {name}")
            connection.execute(f"CREATE VIEW {name} AS{VIEWS[name]}")
        connection.execute("DROP TABLE IF EXISTS topic_stories")
        if kept:
            connection.execute("DROP INDEX entities_of_document")
            connection.execute("DROP INDEX labels_by_narrative")
            connection.execute("DROP INDEX labels_unsure")
            connection.execute("CREATE INDEX labels_by_pair ON labels(narrative_id, document_id)")
        connection.execute("ANALYZE")
    finally:
        connection.close()


def _holds_rows(snapshot: Path) -> bool:
    try:
        connection = sqlite3.connect(f"{snapshot.resolve().as_uri()}?mode=ro", uri=True)
        try:
            sql = "SELECT name FROM sqlite_master WHERE type = 'table'"
            return {row[0] for row in connection.execute(sql)} >= set(VIEWS)
        finally:
            connection.close()
    except sqlite3.Error:
        return False


def _check(path: Path) -> None:
    connection = sqlite3.connect(path)
    try:
        complaints = [row[0] for row in connection.execute("PRAGMA quick_check")]
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    finally:
        connection.close()
    if complaints != ["ok"]:
        raise SchemaError(f"the copy {str(path)!r} is damaged ({complaints[0]}): keep the old one")
    if "runs" not in tables:
        raise SchemaError(f"{str(path)!r} is not a Tapestory database: nothing was replaced")
