"""The queries behind the pages on topics, and on how the telling of a narrative moved."""

import json
from collections.abc import Collection, Sequence

from store.rows import STORY, Connection, Row, first, kept_rows, rows

PLACES = """
SELECT t.topic_id, d.effective_at, t.document_id, d.source_id, t.is_core, t.similarity
FROM topic_documents t JOIN documents d ON d.id = t.document_id"""
"""The stories of topics with their time: in the snapshot, the rows of ``topic_stories``."""

_LINE = (
    "t.id, t.language, t.label, t.status, t.first_seen, t.found_on, t.proposed_on, t.decided_at,"
    " t.narrative_id"
)
_WEEK = (
    "day, stories, sources, days, reassigned, recent, before, share, top_source, market,"
    " stability, npmi, popularity, pvalue, trend, lacks"
)
_RUN = (
    "day, language, start, stories, residual, core, reassigned, outliers, topics, agreement, kept,"
    " npmi, diversity, model, seed"
)
_DECIDED = 40


class Discovered:
    """Queries on ``topics`` and their kin, and on ``narrative_drift``.

    A file from before there were topics answers as one in which nothing was discovered.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    # -- all topics -------------------------------------------------------------------

    def last_runs(self) -> list[Row]:
        """Return the last run of each language, the one with the most stories first."""
        if not self._is_there():
            return []
        return kept_rows(
            self._db,
            f"SELECT {_RUN} FROM discoveries d WHERE day = (SELECT max(day) FROM discoveries x"
            " WHERE x.language = d.language) ORDER BY stories DESC, language",
        )

    def run_days(self) -> list[str]:
        """Return the last days of all windows, the newest first."""
        if not self._is_there():
            return []
        found = kept_rows(self._db, "SELECT DISTINCT day FROM discoveries ORDER BY day DESC")
        return [row["day"] for row in found]

    def now(self) -> list[Row]:
        """Return the topics that a reader looks through, each with its last ``week``.

        Those with a row of the last run of their language, the candidates, and the ones that were
        decided last; those that are part of another are left out. The most popular first.
        """
        if not self._is_there():
            return []
        found = kept_rows(
            self._db,
            "WITH last AS (SELECT language, max(day) AS day FROM discoveries GROUP BY language),"
            " wanted AS (SELECT w.topic_id AS id FROM last r"
            "  CROSS JOIN topic_weeks w ON w.day = r.day CROSS JOIN topics t ON t.id = w.topic_id"
            "  WHERE t.language = r.language UNION SELECT id FROM topics"
            "  WHERE status = 'candidate' UNION SELECT id FROM (SELECT id FROM topics"
            "  WHERE status IN ('accepted', 'dismissed') ORDER BY decided_at DESC, id LIMIT ?))"
            f" SELECT {_LINE}, {_named('w', _WEEK)} FROM wanted JOIN topics t ON t.id = wanted.id"
            " LEFT JOIN topic_weeks w ON w.topic_id = t.id AND w.day = (SELECT max(day)"
            "  FROM topic_weeks x WHERE x.topic_id = t.id) WHERE t.status <> 'merged'"
            " ORDER BY w.popularity DESC, t.id",
            [_DECIDED],
        )
        return [_with_week(row) for row in found]

    def recent(self, ids: Collection[str], days: Sequence[str]) -> dict[str, dict[str, int]]:
        """Return the stories of the seven days up to each of some days, by topic and day."""
        if not ids:
            return {}
        found = rows(
            self._db,
            "SELECT w.topic_id, w.day, w.recent FROM json_each(?) one CROSS JOIN json_each(?) at"
            " CROSS JOIN topic_weeks w ON w.topic_id = one.value AND w.day = at.value",
            [json.dumps(sorted(ids)), json.dumps(list(days))],
        )
        counts: dict[str, dict[str, int]] = {id_: {} for id_ in ids}
        for row in found:
            counts[row["topic_id"]][row["day"]] = row["recent"]
        return counts

    def headlines(self, ids: Collection[str]) -> dict[str, Row]:
        """Return the first representative story of topics that have one, by topic."""
        if not ids:
            return {}
        found = rows(
            self._db,
            f"SELECT wanted.value AS topic_id, {STORY} FROM json_each(?) wanted"
            " CROSS JOIN documents d ON d.id = (SELECT p.document_id FROM topic_documents p"
            "  JOIN documents o ON o.id = p.document_id WHERE p.topic_id = wanted.value"
            "  AND p.position > 0 AND o.withdrawn_at IS NULL ORDER BY p.position LIMIT 1)"
            " JOIN sources s ON s.id = d.source_id",
            [json.dumps(sorted(ids))],
        )
        return {row.pop("topic_id"): row for row in found}

    # -- one topic --------------------------------------------------------------------

    def topic(self, topic_id: str) -> Row | None:
        """Return one topic, its words parsed; None when unknown."""
        if not self._is_there():
            return None
        found = first(
            self._db, f"SELECT {_LINE}, t.words, t.parent_id FROM topics t WHERE t.id = ?",
            [topic_id],
        )  # fmt: skip
        if found is not None:
            found["words"] = json.loads(found["words"])
        return found

    def near(self, topic_id: str, limit: int = 6) -> list[Row]:
        """Return the topics whose ids come next before and after one."""
        if not self._is_there():
            return []
        half = "SELECT * FROM (SELECT id, label FROM topics WHERE id {} ? ORDER BY id {} LIMIT ?)"
        return rows(
            self._db,
            f"{half.format('<', 'DESC')} UNION ALL {half.format('>', 'ASC')} ORDER BY id",
            [topic_id, limit, topic_id, limit],
        )

    def weeks(self, topic_id: str) -> list[Row]:
        """Return the windows of a topic, the first one first."""
        found = rows(
            self._db, f"SELECT {_WEEK} FROM topic_weeks WHERE topic_id = ? ORDER BY day", [topic_id]
        )
        return [{**row, "lacks": json.loads(row["lacks"])} for row in found]

    def changes(self, topic_id: str) -> list[Row]:
        """Return what became of a topic, and of others through it, the newest first.

        With the labels of both topics.
        """
        return rows(
            self._db,
            "SELECT c.day, c.kind, c.topic_id, t.label, c.other_id, o.label AS other_label,"
            " c.cosine, c.stories FROM topic_changes c JOIN topics t ON t.id = c.topic_id"
            " JOIN topics o ON o.id = c.other_id WHERE c.topic_id = ? OR c.other_id = ?"
            " ORDER BY c.day DESC, c.kind, c.topic_id, c.other_id",
            [topic_id, topic_id],
        )

    def family(self, topic_id: str, parent_id: str | None) -> list[Row]:
        """Return the parent of a topic and those whose parent it is: ``id, label, status``."""
        return rows(
            self._db,
            "SELECT id, label, status FROM topics WHERE id = ? OR parent_id = ?"
            " ORDER BY id = ? DESC, id",
            [parent_id, topic_id, parent_id],
        )

    def representative(self, topic_id: str, limit: int = 5) -> list[Row]:
        """Return the stories that represent a topic, each with a ``quote``.

        The quote is the first passage of its text or, where only a headline is stored, the title.
        """
        return rows(
            self._db,
            f"SELECT {STORY}, p.position, p.similarity, coalesce((SELECT a.text FROM passages a"
            "  WHERE a.document_id = d.id AND a.part = 'text' ORDER BY a.position LIMIT 1),"
            "  d.title) AS quote FROM topic_documents p JOIN documents d ON d.id = p.document_id"
            " JOIN sources s ON s.id = d.source_id WHERE p.topic_id = ? AND p.position > 0"
            " AND d.withdrawn_at IS NULL ORDER BY p.position LIMIT ?",
            [topic_id, limit],
        )

    def stories(self, topic_id: str, *, limit: int, offset: int) -> list[Row]:
        """Return a page of the stories of a topic, the newest first."""
        return rows(
            self._db,
            "WITH c AS MATERIALIZED (SELECT document_id, is_core, similarity"
            f" FROM {self._places()} WHERE topic_id = ?"
            " ORDER BY effective_at DESC, document_id DESC LIMIT ? OFFSET ?)"
            f" SELECT {STORY}, c.is_core, c.similarity FROM c"
            " CROSS JOIN documents d ON d.id = c.document_id JOIN sources s ON s.id = d.source_id"
            " ORDER BY d.effective_at DESC, d.id DESC",
            [topic_id, limit, offset],
        )

    def outlets(self, topic_id: str) -> list[Row]:
        """Return who told a topic: ``id, name, stories, core``, the most first."""
        return rows(
            self._db,
            "WITH c AS MATERIALIZED (SELECT source_id, count(*) AS stories, sum(is_core) AS core"
            f" FROM {self._places()} WHERE topic_id = ? GROUP BY source_id)"
            " SELECT s.id, s.name, c.stories, c.core FROM c JOIN sources s ON s.id = c.source_id"
            " ORDER BY c.stories DESC, s.id",
            [topic_id],
        )

    # -- topics of other things -------------------------------------------------------

    def place(self, document_id: str) -> Row | None:
        """Return the topic of a story with its place in it, or None."""
        if not self._is_there():
            return None
        return first(
            self._db,
            "SELECT t.id, t.label, t.status, p.similarity, p.is_core, p.joined_on"
            " FROM topic_documents p JOIN topics t ON t.id = p.topic_id WHERE p.document_id = ?",
            [document_id],
        )

    def behind(self, narrative_id: str) -> list[Row]:
        """Return the topics that a narrative came of: ``id, label, decided_at``."""
        if not self._is_there():
            return []
        found = kept_rows(
            self._db,
            "SELECT id, label, decided_at, narrative_id FROM topics WHERE narrative_id IS NOT NULL"
            " ORDER BY decided_at, id",
        )
        return [
            {key: row[key] for key in ("id", "label", "decided_at")}
            for row in found
            if row["narrative_id"] == narrative_id
        ]

    def drift(self, narrative_id: str) -> list[Row]:
        """Return how a narrative's telling moved up to the last day looked at, with ``terms``.

        In the order word, entity, outlet; the terms that rose first, the surest at both ends.
        """
        if not self._is_there():
            return []
        found = rows(
            self._db,
            "SELECT day, kind, start, stories, before, divergence, pvalue FROM narrative_drift"
            " WHERE day = (SELECT max(day) FROM narrative_drift) AND narrative_id = ?"
            " ORDER BY CASE kind WHEN 'word' THEN 0 WHEN 'entity' THEN 1 ELSE 2 END",
            [narrative_id],
        )
        for row in found:
            row["terms"] = rows(
                self._db,
                "SELECT x.term, coalesce(s.name, a.name) AS name, x.stories, x.before, x.zscore,"
                " x.pvalue_adj FROM drift_terms x"
                " LEFT JOIN sources s ON x.kind = 'outlet' AND s.id = x.term"
                " LEFT JOIN assets a ON x.kind = 'entity' AND a.id = x.term"
                " WHERE x.day = ? AND x.narrative_id = ? AND x.kind = ?"
                " ORDER BY x.zscore DESC, x.term",
                [row["day"], narrative_id, row["kind"]],
            )
        return found

    # -- what the file knows ------------------------------------------------------------

    def _is_there(self) -> bool:
        """Return whether the file knows topics: an older snapshot does not."""
        return "topics" in self._tables()

    def _places(self) -> str:
        return "topic_stories" if "topic_stories" in self._tables() else f"({PLACES})"

    def _tables(self) -> set[str]:
        found = kept_rows(
            self._db,
            "SELECT name FROM sqlite_master WHERE type = 'table'"
            " AND name IN ('topics', 'topic_stories')",
        )
        return {row["name"] for row in found}


def _named(alias: str, columns: str) -> str:
    """Return columns of a table under names of their own: ``w.day AS week_day``."""
    return ", ".join(f"{alias}.{name} AS week_{name}" for name in columns.split(", "))


def _with_week(row: Row) -> Row:
    """Put the columns of a week together; None for a topic without any."""
    week = {name: row.pop(f"week_{name}") for name in _WEEK.split(", ")}
    if week["day"] is not None:
        week["lacks"] = json.loads(week["lacks"])
    return {**row, "week": week if week["day"] is not None else None}
