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
    language : str or None
        Of the feed as a whole, as a two- or three-letter code.
    notes : sequence of str
        What was cut or left out.
    """

    items: Sequence[FeedItem]
    language: str | None = None
    hints: FeedHints = field(default_factory=FeedHints)
    notes: Sequence[str] = ()


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
        "items": [_item_to_json(item) for item in feed.items],
        "language": feed.language,
        "hints": asdict(feed.hints),
        "notes": list(feed.notes),
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
        language=plain["language"],
        hints=FeedHints(**plain["hints"]),
        notes=plain["notes"],
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
