import json
import time

import pytest

from crawler.errors import FeedParseError
from crawler.feeds import MAX_ENTRIES, parse_feed
from tests.server import rss

ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en-GB">
<title>t</title><link href="https://a.example/"/><entry><id>tag:1</id>
<title type="html">Gold &amp;amp; silver</title>
<link href="/x"/><author><name>Ann</name></author><published>2026-01-30T10:00:00+01:00</published>
<updated>2026-01-31T10:00:00Z</updated><summary>short</summary>
<content type="html">&lt;p&gt;A longer text.&lt;/p&gt;&lt;p&gt;Second.&lt;/p&gt;</content>
</entry></feed>"""
RDF = """<?xml version="1.0"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="https://a.example/">
<title>t</title><link>https://a.example/</link></channel><item rdf:about="https://a.example/1"><title>One</title>
<link>https://a.example/1</link><dc:date>2026-01-30T10:00:00Z</dc:date><dc:creator>Bo</dc:creator></item></rdf:RDF>"""
JSON = {
    "version": "https://jsonfeed.org/version/1.1",
    "language": "en-US",
    "authors": [{"name": "Desk"}],
    "items": [
        {
            "id": 7,
            "url": "/x",
            "title": "T",
            "content_html": "<p>a</p><p>b</p>",
            "date_published": "2026-01-30T10:00:00Z",
        },
        "not an item",
        {"id": "8", "content_text": "plain", "authors": [{"name": "Cy"}], "date_published": None},
    ],
}


def test_atom():
    feed = parse_feed(ATOM.encode(), content_type="application/atom+xml", url="https://a.example/f")
    (entry,) = feed.items
    assert entry.guid == "tag:1"
    assert entry.title == "Gold & silver"
    assert entry.url == "https://a.example/x"
    assert entry.text == "A longer text.\n\nSecond."
    assert entry.author == "Ann"
    assert entry.published_at is not None
    assert entry.published_at.isoformat() == "2026-01-30T09:00:00+00:00"
    assert feed.language == "en"


def test_rdf():
    (entry,) = parse_feed(RDF.encode()).items
    assert (entry.title, entry.author, entry.url) == ("One", "Bo", "https://a.example/1")
    assert entry.published_at is not None


def test_json_feed():
    feed = parse_feed(json.dumps(JSON).encode(), url="https://a.example/feed.json")
    first, second = feed.items
    assert (first.guid, first.url, first.text) == ("7", "https://a.example/x", "a\n\nb")
    assert first.author == "Desk"
    assert (second.text, second.author, second.published_at) == ("plain", "Cy", None)
    assert feed.notes


def test_hints_are_read_from_the_raw_feed():
    head = (
        "<ttl>90</ttl><skipHours><hour>1</hour><hour>24</hour></skipHours>"
        "<skipDays><day>Saturday</day><day>Sunday</day></skipDays>"
    )
    hints = parse_feed(rss(head=head)).hints
    assert (hints.ttl_s, hints.skip_hours, hints.skip_days) == (
        5400,
        (0, 1),
        ("saturday", "sunday"),
    )


def test_an_empty_feed_is_a_feed():
    assert parse_feed(rss()).items == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"<html><body>log in</body></html>",
        b'{"version": 1}',
        b'{"error": "x"}',
        b"[]",
        b"[" * 100_000,
        b'{"version": "https://jsonfeed.org/version/1", "items": {}}',
        b"\x00\x01\x02",
        b"nothing at all",
    ],
    ids=range(10),
)
def test_what_is_no_feed_is_refused(body):
    with pytest.raises(FeedParseError):
        parse_feed(body)


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "x"><!EnTiTy b "&a;&a;">]>'
    '<rss version="2.0"><channel><item><title>&b;</title></item></channel></rss>'
)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (BOMB.encode(), ""),
        (BOMB.encode("utf-16"), ""),
        (BOMB.encode("utf-16-le"), ""),
        (BOMB.encode("utf-7"), "text/xml; charset=utf-7"),
        (BOMB.replace("x", "x", 1).encode("cp037"), ""),
    ],
    ids=["utf-8", "utf-16 with mark", "utf-16 without", "utf-7", "ebcdic"],
)
@pytest.mark.hostile(28)
def test_entities_are_refused_in_any_encoding(body, content_type):
    started = time.process_time()
    with pytest.raises(FeedParseError):
        parse_feed(body, content_type=content_type)
    assert time.process_time() - started < 1


@pytest.mark.hostile(28)
def test_no_file_and_no_address_is_opened(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("TOPSECRET")
    body = f'<!DOCTYPE r SYSTEM "{secret.as_uri()}">' + rss(("g", "x", "y")).decode()[38:]
    assert "TOPSECRET" not in str(parse_feed(body.encode()))


@pytest.mark.hostile(30)
def test_a_hostile_author_takes_no_time():
    body = rss(("g", "t", "x")).replace(
        b"</item>", b"<author>" + b"a." * 32_000 + b"</author></item>"
    )
    started = time.process_time()
    (entry,) = parse_feed(body).items
    assert time.process_time() - started < 2
    assert len(entry.author or "") <= 200


@pytest.mark.hostile(31)
def test_a_feed_of_40_000_items_is_cut():
    body = rss().replace(b"</channel>", b"<item><title>t</title></item>" * 40_000 + b"</channel>")
    started = time.process_time()
    feed = parse_feed(body)
    assert time.process_time() - started < 5
    assert len(feed.items) == MAX_ENTRIES
    assert feed.notes


QUOTED = "caf\u00e9 \u201cq\u201d"
UNDECLARED = rss(("g", QUOTED, "x")).decode().replace(' encoding="utf-8"', "")
AS_GB2312 = rss(("g", QUOTED, "x")).decode().replace("utf-8", "gb2312")
AS_UTF16 = rss(("g", QUOTED, "x")).decode().replace("utf-8", "utf-16")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (UNDECLARED.encode("cp1252"), "text/xml; charset=x-nonsense"),
        (AS_GB2312.encode("gb18030"), ""),
        (AS_UTF16.encode("utf-16"), ""),
    ],
    ids=["windows-1252 under a false name", "gb18030 as gb2312", "utf-16"],
)
@pytest.mark.hostile(32)
def test_encodings(body, content_type):
    assert parse_feed(body, content_type=content_type).items[0].title == QUOTED


@pytest.mark.hostile(36)
def test_markup_is_absent_from_every_field():
    evil = "&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;"
    body = rss(("g", f"{evil}Title", f"{evil}Text")).replace(
        b"<link>https://outlet.example/g</link>", b"<link>javascript:alert(1)</link>"
    )
    body = body.replace(b"</item>", f"<author>{evil}Ann</author></item>".encode())
    (entry,) = parse_feed(body, url="https://outlet.example/f").items
    assert (entry.title, entry.text, entry.author, entry.url) == ("Title", "Text", "Ann", None)
