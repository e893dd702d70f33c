import feedparser

from crawler.expat import BufferedParser
from crawler.feeds import parse_feed
from tests.load_server import body_of


def test_feedparser_reads_the_same_with_it(monkeypatch):
    bodies = [body_of(f"/feed/{number}.xml", 80)[2] for number in range(3)]
    bodies.append(b"<rss><channel><item><title>a &amp; b &#8211; c</title>\n<link>x</item>")
    monkeypatch.setattr(feedparser.api, "PREFERRED_XML_PARSERS", ["crawler.expat"])
    ours = [feedparser.parse(body) for body in bodies]
    monkeypatch.setattr(feedparser.api, "PREFERRED_XML_PARSERS", [])
    theirs = [feedparser.parse(body) for body in bodies]
    assert [found.entries for found in ours] == [found.entries for found in theirs]


def test_it_is_the_one_that_is_used(monkeypatch):
    made = []

    class Counted(BufferedParser):
        def __init__(self) -> None:
            made.append(1)
            super().__init__()

    monkeypatch.setattr("crawler.expat.BufferedParser", Counted)
    assert len(parse_feed(body_of("/feed/1.xml", 80)[2]).items) == 25
    assert made
