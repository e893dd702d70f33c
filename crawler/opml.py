"""OPML, the list of feeds that readers exchange, in and out. Pure.

The file is a stranger's: expat is fed directly, so that no tree is built and depth costs nothing,
and the first declared entity ends the reading.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote, urlsplit
from xml.etree.ElementTree import Element, SubElement, indent, tostring
from xml.parsers import expat

from crawler.clean import language_of, plain_line
from crawler.errors import FeedParseError
from crawler.urls import http_url, redact
from store.records import Source

MAX_BYTES = 20 * 2**20
MAX_FEEDS = 2000
_SHOWN = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class OpmlFeed:
    """One feed of a list.

    Attributes
    ----------
    name : str
        As the list calls it; empty when it does not.
    language : str or None
        Two- or three-letter code.
    """

    url: str
    name: str = ""
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedOpml:
    """The feeds of a list, each address once, in its order.

    Attributes
    ----------
    refused : sequence of str
        Entries that are no http(s) address, as a person can find them; the first few.
    refused_count, left_out : int
        All that were refused, and feeds beyond :data:`MAX_FEEDS`.
    """

    feeds: Sequence[OpmlFeed]
    refused: Sequence[str] = ()
    refused_count: int = 0
    left_out: int = 0


class _Reader:
    """What expat calls while it reads."""

    def __init__(self) -> None:
        self.feeds: dict[str, OpmlFeed] = {}
        self.refused: list[str] = []
        self.refused_count = 0
        self.left_out = 0
        self.is_opml = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag.lower() == "opml":
            self.is_opml = True
        if tag.lower() != "outline":
            return
        # Readers disagree on the case: xmlUrl, xmlurl, XMLURL.
        given = {name.lower(): value for name, value in attributes.items()}
        if "xmlurl" in given:
            self._feed(given)

    def _feed(self, given: dict[str, str]) -> None:
        url = http_url(given["xmlurl"])
        name = plain_line(given.get("title") or given.get("text") or "")[:200]
        if url is None:
            self.refused_count += 1
            if len(self.refused) < _SHOWN:
                self.refused.append(f"{name or 'no name'}: {redact(given['xmlurl'][:_SHOWN])!r}")
        elif url not in self.feeds and len(self.feeds) >= MAX_FEEDS:
            self.left_out += 1
        else:
            language = language_of(given.get("language"))
            self.feeds.setdefault(url, OpmlFeed(url=url, name=name, language=language))

    def entity(self, *_: object) -> None:
        raise FeedParseError("the list declares XML entities; they are refused", "decode")


def parse_opml(body: bytes) -> ParsedOpml:
    """Return the feeds of an OPML file.

    Raises
    ------
    FeedParseError
        When it is too large, no XML, no OPML, or declares entities.
    """
    if len(body) > MAX_BYTES:
        raise FeedParseError(f"the list is larger than {MAX_BYTES:,} bytes", "too_large")
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EntityDeclHandler = reader.entity
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise FeedParseError(f"the list is no XML that can be read: {error}", "decode") from error
    if not reader.is_opml:
        raise FeedParseError("the file is XML but no OPML: it has no element <opml>")
    return ParsedOpml(
        feeds=list(reader.feeds.values()),
        refused=reader.refused,
        refused_count=reader.refused_count,
        left_out=reader.left_out,
    )


def feed_address(source: Source) -> str | None:
    """Return the address at which any reader can follow a source, or None when there is none.

    An address that holds a secret is none: the list is made to be given away.
    """
    if source.token_env is not None or redact(source.url) != source.url:
        return None
    parts = urlsplit(source.url)
    is_feed = parts.path.endswith((".rss", ".xml"))
    if source.kind in {"feed", "youtube", "rsshub"} or (
        source.kind in {"reddit", "lemmy"} and is_feed
    ):
        return source.url
    handle = source.handle or ""
    if source.kind == "bluesky" and handle.strip("@") and not handle.startswith("?"):
        return f"https://bsky.app/profile/{quote(handle.strip('@'), safe=':')}/rss"
    if source.kind != "mastodon" or not handle.strip("#@") or "/api/" in parts.path:
        return None
    # An account of another server is followed there.
    name, _, server = handle.strip("#@").partition("@")
    page = f"@{name}" if handle.startswith("@") else f"tags/{quote(name)}"
    return f"{parts.scheme}://{server or parts.netloc}/{page}.rss"


def write_opml(sources: Iterable[Source], *, now: datetime) -> tuple[str, list[str]]:
    """Return an OPML 2.0 file, and the ids of the sources that no feed reader can follow."""
    root = Element("opml", version="2.0")
    head = SubElement(root, "head")
    SubElement(head, "title").text = "Tapestory sources"
    SubElement(head, "dateCreated").text = format_datetime(now, usegmt=True)
    body = SubElement(root, "body")
    left_out = []
    for source in sources:
        url = feed_address(source)
        if url is None:
            left_out.append(source.id)
            continue
        name = plain_line(source.name or source.id)
        outline = SubElement(body, "outline", type="rss", text=name, title=name, xmlUrl=url)
        if source.language:
            outline.set("language", source.language)
    indent(root)
    text = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n', left_out
