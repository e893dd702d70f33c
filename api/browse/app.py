"""A Datasette over one published snapshot, with our pages; ``serve`` and the tests share it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from api.browse.catalogue import load_metadata
from api.browse.routes import DATABASE
from store.publish import table_counts

SETTINGS = {
    "default_page_size": 50,
    "max_returned_rows": 2000,
    "sql_time_limit_ms": 3000,
    "facet_time_limit_ms": 400,
    # Suggestions run a query for every column of a table on every view of it.
    "suggest_facets": False,
    "default_facet_size": 12,
    # A snapshot holds the full texts of other people's articles: no one-click copy of it.
    "allow_download": False,
    "truncate_cells_html": 400,
    "default_cache_ttl": 5,
}
# To count a column of more rows takes longer than `facet_time_limit_ms` even from an index: such
# a facet would cost that time on every view of the table, and show nothing. It can be asked for.
_MOST_FACETED = 2_000_000


def make_datasette(snapshot: Path, **settings: Any) -> Any:
    """Return a Datasette that serves a snapshot, read-only, under the name ``tapestory``.

    Parameters
    ----------
    snapshot : Path
        A published snapshot; opened as immutable, so it must not be written to while served
        (publishing swaps a new file in and leaves the open one alone).
    settings
        Settings of Datasette that replace ours, e.g. ``base_url="/desk/"``.

    Returns
    -------
    datasette.app.Datasette
    """
    from datasette.app import Datasette
    from datasette.database import Database
    from datasette.plugins import pm

    from api import browse

    if not pm.is_registered(browse):  # not installed as an entry point, e.g. in tests
        pm.register(browse, name="tapestory")
    counts = table_counts(snapshot)
    datasette = Datasette(
        files=[],
        settings={**SETTINGS, **settings},
        metadata={
            **load_metadata()["instance"],
            "databases": {DATABASE: _described(counts)},
        },
        inspect_data=_inspected(snapshot, counts) if counts else None,
    )
    datasette.add_database(
        Database(datasette, path=str(snapshot.resolve()), is_mutable=False), name=DATABASE
    )
    datasette.remove_database("_memory")
    return datasette


def _described(counts: Mapping[str, int]) -> dict[str, Any]:
    """Return what is said of the tables, without facets where a table is too large for them."""
    described: dict[str, Any] = load_metadata()["database"]
    tables = {
        name: {key: value for key, value in table.items() if key != "facets"}
        if counts.get(name, 0) > _MOST_FACETED
        else table
        for name, table in described["tables"].items()
    }
    return {**described, "tables": tables}


def _inspected(snapshot: Path, counts: Mapping[str, int]) -> dict[str, Any]:
    """Return what Datasette else finds out by counting every table and hashing the file."""
    stat = snapshot.stat()
    return {
        DATABASE: {
            "hash": f"{stat.st_size:x}-{stat.st_mtime_ns:x}",
            "size": stat.st_size,
            "file": snapshot.name,
            "tables": {name: {"count": rows} for name, rows in counts.items()},
        }
    }
