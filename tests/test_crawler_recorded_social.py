"""Answers that real servers gave, as other projects recorded them; they lie in ../shared."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from crawler.dates import parse_date
from crawler.errors import FeedParseError
from crawler.ratelimits import ratelimit_pause
from crawler.run import crawl
from crawler.social import bluesky, mastodon
from store import Store
from store.records import Source
from tests.server import Answer, Handler, serve

SHARED = Path(__file__).parents[2] / "shared" / "data" / "api"
_NEXT = re.compile(r'[?&]max_id=(\d+)[^>]*>; rel="next"')
_SNAPSHOT = re.compile(r"^exports\[`(.*?)`\] = `\n(.*?)\n`;$", re.DOTALL | re.MULTILINE)
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")

pytestmark = pytest.mark.skipif(
    not SHARED.exists(), reason="needs the recorded answers in ../shared"
)


# -- Mastodon -----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A question to Mastodon and its answer."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def value(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def is_timeline(self) -> bool:
        """Whether the answer is a list of posts: an edit has no address of its own."""
        value = self.value
        return isinstance(value, list) and bool(value) and {"uri", "content"} <= value[0].keys()


def recordings(pattern: str = "*.yaml") -> Iterator[Recorded]:
    """Return the answers to every GET."""
    for path in sorted((SHARED / "mastodon").glob(pattern)):
        tape = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        for exchange in tape["interactions"]:
            asked, answer = exchange["request"], exchange["response"]
            body = answer["body"].get("string") or b""
            if asked["method"] == "GET":
                yield Recorded(
                    url=asked["uri"],
                    status=answer["status"]["code"],
                    headers={name.lower(): v[0] for name, v in answer["headers"].items()},
                    body=body.encode() if isinstance(body, str) else body,
                )


def test_every_timeline_of_mastodon_is_read_whole():
    posts = 0
    timelines = [answer for answer in recordings() if answer.is_timeline]
    for answer in timelines:
        shown = [post for post in answer.value if post["visibility"] in {"public", "unlisted"}]
        items = mastodon.parse(answer.body, answer.url).items
        assert len(items) == len(shown)
        for item, status in zip(items, shown, strict=True):
            post = status["reblog"] or status
            assert item.guid == post["uri"]
            assert item.published_at == parse_date(post["created_at"])
            assert item.published_at is not None
            assert item.author == post["account"]["acct"]
            assert item.engagement["likes"] == post["favourites_count"]
            assert bool(item.text) == bool(re.sub("<[^>]*>", "", post["content"]).strip())
            assert "<" not in item.text
        posts += len(items)
    assert (len(timelines), posts) == (19, 147)


def test_mastodons_own_link_to_the_next_page_is_ours():
    full = short = 0
    for answer in recordings():
        link = _NEXT.search(answer.headers.get("link", ""))
        if answer.is_timeline and link is not None:
            more = mastodon.parse(answer.body, answer.url).more
            # Lists show one behind a page of 7 from 20 too, where nothing comes after it.
            assert more in ({}, {"max_id": link[1]})
            full, short = full + bool(more), short + (not more)
    assert (full, short) == (16, 3)


def test_every_allowance_of_mastodon_is_understood():
    checked = 0
    for answer in recordings():
        if "x-ratelimit-reset" in answer.headers:
            checked += 1
            reset = parse_date(answer.headers["x-ratelimit-reset"])
            assert reset is not None
            now = reset - timedelta(minutes=1)
            assert ratelimit_pause(answer.headers, now) is None
            assert ratelimit_pause({**answer.headers, "x-ratelimit-remaining": "0"}, now) == reset
    assert checked == 71


def test_refusals_of_mastodon_say_why():
    refused = [answer for answer in recordings() if answer.status >= 400]
    for answer in refused:
        with pytest.raises(FeedParseError, match=r"[Nn]ot found|Not Found"):
            mastodon.parse(answer.body, answer.url)
    assert len(refused) == 2


def test_recorded_pages_are_crawled_to_their_end(tmp_path):
    pages = {}
    path = ""
    for answer in recordings("test_fetch_remaining.yaml"):
        if "/timelines/tag/" in answer.url:
            parts = urlsplit(answer.url)
            path = parts.path
            pages[parse_qs(parts.query).get("max_id", [""])[0]] = answer.body

    def timeline(handler: Handler) -> Answer:
        query = parse_qs(urlsplit(handler.path).query)
        body = pages.get(query.get("max_id", [""])[0], b"[]")
        return Answer(200, body, {"Content-Type": "application/json"})

    with (
        serve({path: timeline}) as server,
        Store.open(tmp_path / "t.db", create=True) as store,
    ):
        source = Source(id="m", kind="mastodon", url=f"{server.url}{path}?limit=10")
        now = datetime(2026, 8, 2, tzinfo=UTC)
        report = crawl(store, [source], now=now, settings=server.settings())
        assert report.counts["new"] == 30
        assert server.hits[path] == 4


# -- Bluesky ------------------------------------------------------------------------


def snapshots(*names: str) -> Iterator[Any]:
    """Return the values of snapshots, which are JSON but for their commas."""
    for name in names:
        text = (SHARED / "bluesky" / f"{name}.test.ts.snap").read_text(encoding="utf-8")
        for _, body in _SNAPSHOT.findall(text):
            yield json.loads(_TRAILING_COMMA.sub(r"\1", body.replace("\\\\", "\\")))


def feeds() -> Iterator[list[Any]]:
    """Return the lists of views among the snapshots."""
    for value in snapshots("author-feed", "timeline", "feed-generation"):
        views = value.get("feed") if isinstance(value, dict) else value
        if isinstance(views, list) and views and "post" in views[0]:
            yield views


def test_every_feed_of_bluesky_is_read_whole():
    lists = posts = reasons = 0
    for views in feeds():
        own = [view["post"] for view in views if "reason" not in view]
        items = bluesky.parse(json.dumps({"feed": views}).encode()).items
        assert len(items) == len(own)
        for item, post in zip(items, own, strict=True):
            assert item.guid == post["uri"]
            assert item.author == post["author"]["handle"]
            assert item.published_at is not None
            assert item.text == post["record"]["text"]
            assert item.engagement["likes"] == post["likeCount"]
        lists, posts = lists + 1, posts + len(items)
        reasons += len(views) - len(own)
    assert (lists, posts, reasons) == (19, 110, 17)


def test_recorded_posts_of_bluesky_are_read_as_a_search_gives_them():
    posts = [
        post
        for value in snapshots("posts")
        for post in (value if isinstance(value, list) else [value])
    ]
    thread = json.loads((SHARED / "bluesky" / "thread_view_post_with_embed_media.json").read_text())
    posts.append(thread["thread"]["post"])
    items = bluesky.parse(json.dumps({"posts": posts}).encode()).items
    assert len(items) == 11
    assert [item.text for item in items] == [post["record"]["text"] for post in posts]
    real = items[-1]
    assert real.url is not None
    assert real.url.startswith("https://bsky.app/profile/")
    assert real.language == "en"
