"""Runs and failures. A run's row is written with its first effect, so an idle run adds nothing."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

from sqlite_utils import Database

from store.errors import StoreError
from store.instants import optional_instant, optional_text, to_text
from store.records import Failure, RunStatus, Stage


class Run:
    """One run of a stage; its row exists once :attr:`id` was read."""

    def __init__(
        self,
        db: Database,
        stage: Stage,
        now: datetime,
        settings: Mapping[str, Any],
        models: Mapping[str, str],
    ) -> None:
        self._db = db
        self._stage: Stage = stage
        self._now = now
        self._settings = settings
        self._models = models
        self._id: str | None = None
        self.failures = 0

    @property
    def started(self) -> bool:
        """Whether the run has a row, that is, has had an effect."""
        return self._id is not None

    @property
    def id(self) -> str:
        """Id of the run, ``crawl-20260130T223000Z`` with a number after it when taken."""
        if self._id is None:
            self._id = self._insert()
        return self._id

    def _insert(self) -> str:
        stem = f"{self._stage}-{self._now:%Y%m%dT%H%M%SZ}"
        with self._db.atomic():
            taken = {
                row[0]
                for row in self._db.execute("SELECT id FROM runs WHERE id GLOB ?", [f"{stem}*"])
            }
            run_id = stem
            number = 1
            while run_id in taken:
                number += 1
                run_id = f"{stem}-{number}"
            self._db.execute(
                "INSERT INTO runs (id, stage, started_at, status, settings, models)"
                " VALUES (?, ?, ?, 'running', ?, ?)",
                [
                    run_id,
                    self._stage,
                    to_text(self._now),
                    json.dumps(self._settings, sort_keys=True, default=str),
                    json.dumps(self._models, sort_keys=True),
                ],
            )
        return run_id

    def fail(self, failure: Failure) -> None:
        """Record an item that could not be processed; the same item twice is one row."""
        self.failures += 1
        run_id = self.id
        with self._db.atomic():
            self._db.execute(
                "INSERT OR IGNORE INTO failures (run_id, stage, item, kind, message, advice,"
                " failed_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    run_id,
                    failure.stage,
                    failure.item,
                    failure.kind,
                    failure.message,
                    failure.advice,
                    to_text(self._now),
                ],
            )

    def finish(
        self,
        *,
        now: datetime,
        status: RunStatus = "done",
        counts: Mapping[str, int] | None = None,
        code: int = 0,
    ) -> None:
        """Close the run's row; nothing happens when the run had no effect."""
        if self._id is None:
            return
        with self._db.atomic():
            self._db.execute(
                "UPDATE runs SET finished_at = ?, status = ?, code = ?, counts = ? WHERE id = ?",
                [to_text(now), status, code, json.dumps(counts or {}, sort_keys=True), self._id],
            )


class Runs:
    """Queries on ``runs`` and ``failures``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def begin(
        self,
        stage: Stage,
        *,
        now: datetime,
        settings: Mapping[str, Any] | None = None,
        models: Mapping[str, str] | None = None,
    ) -> Run:
        """Return a run of a stage; no row is written until it has an effect.

        Raises
        ------
        StoreError
            When there is no such stage.
        """
        if stage not in get_args(Stage):
            raise StoreError(f"no stage {stage!r}: choose one of {', '.join(get_args(Stage))}")
        return Run(self._db, stage, now, settings or {}, models or {})

    def mark_crashed(self) -> int:
        """Mark runs that never finished; call it under the lock, before a run begins."""
        with self._db.atomic():
            cursor = self._db.execute("UPDATE runs SET status = 'crashed' WHERE status = 'running'")
        return cursor.rowcount

    def left_unfinished(self, stage: Stage) -> datetime | None:
        """Return from when the documents count that the last runs of a stage left unfinished.

        None when the last run of the stage that had an effect came to its end, or left none.
        """
        (earliest,) = self._db.execute(
            "SELECT min(d.effective_at) FROM documents d JOIN runs r ON r.id = d.run_id"
            " WHERE r.stage = ? AND r.status != 'done' AND r.rowid > coalesce("
            "(SELECT max(rowid) FROM runs WHERE stage = ? AND status = 'done'), 0)",
            [stage, stage],
        ).fetchone()
        return optional_instant(earliest)

    def latest(self) -> list[dict[str, Any]]:
        """Return the last run of each stage, newest first."""
        return list(
            self._db.query(
                "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY stage"
                " ORDER BY started_at DESC, id DESC) AS nth FROM runs) WHERE nth = 1"
                " ORDER BY started_at DESC"
            )
        )

    def reported(self, stage: Stage) -> set[tuple[str, str, str]]:
        """Return item, kind and message of what has failed in a stage before."""
        return {
            (row[0], row[1], row[2])
            for row in self._db.execute(
                "SELECT DISTINCT item, kind, message FROM failures WHERE stage = ?", [stage]
            )
        }

    def failures(self, since: datetime | None = None, limit: int = 50) -> list[dict[str, Any]]:
        """Return failures since an instant, newest first."""
        return list(
            self._db.query(
                "SELECT * FROM failures WHERE failed_at >= coalesce(?, '')"
                " ORDER BY failed_at DESC, item LIMIT ?",
                [optional_text(since), limit],
            )
        )

    def last_of_sources(self) -> dict[str, dict[str, Any]]:
        """Return the newest failure of each source that has one, by source id."""
        return {
            row["item"]: row
            for row in self._db.query(
                # SQLite takes the other columns from the row that holds the maximum.
                "SELECT item, kind, message, advice, max(failed_at) AS failed_at FROM failures"
                " WHERE stage = 'crawl' AND item IN (SELECT id FROM sources) GROUP BY item"
            )
        }
