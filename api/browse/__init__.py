"""Tapestory's pages, as a Datasette plugin over a published snapshot.

Adds home, narrative, topic, asset, day, document, source and search pages beside Datasette's own
tables; reads only, speaks no SQL of its own but the canned queries, and renders every text
that was crawled as text. ``make_datasette`` in ``api.browse.app`` serves a snapshot.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from datasette import hookimpl

from api.browse.catalogue import load_queries
from api.browse.cells import linked
from api.browse.filters import FILTERS
from api.browse.headers import with_headers
from api.browse.reading import reading_only
from api.browse.routes import DATABASE, page_routes, unknown_address
from api.browse.spreadsheets import with_safe_cells

__all__ = [
    "asgi_wrapper",
    "canned_queries",
    "extra_css_urls",
    "extra_template_vars",
    "handle_exception",
    "menu_links",
    "prepare_jinja2_environment",
    "register_routes",
    "render_cell",
    "startup",
]


@hookimpl  # type: ignore[untyped-decorator]
def startup(datasette: Any) -> None:
    """Keep an unknown address a 404 where ``rich`` is installed."""
    # Datasette's handler of exceptions prints them with rich when it finds it (spaCy brings
    # it); outside an `except` block, as for an address of four segments that no route
    # matches, rich raises ValueError ("Value for 'trace' required") and the 404 becomes a
    # 500. Imported here because importing the module before `datasette.app` would leave
    # Datasette's own hook unregistered.
    from datasette import handle_exception

    handle_exception.rich = None


@hookimpl  # type: ignore[untyped-decorator]
def register_routes(datasette: Any) -> list[tuple[str, Callable[..., Awaitable[Any]]]]:
    """Return our pages, or none when this Datasette serves no Tapestory snapshot."""
    # The routes are read before `make_datasette` can attach the snapshot; it says so here.
    wanted = datasette.plugin_config("tapestory") or DATABASE in datasette.databases
    return page_routes() if wanted else []


@hookimpl  # type: ignore[untyped-decorator]
def handle_exception(datasette: Any, request: Any, exception: Exception) -> Any:
    """Say of an unknown address that it is one, in our own frame; the rest is Datasette's."""
    if getattr(exception, "status", None) != 404 or request.path.endswith(".json"):
        return None
    return lambda: unknown_address(datasette, request)


@hookimpl  # type: ignore[untyped-decorator]
def prepare_jinja2_environment(env: Any) -> None:
    """Add the filters that word numbers, days and links."""
    env.filters.update(FILTERS)


@hookimpl  # type: ignore[untyped-decorator]
def extra_template_vars(datasette: Any) -> dict[str, bool]:
    """Say whether this Datasette is ours, so that its own pages get our frame."""
    return {"serves_tapestory": DATABASE in datasette.databases}


@hookimpl  # type: ignore[untyped-decorator]
def render_cell(row: Any, column: str, table: str | None, database: str, datasette: Any) -> Any:
    """Link the ids in tables and queries to their pages."""
    return None if database != DATABASE else linked(row, column, table, datasette.urls.path)


@hookimpl  # type: ignore[untyped-decorator]
def canned_queries(datasette: Any, database: str) -> dict[str, dict[str, Any]]:
    """Return the queries of ``queries.toml`` for our database."""
    return load_queries() if database == DATABASE else {}


@hookimpl  # type: ignore[untyped-decorator]
def menu_links(datasette: Any) -> list[dict[str, str]]:
    """Link from Datasette's own pages to ours."""
    if DATABASE not in datasette.databases:
        return []
    return [
        {"href": datasette.urls.path("/"), "label": "Tapestory home"},
        {"href": datasette.urls.path("/search"), "label": "Search"},
        {"href": datasette.urls.path(f"/{DATABASE}"), "label": "Tables and queries"},
    ]


@hookimpl  # type: ignore[untyped-decorator]
def extra_css_urls(template: str | None, datasette: Any) -> list[str]:
    """Give Datasette's own pages our colours."""
    if (template or "").startswith("tapestory/"):
        return []
    return [datasette.urls.path("/-/tapestory/tables.css")]


@hookimpl  # type: ignore[untyped-decorator]
def asgi_wrapper() -> Callable[[Any], Any]:
    """Keep crawled text harmless, and refuse to be written to."""
    return lambda app: with_headers(reading_only(with_safe_cells(app)))
