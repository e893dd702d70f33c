"""What a parser hands back, and its form on the pipe between processes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from crawler.decide import FeedHints
from store.records import FeedItem

_ITEM_FIELDS = tuple(column.name for column in fields(FeedItem))


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """The items of a body, newest first as stated, and when to come back.

    Attributes
    ----------
    title : str
        Of the feed as a whole; empty when it has none.
    language : str or None
        Of the feed as a whole, as a two- or three-letter code.
    site : str or None
        Host of the site that the feed says it belongs to.
    notes : sequence of str
        What was cut or left out.
    more : mapping
        Query parameters that ask for the page of older items; empty on the last page.
    oldest_at : datetime or None
        Instant of the page's last entry where that entry may have been left out, or is dated
        otherwise; None when the last item says it.
    cursor : str or None
        The newest item's place, for platforms that are asked only for what is newer.
    is_ranked : bool
        Not in the order of time: nothing follows from what is missing.
    """

    items: Sequence[FeedItem]
    title: str = ""
    language: str | None = None
    hints: FeedHints = field(default_factory=FeedHints)
    site: str | None = None
    notes: Sequence[str] = ()
    more: Mapping[str, str] = field(default_factory=dict)
    oldest_at: datetime | None = None
    cursor: str | None = None
    is_ranked: bool = False


_FEED_FIELDS = tuple(column.name for column in fields(ParsedFeed))


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedPage:
    """The main text of a page.

    Attributes
    ----------
    is_paywalled : bool
        The page says or shows that its text is not all there.
    canonical : str or None
        The page's own claim of its address, when it may be believed.
    """

    text: str
    author: str | None = None
    published_at: datetime | None = None
    canonical: str | None = None
    is_paywalled: bool = False


def feed_to_json(feed: ParsedFeed) -> dict[str, Any]:
    """Return a feed as plain JSON values: what a parser process says is never unpickled."""
    return {
        **{name: getattr(feed, name) for name in _FEED_FIELDS},
        "items": [_item_to_json(item) for item in feed.items],
        "hints": asdict(feed.hints),
        "oldest_at": _text(feed.oldest_at),
    }


def _item_to_json(item: FeedItem) -> dict[str, Any]:
    # Not ``asdict``, which copies every value of every item in depth.
    plain = {name: getattr(item, name) for name in _ITEM_FIELDS}
    plain["published_at"] = _text(item.published_at)
    plain["engagement"] = dict(item.engagement)
    return plain


def feed_from_json(plain: Mapping[str, Any]) -> ParsedFeed:
    """Return the feed of :func:`feed_to_json`."""
    return ParsedFeed(
        items=[
            FeedItem(**{**item, "published_at": _instant(item["published_at"])})
            for item in plain["items"]
        ],
        title=plain["title"],
        language=plain["language"],
        hints=FeedHints(**plain["hints"]),
        site=plain["site"],
        notes=plain["notes"],
        more=plain["more"],
        oldest_at=_instant(plain["oldest_at"]),
        cursor=plain["cursor"],
        is_ranked=plain["is_ranked"],
    )


def page_to_json(page: ParsedPage) -> dict[str, Any]:
    """Return a page as plain JSON values."""
    return {**asdict(page), "published_at": _text(page.published_at)}


def page_from_json(plain: Mapping[str, Any]) -> ParsedPage:
    """Return the page of :func:`page_to_json`."""
    return ParsedPage(**{**plain, "published_at": _instant(plain["published_at"])})


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
