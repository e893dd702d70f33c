"""A loopback server that shows the sample's outlets as they stood at an instant."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from crawler.sample.assets import sample_assets
from crawler.sample.formats import render
from crawler.sample.outlets import FOLDER, Outlet, outlets
from crawler.settings import CrawlSettings
from store.records import Asset, Source, SourceKind

# Before the New York close: what the day has said so far then counts for that session.
FIRST_NIGHT = datetime(2026, 1, 19, 20, 30, tzinfo=UTC)
NIGHTS = tuple(FIRST_NIGHT + timedelta(days=number) for number in range(21))
_PATHS = {
    "rss": "/{id}/feed.xml",
    "atom": "/{id}/atom.xml",
    "jsonfeed": "/{id}/feed.json",
    "mastodon": "/{id}/api/v1/timelines/tag/markets",
    "bluesky": "/xrpc/app.bsky.feed.getAuthorFeed",
}
_KINDS: dict[str, SourceKind] = {"mastodon": "mastodon", "bluesky": "bluesky"}


@dataclass(slots=True)
class SampleServer:
    """The running sample.

    Attributes
    ----------
    sources, assets : list
        Settings that read this server, and the shipped prices.
    nights : list of datetime
        The instants to crawl at, oldest first.
    base_dir : Path
        Folder of the shipped ``closes.csv``.
    hits : int
        Requests answered so far.
    """

    base_url: str
    sources: list[Source]
    assets: list[Asset]
    settings: CrawlSettings
    nights: list[datetime] = field(default_factory=lambda: list(NIGHTS))
    base_dir: Path = FOLDER
    hits: int = 0
    _until: datetime = FIRST_NIGHT

    def show_until(self, now: datetime) -> None:
        """Show what was published by an instant, and nothing later."""
        self._until = now

    def answer(self, path: str) -> tuple[str, bytes, datetime] | None:
        """Return content type, body and newest date of an address, or None."""
        outlet = _outlet_at(path)
        if outlet is None:
            return None
        pieces = outlet.page(self._until)
        newest = pieces[0].published_at if pieces else FIRST_NIGHT - timedelta(days=1)
        return *render(outlet, pieces), newest


def _outlet_at(path: str) -> Outlet | None:
    parts = urlsplit(path)
    for outlet in outlets():
        if parts.path != _PATHS[outlet.format].format(id=outlet.id):
            continue
        if outlet.format != "bluesky" or f"actor={outlet.id}.example" in parts.query.split("&"):
            return outlet
    return None


def _source(base_url: str, outlet: Outlet) -> Source:
    handle = f"{outlet.id}.example" if outlet.format == "bluesky" else None
    path = "" if handle else _PATHS[outlet.format].format(id=outlet.id)
    return Source(
        id=outlet.id,
        kind=_KINDS.get(outlet.format, "feed"),
        url=base_url + path,
        name=outlet.name,
        weight=outlet.weight,
        language=outlet.language,
        full_text=False,
        handle=handle,
    )


@contextmanager
def serve_sample() -> Iterator[SampleServer]:
    """Serve the sample on a free port of this machine while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    base_url = f"http://127.0.0.1:{server.server_address[1]}"
    sample = SampleServer(
        base_url=base_url,
        sources=[_source(base_url, outlet) for outlet in outlets()],
        assets=sample_assets(),
        settings=CrawlSettings(
            contact="https://example.org/about-this-crawler",
            allow_addresses=("127.0.0.0/8",),
            host_interval_s=0.0,
        ),
    )
    server.sample = sample  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield sample
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Answers GET with validators, and 304 to those who have the page."""

    protocol_version = "HTTP/1.1"
    # Headers and body in one packet: two would wait for each other's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        sample: SampleServer = self.server.sample  # type: ignore[attr-defined]
        sample.hits += 1
        found = sample.answer(self.path)
        if found is None:
            self._send(404, "text/plain", b"not found\n", {})
            return
        content_type, body, newest = found
        validators = {
            "ETag": f'"{blake2b(body, digest_size=8).hexdigest()}"',
            "Last-Modified": format_datetime(newest, usegmt=True),
        }
        if self.headers.get("If-None-Match") == validators["ETag"]:
            self._send(304, None, b"", validators)
        else:
            self._send(200, content_type, body, validators)

    def _send(
        self, status: int, content_type: str | None, body: bytes, headers: dict[str, str]
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if content_type is not None:
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: the crawl has a log of its own."""
