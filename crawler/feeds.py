"""Feed bodies to items: RSS, Atom and RDF through feedparser, JSON Feed by itself. Pure.

Runs in a parser process (``worker.py``): feedparser has open denial-of-service holes, of which
the entity and author ones are closed here and the rest are bounded there.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from crawler.clean import MAX_AUTHOR, MAX_TEXT, language_of, plain_line, plain_text
from crawler.dates import parse_date
from crawler.decide import FeedHints
from crawler.errors import FeedParseError
from crawler.parsed import ParsedFeed
from crawler.urls import host_of, http_url, masked
from store.records import FeedItem

MAX_ENTRIES = 2000
# feedparser searches authors for addresses in quadratic time (its issue 562): 256 characters
# take 4 ms, 64 kB take 40 s.
MAX_AUTHOR_FIELD = 256
_MAX_FIELD = 64_000
_REFUSED_ENCODINGS = frozenset({"utf-7", "utf7", "u7", "unicode-1-1-utf-7"})
_ENTRY = re.compile(rb"<(?:\w+:)?(?:item|entry)[\s>]")
_CHARACTER = re.compile(rb"&#(x[0-9a-f]+|[0-9]+);?", re.IGNORECASE)
_ROOT = re.compile(rb"<((?:\w+:)?(?:rss|feed|rdf|channel))[\s>]", re.IGNORECASE)
_CHARSET = re.compile(r"(?:charset|encoding)\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
# How a preview ends: Substack's of a post for subscribers, WordPress' of any.
_READ_MORE = re.compile(
    r"<a\s[^<>]{0,500}>\s*(?:read more|continue reading)\b.{0,300}?</a>"
    r"(?:\s|[\]…]|</\w{1,10}>){0,50}\Z",
    re.IGNORECASE | re.DOTALL,
)
_COUNT = re.compile(r"[0-9]{1,15}")
_HOUR = re.compile(rb"<hour>\s*(\d{1,2})\s*</hour>", re.IGNORECASE)
_DAY = re.compile(rb"<day>\s*([A-Za-z]{6,9})\s*</day>", re.IGNORECASE)
_PERIODS = {
    "hourly": 3600,
    "daily": 86400,
    "weekly": 604800,
    "monthly": 2592000,
    "yearly": 31536000,
}


def parse_feed(body: bytes, *, content_type: str = "", url: str = "") -> ParsedFeed:
    """Return the items of a feed.

    Parameters
    ----------
    body : bytes
        As it came, decompressed, in whatever encoding.
    content_type : str
        The header, for its charset.
    url : str
        Where it came from; relative links start there.

    Raises
    ------
    FeedParseError
        ``not_a_feed`` for anything but a feed, ``decode`` for entities or an encoding that
        hides them.
    """
    if not body.strip():
        raise FeedParseError("the body is empty")
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}:
        return _parse_json(body, url)
    return _parse_xml(body, content_type, url)


# -- XML ----------------------------------------------------------------------------


def _parse_xml(body: bytes, content_type: str, url: str) -> ParsedFeed:
    feedparser = _feedparser()
    data = _to_utf8(body, content_type)
    _refuse_entities(data)
    data = _CHARACTER.sub(_valid_character, data)
    data, notes = _cut_entries(data)
    found = feedparser.parse(
        data,
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if not found.get("version") and not found.entries:
        raise FeedParseError("the body is no feed; look at the address in a browser")
    base = http_url(found.feed.get("link"), url) or url
    items = [_xml_item(entry, base) for entry in found.entries[:MAX_ENTRIES]]
    return ParsedFeed(
        items=items,
        title=plain_line(str(found.feed.get("title") or ""))[:200],
        language=language_of(found.feed.get("language")),
        hints=_hints(found.feed, data),
        site=host_of(base) or None,
        notes=[*notes, *_notes(items)],
    )


def _feedparser() -> Any:
    """Return feedparser with its author search bounded, and with our XML reader."""
    import feedparser
    from feedparser.mixin import _FeedParserMixin

    feedparser.api.PREFERRED_XML_PARSERS[:] = ["crawler.expat"]

    if not hasattr(_FeedParserMixin, "_unbounded_author_detail"):
        original = _FeedParserMixin._sync_author_detail

        def bounded(self: Any, key: str = "author") -> None:
            context = self._get_context()
            if isinstance(context.get(key), str):
                context[key] = context[key][:MAX_AUTHOR_FIELD]
            original(self, key)

        _FeedParserMixin._unbounded_author_detail = original
        _FeedParserMixin._sync_author_detail = bounded
    return feedparser


def _to_utf8(body: bytes, content_type: str) -> bytes:
    """Return the document in UTF-8 with a declaration that says so."""
    from feedparser.encodings import convert_to_utf8

    declared = {
        name.lower()
        for text in (content_type, body[:300].decode("latin-1"))
        for name in _CHARSET.findall(text)
    }
    if declared & _REFUSED_ENCODINGS:
        raise FeedParseError("UTF-7 hides markup from every check; it is refused", "decode")
    try:
        return bytes(convert_to_utf8({"content-type": content_type}, body, {}))
    except (UnicodeError, ValueError, TypeError, LookupError) as error:
        raise FeedParseError(f"the encoding cannot be read: {error}", "decode") from error


def _refuse_entities(data: bytes) -> None:
    # Also in the bytes without NULs, should an encoding have been guessed wrong.
    if b"<!entity" in data.lower() or b"<!entity" in data.replace(b"\0", b"").lower():
        raise FeedParseError("the feed declares XML entities; they are refused", "decode")


def _valid_character(reference: re.Match[bytes]) -> bytes:
    """Return a character reference, or U+FFFD for a surrogate, a NUL and what is beyond Unicode.

    feedparser gives up the whole feed over one of them.
    """
    digits = reference.group(1).lower()
    if len(digits) > 8:
        return b"\xef\xbf\xbd"
    code = int(digits[1:], 16) if digits.startswith(b"x") else int(digits)
    is_character = 0 < code < 0xD800 or 0xDFFF < code < 0x110000
    return reference.group() if is_character else b"\xef\xbf\xbd"


def _cut_entries(data: bytes) -> tuple[bytes, list[str]]:
    """Cut what follows the last entry that is read: 40,000 of them take 15 s to parse."""
    for number, match in enumerate(_ENTRY.finditer(data)):
        if number == MAX_ENTRIES:
            head = data[: match.start()]
            closing = [b"</" + tag + b">" for tag in dict.fromkeys(_ROOT.findall(head[:20_000]))]
            return head + b"".join(reversed(closing)), [
                f"only the first {MAX_ENTRIES} entries were read"
            ]
    return data, []


def _xml_item(entry: Mapping[str, Any], base: str) -> FeedItem:
    texts = [part.get("value", "") for part in entry.get("content", ())]
    texts.append(entry.get("summary", ""))
    stated = next(
        (entry[name] for name in ("published", "created", "updated") if entry.get(name)), None
    )
    # The longest: some feeds put the whole text into the summary.
    markup, text = max(
        ((markup, plain_text(markup)) for markup in texts), key=lambda pair: len(pair[1])
    )
    return FeedItem(
        guid=_guid(entry.get("id")),
        url=http_url(entry.get("link"), base),
        title=plain_line(str(entry.get("title") or "")),
        text=text,
        author=_author(entry.get("author")),
        language=language_of(next((p.get("language") for p in entry.get("content", ())), None)),
        published_at=parse_date(stated),
        date_raw=stated[:200] if stated else None,
        is_partial=_is_cut(text) or _READ_MORE.search(markup[-2000:]) is not None,
        engagement=_counts(entry),
    )


def _counts(entry: Mapping[str, Any]) -> dict[str, int]:
    """Return the counts that an entry states: comments, and what YouTube says of a video."""
    stated = {
        "replies": entry.get("slash_comments"),
        "likes": _attribute(entry.get("media_starrating"), "count"),
        "views": _attribute(entry.get("media_statistics"), "views"),
    }
    texts = {name: str(value or "").strip() for name, value in stated.items()}
    return {name: int(text) for name, text in texts.items() if _COUNT.fullmatch(text)}


def _attribute(element: object, name: str) -> object:
    return element.get(name) if isinstance(element, Mapping) else None


def _guid(stated: object) -> str | None:
    """Return an entry's own id; one that is an address can carry a reader's token."""
    guid = plain_line(str(stated or "")[:_MAX_FIELD], _MAX_FIELD)
    return (masked(guid) if "://" in guid else guid) or None


def _is_cut(text: str) -> bool:
    # plain_text() cuts there, and strips what white space the cut left.
    return len(text) > MAX_TEXT - 5 and text.endswith("…")


def _notes(items: Sequence[FeedItem]) -> list[str]:
    """Return what of these items will not be stored."""
    cut = sum(_is_cut(item.text) for item in items)
    empty = sum(not item.title and not item.text for item in items)
    return [f"{cut} texts were cut at {MAX_TEXT:,} characters"] * bool(cut) + [
        f"{empty} entries have neither title nor text"
    ] * bool(empty)


def _author(name: object) -> str | None:
    # Twice: feedparser leaves authors escaped where a feed is not well-formed.
    return plain_line(plain_line(str(name or "")[: 4 * MAX_AUTHOR]), MAX_AUTHOR) or None


def _hints(feed: Mapping[str, Any], data: bytes) -> FeedHints:
    ttl = str(feed.get("ttl", "")).strip()
    seconds = int(ttl[:6]) * 60 if ttl.isascii() and ttl.isdigit() else 0
    period = _PERIODS.get(str(feed.get("sy_updateperiod", "")).strip().lower(), 0)
    frequency = str(feed.get("sy_updatefrequency", "1")).strip()
    if period and frequency.isascii() and frequency.isdigit() and int(frequency[:6]) > 0:
        seconds = max(seconds, period // int(frequency[:6]))
    # feedparser keeps only the last hour, and no days.
    hours = {int(hour) % 24 for hour in _HOUR.findall(_section(data, b"skiphours"))}
    days = {day.decode().lower() for day in _DAY.findall(_section(data, b"skipdays"))}
    return FeedHints(
        ttl_s=seconds or None, skip_hours=tuple(sorted(hours)), skip_days=tuple(sorted(days))
    )


def _section(data: bytes, name: bytes) -> bytes:
    lower = data.lower()
    start = lower.find(b"<" + name)
    end = lower.find(b"</" + name, start)
    return data[start:end] if 0 <= start < end and end - start < 4000 else b""


# -- JSON Feed ----------------------------------------------------------------------


def _parse_json(body: bytes, url: str) -> ParsedFeed:
    feed = load_json(body)
    version = feed.get("version") if isinstance(feed, dict) else None
    if not isinstance(feed, dict) or "jsonfeed.org" not in str(version):
        raise FeedParseError("the body is JSON but no JSON Feed (it has no such version)")
    items = feed.get("items")
    if not isinstance(items, list):
        raise FeedParseError("the JSON Feed has no list of items")
    language = language_of(feed.get("language"))
    usable = [item for item in items[:MAX_ENTRIES] if isinstance(item, dict)]
    notes = [] if len(usable) == len(items) else [f"{len(items) - len(usable)} items left out"]
    home = http_url(_string(feed, "home_page_url"), url)
    parsed = [_json_item(item, feed, url) for item in usable]
    return ParsedFeed(
        items=parsed,
        title=plain_line(_string(feed, "title"))[:200],
        language=language,
        site=host_of(home) if home else None,
        notes=[*notes, *_notes(parsed)],
    )


def load_json(body: bytes) -> Any:
    """Return the values of a JSON body.

    Raises
    ------
    FeedParseError
        When it is not JSON, nested to overflow the stack, or open to two readings: a name
        given twice, or the ``NaN`` that only some readers know.
    """
    try:
        return json.loads(
            body.decode("utf-8-sig", errors="replace"),
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_names,
        )
    except (ValueError, RecursionError) as error:
        raise FeedParseError(f"the body is no JSON: {type(error).__name__}: {error}") from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object gives a name twice")
    return found


def _json_item(item: Mapping[str, Any], feed: Mapping[str, Any], url: str) -> FeedItem:
    stated = _string(item, "date_published") or _string(item, "date_modified")
    guid = item.get("id")
    text = plain_text(
        _string(item, "content_html") or _string(item, "content_text") or _string(item, "summary")
    )
    return FeedItem(
        guid=_guid(str(guid)) if isinstance(guid, str | int | float) else None,
        url=http_url(_string(item, "url") or _string(item, "external_url"), url),
        title=plain_line(_string(item, "title")),
        text=text,
        author=_json_author(item) or _json_author(feed),
        language=language_of(item.get("language")),
        published_at=parse_date(stated),
        date_raw=stated[:200] or None,
        is_partial=_is_cut(text),
    )


def _json_author(holder: Mapping[str, Any]) -> str | None:
    authors = holder.get("authors")
    first = authors[0] if isinstance(authors, list) and authors else holder.get("author")
    return _author(first.get("name")) if isinstance(first, dict) else None


def _string(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""
