"""Lists of feeds: what readers write, what a stranger may send, and the way back."""

import time
from datetime import UTC, datetime

import pytest

from crawler.errors import FeedParseError
from crawler.opml import MAX_BYTES, MAX_FEEDS, feed_address, parse_opml, write_opml
from store.records import Source

NOW = datetime(2026, 1, 30, 12, tzinfo=UTC)


def opml(body, head=""):
    return f'<?xml version="1.0"?>{head}<opml version="2.0"><body>{body}</body></opml>'.encode()


def outline(url, name="n"):
    return f'<outline text="{name}" xmlUrl="{url}"/>'


def test_folders_spellings_and_repetitions_are_read():
    found = parse_opml(
        opml(
            '<outline text="Macro"><outline TEXT="A &amp; B" title="" xmlurl="https://a.example/f"'
            ' language="en-us"/><OUTLINE text="b" XMLURL="http://u:p@b.example/f"/></outline>'
            + outline("https://a.example/f", "again")
            + '<outline text="c" xmlUrl="https://c.example/f" language="fil-PH"/>'
            + '<outline text="d" xmlUrl="https://d.example/f" language="English"/>'
        )
    )
    assert [(feed.url, feed.name, feed.language) for feed in found.feeds] == [
        ("https://a.example/f", "A & B", "en"),
        ("http://b.example/f", "b", None),
        ("https://c.example/f", "c", "fil"),
        ("https://d.example/f", "d", None),
    ]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "", "feed:x", "//"])
def test_an_address_that_is_none_is_named_and_left_out(url):
    found = parse_opml(opml(outline(url, "bad one") + outline("https://a.example/f")))
    assert [feed.url for feed in found.feeds] == ["https://a.example/f"]
    assert found.refused_count == 1
    assert found.refused[0].startswith("bad one: ")


LAUGHS = "<!DOCTYPE o [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {chr(98 + n)} '{('&' + chr(97 + n) + ';') * 10}'>" for n in range(9)
)


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        pytest.param(opml(outline("&j;"), LAUGHS + "]>"), "decode", id="billion-laughs"),
        pytest.param(
            opml(outline("&x;"), '<!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
            "decode",
            id="external-entity",
        ),
        pytest.param(b"not xml at all", "decode", id="text"),
        pytest.param(opml(outline("https://a.example/"))[:-9], "decode", id="cut"),
        pytest.param(b'<?xml version="1.0" encoding="x-none"?><opml/>', "decode", id="encoding"),
        pytest.param(b"<rss></rss>", "not_a_feed", id="a-feed"),
        pytest.param(b"", "decode", id="empty"),
        pytest.param(b" " * (MAX_BYTES + 1), "too_large", id="large"),
    ],
)
def test_a_hostile_or_broken_list_is_refused(body, outcome):
    started = time.process_time()
    with pytest.raises(FeedParseError) as caught:
        parse_opml(body)
    assert caught.value.outcome == outcome
    assert time.process_time() - started < 1


def test_a_list_of_100_000_feeds_is_cut_and_counted():
    many = "".join(outline(f"https://a.example/{number}") for number in range(100_000))
    found = parse_opml(opml(many))
    assert len(found.feeds) == MAX_FEEDS
    assert found.left_out == 100_000 - MAX_FEEDS


def test_a_list_nested_5_000_deep_is_read():
    deep = '<outline text="f">' * 5000 + outline("https://a.example/f") + "</outline>" * 5000
    assert [feed.url for feed in parse_opml(opml(deep)).feeds] == ["https://a.example/f"]


def test_names_lose_their_markup_and_their_tricks():
    name = "&lt;b&gt;x&lt;/b&gt; &#x202e;gpj.exe" + "y" * 5000
    (feed,) = parse_opml(opml(outline("https://a.example/f", name))).feeds
    assert feed.name.startswith("x gpj.exe")
    assert len(feed.name) <= 200


def test_what_is_written_is_read_back():
    sources = [
        Source(id="a", kind="feed", url="https://a.example/f?x=1&y=2", name='A <"> & B'),
        Source(id="m", kind="mastodon", url="https://m.example", handle="#gold", language="en"),
        Source(id="b", kind="bluesky", url="https://bsky.app", handle="someone.example"),
        Source(id="h", kind="hackernews", url="https://news.ycombinator.com", handle="x"),
        Source(id="s", kind="feed", url="https://s.example/f?token=CANARY"),
        Source(id="t", kind="feed", url="https://t.example/f", token_env="MY_TOKEN"),
    ]
    text, left_out = write_opml(sources, now=NOW)
    assert left_out == ["h", "s", "t"]
    assert "CANARY" not in text
    found = parse_opml(text.encode())
    assert [(feed.url, feed.name) for feed in found.feeds] == [
        ("https://a.example/f?x=1&y=2", 'A <"> & B'),
        ("https://m.example/tags/gold.rss", "m"),
        ("https://bsky.app/profile/someone.example/rss", "b"),
    ]


@pytest.mark.parametrize(
    ("kind", "url", "handle", "expected"),
    [
        (
            "reddit",
            "https://www.reddit.com/r/a+b/new/.rss",
            None,
            "https://www.reddit.com/r/a+b/new/.rss",
        ),
        ("reddit", "https://www.reddit.com", "a+b", None),
        ("lemmy", "https://l.example/feeds/c/gold.xml", None, "https://l.example/feeds/c/gold.xml"),
        ("lemmy", "https://l.example/c/gold", None, None),
        ("mastodon", "https://m.example", "@ann", "https://m.example/@ann.rss"),
        ("mastodon", "https://m.example", "@ann@n.example", "https://n.example/@ann.rss"),
        ("mastodon", "https://m.example", None, None),
        ("bluesky", "https://bsky.app", "?silver", None),
        ("gdelt", "http://data.gdeltproject.org/gdeltv2/", "fed", None),
    ],
)
def test_only_what_is_a_feed_has_the_address_of_one(kind, url, handle, expected):
    assert feed_address(Source(id="s", kind=kind, url=url, handle=handle)) == expected
