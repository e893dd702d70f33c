"""Feeds, pages and a pretended internet, for the tests of the behaviour table."""

from collections.abc import Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import httpx2
import pytest

import crawler.run
from crawler.fetch import Client
from crawler.hosts import Hosts
from crawler.settings import CrawlSettings
from store import Store
from tests.crawl_world import NOW, state
from tests.server import RSS_TYPE

HTML = {"Content-Type": "text/html; charset=utf-8"}
SENTENCES = [
    f"On day {number} of the month gold number {number} fell by {number} per cent while traders of"
    f" desk {number} said that margin calls of round {number} forced them to sell what they could."
    for number in range(1, 15)
]


def page(head: str = "", extra: str = "", sentences: int = 14) -> bytes:
    """Return an article of about 30 words a sentence."""
    body = "".join(f"<p>{sentence}</p>" for sentence in SENTENCES[:sentences])
    return (
        f"<html><head><title>Gold</title>{head}</head><body><nav>Home</nav><article>"
        f"<h1>Gold</h1>{body}{extra}</article></body></html>"
    ).encode()


def item(title: str, *, guid: str = "", link: str = "", text: str = "", date: str = "") -> str:
    """Return an item with the elements that are given."""
    stated = {"guid": guid, "link": link, "description": text, "pubDate": date}
    rest = "".join(f"<{name}>{value}</{name}>" for name, value in stated.items() if value)
    return f"<item><title>{title}</title>{rest}</item>"


def channel(*items: str, head: str = "", link: str = "https://outlet.example/") -> bytes:
    """Return an RSS feed."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"'
        ' xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"><channel>'
        f"<title>t</title><link>{link}</link>{head}{''.join(items)}</channel></rss>"
    ).encode()


def due_in_hours(store: Store, now: datetime = NOW) -> float:
    """Return how long the source waits to be asked again."""
    due = state(store).next_due_at
    assert due is not None
    return (due - now) / timedelta(hours=1)


Respond = Callable[[httpx2.Request], httpx2.Response]


def pretend_internet(monkeypatch: pytest.MonkeyPatch, respond: Respond) -> CrawlSettings:
    """Let a crawl talk to a function, for hosts and schemes that a loopback server lacks."""

    @asynccontextmanager
    async def open_client(settings, *, now):
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(respond)) as http:
            yield Client(http=http, hosts=Hosts(0.0, 4), settings=settings, now=now)

    monkeypatch.setattr(crawler.run, "open_client", open_client)
    return CrawlSettings()


def response(status: int = 200, body: bytes = b"", **headers: str) -> httpx2.Response:
    """Return an answer of the pretended internet; ``retry_after`` is ``Retry-After``."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(status, content=body, headers={"Content-Type": RSS_TYPE, **names})
