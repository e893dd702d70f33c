"""Hacker News, against a server that behaves as Algolia's does."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crawler.errors import FeedParseError
from crawler.run import crawl
from crawler.social import hackernews
from store import Store
from store.records import Source, StageReport
from tests.platforms.hackernews import SEARCH, HackerNews
from tests.server import LocalServer, serve
from tests.stored import known

NOW = datetime(2026, 1, 30, 21, tzinfo=UTC)
NIGHT = timedelta(days=1)


def night(store: Store, server: LocalServer, query: str = "", now: datetime = NOW) -> StageReport:
    url = f"{server.url}{SEARCH}?{query}" if query else server.url
    source = Source(id="h", kind="hackernews", url=url, handle=None if query else "silver")
    return crawl(store, [source], now=now, settings=server.settings(), only_due=False)


def test_more_than_a_thousand_stories_are_read_by_time(store):
    there = HackerNews(NOW)
    there.write(1200)
    with serve(there.answers()) as server:
        assert night(store, server).counts["new"] == 1200
        # Each later page begins with the story that the one before it ended with.
        assert server.hits[SEARCH] == 13
        assert not any("page=" in path for path, _ in server.requests)


def test_stories_of_one_second_end_the_paging(store):
    there = HackerNews(NOW)
    there.write(150, step=timedelta(0))
    with serve(there.answers()) as server:
        assert night(store, server).counts["new"] == 100
        assert server.hits[SEARCH] == 2


def test_scores_and_titles_of_the_last_days_are_kept_and_what_no_longer_matches_stays(store):
    there = HackerNews(NOW)
    there.write(8)
    with serve(there.answers()) as server:
        night(store, server)
        there.hits[2]["points"] = 99
        there.hits[3]["title"] = "Silver, retitled"
        # It is there still, under a title that the query does not find.
        there.hits[5]["title"] = "Gold, retitled"
        counts = night(store, server, now=NOW + NIGHT).counts
    assert (counts["new"], counts["revised"], counts["withdrawn"]) == (0, 1, 0)
    stored = known(store, "h")
    assert stored[there.hits[2]["objectID"]].engagement == {"likes": 99, "replies": 2}
    assert stored[there.hits[5]["objectID"]].title.startswith("Silver story")


def test_an_address_of_the_api_keeps_its_own_filter(store):
    there = HackerNews(NOW)
    there.write(25)
    there.write(30, points=1)
    with serve(there.answers()) as server:
        query = "query=silver&numericFilters=points>5&hitsPerPage=10"
        assert night(store, server, query).counts["new"] == 25
        last, _ = server.requests[-1]
        assert last.count("numericFilters=") == 1
        assert "numericFilters=points%3E5%2Ccreated_at_i%3C%3D" in last


def test_comments_are_asked_for_by_an_address_of_the_api(store):
    there = HackerNews(NOW)
    comment: dict[str, Any] = {
        "title": "",
        "url": None,
        "story_title": "Silver story",
        "story_url": "https://press.example/1",
        "comment_text": "I <i>doubt</i> it.<p>Rates first.",
        "points": None,
        "num_comments": None,
        "_tags": ["comment"],
    }
    there.write(3, **comment)
    with serve(there.answers()) as server:
        assert night(store, server, "tags=comment&hitsPerPage=100").counts["new"] == 3
    (item, *_) = hackernews.parse(json.dumps({"hits": there.hits}).encode()).items
    assert item.text == "I doubt it.\n\nRates first."
    assert item.url == f"https://news.ycombinator.com/item?id={item.guid}"
    assert item.engagement == {}


def test_a_refused_query_says_why():
    with pytest.raises(FeedParseError, match="hitsPerPage too large"):
        hackernews.parse(b'{"message": "hitsPerPage too large", "status": 400}')
