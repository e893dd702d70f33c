"""Pages behind the links of an index that could not be had for a reason that passes."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from crawler.indexes import FIRST_LINKS, look, parse_index
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


# -- at the first look ----------------------------------------------------------------


def test_a_page_that_failed_at_the_first_look_is_read_at_the_next(store, server):
    server.answers["/s/x"] = server.answers["/s/old"] = server.answers["/s/undated"] = Answer(500)
    show(server, "a", "x", "old", "b", "undated")
    counts = night(store, server)
    assert (counts["new"], counts["failures"]) == (2, 0)
    assert rows(store, KINDS) == [("server_error",)] * 3
    assert rows(store, WAITS) == []
    # The index is the same the next night, and is read all the same.
    server.answers["/s/x"] = article("x")
    server.answers["/s/old"] = article("old", "2025-06-02")
    server.answers["/s/undated"] = article("undated", None)
    server.requests.clear()
    assert night(store, server, 1)["new"] == 1
    asked = {path for path, _ in server.requests if path.startswith("/s/")}
    assert asked == {"/s/x", "/s/old", "/s/undated"}
    assert rows(store, "SELECT published_at, is_partial FROM documents WHERE url LIKE '%/s/x'") == [
        ("2026-01-29T09:00:00Z", 0)
    ]
    ((message,),) = rows(store, "SELECT message FROM failures WHERE kind = 'archive'")
    assert message.startswith("2 linked pages")
    # And not a third time.
    show(server, "a", "x", "old", "b", "undated", "later")
    server.requests.clear()
    assert night(store, server, 2)["new"] == 1
    asked = {path for path, _ in server.requests if path.startswith("/s/")}
    assert asked == {"/s/later"}


def test_one_refusal_at_the_first_look_loses_none_of_the_links_behind_it(store, server):
    names = [f"n{number}" for number in range(8)]
    server.answers["/s/n2"] = Answer(429, b"", {"Retry-After": "60"})
    show(server, *names)
    assert night(store, server)["new"] == 2
    server.answers["/s/n2"] = article("n2")
    assert night(store, server, 1)["new"] == 6
    assert ("archive",) not in rows(store, KINDS)


def test_a_page_that_fails_at_two_looks_is_kept_by_its_title_and_waited_for(store, server):
    server.answers["/s/x"] = Answer(500)
    show(server, "a", "x", "b")
    night(store, server)
    assert night(store, server, 1)["new"] == 1
    assert rows(store, WAITS) == [(1,)]
    server.answers["/s/x"] = article("x")
    assert night(store, server, 2)["revised"] == 1
    assert document(store)[1:] == (0, "2026-01-31T21:00:00Z", 1)


@pytest.mark.parametrize("more", [0, FIRST_LINKS])
def test_a_first_look_at_which_no_page_could_be_read_is_repeated(store, server, more):
    server.answers["/robots.txt"] = Answer(500)
    server.answers["/s/undated"] = article("undated", None)
    server.answers["/s/old"] = article("old", "2025-06-02")
    archive = [f"n{number}" for number in range(more)]
    show(server, "a", "b", "undated", "old", *archive)
    assert night(store, server)["new"] == 0
    assert rows(store, WAITS) == []
    assert set(rows(store, KINDS)) == {("robots_unreachable",)}
    server.answers["/robots.txt"] = Answer(404)
    stored = 2 + max(0, more - 4)
    assert night(store, server, 1)["new"] == stored
    assert rows(store, "SELECT count(*) FROM failures WHERE kind = 'archive'") == [(1,)]
    assert night(store, server, 2)["new"] == 0
    assert sum(server.hits[f"/s/{name}"] for name in archive[-4:]) == 0
