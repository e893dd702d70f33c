"""One source from its address to the records to store: ask, judge, parse, fetch pages.

No database: what is known comes in, what to write goes out, so that network and parsing stay
outside every transaction.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import ModuleType

from crawler.advice import failure
from crawler.dates import effective
from crawler.decide import FeedHints, advance, body_hash, judge
from crawler.errors import FeedParseError, HostPausedError, SourceError
from crawler.fetch import FEED_TYPES, Client, fetch
from crawler.identity import Entry, StoredKey, content_hash, keys_to_look_up, match_entries
from crawler.messages import Fetched, Request
from crawler.pages import PageAnswer, Pages, is_teaser
from crawler.parsed import ParsedFeed
from crawler.social import bluesky, hackernews, mastodon
from crawler.social.shapes import Question
from crawler.urls import host_of, redact
from crawler.worker import Parser, ParserPool
from store.records import (
    DateSource,
    Document,
    Failure,
    Fetch,
    Outcome,
    Source,
    SourceState,
    SourceStatus,
)

# Kinds that are feeds in all but name: the configured address is the feed's.
FEED_KINDS = frozenset({"feed", "youtube", "lemmy", "reddit", "rsshub"})
_SOCIAL: dict[str, tuple[Parser, ModuleType]] = {
    "mastodon": ("mastodon", mastodon),
    "bluesky": ("bluesky", bluesky),
    "hackernews": ("hackernews", hackernews),
}
SUPPORTED = FEED_KINDS | _SOCIAL.keys()
LookUp = Callable[[Collection[str], Collection[str]], Mapping[str, StoredKey]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A new text for a stored document."""

    document_id: str
    title: str
    text: str
    content_hash: str


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
    documents: tuple[Document, ...] = ()
    revisions: tuple[Revision, ...] = ()
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


async def gather(crawl: Crawl, source: Source, state: SourceState, look_up: LookUp) -> Gathered:
    """Ask a source and return what to write.

    Parameters
    ----------
    look_up : callable
        Gives the source's stored documents with one of some keys or canonical addresses.
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
        return await _parsed(crawl, source, state, look_up, fetched)
    return _finish(crawl, source, state, fetched, outcome, message=_message(fetched))


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
    look_up: LookUp,
    fetched: Fetched,
) -> Gathered:
    parser: Parser = _SOCIAL[source.kind][0] if source.kind in _SOCIAL else "feed"
    content_type = fetched.headers.get("content-type", "")
    try:
        feed = await crawl.pool.feed(parser, fetched.body, content_type, fetched.url)
    except FeedParseError as error:
        return _finish(crawl, source, state, fetched, error.outcome, message=str(error))
    site = host_of(fetched.url)
    known = look_up(*keys_to_look_up(feed.items, site=site))
    entries = match_entries(source.id, feed.items, known, site=site)
    gathered = _finish(crawl, source, state, fetched, "ok", hints=feed.hints)
    return await _with_entries(crawl, gathered, feed, entries)


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
    is_bad = outcome not in {"ok", "not_modified", "unchanged"}
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
    crawl: Crawl, gathered: Gathered, feed: ParsedFeed, entries: list[Entry]
) -> Gathered:
    """Add the new and changed entries, with the pages behind those that are teasers."""
    source = gathered.source
    by_key: dict[str, Entry] = {}
    for entry in entries:
        # One document twice in one body: the first is the newest.
        if entry.item.title or entry.item.text:
            by_key.setdefault(entry.document_id, entry)
    wanted = [entry for entry in by_key.values() if _is_wanted(source, entry)]
    asked = [entry for entry in wanted if _wants_page(source, entry)]
    asked = asked[: crawl.client.settings.pages_per_source]
    answers = await asyncio.gather(*(crawl.pages.get(str(entry.item.url)) for entry in asked))
    pages = {entry.document_id: answer for entry, answer in zip(asked, answers, strict=True)}
    documents, revisions = [], []
    for entry in wanted:
        answer = pages.get(entry.document_id)
        if entry.known is None:
            partial = answer is None and _wants_page(source, entry)
            documents.append(_document(crawl.now, source, feed, entry, answer, partial))
        elif answer is None or answer.page is not None:
            revisions.append(_revision(entry, answer))
    return replace(
        gathered,
        documents=tuple(documents),
        revisions=tuple(revisions),
        # The feed's own row is written last, so that it is the source's last request.
        fetches=(
            *(_fetch_row(source, page.fetched, page.outcome, crawl.now) for page in answers),
            *gathered.fetches,
        ),
        page_failures=tuple(
            failure(redact(page.url), page.outcome, page.message)
            for page in answers
            if page.outcome != "ok"
        ),
    )


def _wants_page(source: Source, entry: Entry) -> bool:
    return (
        source.full_text
        and source.kind in FEED_KINDS
        and entry.item.url is not None
        and is_teaser(entry.item)
    )


def _is_wanted(source: Source, entry: Entry) -> bool:
    """Return whether an entry is new or changed.

    Behind a teaser stands a page whose text was stored: the teaser's digest says nothing about
    it, so that only a changed title is a change.
    """
    if entry.known is None:
        return True
    if _wants_page(source, entry):
        return entry.known.title != entry.item.title
    return entry.is_changed


def _document(
    now: datetime,
    source: Source,
    feed: ParsedFeed,
    entry: Entry,
    answer: PageAnswer | None,
    partial: bool,
) -> Document:
    item = entry.item
    page = answer.page if answer is not None else None
    # A paywalled or failed extraction is shorter than the summary it was to replace.
    use_page = page is not None and not page.is_paywalled and len(page.text) > len(item.text)
    text = page.text if page is not None and use_page else item.text
    published, stated_by = item.published_at, "feed"
    if published is None and page is not None and page.published_at is not None:
        published, stated_by = page.published_at, "html"
    date_source: DateSource = "html" if stated_by == "html" else "feed"
    effective_at, date_source = effective(published, now, date_source)
    return Document(
        id=entry.document_id,
        source_id=source.id,
        guid=item.guid[:2000] if item.guid else None,
        entry_key=entry.key,
        url=redact(item.url) if item.url else None,
        canonical_url=_canonical(entry, answer) if use_page else entry.canonical_url,
        title=item.title,
        text=text,
        author=item.author or (page.author if page and use_page else None),
        language=item.language or source.language or feed.language,
        published_at=published,
        first_seen_at=now,
        effective_at=effective_at,
        date_source=date_source,
        content_hash=content_hash(item.title, text),
        is_partial=item.is_partial or partial or (answer is not None and not use_page),
        engagement=item.engagement,
    )


def _canonical(entry: Entry, answer: PageAnswer | None) -> str | None:
    """Return the page's own address where the feed's link only led there from another host."""
    if answer is None or answer.page is None or entry.item.url is None:
        return entry.canonical_url
    is_same = host_of(answer.fetched.url) == host_of(entry.item.url)
    return entry.canonical_url if is_same else answer.page.canonical or entry.canonical_url


def _revision(entry: Entry, answer: PageAnswer | None) -> Revision:
    page = answer.page if answer is not None else None
    text = entry.item.text
    if page is not None and not page.is_paywalled and len(page.text) > len(text):
        text = page.text
    return Revision(
        document_id=entry.document_id,
        title=entry.item.title,
        text=text,
        content_hash=content_hash(entry.item.title, text),
    )


def starting_state(source: Source, state: SourceState | None) -> SourceState:
    """Return what is remembered of a source, or the state of one never asked.

    The database knows an address without its secrets; the settings know all of it.
    """
    if state is None or state.url == redact(source.url):
        return replace(state or SourceState(source_id=source.id, url=""), url=source.url)
    return state


def stored_state(source: Source, state: SourceState) -> SourceState:
    """Return a state as it is written: without the secrets of its address."""
    return replace(state, url=redact(source.url)) if state.url == source.url else state
