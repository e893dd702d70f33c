"""One night of a crawl against the loopback server, and what it left in the database."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from crawler.run import crawl
from crawler.settings import CrawlSettings
from store import Store
from store.records import Source, SourceState, StageReport
from tests.server import RSS_TYPE, Answer, Behaviour, Handler, LocalServer

NOW = datetime(2026, 1, 30, 22, 30, tzinfo=UTC)  # a Friday
DAY = timedelta(days=1)


def local_feed(
    server: LocalServer, path: str = "/feed", name: str = "outlet", **more: Any
) -> Source:
    """Return a feed of the loopback server; its pages are not read unless asked for."""
    return Source(
        id=name,
        kind="feed",
        url=more.pop("url", server.url + path),
        full_text=more.pop("full_text", False),
        **more,
    )


def elsewhere(server: LocalServer) -> str:
    """Return the same server under the name of another host."""
    return server.url.replace("127.0.0.1", "localhost")


def night(
    store: Store,
    server: LocalServer,
    *sources: Source,
    nights: float = 0,
    only_due: bool = True,
    settings: CrawlSettings | None = None,
    **limits: float,
) -> StageReport:
    """Crawl once, so many nights after the first; without sources the feed at ``/feed``."""
    return crawl(
        store,
        sources or (local_feed(server),),
        now=NOW + nights * DAY,
        settings=settings or server.settings(**limits),
        only_due=only_due,
    )


def rows(store: Store, sql: str) -> list[Any]:
    """Return the rows of a query as tuples."""
    return [tuple(row) for row in store.db.execute(sql)]


def values(store: Store, sql: str) -> list[Any]:
    """Return the rows of a query; those of one column as plain values."""
    return [row[0] if len(row) == 1 else row for row in rows(store, sql)]


def state(store: Store, name: str = "outlet") -> SourceState:
    """Return what is remembered of a source."""
    return store.sources.states()[name]


def outcomes(store: Store, source_id: str | None = None) -> list[str]:
    """Return the outcome of every request, of one source or of all, in order."""
    found = rows(store, "SELECT outcome, source_id FROM fetches ORDER BY fetched_at, rowid")
    return [outcome for outcome, asked in found if source_id in {None, asked}]


def stored_bytes(folder: Path) -> bytes:
    """Return all bytes of the databases and other files below a folder."""
    return b"\0".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def raw(*pieces: bytes) -> Behaviour:
    """Write bytes as they are, then hang up."""

    def behave(handler: Handler) -> None:
        handler.close_connection = True
        try:
            for piece in pieces:
                handler.wfile.write(piece)
            handler.wfile.flush()
        except OSError:
            return

    return behave


def typed(body: bytes, content_type: str = RSS_TYPE, **headers: str) -> Answer:
    """Return a 200 of a content type."""
    return Answer(200, body, {"Content-Type": content_type, **headers})
