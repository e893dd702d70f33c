"""The queries behind the pages on text: what carries a narrative, and one document."""

import json
from collections.abc import Sequence

from store.rows import STORY, Connection, Row, first, rows

_WINDOW = "narrative_id = ? AND effective_at >= ? AND effective_at < ?"
# The surest first; the place in the text decides between passages of one story alone.
_SUREST = "causal DESC, probability * stance_probability DESC, document_id, position"
_FIRST_LOOK = 64


class Stories:
    """Queries on ``documents``, ``passages``, ``labels`` and ``entities``."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    # -- one narrative in a window ----------------------------------------------------

    def top(self, narrative_id: str, window: tuple[str, str], limit: int = 10) -> list[Row]:
        """Return the stories that carry a narrative, the widest spread first."""
        order = "reach DESC, causal DESC, probability DESC"
        return rows(
            self._db,
            f"WITH c AS MATERIALIZED (SELECT * FROM story_stances WHERE {_WINDOW}"
            f" ORDER BY {order}, document_id LIMIT ?)"
            f" SELECT {STORY}, c.stance, c.probability, c.causal FROM c"
            " JOIN documents d ON d.id = c.document_id JOIN sources s ON s.id = d.source_id"
            " ORDER BY c.reach DESC, c.causal DESC, c.probability DESC, d.id",
            [narrative_id, *window, limit],
        )

    def outlets(self, narrative_id: str, window: tuple[str, str]) -> list[Row]:
        """Return the sources that carry a narrative, by stance, beside all their stories."""
        return rows(
            self._db,
            "WITH c AS MATERIALIZED (SELECT source_id, count(*) AS stories,"
            " sum(stance = 'favor') AS favor, sum(stance = 'against') AS against,"
            f" sum(stance = 'none') AS none FROM story_stances WHERE {_WINDOW}"
            " GROUP BY source_id ORDER BY stories DESC, source_id LIMIT 25)"
            " SELECT s.id, s.name, s.weight, c.stories, c.favor, c.against, c.none,"
            " (SELECT count(*) FROM documents a WHERE a.source_id = s.id"
            "  AND a.duplicate_of IS NULL AND a.effective_at >= ? AND a.effective_at < ?)"
            " AS all_stories FROM c JOIN sources s ON s.id = c.source_id"
            " ORDER BY c.stories DESC, s.id",
            [narrative_id, *window, *window],
        )

    def entities(self, narrative_id: str, window: tuple[str, str], limit: int = 18) -> list[Row]:
        """Return the names that occur in the most stories that carry a narrative."""
        return rows(
            self._db,
            f"WITH c AS MATERIALIZED (SELECT document_id FROM story_stances WHERE {_WINDOW})"
            " SELECT max(e.text) AS text, max(e.label) AS label, max(e.asset_id) AS asset_id,"
            " count(DISTINCT e.document_id) AS stories FROM c CROSS JOIN entities e"
            " ON e.document_id = c.document_id GROUP BY lower(e.text)"
            " ORDER BY stories DESC, e.text LIMIT ?",
            [narrative_id, *window, limit],
        )

    def quotes(
        self, narrative_id: str, stance: str, window: tuple[str, str], limit: int = 5
    ) -> list[Row]:
        """Return the surest passages of a stance, claims of cause first.

        One for each story, and each wording once: a wire's sentence is one piece of evidence.
        """
        # Texts are read of the few passages at the front alone: sooner or later `limit` of
        # them differ in story and wording, as a rule among the first.
        looked = _FIRST_LOOK
        while True:
            labels = self._surest(narrative_id, stance, window, looked)
            kept = _apart(labels)
            if len(kept) >= limit or len(labels) < looked:
                return self._attributed(kept[:limit])
            looked *= 8

    def _surest(
        self, narrative_id: str, stance: str, window: tuple[str, str], limit: int
    ) -> list[Row]:
        """Return the surest labels of a stance, each with the text of its passage."""
        return rows(
            self._db,
            "WITH said AS MATERIALIZED (SELECT document_id, position, stance, probability,"
            f" stance_probability, causal FROM story_labels WHERE {_WINDOW} AND stance = ?"
            f" ORDER BY {_SUREST} LIMIT ?)"
            " SELECT said.*, p.text AS quote FROM said CROSS JOIN passages p"
            " ON p.document_id = said.document_id AND p.position = said.position"
            f" ORDER BY {_SUREST.replace('document_id, position', 'said.document_id, p.position')}",
            [narrative_id, *window, stance, limit],
        )

    def _attributed(self, labels: Sequence[Row]) -> list[Row]:
        """Return quotes with what they are quoted from, in their order."""
        marks = ", ".join("?" * len(labels))
        found = rows(
            self._db,
            "SELECT d.id, d.title, d.url, d.source_id, s.name AS source, d.published_at,"
            " d.effective_at FROM documents d JOIN sources s ON s.id = d.source_id"
            f" WHERE d.id IN ({marks})",
            [label["document_id"] for label in labels],
        )
        by_id = {row.pop("id"): row for row in found}
        return [
            {**{column: label[column] for column in _QUOTED}, **by_id[label["document_id"]]}
            for label in labels
        ]

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
            "WITH m AS MATERIALIZED (SELECT document_id, effective_at, mentions FROM"
            " story_mentions WHERE asset_id = ? ORDER BY effective_at DESC, document_id LIMIT ?)"
            f" SELECT {STORY}, m.mentions FROM m JOIN documents d ON d.id = m.document_id"
            " JOIN sources s ON s.id = d.source_id ORDER BY d.effective_at DESC, d.id",
            [asset_id, limit],
        )


_QUOTED = (
    "document_id", "position", "quote", "stance", "probability", "stance_probability", "causal",
)  # fmt: skip


def _apart(labels: Sequence[Row]) -> list[Row]:
    """Return labels, the surest first, without those of a story or a wording seen before."""
    stories: set[str] = set()
    wordings: set[str] = set()
    kept = []
    for label in labels:
        if label["document_id"] not in stories and label["quote"] not in wordings:
            kept.append(label)
        stories.add(label["document_id"])
        wordings.add(label["quote"])
    return kept
