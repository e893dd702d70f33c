"""The open database: lock, pragmas, migrations, transactions, and the mapping of errors.

Everything else in ``store/`` receives the ``sqlite_utils.Database`` of an open ``Store``.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout
from sqlite_utils import Database

from store.alerts import Alerts
from store.confirmations import Confirmations
from store.documents import Documents
from store.errors import SchemaError, StoreError, StoreLockedError
from store.fetches import Fetches, Sources
from store.frames import Frames
from store.labels import Labels, Narratives
from store.migrations import migrations
from store.pages import Pages
from store.prices import Assets, Prices
from store.results import Results
from store.runs import Runs
from store.stamp_checks import StampChecks
from store.topics import Topics
from store.vectors import Vectors

# SQLite 3.7.0-3.51.2 can corrupt a WAL database when it resets the log; one nightly writer
# does not need WAL, so it is used only where it is safe.
_SAFE_WAL = (3, 51, 3)
# A fresh in-memory database lacks them all, so what is pending there is all that we know.
_OUR_MIGRATIONS = {migration.name for migration in migrations.pending(Database(memory=True))}


class Store:
    """A Tapestory database, open for one writer or for readers.

    Use :meth:`open`. Attributes group the queries by table: ``runs``, ``sources``,
    ``fetches``, ``documents``, ``narratives``, ``labels``, ``vectors``, ``assets``,
    ``prices``, ``results``, ``confirmations``, ``stamp_checks``, ``frames``, ``pages``,
    ``alerts`` and ``topics``.
    """

    def __init__(self, db: Database, path: Path, lock: FileLock | None) -> None:
        self.db = db
        self.path = path
        self._lock = lock
        self.runs = Runs(db)
        self.sources = Sources(db)
        self.fetches = Fetches(db)
        self.documents = Documents(db)
        self.narratives = Narratives(db)
        self.labels = Labels(db)
        self.vectors = Vectors(db)
        self.assets = Assets(db)
        self.prices = Prices(db)
        self.results = Results(db)
        self.confirmations = Confirmations(db)
        self.stamp_checks = StampChecks(db)
        self.frames = Frames(db)
        self.pages = Pages(db)
        self.alerts = Alerts(db)
        self.topics = Topics(db)

    @classmethod
    def open(cls, path: Path, *, create: bool = False, read_only: bool = False) -> "Store":
        """Open a database file and bring its schema up to date.

        Parameters
        ----------
        path : Path
            The database file.
        create : bool
            Make the file when it is missing.
        read_only : bool
            Take no lock, apply no migration, write nothing.

        Raises
        ------
        StoreLockedError
            When another process writes to this file.
        SchemaError
            When the file is damaged, no database, or made by a newer version.
        StoreError
            When the file is missing or cannot be opened.
        """
        if not create and not path.exists():
            raise StoreError(
                f"no database at {str(path)!r}: run 'tapestory nightly {path} --sample' for a"
                " first look, or 'tapestory import documents' to fill one"
            )
        lock = None if read_only else _acquire(path)
        try:
            db = _connect(path, read_only=read_only)
            if not read_only:
                _migrate(db, path)
            else:
                _refuse_older(db, path)
            return cls(db, path, lock)
        except BaseException:
            if lock is not None:
                lock.release()
            raise

    def close(self) -> None:
        """Close the connection and release the lock."""
        self.db.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        if isinstance(error, sqlite3.Error):
            raise _mapped(error, self.path) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all that is written inside, or none of it; nested calls are savepoints."""
        try:
            with self.db.atomic():
                yield
        except sqlite3.Error as error:
            raise _mapped(error, self.path) from error

    def counts(self) -> dict[str, int]:
        """Return the rows of the tables that a person asks about."""
        tables = ("documents", "passages", "labels", "prices", "intensity", "failures")
        return {
            table: self.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in tables
        }

    def check(self) -> list[str]:
        """Return what ``integrity_check``, foreign keys and full-text search complain of."""
        try:
            found = [row[0] for row in self.db.execute("PRAGMA integrity_check") if row[0] != "ok"]
            found += [
                f"foreign key: row {row[1]} of {row[0]} has no parent in {row[2]}"
                for row in self.db.execute("PRAGMA foreign_key_check")
            ]
            self.db.execute("INSERT INTO documents_fts(documents_fts) VALUES ('integrity-check')")
        except sqlite3.Error as error:
            return [f"{self.path}: {error}"]
        return found


def _acquire(path: Path) -> FileLock:
    lock = FileLock(f"{path}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StoreLockedError(
            f"another run holds {str(path)!r}: wait for it to end, or look at 'tapestory status'"
        ) from error
    except OSError as error:
        raise StoreError(
            f"cannot write beside {str(path)!r} ({error.strerror}): choose a folder that exists"
            " and that you may write to"
        ) from error
    return lock


def _connect(path: Path, *, read_only: bool) -> Database:
    try:
        if read_only:
            connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        else:
            connection = sqlite3.connect(path)
        db = Database(connection)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA busy_timeout = 10000")
        if not read_only:
            connection.execute("PRAGMA synchronous = FULL")
            mode = "WAL" if sqlite3.sqlite_version_info >= _SAFE_WAL else "DELETE"
            connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise _mapped(error, path) from error
    return db


def _migrate(db: Database, path: Path) -> None:
    tables = set(db.table_names())
    if tables and "_sqlite_migrations" not in tables:
        raise SchemaError(
            f"{str(path)!r} is a database of something else: it has the tables"
            f" {', '.join(sorted(tables)[:5])}; give another file name"
        )
    applied = {migration.name for migration in migrations.applied(db)}
    if unknown := sorted(applied - _OUR_MIGRATIONS):
        raise SchemaError(
            f"{str(path)!r} comes from a newer version of Tapestory (it has {unknown[0]!r}):"
            " upgrade Tapestory, or restore an older back-up"
        )
    try:
        migrations.apply(db)
    except sqlite3.Error as error:
        raise _mapped(error, path) from error


def _refuse_older(db: Database, path: Path) -> None:
    """Refuse what cannot be read: no database of ours, or one that lacks what queries name."""
    if not db["runs"].exists():
        raise SchemaError(f"{str(path)!r} is not a Tapestory database")
    applied = {row["name"] for row in db.query("SELECT name FROM _sqlite_migrations")}
    if _OUR_MIGRATIONS - applied:
        raise SchemaError(
            f"{str(path)!r} was made by an older version of Tapestory: 'tapestory publish DB' on"
            " the working file brings it and its snapshot up to date"
        )


def _mapped(error: sqlite3.Error, path: Path) -> StoreError:
    """Turn an exception of SQLite into one of ours, with what to do."""
    text = str(error)
    if "locked" in text:
        return StoreLockedError(f"{str(path)!r} is in use by another program: close it and repeat")
    if "not a database" in text or "malformed" in text:
        return SchemaError(
            f"{str(path)!r} is damaged or no SQLite database ({text}): restore a back-up with"
            " 'tapestory restore'"
        )
    if "full" in text or "disk I/O" in text:
        return StoreError(f"the disk of {str(path)!r} is full or failing ({text}): free space")
    return StoreError(f"{str(path)!r}: {text}")
