"""Pages behind the links of an index that could not be had for a reason that passes."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from crawler.indexes import look, parse_index
from store.records import PageWait
from tests.index_world import article, html, index, night, rows, show
from tests.server import Answer, serve

WAITS = "SELECT attempts FROM page_waits"
KINDS = "SELECT kind FROM failures ORDER BY kind"
TITLES = "SELECT title FROM documents ORDER BY title"


@pytest.fixture
def server():
    with serve({"/robots.txt": Answer(404)}) as running:
        yield running


def first_look(store, server):
    show(server, "a", "b", "c")
    night(store, server)


def document(store):
    """Return text, mark, first sight and number of revisions of the article that was waited for."""
    found = rows(
        store,
        "SELECT text, is_partial, first_seen_at, (SELECT count(*) FROM revisions"
        " WHERE document_id = documents.id) FROM documents WHERE url LIKE '%/s/x'",
    )
    assert len(found) == 1
    return found[0]


# -- on an index that is known --------------------------------------------------------


def test_a_page_is_asked_for_again_while_the_index_goes_on_to_change(store, server):
    first_look(store, server)
    server.answers["/s/x"] = Answer(503)
    show(server, "x", "a", "b", "c")
    assert night(store, server, 1)["new"] == 1
    assert rows(store, WAITS) == [(1,)]
    show(server, "y", "x", "a", "b", "c", day="2026-02-01")
    counts = night(store, server, 2)
    assert (counts["new"], counts["revised"]) == (1, 0)
    assert rows(store, WAITS) == [(2,)]
    server.answers["/s/x"] = article("x", "2026-01-31")
    show(server, "z", "y", "x", "a", "b", "c", day="2026-02-02")
    counts = night(store, server, 3)
    assert (counts["new"], counts["revised"]) == (1, 1)
    text, partial, first_seen, revisions = document(store)
    assert "In speech x the governor spoke" in text
    assert (partial, first_seen, revisions) == (0, "2026-01-31T21:00:00Z", 1)
    assert rows(store, WAITS) == []
    show(server, "y", "x", "a", "b", "c")
    hits = server.hits["/s/x"]
    assert night(store, server, 4)["revised"] == 0
    assert server.hits["/s/x"] == hits


def test_a_page_that_never_answers_is_asked_for_three_times(store, server):
    first_look(store, server)
    server.answers["/s/x"] = Answer(500)
    shown = ["x", "a", "b", "c"]
    for number in range(1, 6):
        shown.insert(0, f"new{number}")
        show(server, *shown)
        night(store, server, number)
    assert server.hits["/s/x"] == 3
    assert rows(store, WAITS) == []
    assert document(store) == ("", 1, "2026-01-31T21:00:00Z", 0)


def test_what_the_index_no_longer_lists_is_no_longer_waited_for(store, server):
    first_look(store, server)
    server.answers["/s/x"] = Answer(500)
    show(server, "x", "a", "b", "c")
    night(store, server, 1)
    assert rows(store, WAITS) == [(1,)]
    show(server, "y", "a", "b", "c")
    night(store, server, 2)
    assert rows(store, WAITS) == []
    show(server, "x", "y", "a", "b", "c")
    night(store, server, 3)
    assert server.hits["/s/x"] == 1


def test_another_text_of_the_link_is_no_revision_of_a_page_that_is_waited_for(store, server):
    first_look(store, server)
    server.answers["/s/x"] = Answer(500)
    show(server, "x", "a", "b", "c")
    night(store, server, 1)
    renamed = index("x", "a", "b", "c").body.replace(b"Speech x on the", b"Why it matters: the")
    server.answers["/speeches"] = html(renamed.decode())
    assert night(store, server, 2)["revised"] == 0
    server.answers["/s/x"] = article("x")
    server.answers["/speeches"] = html(renamed.decode() + "<p>more</p>")
    assert night(store, server, 3)["revised"] == 1
    assert ("Speech x on the outlook",) in rows(store, TITLES)
    assert document(store)[1:] == (0, "2026-01-31T21:00:00Z", 1)


def test_what_is_waited_for_takes_no_place_from_what_is_new(store, server):
    first_look(store, server)
    server.answers["/s/x"] = Answer(500)
    show(server, "x", "a", "b", "c")
    night(store, server, 1)
    show(server, "x", *(f"m{number}" for number in range(60)), day="2026-01-31")
    assert night(store, server, 2)["new"] == 50
    assert (server.hits["/s/x"], rows(store, WAITS)) == (1, [(1,)])
    assert night(store, server, 3)["new"] == 10
    assert (server.hits["/s/x"], rows(store, WAITS)) == (2, [(2,)])


@dataclass(frozen=True)
class Stored:
    """A stored document, as an index asks for it."""

    url: str
    title: str = "Speech x on the outlook"
    wait: PageWait | None = None

    @property
    def canonical_url(self) -> str:
        """Its address."""
        return self.url


def test_a_page_that_is_waited_for_is_not_counted_as_new():
    url, wait = "https://bank.example/s", PageWait(attempts=1, tried_at=datetime.now(UTC))
    first = look(parse_index(index("a", "b", "c").body, url=url), url, None, [], 50)
    feed = parse_index(index("x", "y", "z", "a").body, url=url)
    known = [Stored(f"{url}/x", wait=wait), Stored(f"{url}/y")]
    seen = look(feed, url, first.cursor, known, 1)
    assert [item.url for item in seen.feed.items] == [f"{url}/z", f"{url}/x"]
    assert not seen.is_waiting
    again = look(feed, url, seen.cursor, known, 1)
    assert [item.url for item in again.feed.items] == [f"{url}/x"]
    full = look(feed, url, first.cursor, [], 2)
    assert (len(full.feed.items), full.is_waiting) == (2, True)
