"""Rows 13 to 23 of the behaviour table (docs/crawling.md): what comes in, and what it is."""

import json
import time

import pytest

from crawler.run import crawl
from crawler.settings import CrawlSettings, Limits
from store import Store
from tests.crawl_nights import HTML, channel, item, page
from tests.crawl_world import NOW, elsewhere, local_feed, night, outcomes, state, values
from tests.server import RSS_TYPE, Answer, bomb, drip, redirect, serve

FEED = channel(item("one", guid="1", text="first"))
MEBIBYTE = 2**20


def titles(store: Store) -> list[str]:
    return values(store, "SELECT title FROM documents ORDER BY title")


def seen_text(number: int = 0) -> str:
    return f"2026-01-{30 + number}T22:30:00Z"


# -- rows 13 to 15 ------------------------------------------------------------------


def test_row_13_the_caps():
    caps = Limits()
    assert (caps.wire_bytes, caps.feed_bytes, caps.page_bytes) == (
        10 * MEBIBYTE,
        15 * MEBIBYTE,
        5 * MEBIBYTE,
    )


@pytest.mark.parametrize(
    ("answer", "limits"),
    [
        (bomb(20), {"feed_bytes": 2**20}),
        (Answer(200, FEED + b" " * 2**20), {"feed_bytes": 2**20}),
        (Answer(200, FEED + b" " * 2**20), {"wire_bytes": 2**20}),
    ],
    ids=["a bomb", "decoded", "on the wire"],
)
def test_row_13_a_body_stops_at_its_cap(store, answer, limits):
    with serve({"/feed": answer}) as server:
        night(store, server, **limits)
    assert outcomes(store) == ["too_large"]


def test_row_13_a_page_has_a_cap_of_its_own(store):
    with serve({"/x": Answer(200, page() + b" " * 2**20, HTML)}) as server:
        server.answers["/feed"] = Answer(200, channel(item("x", link="/x"), link=server.url))
        night(store, server, local_feed(server, full_text=True), page_bytes=2**20)
    assert sorted(outcomes(store)) == ["ok", "too_large"]


def drip_headers(handler):
    handler.close_connection = True
    try:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        end = time.monotonic() + 10
        while time.monotonic() < end:
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.05)
    except OSError:
        return


@pytest.mark.parametrize("behaviour", [drip(), drip_headers], ids=["body", "headers"])
def test_row_14_a_drip_ends_at_the_total_deadline(store, behaviour):
    with serve({"/feed": behaviour}) as server:
        started = time.monotonic()
        night(store, server, total_s=0.6)
        assert time.monotonic() - started < 6
    assert outcomes(store) == ["deadline"]
    assert Limits().total_s == 45


def test_row_15_a_local_address_is_not_even_connected_to(store):
    with serve({"/feed": Answer(200, FEED)}) as server:
        crawl(store, [local_feed(server)], now=NOW, settings=CrawlSettings())
        assert server.hits.total() == 0
        server.answers["/feed"] = redirect("http://169.254.169.254/latest/meta-data/")
        night(store, server, nights=1)
    assert outcomes(store) == ["ssrf_blocked"] * 2


# -- rows 16 to 19 ------------------------------------------------------------------

QUOTED = "caf\u00e9 \u2013 \u201cq\u201d"
RUSSIAN = "\u0417\u043e\u043b\u043e\u0442\u043e"


@pytest.mark.parametrize(
    ("title", "prolog", "written", "content_type"),
    [
        (QUOTED, "utf-8", "utf-8-sig", ""),
        (QUOTED, "utf-8", "cp1252", "application/rss+xml; charset=windows-1252"),
        (QUOTED, "iso-8859-1", "cp1252", ""),
        (QUOTED, "utf-16", "utf-16", ""),
        (RUSSIAN, "koi8-r", "koi8-r", ""),
        ("\u9ec4\u91d1", "gb2312", "gb18030", ""),
        (QUOTED, "x-nonsense", "utf-8", "text/xml; charset=x-nonsense"),
    ],
    ids=["mark", "header", "windows as latin", "utf-16", "koi8-r", "gb18030", "nonsense"],
)
def test_row_16_encodings(store, title, prolog, written, content_type):
    body = channel(item(title, guid="1")).decode().replace('"utf-8"', f'"{prolog}"')
    answer = Answer(200, body.encode(written), {"Content-Type": content_type or RSS_TYPE[:19]})
    with serve({"/feed": answer}) as server:
        night(store, server)
    assert titles(store) == [title]


LIVE = "https://outlet.example/live"


@pytest.mark.parametrize(
    "items",
    [
        [item("a"), item("b"), item("c")],
        [item(title, link=LIVE) for title in "abc"],
        [item(title, guid="same") for title in "abc"],
        [item(title, guid="same", link=LIVE) for title in "abc"],
        [item(title, guid="same", link=f"{LIVE}/{title}") for title in "abc"],
    ],
    ids=["nothing but titles", "one address", "one guid", "both", "one guid, own addresses"],
)
def test_row_17_items_without_an_id_of_their_own(store, items):
    """New items come in on top and old ones drop out; each stays one document."""
    with serve() as server:
        for number, listed in enumerate(
            (items[2:], items[1:], items, items[:2], items[1:2], items[:1])
        ):
            server.answers["/feed"] = Answer(200, channel(*listed))
            night(store, server, nights=number)
    assert titles(store) == ["a", "b", "c"]
    assert values(store, "SELECT * FROM revisions") == []


def test_row_17_an_item_listed_twice_is_one(store):
    twice = item("a", guid="1", link=LIVE, text="x")
    with serve({"/feed": Answer(200, channel(twice, twice))}) as server:
        night(store, server)
    assert titles(store) == ["a"]


def test_row_17_an_item_never_fails_the_feed(store):
    odd = ["<item/>", "<item><guid/><title/></item>", item("x", guid="x" * 100_000, link="::")]
    with serve({"/feed": Answer(200, channel(*odd, item("good", guid="1")))}) as server:
        assert night(store, server).failures == 0
    assert titles(store) == ["good", "x"]


def renumbered(prefix: str, numbers: range, mark: str = "") -> list[str]:
    return [item(f"{n}{mark}", guid=f"{prefix}{n}", link=f"{LIVE}/{n}") for n in numbers]


def test_row_18_a_feed_that_changes_its_guids_inserts_nothing(store):
    with serve() as server:
        for number, items in enumerate(
            (
                renumbered("old", range(10)),
                renumbered("new", range(10), "!"),
                # The keys were remapped: titles may change again among many new items.
                [*renumbered("new", range(10, 30)), *renumbered("new", range(3), "?")],
            )
        ):
            server.answers["/feed"] = Answer(200, channel(*items))
            night(store, server, nights=number)
        assert store.documents.count() == 30
        assert values(store, "SELECT count(*) FROM documents WHERE guid LIKE 'old%'") == [0]
        # An old guid for another story is another document.
        server.answers["/feed"] = Answer(
            200, channel(item("other", guid="old1", link=f"{LIVE}/other"))
        )
        assert night(store, server, nights=4).counts["new"] == 1


def test_row_19_updates_are_revisions_up_to_24(store):
    with serve({"/x": Answer(200, page(), HTML)}) as server:
        source = local_feed(server, full_text=True)
        for number in range(27):
            entry = item(f"it is {number} o'clock", guid="1", link="/x", text="teaser")
            server.answers["/feed"] = Answer(200, channel(entry, link=server.url))
            night(store, server, source, nights=number)
        # The old text is kept; beyond the cap not even the page is asked for.
        assert values(store, "SELECT count(*) FROM revisions") == [24]
        assert server.hits["/x"] == 25
    assert values(store, "SELECT title FROM revisions ORDER BY seen_at")[:2] == [
        "it is 0 o'clock",
        "it is 1 o'clock",
    ]


# -- rows 20 to 23 ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "published", "source"),
    [
        ("Fri, 30 Jan 2026 10:00:00 GMT", "2026-01-30T10:00:00Z", "feed"),
        ("Fri, 02 Jan 2026 10:00:00 GMT", "2026-01-02T10:00:00Z", "feed"),
        ("Thu, 01 Jan 2099 00:00:00 GMT", "2099-01-01T00:00:00Z", "seen"),
        ("Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z", "seen"),
        ("yesterday at noon", None, "seen"),
        ("31 Feb 2026", None, "seen"),
        ("", None, "seen"),
    ],
)
def test_row_20_no_date_moves_a_past_day(store, stated, published, source):
    with serve({"/feed": Answer(200, channel(item("a", guid="1", date=stated)))}) as server:
        night(store, server)
    (found,) = values(store, "SELECT published_at, effective_at, date_source FROM documents")
    assert found == (published, seen_text(), source)


@pytest.mark.parametrize(
    ("link", "head", "stated", "expected"),
    [
        ("/x", "2026-01-29T23:30:00-05:00", "", ("2026-01-30T04:30:00Z", "html")),
        ("/2026/01/29/x", "2026-01-29T23:30:00-05:00", "", ("2026-01-30T04:30:00Z", "html")),
        ("/x", "2026-01-29T20:00:00Z", "1 Jan 2099 00:00", ("2026-01-29T20:00:00Z", "html")),
        ("/2026/01/29/x", "", "", ("2026-01-29T00:00:00Z", "url")),
        ("/x", "", "", (None, "seen")),
    ],
    ids=["page", "page before address", "instead of 2099", "address", "none"],
)
def test_row_20_the_page_and_the_address_state_dates_too(store, link, head, stated, expected):
    meta = f'<meta property="article:published_time" content="{head}">' if head else ""
    aside = "<p>As we wrote on 3 March 2021, it was so.</p>"
    with serve({link: Answer(200, page(meta, aside), HTML)}) as server:
        entry = item("a", guid="1", link=link, date=stated)
        server.answers["/feed"] = Answer(200, channel(entry, link=server.url))
        night(store, server, local_feed(server, full_text=True))
    assert values(store, "SELECT published_at, date_source FROM documents") == [expected]


def test_row_21_a_crawl_follows_no_link_to_another_feed(store):
    head = '<link rel="alternate" type="application/rss+xml" href="/feed.xml">'
    with serve({"/feed": Answer(200, page(head), HTML), "/feed.xml": Answer(200, FEED)}) as server:
        night(store, server)
        assert server.hits == {"/feed": 1}
    assert outcomes(store) == ["not_a_feed"]


@pytest.mark.parametrize(
    ("link", "canonical"),
    [
        ("/x?utm_source=rss&amp;id=5&amp;fbclid=y&amp;CMP=z#top", "/x?id=5"),
        ("/x?ref=127.0.0.1", "/x"),
        ("/x?ref=www.outlet.example", "/x"),
        ("/x?ref=main", "/x?ref=main"),
    ],
    ids=["tracking", "the feed's host", "the site's host", "a branch"],
)
def test_row_22_tracking_parameters(store, link, canonical):
    entry = item("a", guid="1", link=f"https://a.example{link}")
    with serve({"/feed": Answer(200, channel(entry))}) as server:
        night(store, server)
    assert values(store, "SELECT canonical_url FROM documents") == [f"https://a.example{canonical}"]


@pytest.mark.parametrize("status", [403, 503])
def test_row_23_a_challenge_is_seen_as_itself(store, status):
    headers = {"CF-Mitigated": "challenge", **HTML}
    with serve({"/feed": Answer(status, b"<html>Just a moment...</html>", headers)}) as server:
        night(store, server)
        assert server.hits["/feed"] == 1
        assert server.requests[0][1]["user-agent"] == "tapestory/0.1.0 (+https://example.org/bot)"
    assert outcomes(store) == ["challenge"]
    assert state(store).status == "active"


def test_row_23_one_challenge_is_enough_for_all_pages_of_a_host(store):
    links = [item(str(n), guid=str(n), link=f"/{n}", text="teaser") for n in range(5)]
    challenge = Answer(403, b"", {"CF-Mitigated": "challenge", **HTML})
    with serve({f"/{n}": challenge for n in range(5)}) as server:
        server.answers["/feed"] = Answer(200, channel(*links, link=elsewhere(server)))
        source = local_feed(server, full_text=True)
        night(store, server, source)
        assert sum(server.hits[f"/{n}"] for n in range(5)) == 1
        night(store, server, source, nights=1)
        assert sum(server.hits[f"/{n}"] for n in range(5)) == 1
    assert values(store, "SELECT DISTINCT kind FROM failures") == ["challenge"]
    assert values(store, "SELECT count(*) FROM documents WHERE is_partial") == [5]


def test_a_json_feed_takes_the_same_way(store):
    body = {
        "version": "https://jsonfeed.org/version/1.1",
        "home_page_url": "https://a.example/",
        "items": [{"id": "1", "title": "a", "url": "https://a.example/x?ref=a.example"}],
    }
    with serve({"/feed": Answer(200, json.dumps(body).encode())}) as server:
        night(store, server)
    assert values(store, "SELECT canonical_url FROM documents") == ["https://a.example/x"]
