"""Find the feed of a page that a person names: the addresses of ``discover.py``, asked in turn.

What the person named is asked as it is. Everything else is reached automatically: robots.txt is
obeyed for it, and few addresses are asked.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from crawler.advice import failure
from crawler.decide import judge
from crawler.discover import Candidate, How, PageLinks, kind_of, platform_candidate, well_known
from crawler.errors import FeedParseError, HostPausedError, SourceError
from crawler.fetch import FEED_TYPES, Client, fetch, open_client
from crawler.messages import Fetched, Request
from crawler.pages import Pages
from crawler.parsed import ParsedFeed
from crawler.settings import CrawlSettings
from crawler.social import PLATFORMS
from crawler.urls import http_url, redact
from crawler.worker import ParserPool, shared_pool
from store.records import Outcome, Source, SourceKind, SourceState

# robots.txt files included, redirects and repetitions after a failed connection not.
MOST_REQUESTS = 12
_ACCEPT = f"{FEED_TYPES}, text/html;q=0.8"
# After these the same host, or the same network, will not answer better at another path.
_FINAL: frozenset[Outcome] = frozenset(
    {"challenge", "rate_limited", "ssrf_blocked", "bad_scheme", "connect", "deadline"}
)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFeed:
    """A feed that answered.

    Attributes
    ----------
    items : int
        Entries of the answer.
    newest : datetime or None
        The latest date that an entry states, not after now.
    """

    url: str
    kind: SourceKind
    handle: str | None
    title: str
    language: str | None
    items: int
    newest: datetime | None
    how: How


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What came of a search.

    Attributes
    ----------
    feed : FoundFeed or None
        The best that answered; a feed without entries only when there is no other.
    others : sequence of str
        Addresses that the page links as feeds, too.
    tried : sequence of str
        What was asked in vain and why, for a person.
    requests : int
        Asked in all, robots.txt included.
    """

    feed: FoundFeed | None
    others: Sequence[str] = ()
    tried: Sequence[str] = ()
    requests: int = 0


def find_feed(
    url: str, *, settings: CrawlSettings, now: datetime, say: Say | None = None
) -> Discovery:
    """Return the feed behind an address, asking at most :data:`MOST_REQUESTS` times.

    Parameters
    ----------
    url : str
        Of a feed, a page or an account; without a scheme it is taken as https.
    say : callable or None
        Told each address before it is asked.

    Raises
    ------
    SourceError
        When the text is no http(s) address.
    """
    address = http_url(url if "://" in url else f"https://{url}")
    if address is None:
        raise SourceError(f"{redact(url)!r} is no http or https address: give a page or a feed")

    async def search() -> Discovery:
        async with open_client(settings, now=now) as client:
            pool = shared_pool(settings.limits, settings.workers)
            return await discover(client, pool, address, say=say)

    return asyncio.run(search())


async def discover(
    client: Client, pool: ParserPool, url: str, *, say: Say | None = None
) -> Discovery:
    """Return the feed behind an address, with a client that is open."""
    search = _Search(client, pool, say or (lambda _: None))
    feed = await search.run(url)
    return Discovery(
        feed=feed, others=search.others(feed), tried=search.tried, requests=search.requests
    )


class _Search:
    """One search, with what it has asked so far."""

    def __init__(self, client: Client, pool: ParserPool, say: Say) -> None:
        self._client = client
        self._pool = pool
        self._pages = Pages(client, pool)
        self._say = say
        self._origins: set[str] = set()
        self._asked: set[tuple[str, str | None]] = set()
        self._links: PageLinks = PageLinks()
        self._empty: FoundFeed | None = None
        self.tried: list[str] = []
        self.requests = 0

    async def run(self, url: str) -> FoundFeed | None:
        known = platform_candidate(url)
        if known is not None:
            feed = await self._try(known)
            if feed is not None or known.is_certain:
                return feed or self._empty
        named = Candidate(url=url, kind=kind_of(url), how="named")
        fetched = await self._ask(named, url)
        if fetched is None:
            return self._empty
        feed = await self._feed(named, fetched)
        if feed is not None:
            return feed
        await self._read_links(fetched)
        for candidate in [*self._links.candidates(), *well_known(fetched.url)]:
            feed = await self._try(candidate)
            if feed is not None:
                return feed
        return self._empty

    def others(self, feed: FoundFeed | None) -> list[str]:
        taken = feed.url if feed is not None else None
        return [url for url, _ in self._links.feeds if url != taken]

    async def _try(self, candidate: Candidate) -> FoundFeed | None:
        """Ask for a candidate, unless it was asked before."""
        key = (candidate.url, candidate.handle)
        if key in self._asked:
            return None
        self._asked.add(key)
        fetched = await self._ask(candidate, _question(candidate))
        if fetched is None or fetched.status is None or fetched.status >= 300:
            return None
        return await self._feed(candidate, fetched)

    async def _ask(self, candidate: Candidate, url: str) -> Fetched | None:
        """Return an answer with a body, or None; why not is noted.

        An error answer for the address that was named is returned too: its site may have a
        feed all the same.
        """
        is_named = candidate.how == "named"
        if not await self._may_ask(url, is_named):
            return None
        self._say(f"asking {redact(url)}")
        self.requests += 1
        cap = self._client.settings.limits.feed_bytes
        try:
            fetched = await fetch(self._client, Request(url=url, cap_bytes=cap, accept=_ACCEPT))
        except HostPausedError as error:
            self._note(url, str(error))
            return None
        outcome = judge(SourceState(source_id="", url=url), fetched)
        if outcome == "ok":
            return fetched
        reason = fetched.error or f"the server answered {fetched.status}"
        self._note(url, f"{reason}; {failure(url, outcome, reason).advice}")
        return fetched if is_named and outcome not in _FINAL else None

    async def _may_ask(self, url: str, is_named: bool) -> bool:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        needs_robots = not is_named and origin not in self._origins
        if self.requests + 1 + needs_robots > MOST_REQUESTS:
            self._note(url, f"not asked: {MOST_REQUESTS} requests are the most for one search")
            return False
        if is_named:
            return True
        self._origins.add(origin)
        self.requests += needs_robots
        try:
            refusal = await self._pages.refusal(url)
        except HostPausedError as error:
            self._note(url, str(error))
            return False
        if refusal is not None:
            reason = "keeps programs from it" if refusal == "robots_denied" else "cannot be had"
            self._note(url, f"not asked: robots.txt {reason}; to add it all the same, name it")
        return refusal is None

    async def _feed(self, candidate: Candidate, fetched: Fetched) -> FoundFeed | None:
        """Return the feed of an answer, or None; one without entries is kept for last."""
        parser = "feed" if candidate.handle is None else candidate.kind
        content_type = fetched.headers.get("content-type", "")
        if not fetched.body:
            return None
        try:
            parsed = await self._pool.feed(parser, fetched.body, content_type, fetched.url)
        except FeedParseError as error:
            if candidate.how != "named":
                self._note(candidate.url, str(error))
            return None
        found = self._found(candidate, fetched, parsed)
        if found.items == 0:
            self._note(candidate.url, "a feed without entries")
            self._empty = self._empty or found
            return None
        return found

    def _found(self, candidate: Candidate, fetched: Fetched, parsed: ParsedFeed) -> FoundFeed:
        now = self._client.now
        dates = [item.published_at for item in parsed.items if item.published_at is not None]
        is_api = candidate.handle is not None
        url = candidate.url if is_api else fetched.permanent_url or candidate.url
        return FoundFeed(
            url=url,
            kind=candidate.kind if is_api else kind_of(url),
            handle=candidate.handle,
            title=parsed.title or candidate.title or self._links.title or candidate.handle or "",
            language=parsed.language or self._links.language,
            items=len(parsed.items),
            newest=max((date for date in dates if date <= now), default=None),
            how=candidate.how,
        )

    async def _read_links(self, fetched: Fetched) -> None:
        if not fetched.body:
            return
        content_type = fetched.headers.get("content-type", "")
        try:
            self._links = await self._pool.links(fetched.body, content_type, fetched.url)
        except FeedParseError as error:
            self._note(fetched.url, str(error))

    def _note(self, url: str, reason: str) -> None:
        self.tried.append(f"{redact(url)}: {reason}")


def _question(candidate: Candidate) -> str:
    """Return the address to ask for a candidate; an account is asked through its platform."""
    if candidate.handle is None:
        return candidate.url
    source = Source(
        id=candidate.handle, kind=candidate.kind, url=candidate.url, handle=candidate.handle
    )
    return PLATFORMS[candidate.kind].request(source, None, None).url
