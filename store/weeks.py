"""The queries behind the weekly report: which days have data, and what came of a week."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from store.instants import optional_instant, to_text
from store.records import AlignmentCell
from store.rows import Connection, Row, rows

_CELL = (
    "narrative_id, asset_id, lag, n, effect, effect_low, effect_high, pvalue, pvalue_adj,"
    " method, window_start, window_end, status"
)


class Weeks:
    """Queries of the weekly report.

    Parameters
    ----------
    db : Connection
        A ``sqlite_utils.Database`` or a bare ``sqlite3.Connection``; it is only read.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def data_days(self) -> list[date]:
        """Return the days that a report can speak of, ascending.

        Days with an intensity; without any, days with a price; without any, the days of the
        documents.
        """
        for sql in (
            "SELECT DISTINCT day FROM intensity WHERE share IS NOT NULL ORDER BY day",
            "SELECT DISTINCT day FROM intensity ORDER BY day",
            "SELECT DISTINCT date AS day FROM prices ORDER BY date",
            "SELECT DISTINCT substr(effective_at, 1, 10) AS day FROM documents ORDER BY day",
        ):
            if found := rows(self._db, sql):
                return [date.fromisoformat(row["day"]) for row in found]
        return []

    def sessions(self, first: date, last: date) -> list[date]:
        """Return the New York sessions between two days, both included.

        The days that have an intensity, collected or not; without any, those on which an
        asset of the New York calendar has a price.
        """
        for sql in (
            "SELECT DISTINCT day FROM intensity WHERE day BETWEEN ? AND ? ORDER BY day",
            "SELECT DISTINCT date AS day FROM prices p JOIN assets a ON a.id = p.asset_id"
            " WHERE date BETWEEN ? AND ? AND a.calendar = 'XNYS' ORDER BY date",
        ):
            if found := rows(self._db, sql, [first.isoformat(), last.isoformat()]):
                return [date.fromisoformat(row["day"]) for row in found]
        return []

    def as_of(self) -> datetime | None:
        """Return the instant that the newest document or price describes."""
        (row,) = rows(
            self._db,
            "SELECT max(coalesce((SELECT max(effective_at) FROM documents), ''),"
            " coalesce((SELECT max(as_of) FROM prices), '')) AS at",
        )
        return optional_instant(row["at"] or None)

    def cells(self) -> list[AlignmentCell]:
        """Return every cell of the last scan, by narrative, asset and lag."""
        found = rows(
            self._db, f"SELECT {_CELL} FROM alignments ORDER BY narrative_id, asset_id, lag"
        )
        return [AlignmentCell(**(row | _dates(row))) for row in found]

    def closes(self, first: date, last: date) -> list[Row]:
        """Return the latest closes between two days: ``asset_id, date, close, as_of``."""
        return rows(
            self._db,
            "SELECT asset_id, date, close, as_of FROM prices_latest WHERE date BETWEEN ? AND ?"
            " ORDER BY asset_id, date",
            [first.isoformat(), last.isoformat()],
        )

    def outlets(self, start: datetime, end: datetime) -> list[Row]:
        """Return each source with what it gave from ``start`` until ``end``.

        Columns: ``id, name, kind, status, weight, last_ok_at, errors, documents, stories``.
        """
        found = rows(
            self._db,
            "SELECT s.id, s.name, s.kind, s.status, s.weight, s.last_ok_at, s.errors,"
            " count(d.id) AS documents, count(d.id) - count(d.duplicate_of) AS stories"
            " FROM sources s LEFT JOIN documents d ON d.source_id = s.id"
            " AND d.effective_at >= ? AND d.effective_at < ? GROUP BY s.id"
            " ORDER BY documents DESC, s.id",
            [to_text(start), to_text(end)],
        )
        return [row | {"last_ok_at": optional_instant(row["last_ok_at"])} for row in found]

    def taggings(self, start: datetime, end: datetime) -> list[Row]:
        """Return how the documents of a window were labelled: ``outcome, language, reason, n``.

        A document that was not labelled yet has the outcome ``pending``.
        """
        return rows(
            self._db,
            "SELECT coalesce(t.outcome, 'pending') AS outcome,"
            " coalesce(t.language, d.language) AS language, t.reason, count(*) AS n"
            " FROM documents d LEFT JOIN taggings t ON t.document_id = d.id"
            " WHERE d.effective_at >= ? AND d.effective_at < ?"
            " GROUP BY 1, 2, 3 ORDER BY n DESC, 1, 2, 3",
            [to_text(start), to_text(end)],
        )

    def failures(self, start: datetime, end: datetime) -> list[Row]:
        """Return what failed in a window by stage and kind, with the first item as example.

        Columns: ``stage, kind, items, item, message, advice``.
        """
        return rows(
            self._db,
            "SELECT stage, kind, items, item, message, advice FROM ("
            "SELECT *, count(*) OVER (PARTITION BY stage, kind) AS items, row_number() OVER"
            " (PARTITION BY stage, kind ORDER BY failed_at, item) AS nth FROM failures"
            " WHERE failed_at >= ? AND failed_at < ?) WHERE nth = 1"
            " ORDER BY items DESC, stage, kind",
            [to_text(start), to_text(end)],
        )

    def models(self) -> list[Row]:
        """Return the models and taxonomies behind the labels: ``model, taxonomy, n``."""
        return rows(
            self._db,
            "SELECT model, taxonomy, count(*) AS n FROM taggings WHERE outcome = 'tagged'"
            " GROUP BY model, taxonomy ORDER BY n DESC, model",
        )


def _dates(row: Row) -> dict[str, Any]:
    columns: Sequence[str] = ("window_start", "window_end")
    return {column: date.fromisoformat(row[column]) for column in columns}
