"""Rows of a query as plain dicts, from a connection of ours or of Datasette's."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from store.errors import StoreError

Row = dict[str, Any]

STORY = (
    "d.id, d.source_id, s.name AS source, d.title, CASE WHEN trim(d.title) <> '' THEN d.title"
    " WHEN d.withdrawn_at IS NOT NULL THEN 'deleted by its author'"
    " WHEN length(d.text) > 80 THEN substr(d.text, 1, 80) || '…' ELSE d.text END AS heading,"
    " d.url, d.author, d.language, d.published_at, d.effective_at,"
    " (SELECT count(*) FROM documents c WHERE c.duplicate_of = d.id) + 1 AS reach"
)
"""Columns of a story in a list; ``d`` is its document and ``s`` its source.

``heading`` is the title or, for an untitled post, the start of the text.
"""


class Connection(Protocol):
    """What the queries of the pages need: ``sqlite3`` and ``sqlite_utils`` both have it."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Any:
        """Run one statement and return its cursor."""


class Kept:
    """A connection to a file that never changes: it remembers what every page asks for.

    Parameters
    ----------
    db : Connection
        Where to ask.
    answers : dict
        What was asked before, shared by all connections to the same file. It is emptied when
        it is full: the few answers that many pages share are soon in it again.
    """

    def __init__(self, db: Connection, answers: dict[Any, list[Row]]) -> None:
        self._db = db
        self.answers = answers

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Any:
        """Run one statement and return its cursor."""
        return self._db.execute(sql, parameters)


_MOST_KEPT = 250


def kept_rows(db: Connection, sql: str, values: Sequence[Any] = ()) -> list[Row]:
    """Return the rows of a query that many pages ask in the same words; see ``Kept``.

    Raises
    ------
    StoreError
        As :func:`rows`.
    """
    if not isinstance(db, Kept):
        return rows(db, sql, values)
    key = (sql, *values)
    found = db.answers.get(key)
    if found is None:
        found = rows(db, sql, values)
        if len(db.answers) >= _MOST_KEPT:
            db.answers.clear()
        db.answers[key] = found
    return [dict(row) for row in found]  # pages add to their rows


def rows(db: Connection, sql: str, values: Iterable[Any] = ()) -> list[Row]:
    """Return the rows of a query, each a dict by column name.

    Raises
    ------
    StoreError
        When the query cannot be run, or was stopped because it took too long.
    """
    try:
        cursor = db.execute(sql, tuple(values))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            raise StoreError(
                "the query was stopped because it took too long: ask for a shorter period"
                " or fewer words"
            ) from error
        raise StoreError(
            f"a query of the pages failed ({error}): run 'tapestory doctor'"
        ) from error


def first(db: Connection, sql: str, values: Iterable[Any] = ()) -> Row | None:
    """Return the first row of a query, or None."""
    found = rows(db, sql, values)
    return found[0] if found else None


def escape_like(text: str) -> str:
    """Return a text in which ``LIKE`` with a backslash as escape finds no wildcard."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
