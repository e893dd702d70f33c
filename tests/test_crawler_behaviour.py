"""Rows 1 to 6 of the behaviour table (docs/crawling.md): validators, moves, ends and pauses."""

import pytest

from crawler.run import crawl
from store.records import Source, SourceState
from tests.crawl_nights import channel, due_in_hours, item, pretend_internet, response
from tests.crawl_world import DAY, NOW, elsewhere, local_feed, night, outcomes, state, values
from tests.server import RSS_TYPE, Answer, etag, redirect, serve

FEED = channel(item("one", guid="1", text="first"), item("two", guid="2", text="second"))


# -- row 1 --------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ['"v1"', 'W/"v1"', "no quotes at all"])
def test_row_01_validators_are_opaque(store, tag):
    with serve({"/feed": etag(FEED, tag)}) as server:
        night(store, server)
        night(store, server, nights=1)
        asked = server.requests[1][1]
    assert (asked["if-none-match"], asked["if-modified-since"]) == (tag, "yesterday, about")
    assert outcomes(store) == ["ok", "not_modified"]


def test_row_01_expires_0_disowns_validators(store):
    headers = {"Content-Type": RSS_TYPE, "ETag": '"v1"', "Last-Modified": "x", "Expires": "0"}
    with serve({"/feed": Answer(200, FEED, headers)}) as server:
        night(store, server)
        night(store, server, nights=1)
        assert "if-none-match" not in server.requests[1][1]
        assert "if-modified-since" not in server.requests[1][1]


def test_row_01_a_200_with_the_stored_tag_is_not_parsed(store):
    headers = {"Content-Type": RSS_TYPE, "ETag": '"v1"'}
    with serve({"/feed": Answer(200, FEED, headers)}) as server:
        night(store, server)
        server.answers["/feed"] = Answer(200, FEED + b"<!-- another body -->", headers)
        night(store, server, nights=1)
        # Under a new tag that body is read: it was passed over, not parsed.
        server.answers["/feed"] = Answer(
            200, FEED + b"<!-- another body -->", {**headers, "ETag": '"v2"'}
        )
        night(store, server, nights=2)
    assert outcomes(store) == ["ok", "unchanged", "ok"]


def test_row_01_a_304_renews_last_modified(store):
    with serve({"/feed": etag(FEED)}) as server:
        night(store, server)
        server.answers["/feed"] = Answer(304, b"", {"Last-Modified": "today"})
        night(store, server, nights=1)
    assert (state(store).etag, state(store).last_modified) == ('"v1"', "today")


def test_row_01_an_unchanged_body_is_not_parsed(store):
    with serve({"/feed": Answer(200, FEED)}) as server:
        night(store, server)
        night(store, server, nights=1)
    assert outcomes(store) == ["ok", "unchanged"]


def test_row_01_validators_and_entries_are_saved_together(store, monkeypatch):
    with serve({"/feed": etag(FEED)}) as server:
        with monkeypatch.context() as patch:
            patch.setattr(store.sources, "save_state", lambda _: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                night(store, server)
        assert (store.documents.count(), state(store).etag) == (0, None)
        night(store, server)
    assert (store.documents.count(), state(store).etag) == (2, '"v1"')


# -- rows 2 to 4 --------------------------------------------------------------------


def test_row_02_not_modified_is_nothing_new_and_an_error_out_of_the_blue(store):
    with serve({"/feed": Answer(304), "/good": etag(FEED)}) as server:
        sources = local_feed(server), local_feed(server, "/good", "good")
        report = night(store, server, *sources)
        night(store, server, *sources, nights=1)
    assert report.failures == 1
    assert values(store, "SELECT outcome FROM fetches WHERE source_id = 'outlet'")[0] == "bad_304"
    assert values(store, "SELECT outcome FROM fetches WHERE source_id = 'good'") == [
        "ok",
        "not_modified",
    ]


@pytest.mark.parametrize("status", [301, 308])
def test_row_03_a_permanent_move_is_learned_after_three_runs(store, status):
    with serve({"/feed": redirect("/new", status), "/new": Answer(200, FEED)}) as server:
        for number in range(4):
            night(store, server, nights=number)
        assert server.hits == {"/feed": 3, "/new": 4}
        assert state(store).url == f"{server.url}/new"
        # The configured address is kept, and comes back when the learned one fails.
        assert values(store, "SELECT url FROM sources") == [f"{server.url}/feed"]
        server.answers |= {"/new": Answer(404), "/feed": Answer(200, FEED)}
        for number in range(4, 9):
            night(store, server, nights=number)
    assert (state(store).url, state(store).status) == (f"{server.url}/feed", "active")


@pytest.mark.parametrize(
    ("first", "other"), [(302, 302), (301, 302)], ids=["temporary", "now and then"]
)
def test_row_03_other_redirects_are_followed_and_forgotten(store, first, other):
    with serve({"/new": Answer(200, FEED)}) as server:
        for number, status in enumerate((first, first, other, first, first)):
            server.answers["/feed"] = redirect("/new", status)
            night(store, server, nights=number)
        assert server.hits["/feed"] == 5


def test_row_03_a_downgrade_to_plain_http_is_never_learned(store, monkeypatch):
    asked: list[str] = []

    def respond(request):
        asked.append(str(request.url))
        if request.url.scheme == "https":
            return response(301, location="http://a.example/feed")
        return response(200, FEED)

    settings = pretend_internet(monkeypatch, respond)
    source = Source(id="outlet", kind="feed", url="https://a.example/feed", full_text=False)
    for number in range(5):
        crawl(store, [source], now=NOW + number * DAY, settings=settings)
    assert asked == ["https://a.example/feed", "http://a.example/feed"] * 5


def test_row_04_a_retired_feed_comes_back_by_hand_only(store):
    with serve({"/feed": etag(FEED)}) as server:
        night(store, server)
        server.answers["/feed"] = Answer(410)
        night(store, server, nights=1)
        assert state(store).status == "gone"
        server.answers["/feed"] = etag(FEED)
        night(store, server, nights=400)
        night(store, server, nights=401, only_due=False)
        assert server.hits["/feed"] == 2
        before = state(store)
        assert store.sources.revive("outlet")
        assert state(store) == SourceState(
            source_id="outlet", url=f"{server.url}/feed", last_ok_at=before.last_ok_at
        )
        night(store, server, nights=402)
        assert "if-none-match" not in server.requests[-1][1]
    assert (state(store).status, state(store).errors) == ("active", 0)
    assert not store.sources.revive("nobody")


# -- rows 5 and 6 -------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("value", "hours"),
    [
        ("7200", 2),
        ("Sat, 31 Jan 2026 04:30:00 GMT", 6),
        ("999999999", 7 * 24),
        ("Fri, 30 Jan 2099 21:30:00 GMT", 7 * 24),
        ("soon", None),
        ("-5", None),
        ("Fri, 30 Jan 2026 21:30:00 GMT", None),
    ],
)
def test_row_05_06_retry_after(store, status, value, hours):
    with serve({"/feed": Answer(status, b"", {"Retry-After": value})}) as server:
        night(store, server)
        assert server.hits["/feed"] == 1
    unasked = 1 if status == 429 else None  # an hour's peace after any 429
    if (hours or unasked) is None:
        assert state(store).status == "active"
    else:
        assert state(store).status == "paused"
        assert due_in_hours(store) == (hours or unasked)


@pytest.mark.parametrize("status", [429, 503])
def test_row_05_06_the_pause_is_the_host_s(store, status):
    """It covers other sources and pages of the host, and lasts beyond the run."""
    with serve({"/robots.txt": Answer(404), "/feed": Answer(200, FEED)}) as server:
        there = elsewhere(server)
        server.answers |= {
            "/links": Answer(200, channel(item("x", guid="x", link=f"{there}/page", text="y"))),
            "/page": Answer(status, b"", {"Retry-After": "400000"}),
        }
        links = local_feed(server, "/links", "links", full_text=True)
        same_host = Source(id="same", kind="feed", url=f"{there}/feed", full_text=False)
        night(store, server, links)
        assert server.hits["/page"] == 1
        for number in (1, 2, 3, 4):
            night(store, server, links, same_host, nights=number, only_due=False)
        assert (server.hits["/page"], server.hits["/feed"]) == (1, 0)
        assert state(store, "same").status == "paused"
        night(store, server, links, nights=5)
        night(store, server, same_host, nights=5)
        assert (server.hits["/page"], server.hits["/feed"]) == (2, 0)
        night(store, server, same_host, nights=10)
        assert server.hits["/feed"] == 1
