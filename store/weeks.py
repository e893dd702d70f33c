"""The queries behind the weekly report: which days have data, and what came of a week."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from store.instants import optional_instant, to_text
from store.records import CAUSAL_WEIGHT, AlignmentCell
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
        """Return every cell of the last scan, by narrative, asset and lag.

        Those of a narrative that was found later, and so of a shorter window, come last.
        """
        found = rows(
            self._db,
            f"SELECT {_CELL} FROM alignments ORDER BY window_start, narrative_id, asset_id, lag",
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

    def models(self, start: datetime, end: datetime) -> list[Row]:
        """Return what labelled the documents of a window: ``model, taxonomy, n``."""
        return rows(
            self._db,
            "SELECT t.model, t.taxonomy, count(*) AS n FROM documents d"
            " CROSS JOIN taggings t ON t.document_id = d.id"
            " WHERE d.effective_at >= ? AND d.effective_at < ? AND t.outcome = 'tagged'"
            " GROUP BY t.model, t.taxonomy ORDER BY n DESC, t.model, t.taxonomy",
            [to_text(start), to_text(end)],
        )

    def stances(self, start: datetime, end: datetime) -> list[Row]:
        """Return the stance of each story of a window on each narrative that it carries.

        Columns: ``narrative_id, source_id, stance, n``; the stance of a story is the
        probability-weighted majority over its passages, in which causal claims weigh more.
        """
        return rows(
            self._db,
            "WITH votes AS (SELECT l.document_id, l.narrative_id, d.source_id, l.stance,"
            "   sum(l.probability * l.stance_probability * iif(l.is_causal_claim, ?, 1.0)) AS vote"
            "   FROM documents d INDEXED BY documents_story_time"
            "   CROSS JOIN labels l ON l.document_id = d.id"
            "   WHERE d.effective_at >= ? AND d.effective_at < ? AND d.duplicate_of IS NULL"
            "   GROUP BY l.document_id, l.narrative_id, l.stance)"
            " SELECT narrative_id, source_id, stance, count(*) AS n FROM ("
            "   SELECT *, row_number() OVER (PARTITION BY document_id, narrative_id"
            "   ORDER BY vote DESC, stance) AS nth FROM votes) WHERE nth = 1"
            " GROUP BY narrative_id, source_id, stance ORDER BY narrative_id, source_id, stance",
            [CAUSAL_WEIGHT, to_text(start), to_text(end)],
        )

    def uncovered(self, start: datetime, end: datetime) -> list[Row]:
        """Return the labelled stories of a window that carry no narrative, the oldest first.

        Columns: ``id, source_id, heading`` (the title, or the start of an untitled text)``, url,
        published_at, effective_at, copies`` (itself included, of all time until ``end``)``,
        sources``.
        """
        found = rows(
            self._db,
            "SELECT d.id, d.source_id, iif(trim(d.title) <> '', d.title, substr(d.text, 1, 280))"
            " AS heading, d.url, d.published_at, d.effective_at,"
            " 1 + count(c.id) AS copies, count(DISTINCT c.source_id)"
            "   + 1 - coalesce(max(c.source_id = d.source_id), 0) AS sources"
            " FROM documents d INDEXED BY documents_story_time"
            " CROSS JOIN taggings t ON t.document_id = d.id AND t.outcome = 'tagged'"
            " LEFT JOIN documents c ON c.duplicate_of = d.id AND c.effective_at < ?"
            " WHERE d.effective_at >= ? AND d.effective_at < ? AND d.duplicate_of IS NULL"
            " AND d.withdrawn_at IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM labels l WHERE l.document_id = d.id)"
            " GROUP BY d.id ORDER BY d.effective_at, d.id",
            [to_text(end), to_text(start), to_text(end)],
        )
        return [row | _instants(row, "published_at", "effective_at") for row in found]

    def delays(self, start: datetime, end: datetime) -> list[Row]:
        """Return ``source_id, published_at, first_seen_at`` where both are real.

        Left out are imports, where one stands for the other, and documents without a date of
        their own.
        """
        found = rows(
            self._db,
            "SELECT source_id, published_at, first_seen_at FROM documents"
            " WHERE effective_at >= ? AND effective_at < ? AND published_at IS NOT NULL"
            " AND date_source NOT IN ('seen', 'import') AND first_seen_at >= published_at"
            " ORDER BY source_id, published_at, first_seen_at",
            [to_text(start), to_text(end)],
        )
        return [row | _instants(row, "published_at", "first_seen_at") for row in found]

    def quiet(self, before: datetime, start: datetime, end: datetime) -> list[Row]:
        """Return the sources with documents from ``before`` until ``start`` and none until ``end``.

        Columns: ``id, documents, weeks`` (of seven days before ``start`` with a document)``,
        last_at``.
        """
        found = rows(
            self._db,
            "SELECT source_id AS id, count(*) AS documents, count(DISTINCT"
            " CAST((julianday(?) - julianday(effective_at)) / 7 AS INTEGER)) AS weeks,"
            " max(effective_at) AS last_at FROM documents"
            " WHERE effective_at >= ? AND effective_at < ? AND source_id NOT IN"
            "   (SELECT source_id FROM documents WHERE effective_at >= ? AND effective_at < ?)"
            " GROUP BY source_id ORDER BY weeks DESC, documents DESC, source_id",
            [to_text(start), to_text(before), to_text(start), to_text(start), to_text(end)],
        )
        return [row | _instants(row, "last_at") for row in found]

    def known_closes(
        self, asset_ids: Sequence[str], first: date, last: date, known_by: datetime
    ) -> list[Row]:
        """Return ``asset_id, date, close`` between two days as they were known at an instant."""
        marks = ", ".join("?" * len(asset_ids))
        return rows(
            self._db,
            "SELECT asset_id, date, close FROM (SELECT asset_id, date, close, row_number() OVER"
            " (PARTITION BY asset_id, date ORDER BY known_at DESC) AS nth FROM prices"
            f" WHERE asset_id IN ({marks}) AND date BETWEEN ? AND ? AND known_at <= ?)"
            " WHERE nth = 1 ORDER BY asset_id, date",
            [*asset_ids, first.isoformat(), last.isoformat(), to_text(known_by)],
        )

    def quoted(self, document_ids: Sequence[str]) -> list[Row]:
        """Return title and text of documents with the narratives that their labels name.

        Columns: ``id, source_id, title, text, effective_at, narratives`` (a list of ids).
        """
        marks = ", ".join("?" * len(document_ids))
        found = rows(
            self._db,
            "SELECT d.id, d.source_id, d.title, d.text, d.effective_at,"
            " (SELECT json_group_array(DISTINCT l.narrative_id) FROM labels l"
            "  WHERE l.document_id = d.id) AS narratives"
            f" FROM documents d WHERE d.id IN ({marks}) ORDER BY d.id",
            document_ids,
        )
        return [
            row | _instants(row, "effective_at") | {"narratives": json.loads(row["narratives"])}
            for row in found
        ]


def _instants(row: Row, *columns: str) -> Row:
    return {column: optional_instant(row[column]) for column in columns}


def _dates(row: Row) -> dict[str, Any]:
    columns: Sequence[str] = ("window_start", "window_end")
    return {column: date.fromisoformat(row[column]) for column in columns}
