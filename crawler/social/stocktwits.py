"""StockTwits: the messages on a symbol, from an API that takes no new applications.

``handle`` is the symbol, such as ``NVDA`` or ``BTC.X``. Asked only when the settings name it;
an access token from before is sent with ``token_env``. The Bullish or Bearish tag of an author
is not kept: it is about the symbol, and a stance here is about a narrative.
"""

import re
from urllib.parse import quote, urlsplit

from crawler.clean import MAX_AUTHOR, plain_line, plain_text
from crawler.dates import parse_date
from crawler.errors import SourceError
from crawler.feeds import MAX_ENTRIES, load_json
from crawler.parsed import ParsedFeed
from crawler.social.shapes import (
    Platform,
    Question,
    is_theirs,
    list_of,
    mapping_of,
    number_of,
    text_of,
    unusable,
)
from crawler.urls import with_parameters
from store.records import FeedItem, Source

_API = "https://api.stocktwits.com"
_SITE = "https://stocktwits.com"
_SYMBOL = re.compile(r"\$?([A-Za-z0-9._-]{1,20})")


def request(source: Source, token: str | None = None, cursor: str | None = None) -> Question:
    """Return the address of a symbol's stream.

    The API knows no other place for a token than the address, which is redacted wherever it is
    written.

    Raises
    ------
    SourceError
        When neither the address nor the handle names a symbol.
    """
    del cursor  # the stream is read again from the top, for counts
    parts = urlsplit(source.url)
    url = source.url
    if not parts.path.startswith("/api/2/"):
        named = source.handle or parts.path.partition("/symbol/")[2].strip("/")
        symbol = _SYMBOL.fullmatch(named)
        if symbol is None:
            raise SourceError(
                f"source {source.id!r}: give handle = the symbol, such as 'NVDA' or 'BTC.X'"
            )
        is_site = is_theirs(parts, "stocktwits.com")
        server = _API if is_site else f"{parts.scheme}://{parts.netloc}"
        url = f"{server}/api/2/streams/symbol/{symbol.group(1).upper()}.json"
    return Question(url=with_parameters(url, {"access_token": token}) if token else url)


def parse(body: bytes, url: str = "") -> ParsedFeed:
    """Return the messages of a stream.

    Raises
    ------
    FeedParseError
        When the answer is no stream.
    """
    del url  # the answer says where its next page starts
    answer = load_json(body)
    messages = answer.get("messages") if isinstance(answer, dict) else None
    if not isinstance(messages, list):
        first = next(iter(list_of(answer, "errors")), None)
        raise unusable(text_of(first, "message"), "it holds no messages")
    oldest = number_of(answer, "cursor", "max")
    has_more = mapping_of(answer, "cursor").get("more") is True
    return ParsedFeed(
        items=[_item(message) for message in messages[:MAX_ENTRIES] if isinstance(message, dict)],
        more={"max": str(oldest)} if has_more and oldest is not None else {},
    )


def _item(message: dict[str, object]) -> FeedItem:
    number = number_of(message, "id")
    author = plain_line(text_of(message, "user", "username"), MAX_AUTHOR)
    stated = text_of(message, "created_at")
    counts = {
        "likes": number_of(message, "likes", "total"),
        "boosts": number_of(message, "reshares", "reshared_count"),
        "replies": number_of(message, "conversation", "replies"),
    }
    return FeedItem(
        guid=str(number) if number is not None else None,
        url=f"{_SITE}/{quote(author, safe='')}/message/{number}" if author and number else None,
        title="",
        # Of the author alone: a message that was shared along with it has its own.
        text=plain_text(text_of(message, "body")),
        author=author or None,
        published_at=parse_date(stated),
        date_raw=stated[:200] or None,
        engagement={name: count for name, count in counts.items() if count is not None},
    )


# Not complete: a symbol is a tag, and whom the owner of a token blocks, or whom StockTwits
# suspends, is absent.
PLATFORM = Platform(request=request, parse=parse)
