"""Hostile inputs 10-27 of docs/security.md: what a server can send besides a feed."""

import asyncio
import gzip
import os
import subprocess
import sys
import time
import zlib
from datetime import timedelta

import pytest

from crawler.fetch import MAX_HEADERS, fetch, open_client
from crawler.messages import Request
from crawler.settings import Limits
from tests.crawl_world import DAY, NOW, local_feed, night, outcomes, raw, rows, typed
from tests.server import RSS_TYPE, Answer, etag, rss, serve

FEED = rss(("1", "one", "first text"))
LATER = rss(("2", "two", "second text"))
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n"


def ask(server, settings=None, **request):
    async def go():
        async with open_client(settings or server.settings(), now=NOW) as client:
            asked = {"cap_bytes": 2 * 2**20, **request}
            return await fetch(client, Request(url=f"{server.url}/feed", **asked))

    return asyncio.run(go())


# Peak memory of a process of its own. The kernel's figure for the address space, not
# getrusage(): that one starts from the size of whoever started the process.
PEAK = """
import asyncio, re, sys
from datetime import UTC, datetime
from pathlib import Path
from crawler.fetch import fetch, open_client
from crawler.messages import Request
from crawler.settings import CrawlSettings

settings = CrawlSettings(allow_addresses=("127.0.0.0/8",))
async def go():
    async with open_client(settings, now=datetime.now(UTC)) as client:
        return await fetch(client, Request(url=sys.argv[1], cap_bytes=settings.limits.feed_bytes))

fetched = asyncio.run(go())
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text()).group(1)
print(fetched.outcome, int(peak) // 1024)
"""


def huge_gzip(megabytes: int) -> bytes:
    """Return a gzip stream of zeros; its blocks are the same bytes, so it is made at once."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * (megabytes - 1)


@pytest.mark.hostile(13)
@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="peak memory needs Linux")  # noqa: PTH110
def test_a_gzip_bomb_of_512_megabytes_costs_little_time_and_memory():
    packed = huge_gzip(512)
    assert len(packed) < 2**20
    with serve({"/feed": typed(packed, **{"Content-Encoding": "gzip"})}) as server:
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", PEAK, f"{server.url}/feed"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert time.perf_counter() - started < 15
    outcome, peak = done.stdout.split()
    assert outcome == "too_large"
    assert int(peak) < 100


@pytest.mark.hostile(14)
@pytest.mark.parametrize("layers", [2, 20])
def test_a_body_compressed_more_than_once_is_refused_by_the_crawl(store, layers):
    body = FEED
    for _ in range(layers):
        body = gzip.compress(body)
    coding = ", ".join(["gzip"] * layers)
    with serve({"/feed": typed(body, **{"Content-Encoding": coding})}) as server:
        night(store, server)
    assert outcomes(store) == ["decode"]


@pytest.mark.hostile(15)
def test_the_body_of_a_redirect_is_not_decoded(store):
    damaged = Answer(302, b"\x1f\x8b damaged", {"Location": "/new", "Content-Encoding": "gzip"})
    with serve({"/feed": damaged, "/new": typed(FEED)}) as server:
        night(store, server)
    assert outcomes(store) == ["ok"]


@pytest.mark.hostile(16)
def test_ten_thousand_empty_gzip_members_over_http():
    body = gzip.compress(b"") * 10_000 + gzip.compress(FEED)
    with serve({"/feed": typed(body, **{"Content-Encoding": "gzip"})}) as server:
        started = time.process_time()
        assert ask(server).body == FEED
        assert time.process_time() - started < 2


@pytest.mark.hostile(17)
def test_chunks_without_an_end_stop_at_the_cap():
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with serve({"/feed": raw(OK, b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 500)}) as server:
        started = time.perf_counter()
        fetched = ask(server)
        assert fetched.outcome == "too_large"
        assert time.perf_counter() - started < 5


@pytest.mark.hostile(18)
def test_headers_that_drip_end_at_the_total_deadline():
    def drip_headers(handler):
        handler.close_connection = True
        end = time.monotonic() + 10
        try:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while time.monotonic() < end:
                handler.wfile.write(b"X-Drip: 1\r\n")
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return

    with serve({"/feed": drip_headers}) as server:
        started = time.perf_counter()
        assert ask(server, server.settings(total_s=0.6)).outcome == "deadline"
        assert time.perf_counter() - started < 3
    assert Limits().total_s == 45


def lines(count: int, size: int) -> bytes:
    return b"".join(b"X-%d: %s\r\n" % (number, b"x" * size) for number in range(count))


@pytest.mark.hostile(19)
@pytest.mark.parametrize(
    "answer",
    [
        (OK, lines(2000, 60)),
        (OK, lines(2000, 1), b"Content-Length: 0\r\n\r\n"),
        (OK, lines(2000, 60), b"Content-Length: 0\r\n\r\n"),
        (OK, b"X-Big: " + b"x" * 2**20, b"\r\n\r\n"),
    ],
    ids=["never end", "2,000 short", "2,000 long", "1 MB"],
)
def test_too_many_headers_are_an_error(store, answer):
    with serve({"/feed": raw(*answer)}) as server:
        report = night(store, server)
    assert report.failures == 1
    assert outcomes(store)[0] in {"connect", "too_large"}
    assert MAX_HEADERS == 200


@pytest.mark.hostile(20)
@pytest.mark.parametrize(
    ("head", "is_read"),
    [
        (b"Content-Length: %d" % (len(FEED) + 100), False),
        (b"Content-Length: %d" % (len(FEED) - 100), None),
        (b"Content-Length: -5", False),
        (b"Content-Length: 99999999999999999999", False),
        (b"Content-Length: %d\r\nContent-Length: 3" % len(FEED), False),
        (b"Content-Length: 3\r\nTransfer-Encoding: chunked", False),
        (b"Transfer-Encoding: gzip, chunked", False),
        (b"X-No-Length: 1", True),
    ],
    ids=["larger", "smaller", "negative", "huge", "two", "and chunked", "odd coding", "none"],
)
def test_a_false_length_is_an_error_or_the_body_as_read(store, head, is_read):
    with serve({"/feed": raw(OK, head, b"\r\n\r\n", FEED)}) as server:
        night(store, server)
        (outcome,) = outcomes(store)
        # A length that is too small cuts the feed: what is whole in it may be read.
        assert outcome in {"ok", "connect", "not_a_feed", "deadline"}
        if is_read is not None:
            assert (outcome == "ok") == is_read
        assert store.check() == []
        server.answers["/feed"] = typed(LATER)
        assert night(store, server, nights=1).counts["new"] == 1


@pytest.mark.hostile(21)
@pytest.mark.parametrize("cut", [slice(None, -12), slice(5, None)], ids=["truncated", "damaged"])
def test_a_damaged_body_keeps_old_entries_and_saves_no_validator(store, cut):
    with serve({"/feed": etag(FEED, '"old"')}) as server:
        night(store, server)
        before = store.sources.states()["outlet"]
        broken = gzip.compress(LATER)[cut]
        server.answers["/feed"] = typed(broken, ETag='"new"', **{"Content-Encoding": "gzip"})
        night(store, server, nights=1)
        after = store.sources.states()["outlet"]
        assert (after.etag, after.last_modified) == (before.etag, before.last_modified)
        assert after.body_hash == before.body_hash
        server.answers["/feed"] = etag(LATER, '"new"')
        night(store, server, nights=2)
        assert server.requests[-1][1]["if-none-match"] == '"old"'
    assert outcomes(store) == ["ok", "decode", "ok"]
    assert rows(store, "SELECT count(*) FROM documents") == [(2,)]


@pytest.mark.hostile(22)
@pytest.mark.parametrize("size", [2_000, 50_000, 100_000])
def test_a_huge_validator_is_never_sent_back(store, size):
    tag = b'"' + b"x" * size + b'"'
    length = b"\r\nContent-Length: %d\r\n\r\n" % len(FEED)
    with serve({"/feed": raw(OK, b"ETag: ", tag, length, FEED)}) as server:
        night(store, server)
        night(store, server, nights=1)
        assert all("if-none-match" not in headers for _, headers in server.requests)
    # The HTTP library refuses headers of 100 kB, unless they come in one piece.
    assert set(outcomes(store)) <= {"ok", "unchanged", "connect"}
    assert store.sources.states()["outlet"].etag is None
    assert all(len(kept or "") <= 1000 for (kept,) in rows(store, "SELECT etag FROM fetches"))


@pytest.mark.hostile(22)
def test_a_line_break_in_a_stored_validator_injects_no_header(store):
    with serve({"/feed": typed(FEED)}) as server:
        night(store, server)
        with store.transaction():
            store.db.execute("UPDATE sources SET etag = ?", ['"a"\r\nX-Evil: 1'])
        night(store, server, nights=1)
        # Without the guard, the HTTP library refuses the header and nothing is asked at all.
        assert server.hits == {"/feed": 2}
        assert "x-evil" not in server.requests[-1][1]
        assert "if-none-match" not in server.requests[-1][1]
    assert outcomes(store) == ["ok", "unchanged"]


@pytest.mark.hostile(24)
@pytest.mark.parametrize(
    ("asked", "status", "hours"),
    [
        ("999999999", 429, (7 * 24, 7 * 24)),
        ("-5", 503, (0.9, 1.1)),
        ("soon", 503, (0.9, 1.1)),
        ("Fri, 30 Jan 1998 10:00:00 GMT", 503, (0.9, 1.1)),
        ("Fri, 30 Jan 2099 10:00:00 GMT", 503, (7 * 24, 7 * 24)),
    ],
)
def test_an_absurd_retry_after_is_capped_or_ignored(store, asked, status, hours):
    with serve({"/feed": Answer(status, b"", {"Retry-After": asked})}) as server:
        night(store, server)
    due = store.sources.states()["outlet"].next_due_at
    assert due is not None
    assert timedelta(hours=hours[0]) <= due - NOW <= timedelta(hours=hours[1])


@pytest.mark.hostile(26)
@pytest.mark.parametrize("status", [403, 503])
def test_a_challenge_is_named_not_read_and_not_asked_again(store, status):
    headers = {"CF-Mitigated": "challenge", "Content-Type": RSS_TYPE}
    with serve({"/feed": Answer(status, FEED, headers)}) as server:
        night(store, server)
        night(store, server)
        assert server.hits == {"/feed": 1}
        assert "mozilla" not in server.requests[0][1]["user-agent"].lower()
    assert outcomes(store) == ["challenge"]
    assert rows(store, "SELECT count(*) FROM documents") == [(0,)]


LOGIN = b"<!doctype html><html><head><title>Log in</title></head><body><form></form></body></html>"


@pytest.mark.hostile(27)
@pytest.mark.parametrize("content_type", ["text/html", RSS_TYPE])
def test_a_login_page_with_200_is_no_feed_and_no_news(store, content_type):
    with serve({"/feed": etag(FEED)}) as server:
        night(store, server)
        server.answers["/feed"] = typed(LOGIN, content_type, ETag='"login"')
        night(store, server, nights=1)
        assert store.sources.states()["outlet"].etag == '"v1"'
    assert outcomes(store) == ["ok", "not_a_feed"]


@pytest.mark.hostile(27)
def test_a_feed_that_is_missing_three_times_is_asked_a_fourth_time(store):
    with serve({"/feed": Answer(404)}) as server:
        for number in range(3):
            night(store, server, nights=number)
        assert store.sources.states()["outlet"].status != "gone"
        server.answers["/feed"] = typed(FEED)
        assert night(store, server, nights=3).counts["new"] == 1
    assert outcomes(store) == ["client_error"] * 3 + ["ok"]
    assert store.sources.states()["outlet"].status == "active"
    assert store.sources.states()["outlet"].next_due_at > NOW + 3 * DAY


@pytest.mark.hostile(25)
def test_nothing_but_a_person_brings_a_retired_feed_back(store):
    with serve({"/feed": Answer(410)}) as server:
        night(store, server)
        server.answers["/feed"] = typed(FEED)
        for number in (1, 40, 400):
            night(store, server, nights=number)
        assert server.hits == {"/feed": 1}
        # Giving the outlet another address in the settings is the manual act.
        moved = local_feed(server, "/moved")
        server.answers["/moved"] = typed(FEED)
        night(store, server, moved, nights=401)
    assert outcomes(store) == ["gone", "ok"]
