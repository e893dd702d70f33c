"""Cells that were named beforehand: what was said, when, and what later sessions say of it."""

import dataclasses
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlite_utils import Database

from store.instants import to_text
from store.records import Confirmation
from store.rows import Row, first

_COLUMNS = [field.name for field in dataclasses.fields(Confirmation)]
_KEY = ("narrative_id", "asset_id", "lag")
_DATES = ("named_at", "closes_on")


class Confirmations:
    """Queries on ``confirmations``; a row is never deleted, a closed one never changed."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def all(self) -> list[Confirmation]:
        """Return every cell that was ever named, the oldest first."""
        return [
            Confirmation(**{**row, **{name: _date(row[name]) for name in _DATES}})
            for row in self._db.query(
                f"SELECT {', '.join(_COLUMNS)} FROM confirmations"
                " ORDER BY named_at, narrative_id, asset_id, lag"
            )
        ]

    def changed(self, cells: Sequence[Confirmation]) -> list[Confirmation]:
        """Return the cells that :meth:`save` would write: new ones, and open ones with news."""
        stored = {cell.cell: cell for cell in self.all()}
        return [
            cell
            for cell in cells
            if (old := stored.get(cell.cell)) is None or (old.status == "open" and old != cell)
        ]

    def save(self, cells: Sequence[Confirmation], *, now: datetime, run_id: str) -> int:
        """Write new cells and what changed of open ones; return the number of rows written.

        ``noted_at`` is the run that first wrote a cell: a day of the settings can lie before
        it, and a reader should see that.
        """
        fresh = self.changed(cells)
        values = [column for column in _COLUMNS if column not in _KEY]
        updates = ", ".join(f"{column} = excluded.{column}" for column in values)
        marks = ", ".join("?" * (len(_COLUMNS) + 3))
        with self._db.atomic():
            for cell in fresh:
                self._db.execute(
                    f"INSERT INTO confirmations ({', '.join(_COLUMNS)}, noted_at, updated_at,"
                    f" run_id) VALUES ({marks}) ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET"
                    f" {updates}, updated_at = excluded.updated_at, run_id = excluded.run_id"
                    " WHERE status = 'open'",
                    [*_values(cell), to_text(now), to_text(now), run_id],
                )
        return len(fresh)

    def survival(self) -> Row:
        """Return ``named, open, confirmed, not_confirmed, survival``.

        ``survival`` is the share of the closed cells that were confirmed; None before the first.
        """
        found = first(self._db, f"SELECT {SURVIVAL} FROM confirmations")
        assert found is not None
        return found


SURVIVAL = (
    "count(*) AS named, count(*) FILTER (WHERE status = 'open') AS open,"
    " count(*) FILTER (WHERE status = 'confirmed') AS confirmed,"
    " count(*) FILTER (WHERE status = 'not confirmed') AS not_confirmed,"
    " avg(status = 'confirmed') FILTER (WHERE status <> 'open') AS survival"
)


def _values(cell: Confirmation) -> list[Any]:
    found = (getattr(cell, column) for column in _COLUMNS)
    return [value.isoformat() if isinstance(value, date) else value for value in found]


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
