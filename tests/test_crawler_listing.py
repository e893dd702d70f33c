"""Timelines over their pages, against a server that pages as Mastodon does."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from crawler import listing as listings
from crawler.run import crawl
from crawler.urls import with_parameters
from store import Store
from store.records import Source
from tests.server import Answer, LocalServer, serve
from tests.stored import known

PATH = "/api/v1/accounts/109/statuses"
QUERY = "exclude_reblogs=true&limit=40"
JSON = {"Content-Type": "application/json"}
NOW = datetime(2026, 1, 30, 21, tzinfo=UTC)
NIGHT = timedelta(days=1)
EPOCH = NOW - timedelta(days=20)


def status(number: int, at: datetime, **changes: object) -> dict[str, object]:
    return {
        "id": f"{number:06}",
        "uri": f"https://m.example/{number}",
        "url": f"https://m.example/@ann/{number}",
        "created_at": at.isoformat(),
        "content": f"<p>post {number}</p>",
        "account": {"acct": "ann"},
        "favourites_count": 1,
        **changes,
    }


class Timeline:
    """An account with a post every ten minutes, newest first, forty on a page."""

    def __init__(self, posts: int, newest: datetime = NOW) -> None:
        last = int((newest - EPOCH) / timedelta(minutes=10))
        self.posts = [
            status(number, EPOCH + timedelta(minutes=10) * number)
            for number in range(last, last - posts, -1)
        ]
        self.is_broken = False

    def __call__(self, handler: object) -> Answer:
        query = parse_qs(urlsplit(handler.path).query)  # type: ignore[attr-defined]
        before = query.get("max_id", ["999999"])[0]
        page = [post for post in self.posts if str(post["id"]) < before][:40]
        if self.is_broken and before != "999999":
            return Answer(500, b"", JSON)
        return Answer(body=json.dumps(page).encode(), headers=JSON)


def night(store: Store, server: LocalServer, now: datetime = NOW) -> dict[str, int]:
    source = Source(id="m", kind="mastodon", url=f"{server.url}{PATH}?{QUERY}")
    report = crawl(store, [source], now=now, settings=server.settings(), only_due=False)
    return {**report.counts, "failures": report.failures}


def texts(store: Store) -> dict[str, str]:
    rows = known(store, "m").values()
    return {row.entry_key: store.documents.get(row.document_id).text for row in rows}


def test_all_pages_back_to_a_week_are_read_at_first_sight(store):
    with serve({PATH: (timeline := Timeline(90))}) as server:
        assert night(store, server)["new"] == 90
        # A page with fewer posts than half of what was asked for is the last.
        assert [query for query, _ in server.requests] == [
            f"{PATH}?{QUERY}",
            f"{PATH}?{QUERY}&max_id={timeline.posts[39]['id']}",
            f"{PATH}?{QUERY}&max_id={timeline.posts[79]['id']}",
        ]


def test_the_next_night_reads_two_days_more_and_no_further(store):
    with serve({PATH: Timeline(700)}) as server:
        night(store, server)
        server.requests.clear()
        server.answers[PATH] = Timeline(844, NOW + NIGHT)
        counts = night(store, server, NOW + NIGHT)
        # Three days of 144 posts lie on eleven pages.
        assert len(server.requests) == 11
        assert counts["new"] == 144


def test_a_server_that_ignores_the_parameters_is_asked_twice(store):
    page = json.dumps(Timeline(40).posts).encode()
    with serve({PATH: Answer(body=page, headers=JSON)}) as server:
        assert night(store, server)["new"] == 40
        assert server.hits[PATH] == 2


def test_a_broken_page_keeps_what_came_and_is_made_up_for(store):
    timeline = Timeline(100)
    timeline.is_broken = True
    with serve({PATH: timeline}) as server:
        counts = night(store, server)
        assert (counts["new"], counts["failures"]) == (40, 1)
        timeline.is_broken = False
        assert night(store, server, NOW + timedelta(hours=2))["new"] == 60


def test_more_pages_than_are_read_is_said(store, monkeypatch):
    monkeypatch.setattr(listings, "MAX_PAGES", 2)
    with serve({PATH: Timeline(60)}) as server:
        assert night(store, server)["failures"] == 0
        server.answers[PATH] = Timeline(200, NOW + NIGHT)
        night(store, server, NOW + NIGHT)
    assert [row["kind"] for row in store.runs.failures(limit=5)] == ["gap"]


def test_an_edit_is_a_revision_and_new_counts_are_kept(store):
    with serve({PATH: (timeline := Timeline(10))}) as server:
        night(store, server)
        timeline.posts[3] |= {"content": "<p>corrected</p>", "favourites_count": 9}
        counts = night(store, server, NOW + NIGHT)
        assert (counts["new"], counts["revised"]) == (0, 1)
    stored = known(store, "m")[str(timeline.posts[3]["uri"])]
    assert (stored.revisions, stored.engagement) == (1, {"likes": 9})
    assert "corrected" in texts(store).values()


def test_a_deleted_post_is_forgotten_and_comes_back_with_its_author(store):
    with serve({PATH: (timeline := Timeline(10))}) as server:
        night(store, server)
        gone = timeline.posts.pop(4)
        author = store.documents.get(known(store, "m")[str(gone["uri"])].document_id).author
        assert night(store, server, NOW + NIGHT)["withdrawn"] == 1
        key = known(store, "m")[str(gone["uri"])]
        document = store.documents.get(key.document_id)
        assert (document.title, document.text, document.author) == ("", "", None)
        assert key.is_withdrawn
        assert key.published_at is not None
        assert night(store, server, NOW + 2 * NIGHT)["withdrawn"] == 0
        timeline.posts.insert(4, gone)
        night(store, server, NOW + 3 * NIGHT)
    assert not known(store, "m")[str(gone["uri"])].is_withdrawn
    assert texts(store)[str(gone["uri"])].startswith("post ")
    assert author is not None
    assert store.documents.get(key.document_id).author == author


def test_another_listing_deletes_nothing(store):
    with serve({PATH: Timeline(10)}) as server:
        night(store, server)
        other = Timeline(12)
        for post in other.posts:
            post["uri"] = f"{post['uri']}/other"
        server.answers[PATH] = other
        assert night(store, server, NOW + NIGHT)["withdrawn"] == 0


def test_those_who_post_get_a_pseudonym(store):
    with serve({PATH: Timeline(3)}) as server:
        night(store, server)
    authors = {store.documents.get(key.document_id).author for key in known(store, "m").values()}
    (author,) = authors
    assert author is not None
    assert author.startswith("~")
    assert "ann" not in author


def test_a_second_night_with_the_same_answers_changes_nothing(store):
    with serve({PATH: Timeline(90)}) as server:
        night(store, server)
        before = known(store, "m")
        counts = night(store, server)
        assert (counts["new"], counts["revised"], counts["withdrawn"]) == (0, 0, 0)
    assert known(store, "m") == before


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://m.example/a?limit=40&max_id=9", "https://m.example/a?limit=40&max_id=7"),
        ("https://m.example/a", "https://m.example/a?max_id=7"),
    ],
)
def test_parameters_take_the_place_of_their_namesakes(url, expected):
    assert with_parameters(url, {"max_id": "7"}) == expected
