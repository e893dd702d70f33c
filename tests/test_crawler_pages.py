from datetime import UTC, datetime, timedelta

import pytest

from crawler.errors import FeedParseError
from crawler.extract import believed_canonical, parse_page
from crawler.run import crawl
from store.records import Source
from tests.server import Answer, rss, serve

NOW = datetime(2026, 1, 30, 22, 30, tzinfo=UTC)
SENTENCES = [
    f"On day {number} of the month gold number {number} fell by {number} per cent while traders of"
    f" desk {number} said that margin calls of round {number} forced them to sell what they could."
    for number in range(1, 15)
]
PAGE = (
    "<html><head><title>Gold</title></head><body><nav>Home | About</nav><article><h1>Gold</h1>"
    + "".join(f"<p>{sentence}</p>" for sentence in SENTENCES)
    + "</article><footer>Copyright</footer></body></html>"
).encode()
HTML = {"Content-Type": "text/html; charset=utf-8"}


def run(store, server, *, now=NOW, base=None):
    server.answers["/feed"] = Answer(
        200, rss(("page", "Gold", "A teaser."), base=base or server.url)
    )
    source = Source(id="outlet", kind="feed", url=f"{server.url}/feed")
    report = crawl(store, [source], now=now, settings=server.settings())
    (row,) = store.db.execute("SELECT text, is_partial FROM documents")
    return report, row


def failures(store):
    return [tuple(row) for row in store.db.execute("SELECT item, kind FROM failures")]


def test_the_page_behind_a_teaser_is_read(store):
    with serve({"/page": Answer(200, PAGE, HTML)}) as server:
        report, (text, partial) = run(store, server)
        assert "margin calls of round 14" in text
        assert "Copyright" not in text
        assert partial == 0
        assert report.failures == 0
        assert server.hits == {"/robots.txt": 1, "/feed": 1, "/page": 1}
        # The next night's teaser is no change of the stored text.
        server.answers["/feed"] = Answer(
            200, rss(("page", "Gold", "Another teaser."), base=server.url)
        )
        source = Source(id="outlet", kind="feed", url=f"{server.url}/feed")
        later = crawl(store, [source], now=NOW + timedelta(days=1), settings=server.settings())
        assert later.counts["revised"] == 0
        assert server.hits["/page"] == 1


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"/page": Answer(404)}, "client_error"),
        ({"/page": Answer(200, b"%PDF", {"Content-Type": "application/pdf"})}, "not_a_feed"),
        (
            {
                "/page": Answer(200, PAGE, HTML),
                "/robots.txt": Answer(200, b"User-agent: *\nDisallow: /"),
            },
            "robots_denied",
        ),
        ({"/page": Answer(200, PAGE, HTML), "/robots.txt": Answer(500)}, "robots_unreachable"),
        ({"/page": Answer(200, b"<html><body></body></html>", HTML)}, "not_a_feed"),
    ],
    ids=["404", "pdf", "robots", "robots 500", "empty"],
)
def test_a_page_that_cannot_be_had_leaves_the_summary(store, answers, kind):
    with serve(answers) as server:
        report, (text, partial) = run(store, server)
        assert (text, partial) == ("A teaser.", 1)
        assert failures(store) == [(f"{server.url}/page", kind)]
        assert report.failures == 0
        if kind.startswith("robots"):
            assert server.hits["/page"] == 0


def test_a_link_into_the_local_network_is_refused(store):
    with serve() as server:
        run(store, server, base="http://10.0.0.1")
    assert [kind for _, kind in failures(store)] == ["robots_unreachable"]


def test_a_paywalled_page_leaves_the_summary(store):
    walled = PAGE.replace(
        b"</head>",
        b'<script type="application/ld+json">{"isAccessibleForFree": false}</script></head>',
    )
    with serve({"/page": Answer(200, walled, HTML)}) as server:
        _, (text, partial) = run(store, server)
    assert (text, partial) == ("A teaser.", 1)


@pytest.mark.hostile(43)
def test_a_crawl_delay_slows_the_host_down():
    from crawler.hosts import LONGEST_DELAY_S, Hosts

    hosts = Hosts(2.0, 4)
    hosts.slow_down("a.example", 10)
    hosts.slow_down("b.example", 86400)
    assert (hosts.interval("a.example"), hosts.interval("c.example")) == (10, 2.0)
    assert hosts.interval("b.example") == LONGEST_DELAY_S
    assert hosts.interval("www.reddit.com") == 70.0


@pytest.mark.parametrize(
    ("claim", "url", "believed"),
    [
        ("https://www.a.example/x?utm_source=y", "https://a.example/x", "https://www.a.example/x"),
        ("https://victim.example/story", "https://evil.example/x", None),
        ("https://victim.substack.com/p/1", "https://evil.substack.com/p/1", None),
        ("https://bbc.co.uk/1", "https://evil.co.uk/1", None),
        ("javascript:alert(1)", "https://a.example/x", None),
        (None, "https://a.example/x", None),
    ],
)
@pytest.mark.hostile(40)
def test_a_page_speaks_for_its_own_site_only(claim, url, believed):
    assert believed_canonical(claim, url) == believed


def test_a_date_in_a_sentence_is_not_the_date_of_the_page():
    page = PAGE.replace(b"<p>On day 1", b"<p>As we wrote on 3 March 2021, on day 1")
    assert parse_page(page, url="https://a.example/x").published_at is None


def test_a_page_without_text_is_refused():
    with pytest.raises(FeedParseError):
        parse_page(b"<html></html>", url="https://a.example/x")
