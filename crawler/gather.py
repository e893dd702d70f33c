"""One source from its address to the records to store: ask, judge, parse, fetch pages.

No database: what is known comes in, what to write goes out, so that network and parsing stay
outside every transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from crawler.decide import SUCCESS, judge
from crawler.errors import (
    FeedParseError,
    HostPausedError,
    LoginError,
    MissingKeyError,
    SourceError,
)
from crawler.fetch import fetch
from crawler.gathered import (
    Crawl,
    Gathered,
    fetch_row,
    finish,
    refused,
    unasked,
    with_entries,
    with_waiting,
)
from crawler.gdelt import list_url, read_files
from crawler.identity import Entry, match_entries
from crawler.indexes import left_alone, look, without_archive
from crawler.listing import Listing, deleted, horizon, read_on, request_of
from crawler.messages import Fetched
from crawler.pages import PAGE_TYPES
from crawler.shelf import Shelf
from crawler.social import platform_of
from crawler.social.shapes import Platform, Question, bearer
from crawler.urls import host_of, redact
from store.records import Failure, Source, SourceState


async def gather(crawl: Crawl, source: Source, state: SourceState, shelf: Shelf) -> Gathered:
    """Ask a source and return what to write."""
    platform = platform_of(source)
    try:
        question = await _question(crawl, source, state, platform)
        request = request_of(
            crawl.client, question, etag=state.etag, last_modified=state.last_modified
        )
        if source.kind == "page":
            request = replace(request, accept=PAGE_TYPES)
        fetched = await fetch(crawl.client, request)
    except SourceError as error:
        return unasked(source, state, error)
    except LoginError as error:
        return refused(crawl, source, state, error.fetched, error.outcome, str(error))
    except HostPausedError as error:
        waiting = replace(state, status="paused", next_due_at=error.until)
        return Gathered(source=source, state=waiting)
    outcome = judge(state, fetched)
    if outcome != "ok":
        gathered = refused(crawl, source, state, fetched, outcome, _message(fetched))
        return await with_waiting(crawl, gathered, shelf) if outcome in SUCCESS else gathered
    return await _read(crawl, source, state, shelf, fetched, question)


async def _read(
    crawl: Crawl,
    source: Source,
    state: SourceState,
    shelf: Shelf,
    fetched: Fetched,
    question: Question,
) -> Gathered:
    if source.kind == "page":
        return await _read_index(crawl, source, state, shelf, fetched)
    if source.kind == "gdelt":
        return await _read_bulk(crawl, source, state, shelf, fetched)
    platform = platform_of(source)
    parser = source.kind if platform else "feed"
    content_type = fetched.headers.get("content-type", "")
    try:
        feed = await crawl.pool.feed(parser, fetched.body, content_type, fetched.url)
    except FeedParseError as error:
        return finish(crawl, source, state, fetched, error.outcome, message=str(error))
    if platform is None:
        sites = {host_of(fetched.url), feed.site or ""}
        entries = match_entries(source.id, feed.items, shelf.listed(feed.items, sites), sites=sites)
        gathered = finish(crawl, source, state, fetched, "ok", hints=feed.hints)
        return await with_entries(crawl, gathered, shelf, feed, entries)
    until = horizon(platform, state, crawl.now)
    listing = await read_on(crawl.client, crawl.pool, source, platform, question, feed, until)
    is_complete = platform.is_complete and listing.is_whole
    return await _with_listing(crawl, source, state, shelf, fetched, listing, is_complete)


async def _read_index(
    crawl: Crawl,
    source: Source,
    state: SourceState,
    shelf: Shelf,
    fetched: Fetched,
) -> Gathered:
    """Return what is new on a page without a feed, but for what its pages date long ago."""
    limit = crawl.client.settings.pages_per_source
    content_type = fetched.headers.get("content-type", "")
    sites = {host_of(fetched.url)}
    try:
        feed = await crawl.pool.feed("index", fetched.body, content_type, fetched.url)
        known = shelf.listed(feed.items, sites)
        seen = look(feed, source.url, state.cursor, known.values(), limit)
    except FeedParseError as error:
        return finish(crawl, source, state, fetched, error.outcome, message=str(error))
    gathered = finish(crawl, source, state, fetched, "ok")
    entries = match_entries(source.id, seen.feed.items, known, sites=sites)
    gathered = await with_entries(crawl, gathered, shelf, seen.feed, entries)
    harvest = gathered.harvest
    waits = {id_ for id_, wait in harvest.waits.items() if wait is not None}
    sifted = without_archive(harvest.documents, waits, seen, crawl.now)
    moved_on = replace(gathered.state, cursor=sifted.cursor)
    if seen.is_waiting or sifted.is_unread:
        moved_on = replace(moved_on, etag=None, last_modified=None, body_hash=None)
    rows = gathered.page_failures
    if sifted.archived:
        rows = (*rows, left_alone(source.id, sifted.archived))
    return replace(
        gathered,
        state=moved_on,
        harvest=harvest.with_documents(sifted.documents),
        page_failures=rows,
    )


async def _read_bulk(
    crawl: Crawl,
    source: Source,
    state: SourceState,
    shelf: Shelf,
    fetched: Fetched,
) -> Gathered:
    """Return what GDELT's files since the last run hold, and which of them are missing."""
    # The address of the list is made from the settings, so a redirect of it is not learned.
    fetched = replace(fetched, permanent_url=None)
    try:
        bulk = await read_files(crawl.client, crawl.pool, source, state, fetched)
    except FeedParseError as error:
        return finish(crawl, source, state, fetched, error.outcome, message=str(error))
    last = bulk.last or fetched
    gathered = finish(crawl, source, state, last, bulk.outcome, message=bulk.message)
    # Bulk records come once and are never edited: nothing that is stored need be read.
    entries = match_entries(source.id, bulk.feed.items, {})
    gathered = await with_entries(crawl, gathered, shelf, bulk.feed, entries)
    rows = [fetch_row(source, answer, outcome, crawl.now) for answer, outcome in bulk.answers]
    if bulk.last is not None:
        rows.append(fetch_row(source, fetched, "ok", crawl.now))
    # The list is asked for in full: one that stays the same for a night is news as well.
    moved_on = replace(
        gathered.state, cursor=bulk.cursor, etag=None, last_modified=None, body_hash=None
    )
    return replace(
        gathered,
        state=moved_on,
        fetches=(*rows, *gathered.fetches),
        failures=(*gathered.failures, *bulk.failures),
        page_failures=(*gathered.page_failures, *bulk.notes),
    )


async def _question(
    crawl: Crawl, source: Source, state: SourceState, platform: Platform | None
) -> Question:
    secret = None
    if source.token_env is not None:
        secret = crawl.secrets.get(source.token_env)
        if not secret:
            raise MissingKeyError(
                f"source {source.id!r} needs a token: set the environment variable"
                f" {source.token_env}"
            )
    if source.kind == "gdelt":
        return Question(url=list_url(source))
    if platform is None:
        return Question(url=state.url, secret_headers=bearer(secret))
    token = await crawl.logins.token(source, platform, secret)
    found = await crawl.logins.found(source, platform, token)
    cursor = platform.start(state.cursor, crawl.now) if platform.start else state.cursor
    return platform.request(source, token, found or cursor)


async def _with_listing(
    crawl: Crawl,
    source: Source,
    state: SourceState,
    shelf: Shelf,
    fetched: Fetched,
    listing: Listing,
    is_complete: bool,
) -> Gathered:
    """Return what a timeline gave: its posts, new counts, and those that are gone from it."""
    feed = listing.feed
    sites = {host_of(fetched.url)}
    entries = match_entries(source.id, feed.items, shelf.listed(feed.items, sites), sites=sites)
    gathered = finish(
        crawl, source, state, fetched, listing.outcome, message=listing.message, hints=feed.hints
    )
    if listing.outcome == "ok" and feed.cursor is not None:
        gathered = replace(gathered, state=replace(gathered.state, cursor=feed.cursor))
    if not listing.is_whole and listing.outcome == "ok" and state.last_ok_at is not None:
        gap = Failure(
            stage="crawl",
            item=source.id,
            kind="gap",
            message=f"more than {len(listing.later) + 1} pages since the last crawl; older posts"
            " were not read",
            advice="crawl more often, or follow something that is less busy",
        )
        gathered = replace(gathered, failures=(*gathered.failures, gap))
    gathered = await with_entries(crawl, gathered, shelf, feed, entries)
    rows = tuple(fetch_row(source, answer, outcome, crawl.now) for answer, outcome in listing.later)
    return replace(
        gathered,
        fetches=(*rows, *gathered.fetches),
        counts=_new_counts(entries),
        withdrawn=deleted(listing, shelf, entries) if is_complete else (),
    )


def _new_counts(entries: Sequence[Entry]) -> Mapping[str, Mapping[str, int]]:
    """Return the counts of stored posts that moved since, by document."""
    return {
        entry.document_id: dict(entry.item.engagement)
        for entry in entries
        if entry.known is not None
        and entry.item.engagement
        and dict(entry.known.engagement) != dict(entry.item.engagement)
    }


def _message(fetched: Fetched) -> str:
    return fetched.error or f"{redact(fetched.url)} answered {fetched.status}"
