"""Rows of an archive to documents and price bars. Pure.

What a row lacks or states wrongly is an ``ItemError``, which becomes a row of ``failures``.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from math import isnan
from typing import Any

from crawler.archives.readers import Columns, Row
from crawler.clean import MAX_AUTHOR, language_of, plain_line, plain_text
from crawler.dates import TOLERANCE, parse_date
from crawler.errors import CrawlError, PriceDataError
from crawler.identity import content_hash, document_id, item_key
from crawler.prices.values import checked_bar, parse_day, parse_number
from crawler.urls import canonical_url, host_of, http_url, redact
from store.records import Asset, Document, FeedItem, PriceBar

DOCUMENT_COLUMNS = Columns(
    required=("title", "url", "published_at", "source"),
    optional=("text", "first_seen_at", "author", "lang"),
    aliases={"language": "lang"},
)
PRICE_COLUMNS = Columns(
    required=("asset", "date", "close"),
    optional=("open", "high", "low", "volume", "as_of"),
    aliases={"series": "asset", "value": "close"},
)
_EARLIEST = datetime(1800, 1, 1, tzinfo=UTC)
_SLUG = re.compile(r"[^a-z0-9]+")


class ItemError(CrawlError):
    """A row that cannot be imported; ``kind`` groups the reasons."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedDocument:
    """A document as the archive states it, before it is compared with what is stored."""

    source_name: str
    item: FeedItem
    canonical_url: str | None
    published_at: datetime | None
    first_seen_at: datetime | None


def document_of(row: Row, now: datetime) -> ImportedDocument:
    """Return the document of a row.

    Raises
    ------
    ItemError
        ``missing``, ``date`` or ``type``: what the row lacks or states wrongly.
    """
    values = row.values
    title, text = plain_line(_text(values, "title")), plain_text(_text(values, "text"))
    if not title and not text:
        raise ItemError("missing", "neither a title nor a text")
    url = http_url(_text(values, "url"))
    # An empty cell: the outlet is whose address it is.
    source = plain_line(_text(values, "source"), 200) or host_of(url or "")
    if not source:
        raise ItemError("missing", "neither a source nor an address that names one")
    published_at = _instant(values, "published_at", now)
    first_seen_at = _instant(values, "first_seen_at", now)
    if published_at is None and first_seen_at is None:
        raise ItemError("date", "no published_at")
    return ImportedDocument(
        source_name=source,
        item=FeedItem(
            guid=None,
            url=redact(url) if url else None,
            title=title,
            text=text,
            author=plain_line(_text(values, "author"), MAX_AUTHOR) or None,
            language=language_of(_text(values, "lang")),
            published_at=published_at,
            date_raw=str(values.get("published_at") or ""),
        ),
        canonical_url=canonical_url(url),
        published_at=published_at,
        first_seen_at=first_seen_at,
    )


def _text(values: Any, name: str) -> str:
    value = values.get(name)
    if value is None or (isinstance(value, float) and isnan(value)):
        return ""  # NaN is how frames write "nothing"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float | date) and not isinstance(value, bool):
        return str(value)
    raise ItemError("type", f"{name} is {type(value).__name__}, not text")


def _instant(values: Any, name: str, now: datetime) -> datetime | None:
    """Return an instant; a bare date counts from its end, since its hour is not known."""
    value = values.get(name)
    if isinstance(value, datetime):
        moment: datetime | None = (
            value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        ).replace(microsecond=0)
    elif isinstance(value, date):
        moment = datetime.combine(value, time(23, 59, 59), UTC)
    else:
        stated = _text(values, name).strip()
        if not stated:
            return None
        moment = parse_date(stated, end_of_day=True)
        if moment is None:
            raise ItemError(
                "date", f"{name} {stated[:60]!r} is no date such as 2026-01-30T14:05:00Z"
            )
    if moment is not None and not _EARLIEST <= moment <= now + TOLERANCE:
        raise ItemError("date", f"{name} {moment:%Y-%m-%d} lies outside of what can be")
    return moment


def stored_document(imported: ImportedDocument, source_id: str, now: datetime) -> Document:
    """Return the document to store.

    Without ``first_seen_at`` an archive counts from the stated date; with it, from the later
    of the two, as a crawl would have counted it.
    """
    item = imported.item
    key = imported.canonical_url or item_key(item, None)
    published, seen = imported.published_at, imported.first_seen_at
    if seen is None:
        effective_at = published or now
    elif published is None or published > seen + TOLERANCE:
        effective_at = seen
    else:
        effective_at = max(published, seen)
    return Document(
        id=document_id(source_id, key),
        source_id=source_id,
        guid=None,
        entry_key=key,
        url=item.url,
        canonical_url=imported.canonical_url,
        title=item.title,
        text=item.text,
        author=item.author,
        language=item.language,
        published_at=published,
        first_seen_at=seen or effective_at,
        effective_at=effective_at,
        date_source="import",
        content_hash=content_hash(item.title, item.text),
    )


def source_id_of(name: str) -> str:
    """Return the id of an imported source: its name in lower case with hyphens."""
    slug = _SLUG.sub("-", name.lower()).strip("-")[:60]
    # A name without Latin letters or digits has no such id.
    return slug or f"import-{blake2b(name.encode(), digest_size=4).hexdigest()}"


def bar_of(row: Row, asset: Asset, now: datetime) -> PriceBar | None:
    """Return the bar of a row, or None on a day without a value.

    Raises
    ------
    ItemError
        ``date`` or ``value``: what the row states wrongly.
    """
    values = row.values
    try:
        close = parse_number(values.get("close"))
        day = parse_day(values.get("date"))
        if close is None:
            return None
        if day > now.date() + timedelta(days=1):
            raise PriceDataError(f"the date {day} lies in the future")
        bar = checked_bar(asset, day, close, as_of=_as_of(values, now))
        if len(values) == 3:
            return bar
        more = {
            name: parse_number(values[name])
            for name in ("open", "high", "low", "volume")
            if values.get(name) is not None
        }
    except PriceDataError as error:
        kind = "date" if "date" in str(error) else "value"
        raise ItemError(kind, str(error)) from error
    return (
        PriceBar(
            asset_id=bar.asset_id,
            date=bar.date,
            close=bar.close,
            as_of=bar.as_of,
            known_at=bar.known_at,
            **more,
        )
        if more
        else bar
    )


def _as_of(values: Any, now: datetime) -> datetime | None:
    return _instant(values, "as_of", now) if values.get("as_of") else None


def asset_id_of(row: Row) -> str:
    """Return the asset's id.

    Raises
    ------
    ItemError
        ``missing`` without one.
    """
    value = row.values.get("asset")
    text = value.strip() if isinstance(value, str) else _text(row.values, "asset").strip()
    if not text or len(text) > 60 or not text.isprintable():
        raise ItemError("missing", f"{text[:40]!r} is no asset id")
    return text
