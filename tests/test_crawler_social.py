import json
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from crawler.errors import FeedParseError, SourceError
from crawler.social import (
    bluesky,
    hackernews,
    mastodon,
    platform_of,
    reddit,
    stocktwits,
    telegram,
    x,
)
from store.records import Source

STATUS = {
    "id": "1",
    "uri": "https://m.example/users/ann/statuses/1",
    "url": "https://m.example/@ann/1",
    "created_at": "2026-01-30T14:05:00.000Z",
    "language": "en",
    "spoiler_text": "",
    "content": "<p>Gold &amp; silver <a href='x'>#markets</a></p><p>second</p>",
    "account": {"acct": "ann"},
    "reblog": None,
    "replies_count": 2,
    "favourites_count": 5,
    "reblogs_count": None,
}
POST = {
    "uri": "at://did:plc:x/app.bsky.feed.post/3k",
    "author": {"handle": "quant.example"},
    "record": {
        "text": "30 Jan <in> sigmas",
        "createdAt": "2026-01-30T14:05:00Z",
        "langs": ["en-US"],
    },
    "indexedAt": "2026-01-30T14:05:01Z",
    "likeCount": 3,
}
HIT = {
    "objectID": "42",
    "title": "Silver &amp; gold",
    "url": None,
    "author": "pg",
    "points": 10,
    "num_comments": 4,
    "created_at": "2026-01-30T14:05:00Z",
    "story_text": None,
}


def test_mastodon():
    source = Source(id="m", kind="mastodon", url="https://m.example", handle="#markets")
    question = mastodon.request(source, "TOKEN")
    assert question.url == "https://m.example/api/v1/timelines/tag/markets?limit=40"
    assert question.secret_headers == {"Authorization": "Bearer TOKEN"}
    boost = {**STATUS, "id": "2", "reblog": {**STATUS, "uri": "https://other.example/9"}}
    first, second = mastodon.parse(json.dumps([STATUS, boost, "odd"]).encode()).items
    assert first.text == "Gold & silver #markets\n\nsecond"
    assert (first.author, first.language, first.engagement) == (
        "ann",
        "en",
        {"replies": 2, "likes": 5},
    )
    assert second.guid == "https://other.example/9"


@pytest.mark.parametrize("handle", [None, "@", "#"])
def test_mastodon_needs_a_tag(handle):
    with pytest.raises(SourceError):
        mastodon.request(Source(id="m", kind="mastodon", url="https://m.example", handle=handle))


def test_bluesky():
    source = Source(id="b", kind="bluesky", url="", handle="@quant.example")
    expected = (
        "https://public.api.bsky.app/xrpc/app.bsky.feed.getAuthorFeed?actor=quant.example&limit=100"
    )
    assert bluesky.request(source).url == expected
    assert (
        bluesky.request(
            replace(source, url="https://bsky.app/profile/quant.example", handle=None)
        ).url
        == expected
    )
    repost = {"post": POST, "reason": {"$type": "app.bsky.feed.defs#reasonRepost"}}
    (item,) = bluesky.parse(json.dumps({"feed": [{"post": POST}, repost, {}]}).encode()).items
    assert item.url == "https://bsky.app/profile/quant.example/post/3k"
    assert (item.text, item.language, item.engagement) == ("30 Jan <in> sigmas", "en", {"likes": 3})


def test_hacker_news():
    source = Source(
        id="h", kind="hackernews", url="https://news.ycombinator.com", handle="silver price"
    )
    assert "query=silver%20price&tags=story" in hackernews.request(source).url
    (item,) = hackernews.parse(json.dumps({"hits": [HIT]}).encode()).items
    assert item.url == "https://news.ycombinator.com/item?id=42"
    assert (item.title, item.engagement) == ("Silver & gold", {"likes": 10, "replies": 4})


@pytest.mark.parametrize("module", [mastodon, bluesky, hackernews])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>challenge</html>",
        b'{"error": "This method requires an authenticated user"}',
        b"[" * 100_000,
        b"null",
        b'{"feed": 1, "hits": 1}',
        b"NaN",
    ],
    ids=range(7),
)
def test_another_answer_is_refused_with_a_reason(module, body):
    with pytest.raises(FeedParseError):
        module.parse(body)


@pytest.mark.parametrize("module", [mastodon, bluesky, hackernews])
def test_fields_of_the_wrong_type_are_left_out(module):
    odd = {
        "post": {"record": [], "author": 3, "uri": {}},
        "id": 3,
        "content": None,
        "title": [],
        "objectID": 9,
        "account": "x",
        "created_at": 12,
    }
    body = {mastodon: [odd], bluesky: {"feed": [odd]}, hackernews: {"hits": [odd]}}[module]
    (item,) = module.parse(json.dumps(body).encode()).items
    assert (item.guid, item.title, item.text, item.published_at) == (None, "", "", None)


# -- whose host it is ---------------------------------------------------------------

OURS = {
    bluesky: ("bsky.app", "https://bsky.social"),
    hackernews: ("ycombinator.com", "https://hn.algolia.com"),
    reddit: ("reddit.com", "https://oauth.reddit.com"),
    stocktwits: ("stocktwits.com", "https://api.stocktwits.com"),
    telegram: ("t.me", "https://t.me"),
    x: ("x.com", "https://api.x.com"),
}


def asked_at(module, host: str) -> str:
    """Return the server that is asked, with a key, where the settings name a host."""
    source = Source(id="s", kind="feed", url=f"https://{host}", handle="goldbugs")
    parts = urlsplit(module.request(source, "TOKEN").url)
    return f"{parts.scheme}://{parts.netloc}"


@pytest.mark.parametrize("module", OURS)
@pytest.mark.parametrize("host", ["{}", "www.{}", "old.{}", "WWW.{}:443"])
def test_addresses_below_a_platform_s_domain_are_the_platform_s(module, host):
    domain, server = OURS[module]
    assert asked_at(module, host.format(domain)) == server


@pytest.mark.parametrize("module", OURS)
@pytest.mark.parametrize("host", ["not{}", "{}.example.org", "{}-mirror.example", "m.example:81"])
def test_look_alikes_are_other_servers(module, host):
    host = host.format(OURS[module][0])
    assert asked_at(module, host) == f"https://{host}"


@pytest.mark.parametrize(
    ("kind", "url", "server"),
    [
        ("bluesky", "https://www.bsky.app", "https://bsky.social"),
        ("bluesky", "https://public.api.bsky.app", "https://bsky.social"),
        ("bluesky", "https://bsky.app.example.org", "https://bsky.app.example.org"),
        ("reddit", "https://old.reddit.com", "https://www.reddit.com"),
        ("reddit", "https://notreddit.com", "https://notreddit.com"),
    ],
)
def test_a_login_goes_where_the_questions_go(kind, url, server):
    source = Source(id="s", kind=kind, url=url, handle="gold", token_env="KEY")
    platform = platform_of(source)
    assert platform is not None
    assert platform.login is not None
    question = platform.login(source, "name:secret")
    assert question is not None
    assert question.url.startswith(f"{server}/")
