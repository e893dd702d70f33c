"""Documents in the encoder's space, and how near the nearest earlier story is."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from store.documents import batched
from store.instants import from_text, to_text
from store.records import Nearest, StoryVector

_STORIES = (
    " FROM documents d JOIN vectors v ON v.document_id = d.id AND v.model = ?"
    " JOIN taggings t ON t.document_id = d.id"
    " LEFT JOIN novelty n ON n.document_id = d.id AND n.model = v.model"
    " WHERE d.duplicate_of IS NULL"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomers:
    """Stories of one language whose nearest earlier story was not looked for yet."""

    language: str
    first: datetime
    last: datetime


class Vectors:
    """Queries on ``vectors`` and ``novelty``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def missing(
        self, model: str, languages: Collection[str]
    ) -> Iterator[tuple[str, str, list[str]]]:
        """Yield id, language and passages of labelled documents without a vector.

        The ids are read up front, so adding vectors while iterating is safe.
        """
        marks = ", ".join("?" * len(languages))
        found = dict(
            self._db.execute(
                "SELECT t.document_id, t.language FROM taggings t"
                " LEFT JOIN vectors v ON v.document_id = t.document_id AND v.model = t.model"
                f" WHERE t.model = ? AND t.outcome = 'tagged' AND t.language IN ({marks})"
                " AND v.document_id IS NULL AND EXISTS"
                " (SELECT 1 FROM passages p WHERE p.document_id = t.document_id)"
                " ORDER BY t.document_id",
                [model, *languages],
            ).fetchall()
        )
        for batch in batched(found, 500):
            texts: dict[str, list[str]] = {document: [] for document in batch}
            for document, text in self._db.execute(
                f"SELECT document_id, text FROM passages WHERE document_id IN"
                f" ({', '.join('?' * len(batch))}) ORDER BY document_id, position",
                batch,
            ).fetchall():
                texts[document].append(text)
            yield from ((document, found[document], texts[document]) for document in batch)

    def add(self, vectors: Mapping[str, bytes], model: str) -> None:
        """Store vectors by document id, in place of what stands there."""
        with self._db.atomic():
            save_vectors(self._db, vectors, model)

    def newcomers(self, model: str) -> list[Newcomers]:
        """Return by language which span of time holds stories without a row of ``novelty``."""
        return [
            Newcomers(language=row[0], first=from_text(row[1]), last=from_text(row[2]))
            for row in self._db.execute(
                "SELECT t.language, min(d.effective_at), max(d.effective_at)"
                f"{_STORIES} AND n.document_id IS NULL GROUP BY t.language ORDER BY t.language",
                [model],
            ).fetchall()
        ]

    def stories(
        self, model: str, language: str, start: datetime, end: datetime
    ) -> Iterator[StoryVector]:
        """Yield the stories of a language that count between two instants, in order of time.

        Both ends included; of one instant by id. Write only when all are read.
        """
        for row in self._db.execute(
            "SELECT d.id, d.effective_at, v.vector, n.document_id, n.nearest_7, n.nearest_30,"
            f" n.nearest_id{_STORIES} AND t.language = ? AND d.effective_at >= ?"
            " AND d.effective_at <= ? ORDER BY d.effective_at, d.id",
            [model, language, to_text(start), to_text(end)],
        ):
            yield StoryVector(
                document_id=row[0],
                effective_at=from_text(row[1]),
                vector=row[2],
                nearest=None if row[3] is None else _nearest(row[3:]),
            )

    def save_nearest(self, rows: Iterable[Nearest], model: str) -> None:
        """Store nearest earlier stories, in place of what stands there."""
        with self._db.atomic():
            self._db.conn.executemany(
                "INSERT OR REPLACE INTO novelty (document_id, model, nearest_7, nearest_30,"
                " nearest_id) VALUES (?, ?, ?, ?, ?)",
                (
                    [row.document_id, model, row.nearest_7, row.nearest_30, row.nearest_id]
                    for row in rows
                ),
            )


def save_vectors(db: Database, vectors: Mapping[str, bytes], model: str) -> None:
    """Store vectors by document id; call it inside a transaction."""
    db.conn.executemany(
        "INSERT INTO vectors (document_id, model, vector) VALUES (?, ?, ?)"
        " ON CONFLICT (document_id) DO UPDATE SET model = excluded.model, vector = excluded.vector"
        " WHERE (model, vector) IS NOT (excluded.model, excluded.vector)",
        ([document, model, vector] for document, vector in vectors.items()),
    )


def _nearest(row: Any) -> Nearest:
    return Nearest(document_id=row[0], nearest_7=row[1], nearest_30=row[2], nearest_id=row[3])
