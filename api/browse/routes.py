"""From an address to a page: read, draw, render, or say in a sentence why not."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from markupsafe import Markup

from api import schemas
from api.browse import (
    alerts,
    asset,
    day,
    document,
    home,
    narrative,
    reports,
    search,
    source,
    topics,
)
from api.browse.errors import PageMovedError, PageNotFoundError
from api.browse.headers import PAGE_POLICY
from store.errors import NotFoundError, StoreError, TapestoryError
from store.pages import Pages
from store.rows import Kept

if TYPE_CHECKING:
    from api.report import ReportFormat

DATABASE = "tapestory"
TIME_LIMIT_MS = 5000
_ANSWERS: WeakKeyDictionary[Any, dict[Any, Any]] = WeakKeyDictionary()
_STATIC = Path(__file__).parent / "static"
_HTML = {"content-security-policy": PAGE_POLICY}

Params = Mapping[str, str]
Data = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One kind of page.

    Attributes
    ----------
    collect : callable
        ``(pages, id, query) -> data``; what it returns is the page's JSON, but for keys that
        start with an underscore.
    draw : callable or None
        ``data -> charts`` by name, only for HTML.
    """

    name: str
    pattern: str
    collect: Callable[[Pages, str, Params], Data]
    draw: Callable[[Data], dict[str, Markup]] | None = None


_ID = r"/(?P<id>[^/]+?)(?P<format>\.json)?$"
PAGES = (
    Page(
        name="home",
        pattern=r"/(?:home)?(?P<format>\.json)?$",
        collect=home.collect,
        draw=home.draw,
    ),
    Page(
        name="narrative",
        pattern=f"/narrative{_ID}",
        collect=narrative.collect,
        draw=narrative.draw,
    ),
    Page(name="asset", pattern=f"/asset{_ID}", collect=asset.collect, draw=asset.draw),
    Page(name="day", pattern=f"/day{_ID}", collect=day.collect, draw=day.draw),
    Page(name="document", pattern=f"/document{_ID}", collect=document.collect),
    Page(name="source", pattern=f"/source{_ID}", collect=source.collect, draw=source.draw),
    Page(name="alerts", pattern=r"/alerts(?P<format>\.json)?$", collect=alerts.collect),
    Page(name="alert", pattern=f"/alert{_ID}", collect=alerts.collect_one),
    Page(
        name="topics",
        pattern=r"/topics(?P<format>\.json)?$",
        collect=topics.collect,
        draw=topics.draw,
    ),
    Page(
        name="topic",
        pattern=f"/topic{_ID}",
        collect=topics.collect_one,
        draw=topics.draw_one,
    ),
    Page(name="reports", pattern=r"/reports(?P<format>\.json)?$", collect=reports.collect),
    Page(name="search", pattern=r"/search(?P<format>\.json)?$", collect=search.collect),
)


def page_routes() -> list[tuple[str, Callable[..., Awaitable[Any]]]]:
    """Return the routes of the pages and of the style sheets."""
    return [
        *((page.pattern, _view(page)) for page in PAGES),
        (_SHEET, _style_sheet),
        (_SCHEMA, _schema),
        (alerts.FEED, _feed),
        (reports.REPORT, _report),
    ]


def _view(page: Page) -> Callable[..., Awaitable[Any]]:
    async def view(request: Any, datasette: Any) -> Any:
        from datasette import Response

        wanted = request.url_vars
        as_json = bool(wanted["format"])
        try:
            data, charts = await _read(page, request, datasette, draw=not as_json)
        except PageMovedError as moved:
            return Response.redirect(datasette.urls.path(moved.path))
        except PageNotFoundError as error:
            return await _refusal(datasette, request, 404, error, as_json=as_json)
        except StoreError as error:
            return await _refusal(datasette, request, 503, error, as_json=as_json)
        if as_json:
            public = {key: value for key, value in data.items() if not key.startswith("_")}
            return _json(datasette, page.name, {"ok": True, **public})
        body = await datasette.render_template(
            f"tapestory/{page.name}.html",
            {**_frame(request), "page": page.name, "data": data, "charts": charts},
            request=request,
        )
        return Response.html(body, headers=dict(_HTML))

    return view


async def unknown_address(datasette: Any, request: Any) -> Any:
    """Return the 404 of an address that is no page, no table and no query."""
    error = PageNotFoundError(
        f"There is nothing at {request.path!r}.", [(f"/{DATABASE}", "Tables and queries")]
    )
    return await _refusal(datasette, request, 404, error, as_json=False)


async def _read(
    page: Page, request: Any, datasette: Any, *, draw: bool
) -> tuple[Data, dict[str, Markup]]:
    wanted = unquote(request.url_vars.get("id") or "")
    query = {key: request.args[key] for key in request.args}

    database = datasette.get_database(DATABASE)
    # Served as immutable: what one page found holds for the next.
    answers = _ANSWERS.setdefault(database, {})

    def read(connection: Any) -> tuple[Data, dict[str, Markup]]:
        from datasette.utils import sqlite_timelimit

        with sqlite_timelimit(connection, TIME_LIMIT_MS):
            data = page.collect(Pages(Kept(connection, answers)), wanted, query)
        return data, page.draw(data) if draw and page.draw else {}

    found: tuple[Data, dict[str, Markup]] = await database.execute_fn(read)
    return found


async def _refusal(
    datasette: Any, request: Any, status: int, error: Exception, *, as_json: bool
) -> Any:
    """Say what could not be shown and what can be; never a traceback."""
    from datasette import Response

    links = getattr(error, "links", ())
    if as_json:
        refused = {"ok": False, "status": status, "error": str(error)}
        return _json(datasette, "refusal", refused, status)
    body = await datasette.render_template(
        "tapestory/refusal.html",
        {
            **_frame(request),
            "page": "refusal",
            "data": {},
            "status": status,
            "message": str(error),
            "links": links,
        },
        request=request,
    )
    return Response.html(body, status=status, headers=dict(_HTML))


def _frame(request: Any) -> Data:
    """Return what the base template needs of the request."""
    path = request.scope.get("route_path") or request.path
    query = f"?{request.query_string}" if request.query_string else ""
    return {
        "json_path": f"{'/home' if path == '/' else path}.json{query}",
        "sheet_version": sheet_version(),
    }


def _json(datasette: Any, name: str, value: Data, status: int = 200) -> Any:
    from datasette import Response

    return Response(
        json.dumps(value, ensure_ascii=False, indent=1),
        status=status,
        headers={**_HTML, "link": _described_by(datasette, name)},
        content_type="application/json; charset=utf-8",
    )


def _described_by(datasette: Any, name: str) -> str:
    """Return the header that leads from an answer to its schema (RFC 8288)."""
    return f'<{datasette.urls.path(f"/-/tapestory/schema/{name}.json")}>; rel="describedby"'


async def _feed(request: Any, datasette: Any) -> Any:
    from datasette import Response

    site = datasette.absolute_url(request, datasette.urls.path("/")).rstrip("/")
    try:
        text = await datasette.get_database(DATABASE).execute_fn(
            lambda connection: alerts.feed_of(Pages(connection), site)
        )
    except StoreError as error:
        return Response.text(f"{error}\n", status=503)
    return Response(text, content_type="application/atom+xml; charset=utf-8")


async def _report(request: Any, datasette: Any) -> Any:
    from datasette import Response

    kind: ReportFormat = request.url_vars["kind"] or "html"
    week = unquote(request.url_vars["week"])
    snapshot = Path(datasette.get_database(DATABASE).path)
    try:
        body = await asyncio.to_thread(reports.render, snapshot, week, kind)
    except PageNotFoundError as error:
        return await _refusal(datasette, request, 404, error, as_json=kind == "json")
    except TapestoryError as error:
        return await _refusal(datasette, request, 503, error, as_json=kind == "json")
    headers = dict(_HTML)
    if kind == "pdf":
        headers["content-disposition"] = f'inline; filename="narratives-{week}.pdf"'
    if kind == "json":
        headers["link"] = _described_by(datasette, "report")
    return Response(body, headers=headers, content_type=reports.TYPES[kind])


_SCHEMA = r"/-/tapestory/schema/(?P<name>[^/]+?)\.json$"


async def _schema(request: Any, datasette: Any) -> Any:
    from datasette import Response

    try:
        found = schemas.schema(unquote(request.url_vars["name"]))
    except NotFoundError as error:
        return await _refusal(datasette, request, 404, error, as_json=True)
    return Response(
        json.dumps(found, ensure_ascii=False, indent=1),
        headers={"cache-control": "max-age=3600"},
        content_type="application/schema+json",
    )


# Style sheets have an address of ours: Datasette's own for plugins depends on how the plugin
# was installed.
_SHEET = r"/-/tapestory/(?P<name>tapestory|tables)\.css$"


async def _style_sheet(request: Any) -> Any:
    from datasette import Response

    return Response(
        _sheet(request.url_vars["name"]),
        headers={"cache-control": "max-age=3600"},
        content_type="text/css; charset=utf-8",
    )


@cache
def _sheet(name: str) -> str:
    return (_STATIC / f"{name}.css").read_text(encoding="utf-8")


@cache
def sheet_version() -> str:
    """Return a short digest of the style sheet, so that a new one is fetched at once."""
    return blake2b(_sheet("tapestory").encode(), digest_size=4).hexdigest()
