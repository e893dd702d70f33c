"""Pages that could not be had: asked again where that helps, and the summary kept all the while."""

from dataclasses import replace
from typing import get_args

import pytest

from crawler.advice import failure
from crawler.decide import SUCCESS
from crawler.entries import MAX_ATTEMPTS
from crawler.identity import content_hash
from crawler.run import crawl
from store import Store
from store.records import Outcome
from tests.crawl_nights import HTML, channel, item, page
from tests.crawl_world import DAY, NOW, elsewhere, local_feed, night, outcomes, values
from tests.server import Answer, drip, serve

GOOD = Answer(200, page(), HTML)


def articles(paths: list[str]) -> dict[str, Answer]:
    """Return a page for each path; one text behind them all would be no article."""
    return {path: Answer(200, page(extra=f"<p>Words of {path}.</p>"), HTML) for path in paths}


SUMMARY = "A summary of the page."


def listed(server, *paths: str, title: str = "Gold", extra: str = "") -> Answer:
    items = (item(title, guid=path, link=path, text=SUMMARY) for path in paths)
    return Answer(200, channel(*items, link=server.url, head=extra))


def document(store: Store) -> tuple[bool, int]:
    """Return whether the one document holds the page, and its mark."""
    ((text, is_partial),) = values(store, "SELECT text, is_partial FROM documents")
    assert text == SUMMARY or "margin calls" in text
    return "margin calls" in text, is_partial


@pytest.mark.parametrize("unchanged", [True, False], ids=["feed unchanged", "feed changed"])
def test_a_page_that_comes_back_becomes_a_revision(store, unchanged):
    with serve({"/x": Answer(500)}) as server:
        server.answers["/feed"] = listed(server, "/x")
        source = local_feed(server, full_text=True)
        night(store, server, source)
        first = values(store, "SELECT effective_at, first_seen_at, id FROM documents")
        assert document(store) == (False, 1)
        server.answers["/x"] = GOOD
        if not unchanged:
            server.answers["/feed"] = listed(server, "/x", extra="<!-- b -->")
        assert night(store, server, source, nights=1).counts["revised"] == 1
        assert outcomes(store)[-1] == ("unchanged" if unchanged else "ok")
        assert document(store) == (True, 0)
        assert values(store, "SELECT text FROM revisions") == [SUMMARY]
        # Neither the day that it counts for nor what it is has moved.
        assert values(store, "SELECT effective_at, first_seen_at, id FROM documents") == first
        ((title, text, digest),) = values(store, "SELECT title, text, content_hash FROM documents")
        assert digest == content_hash(title, text)
        hits = server.hits["/x"]
        night(store, server, source, nights=2)
        assert server.hits["/x"] == hits
    assert values(store, "SELECT * FROM page_waits") == []


@pytest.mark.parametrize(
    "answers",
    [{"/x": Answer(500)}, {"/x": drip()}, {"/x": GOOD, "/robots.txt": Answer(500)}],
    ids=["server_error", "deadline", "robots_unreachable"],
)
def test_a_passing_reason_is_tried_three_times_in_all(store, answers):
    with serve(answers) as server:
        server.answers["/feed"] = listed(server, "/x")
        source = local_feed(server, full_text=True)
        for number in range(6):
            night(store, server, source, nights=number, total_s=1.0)
        assert values(store, "SELECT count(*) FROM failures") == [MAX_ATTEMPTS]
    assert document(store) == (False, 1)
    assert values(store, "SELECT * FROM page_waits") == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(404), "client_error"),
        (Answer(410), "gone"),
        (Answer(200, b"%PDF", {"Content-Type": "application/pdf"}), "not_a_feed"),
        (
            Answer(
                200,
                page('<script type="application/ld+json">{"isAccessibleForFree": false}</script>'),
                HTML,
            ),
            None,
        ),
        (Answer(200, page(extra="<p>Subscribe now to read on.</p>", sentences=2), HTML), None),
        (Answer(200, b"<html><body><article><p>Short.</p></article></body></html>", HTML), None),
    ],
    ids=["404", "410", "pdf", "stated wall", "a phrase", "shorter than the summary"],
)
def test_a_wall_or_a_refusal_is_final(store, answer, kind):
    with serve({"/x": answer}) as server:
        server.answers["/feed"] = listed(server, "/x")
        source = local_feed(server, full_text=True)
        for number in range(3):
            night(store, server, source, nights=number)
        assert server.hits["/x"] == 1
    assert document(store) == (False, 1)
    assert values(store, "SELECT kind FROM failures") == ([kind] if kind else [])


def test_the_same_moment_again_asks_for_nothing(store):
    with serve({"/x": Answer(500)}) as server:
        server.answers["/feed"] = listed(server, "/x")
        source = local_feed(server, full_text=True)
        night(store, server, source)
        before, hits = list(store.db.conn.iterdump()), server.hits.total()
        night(store, server, source)
        assert (list(store.db.conn.iterdump()), server.hits.total()) == (before, hits)
        # Even when every source is asked: a page has its own time.
        pages = server.hits["/x"]
        night(store, server, source, nights=0.1, only_due=False)
        assert server.hits["/x"] == pages


def test_what_the_feed_no_longer_lists_is_no_longer_asked_for(store):
    with serve({"/x": Answer(500), "/y": GOOD}) as server:
        server.answers["/feed"] = listed(server, "/x")
        source = local_feed(server, full_text=True)
        night(store, server, source)
        hits = server.hits["/x"]
        server.answers["/feed"] = listed(server, "/y")
        night(store, server, source, nights=1)
        night(store, server, source, nights=2)
        assert server.hits["/x"] == hits
    assert values(store, "SELECT * FROM page_waits") == []


def test_a_pause_of_the_host_is_no_attempt(store):
    with serve({"/x": Answer(429, b"", {"Retry-After": "400000"})}) as server:
        link = f"{elsewhere(server)}/x"
        entry = item("Gold", guid="1", link=link, text=SUMMARY)
        server.answers["/feed"] = Answer(200, channel(entry))
        source = local_feed(server, full_text=True)
        for number in range(5):
            night(store, server, source, nights=number)
        assert server.hits["/x"] == 1
        assert values(store, "SELECT attempts FROM page_waits") == [1]
        server.answers["/x"] = GOOD
        night(store, server, source, nights=5)
    assert document(store) == (True, 0)


def test_a_host_that_is_down_is_not_waited_for_at_every_page(store):
    paths = [f"/{number}" for number in range(8)]
    with serve(dict.fromkeys(paths, Answer(500))) as server:
        server.answers["/feed"] = listed(server, *paths)
        source = local_feed(server, full_text=True)
        night(store, server, source)
        assert sum(server.hits[path] for path in paths) == 3
        # Those whose turn never came are asked for all the same, once the host is back.
        server.answers |= articles(paths)
        assert night(store, server, source, nights=1).counts["revised"] == 8


def test_a_new_title_over_a_page_that_cannot_be_had_keeps_the_text(store):
    with serve({"/x": GOOD}) as server:
        source = local_feed(server, full_text=True)
        server.answers["/feed"] = listed(server, "/x")
        night(store, server, source)
        server.answers |= {"/x": Answer(404), "/feed": listed(server, "/x", title="Gold, mended")}
        assert night(store, server, source, nights=1).counts["revised"] == 1
        night(store, server, source, nights=2)
        assert server.hits["/x"] == 2
    assert document(store) == (True, 0)
    assert values(store, "SELECT title FROM documents") == ["Gold, mended"]


def test_a_changed_summary_of_an_unread_page_is_a_revision(store):
    with serve({"/x": Answer(404)}) as server:
        source = local_feed(server, full_text=True)
        server.answers["/feed"] = listed(server, "/x")
        night(store, server, source)
        changed = item("Gold", guid="/x", link="/x", text="Another summary.")
        server.answers["/feed"] = Answer(200, channel(changed, link=server.url))
        night(store, server, source, nights=1)
        assert server.hits["/x"] == 1
    assert values(store, "SELECT text, is_partial FROM documents") == [("Another summary.", 1)]


def test_pages_beyond_the_night_s_budget_come_the_next_night(store):
    paths = [f"/{number}" for number in range(5)]
    with serve(articles(paths)) as server:
        server.answers["/feed"] = listed(server, *paths)
        settings = replace(server.settings(), pages_per_source=3)
        source = local_feed(server, full_text=True)
        crawl(store, [source], now=NOW, settings=settings)
        assert sum(server.hits[path] for path in paths) == 3
        assert values(store, "SELECT count(*) FROM documents WHERE is_partial") == [2]
        crawl(store, [source], now=NOW + DAY, settings=settings)
    assert values(store, "SELECT count(*) FROM documents WHERE is_partial") == [0]


@pytest.mark.parametrize(
    ("answer", "kind"), [(GOOD, "not_a_feed"), (Answer(500), "server_error")], ids=["200", "500"]
)
def test_entries_that_share_an_address_ask_for_its_page_once(store, answer, kind):
    with serve({"/x": answer}) as server:
        entries = [item(f"Gold {n}", guid=str(n), link="/x", text=SUMMARY) for n in range(20)]
        server.answers["/feed"] = Answer(200, channel(*entries, link=server.url))
        night(store, server, local_feed(server, full_text=True))
        assert server.hits["/x"] == 1
        asked = values(store, "SELECT url FROM fetches WHERE url LIKE '%/x'")
        assert asked == [f"{server.url}/x"]
    # Whatever it says is the article of none of them, as if each had been asked for.
    assert values(store, "SELECT DISTINCT text, is_partial FROM documents") == [(SUMMARY, 1)]
    assert values(store, "SELECT count(*) FROM documents") == [20]
    assert values(store, "SELECT kind FROM failures") == [kind]
    waits = [1] * 20 if kind == "server_error" else []
    assert values(store, "SELECT attempts FROM page_waits") == waits


def test_waited_for_pages_at_one_address_are_one_request(store):
    with serve({"/x": Answer(500)}) as server:
        entries = [item(f"Gold {n}", guid=str(n), link="/x", text=SUMMARY) for n in range(5)]
        server.answers["/feed"] = Answer(200, channel(*entries, link=server.url))
        for number in range(MAX_ATTEMPTS + 1):
            night(store, server, local_feed(server, full_text=True), nights=number)
        assert server.hits["/x"] == MAX_ATTEMPTS


@pytest.mark.parametrize("outcome", sorted(set(get_args(Outcome)) - SUCCESS))
def test_every_outcome_that_is_bad_news_comes_with_advice_of_its_own(outcome):
    others = set(get_args(Outcome)) - SUCCESS - {outcome}
    advice = failure("x", outcome, "m").advice
    assert advice not in {failure("x", other, "m").advice for other in others} | {
        failure("x", "ok", "m").advice
    }
