"""What one source gave in one run, and how an answer, good or bad, becomes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from crawler.advice import bad_settings, failure, missing_key, refused_key
from crawler.decide import SUCCESS, FeedHints, advance, body_hash, configured_again, is_dead
from crawler.entries import Harvest, Reader
from crawler.errors import MissingKeyError, SourceError
from crawler.fetch import Client
from crawler.identity import Entry
from crawler.login import Logins
from crawler.messages import Fetched
from crawler.pages import Pages
from crawler.parsed import ParsedFeed
from crawler.shelf import Shelf
from crawler.social import PLATFORMS
from crawler.suspect_pages import claims_of_others, cut_rows
from crawler.urls import redact
from crawler.worker import ParserPool
from store.records import Failure, Fetch, Outcome, Source, SourceState, SourceStatus

# Its feeds answer so for hours, and then are back.
_YOUTUBE_STUMBLES = frozenset({404, 500})


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What one source gave, to be written in one transaction.

    Attributes
    ----------
    page_failures : tuple of Failure
        Rows that do not make the run's exit code 3: the feed's summary was kept, or what failed
        is known to come and go.
    counts : mapping
        Engagement of stored posts that moved, by document.
    withdrawn : tuple of str
        Stored documents whose authors deleted them.
    """

    source: Source
    state: SourceState
    outcome: Outcome | None = None
    fetches: tuple[Fetch, ...] = ()
    harvest: Harvest = field(default_factory=Harvest)
    failures: tuple[Failure, ...] = ()
    page_failures: tuple[Failure, ...] = ()
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    withdrawn: tuple[str, ...] = ()

    @property
    def brought_something(self) -> bool:
        """Whether any document is to be written."""
        return not self.harvest.is_empty or bool(self.counts or self.withdrawn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crawl:
    """What all sources of one run share."""

    client: Client
    pool: ParserPool
    pages: Pages
    logins: Logins
    now: datetime
    secrets: Mapping[str, str] = field(default_factory=dict)


def finish(
    crawl: Crawl,
    source: Source,
    state: SourceState,
    fetched: Fetched,
    outcome: Outcome,
    *,
    message: str = "",
    hints: FeedHints | None = None,
) -> Gathered:
    """Return the answer's row, what to remember, and a row of ``failures`` for bad news."""
    moved_on = advance(state, fetched, outcome, now=crawl.now, hints=hints)
    is_bad = outcome not in SUCCESS
    if is_bad and is_dead(moved_on, crawl.now):
        message += f"; {moved_on.errors} errors and no answer for a month: asked once a week"
    return Gathered(
        source=source,
        state=moved_on,
        outcome=outcome,
        fetches=(fetch_row(source, fetched, outcome, crawl.now),),
        failures=(failure(source.id, outcome, message),) if is_bad else (),
    )


def fetch_row(source: Source, fetched: Fetched, outcome: Outcome, now: datetime) -> Fetch:
    """Return the row of one request."""
    return Fetch(
        source_id=source.id,
        url=redact(fetched.url),
        outcome=outcome,
        http_status=fetched.status,
        bytes=fetched.wire_bytes,
        seconds=round(fetched.seconds, 3),
        etag=fetched.headers.get("etag", "")[:1000] or None,
        last_modified=fetched.headers.get("last-modified", "")[:100] or None,
        body_hash=body_hash(fetched.body) if fetched.body else None,
        fetched_at=now,
    )


def unasked(source: Source, state: SourceState, error: SourceError) -> Gathered:
    """Return a source that could not be asked; its row of ``failures`` comes once."""
    needs_key = isinstance(error, MissingKeyError)
    status: SourceStatus = "needs_key" if needs_key else "failing"
    if state.status == status:
        return Gathered(source=source, state=state)
    row = missing_key(source, str(error)) if needs_key else bad_settings(source, str(error))
    return Gathered(source=source, state=replace(state, status=status, errors=1), failures=(row,))


def refused(
    crawl: Crawl,
    source: Source,
    state: SourceState,
    fetched: Fetched,
    outcome: Outcome,
    message: str,
) -> Gathered:
    """Return a source that gave nothing, or nothing new."""
    gathered = finish(crawl, source, state, fetched, outcome, message=redact(message))
    if fetched.status == 401 and source.kind in PLATFORMS:
        # Asked again in the next run: the key may be there by then, or the door open.
        closed = replace(gathered.state, status="needs_key", next_due_at=None)
        rows = () if state.status == "needs_key" else (refused_key(source, fetched.url),)
        return replace(gathered, state=closed, failures=rows)
    is_stumble = source.kind == "youtube" and fetched.status in _YOUTUBE_STUMBLES
    if is_stumble and gathered.state.status != "failing":
        return replace(gathered, failures=(), page_failures=gathered.failures)
    return gathered


async def with_waiting(crawl: Crawl, gathered: Gathered, shelf: Shelf) -> Gathered:
    """Add the pages that are waited for, where the feed itself has nothing new."""
    waiting = shelf.waiting()
    if not waiting:
        return gathered
    harvest = await _reader(crawl, gathered.source).waiting(waiting)
    return _with_harvest(crawl, gathered, harvest)


async def with_entries(
    crawl: Crawl,
    gathered: Gathered,
    shelf: Shelf,
    feed: ParsedFeed,
    entries: Sequence[Entry],
) -> Gathered:
    """Add new and changed entries with the pages behind them."""
    harvest = await _reader(crawl, gathered.source).entries(feed, entries, shelf.waiting())
    gathered = _with_harvest(crawl, gathered, harvest)
    claimed = {
        answer.page.canonical
        for answer in harvest.pages.values()
        if answer.page is not None and answer.page.canonical is not None
    }
    return replace(
        gathered,
        page_failures=(
            *gathered.page_failures,
            *claims_of_others(entries, harvest.pages, shelf.at(claimed)),
            *cut_rows(gathered.source.id, feed.notes),
        ),
    )


def _reader(crawl: Crawl, source: Source) -> Reader:
    settings = crawl.client.settings
    return Reader(
        pages=crawl.pages,
        source=source,
        now=crawl.now,
        budget=settings.pages_per_source,
        plain_authors=settings.plain_authors,
    )


def _with_harvest(crawl: Crawl, gathered: Gathered, harvest: Harvest) -> Gathered:
    # Entries that share an address share its one request.
    asked = {page.url: page for page in harvest.pages.values()}
    pages = [
        fetch_row(gathered.source, page.fetched, page.outcome, crawl.now) for page in asked.values()
    ]
    return replace(
        gathered,
        harvest=harvest,
        # The feed's own row is written last, so that it is the source's last request.
        fetches=(*pages, *gathered.fetches),
        page_failures=tuple(
            failure(redact(page.url), page.outcome, page.message)
            for page in harvest.pages.values()
            if page.outcome != "ok"
        ),
    )


def starting_state(source: Source, state: SourceState | None) -> SourceState:
    """Return what is remembered of a source, or the state of one never asked.

    The database knows an address without its secrets; the settings know all of it. A learned
    address that fails is given up for the configured one.
    """
    if state is None or state.url == redact(source.url):
        return replace(state or SourceState(source_id=source.id, url=""), url=source.url)
    return configured_again(state, source.url)


def stored_state(source: Source, state: SourceState) -> SourceState:
    """Return a state as it is written: without the secrets of its address."""
    return replace(state, url=redact(source.url)) if state.url == source.url else state
