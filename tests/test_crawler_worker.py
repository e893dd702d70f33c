import asyncio
import os
import time

import pytest

from crawler.errors import FeedParseError
from crawler.settings import Limits
from crawler.worker import ParserPool
from tests.server import rss

GOOD = rss(("1", "one", "text"))


@pytest.fixture(scope="module")
def pool():
    made = ParserPool(Limits(parse_s=4.0), 2)
    yield made
    made.close()


def parse(pool, *bodies, parser="feed"):
    async def go():
        work = (pool.feed(parser, body, "text/xml", "https://a.example/") for body in bodies)
        return await asyncio.gather(*work, return_exceptions=True)

    return asyncio.run(go())


def test_a_feed_comes_back_as_records(pool):
    (feed,) = parse(pool, GOOD)
    assert feed.items[0].title == "one"
    assert feed.items[0].published_at.isoformat() == "2026-01-30T10:00:00+00:00"


def test_a_body_that_takes_for_ever_is_killed_alone(pool):
    slow = b"<rss version='2.0'><channel><item><description>" + b"<b>" * 2_000_000
    started = time.perf_counter()
    first, second, third = parse(pool, slow, GOOD, GOOD)
    assert isinstance(first, FeedParseError)
    assert first.outcome == "poison"
    assert second.items
    assert third.items
    assert time.perf_counter() - started < 20
    assert parse(pool, GOOD)[0].items


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b"\0" * 1000])
def test_a_refused_body_leaves_the_process_alive(pool, body):
    (error,) = parse(pool, body)
    assert isinstance(error, FeedParseError)
    assert error.outcome in {"not_a_feed", "decode"}


@pytest.mark.skipif(os.name != "posix", reason="address space can be capped on POSIX only")
def test_memory_is_capped():
    tight = ParserPool(Limits(parse_bytes=200 * 2**20, parse_s=10.0), 1)
    try:
        many = b"<item><title>" + b"x" * 60_000 + b"</title></item>"
        (error,) = parse(tight, rss().replace(b"</channel>", many * 1500 + b"</channel>"))
        assert isinstance(error, FeedParseError)
        assert error.outcome == "poison"
        assert parse(tight, GOOD)[0].items
    finally:
        tight.close()


def test_a_parser_process_holds_no_secret(pool, monkeypatch):
    monkeypatch.setenv("MASTODON_TOKEN", "CANARY")
    fresh = ParserPool(Limits(), 1)
    try:
        parse(fresh, GOOD)
        process = fresh._idle[0]._process
        assert process is not None
        environ = f"/proc/{process.pid}/environ"
        if os.path.exists(environ):  # noqa: PTH110  /proc is no ordinary path
            with open(environ, "rb") as handle:  # noqa: PTH123
                assert b"CANARY" not in handle.read()
    finally:
        fresh.close()
