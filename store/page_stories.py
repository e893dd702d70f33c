"""The queries behind the pages on text: what carries a narrative, and one document."""

import json
from collections.abc import Sequence

from store.rows import STORY, Connection, Row, first, rows

# The stance of a story is the probability-weighted majority over its passages, as in
# `store.frames`; only stories that count within the window are read (CROSS JOIN
# keeps SQLite from reading every label of the narrative instead).
_CARRIED = """
WITH votes AS MATERIALIZED (
  SELECT l.document_id, l.stance, sum(l.probability * l.stance_probability) AS vote,
    max(l.probability) AS top, max(l.is_causal_claim) AS claim
  FROM documents d INDEXED BY documents_story_time
    CROSS JOIN labels l ON l.document_id = d.id
  WHERE d.effective_at >= ? AND d.effective_at < ? AND d.duplicate_of IS NULL
    AND l.narrative_id = ?
  GROUP BY l.document_id, l.stance
), carried AS MATERIALIZED (
  SELECT * FROM (
    SELECT document_id, stance, max(top) OVER story AS probability,
      max(claim) OVER story AS causal,
      row_number() OVER (PARTITION BY document_id ORDER BY vote DESC, stance) AS nth
    FROM votes WINDOW story AS (PARTITION BY document_id)
  ) WHERE nth = 1
)
"""
_SUREST = "ORDER BY causal DESC, probability * stance_probability DESC, document_id, position"


class Stories:
    """Queries on ``documents``, ``passages``, ``labels`` and ``entities``."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    # -- one narrative in a window ----------------------------------------------------

    def top(self, narrative_id: str, window: tuple[str, str], limit: int = 10) -> list[Row]:
        """Return the stories that carry a narrative, the widest spread first."""
        return rows(
            self._db,
            f"{_CARRIED} SELECT {STORY}, c.stance, c.probability, c.causal FROM carried c"
            " JOIN documents d ON d.id = c.document_id JOIN sources s ON s.id = d.source_id"
            " ORDER BY reach DESC, c.causal DESC, c.probability DESC, d.id LIMIT ?",
            [*window, narrative_id, limit],
        )

    def outlets(self, narrative_id: str, window: tuple[str, str]) -> list[Row]:
        """Return the sources that carry a narrative, by stance, beside all their stories."""
        return rows(
            self._db,
            f"{_CARRIED} SELECT s.id, s.name, s.weight, count(*) AS stories,"
            " sum(c.stance = 'favor') AS favor, sum(c.stance = 'against') AS against,"
            " sum(c.stance = 'none') AS none, (SELECT count(*) FROM documents a"
            "  WHERE a.source_id = s.id AND a.duplicate_of IS NULL AND a.effective_at >= ?"
            "  AND a.effective_at < ?) AS all_stories"
            " FROM carried c JOIN documents d ON d.id = c.document_id"
            " JOIN sources s ON s.id = d.source_id GROUP BY s.id"
            " ORDER BY stories DESC, s.id LIMIT 25",
            [*window, narrative_id, *window],
        )

    def entities(self, narrative_id: str, window: tuple[str, str], limit: int = 18) -> list[Row]:
        """Return the names that occur in the most stories that carry a narrative."""
        return rows(
            self._db,
            f"{_CARRIED} SELECT max(e.text) AS text, max(e.label) AS label,"
            " max(e.asset_id) AS asset_id, count(DISTINCT e.document_id) AS stories FROM carried c"
            " JOIN entities e ON e.document_id = c.document_id GROUP BY lower(e.text)"
            " ORDER BY stories DESC, e.text LIMIT ?",
            [*window, narrative_id, limit],
        )

    def quotes(
        self, narrative_id: str, stance: str, window: tuple[str, str], limit: int = 5
    ) -> list[Row]:
        """Return the surest passages of a stance, claims of cause first.

        One for each story, and each wording once: a wire's sentence is one piece of evidence.
        """
        return rows(
            self._db,
            "WITH said AS (SELECT l.document_id, p.position, p.text AS quote, l.stance,"
            " l.probability, l.stance_probability, l.is_causal_claim AS causal, d.title, d.url,"
            " d.source_id, s.name AS source, d.published_at, d.effective_at"
            " FROM documents d INDEXED BY documents_story_time CROSS JOIN labels l"
            " ON l.document_id = d.id JOIN passages p ON p.id = l.passage_id"
            " JOIN sources s ON s.id = d.source_id"
            " WHERE d.effective_at >= ? AND d.effective_at < ? AND d.duplicate_of IS NULL"
            " AND l.narrative_id = ? AND l.stance = ?)"
            " SELECT document_id, position, quote, stance, probability, stance_probability,"
            " causal, title, url, source_id, source, published_at, effective_at FROM (SELECT *,"
            f" row_number() OVER (PARTITION BY document_id {_SUREST}) AS in_story,"
            f" row_number() OVER (PARTITION BY quote {_SUREST}) AS in_words FROM said)"
            " WHERE in_story = 1 AND in_words = 1"
            " ORDER BY causal DESC, probability * stance_probability DESC, document_id LIMIT ?",
            [*window, narrative_id, stance, limit],
        )

    # -- one document -----------------------------------------------------------------

    def document(self, document_id: str) -> Row | None:
        """Return one document with its source and how it was labelled, or None."""
        found = first(
            self._db,
            f"SELECT {STORY}, d.guid, d.canonical_url, d.text, d.first_seen_at, d.date_source,"
            " d.duplicate_of, d.is_partial, d.content_hash, d.engagement, d.run_id,"
            " d.withdrawn_at,"
            " t.outcome AS tagging, t.reason AS tagging_reason, t.model, t.taxonomy"
            " FROM documents d JOIN sources s ON s.id = d.source_id"
            " LEFT JOIN taggings t ON t.document_id = d.id WHERE d.id = ?",
            [document_id],
        )
        if found is not None and found["engagement"]:
            found["engagement"] = json.loads(found["engagement"])
        return found

    def passages(self, document_id: str) -> list[Row]:
        """Return the passages of a document in order, each with the list of its labels."""
        passages = rows(
            self._db,
            'SELECT id, position, part, start, "end", text FROM passages WHERE document_id = ?'
            " ORDER BY position",
            [document_id],
        )
        labels = rows(
            self._db,
            "SELECT l.passage_id, l.narrative_id, n.name AS narrative, l.probability, l.stance,"
            " l.stance_probability, l.is_causal_claim AS causal FROM labels l"
            " JOIN narratives n ON n.id = l.narrative_id WHERE l.document_id = ?"
            " ORDER BY l.probability DESC, l.narrative_id",
            [document_id],
        )
        for passage in passages:
            mine = [label for label in labels if label["passage_id"] == passage["id"]]
            passage["labels"] = [{k: v for k, v in x.items() if k != "passage_id"} for x in mine]
        return passages

    def copies(self, story_id: str) -> list[Row]:
        """Return the documents of a story, the original first."""
        return rows(
            self._db,
            f"SELECT {STORY}, d.duplicate_of FROM documents d JOIN sources s ON s.id = d.source_id"
            " WHERE d.id = ? OR d.duplicate_of = ? ORDER BY d.duplicate_of IS NOT NULL,"
            " d.effective_at, d.id LIMIT 50",
            [story_id, story_id],
        )

    def revisions(self, document_id: str) -> list[Row]:
        """Return the earlier versions of a document, newest first."""
        return rows(
            self._db,
            "SELECT seen_at, title, text FROM revisions WHERE document_id = ?"
            " ORDER BY seen_at DESC",
            [document_id],
        )

    def names_in(self, document_id: str) -> list[Row]:
        """Return the names found in a document, the most frequent first."""
        return rows(
            self._db,
            "SELECT text, label, asset_id, count FROM entities WHERE document_id = ?"
            " ORDER BY count DESC, text LIMIT 30",
            [document_id],
        )

    def positions(self, quotes: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """Return the position of the passage behind each ``(document_id, quote)``."""
        found: dict[tuple[str, str], int] = {}
        for document_id in sorted({document for document, _ in quotes}):
            for row in rows(
                self._db,
                "SELECT position, text FROM passages WHERE document_id = ? ORDER BY position",
                [document_id],
            ):
                found.setdefault((document_id, row["text"]), row["position"])
        return found

    def headers(self, ids: Sequence[str]) -> dict[str, Row]:
        """Return title and source of documents, by id."""
        marks = ", ".join("?" * len(ids))
        found = rows(
            self._db,
            f"SELECT {STORY} FROM documents d JOIN sources s ON s.id = d.source_id"
            f" WHERE d.id IN ({marks})",
            ids,
        )
        return {row["id"]: row for row in found}

    def naming(self, asset_id: str, limit: int = 15) -> list[Row]:
        """Return the newest stories that name an asset."""
        return rows(
            self._db,
            f"SELECT {STORY}, sum(e.count) AS mentions FROM entities e"
            " JOIN documents d ON d.id = e.document_id JOIN sources s ON s.id = d.source_id"
            " WHERE e.asset_id = ? AND d.duplicate_of IS NULL GROUP BY d.id"
            " ORDER BY d.effective_at DESC, d.id LIMIT ?",
            [asset_id, limit],
        )
