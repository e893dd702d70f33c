"""A timeline over its pages: back to where the last run left off, and a little further.

What lies further was read before; it is read again for edits, counts and deletions.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from crawler.decide import judge
from crawler.errors import FeedParseError, HostPausedError
from crawler.fetch import FEED_TYPES, Client, fetch
from crawler.identity import Entry
from crawler.messages import Fetched, Request
from crawler.parsed import ParsedFeed
from crawler.shelf import Shelf
from crawler.social.shapes import Platform, Question, one_part
from crawler.urls import redact, with_parameters
from crawler.worker import ParserPool
from store.records import FeedItem, Outcome, Source, SourceState

MAX_PAGES = 20
# Of an account never read before: a nightly reader has no use for its first years.
FIRST_SIGHT = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What the pages of a timeline gave together.

    Attributes
    ----------
    later : tuple of (Fetched, Outcome)
        The answers after the first page's.
    is_whole : bool
        The pages reach back to the horizon, or to the end of the timeline.
    outcome : Outcome
        ``ok``, or what kept us from a later page; what came before it is in ``feed``.
    part : callable
        As in :class:`crawler.social.shapes.Platform`.
    """

    feed: ParsedFeed
    later: tuple[tuple[Fetched, Outcome], ...] = ()
    is_whole: bool = True
    outcome: Outcome = "ok"
    message: str = ""
    part: Callable[[str | None], str] = one_part


def horizon(platform: Platform, state: SourceState, now: datetime) -> datetime:
    """Return how far back a timeline is to be read."""
    if state.last_ok_at is None:
        return now - FIRST_SIGHT
    return state.last_ok_at - timedelta(days=platform.recheck_days)


async def read_on(
    client: Client,
    pool: ParserPool,
    source: Source,
    platform: Platform,
    question: Question,
    first: ParsedFeed,
    until: datetime,
) -> Listing:
    """Return a timeline from its first page back to an instant.

    Parameters
    ----------
    first : ParsedFeed
        The first page.
    until : datetime
        Pages are asked for while their oldest post is younger.
    """
    seen: set[str] = set()
    items, page, end = _unseen(first.items, seen), first, _end(first)
    later: list[tuple[Fetched, Outcome]] = []
    while page.more and not _reaches(page, until):
        if len(later) + 1 >= (platform.max_pages or MAX_PAGES):
            return Listing(feed=replace(first, items=items), later=tuple(later), is_whole=False)
        url = with_parameters(question.url, page.more)
        try:
            fetched = await fetch(client, request_of(client, replace(question, url=url)))
        except HostPausedError as error:
            fetched = Fetched(url=url, outcome="rate_limited", error=str(error))
        outcome = judge(SourceState(source_id=source.id, url=url), fetched)
        message = fetched.error or f"{redact(url)} answered {fetched.status}"
        if outcome == "ok":
            try:
                page = await pool.feed(
                    source.kind, fetched.body, fetched.headers.get("content-type", ""), fetched.url
                )
            except FeedParseError as error:
                outcome, message = error.outcome, str(error)
        later.append((fetched, outcome))
        if outcome != "ok":
            return Listing(
                feed=replace(first, items=items),
                later=tuple(later),
                is_whole=False,
                outcome=outcome,
                message=message,
            )
        fresh = _unseen(page.items, seen)
        if page.items and not fresh:
            break  # a server that ignores the parameters shows the same page for ever
        items, end = items + fresh, _end(page) or end
    return Listing(
        feed=replace(first, items=items, oldest_at=end), later=tuple(later), part=platform.part
    )


def request_of(
    client: Client, question: Question, *, etag: str | None = None, last_modified: str | None = None
) -> Request:
    """Return the request that a question makes."""
    return Request(
        url=question.url,
        cap_bytes=client.settings.limits.feed_bytes,
        accept=FEED_TYPES,
        etag=etag,
        last_modified=last_modified,
        secret_headers=question.secret_headers,
        body=question.body,
        body_type=question.body_type,
    )


def deleted(listing: Listing, shelf: Shelf, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return the ids of stored posts that a complete listing no longer has.

    Parameters
    ----------
    entries : sequence of Entry
        What the listing's items are.

    Notes
    -----
    Only strictly inside the span of the listing, where its dates are all known. That span ends
    where its last page does: what a moderator pinned to the top is older than all, and so may
    be a post that was boosted. A part of which nothing is left was closed, not deleted post by
    post. A listing that lacks more than it has of what is stored is another listing, not one
    with deletions.
    """
    feed, end = listing.feed, _end(listing.feed)
    dates = [item.published_at for item in feed.items if item.published_at is not None]
    if feed.is_ranked or end is None or len(dates) < max(2, len(feed.items)):
        return ()
    parts = {listing.part(item.url) for item in feed.items}
    present = {entry.document_id for entry in entries}
    missing = [
        stored.document_id
        for stored in shelf.between(end, max(dates)).values()
        if not stored.is_withdrawn
        and stored.document_id not in present
        and listing.part(stored.url) in parts
    ]
    kept = sum(entry.known is not None for entry in entries)
    return tuple(missing) if len(missing) <= kept else ()


def _name(item: FeedItem) -> str:
    return item.guid or item.url or f"{item.date_raw}\0{item.text}"


def _unseen(items: Iterable[FeedItem], seen: set[str]) -> list[FeedItem]:
    """Return the items whose names were not seen before, and note these."""
    fresh: dict[str, FeedItem] = {}
    for item in items:
        fresh.setdefault(_name(item), item)
    fresh = {name: item for name, item in fresh.items() if name not in seen}
    seen.update(fresh)
    return list(fresh.values())


def _reaches(page: ParsedFeed, until: datetime) -> bool:
    """Return whether a page goes back as far as ``until``; undated pages go no further."""
    end = _end(page)
    return end is None or end <= until


def _end(page: ParsedFeed) -> datetime | None:
    """Return how far back a page goes, None where no date says it.

    To its last post and not its oldest, which may be pinned to the top.
    """
    dates = [item.published_at for item in page.items if item.published_at is not None]
    return page.oldest_at or (dates[-1] if dates else None)
