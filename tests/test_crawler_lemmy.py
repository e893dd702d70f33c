"""Lemmy, against a server that behaves as it does; a feed address stays a feed."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from crawler.errors import FeedParseError, SourceError
from crawler.run import crawl
from crawler.social import lemmy, platform_of
from store import Store
from store.records import Source, StageReport
from tests.platforms.lemmy import FEED, LIST, Lemmy
from tests.server import Answer, LocalServer, rss, serve
from tests.stored import known

NOW = datetime(2026, 1, 30, 21, tzinfo=UTC)
NIGHT = timedelta(days=1)


def night(
    store: Store, server: LocalServer, path: str = "/c/economics", now: datetime = NOW
) -> StageReport:
    source = Source(id="l", kind="lemmy", url=server.url + path)
    return crawl(store, [source], now=now, settings=server.settings(), only_due=False)


@pytest.mark.parametrize(("has_marks", "last"), [(True, "page_cursor=P150"), (False, "page=4")])
def test_pages_follow_a_mark_or_a_number(store, has_marks, last):
    there = Lemmy(NOW, has_marks=has_marks)
    there.write(120)
    with serve(there.answers()) as server:
        assert night(store, server).counts["new"] == 120
        assert server.hits[LIST] == 4
        assert server.requests[-1][0].endswith(last)
    key = known(store, "l")["https://l.example/post/1001"]
    assert key.engagement == {"replies": 3, "likes": 5, "dislikes": 1}
    document = store.documents.get(key.document_id)
    assert (document.title, document.text) == ("Post 1001", "Text 1001 on **rates**")
    assert document.published_at == NOW - timedelta(minutes=119)


def test_a_pinned_post_neither_ends_the_paging_nor_deletes(store):
    there = Lemmy(NOW)
    there.write(60)
    there.pin(NOW - timedelta(days=300))
    with serve(there.answers()) as server:
        assert night(store, server).counts["new"] == 61
        # The old end of the listing is cut: that is no deletion.
        del there.views[30:60]
        there.now = NOW + 5 * NIGHT
        there.write(60)
        counts = night(store, server, now=NOW + 5 * NIGHT).counts
        assert (counts["new"], counts["withdrawn"]) == (60, 0)


def test_edits_are_revisions_and_what_was_taken_down_is_forgotten(store):
    there = Lemmy(NOW)
    there.write(6)
    with serve(there.answers()) as server:
        night(store, server)
        there.views[1]["post"]["body"] = "Text, corrected"
        there.views[2]["post"]["deleted"] = True
        there.views[3]["post"]["removed"] = True
        counts = night(store, server, now=NOW + NIGHT).counts
    assert (counts["revised"], counts["withdrawn"]) == (1, 2)


def test_an_address_of_a_feed_is_read_as_one(store):
    names = (f"https://l.example/post/{number}" for number in (1, 2))
    body = rss(*((name, "Post", "Text") for name in names))
    with serve({FEED: Answer(200, body)}) as server:
        source = Source(id="l", kind="lemmy", url=server.url + FEED, full_text=False)
        report = crawl(store, [source], now=NOW, settings=server.settings())
        assert server.requests[0][0] == FEED
    # The same names as in the answers of the interface: moving over stores nothing twice.
    assert report.counts["new"] == 2
    assert sorted(known(store, "l")) == [
        "https://l.example/post/1",
        "https://l.example/post/2",
    ]


def test_a_community_that_is_not_there(store):
    with serve(Lemmy(NOW).answers()) as server:
        assert night(store, server, "/c/nothing").failures == 1
    assert [row["kind"] for row in store.runs.failures(limit=9)] == ["client_error"]


@pytest.mark.parametrize(
    ("url", "handle", "is_feed"),
    [
        ("https://l.example/c/economics", None, False),
        ("https://l.example", "economics@o.example", False),
        ("https://l.example/api/v3/post/list?community_name=x", None, False),
        ("https://l.example/feeds/c/economics.xml?sort=New", None, True),
        ("https://l.example/feeds/c/economics.xml?sort=New", "economics", True),
        ("https://mirror.example/c/economics.rss", None, True),
        ("https://l.example/somewhere", None, True),
    ],
)
def test_the_address_says_how_it_is_asked(url, handle, is_feed):
    source = Source(id="l", kind="lemmy", url=url, handle=handle)
    assert (platform_of(source) is None) == is_feed


@pytest.mark.parametrize(
    ("handle", "expected"),
    [("economics", "economics"), ("!economics@o.example", "economics@o.example")],
)
def test_the_community_of_a_handle(handle, expected):
    source = Source(id="l", kind="lemmy", url="https://l.example", handle=handle)
    assert lemmy.request(source).url == (
        f"https://l.example{LIST}?community_name={expected}&sort=New&limit=50"
    )
    with pytest.raises(SourceError):
        lemmy.request(Source(id="l", kind="lemmy", url="https://l.example"))


@pytest.mark.parametrize(
    "body", [b"[]", b'{"error": "couldnt_find_community"}', b'{"posts": {}}', b"<html>", b""]
)
def test_another_answer_is_refused(body):
    with pytest.raises(FeedParseError):
        lemmy.parse(body)


def test_fields_of_the_wrong_type_are_left_out():
    odd = {"post": {"name": 7, "ap_id": "javascript:x", "published": []}, "counts": None}
    (item,) = lemmy.parse(json.dumps({"posts": [odd, "odd", {}]}).encode()).items
    assert (item.guid, item.url, item.title, item.published_at) == (None, None, "", None)


def test_a_link_stands_for_its_post():
    there = Lemmy(NOW)
    there.write(1, url="https://press.example/1")
    (item,) = lemmy.parse(json.dumps({"posts": there.views}).encode()).items
    assert item.url == "https://press.example/1"
    assert item.guid == "https://l.example/post/1001"
