"""Full-text search as a person types it: words and quoted phrases, never operators."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from store.migrations.pages import HAS_UNSPACED, UNSPACED
from store.rows import STORY, Connection, Row, escape_like, rows

# Marks around a hit in a snippet; control characters never survive the cleaning of a text.
HIT_START, HIT_END = "\x01", "\x02"
_UNSPACED = re.compile(f"[{UNSPACED}]")
_WORDS = re.compile(r'"([^"]*)"|(\S+)')
_LIKE = "(title LIKE ? ESCAPE '\\' OR text LIKE ? ESCAPE '\\')"
MOST = 3_000
"""Hits that are looked at. What is found more often is judged by those that were stored last."""


class Search:
    """Search on ``documents``."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def find(
        self,
        text: str,
        *,
        newest: bool = False,
        copies: bool = False,
        limit: int = 20,
        offset: int = 0,
    ) -> Row:
        """Return documents that hold all words of a query, and how many there are.

        The words are data: FTS5 operators in them are searched for, not obeyed. A query
        with Chinese, Japanese, Korean or Thai characters is answered by ``LIKE``, since the
        index takes a whole run of such characters for one word. The index cuts a word of Tamil
        or Hindi at its vowel signs and forgets them, so its hits are compared with the text.

        Parameters
        ----------
        newest : bool
            Order by time instead of relevance.
        copies : bool
            List syndicated copies beside their originals.

        Returns
        -------
        dict
            ``words``, ``method``, ``documents``, and ``total``: how many were found. Of words
            with more than `MOST` hits those stored last are counted and ranked, and ``more``
            is True; ``newest`` orders all of them nevertheless.
        """
        words = words_of(text)
        if not words:
            return {"words": [], "total": 0, "more": False, "method": "none", "documents": []}
        if _UNSPACED.search(text):
            method, total, more = "like", self._count_like(words, copies), False
            numbers = self._like(words, copies, [limit, offset])
        else:
            method = "fts"
            look = self._newest if newest else self._ranked
            numbers, total, more = look(_matched(words), copies, limit, offset)
        page = self._cut(numbers, words, method)
        return {"words": words, "total": total, "more": more, "method": method, "documents": page}

    # -- full-text search -------------------------------------------------------------

    def _ranked(
        self, match: "_Match", copies: bool, limit: int, offset: int
    ) -> tuple[list[int], int, bool]:
        """Return the numbers of the best hits, how many there are, and whether there are more."""
        found = self._look(match, copies, "score", [limit, offset])
        numbers = [row["number"] for row in found if row["number"] is not None]
        return numbers, found[0]["total"], found[0]["hits"] > MOST

    def _newest(
        self, match: "_Match", copies: bool, limit: int, offset: int
    ) -> tuple[list[int], int, bool]:
        """Return the numbers of the newest hits, how many there are, and whether there are more.

        Numbers grow with the nights, but an archive that is imported later brings old
        documents with high numbers. So the last hit of the page, of those looked at, says back
        to when the documents with lower numbers must be looked at as well.
        """
        wanted = limit + offset
        found = self._look(match, copies, "at DESC", [wanted, 0])
        total, more, floor = found[0]["total"], found[0]["hits"] > MOST, found[0]["lowest"]
        page = [row for row in found if row["number"] is not None]
        if more:
            since = page[-1]["at"] if len(page) == wanted else ""
            (late,) = rows(
                self._db,
                "SELECT min(number) AS first, max(number) AS last FROM documents"
                " INDEXED BY documents_by_effective WHERE effective_at >= ? AND number < ?",
                [since, floor],
            )
            if late["first"] is not None:
                page += rows(
                    self._db,
                    f"SELECT d.number, d.id, d.effective_at AS at FROM documents_fts"
                    f" CROSS JOIN {_PLACES} ON d.number = documents_fts.rowid"
                    " WHERE documents_fts MATCH ? AND documents_fts.rowid BETWEEN ? AND ?"
                    f"{match.where}{_kept(copies)} ORDER BY d.effective_at DESC, d.id LIMIT ?",
                    [match.words, late["first"], late["last"], *match.values, wanted],
                )
                page.sort(key=lambda row: row["id"])
                page.sort(key=lambda row: row["at"], reverse=True)
        return [row["number"] for row in page[offset:wanted]], total, more

    def _look(self, match: "_Match", copies: bool, order: str, page: Sequence[int]) -> list[Row]:
        """Return some of the hits that were stored last, each with facts on all of them.

        Without hits there is one row, its number None. One pass through the index answers
        both how many there are and which come first.
        """
        score = "bm25(documents_fts)" if order == "score" else "NULL"
        return rows(
            self._db,
            f"WITH hit AS MATERIALIZED (SELECT rowid AS number, {score} AS score"
            f" FROM documents_fts WHERE documents_fts MATCH ?{match.where}"
            " ORDER BY rowid DESC LIMIT ?),"
            " story AS MATERIALIZED (SELECT d.number, d.id, d.effective_at AS at, hit.score"
            f" FROM hit CROSS JOIN {_PLACES} ON d.number = hit.number{_kept(copies)}),"
            f" page AS MATERIALIZED (SELECT * FROM story ORDER BY {order}, id LIMIT ? OFFSET ?)"
            " SELECT facts.*, page.number, page.id, page.at FROM (SELECT"
            " (SELECT count(*) FROM story) AS total, (SELECT count(*) FROM hit) AS hits,"
            " (SELECT min(number) FROM hit) AS lowest) AS facts LEFT JOIN page"
            f" ORDER BY page.{order}, page.id",
            [match.words, *match.values, MOST + 1, *page],
        )

    # -- scripts without spaces -------------------------------------------------------

    def _count_like(self, words: Sequence[str], copies: bool) -> int:
        where, values = _like_of(words, copies)
        (found,) = rows(
            self._db, f"SELECT count(*) AS n FROM {_UNSPACED_ONLY} WHERE {where}", values
        )
        return int(found["n"])

    def _like(self, words: Sequence[str], copies: bool, page: Sequence[int]) -> list[int]:
        where, values = _like_of(words, copies)
        found = rows(
            self._db,
            f"SELECT number FROM {_UNSPACED_ONLY} WHERE {where}"
            " ORDER BY effective_at DESC, id LIMIT ? OFFSET ?",
            [*values, *page],
        )
        return [row["number"] for row in found]

    # -- what is shown of a document --------------------------------------------------

    def _cut(self, numbers: Sequence[int], words: Sequence[str], method: str) -> list[Row]:
        """Return documents in the order of their numbers, each with a snippet of its text."""
        if not numbers:
            return []
        marks = ", ".join("?" * len(numbers))
        marked = [word for word in words if _has_marks(word)]
        if method == "fts" and not marked:
            snippet = f"snippet(documents_fts, 1, '{HIT_START}', '{HIT_END}', '…', 36)"
            found_in = "documents_fts JOIN documents d ON d.number = documents_fts.rowid"
            where, values = "documents_fts MATCH ? AND documents_fts.rowid", [match_of(words)]
        else:
            snippet = "substr(d.text, max(1, instr(d.text, ?) - 60), 220)"
            found_in, where, values = "documents d", "d.number", [(marked or words)[0]]
        found = rows(
            self._db,
            f"SELECT d.number, {STORY}, d.duplicate_of, {snippet} AS snippet FROM {found_in}"
            f" JOIN sources s ON s.id = d.source_id WHERE {where} IN ({marks})",
            [*values, *numbers],
        )
        by_number = {row.pop("number"): row for row in found}
        return [by_number[number] for number in numbers]

    def labels_of(self, ids: Sequence[str]) -> dict[str, list[Row]]:
        """Return the narratives that documents carry, by document, the surest first."""
        marks = ", ".join("?" * len(ids))
        found: dict[str, list[Row]] = {}
        for row in rows(
            self._db,
            "SELECT l.document_id, l.narrative_id, n.name, max(l.probability) AS probability"
            " FROM labels l JOIN narratives n ON n.id = l.narrative_id"
            f" WHERE l.document_id IN ({marks}) GROUP BY l.document_id, l.narrative_id"
            " ORDER BY probability DESC, l.narrative_id",
            ids,
        ):
            found.setdefault(row.pop("document_id"), []).append(row)
        return found


# What a hit is looked up for lies in this index; the row would cost the pages of its text.
_PLACES = "documents d INDEXED BY documents_by_number"

_UNSPACED_ONLY = "documents INDEXED BY documents_unspaced"


@dataclass(frozen=True, slots=True)
class _Match:
    """What the index is asked for, and a condition on the texts of its hits."""

    words: str
    where: str
    values: tuple[str, ...]


def _matched(words: Sequence[str]) -> _Match:
    marked = [f"%{escape_like(word)}%" for word in words if _has_marks(word)]
    held = " AND (documents_fts.title LIKE ? ESCAPE '\\' OR documents_fts.text LIKE ? ESCAPE '\\')"
    values = tuple(word for word in marked for _ in range(2))
    return _Match(match_of(words), held * len(marked), values)


def _has_marks(word: str) -> bool:
    """Return whether the index cuts a word at its marks; those of Latin letters it leaves out."""
    return any(
        unicodedata.category(letter) in ("Mn", "Mc") and not "\u0300" <= letter <= "\u036f"
        for letter in word
    )


def _kept(copies: bool) -> str:
    return "" if copies else " AND d.duplicate_of IS NULL"


def _like_of(words: Sequence[str], copies: bool) -> tuple[str, list[str]]:
    """Return the condition that all words occur, within the documents with such scripts."""
    where = " AND ".join([*[_LIKE] * len(words), HAS_UNSPACED])
    values = [f"%{escape_like(word)}%" for word in words for _ in range(2)]
    return where + ("" if copies else " AND duplicate_of IS NULL"), values


def words_of(text: str, most: int = 12) -> list[str]:
    """Return the words and quoted phrases of a query, those without a letter or digit left out."""
    # As texts are stored: a letter typed with a mark of its own is the composed one.
    normal = unicodedata.normalize("NFC", text)
    cleaned = "".join(" " if ord(letter) < 32 else letter for letter in normal)
    found = [phrase or word for phrase, word in _WORDS.findall(cleaned)]
    return [one.strip('"') for one in found if re.search(r"\w", one)][:most]


def match_of(words: Sequence[str]) -> str:
    """Return the FTS5 expression that finds all words, each quoted so that it is only text."""
    return " ".join('"' + word.replace('"', '""') + '"' for word in words)
