"""Hundreds of outlets on loopback in a process of their own: its CPU time is not the crawler's.

``python -m tests.load_server`` prints its port and serves until its standard input ends.

* ``/feed/N.xml``: 25 items with 100 to 300 words of HTML, validators and 304;
* ``/bare/N.xml``: the same without validators;
* ``/teasers/N.xml``: 10 items of a sentence each, with pages behind them;
* ``/page/N/I``: an article of 400 to 700 words; ``/robots.txt`` lets all be read;
* ``/mixed/N.xml``: mostly such feeds, with copies of one another's stories, and a few that fail.
"""

import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from hashlib import blake2b
from html import escape
from pathlib import Path

ITEMS = 25
TEASERS = 10
ADDRESSES = 250
# Other systems give loopback one address: all outlets are then one host and take turns.
_HAS_MANY = sys.platform == "linux"
_SYLLABLES = [a + b for a in "bcdfgklmnprstvz" for b in "aeo"][::2]
_WORDS = [a + b + c for a in _SYLLABLES for b in _SYLLABLES for c in ("", "n", "rs", "ly")]
_WEIGHTS = [1 / (rank + 5) for rank in range(len(_WORDS))]
_KINDS = {"xml": "application/rss+xml; charset=utf-8", "html": "text/html; charset=utf-8"}


def address(number: int) -> str:
    """Return the loopback address of an outlet."""
    return f"127.0.1.{1 + number % ADDRESSES}" if _HAS_MANY else "127.0.0.1"


def paragraphs(chance: random.Random, words: int) -> list[str]:
    """Return sentences in paragraphs, as frequent words go: a few often, most rarely."""
    found = []
    while words > 0:
        count = min(words, chance.randint(30, 70))
        drawn = chance.choices(_WORDS, _WEIGHTS, k=count)
        found.append(" ".join([*drawn[:-1], drawn[-1] + "."]).capitalize())
        words -= count
    return found


def markup(chance: random.Random, words: int) -> str:
    """Return a description as content systems write it."""
    parts = paragraphs(chance, words)
    linked = f'<a href="https://desk.example/{chance.randrange(10**6)}?a=1&amp;b=2">more</a>'
    parts[0] = f'<img src="https://img.example/{chance.randrange(10**6)}.jpg" alt="">' + parts[0]
    return "".join(f"<p>{part} <strong>Note</strong> &amp; {linked}</p>\n" for part in parts)


def feed(items: list[tuple[str, str, str, str]]) -> bytes:
    """Return an RSS feed of (guid, link, title, HTML)."""
    entries = "".join(
        f'<item><guid isPermaLink="false">{guid}</guid><link>{link}</link><title>{title}</title>'
        "<dc:creator>A. Desk</dc:creator><category>Markets</category>"
        "<pubDate>Fri, 30 Jan 2026 10:00:00 GMT</pubDate>"
        f"<description>{escape(html)}</description></item>\n"
        for guid, link, title, html in items
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Outlet</title>'
        f"<link>https://outlet.example/</link><language>en</language>\n{entries}</channel></rss>"
    ).encode()


def _items(number: int, count: int, low: int, high: int, port: int) -> bytes:
    chance = random.Random(f"feed {number}")
    return feed([
        (
            f"{number}-{item}",
            f"http://{address(number)}:{port}/page/{number}/{item}",
            " ".join(chance.choices(_WORDS, k=9)).capitalize(),
            markup(chance, chance.randint(low, high)),
        )
        for item in range(count)
    ])  # fmt: skip


def _mixed(number: int, port: int) -> bytes:
    """A feed of whose ten items three are near-copies of stories that other feeds have."""
    items = []
    for item in range(10):
        chance = random.Random(f"story {number} {item}")
        body = paragraphs(chance, chance.randint(160, 220))
        if item < 3 and number:
            other = random.Random(f"story {number // 4} {item + 4}")
            body = ["By our own desk.", *paragraphs(other, other.randint(160, 220))]
        title = " ".join(chance.choices(_WORDS, k=9)).capitalize()
        link = f"http://{address(number)}:{port}/page/{number}/{item}"
        items.append((f"{number}-{item}", link, title, "".join(f"<p>{p}</p>" for p in body)))
    return feed(items)


def _page(number: str, item: str) -> bytes:
    chance = random.Random(f"page {number} {item}")
    body = "".join(f"<p>{part}</p>\n" for part in paragraphs(chance, chance.randint(400, 700)))
    links = "".join(f'<li><a href="/page/{number}/{n}">Story {n}</a></li>' for n in range(60))
    title = " ".join(chance.choices(_WORDS, k=9))
    return (
        f'<!doctype html><html lang="en"><head><title>{title}</title>'
        '<meta property="article:published_time" content="2026-01-30T10:00:00Z"></head><body>'
        f"<nav><ul>{links}</ul></nav><article><h1>{title}</h1>\n{body}</article>"
        f"<footer><ul>{links}</ul><p>All rights reserved.</p></footer></body></html>"
    ).encode()


@lru_cache(maxsize=4000)
def body_of(path: str, port: int) -> tuple[int, str, bytes, str]:
    """Return status, content type, body and validator of a path."""
    kind, _, rest = path.strip("/").partition("/")
    name = rest.partition(".")[0]
    status, form, body = 200, "xml", b""
    match kind:
        case "feed" | "bare":
            body = _items(int(name), ITEMS, 100, 300, port)
        case "teasers":
            body = _items(int(name), TEASERS, 20, 30, port)
        case "page":
            form, body = "html", _page(*name.split("/"))
        case "mixed" if int(name) % 20 == 7:
            status, form, body = 500, "html", b"out of order"
        case "mixed" if int(name) % 20 == 17:
            form, body = "html", b"<html><body>Please log in</body></html>"
        case "mixed":
            body = _mixed(int(name), port)
        case _:
            status, form = 404, "html"
    tag = "" if kind == "bare" or status != 200 else f'"{blake2b(body, digest_size=8).hexdigest()}"'
    return status, _KINDS[form], body, tag


class _Outlet(asyncio.Protocol):
    """HTTP/1.1 with kept connections and nothing that a test does not need."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._port: int = transport.get_extra_info("sockname")[1]
        self._waiting = b""

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while b"\r\n\r\n" in self._waiting:
            head, _, self._waiting = self._waiting.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines)
            self._answer(first.split(" ")[1], headers)

    def _answer(self, path: str, headers: dict[str, str]) -> None:
        status, kind, body, tag = body_of(path, self._port)
        if tag and headers.get("if-none-match") == tag.lower():
            status, body = 304, b""
        head = f"HTTP/1.1 {status} Whatever\r\nContent-Type: {kind}\r\n"
        if tag:
            head += f"ETag: {tag}\r\n"
        if status != 304:
            head += f"Content-Length: {len(body)}\r\n"
        self._transport.write(head.encode() + b"\r\n" + body)


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    first, *others = list(dict.fromkeys(address(number) for number in range(ADDRESSES)))
    server = await loop.create_server(_Outlet, first, 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    for other in others:
        await loop.create_server(_Outlet, other, port, backlog=1024)
    print(port, flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


@contextmanager
def outlets() -> Iterator[int]:
    """Serve in another process; yield the port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.load_server"],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield int(process.stdout.readline())
        process.stdin.close()


if __name__ == "__main__":
    asyncio.run(_serve())
