"""Full-text search as a person types it: words and quoted phrases, never operators."""

import re
from collections.abc import Sequence

from store.rows import STORY, Connection, Row, escape_like, rows

# Marks around a hit in a snippet; control characters never survive the cleaning of a text.
HIT_START, HIT_END = "\x01", "\x02"
# Scripts that are written without spaces: `unicode61` indexes a whole run of them as one word.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f]"
)
_WORDS = re.compile(r'"([^"]*)"|(\S+)')
_LIKE = "(d.title LIKE ? ESCAPE '\\' OR d.text LIKE ? ESCAPE '\\')"


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
        index takes a whole run of such characters for one word.

        Parameters
        ----------
        newest : bool
            Order by time instead of relevance.
        copies : bool
            List syndicated copies beside their originals.
        """
        words = words_of(text)
        if not words:
            return {"words": [], "total": 0, "method": "none", "documents": []}
        kept = "" if copies else " AND d.duplicate_of IS NULL"
        if _UNSPACED.search(text):
            method, order = "like", "d.effective_at DESC"
            found_in = "documents d"
            where = " AND ".join([_LIKE] * len(words))
            values = [f"%{escape_like(word)}%" for word in words for _ in range(2)]
        else:
            method, order = "fts", "d.effective_at DESC" if newest else "documents_fts.rank"
            found_in = "documents_fts JOIN documents d ON d.number = documents_fts.rowid"
            where = "documents_fts MATCH ?"
            values = [match_of(words)]
        chosen = f"FROM {found_in} WHERE {where}{kept}"
        (total,) = rows(self._db, f"SELECT count(*) AS n {chosen}", values)
        # A snippet costs far more than a place in the order: only those of one page are cut.
        numbers = rows(
            self._db,
            f"SELECT d.number {chosen} ORDER BY {order}, d.id LIMIT ? OFFSET ?",
            [*values, limit, offset],
        )
        page = self._cut([row["number"] for row in numbers], words, method)
        return {"words": words, "total": total["n"], "method": method, "documents": page}

    def _cut(self, numbers: Sequence[int], words: Sequence[str], method: str) -> list[Row]:
        """Return documents in the order of their numbers, each with a snippet of its text."""
        if not numbers:
            return []
        marks = ", ".join("?" * len(numbers))
        if method == "fts":
            snippet = f"snippet(documents_fts, 1, '{HIT_START}', '{HIT_END}', '…', 36)"
            found_in = "documents_fts JOIN documents d ON d.number = documents_fts.rowid"
            where, values = "documents_fts MATCH ? AND documents_fts.rowid", [match_of(words)]
        else:
            snippet = "substr(d.text, max(1, instr(d.text, ?) - 60), 220)"
            found_in, where, values = "documents d", "d.number", [words[0]]
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


def words_of(text: str, most: int = 12) -> list[str]:
    """Return the words and quoted phrases of a query, those without a letter or digit left out."""
    cleaned = "".join(" " if ord(letter) < 32 else letter for letter in text)
    found = [phrase or word for phrase, word in _WORDS.findall(cleaned)]
    return [one.strip('"') for one in found if re.search(r"\w", one)][:most]


def match_of(words: Sequence[str]) -> str:
    """Return the FTS5 expression that finds all words, each quoted so that it is only text."""
    return " ".join('"' + word.replace('"', '""') + '"' for word in words)
