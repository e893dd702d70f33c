"""Queries whose answer is a tidy DataFrame, for ``align`` and for people.

Columns named ``*_at`` and ``as_of`` are aware UTC timestamps; ``date`` and ``day`` are naive
midnights of a session date. pandas is imported when a frame is first asked for.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database

from store.instants import to_text
from store.records import CAUSAL_WEIGHT

if TYPE_CHECKING:
    import pandas as pd

_INSTANTS = ("published_at", "effective_at", "first_seen_at", "as_of", "known_at", "fetched_at")
_DATES = ("date", "day")


class Frames:
    """Queries that return DataFrames."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def query(self, sql: str, values: Sequence[Any] = ()) -> "pd.DataFrame":
        """Return the rows of a query, with instants and dates parsed by column name."""
        import pandas as pd

        cursor = self._db.execute(sql, list(values))
        columns = [column[0] for column in cursor.description]
        frame = pd.DataFrame.from_records(cursor.fetchall(), columns=columns)
        for name in columns:
            if name in _INSTANTS or name == "seen_at":
                frame[name] = pd.to_datetime(frame[name], format="ISO8601", utc=True)
            elif name in _DATES:
                frame[name] = pd.to_datetime(frame[name], format="%Y-%m-%d")
        return frame

    def prices(
        self, asset_ids: Sequence[str] | None = None, *, known_by: datetime | None = None
    ) -> "pd.DataFrame":
        """Return closes as they were known at an instant (default: now).

        Columns: ``asset_id, date, close, as_of, known_at``, sorted by asset and date; of a
        revised observation the last value that was public by ``known_by``.
        """
        where, values = ["1"], []
        if asset_ids is not None:
            where.append(f"asset_id IN ({', '.join('?' * len(asset_ids))})")
            values += list(asset_ids)
        if known_by is not None:
            where.append("known_at <= ?")
            values.append(to_text(known_by))
        frame = self.query(
            "SELECT asset_id, date, close, as_of, known_at FROM prices"
            f" WHERE {' AND '.join(where)} ORDER BY asset_id, date, known_at",
            values,
        )
        return frame.drop_duplicates(["asset_id", "date"], keep="last", ignore_index=True)

    def stories(self) -> "pd.DataFrame":
        """Return one row per story that was labelled, copies collapsed.

        Columns: ``document_id, source_id, weight, effective_at, copies`` (1 or more)``, author,
        title, published_at, date_source``, sorted by ``effective_at``. A story without a
        labelled original is left out.
        """
        return self.query(
            "SELECT d.id AS document_id, d.source_id, s.weight, d.effective_at,"
            " 1 + coalesce(c.n, 0) AS copies, d.author, d.title, d.published_at, d.date_source"
            " FROM documents d JOIN sources s ON s.id = d.source_id"
            " JOIN taggings t ON t.document_id = d.id AND t.outcome = 'tagged'"
            " LEFT JOIN (SELECT duplicate_of, count(*) AS n FROM documents"
            "   WHERE duplicate_of IS NOT NULL GROUP BY duplicate_of) c ON c.duplicate_of = d.id"
            " WHERE d.duplicate_of IS NULL ORDER BY d.effective_at, d.id"
        )

    def labels(self) -> "pd.DataFrame":
        """Return one row per story and narrative that it carries.

        Columns: ``document_id``, ``narrative_id``, ``probability`` (highest over the passages),
        ``stance`` (the probability-weighted majority, in which causal claims weigh more),
        ``causal`` (any passage claims a cause), ``effective_at``, ``source_id``, ``weight``.
        """
        frame = self.query(
            "WITH votes AS (SELECT document_id, narrative_id, stance,"
            "   sum(probability * stance_probability * iif(is_causal_claim, ?, 1.0)) AS vote"
            "   FROM labels"
            "   GROUP BY document_id, narrative_id, stance),"
            " best AS (SELECT *, row_number() OVER (PARTITION BY document_id, narrative_id"
            "   ORDER BY vote DESC, stance) AS nth FROM votes)"
            " SELECT l.document_id, l.narrative_id, max(l.probability) AS probability,"
            " b.stance, max(l.is_causal_claim) AS causal, d.effective_at, d.source_id, s.weight"
            " FROM labels l"
            " JOIN best b ON b.document_id = l.document_id"
            "   AND b.narrative_id = l.narrative_id AND b.nth = 1"
            " JOIN documents d ON d.id = l.document_id AND d.duplicate_of IS NULL"
            " JOIN sources s ON s.id = d.source_id"
            " GROUP BY l.document_id, l.narrative_id ORDER BY d.effective_at, l.document_id,"
            " l.narrative_id",
            [CAUSAL_WEIGHT],
        )
        frame["causal"] = frame["causal"].astype(bool)
        return frame

    def collected(self) -> "pd.DataFrame":
        """Return ``source_id, effective_at`` of every document, labelled or not."""
        return self.query(
            "SELECT source_id, effective_at FROM documents ORDER BY effective_at, source_id"
        )

    def fetch_log(self) -> "pd.DataFrame":
        """Return ``source_id, fetched_at, outcome`` of every request."""
        return self.query("SELECT source_id, fetched_at, outcome FROM fetches ORDER BY fetched_at")

    def intensity(self) -> "pd.DataFrame":
        """Return the view ``intensity_latest``, sorted by narrative and day."""
        return self.query(
            "SELECT narrative_id, day, stories, effective_n, share, share_low, share_high, zscore,"
            " innovation, favor, against, neutral, net_stance, disagreement, novelty, reach,"
            " seen_at FROM intensity_latest ORDER BY narrative_id, day"
        )

    def quotes(
        self, narrative_ids: Sequence[str], start: datetime, end: datetime
    ) -> "pd.DataFrame":
        """Return labelled passages of the stories that count from ``start`` until ``end``.

        Columns: ``narrative_id, document_id, url, published_at, effective_at, source_id,
        stance, probability, stance_probability, causal, text, title``; ``start`` included,
        ``end`` not.
        """
        marks = ", ".join("?" * len(narrative_ids))
        frame = self.query(
            "SELECT q.narrative_id, q.document_id, q.url, q.published_at, q.effective_at,"
            " q.source_id, q.stance, q.probability, q.stance_probability,"
            " q.is_causal_claim AS causal, q.quote AS text, q.title FROM quotes q"
            f" WHERE q.narrative_id IN ({marks}) AND q.effective_at >= ? AND q.effective_at < ?"
            " AND q.duplicate_of IS NULL ORDER BY q.effective_at, q.document_id",
            [*narrative_ids, to_text(start), to_text(end)],
        )
        frame["causal"] = frame["causal"].astype(bool)
        return frame
