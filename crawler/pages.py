"""The pages behind the links of a feed: asked only where robots.txt lets us, read in a worker."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from crawler.decide import judge
from crawler.errors import FeedParseError, FetchError, HostPausedError
from crawler.fetch import Client, fetch
from crawler.messages import Fetched, Request
from crawler.parsed import ParsedPage
from crawler.urls import host_of, redact
from crawler.worker import ParserPool
from store.records import FeedItem, Outcome, SourceState

# A feed text of this length is the article itself, not its teaser.
WHOLE_WORDS = 150
WHOLE_CHARACTERS = 1200
# Outcomes that pass by themselves, and how many in a row give a host up for a run.
STUMBLES: frozenset[Outcome] = frozenset({"deadline", "server_error", "connect"})
STUMBLES_PER_HOST = 3
_TYPES = ("text/html", "application/xhtml+xml", "text/plain")
PAGE_TYPES = "text/html, application/xhtml+xml, text/plain;q=0.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAnswer:
    """A page, or why there is none.

    Attributes
    ----------
    page : ParsedPage or None
        None when ``outcome`` is not ``ok``.
    was_asked : bool
        False when its host was left alone, so that this was no attempt.
    """

    url: str
    outcome: Outcome
    fetched: Fetched
    page: ParsedPage | None = None
    message: str = ""
    was_asked: bool = True


def is_teaser(item: FeedItem) -> bool:
    """Return whether the feed gave so little text that the page is worth asking for."""
    return len(item.text) < WHOLE_CHARACTERS and len(item.text.split()) < WHOLE_WORDS


@dataclass(slots=True)
class _Site:
    """What the pages of one host met in this run."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    stumbles: int = 0
    refusal: Outcome | None = None

    def note(self, outcome: Outcome) -> None:
        """Give the host up for this run at a challenge, or at the third stumble in a row."""
        self.stumbles = self.stumbles + 1 if outcome in STUMBLES else 0
        if outcome == "challenge" or self.stumbles >= STUMBLES_PER_HOST:
            self.refusal = outcome


class Pages:
    """Pages of one run, with the robots.txt of every origin asked once.

    A host that challenges programs is not asked for the next page, and one that is down is not
    waited for fifty times.
    """

    def __init__(self, client: Client, pool: ParserPool) -> None:
        self._client = client
        self._pool = pool
        self._robots: dict[str, asyncio.Task[Outcome | Any]] = {}
        self._sites: defaultdict[str, _Site] = defaultdict(_Site)

    async def get(self, url: str) -> PageAnswer:
        """Return the page at an address; whatever goes wrong is an outcome."""
        try:
            return await self._get(url)
        except HostPausedError as error:
            return PageAnswer(
                url=url,
                outcome="rate_limited",
                fetched=Fetched(url=url),
                message=str(error),
                was_asked=False,
            )

    async def _get(self, url: str) -> PageAnswer:
        refusal = await self.refusal(url)
        if refusal is not None:
            return PageAnswer(
                url=url,
                outcome=refusal,
                fetched=Fetched(url=url),
                message=_refused(url, refusal),
            )
        site = self._sites[host_of(url)]
        # One page of a host at a time, so that the next one knows what became of this one.
        async with site.lock:
            if site.refusal is not None:
                return PageAnswer(
                    url=url,
                    outcome=site.refusal,
                    fetched=Fetched(url=url),
                    message=f"left alone for tonight: {host_of(url)!r} answered {site.refusal!r}",
                    was_asked=False,
                )
            fetched, outcome = await self._ask(url)
            site.note(outcome)
        if outcome != "ok":
            message = fetched.error or f"the server answered {fetched.status}"
            return PageAnswer(url=url, outcome=outcome, fetched=fetched, message=message)
        return await self._read(url, fetched)

    async def _ask(self, url: str) -> tuple[Fetched, Outcome]:
        cap = self._client.settings.limits.page_bytes
        request = Request(url=url, cap_bytes=cap, accept=PAGE_TYPES)
        fetched = await fetch(self._client, request, may_follow=self._may_follow)
        return fetched, judge(SourceState(source_id="", url=url), fetched)

    async def _may_follow(self, url: str) -> None:
        """Refuse a redirect to where robots.txt does not let us read."""
        if (refusal := await self.refusal(url)) is not None:
            raise FetchError(_refused(url, refusal), refusal)

    async def _read(self, url: str, fetched: Fetched) -> PageAnswer:
        content_type = fetched.headers.get("content-type", "")
        kind = content_type.partition(";")[0].strip().lower()
        if kind and kind not in _TYPES:
            message = f"{kind[:60]!r} is no page"
            return PageAnswer(url=url, outcome="not_a_feed", fetched=fetched, message=message)
        try:
            page = await self._pool.page(fetched.body, content_type, fetched.url)
        except FeedParseError as error:
            return PageAnswer(url=url, outcome=error.outcome, fetched=fetched, message=str(error))
        return PageAnswer(url=url, outcome="ok", fetched=fetched, page=page)

    async def refusal(self, url: str) -> Outcome | None:
        """Return why robots.txt keeps us from an address, or None."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._robots:
            self._robots[origin] = asyncio.create_task(self._ask_robots(origin))
        rules = await self._robots[origin]
        if isinstance(rules, str):
            return rules  # type: ignore[return-value]
        if rules is None or rules.can_fetch(url, "tapestory"):
            return None
        return "robots_denied"

    async def _ask_robots(self, origin: str) -> Any:
        """Return the rules of an origin, None for no rules, or the outcome that forbids it."""
        cap = self._client.settings.limits.robots_bytes
        # RFC 9309: rules beyond the cap do not count, those before it do.
        request = Request(
            url=f"{origin}/robots.txt", cap_bytes=cap, accept="text/plain", is_cut_at_cap=True
        )
        fetched = await fetch(self._client, request)
        if fetched.outcome is not None or (fetched.status or 500) >= 500:
            # RFC 9309: rules that cannot be had are taken for a refusal.
            return "robots_unreachable"
        if (fetched.status or 0) >= 300:
            return None
        from protego import Protego

        rules = Protego.parse(fetched.body.decode("utf-8", errors="replace"))
        delay = rules.crawl_delay("tapestory")
        if delay is not None:
            self._client.hosts.slow_down(urlsplit(origin).hostname or "", float(delay))
        return rules


def _refused(url: str, outcome: Outcome) -> str:
    if outcome == "robots_unreachable":
        return f"robots.txt of the site could not be had, so {redact(url)!r} was not read"
    return f"robots.txt of the site does not let {redact(url)!r} be read"
