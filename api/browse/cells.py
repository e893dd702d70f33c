"""Ids in the cells of Datasette's tables, as links to the pages that show what they name."""

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from api.browse.filters import segment

_PAGES = {
    "narrative_id": "narrative",
    "asset_id": "asset",
    "source_id": "source",
    "document_id": "document",
    "duplicate_of": "document",
    "nearest_id": "document",
    "topic_id": "topic",
    "other_id": "topic",
    "parent_id": "topic",
}
_OWN = {"narratives": "narrative", "assets": "asset", "sources": "source",
        "source_health": "source", "documents": "document", "stories": "document",
        "topics": "topic"}  # fmt: skip
# Only explained days have a page: those of these tables, and of queries that show a verdict.
_EXPLAINED = ("explanations", "moves", "suspects", "analogs")


def linked(
    row: Any, column: str, table: str | None, address: Callable[[str], str]
) -> Markup | None:
    """Return a link to the page that a cell names, or None where it names no page.

    Parameters
    ----------
    row : sqlite3.Row or mapping
        The whole row; a cell that Datasette has expanded is a mapping with its ``value``.
    table : str or None
        None in the result of a query.
    address : callable
        From a path to the address below the base of this Datasette.
    """
    value = row[column]
    if isinstance(value, dict):
        value = value["value"]
    if not isinstance(value, str) or not value:
        return None
    page = _PAGES.get(column)
    if page is None and column == "id" and table is not None:
        page = _OWN.get(table)
    if page is None and column == "date" and (table in _EXPLAINED or "verdict" in row.keys()):  # noqa: SIM118
        page = "day"
    if page is None:
        return None
    path = address(f"/{page}/{segment(value)}")
    return Markup('<a href="{}">{}</a>').format(path, value)
