"""Pages without a feed: an index of articles, or a page that changes."""

import pytest

from crawler import indexes
from crawler.errors import FeedParseError
from crawler.indexes import FIRST_LINKS, look, parse_index
from crawler.urls import canonical_url
from tests.index_world import WORDS, article, html, index, night, rows, show
from tests.server import Answer, serve


@pytest.fixture
def server():
    with serve({"/robots.txt": Answer(404)}) as running:
        yield running


def test_the_links_of_an_index_become_documents_with_the_text_of_their_pages(store, server):
    show(server, "a", "b", "c")
    counts = night(store, server)
    assert (counts["new"], counts["failures"]) == (3, 0)
    assert server.requests[0][1]["accept"].startswith("text/html")
    found = rows(
        store,
        "SELECT title, url, text, published_at, effective_at, date_source,"
        " language, is_partial FROM documents ORDER BY url",
    )
    title, url, text, published, effective, stated, language, partial = found[0]
    assert (title, url) == ("Speech a on the outlook", f"{server.url}/s/a")
    assert "The committee kept the policy rate" in text
    assert (published, effective) == ("2026-01-29T09:00:00Z", "2026-01-30T21:00:00Z")
    assert (stated, language, partial) == ("html", "en", 0)
    assert server.hits["/nav"] == server.hits["/legal"] == server.hits["/home/of/site"] == 0


def test_a_new_link_is_found_wherever_it_stands(store, server):
    show(server, "a", "b", "c")
    night(store, server)
    show(server, "new", "a", "b", "last", "c", day="2026-01-31")
    server.requests.clear()
    assert night(store, server, 1)["new"] == 2
    assert {path for path, _ in server.requests} == {
        "/speeches",
        "/robots.txt",
        "/s/new",
        "/s/last",
    }
    assert night(store, server, 2)["new"] == 0


def test_only_the_first_links_of_an_archive_are_asked_for_ever(store, server):
    names = [f"n{number}" for number in range(FIRST_LINKS + 30)]
    show(server, *names)
    assert night(store, server)["new"] == FIRST_LINKS
    show(server, "fresh", *names)
    assert night(store, server, 1)["new"] == 1
    assert server.hits[f"/s/n{FIRST_LINKS}"] == 0


def test_a_page_of_years_ago_does_not_count_today(store, server):
    server.answers["/s/old"] = article("old", "2019-03-02")
    server.answers["/s/undated"] = article("undated", None)
    show(server, "a", "old", "undated")
    assert night(store, server)["new"] == 1
    assert rows(store, "SELECT kind, message FROM failures")[0][0] == "archive"
    # Nor is it asked for every night.
    show(server, "a", "old", "undated", "later")
    server.answers["/s/later"] = article("later", "2019-03-02")
    server.requests.clear()
    assert night(store, server, 1)["new"] == 0
    assert server.hits["/s/old"] == 1


def test_an_undated_page_that_was_not_there_yesterday_is_new(store, server):
    show(server, "a", "b", "c")
    night(store, server)
    server.answers["/s/undated"] = article("undated", None)
    show(server, "undated", "a", "b", "c")
    assert night(store, server, 1)["new"] == 1
    assert rows(store, "SELECT effective_at FROM documents WHERE date_source = 'seen'") == [
        ("2026-01-31T21:00:00Z",)
    ]


def test_links_beyond_the_cap_wait_for_the_next_night(store, server):
    show(server, "a", "b", "c")
    night(store, server)
    more = [f"m{number}" for number in range(60)]
    show(server, *more, "a", "b", "c", day="2026-01-31")
    assert [night(store, server, number)["new"] for number in (1, 2, 3)] == [50, 10, 0]


def test_robots_txt_is_obeyed_for_the_linked_pages_not_for_the_index(store, server):
    show(server, "a", "b", "c")
    night(store, server)
    server.answers["/robots.txt"] = Answer(200, b"User-agent: *\nDisallow: /\n")
    show(server, "new", "a", "b", "c")
    counts = night(store, server, 1)
    assert (counts["new"], counts["failures"]) == (1, 0)
    assert server.hits["/s/new"] == 0
    assert rows(store, "SELECT title, text, is_partial FROM documents WHERE url LIKE '%new'") == [
        ("Speech new on the outlook", "", 1)
    ]
    assert ("robots_denied",) in rows(store, "SELECT kind FROM failures")


def test_a_single_page_is_a_document_and_its_changes_are_revisions(store, server):
    def page(rate: str) -> Answer:
        return html(
            f"<nav><a href='/n'>One two three four five</a></nav><article>"
            f"<h1>Policy rate</h1><p>{WORDS}</p><p>It stands at {rate}.</p></article>"
        )

    server.answers["/speeches"] = page("4.25")
    assert night(store, server)["new"] == 1
    assert night(store, server, 1) == {
        "asked": 1,
        "new": 0,
        "revised": 0,
        "withdrawn": 0,
        "duplicates": 0,
        "failures": 0,
    }
    server.answers["/speeches"] = page("4.00")
    assert night(store, server, 2)["revised"] == 1
    ((title, text),) = rows(store, "SELECT title, text FROM documents")
    assert title == "Policy rate"
    assert text.endswith("It stands at 4.00.")
    assert server.hits["/robots.txt"] == 0


def test_an_index_that_lost_its_list_is_a_failure_not_a_document(store, server):
    show(server, "a", "b", "c")
    night(store, server)
    server.answers["/speeches"] = html(f"<article><p>{WORDS}</p></article>")
    counts = night(store, server, 1)
    assert (counts["new"], counts["failures"]) == (0, 1)
    assert rows(store, "SELECT kind FROM failures") == [("not_a_feed",)]


@pytest.mark.parametrize(
    "body", [b"", b"   ", b"\x00\x01\x02", b"<html><body><script>app()</script></body></html>"]
)
def test_a_page_without_links_and_text_is_refused(body):
    with pytest.raises(FeedParseError):
        parse_index(body, url="https://bank.example/")


# -- links ----------------------------------------------------------------------------


def links(body: str, url: str = "https://bank.example/speeches") -> list[str]:
    """Return the addresses of the items; three links are there in any case."""
    some = "".join(f"<li><a href='/k/{n}'>One two three four</a></li>" for n in range(3))
    feed = parse_index(html(f"<ul>{some}</ul>{body}").body, url=url)
    return [str(item.url) for item in feed.items][3:]


@pytest.mark.parametrize(
    "body",
    [
        "<a href='javascript:alert(1)'>One two three four</a>",
        "<a href='java\nscript:alert(1)'>One two three four</a>",
        "<a href='data:text/html,x'>One two three four</a>",
        "<a href='mailto:a@bank.example'>One two three four</a>",
        "<a href='https://elsewhere.example/a'>One two three four</a>",
        "<a href='https://bank.example.evil.example/a'>One two three four</a>",
        "<a href='#top'>One two three four</a>",
        "<a href='/speeches?utm_source=x'>One two three four</a>",
        "<a>One two three four</a>",
        "<a href='/a'>Read more</a>",
        "<a href='/a'>黄金大跌</a>",
        "<a href='/chart.png'>One two three four</a>",
        "<a href='/a' rel='sponsored'>One two three four</a>",
        "<nav><a href='/a'>One two three four</a></nav>",
        "<aside><a href='/a'>One two three four</a></aside>",
        "<div role='navigation'><a href='/a'>One two three four</a></div>",
        "<div class='site-footer dark'><a href='/a'>One two three four</a></div>",
        "<ul id='menu-main'><li><a href='/a'>One two three four</a></li></ul>",
        "<div class='pagination'><a href='?page=2'>One two three four</a></div>",
        "<div hidden><a href='/a'>One two three four</a></div>",
        f"<p>{WORDS} <a href='/a'>One two three four</a></p>",
    ],
)
def test_what_is_no_link_to_an_article_is_left_out(body):
    assert links(body) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<a href='a'>One two three four</a>", "https://bank.example/a"),
        ("<a href='//www.bank.example/a'>One two three four</a>", "https://www.bank.example/a"),
        ("<a href='/a'>央行今日宣布降息</a>", "https://bank.example/a"),
        ("<p>29 Jan <a href='/a'>One two three four</a></p>", "https://bank.example/a"),
        ("<div class='has-sidebar'><a href='/a'>One two three four</a></div>",
         "https://bank.example/a"),
        ("<article><header><a href='/a'>One two three four</a></header></article>",
         "https://bank.example/a"),
        ("<a href='/a.pdf'>One two three four</a>", "https://bank.example/a.pdf"),
    ],
)  # fmt: skip
def test_what_is_a_link_to_an_article_is_kept(body, expected):
    assert links(body) == [expected]


def test_a_card_that_is_one_link_is_named_by_its_heading():
    card = "<a href='/a'><img><h2>Gold &amp; the dollar fell</h2><p>Why it did so.</p></a>"
    some = "".join(f"<li>{card.replace('/a', f'/{n}')}</li>" for n in range(3))
    feed = parse_index(html(some).body, url="https://bank.example/")
    assert {item.title for item in feed.items} == {"Gold & the dollar fell"}


def test_ten_thousand_links_are_capped_and_quick():
    many = "".join(f"<p><a href='/{n}'>Note number {n} today</a></p>" for n in range(10_000))
    feed = parse_index(html(many).body, url="https://bank.example/")
    assert len(feed.items) == indexes.MAX_LINKS
    assert feed.notes
    one_paragraph = f"<p>{many.replace('<p>', '').replace('</p>', ' ')}</p>"
    assert len(parse_index(html(one_paragraph).body, url="https://bank.example/").items) == 500


def test_what_was_seen_of_another_address_is_forgotten():
    feed = parse_index(index("a", "b", "c").body, url="https://bank.example/s")
    first = look(feed, "https://bank.example/s", None, [], 50)
    assert first.is_first
    again = look(feed, "https://bank.example/s", first.cursor, [], 50)
    assert (again.is_first, list(again.feed.items)) == (False, [])
    moved = look(feed, "https://bank.example/t", first.cursor, [], 50)
    assert (moved.is_first, len(moved.feed.items)) == (True, 3)
    assert canonical_url(moved.feed.items[0].url) == "https://bank.example/s/a"
