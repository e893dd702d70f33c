"""Hostile inputs 28-35, 45 and 46 of docs/security.md: what a body can do to its parser."""

import gzip
import json
import time
from datetime import timedelta

import pytest

from crawler.clean import MAX_TEXT
from crawler.feeds import MAX_ENTRIES
from tests.crawl_world import NOW, elsewhere, local_feed, night, outcomes, rows, typed
from tests.server import rss, serve

FEED = rss(("1", "one", "first text"))


def with_good_neighbour(store, body, *, content_type="application/xml", **limits):
    """Crawl a hostile feed beside a good one; return what came of it, and the seconds."""
    with serve({"/feed": typed(body, content_type), "/good": typed(FEED)}) as server:
        settings = server.settings(**limits)
        good = local_feed(server, name="good", url=f"{elsewhere(server)}/good")
        # The first night starts the parser processes, which is not the body's doing.
        night(store, server, good, settings=settings)
        server.answers["/good"] = typed(FEED + b" ")
        started = time.perf_counter()
        night(store, server, local_feed(server), good, nights=1, settings=settings)
        seconds = time.perf_counter() - started
    assert outcomes(store, "good") == ["ok", "ok"]
    assert store.check() == []
    (outcome,) = outcomes(store, "outlet")
    return outcome, seconds


def item(inner: str) -> bytes:
    return rss().replace(b"</channel>", f"<item>{inner}</item></channel>".encode())


LAUGHS = "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10)
)  # fmt: skip
QUADRATIC = f'<!ENTITY a "{"x" * 100_000}">'
DOCTYPES = {
    "billion laughs": (f"<!DOCTYPE r [{LAUGHS}]>", "&l9;"),
    "quadratic": (f"<!DOCTYPE r [{QUADRATIC}]>", "&a;" * 20_000),
    "parameter": ('<!DOCTYPE r [<!ENTITY % a SYSTEM "SERVER/dtd"> %a;]>', "x"),
    "xxe file": ('<!DOCTYPE r [<!ENTITY a SYSTEM "file://SECRET">]>', "&a;"),
    "xxe http": ('<!DOCTYPE r [<!ENTITY a SYSTEM "SERVER/xxe">]>', "&a;"),
    "external dtd": ('<!DOCTYPE r SYSTEM "SERVER/dtd">', "x"),
}


@pytest.mark.hostile(28)
@pytest.mark.parametrize("name", DOCTYPES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_and_nothing_outside_is_read(store, tmp_path, name, encoding):
    secret = tmp_path / "secret.txt"
    secret.write_text("TOPSECRET")
    doctype, use = DOCTYPES[name]
    with serve({"/good": typed(FEED)}) as server:
        text = item(f"<title>T {use}</title>").decode()
        head, _, rest = text.partition("?>")
        body = f"{head.replace('utf-8', encoding)}?>{doctype}{rest}"
        body = body.replace("SERVER", server.url).replace("SECRET", str(secret))
        server.answers["/feed"] = typed(body.encode(encoding), "application/xml")
        night(store, server, local_feed(server, "/good", "warm"))
        started = time.perf_counter()
        night(store, server)
        assert time.perf_counter() - started < 10
        assert server.hits == {"/good": 1, "/feed": 1}
    ((outcome,),) = rows(store, "SELECT outcome FROM fetches WHERE source_id = 'outlet'")
    # A document type without entities of its own is only ignored.
    assert outcome == ("ok" if name == "external dtd" else "decode")
    assert "TOPSECRET" not in "".join(store.db.conn.iterdump())


@pytest.mark.hostile(29)
@pytest.mark.parametrize(
    "body",
    [
        item("<description>" + "<b>" * 50_000 + "x" + "</b>" * 50_000 + "</description>"),
        item("<description>" + "&lt;b&gt;" * 50_000 + "x</description>"),
        b"<a>" * 50_000 + b"</a>" * 50_000,
    ],
    ids=["elements", "escaped", "bare"],
)
def test_deep_nesting_ends_in_time_and_leaves_others_alone(store, body):
    outcome, seconds = with_good_neighbour(store, body, parse_s=20.0)
    assert seconds < 20
    assert outcome in {"ok", "poison", "not_a_feed"}


@pytest.mark.hostile(29)
def test_a_parser_that_does_not_end_is_killed_and_only_its_feed_suffers(store):
    body = item("<description>" + "<b>" * 2_000_000 + "</description>")
    # Both feeds may meet a process that has yet to start, which is part of its time.
    outcome, seconds = with_good_neighbour(store, body, parse_s=4.0)
    assert outcome == "poison"
    assert seconds < 20


@pytest.mark.hostile(30)
@pytest.mark.parametrize("name", ["author", "dc:creator", "managingEditor"])
def test_2000_items_with_long_authors_take_no_time(store, name):
    head = b'<rss xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0"><channel>'
    entry = f"<item><title>t</title><{name}>{'a.' * 2000}</{name}></item>".encode()
    body = head + entry * 2000 + b"</channel></rss>"
    # Seconds when they are cut before they are searched, else minutes.
    outcome, seconds = with_good_neighbour(store, body, parse_s=30.0)
    assert outcome == "ok"
    assert seconds < 30
    assert rows(store, "SELECT max(length(author)) <= 200 FROM documents") == [(1,)]


@pytest.mark.hostile(30)
def test_one_author_of_64_kilobytes_is_cut(store):
    body = item(f"<title>t</title><author>{'a.' * 32_000}</author>")
    outcome, seconds = with_good_neighbour(store, body)
    assert outcome == "ok"
    assert seconds < 10


@pytest.mark.hostile(31)
def test_100_000_items_are_capped_and_say_so(store):
    body = rss().replace(
        b"</channel>",
        b"".join(b"<item><title>t%d</title></item>" % n for n in range(100_000)) + b"</channel>",
    )
    with serve({"/feed": typed(body)}) as server:
        report = night(store, server)
    assert report.counts["new"] == MAX_ENTRIES
    assert report.failures == 0
    ((kind, message),) = rows(store, "SELECT kind, message FROM failures")
    assert kind == "capped"
    assert str(MAX_ENTRIES) in message


@pytest.mark.hostile(31)
@pytest.mark.parametrize("form", ["rss", "json"])
def test_an_item_of_10_megabytes_is_cut_and_says_so(store, form):
    text = "word " * 2_000_000
    if form == "rss":
        body = item(f"<title>t</title><description>{text}</description>")
    else:
        entry = {"id": "1", "title": "t", "content_text": text}
        body = json.dumps({"version": "https://jsonfeed.org/version/1", "items": [entry]}).encode()
    with serve({"/feed": typed(body)}) as server:
        night(store, server, settings=server.settings(wire_bytes=15 * 2**20))
    ((length, partial),) = rows(store, "SELECT length(text), is_partial FROM documents")
    assert MAX_TEXT - 10 < length <= MAX_TEXT
    assert partial == 1
    assert rows(store, "SELECT kind FROM failures") == [("capped",)]


def encoded(text: str, encoding: str, prolog: str | None) -> bytes:
    body = rss(("g", text, "x")).decode()
    declaration = f' encoding="{prolog}"' if prolog else ""
    return body.replace(' encoding="utf-8"', declaration).encode(encoding)


CAFE, GOLD, RUSSIAN = "café", "黄金下跌", "Золото упало"


@pytest.mark.hostile(32)
@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (encoded(CAFE, "cp1252", "utf-8"), "text/xml", CAFE),
        (encoded(CAFE, "utf-8", "us-ascii"), "text/xml; charset=utf-8", CAFE),
        (encoded(CAFE, "utf-16-le", "utf-16"), "text/xml", CAFE),
        (encoded(CAFE, "utf-16-be", None), "text/xml", CAFE),
        (encoded(GOLD, "gb18030", "utf-8"), "text/xml; charset=utf-8", None),
        (encoded(GOLD, "gb18030", "gbk"), "text/xml; charset=utf-8", None),
        (encoded(RUSSIAN, "koi8-r", "koi8-r"), "text/xml", RUSSIAN),
        (encoded(RUSSIAN, "koi8-r", None), "text/xml; charset=koi8-r", RUSSIAN),
        (encoded(CAFE, "utf-8", "utf-8"), "text/xml; charset=x-nonsense", CAFE),
        (encoded("a\0b", "utf-8", "utf-8"), "text/xml", None),
        (rss(("g", "a&#xD800;b&#55296;&#0;&#1114112;&#99999999999;c", "x")), "text/xml", None),
        (rss(("g", "ab", "x")).replace(b"ab", b"a\xed\xa0\x80b"), "text/xml", None),
        (rss(("g", "ab", "x")).replace(b"ab", b"a\xc0\xafb"), "text/xml", None),
        (rss(("g", "ab", "x")).replace(b"ab", b"a\xff\xfeb"), "text/xml", None),
    ],
    ids=[
        "windows-1252 as utf-8", "utf-8 as ascii", "utf-16le", "utf-16be", "gbk as utf-8",
        "gbk under two names", "koi8-r", "koi8-r by header", "x-nonsense", "nul",
        "lone surrogate", "surrogate bytes", "overlong", "no utf-8",
    ],
)  # fmt: skip
def test_any_encoding_ends_as_text_in_valid_utf8(store, body, content_type, expected):
    with serve({"/feed": typed(body, content_type)}) as server:
        night(store, server)
    assert outcomes(store) == ["ok"]
    ((raw_title,),) = rows(store, "SELECT CAST(title AS BLOB) FROM documents")
    title = raw_title.decode("utf-8")
    assert title
    assert "\0" not in title
    if expected is not None:
        assert title == expected


DATES = {
    "2099": "Fri, 30 Jan 2099 10:00:00 GMT",
    "1970": "Thu, 01 Jan 1970 00:00:00 GMT",
    "31 feb": "Sat, 31 Feb 2026 10:00:00 GMT",
    "words": "yesterday",
    "bad zone": "Fri, 30 Jan 2026 10:00:00 +99:99",
    "chinese": "2026年1月30日 上午10点",
    "none": "",
    "no zone": "Fri, 30 Jan 2026 10:00:00",
    "last year": "Thu, 30 Jan 2025 10:00:00 GMT",
}


@pytest.mark.hostile(33)
def test_no_stated_date_moves_a_document_into_the_past_or_far_ahead(store):
    entries = "".join(
        f"<item><guid>{name}</guid><title>{name}</title><pubDate>{date}</pubDate></item>"
        for name, date in DATES.items()
    )
    with serve(
        {"/feed": typed(rss().replace(b"</channel>", entries.encode() + b"</channel>"))}
    ) as server:
        night(store, server)
    stored = rows(store, "SELECT guid, effective_at, date_source, published_at FROM documents")
    assert {guid for guid, *_ in stored} == set(DATES)
    seen = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert {effective for _, effective, *_ in stored} == {seen}
    stated = {guid for guid, _, by, _ in stored if by == "feed"}
    assert stated == {"no zone", "last year"}


@pytest.mark.hostile(34)
def test_a_feed_that_changes_all_its_ids_stores_nothing_twice(store):
    def numbered(prefix):
        return b"".join(
            f"<item><guid>{prefix}{n}</guid><title>title {n}</title>"
            f"<link>https://outlet.example/{n}</link></item>".encode()
            for n in range(10)
        )

    extra = (
        "<item><title>no id</title></item>"
        "<item><guid>same</guid><title>first of two</title></item>"
        "<item><guid>same</guid><title>second of two</title></item>"
        f"<item><guid>{'g' * 1_000_000}</guid><title>long id</title></item>"
    ).encode()
    with serve() as server:
        for number, prefix in enumerate(("a", "a", "b", "c")):
            body = rss().replace(b"</channel>", numbered(prefix) + extra + b"</channel>")
            server.answers["/feed"] = typed(body + b" " * number)
            night(store, server, nights=number)
    assert outcomes(store) == ["ok"] * 4
    assert rows(store, "SELECT count(*), count(DISTINCT title) FROM documents") == [(14, 14)]
    assert rows(store, "SELECT count(*) FROM revisions") == [(0,)]


SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"


@pytest.mark.hostile(45)
@pytest.mark.parametrize("name", ["index", "50,000 addresses", "bomb", "bomb of the server"])
def test_a_sitemap_is_no_feed_and_leads_nowhere(store, name):
    with serve() as server:
        index = (
            f'<?xml version="1.0"?><sitemapindex xmlns="{SITEMAP}"><sitemap>'
            f"<loc>{server.url}/feed</loc></sitemap></sitemapindex>"
        )
        urls = "".join(f"<url><loc>{server.url}/{n}</loc></url>" for n in range(50_000))
        body = f'<?xml version="1.0"?><urlset xmlns="{SITEMAP}">{urls}</urlset>'
        answer = {
            "index": typed(index.encode(), "application/xml"),
            "50,000 addresses": typed(body.encode(), "application/xml"),
            "bomb": typed(gzip.compress(b"<urlset>" + b" " * 64 * 2**20), "application/gzip"),
            "bomb of the server": typed(
                gzip.compress(b"<urlset>" + b" " * 64 * 2**20), "application/xml",
                **{"Content-Encoding": "gzip"},
            ),
        }[name]  # fmt: skip
        server.answers["/feed"] = answer
        started = time.perf_counter()
        night(store, server, local_feed(server, full_text=True))
        assert time.perf_counter() - started < 20
        assert server.hits == {"/feed": 1}
    expected = "too_large" if name == "bomb of the server" else "not_a_feed"
    assert outcomes(store) == [expected]


HEAD = '{"version": "https://jsonfeed.org/version/1.1", "items": ['


@pytest.mark.hostile(46)
@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        HEAD + "[" * 100_000,
        HEAD + '{"id": ' * 100_000,
        HEAD + '{"id": NaN, "title": "t"}]}',
        HEAD + '{"id": "1", "id": "2", "title": "t"}]}',
        HEAD + '{"id": ' + "9" * 5000 + ', "title": "t"}]}',
        '{"version": "https://jsonfeed.org/version/1.1", "items": {"id": "1"}}',
        '{"version": "https://jsonfeed.org/version/1.1", "items": "x"}',
        '{"version": "https://jsonfeed.org/version/1.1"}',
        '{"version": ["https://jsonfeed.org/version/1.1"',
    ],
    ids=[
        "deep", "deep items", "deep objects", "nan", "name twice", "huge number", "object of items",
        "text of items", "no items", "cut short",
    ],
)  # fmt: skip
def test_hostile_json_is_an_error_and_the_run_goes_on(store, body):
    outcome, seconds = with_good_neighbour(
        store, body.encode(), content_type="application/feed+json"
    )
    assert outcome == "not_a_feed"
    assert seconds < 10


@pytest.mark.hostile(46)
def test_json_of_wrong_types_gives_what_can_be_read(store):
    odd = [
        {"id": ["x"], "title": 5, "url": {}, "content_html": None, "date_published": 20260130},
        {"id": 1e308, "title": "kept", "authors": "Ann", "language": 7, "url": "javascript:x"},
        {"id": "3", "title": "also kept \ud800", "authors": [None], "tags": {"a": [{}]}},
        None, 5, "x", [], True,
    ]  # fmt: skip
    body = json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": odd}).encode()
    with serve({"/feed": typed(body, "application/feed+json")}) as server:
        night(store, server)
    assert outcomes(store) == ["ok"]
    assert rows(store, "SELECT title, url FROM documents ORDER BY title") == [
        ("also kept \ufffd", None),
        ("kept", None),
    ]
    assert rows(store, "SELECT kind FROM failures") == [("capped",)]


@pytest.mark.hostile(35)
def test_a_clock_in_a_feed_changes_no_past_count(store):
    with serve() as server:
        for number in range(26):
            body = rss(("1", "one", f"it is {number} o'clock"))
            server.answers["/feed"] = typed(body)
            night(store, server, nights=number)
    assert rows(store, "SELECT count(*) FROM revisions") == [(24,)]
    ((effective,),) = rows(store, "SELECT effective_at FROM documents")
    assert effective == NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert store.sources.states()["outlet"].next_due_at > NOW + timedelta(days=25)
