"""The search for a feed against a local server: what is asked, what is not, what is found."""

import asyncio
from datetime import UTC, datetime

import httpcore2
import pytest
from httpcore2._backends.auto import AutoBackend

from crawler.discovery import MOST_REQUESTS, discover, find_feed
from crawler.errors import SourceError
from crawler.fetch import open_client
from crawler.social import bluesky
from crawler.worker import ParserPool
from tests.server import Answer, bomb, redirect, rss, serve

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
HTML = {"Content-Type": "text/html; charset=utf-8"}
FEED = Answer(200, rss(("1", "one", "text"), ("2", "two", "text"), head="<language>de</language>"))
OPEN = Answer(200, b"User-agent: *\nDisallow:\n", {"Content-Type": "text/plain"})
CLOSED = Answer(200, b"User-agent: *\nDisallow: /\n", {"Content-Type": "text/plain"})
EMPTY = Answer(200, rss())


def page(*hrefs, head=""):
    links = "".join(
        f'<link rel="alternate" type="application/rss+xml" href="{href}">' for href in hrefs
    )
    return Answer(200, f"<html><head>{head}{links}</head><body>x</body></html>".encode(), HTML)


@pytest.fixture(scope="module")
def pool():
    from crawler.settings import Limits

    made = ParserPool(Limits(parse_s=10.0), 1)
    yield made
    made.close()


def search(pool, answers, path="/", **limits):
    async def go(server):
        async with open_client(server.settings(**limits), now=NOW) as client:
            return await discover(client, pool, server.url + path)

    with serve(answers) as server:
        found = asyncio.run(go(server))
        return found, server


def test_a_feed_that_is_named_is_taken_without_asking_more(pool):
    found, server = search(pool, {"/feed": FEED, "/robots.txt": CLOSED}, "/feed")
    assert found.feed.url == f"{server.url}/feed"
    assert (found.feed.items, found.feed.language, found.feed.title) == (2, "de", "t")
    assert found.feed.newest == datetime(2026, 1, 30, 10, tzinfo=UTC)
    assert (found.requests, sum(server.hits.values())) == (1, 1)


def test_a_language_of_three_letters_is_not_cut_to_another(pool):
    answer = Answer(200, rss(("1", "one", "text"), head="<language>fil-PH</language>"))
    found, _ = search(pool, {"/feed": answer}, "/feed")
    assert found.feed.language == "fil"


def test_the_link_of_a_page_comes_before_the_usual_paths(pool):
    answers = {"/": page("/comments/feed", "/mine.xml"), "/mine.xml": FEED, "/feed": FEED}
    found, server = search(pool, answers)
    assert (found.feed.url, found.feed.how) == (f"{server.url}/mine.xml", "link")
    assert found.others == [f"{server.url}/comments/feed"]
    assert server.hits["/feed"] == 0


def test_a_page_without_links_has_its_feed_at_a_usual_path(pool):
    found, server = search(pool, {"/blog": page(), "/atom.xml": FEED}, "/blog")
    assert (found.feed.url, found.feed.how) == (f"{server.url}/atom.xml", "well-known")
    assert any("/blog/feed" in line for line in found.tried)


def test_a_page_that_is_missing_may_have_a_feed_all_the_same(pool):
    found, server = search(pool, {"/feed": FEED}, "/gone")
    assert found.feed.url == f"{server.url}/feed"


def test_robots_txt_is_obeyed_for_what_was_not_named(pool):
    found, server = search(pool, {"/": page("/f.xml"), "/f.xml": FEED, "/robots.txt": CLOSED})
    assert found.feed is None
    assert server.hits["/f.xml"] == 0
    assert set(server.hits) == {"/", "/robots.txt"}
    assert any("robots.txt" in line for line in found.tried)


def test_robots_txt_that_cannot_be_had_is_a_refusal(pool):
    answers = {"/": page("/f.xml"), "/f.xml": FEED, "/robots.txt": Answer(500)}
    found, server = search(pool, answers)
    assert found.feed is None
    assert server.hits["/f.xml"] == 0


def test_a_search_asks_a_few_times_only(pool):
    found, server = search(pool, {"/": page(*(f"/{number}.xml" for number in range(100)))})
    assert found.feed is None
    assert found.requests <= MOST_REQUESTS
    assert sum(server.hits.values()) <= MOST_REQUESTS
    assert any("not asked" in line for line in found.tried)


def test_an_empty_feed_is_taken_only_when_there_is_no_other(pool):
    found, server = search(pool, {"/": page("/empty", "/full"), "/empty": EMPTY, "/full": FEED})
    assert found.feed.url == f"{server.url}/full"
    found, server = search(pool, {"/": page("/empty"), "/empty": EMPTY})
    assert (found.feed.url, found.feed.items) == (f"{server.url}/empty", 0)


def test_a_feed_that_has_moved_for_good_is_written_at_its_new_place(pool):
    found, server = search(pool, {"/old": redirect("/new", 301), "/new": FEED}, "/old")
    assert found.feed.url == f"{server.url}/new"
    found, server = search(pool, {"/old": redirect("/new", 302), "/new": FEED}, "/old")
    assert found.feed.url == f"{server.url}/old"


def test_a_challenge_ends_the_search(pool):
    challenge = Answer(403, b"", {"cf-mitigated": "challenge", **HTML})
    found, server = search(pool, {"/": challenge, "/feed": FEED})
    assert found.feed is None
    assert sum(server.hits.values()) == 1
    assert "challenges programs" in found.tried[0]


def test_a_host_that_asks_for_a_pause_gets_it(pool):
    busy = Answer(429, b"", {"Retry-After": "600"})
    found, server = search(pool, {"/": page("/a", "/b"), "/a": busy, "/b": FEED})
    assert found.feed is None
    assert server.hits["/b"] == 0


@pytest.mark.parametrize(
    "target",
    ["http://10.0.0.1/feed", "http://169.254.169.254/latest", "file:///etc/passwd", "//[::1]/x"],
)
def test_a_page_cannot_send_the_search_into_the_network_it_runs_in(pool, target, monkeypatch):
    connected = set()
    plain = AutoBackend.connect_tcp

    async def connect(self, host, *args, **options):
        connected.add(host)
        if host != "127.0.0.1":
            raise httpcore2.ConnectError("planted")
        return await plain(self, host, *args, **options)

    monkeypatch.setattr(AutoBackend, "connect_tcp", connect)
    answers = {"/": page(target, "/r"), "/r": redirect("http://10.0.0.1/feed")}
    found, server = search(pool, answers)
    assert found.feed is None
    # Nothing answers at these addresses, guarded or not: what counts is whether they were tried.
    assert connected == {"127.0.0.1"}
    (why,) = (line for line in found.tried if line.startswith(f"{server.url}/r:"))
    assert "bare IP addresses are not asked" in why


def test_a_bomb_in_place_of_a_page_is_not_opened(pool):
    found, _ = search(pool, {"/": bomb(64)})
    assert found.feed is None
    assert "cap" in found.tried[0]


def test_an_account_of_a_social_platform_is_asked_through_its_interface(pool, monkeypatch):
    post = (
        b'{"feed": [{"post": {"uri": "at://did:plc:x/app.bsky.feed.post/1", "author":'
        b' {"handle": "someone.example"}, "record": {"text": "x", "langs": ["en"],'
        b' "createdAt": "2026-01-30T10:00:00Z"}}}]}'
    )
    answers = {bluesky._AUTHOR: Answer(200, post, {"Content-Type": "application/json"})}
    with serve(answers) as server:
        monkeypatch.setattr(bluesky, "_OPEN", server.url)
        found = find_feed("bsky.app/profile/someone.example", settings=server.settings(), now=NOW)
    assert found.feed is not None
    assert (found.feed.kind, found.feed.handle) == ("bluesky", "someone.example")
    assert (found.feed.url, found.feed.items) == ("https://bsky.app", 1)


def test_a_tag_of_a_server_is_asked_before_its_page(pool):
    timeline = Answer(200, b'[{"id": "1", "content": "x"}]', {"Content-Type": "application/json"})
    found, server = search(pool, {"/api/v1/timelines/tag/gold": timeline}, "/tags/gold")
    assert (found.feed.kind, found.feed.url, found.feed.handle) == ("mastodon", server.url, "gold")
    found, server = search(pool, {"/tags/gold": page("/gold.xml"), "/gold.xml": FEED}, "/tags/gold")
    assert found.feed.url == f"{server.url}/gold.xml"


@pytest.mark.parametrize("url", ["ftp://a.example/", "javascript:alert(1)", "", "https://"])
def test_what_is_no_web_address_is_refused_before_anything_is_asked(url):
    from crawler.settings import CrawlSettings

    with pytest.raises(SourceError, match="no http or https address"):
        find_feed(url, settings=CrawlSettings(), now=NOW)


def test_a_secret_in_an_address_is_said_nowhere(pool):
    said: list[str] = []

    async def go(server):
        async with open_client(server.settings(), now=NOW) as client:
            return await discover(client, pool, f"{server.url}/?token=CANARY", say=said.append)

    with serve() as server:
        found = asyncio.run(go(server))
    assert said
    assert "CANARY" not in repr((said, found.tried))
