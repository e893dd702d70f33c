"""Documents and their revisions."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlite_utils import Database

from store.alerts import forget_alert_quotes
from store.errors import NotFoundError
from store.instants import from_text, optional_instant, optional_text, to_text
from store.records import MAX_REVISIONS, Document, PageWait
from store.results import forget_quotes

_COLUMNS = (
    "id, source_id, guid, entry_key, url, canonical_url, title, text, author, language,"
    " published_at, first_seen_at, effective_at, date_source, duplicate_of, is_partial,"
    " content_hash, engagement"
)
# What holds a document's words, or what can be read back from them.
_WORDS = ("revisions", "labels", "passages", "entities", "taggings", "vectors", "novelty")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """What the crawl needs to know of a stored document.

    Attributes
    ----------
    text_length : int
        Characters of its text where ``wait`` is set, else 0.
    wait : PageWait or None
        The page behind its link is to be asked for again.
    """

    document_id: str
    source_id: str
    entry_key: str
    guid: str | None
    canonical_url: str | None
    content_hash: str
    title: str
    revisions: int
    published_at: datetime | None
    engagement: Mapping[str, int]
    is_withdrawn: bool
    url: str | None
    text_length: int
    is_partial: bool
    wait: PageWait | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DedupeRow:
    """What the search for copies needs to know of a stored document."""

    id: str
    source_id: str
    title: str
    text: str
    language: str | None
    published_at: datetime | None
    effective_at: datetime
    duplicate_of: str | None


class Documents:
    """Queries on ``documents`` and ``revisions``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def known(
        self,
        source_id: str,
        *,
        keys: Iterable[str] = (),
        urls: Iterable[str] = (),
        ids: Iterable[str] = (),
    ) -> dict[str, StoredKey]:
        """Return a source's documents with one of these keys, addresses or ids, by entry key."""
        found: dict[str, StoredKey] = {}
        for column, values in (("entry_key", keys), ("canonical_url", urls), ("id", ids)):
            for batch in batched(values, 500):
                marks = ", ".join("?" * len(batch))
                where = f"d.source_id = ? AND d.{column} IN ({marks})"
                for key in self._keys(where, [source_id, *batch]):
                    found[key.entry_key] = key
        return found

    def waiting(self, source_id: str) -> dict[str, StoredKey]:
        """Return a source's documents whose pages are to be asked for again, by entry key."""
        # By their ids, which are few; the plus keeps SQLite from reading all of the source's.
        where = "+d.source_id = ? AND d.id IN (SELECT document_id FROM page_waits)"
        return {key.entry_key: key for key in self._keys(where, [source_id])}

    def between(self, source_id: str, first: datetime, last: datetime) -> dict[str, StoredKey]:
        """Return a source's documents that it dates between two instants, by entry key.

        Those alone that came since the settings last made it another listing.
        """
        # The date that counts is indexed, and never before a stated one that is believed.
        where = (
            "d.source_id = ? AND d.effective_at > ? AND d.published_at > ? AND d.published_at < ?"
            " AND d.first_seen_at >"
            " (SELECT coalesce(s.listed_after, '') FROM sources s WHERE s.id = d.source_id)"
        )
        given = [source_id, to_text(first), to_text(first), to_text(last)]
        return {key.entry_key: key for key in self._keys(where, given)}

    def by_url(self, canonical_urls: Iterable[str]) -> dict[str, list[StoredKey]]:
        """Return the stored documents at canonical addresses, of any source."""
        found: dict[str, list[StoredKey]] = {}
        for batch in batched(canonical_urls, 500):
            marks = ", ".join("?" * len(batch))
            for key in self._keys(f"d.canonical_url IN ({marks})", batch):
                found.setdefault(key.canonical_url or "", []).append(key)
        return found

    def titles(self, ids: Iterable[str]) -> dict[str, set[str]]:
        """Return every title that documents have had, past revisions included, by id."""
        found: dict[str, set[str]] = {}
        for batch in batched(ids, 500):
            marks = ", ".join("?" * len(batch))
            for row in self._db.execute(
                f"SELECT id, title FROM documents WHERE id IN ({marks}) UNION"
                f" SELECT document_id, title FROM revisions WHERE document_id IN ({marks})",
                [*batch, *batch],
            ):
                found.setdefault(row[0], set()).add(row[1])
        return found

    def _keys(self, where: str, values: Sequence[str]) -> Iterator[StoredKey]:
        for row in self._db.query(
            "SELECT d.id, d.source_id, d.entry_key, d.guid, d.canonical_url, d.content_hash,"
            " d.title, d.published_at, d.engagement, d.withdrawn_at, d.url, d.is_partial,"
            " w.attempts, w.tried_at,"
            " (SELECT count(*) FROM revisions r WHERE r.document_id = d.id) AS revisions,"
            # Texts are long and many: only those that a page may replace are measured.
            " CASE WHEN w.attempts IS NULL THEN 0 ELSE length(d.text) END AS text_length"
            " FROM documents d LEFT JOIN page_waits w ON w.document_id = d.id"
            f" WHERE {where}",
            list(values),
        ):
            yield StoredKey(
                document_id=row["id"],
                source_id=row["source_id"],
                entry_key=row["entry_key"],
                guid=row["guid"],
                canonical_url=row["canonical_url"],
                content_hash=row["content_hash"],
                title=row["title"],
                revisions=row["revisions"],
                published_at=optional_instant(row["published_at"]),
                engagement=json.loads(row["engagement"]) if row["engagement"] else {},
                is_withdrawn=row["withdrawn_at"] is not None,
                url=row["url"],
                text_length=row["text_length"],
                is_partial=bool(row["is_partial"]),
                wait=None
                if row["attempts"] is None
                else PageWait(attempts=row["attempts"], tried_at=from_text(row["tried_at"])),
            )

    def add(self, documents: Sequence[Document], run_id: str) -> int:
        """Insert documents that are not yet stored; return how many were."""
        marks = ", ".join("?" * 19)
        with self._db.atomic():
            cursor = self._db.conn.executemany(
                f"INSERT INTO documents ({_COLUMNS}, run_id) VALUES ({marks})"
                " ON CONFLICT DO NOTHING",
                ([*_values(document), run_id] for document in documents),
            )
        return max(cursor.rowcount, 0)

    def rekey(self, document_id: str, *, entry_key: str, guid: str | None) -> None:
        """Give a document the key under which its feed lists it now; its id stays."""
        with self._db.atomic():
            self._db.execute(
                "UPDATE documents SET entry_key = ?, guid = ? WHERE id = ?",
                [entry_key, guid, document_id],
            )

    def set_wait(self, document_id: str, wait: PageWait | None) -> None:
        """Remember that a document's page is to be asked for again, or with None that it is not."""
        with self._db.atomic():
            if wait is None:
                self._db.execute("DELETE FROM page_waits WHERE document_id = ?", [document_id])
                return
            self._db.execute(
                "INSERT OR REPLACE INTO page_waits (document_id, attempts, tried_at)"
                " VALUES (?, ?, ?)",
                [document_id, wait.attempts, to_text(wait.tried_at)],
            )

    def revise(
        self,
        document_id: str,
        *,
        title: str,
        text: str,
        content_hash: str,
        seen_at: datetime,
        is_partial: bool | None = None,
        author: str | None = None,
    ) -> bool:
        """Replace a document's text and keep the old one as a revision.

        ``is_partial`` None leaves that mark as it is. ``author`` is that of a deleted document
        which comes back; any other keeps the one that it has. Returns False, and changes
        nothing, once a document has ``MAX_REVISIONS``.
        """
        with self._db.atomic():
            (count,) = self._db.execute(
                "SELECT count(*) FROM revisions WHERE document_id = ?", [document_id]
            ).fetchone()
            if count >= MAX_REVISIONS:
                return False
            self._db.execute(
                "INSERT OR IGNORE INTO revisions SELECT id, ?, title, text FROM documents"
                " WHERE id = ? AND withdrawn_at IS NULL",
                [to_text(seen_at), document_id],
            )
            self._db.execute(
                "UPDATE documents SET title = ?, text = ?, content_hash = ?,"
                " is_partial = coalesce(?, is_partial), withdrawn_at = NULL,"
                " author = CASE WHEN withdrawn_at IS NULL THEN author ELSE ? END WHERE id = ?",
                [title, text, content_hash, is_partial, author, document_id],
            )
        return True

    def withdraw(self, ids: Iterable[str], at: datetime) -> int:
        """Forget the words of documents whose authors deleted them; return how many.

        The row stays with its dates, so that past counts still add up; title, text, author,
        revisions, passages, labels, entities, vector and what explanations quote of it go. The
        earliest copy that others have of it stands for the story from then on.
        """
        withdrawn = 0
        with self._db.atomic():
            for document_id in ids:
                withdrawn += self._db.execute(
                    "UPDATE documents SET title = '', text = '', author = NULL,"
                    " content_hash = '', withdrawn_at = ?"
                    " WHERE id = ? AND withdrawn_at IS NULL",
                    [to_text(at), document_id],
                ).rowcount
                for table in _WORDS:
                    self._db.execute(f"DELETE FROM {table} WHERE document_id = ?", [document_id])
                forget_quotes(self._db, document_id)
                forget_alert_quotes(self._db, document_id)
                self._hand_on(document_id)
        return withdrawn

    def _hand_on(self, document_id: str) -> None:
        """Give the copies of a document a new first one: else their story would not count."""
        copies = [
            row[0]
            for row in self._db.execute(
                "SELECT id FROM documents WHERE duplicate_of = ? AND withdrawn_at IS NULL"
                " ORDER BY effective_at, coalesce(published_at, effective_at), id",
                [document_id],
            ).fetchall()
        ]
        if copies:
            self.set_duplicates({copies[0]: None, **dict.fromkeys(copies[1:], copies[0])})

    def set_engagement(self, counts: Mapping[str, Mapping[str, int]]) -> None:
        """Replace the counts of documents by what their platform says now."""
        with self._db.atomic():
            for document_id, engagement in counts.items():
                self._db.execute(
                    "UPDATE documents SET engagement = ? WHERE id = ?",
                    [json.dumps(dict(engagement), sort_keys=True), document_id],
                )

    def recent_for_dedupe(self, since: datetime) -> Iterator[DedupeRow]:
        """Yield documents that count from ``since`` on, oldest first.

        In the order of the comparison: by the date that counts, the stated date, the id.
        """
        for row in self._db.query(
            "SELECT id, source_id, title, text, language, published_at, effective_at,"
            " duplicate_of FROM documents WHERE effective_at >= ? AND withdrawn_at IS NULL"
            " ORDER BY effective_at, coalesce(published_at, effective_at), id",
            [to_text(since)],
        ):
            yield DedupeRow(
                id=row["id"],
                source_id=row["source_id"],
                title=row["title"],
                text=row["text"],
                language=row["language"],
                published_at=optional_instant(row["published_at"]),
                effective_at=from_text(row["effective_at"]),
                duplicate_of=row["duplicate_of"],
            )

    def title_and_text(self, document_id: str) -> tuple[str, str]:
        """Return a stored document's title and text."""
        title, text = self._db.execute(
            "SELECT title, text FROM documents WHERE id = ?", [document_id]
        ).fetchone()
        return title, text

    def set_duplicates(self, earliest: Mapping[str, str | None]) -> int:
        """Mark documents as copies of the first of their story, or as none; return rows changed."""
        changed = 0
        with self._db.atomic():
            for document_id, first in sorted(earliest.items()):
                changed += self._db.execute(
                    "UPDATE documents SET duplicate_of = ? WHERE id = ? AND duplicate_of IS NOT ?",
                    [first, document_id, first],
                ).rowcount
        return changed

    def get(self, document_id: str) -> Document:
        """Return one document.

        Raises
        ------
        NotFoundError
            When no document has this id.
        """
        found = self.get_many([document_id])
        if not found:
            raise NotFoundError(f"no document {document_id!r}: look it up with /search")
        return found[0]

    def get_many(self, ids: Iterable[str]) -> list[Document]:
        """Return the documents that exist, in the order of their ids."""
        found: list[Document] = []
        for batch in batched(ids, 500):
            marks = ", ".join("?" * len(batch))
            found += map(
                document_of,
                self._db.query(
                    f"SELECT {_COLUMNS} FROM documents WHERE id IN ({marks}) ORDER BY id", batch
                ),
            )
        return found

    def count(self) -> int:
        """Return the number of stored documents, copies included."""
        (number,) = self._db.execute("SELECT count(*) FROM documents").fetchone()
        return int(number)


def batched(values: Iterable[str], size: int) -> Iterator[list[str]]:
    """Yield lists of at most ``size`` values: SQLite bounds the parameters of a statement."""
    rest = iter(values)
    while batch := list(islice(rest, size)):
        yield batch


def _values(document: Document) -> list[Any]:
    return [
        document.id,
        document.source_id,
        document.guid,
        document.entry_key,
        document.url,
        document.canonical_url,
        document.title,
        document.text,
        document.author,
        document.language,
        optional_text(document.published_at),
        to_text(document.first_seen_at),
        to_text(document.effective_at),
        document.date_source,
        document.duplicate_of,
        int(document.is_partial),
        document.content_hash,
        json.dumps(dict(document.engagement), sort_keys=True) if document.engagement else None,
    ]


def document_of(row: Mapping[str, Any]) -> Document:
    """Return the record of a row that has all columns of ``documents``."""
    return Document(
        id=row["id"],
        source_id=row["source_id"],
        guid=row["guid"],
        entry_key=row["entry_key"],
        url=row["url"],
        canonical_url=row["canonical_url"],
        title=row["title"],
        text=row["text"],
        author=row["author"],
        language=row["language"],
        published_at=optional_instant(row["published_at"]),
        first_seen_at=from_text(row["first_seen_at"]),
        effective_at=from_text(row["effective_at"]),
        date_source=row["date_source"],
        content_hash=row["content_hash"],
        duplicate_of=row["duplicate_of"],
        is_partial=bool(row["is_partial"]),
        engagement=json.loads(row["engagement"]) if row["engagement"] else {},
    )
