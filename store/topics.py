"""Topics: the stories that discovery reads, and the tables in which it keeps what it found."""

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlite_utils import Database

from store.instants import from_text, optional_text, to_text
from store.records import (
    Discovery,
    DriftStory,
    NarrativeDrift,
    ResidualStory,
    Topic,
    TopicChange,
    TopicStatus,
    TopicStory,
    TopicWeek,
)
from store.results import document_of
from store.rows import rows

_TOPIC = (
    "id, language, label, words, first_seen, found_on, status, parent_id, proposed_on, decided_at,"
    " narrative_id"
)
_WEEK = (
    "topic_id, day, stories, sources, days, reassigned, recent, before, share, top_source, market,"
    " stability, npmi, popularity, pvalue, trend, lacks"
)
_DISCOVERY = (
    "day, language, start, stories, residual, core, reassigned, outliers, topics, agreement, kept,"
    " npmi, diversity, model, seed"
)
_STORIES = (
    " FROM documents d INDEXED BY documents_story_time"
    " JOIN taggings t ON t.document_id = d.id AND t.outcome = 'tagged'"
)
_WINDOW = (
    " WHERE d.duplicate_of IS NULL AND d.withdrawn_at IS NULL"
    " AND d.effective_at >= ? AND d.effective_at < ?"
)
# Passages that a document's vector was made of (`nlp.space`).
_LEAD = 2
# A topic is its stories: its centre is that of the last so many, whatever the model is called.
_CENTRE = 200


class Topics:
    """Queries on ``topics``, ``topic_documents``, ``topic_weeks`` and their kin.

    The ones that write must be called inside a transaction.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    # -- what discovery reads ---------------------------------------------------------

    def span(self) -> tuple[datetime, datetime] | None:
        """Return when the first and the last labelled story counted; None without one."""
        found = self._db.execute(
            "SELECT min(d.effective_at), max(d.effective_at) FROM documents d"
            " JOIN taggings t ON t.document_id = d.id AND t.outcome = 'tagged'"
            " WHERE d.duplicate_of IS NULL"
        ).fetchone()
        return None if found[0] is None else (from_text(found[0]), from_text(found[1]))

    def languages(self, start: datetime, end: datetime) -> dict[str, int]:
        """Return how many labelled stories of a window are in each language."""
        found = self._db.execute(
            f"SELECT t.language, count(*){_STORIES}{_WINDOW} AND t.language IS NOT NULL"
            " GROUP BY t.language ORDER BY 2 DESC, 1",
            [to_text(start), to_text(end)],
        )
        return {row[0]: row[1] for row in found}

    def counts(self, language: str, start: datetime, end: datetime) -> dict[date, int]:
        """Return how many labelled stories each date of a window has."""
        found = self._db.execute(
            f"SELECT substr(d.effective_at, 1, 10), count(*){_STORIES}{_WINDOW} AND t.language = ?"
            " GROUP BY 1 ORDER BY 1",
            [to_text(start), to_text(end), language],
        )
        return {date.fromisoformat(row[0]): row[1] for row in found}

    def residual(
        self, language: str, model: str, start: datetime, end: datetime, *, weak: float
    ) -> list[ResidualStory]:
        """Return the stories of a window without a label of at least this probability.

        In order of time, then id. A story without a vector of this model is left out: each
        model has a space of its own.
        """
        found = rows(
            self._db,
            "SELECT d.id, d.source_id, d.effective_at, d.title, v.vector,"
            " (SELECT group_concat(text, ' ') FROM (SELECT p.text FROM passages p"
            f"  WHERE p.document_id = d.id ORDER BY p.position LIMIT {_LEAD})) AS text,"
            " (SELECT coalesce(sum(e.count), 0) FROM entities e WHERE e.document_id = d.id"
            "  AND e.asset_id IS NOT NULL) AS assets,"
            " (SELECT count(*) FROM documents c WHERE c.duplicate_of = d.id) + 1 AS reach"
            f"{_STORIES} JOIN vectors v ON v.document_id = d.id AND v.model = ?{_WINDOW}"
            " AND t.language = ? AND NOT EXISTS (SELECT 1 FROM labels l"
            "  WHERE l.document_id = d.id AND l.probability >= ?)"
            " ORDER BY d.effective_at, d.id",
            [model, to_text(start), to_text(end), language, weak],
        )
        return [
            ResidualStory(
                document_id=row["id"],
                source_id=row["source_id"],
                effective_at=from_text(row["effective_at"]),
                title=row["title"],
                text=row["text"] or row["title"],
                vector=row["vector"],
                assets=row["assets"],
                reach=row["reach"],
            )
            for row in found
        ]

    def all(self, language: str | None = None) -> list[Topic]:
        """Return the topics by id, of one language or of all."""
        only = "" if language is None else " WHERE language = ?"
        found = rows(
            self._db,
            f"SELECT {_TOPIC} FROM topics{only} ORDER BY id",
            [] if language is None else [language],
        )
        return [_topic(row) for row in found]

    def get(self, topic_id: str) -> Topic | None:
        """Return a topic; None when there is none of this id."""
        found = rows(self._db, f"SELECT {_TOPIC} FROM topics WHERE id = ?", [topic_id])
        return _topic(found[0]) if found else None

    def members(self, documents: Collection[str]) -> dict[str, TopicStory]:
        """Return the places of documents that have one, by document id."""
        found = rows(
            self._db,
            "SELECT topic_id, document_id, similarity, is_core, position, joined_on"
            " FROM topic_documents WHERE document_id IN (SELECT value FROM json_each(?))",
            [json.dumps(sorted(documents))],
        )
        return {row["document_id"]: _story(row) for row in found}

    def core_vectors(self, language: str, model: str) -> Iterator[tuple[str, bytes]]:
        """Yield topic id and vector of the last core stories of each topic that stands."""
        yield from (
            (row[0], bytes(row[1]))
            for row in self._db.execute(
                "SELECT topic_id, vector FROM (SELECT td.topic_id, v.vector,"
                " row_number() OVER (PARTITION BY td.topic_id"
                "  ORDER BY d.effective_at DESC, d.id) AS nth"
                " FROM topics t JOIN topic_documents td ON td.topic_id = t.id"
                " JOIN documents d ON d.id = td.document_id AND d.duplicate_of IS NULL"
                " JOIN vectors v ON v.document_id = td.document_id AND v.model = ?"
                " WHERE t.language = ? AND t.status <> 'merged' AND td.is_core = 1)"
                " WHERE nth <= ? ORDER BY topic_id, nth",
                [model, language, _CENTRE],
            )
        )

    def model_of(self, language: str, start: datetime, end: datetime) -> str | None:
        """Return the model that labelled most stories of a window; None without one."""
        found = self._db.execute(
            f"SELECT t.model{_STORIES}{_WINDOW} AND t.language = ? GROUP BY t.model"
            " ORDER BY count(*) DESC, t.model LIMIT 1",
            [to_text(start), to_text(end), language],
        ).fetchone()
        return None if found is None else str(found[0])

    def discoveries(self) -> list[Discovery]:
        """Return all runs, the first one first."""
        found = rows(self._db, f"SELECT {_DISCOVERY} FROM discoveries ORDER BY day, language")
        return [
            Discovery(
                **{
                    **row,
                    "day": date.fromisoformat(row["day"]),
                    "start": date.fromisoformat(row["start"]),
                }
            )
            for row in found
        ]

    def weeks(self, topic_id: str) -> list[TopicWeek]:
        """Return the windows of a topic, the first one first."""
        found = rows(
            self._db, f"SELECT {_WEEK} FROM topic_weeks WHERE topic_id = ? ORDER BY day", [topic_id]
        )
        return [_week(row) for row in found]

    # -- what discovery writes --------------------------------------------------------

    def save(self, topics: Sequence[Topic], *, run_id: str) -> None:
        """Write topics, or rewrite them in place; a person's decision is never overwritten."""
        columns = _TOPIC.split(", ")
        names = ", ".join(columns)
        for topic in topics:
            values = _values(topic, words=json.dumps(list(topic.words), ensure_ascii=False))
            self._db.execute(
                f"INSERT INTO topics ({names}, run_id) VALUES ({_marks(len(columns) + 1)})"
                " ON CONFLICT (id) DO UPDATE SET label = excluded.label, words = excluded.words,"
                " first_seen = min(first_seen, excluded.first_seen),"
                " status = CASE WHEN status IN ('accepted', 'dismissed') AND"
                " excluded.status <> 'merged' THEN status ELSE excluded.status END,"
                " parent_id = excluded.parent_id, proposed_on = excluded.proposed_on",
                [*(values[name] for name in columns), run_id],
            )

    def place(self, stories: Sequence[TopicStory], *, left: Sequence[str], run_id: str) -> None:
        """Write where documents belong, and take away the place of those that were left out."""
        self._db.conn.executemany(
            "DELETE FROM topic_documents WHERE document_id = ?", ([one] for one in left)
        )
        self._db.conn.executemany(
            "INSERT INTO topic_documents VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (document_id)"
            " DO UPDATE SET topic_id = excluded.topic_id, similarity = excluded.similarity,"
            " is_core = excluded.is_core, position = excluded.position,"
            " joined_on = excluded.joined_on, run_id = excluded.run_id",
            (
                [
                    *(one.document_id, one.topic_id, one.similarity, int(one.is_core)),
                    *(one.position, one.joined_on.isoformat(), run_id),
                ]
                for one in stories
            ),
        )

    def unrank(self, topics: Collection[str]) -> None:
        """Forget which stories represented these topics."""
        self._db.execute(
            "UPDATE topic_documents SET position = NULL WHERE position IS NOT NULL"
            " AND topic_id IN (SELECT value FROM json_each(?))",
            [json.dumps(sorted(topics))],
        )

    def keep(
        self,
        found: Discovery,
        weeks: Sequence[TopicWeek],
        changes: Sequence[TopicChange],
        *,
        run_id: str,
    ) -> None:
        """Write a run's figures, in place of those of an earlier run on the same day."""
        self._db.execute(
            "DELETE FROM topic_weeks WHERE day = ? AND topic_id IN"
            " (SELECT id FROM topics WHERE language = ?)",
            [found.day.isoformat(), found.language],
        )
        self._insert("discoveries", _DISCOVERY, [_values(found)], run_id)
        lacks = [_values(week, lacks=json.dumps(list(week.lacks))) for week in weeks]
        self._insert("topic_weeks", _WEEK, lacks, run_id)
        columns = "day, kind, topic_id, other_id, cosine, stories"
        self._insert("topic_changes", columns, [_values(one) for one in changes], run_id)

    def _insert(
        self, table: str, columns: str, records: Sequence[dict[str, Any]], run_id: str
    ) -> None:
        names = columns.split(", ")
        self._db.conn.executemany(
            f"INSERT OR REPLACE INTO {table} ({columns}, run_id) VALUES ({_marks(len(names) + 1)})",
            ([*(record[name] for name in names), run_id] for record in records),
        )

    def decide(
        self,
        topic_id: str,
        status: TopicStatus,
        *,
        now: datetime | None,
        narrative_id: str | None = None,
    ) -> None:
        """Write what a person decided; None for ``now`` takes a decision back."""
        with self._db.atomic():
            self._db.execute(
                "UPDATE topics SET status = ?, decided_at = ?, narrative_id = ? WHERE id = ?",
                [status, optional_text(now), narrative_id, topic_id],
            )

    # -- drift ------------------------------------------------------------------------

    def told(self, narrative_id: str, start: datetime, end: datetime) -> list[DriftStory]:
        """Return a narrative's stories of a window, in order of time, then id."""
        found = rows(
            self._db,
            "SELECT d.id, d.source_id, d.effective_at, d.title,"
            " (SELECT json_group_array(coalesce(e.asset_id, e.text)) FROM entities e"
            "  WHERE e.document_id = d.id) AS entities"
            " FROM documents d INDEXED BY documents_story_time"
            " WHERE d.duplicate_of IS NULL AND d.effective_at >= ? AND d.effective_at < ?"
            " AND EXISTS (SELECT 1 FROM labels l WHERE l.document_id = d.id"
            "  AND l.narrative_id = ?) ORDER BY d.effective_at, d.id",
            [to_text(start), to_text(end), narrative_id],
        )
        return [
            DriftStory(
                document_id=row["id"],
                source_id=row["source_id"],
                effective_at=from_text(row["effective_at"]),
                title=row["title"],
                entities=tuple(sorted(set(json.loads(row["entities"])))),
            )
            for row in found
        ]

    def has_drift(self, day: date) -> bool:
        """Return whether the drift up to a day was looked at."""
        sql = "SELECT 1 FROM narrative_drift WHERE day = ? LIMIT 1"
        return self._db.execute(sql, [day.isoformat()]).fetchone() is not None

    def keep_drift(self, drifts: Sequence[NarrativeDrift], *, run_id: str) -> None:
        """Write how narratives drifted, in place of what stands there for the same days."""
        for drift in drifts:
            key = [drift.day.isoformat(), drift.narrative_id, drift.kind]
            where = "day = ? AND narrative_id = ? AND kind = ?"
            for table in ("drift_terms", "narrative_drift"):
                self._db.execute(f"DELETE FROM {table} WHERE {where}", key)
            columns = "day, narrative_id, kind, start, stories, before, divergence, pvalue"
            self._insert("narrative_drift", columns, [_values(drift)], run_id)
            self._db.conn.executemany(
                "INSERT INTO drift_terms VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    [*key, one.term, one.stories, one.before, one.zscore, one.pvalue_adj]
                    for one in drift.terms
                ),
            )


def _values(record: Any, **replaced: Any) -> dict[str, Any]:
    """Return a record as values for SQL, some of them replaced."""
    values: dict[str, Any] = {**document_of(record), **replaced}
    return values


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def _topic(row: dict[str, Any]) -> Topic:
    return Topic(
        **{
            **row,
            "words": tuple((word, weight) for word, weight in json.loads(row["words"])),
            "first_seen": from_text(row["first_seen"]),
            "found_on": date.fromisoformat(row["found_on"]),
            "proposed_on": row["proposed_on"] and date.fromisoformat(row["proposed_on"]),
            "decided_at": row["decided_at"] and from_text(row["decided_at"]),
        }
    )


def _story(row: dict[str, Any]) -> TopicStory:
    joined = date.fromisoformat(row["joined_on"])
    return TopicStory(**{**row, "is_core": bool(row["is_core"]), "joined_on": joined})


def _week(row: dict[str, Any]) -> TopicWeek:
    day = date.fromisoformat(row["day"])
    return TopicWeek(**{**row, "day": day, "lacks": tuple(json.loads(row["lacks"]))})
