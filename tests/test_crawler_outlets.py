"""Feeds of YouTube, Substack and RSSHub: what is special about each, through a whole crawl."""

from datetime import UTC, datetime, timedelta

import pytest

from crawler.feeds import parse_feed
from crawler.run import crawl
from store import Store
from store.records import Document, Source, StageReport
from tests.server import Answer, LocalServer, serve
from tests.stored import known

NOW = datetime(2026, 1, 30, 21, tzinfo=UTC)
NIGHT = timedelta(days=1)
ATOM = {"Content-Type": "text/xml; charset=UTF-8"}
YOUTUBE = """<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" xmlns="http://www.w3.org/2005/Atom"
 xmlns:media="http://search.yahoo.com/mrss/"><title>Desk</title>
<entry><id>yt:video:a1</id><yt:videoId>a1</yt:videoId><title>The tape, daily</title>
<link rel="alternate" href="https://www.youtube.com/watch?v=a1"/>
<author><name>Desk</name></author><published>2026-01-30T10:00:00+00:00</published>
<updated>2026-01-30T11:00:00+00:00</updated><media:group><media:title>The tape, daily</media:title>
<media:content url="https://www.youtube.com/v/a1" type="application/x-shockwave-flash"/>
<media:description>Why gold fell.

00:00 Start</media:description><media:community>
<media:starRating count="12" average="5.00" min="1" max="5"/><media:statistics views="3456"/>
</media:community></media:group></entry></feed>"""
SUBSTACK = """<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"
 xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Letter</title>
<link>https://letter.example</link>
<item><title>Open</title><description>The subtitle</description><guid>https://l.example/p/open</guid>
<link>{url}/p/open</link><pubDate>Fri, 30 Jan 2026 10:00:00 GMT</pubDate>
<content:encoded><![CDATA[<p>Gold fell.</p><p>{words}</p>]]></content:encoded></item>
<item><title>Paid</title><description>Subscribers know</description>
<guid>https://l.example/p/paid</guid><link>{url}/p/paid</link>
<pubDate>Thu, 29 Jan 2026 10:00:00 GMT</pubDate>
<content:encoded><![CDATA[<p>Silver is next.</p><p>
<a href="https://letter.example/p/paid">
              Read more
          </a>
      </p>]]></content:encoded></item></channel></rss>"""
RSSHUB = """<?xml version="1.0" encoding="{encoding}"?><rss version="2.0"><channel>
<title>快讯</title><link>https://flash.example</link><language>zh-cn</language><ttl>5</ttl>
<item><title>金价下跌</title><description>&lt;p&gt;黄金跌破支撑位，市场担忧加息。&lt;/p&gt;</description>
<guid isPermaLink="false">flash-1</guid><link>https://flash.example/1</link><author>记者</author>
<pubDate>Fri, 30 Jan 2026 02:00:00 GMT</pubDate></item></channel></rss>"""


def night(store: Store, server: LocalServer, kind: str, now: datetime = NOW) -> StageReport:
    source = Source(id="s", kind=kind, url=f"{server.url}/feed")  # type: ignore[arg-type]
    return crawl(store, [source], now=now, settings=server.settings(), only_due=False)


def documents(store: Store) -> dict[str, Document]:
    keys = known(store, "s").values()
    return {key.title: store.documents.get(key.document_id) for key in keys}


# -- YouTube ------------------------------------------------------------------------


def test_the_description_of_a_video_is_its_text_and_its_page_is_not_asked(store):
    with serve({"/feed": Answer(200, YOUTUBE.encode(), ATOM)}) as server:
        night(store, server, "youtube")
        assert server.hits == {"/feed": 1}
    (video,) = documents(store).values()
    assert video.text == "Why gold fell.\n\n00:00 Start"
    assert video.engagement == {"likes": 12, "views": 3456}
    assert video.published_at == datetime(2026, 1, 30, 10, tzinfo=UTC)


@pytest.mark.parametrize("status", [404, 500])
def test_a_feed_that_comes_and_goes_is_said_quietly_and_stays(store, status):
    with serve({"/feed": Answer(status)}) as server:
        quiet = [night(store, server, "youtube", NOW + n * NIGHT).failures for n in range(2)]
        assert quiet == [0, 0]
        assert store.sources.states()["s"].status == "active"
        # Each is a row all the same; the third in a row makes the night end with failures.
        assert len(store.runs.failures(limit=9)) == 2
        assert night(store, server, "youtube", NOW + 2 * NIGHT).failures == 1
        assert store.sources.states()["s"].status == "failing"
        server.answers["/feed"] = Answer(200, YOUTUBE.encode(), ATOM)
        assert night(store, server, "youtube", NOW + 3 * NIGHT).counts["new"] == 1
        state = store.sources.states()["s"]
        assert (state.status, state.errors) == ("active", 0)


@pytest.mark.parametrize(("kind", "status"), [("feed", 404), ("youtube", 403), ("youtube", 410)])
def test_other_answers_and_other_feeds_are_said_at_once(store, kind, status):
    with serve({"/feed": Answer(status)}) as server:
        assert night(store, server, kind).failures == 1


# -- Substack -----------------------------------------------------------------------


def test_a_letter_is_stored_in_full_and_a_preview_as_such(store):
    with serve() as server:
        # The page behind a preview shows no more than that to those who have not paid.
        body = SUBSTACK.format(url=server.url, words="It will fall further. " * 60)
        server.answers["/feed"] = Answer(200, body.encode())
        server.answers["/p/paid"] = Answer(
            200,
            b"<html><body><article><p>Silver is next.</p><p>Subscribe to continue reading."
            b"</p></article></body></html>",
            {"Content-Type": "text/html"},
        )
        night(store, server, "feed")
        assert server.hits["/p/open"] == 0
    found = documents(store)
    assert found["Open"].text.startswith("Gold fell.\n\nIt will")
    assert found["Open"].text.count("fall further") == 60
    assert not found["Open"].is_partial
    assert found["Paid"].text.startswith("Silver is next.")
    assert found["Paid"].is_partial


@pytest.mark.parametrize(
    ("end", "is_partial"),
    [
        ('<a href="https://l.example/p">Read more</a>', True),
        ('[&hellip;] <a class="more" href="/p">Continue reading <span>Gold</span></a></p>', True),
        ('<a class="more" href="/p">Continue reading &rarr;</a></p></div> ', True),
        ('<a href="/p">Read more</a> about gold in our archive.', False),
        ("Read more", False),
        ("<a " + "x" * 3000, False),
    ],
)
def test_how_a_preview_ends(end, is_partial):
    body = (
        "<rss version='2.0'><channel><item><title>t</title><guid>1</guid>"
        f"<description><![CDATA[<p>Text {end}]]></description></item></channel></rss>"
    )
    (item,) = parse_feed(body.encode()).items
    assert item.is_partial == is_partial


# -- RSSHub -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "header"),
    [
        ("UTF-8", "application/xml; charset=utf-8"),
        ("GBK", "application/xml"),
        ("GB2312", "text/xml; charset=gb2312"),
        ("gb18030", "application/xml; charset=GB18030"),
        ("Big5", "application/xml"),
    ],
)
def test_chinese_in_its_encodings(store, encoding, header):
    text = RSSHUB.format(encoding=encoding)
    if encoding == "Big5":
        text = text.replace("讯", "訊").replace("价", "價").replace("黄", "黃").replace("担", "擔")
        text = text.replace("场", "場").replace("忧", "憂").replace("记", "記").replace("撑", "撐")
    with serve({"/feed": Answer(200, text.encode(encoding), {"Content-Type": header})}) as server:
        source = Source(id="s", kind="rsshub", url=f"{server.url}/feed", full_text=False)
        report = crawl(store, [source], now=NOW, settings=server.settings())
    assert report.failures == 0
    (document,) = documents(store).values()
    assert document.title == ("金價下跌" if encoding == "Big5" else "金价下跌")
    assert document.text.endswith("加息。")
    assert "�" not in document.text
    assert document.language == "zh"
