"""The queries behind the report's sections on topics: what discovery knew in a week."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from store.instants import from_text, optional_instant, to_text
from store.records import Discovery, DriftTerm, NarrativeDrift, Topic, TopicChange, TopicWeek
from store.rows import Connection, Row, rows

_DISCOVERY = (
    "day, language, start, stories, residual, core, reassigned, outliers, topics, agreement, kept,"
    " npmi, diversity, model, seed"
)
_TOPIC = (
    "t.id, t.language, t.label, t.words, t.first_seen, t.found_on, t.status, t.parent_id,"
    " t.proposed_on, t.decided_at, t.narrative_id"
)
_WEEK = (
    "w.topic_id, w.day, w.stories, w.sources, w.days, w.reassigned, w.recent, w.before, w.share,"
    " w.top_source, w.market, w.stability, w.npmi, w.popularity, w.pvalue, w.trend, w.lacks"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicsOfWeek:
    """What the runs of discovery in a week left, and nothing of later ones.

    Attributes
    ----------
    runs : sequence of Discovery
        Of each language the newest run in the week; empty where there was none.
    topics : sequence of (Topic, TopicWeek)
        Each topic in the window of its language's run. Label, words and status are those of
        today, the figures those of the run.
    merged : mapping of topic id to date
        Topics that became part of another, whenever that was.
    first : mapping of language to date
        Last day of the very first window.
    changes : sequence of TopicChange
        Of the week, until the newest run.
    labels : mapping of topic id to label
        Of the topics that the changes name.
    drifts : sequence of NarrativeDrift
        Of the newest day in the week that has any.
    """

    runs: Sequence[Discovery]
    topics: Sequence[tuple[Topic, TopicWeek]]
    merged: Mapping[str, date]
    first: Mapping[str, date]
    changes: Sequence[TopicChange]
    labels: Mapping[str, str]
    drifts: Sequence[NarrativeDrift]


class TopicWeeks:
    """Queries of the weekly report on topics and drift.

    Parameters
    ----------
    db : Connection
        A ``sqlite_utils.Database`` or a bare ``sqlite3.Connection``; it is only read.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def of_week(self, first: date, last: date) -> TopicsOfWeek:
        """Return what the runs whose window ended between two days found, both included."""
        runs = self._runs(first, last)
        changes = self._changes(first, max((run.day for run in runs), default=first))
        named = {id_ for one in changes for id_ in (one.topic_id, one.other_id)}
        return TopicsOfWeek(
            runs=runs,
            topics=[pair for run in runs for pair in self._topics(run)],
            merged=self._days("topic_id, min(day)", "topic_changes WHERE kind = 'merge'"),
            first=self._days("language, min(day)", "discoveries"),
            changes=changes,
            labels=self._labels(named),
            drifts=self._drifts(first, last),
        )

    def quotes(self, topic_ids: Collection[str], start: date, day: date) -> list[Row]:
        """Return the core stories of topics in a window, of each topic the nearest first.

        Columns: ``topic_id, document_id, source_id, title, quote, url, published_at``; the quote
        is the title, or the start of an untitled text, whose ``title`` is empty.

        Parameters
        ----------
        day : date
            Last day of the window; a story that came to the topic later is left out.
        """
        end = datetime.combine(day + timedelta(days=1), time(), UTC)
        found = rows(
            self._db,
            "SELECT p.topic_id, d.id AS document_id, d.source_id, trim(d.title) AS title,"
            " iif(trim(d.title) <> '', d.title, substr(d.text, 1, 280)) AS quote, d.url,"
            " d.published_at FROM topic_documents p JOIN documents d ON d.id = p.document_id"
            " WHERE p.topic_id IN (SELECT value FROM json_each(?)) AND p.is_core"
            " AND p.joined_on <= ? AND d.effective_at >= ? AND d.effective_at < ?"
            " AND d.withdrawn_at IS NULL"
            " ORDER BY p.topic_id, p.position IS NULL, p.position, p.similarity DESC, d.id",
            [
                json.dumps(sorted(topic_ids)),
                day.isoformat(),
                to_text(datetime.combine(start, time(), UTC)),
                to_text(end),
            ],
        )
        return [row | {"published_at": optional_instant(row["published_at"])} for row in found]

    def _runs(self, first: date, last: date) -> list[Discovery]:
        found = rows(
            self._db,
            f"SELECT {_DISCOVERY} FROM discoveries d WHERE day = (SELECT max(day) FROM discoveries"
            " WHERE language = d.language AND day BETWEEN ? AND ?)"
            " ORDER BY residual DESC, language",
            [first.isoformat(), last.isoformat()],
        )
        return [Discovery(**(row | _dates(row, "day", "start"))) for row in found]

    def _topics(self, run: Discovery) -> list[tuple[Topic, TopicWeek]]:
        where = [run.day.isoformat(), run.language]
        joined = (
            "FROM topic_weeks w JOIN topics t ON t.id = w.topic_id"
            " WHERE w.day = ? AND t.language = ? ORDER BY t.id"
        )
        topics = rows(self._db, f"SELECT {_TOPIC} {joined}", where)
        weeks = rows(self._db, f"SELECT {_WEEK} {joined}", where)
        return [(_topic(one), _week(week)) for one, week in zip(topics, weeks, strict=True)]

    def _changes(self, first: date, last: date) -> list[TopicChange]:
        found = rows(
            self._db,
            "SELECT day, kind, topic_id, other_id, cosine, stories FROM topic_changes"
            " WHERE day BETWEEN ? AND ? ORDER BY stories DESC, topic_id, kind, other_id",
            [first.isoformat(), last.isoformat()],
        )
        return [TopicChange(**(row | _dates(row, "day"))) for row in found]

    def _labels(self, topic_ids: Collection[str]) -> dict[str, str]:
        found = rows(
            self._db,
            "SELECT id, label FROM topics WHERE id IN (SELECT value FROM json_each(?))",
            [json.dumps(sorted(topic_ids))],
        )
        return {row["id"]: row["label"] for row in found}

    def _days(self, columns: str, table: str) -> dict[str, date]:
        found = self._db.execute(f"SELECT {columns} FROM {table} GROUP BY 1")
        return {row[0]: date.fromisoformat(row[1]) for row in found}

    def _drifts(self, first: date, last: date) -> list[NarrativeDrift]:
        day = (
            "(SELECT max(day) FROM narrative_drift WHERE day BETWEEN ? AND ?)"
            " ORDER BY narrative_id, kind"
        )
        days = [first.isoformat(), last.isoformat()]
        terms: dict[tuple[str, str], list[DriftTerm]] = {}
        for row in rows(
            self._db,
            "SELECT narrative_id, kind, term, stories, before, zscore, pvalue_adj FROM drift_terms"
            f" WHERE day = {day}, abs(zscore) DESC, term",
            days,
        ):
            terms.setdefault((row.pop("narrative_id"), row.pop("kind")), []).append(
                DriftTerm(**row)
            )
        found = rows(
            self._db,
            "SELECT day, narrative_id, kind, start, stories, before, divergence, pvalue"
            f" FROM narrative_drift WHERE day = {day}",
            days,
        )
        return [
            NarrativeDrift(
                **(row | _dates(row, "day", "start")),
                terms=tuple(terms.get((row["narrative_id"], row["kind"]), ())),
            )
            for row in found
        ]


def _dates(row: Row, *columns: str) -> dict[str, Any]:
    return {column: row[column] and date.fromisoformat(row[column]) for column in columns}


def _topic(row: Row) -> Topic:
    return Topic(
        **(
            row
            | _dates(row, "found_on", "proposed_on")
            | {
                "words": tuple((word, weight) for word, weight in json.loads(row["words"])),
                "first_seen": from_text(row["first_seen"]),
                "decided_at": optional_instant(row["decided_at"]),
            }
        )
    )


def _week(row: Row) -> TopicWeek:
    return TopicWeek(**(row | _dates(row, "day") | {"lacks": tuple(json.loads(row["lacks"]))}))
