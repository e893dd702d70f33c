"""A loopback server whose paths are named after how they behave."""

import gzip
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from crawler.settings import CrawlSettings, Limits

RSS_TYPE = "application/rss+xml; charset=utf-8"


def rss(
    *items: tuple[str, str, str], head: str = "", base: str = "https://outlet.example"
) -> bytes:
    """Return an RSS feed of (guid, title, text); the date is in January 2026."""
    entries = "".join(
        f"<item><guid>{guid}</guid><title>{title}</title><link>{base}/{guid}</link>"
        f"<pubDate>Fri, 30 Jan 2026 10:00:00 GMT</pubDate><description>{text}</description></item>"
        for guid, title, text in items
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>t</title>'
        f"<link>{base}/</link>{head}{entries}</channel></rss>"
    ).encode()


@dataclass
class Answer:
    """What a path answers."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": RSS_TYPE})


Behaviour = Callable[["Handler"], Answer | None]


@dataclass
class LocalServer:
    """The running server; ``answers`` may be changed while it runs."""

    url: str
    port: int
    answers: dict[str, Answer | Behaviour]
    hits: Counter[str] = field(default_factory=Counter)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def settings(self, **limits: float) -> CrawlSettings:
        """Return settings that may ask this server, with short patience."""
        patience = {"total_s": 5.0, "retry_wait_s": 0.01, "parse_s": 10.0, **limits}
        return CrawlSettings(
            contact="https://example.org/bot",
            allow_addresses=("127.0.0.0/8",),
            host_interval_s=0.0,
            limits=Limits(**patience),  # type: ignore[arg-type]
        )


class Handler(BaseHTTPRequestHandler):
    """Looks a path up among the answers."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    body = b""

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_GET()

    def do_GET(self) -> None:
        state: LocalServer = self.server.state  # type: ignore[attr-defined]
        path = self.path.partition("?")[0]
        state.hits[path] += 1
        state.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        found = state.answers.get(path, Answer(404, b"no such path"))
        answer = found(self) if callable(found) else found
        if answer is not None:
            self.send(answer)

    def send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 304:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.status != 304:
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet: clients hang up on bombs and drips, as they should."""


@contextmanager
def serve(answers: Mapping[str, Answer | Behaviour] | None = None) -> Iterator[LocalServer]:
    """Serve answers on a free port of this machine."""
    server = _Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    # A slow answer must not hold up the end of a test.
    server.block_on_close = False
    port = server.server_address[1]
    state = LocalServer(url=f"http://127.0.0.1:{port}", port=port, answers=dict(answers or {}))
    server.state = state  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# -- behaviours ---------------------------------------------------------------------


def etag(body: bytes, tag: str = '"v1"') -> Behaviour:
    """Answer 304 to those who have the tag."""

    def behave(handler: Handler) -> Answer:
        headers = {"Content-Type": RSS_TYPE, "ETag": tag, "Last-Modified": "yesterday, about"}
        if handler.headers.get("If-None-Match") == tag:
            return Answer(304, b"", headers)
        return Answer(200, body, headers)

    return behave


def drip(seconds: float = 30.0) -> Behaviour:
    """Send a byte now and then: no single read is slow."""

    def behave(handler: Handler) -> None:
        handler.close_connection = True
        handler.send_response(200)
        handler.send_header("Content-Type", RSS_TYPE)
        handler.end_headers()
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                handler.wfile.write(b" ")
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return

    return behave


def bomb(megabytes: int, head: bytes = b"") -> Answer:
    """Return zeros that are a thousand times smaller on the wire."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = packer.compress(head)
    block = bytes(2**20)
    packed += b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()
    return Answer(200, packed, {"Content-Type": RSS_TYPE, "Content-Encoding": "gzip"})


def zipped(body: bytes, encoding: str = "gzip") -> Answer:
    """Return a body compressed with gzip, labelled as asked."""
    return Answer(
        200, gzip.compress(body), {"Content-Type": RSS_TYPE, "Content-Encoding": encoding}
    )


def redirect(location: str, status: int = 302, body: bytes = b"") -> Answer:
    """Return a redirect."""
    return Answer(status, body, {"Location": location})
