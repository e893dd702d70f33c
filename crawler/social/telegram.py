"""Telegram: public channels that show a preview to a browser at ``t.me/s/CHANNEL``.

``handle`` is the channel's name, with or without ``@``. No account is needed; a channel
without a preview cannot be read. The pages are HTML without a specification: what is read is
the text of a post, never the preview of what it answers or links to.
"""

import re
from decimal import Decimal
from typing import Any
from urllib.parse import SplitResult, urlsplit

from crawler.clean import MAX_AUTHOR, plain_line, plain_text
from crawler.dates import parse_date
from crawler.errors import FeedParseError, SourceError
from crawler.feeds import MAX_ENTRIES
from crawler.parsed import ParsedFeed
from crawler.social.shapes import Platform, Question, is_theirs
from store.records import FeedItem, Source

_SITE = "https://t.me"
_NAME = re.compile(r"@?([A-Za-z][A-Za-z0-9_]{3,31})")
_POST = re.compile(r"[A-Za-z0-9_]{1,64}/\d{1,12}")
_COUNT = re.compile(r"(\d{1,12}(?:\.\d{1,3})?)([KMB]?)")
_FACTORS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9}


def request(source: Source, token: str | None = None, cursor: str | None = None) -> Question:
    """Return the address of a channel's preview.

    Raises
    ------
    SourceError
        When neither the address nor the handle names a channel.
    """
    del token, cursor  # there are no keys; the newest posts are read again, for edits
    parts = urlsplit(source.url)
    name = _NAME.fullmatch(source.handle or _named(parts))
    if name is None:
        raise SourceError(
            f"source {source.id!r}: give handle = the name of a public channel, or its address"
            " https://t.me/s/NAME"
        )
    is_site = is_theirs(parts, "t.me", "telegram.me")
    server = _SITE if is_site else f"{parts.scheme}://{parts.netloc}"
    return Question(url=f"{server}/s/{name.group(1)}")


def parse(body: bytes, url: str = "") -> ParsedFeed:
    """Return the posts of a preview, newest first; one without words has an empty text.

    Raises
    ------
    FeedParseError
        When the page is no preview of a channel.
    """
    if url and not urlsplit(url).path.startswith("/s/"):
        raise FeedParseError(
            "the channel has no public preview (Telegram led to its front page): it is private,"
            " restricted, or no channel"
        )
    page = _tree(body)
    wraps = page.find_class("tgme_widget_message")
    if not wraps and not page.find_class("tgme_channel_history"):
        raise FeedParseError("the page is no preview of a channel: it has no list of posts")
    posts = [post for post in wraps if _POST.fullmatch(post.get("data-post", ""))]
    # The page shows the oldest first, and a browser scrolls to its end.
    items = [_item(post) for post in reversed(posts[-MAX_ENTRIES:])]
    oldest = min((int(post.get("data-post").partition("/")[2]) for post in posts), default=0)
    return ParsedFeed(items=items, more={"before": str(oldest)} if oldest > 1 else {})


def _named(parts: SplitResult) -> str:
    """Return the name in ``/s/NAME``, ``/NAME`` or ``/NAME/123``."""
    steps = [step for step in parts.path.split("/") if step]
    steps = steps[1:] if steps[:1] == ["s"] else steps
    return steps[0] if steps else ""


def _tree(body: bytes) -> Any:
    from lxml import etree, html

    try:
        return html.document_fromstring(
            body, parser=html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
        )
    except (etree.LxmlError, ValueError) as error:
        raise FeedParseError(f"the page cannot be read: {error}"[:200]) from error


def _item(post: Any) -> FeedItem:
    name = post.get("data-post")
    times = post.xpath(".//time[@datetime]/@datetime")
    stated = str(times[-1]) if times else ""
    is_service = "service_message" in post.get("class", "").split()
    # Of a forwarded post the author is whoever wrote it; a channel may let its writers sign.
    author = (
        _line(post, "tgme_widget_message_forwarded_from_name")
        or _line(post, "tgme_widget_message_from_author")
        or name.partition("/")[0]
    )
    views = _count(_line(post, "tgme_widget_message_views"))
    return FeedItem(
        guid=name,
        url=f"{_SITE}/{name}",
        title="",
        # That somebody pinned a post or joined is no commentary, but its place counts.
        text="" if is_service else _text(post),
        author=author,
        published_at=parse_date(stated),
        date_raw=stated[:200] or None,
        engagement={"views": views} if views is not None else {},
    )


def _text(post: Any) -> str:
    """Return what was written, or the question of a poll."""
    written = post.find_class("js-message_text") or post.find_class(
        "tgme_widget_message_poll_question"
    )
    if not written:
        return ""
    for line_break in written[0].iter("br"):
        line_break.tail = "\n" + (line_break.tail or "")
    return plain_text(str(written[0].text_content()))


def _line(post: Any, name: str) -> str:
    found = post.find_class(name)
    return plain_line(str(found[0].text_content()), MAX_AUTHOR) if found else ""


def _count(shown: str) -> int | None:
    """Return a rounded count: ``1.2K`` is 1200."""
    match = _COUNT.fullmatch(shown)
    return int(Decimal(match[1]) * _FACTORS[match[2]]) if match else None


PLATFORM = Platform(request=request, parse=parse, is_complete=True)
