"""Where the feed of a page may be: platforms, links, usual paths."""

import pytest

from crawler.discover import (
    MAX_LINKS,
    kind_of,
    links_from_json,
    links_to_json,
    parse_links,
    platform_candidate,
    well_known,
)
from crawler.errors import FeedParseError

CHANNEL = "UCabcdefghijklmnopqrstuv"
CHANNEL_FEED = f"https://www.youtube.com/feeds/videos.xml?channel_id={CHANNEL}"
PAGE = "https://outlet.example/blog/"


@pytest.mark.parametrize(
    ("url", "feed", "kind"),
    [
        (f"https://www.youtube.com/channel/{CHANNEL}/videos", CHANNEL_FEED, "youtube"),
        (
            "https://youtube.com/playlist?list=PL123",
            "https://www.youtube.com/feeds/videos.xml?playlist_id=PL123",
            "youtube",
        ),
        (
            "https://old.reddit.com/r/bonds+gold/top?t=day",
            "https://www.reddit.com/r/bonds+gold/new/.rss?limit=25",
            "reddit",
        ),
        ("https://www.reddit.com/u/someone", "https://www.reddit.com/user/someone/.rss", "reddit"),
        ("https://letter.substack.com/p/a-post", "https://letter.substack.com/feed", "feed"),
        ("https://substack.com/@Letter/posts", "https://letter.substack.com/feed", "feed"),
        ("https://medium.com/@someone/a-post", "https://medium.com/feed/@someone", "feed"),
        ("https://medium.com/a-magazine", "https://medium.com/feed/a-magazine", "feed"),
        ("https://someone.medium.com/", "https://someone.medium.com/feed", "feed"),
        ("https://github.com/o/r", "https://github.com/o/r/releases.atom", "feed"),
        ("https://github.com/o/r/commits/main", "https://github.com/o/r/commits.atom", "feed"),
        ("https://github.com/o", "https://github.com/o.atom", "feed"),
        ("https://x.blogspot.com/2026/01", "https://x.blogspot.com/feeds/posts/default", "feed"),
        ("https://x.wordpress.com/about", "https://x.wordpress.com/feed/", "feed"),
        ("https://social.example/@someone", "https://social.example/@someone.rss", "feed"),
        (
            "https://lemmy.example/c/economics@other.example",
            None,
            None,
        ),
        (
            "https://lemmy.example/c/economics",
            "https://lemmy.example/feeds/c/economics.xml?sort=New",
            "lemmy",
        ),
    ],
)
def test_a_platform_s_page_leads_to_its_feed(url, feed, kind):
    found = platform_candidate(url)
    assert (found and found.url, found and found.kind) == (feed, kind)


@pytest.mark.parametrize(
    ("url", "kind", "handle"),
    [
        ("https://bsky.app/profile/someone.example", "bluesky", "someone.example"),
        ("https://bsky.app/profile/did:plc:abc123", "bluesky", "did:plc:abc123"),
        ("https://hn.algolia.com/?q=data+center&sort=byDate", "hackernews", "data center"),
        ("https://social.example/tags/gold", "mastodon", "gold"),
    ],
)
def test_an_account_or_a_search_keeps_its_handle(url, kind, handle):
    found = platform_candidate(url)
    assert found is not None
    assert (found.kind, found.handle) == (kind, handle)


@pytest.mark.parametrize(
    "url",
    [
        "https://outlet.example/",
        "https://www.youtube.com/@someone",
        CHANNEL_FEED,
        "https://www.reddit.com/r/bonds/.rss",
        "https://substack.com/home",
        "https://github.com/o/r/releases.atom",
        "https://evil-reddit.com/x",
        "https://letter.substack.com.evil.example/p/1",
        "https://github.com/o%0d%0aHost:x/r",
        "",
    ],
)
def test_other_addresses_are_asked_as_they_are(url):
    assert platform_candidate(url) is None


def test_a_feed_s_address_tells_its_kind():
    assert kind_of(CHANNEL_FEED) == "youtube"
    assert kind_of("https://www.reddit.com/r/x/.rss") == "reddit"
    assert kind_of("https://lemmy.example/feeds/c/x.xml?sort=New") == "lemmy"
    assert kind_of("https://outlet.example/feed") == "feed"


def links(head, body="", lang="de-AT"):
    page = f'<!doctype html><html lang="{lang}"><head>{head}</head><body>{body}</body></html>'
    return parse_links(page.encode(), url=PAGE)


def test_a_page_s_own_links_come_in_order_and_its_comments_last():
    found = links(
        "<title> The &lt;b&gt; letter </title>"
        '<link rel="alternate" type="application/rss+xml" title="Comments" href="/comments/feed">'
        '<link rel="ALTERNATE home" type="Application/Atom+XML; charset=utf-8" href="../atom">'
        '<link rel="alternate" type="application/feed+json" href="feed.json">'
        '<link rel="alternate" type="application/json" href="/wp-json/v2/pages/1">'
        '<link rel="stylesheet" type="text/css" href="/feed.css">'
    )
    assert [url for url, _ in found.feeds] == [
        "https://outlet.example/atom",
        "https://outlet.example/blog/feed.json",
        "https://outlet.example/comments/feed",
    ]
    assert (found.title, found.language) == ("The letter", "de")
    assert links_from_json(links_to_json(found)) == found


def test_the_language_of_a_page_keeps_its_third_letter():
    assert links("<title>x</title>", lang="fil-PH").language == "fil"


def test_a_base_moves_the_links_of_a_page_only_on_the_web():
    link = '<link rel="alternate" type="application/rss+xml" href="rss">'
    moved = links(f'<base href="https://other.example/x/">{link}')
    assert moved.feeds[0][0] == "https://other.example/x/rss"
    kept = links(f'<base href="javascript:alert(1)">{link}')
    assert kept.feeds[0][0] == "https://outlet.example/blog/rss"


def test_a_link_in_the_text_is_found_when_the_head_has_none():
    found = links("", '<a href="https://outlet.example/rss/economy.xml">RSS</a>')
    assert found.feeds[0][0] == "https://outlet.example/rss/economy.xml"


def test_a_channel_s_page_names_its_feed():
    found = links(f'<link rel="canonical" href="https://www.youtube.com/channel/{CHANNEL}">')
    assert found.feeds[0][0] == CHANNEL_FEED
    assert found.candidates()[0].kind == "youtube"


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "file:///etc/passwd", "data:text/xml,x", "//", "http://[::1"]
)
def test_what_is_no_web_address_is_no_candidate(href):
    assert links(f'<link rel="alternate" type="application/rss+xml" href="{href}">').feeds == []


def test_a_page_of_links_gives_a_few():
    link = '<link rel="alternate" type="application/rss+xml" href="/{}">'
    found = links("".join(link.format(number) for number in range(3000)))
    assert len(found.feeds) == MAX_LINKS


def test_a_body_that_is_no_page_is_refused():
    with pytest.raises(FeedParseError):
        parse_links(b"", url=PAGE)


def test_the_usual_paths_start_below_the_page():
    urls = [candidate.url for candidate in well_known("https://outlet.example/blog/?page=2")]
    assert urls[0] == "https://outlet.example/blog/feed"
    assert "https://outlet.example/atom.xml" in urls
    assert well_known("https://outlet.example/x.html")[0].url == "https://outlet.example/feed"
