"""One source from its address to the records to store: ask, judge, parse, fetch pages.

No database: what is known comes in, what to write goes out, so that network and parsing stay
outside every transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import ModuleType

from crawler.advice import failure
from crawler.decide import (
    SUCCESS,
    FeedHints,
    advance,
    body_hash,
    configured_again,
    is_dead,
    judge,
)
from crawler.entries import FEED_KINDS, Harvest, Reader
from crawler.errors import FeedParseError, HostPausedError, SourceError
from crawler.fetch import FEED_TYPES, Client, fetch
from crawler.identity import Entry, StoredKey, match_entries
from crawler.messages import Fetched, Request
from crawler.pages import Pages
from crawler.parsed import ParsedFeed
from crawler.social import bluesky, hackernews, mastodon
from crawler.social.shapes import Question
from crawler.urls import host_of, redact
from crawler.worker import Parser, ParserPool
from store.records import (
    Failure,
    Fetch,
    Outcome,
    Source,
    SourceState,
    SourceStatus,
)

_SOCIAL: dict[str, tuple[Parser, ModuleType]] = {
    "mastodon": ("mastodon", mastodon),
    "bluesky": ("bluesky", bluesky),
    "hackernews": ("hackernews", hackernews),
}
SUPPORTED = FEED_KINDS | _SOCIAL.keys()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What one source gave, to be written in one transaction.

    Attributes
    ----------
    page_failures : tuple of Failure
        Rows that do not make the run's exit code 3: the feed's summary was kept.
    """

    source: Source
    state: SourceState
    outcome: Outcome | None = None
    fetches: tuple[Fetch, ...] = ()
    harvest: Harvest = field(default_factory=Harvest)
    failures: tuple[Failure, ...] = ()
    page_failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Crawl:
    """What all sources of one run share."""

    client: Client
    pool: ParserPool
    pages: Pages
    now: datetime
    secrets: Mapping[str, str] = field(default_factory=dict)


async def gather(
    crawl: Crawl, source: Source, state: SourceState, known: Mapping[str, StoredKey]
) -> Gathered:
    """Ask a source and return what to write.

    Parameters
    ----------
    known : mapping
        The source's stored documents by entry key.
    """
    try:
        question = _question(crawl, source, state)
    except SourceError as error:
        return _unasked(source, state, error)
    try:
        fetched = await fetch(crawl.client, _request(crawl, question, state))
    except HostPausedError as error:
        waiting = replace(state, status="paused", next_due_at=error.until)
        return Gathered(source=source, state=waiting)
    outcome = judge(state, fetched)
    if outcome == "ok":
        return await _parsed(crawl, source, state, known, fetched)
    gathered = _finish(crawl, source, state, fetched, outcome, message=_message(fetched))
    return await _with_entries(crawl, gathered, known) if outcome in SUCCESS else gathered


def _question(crawl: Crawl, source: Source, state: SourceState) -> Question:
    token = None
    if source.token_env is not None:
        token = crawl.secrets.get(source.token_env)
        if not token:
            raise SourceError(f"source {source.id!r} needs the token {source.token_env}")
    if source.kind in _SOCIAL:
        question: Question = _SOCIAL[source.kind][1].request(source, token)
        return question
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Question(url=state.url, secret_headers=headers)


def _request(crawl: Crawl, question: Question, state: SourceState) -> Request:
    return Request(
        url=question.url,
        cap_bytes=crawl.client.settings.limits.feed_bytes,
        accept=FEED_TYPES,
        etag=state.etag,
        last_modified=state.last_modified,
        secret_headers=question.secret_headers,
    )


def _unasked(source: Source, state: SourceState, error: SourceError) -> Gathered:
    """Return a source that could not be asked; its row of ``failures`` comes once."""
    needs_key = source.token_env is not None
    status: SourceStatus = "needs_key" if needs_key else "failing"
    if state.status == status:
        return Gathered(source=source, state=state)
    row = Failure(
        stage="crawl",
        item=source.id,
        kind="needs_key" if needs_key else "SourceError",
        message=str(error),
        advice=f"set the environment variable {source.token_env}"
        if needs_key
        else "mend the source in the settings",
    )
    return Gathered(source=source, state=replace(state, status=status, errors=1), failures=(row,))


async def _parsed(
    crawl: Crawl,
    source: Source,
    state: SourceState,
    known: Mapping[str, StoredKey],
    fetched: Fetched,
) -> Gathered:
    parser: Parser = _SOCIAL[source.kind][0] if source.kind in _SOCIAL else "feed"
    content_type = fetched.headers.get("content-type", "")
    try:
        feed = await crawl.pool.feed(parser, fetched.body, content_type, fetched.url)
    except FeedParseError as error:
        return _finish(crawl, source, state, fetched, error.outcome, message=str(error))
    sites = {host_of(fetched.url), feed.site or ""}
    entries = match_entries(source.id, feed.items, known, sites=sites)
    gathered = _finish(crawl, source, state, fetched, "ok", hints=feed.hints)
    return await _with_entries(crawl, gathered, known, feed, entries)


def _finish(
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
        fetches=(_fetch_row(source, fetched, outcome, crawl.now),),
        failures=(failure(source.id, outcome, message),) if is_bad else (),
    )


def _message(fetched: Fetched) -> str:
    return fetched.error or f"{redact(fetched.url)} answered {fetched.status}"


def _fetch_row(source: Source, fetched: Fetched, outcome: Outcome, now: datetime) -> Fetch:
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


# -- entries ------------------------------------------------------------------------


async def _with_entries(
    crawl: Crawl,
    gathered: Gathered,
    known: Mapping[str, StoredKey],
    feed: ParsedFeed | None = None,
    entries: Sequence[Entry] = (),
) -> Gathered:
    """Add new and changed entries; without a parsed feed, the pages that are waited for."""
    reader = Reader(
        pages=crawl.pages,
        source=gathered.source,
        now=crawl.now,
        budget=crawl.client.settings.pages_per_source,
    )
    if feed is None:
        harvest = await reader.waiting(known)
    else:
        harvest = await reader.entries(feed, entries, known)
    pages = [
        _fetch_row(gathered.source, page.fetched, page.outcome, crawl.now)
        for page in harvest.pages.values()
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
