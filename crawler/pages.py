"""The pages behind the links of a feed: asked only where robots.txt lets us, read in a worker."""

import asyncio
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from crawler.decide import judge
from crawler.errors import FeedParseError, HostPausedError
from crawler.fetch import Client, fetch
from crawler.messages import Fetched, Request
from crawler.parsed import ParsedPage
from crawler.urls import redact
from crawler.worker import ParserPool
from store.records import FeedItem, Outcome, SourceState

# A feed text of this length is the article itself, not its teaser.
WHOLE_WORDS = 150
WHOLE_CHARACTERS = 1200
_TYPES = ("text/html", "application/xhtml+xml", "text/plain")
_ACCEPT = "text/html, application/xhtml+xml, text/plain;q=0.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAnswer:
    """A page, or why there is none.

    Attributes
    ----------
    page : ParsedPage or None
        None when ``outcome`` is not ``ok``.
    """

    url: str
    outcome: Outcome
    fetched: Fetched
    page: ParsedPage | None = None
    message: str = ""


def is_teaser(item: FeedItem) -> bool:
    """Return whether the feed gave so little text that the page is worth asking for."""
    return len(item.text) < WHOLE_CHARACTERS and len(item.text.split()) < WHOLE_WORDS


class Pages:
    """Pages of one run, with the robots.txt of every origin asked once."""

    def __init__(self, client: Client, pool: ParserPool) -> None:
        self._client = client
        self._pool = pool
        self._robots: dict[str, asyncio.Task[Outcome | Any]] = {}

    async def get(self, url: str) -> PageAnswer:
        """Return the page at an address; whatever goes wrong is an outcome."""
        try:
            return await self._get(url)
        except HostPausedError as error:
            return PageAnswer(
                url=url, outcome="rate_limited", fetched=Fetched(url=url), message=str(error)
            )

    async def _get(self, url: str) -> PageAnswer:
        refusal = await self._refusal(url)
        if refusal is not None:
            return PageAnswer(
                url=url,
                outcome=refusal,
                fetched=Fetched(url=url),
                message=f"robots.txt of the site does not let {redact(url)!r} be read",
            )
        limits = self._client.settings.limits
        fetched = await fetch(
            self._client, Request(url=url, cap_bytes=limits.page_bytes, accept=_ACCEPT)
        )
        outcome = judge(SourceState(source_id="", url=url), fetched)
        if outcome != "ok":
            message = fetched.error or f"the server answered {fetched.status}"
            return PageAnswer(url=url, outcome=outcome, fetched=fetched, message=message)
        return await self._read(url, fetched)

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

    async def _refusal(self, url: str) -> Outcome | None:
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
