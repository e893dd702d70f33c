"""The canned queries and the notes on tables and columns that Datasette shows."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


@cache
def load_queries() -> dict[str, dict[str, Any]]:
    """Return the canned queries of ``queries.toml`` by name."""
    queries: dict[str, dict[str, Any]] = _load("queries.toml")["queries"]
    return queries


@cache
def load_metadata() -> dict[str, Any]:
    """Return titles, units, facets and sort orders of the tables, from ``tables.toml``."""
    return _load("tables.toml")


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads((_HERE / name).read_text(encoding="utf-8"))
