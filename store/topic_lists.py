"""Topics as a person reads them on the command line: lists, changes and quotes."""

import json
from typing import Any

from store.rows import Connection, Row, rows

_TOPIC = (
    "t.id, t.language, t.label, t.status, t.first_seen, t.found_on, t.proposed_on, t.decided_at,"
    " t.narrative_id, t.parent_id"
)
_WEEK = "w.trend, w.day, w.stories, w.sources, w.days, w.recent, w.before"
_LAST = (
    " LEFT JOIN topic_weeks w ON w.topic_id = t.id AND w.day ="
    " (SELECT max(day) FROM topic_weeks x WHERE x.topic_id = t.id)"
)


class TopicLists:
    """Queries on ``topics`` and their kin whose rows are given out as they are."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def listed(self, *, everything: bool = False) -> list[Row]:
        """Return topics with their last week, the newest first.

        Parameters
        ----------
        everything : bool
            Without it, those that a person should look at: candidates, and watched topics that
            are emerging or growing.
        """
        wanted = (
            ""
            if everything
            else " WHERE t.status = 'candidate'"
            " OR (t.status = 'watched' AND w.trend IN ('emerging', 'growing'))"
        )
        return rows(
            self._db,
            f"SELECT {_TOPIC}, {_WEEK} FROM topics t{_LAST}{wanted}"
            " ORDER BY coalesce(t.proposed_on, t.found_on) DESC, t.id DESC",
        )

    def shown(self, topic_id: str) -> Row | None:
        """Return one topic with its words, weeks, changes and quotes; None when unknown."""
        found = rows(self._db, f"SELECT {_TOPIC}, t.words FROM topics t WHERE t.id = ?", [topic_id])
        if not found:
            return None
        weeks = self._weeks(topic_id)
        words = [{"word": word, "score": score} for word, score in json.loads(found[0]["words"])]
        return {
            **found[0],
            "words": words,
            "trend": weeks[-1]["trend"] if weeks else None,
            "lacks": weeks[-1]["lacks"] if weeks else [],
            "weeks": weeks,
            "changes": self._changes(topic_id),
            "quotes": self.quotes(topic_id),
        }

    def _weeks(self, topic_id: str) -> list[Row]:
        found = rows(
            self._db,
            "SELECT day, stories, sources, days, reassigned, recent, before, share, top_source,"
            " market, stability, npmi, popularity, pvalue, trend, lacks FROM topic_weeks"
            " WHERE topic_id = ? ORDER BY day",
            [topic_id],
        )
        return [{**week, "lacks": json.loads(week["lacks"])} for week in found]

    def _changes(self, topic_id: str) -> list[Row]:
        """Return what became of a topic, and of others through it, the newest first."""
        return rows(
            self._db,
            "SELECT c.day, c.kind, c.topic_id, c.other_id, c.cosine, c.stories"
            " FROM topic_changes c WHERE c.topic_id = ? OR c.other_id = ?"
            " ORDER BY c.day DESC, c.kind, c.topic_id, c.other_id",
            [topic_id, topic_id],
        )

    def quotes(self, topic_id: str) -> list[Row]:
        """Return the stories that represent a topic, each with its first passage.

        A story without a text is quoted by its title. What its author deleted is left out.
        """
        return rows(
            self._db,
            "SELECT td.position, d.id AS document_id, d.title, coalesce((SELECT p.text"
            "  FROM passages p WHERE p.document_id = d.id AND p.part = 'text'"
            "  ORDER BY p.position LIMIT 1), d.title) AS quote, d.source_id, s.name AS source,"
            " d.published_at, d.effective_at, d.url FROM topic_documents td"
            " JOIN documents d ON d.id = td.document_id JOIN sources s ON s.id = d.source_id"
            " WHERE td.topic_id = ? AND td.position IS NOT NULL AND d.withdrawn_at IS NULL"
            " ORDER BY td.position, d.id",
            [topic_id],
        )

    def taken(self) -> set[str]:
        """Return the narrative ids that are, or once were, in use."""
        found: list[dict[str, Any]] = rows(
            self._db,
            "SELECT id FROM narratives UNION"
            " SELECT narrative_id FROM topics WHERE narrative_id IS NOT NULL",
        )
        return {row["id"] for row in found}
