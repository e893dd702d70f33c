"""Documents, as they arrive and as they are stored, and what is remembered of their sources."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from store.records.vocabulary import DateSource, Outcome, SourceStatus

# A clock in a page must not fill the disk (crawling reference, rows 19 and 35).
MAX_REVISIONS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedItem:
    """One item as a source stated it, cleaned to plain text, before identity is decided.

    Attributes
    ----------
    guid : str or None
        The source's own id.
    published_at : datetime or None
        As stated, in UTC; None when missing or unreadable.
    date_raw : str or None
        The stated date, verbatim.
    engagement : mapping
        Counts such as ``likes`` or ``replies`` as the platform gave them.
    """

    guid: str | None
    url: str | None
    title: str
    text: str
    author: str | None = None
    language: str | None = None
    published_at: datetime | None = None
    date_raw: str | None = None
    is_partial: bool = False
    engagement: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One stored piece of commentary.

    Attributes
    ----------
    id : str
        16 hex digits from the source id and the entry key (``crawler/identity.py``).
    effective_at : datetime
        The instant from which the document counts:
        ``max(published_at, first_seen_at)`` for what was crawled, ``published_at`` for
        an archive (rule 1 of the contract), ``first_seen_at`` when no date can be believed.
    duplicate_of : str or None
        Id of the earliest document of the same story.
    content_hash : str
        blake2b of normalised title and text, 32 hex digits.
    """

    id: str
    source_id: str
    guid: str | None
    entry_key: str
    url: str | None
    canonical_url: str | None
    title: str
    text: str
    author: str | None
    language: str | None
    published_at: datetime | None
    first_seen_at: datetime
    effective_at: datetime
    date_source: DateSource
    content_hash: str
    duplicate_of: str | None = None
    is_partial: bool = False
    engagement: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWait:
    """A page behind a feed's link that is to be asked for again.

    Attributes
    ----------
    attempts : int
        Times that it was asked for; 0 when it never got its turn.
    tried_at : datetime
        When it was asked for last, or put off.
    """

    attempts: int
    tried_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """What is remembered of a source between two crawls.

    Attributes
    ----------
    next_due_at : datetime or None
        Not asked before this instant; None means due.
    redirect_to, redirect_count
        The permanent redirect seen last and in how many consecutive runs.
    errors : int
        Consecutive failures.
    hints : str or None
        What the feed said last about when to come back, as JSON (``crawler/decide.py``).
    """

    source_id: str
    url: str
    status: SourceStatus = "active"
    next_due_at: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    redirect_to: str | None = None
    redirect_count: int = 0
    errors: int = 0
    first_error_at: datetime | None = None
    last_ok_at: datetime | None = None
    cursor: str | None = None
    hints: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """One request and what came of it; a row of ``fetches``."""

    source_id: str
    url: str
    outcome: Outcome
    http_status: int | None
    bytes: int
    seconds: float
    etag: str | None
    last_modified: str | None
    body_hash: str | None
    fetched_at: datetime
