"""The one fetch function: feeds, pages, robots.txt, social answers and prices pass through it.

It never raises for what a server does: the answer, or the outcome that kept us from one, is
returned as data.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from crawler.bodies import decoder_for
from crawler.decide import is_challenge, pause_of
from crawler.errors import FetchError
from crawler.guard import Resolve, check_url, guard_transport, resolve_host
from crawler.hosts import Hosts
from crawler.messages import Fetched, Request, safe_validator
from crawler.ratelimits import ratelimit_pause
from crawler.settings import CrawlSettings
from crawler.urls import redact, redact_text
from store.records import Outcome

# Raises FetchError when an address that a redirect leads to is not to be asked.
MayFollow = Callable[[str], Awaitable[None]]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PERMANENT = frozenset({301, 308})
_RETRIED = frozenset({502, 503, 504})
# Real answers have some thirty; the HTTP library itself bounds only their bytes (100 kB).
MAX_HEADERS = 200
# They log whole addresses and headers, secrets included, when somebody turns their logs up.
_TALKATIVE = ("httpx2", "httpcore2", "hpack", "h2")
_log = logging.getLogger(__name__)
FEED_TYPES = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/json;q=0.9,"
    " application/xml;q=0.9, text/xml;q=0.8, */*;q=0.5"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An open HTTP client with the pace of every host; made by :func:`open_client`."""

    http: httpx2.AsyncClient
    hosts: Hosts
    settings: CrawlSettings
    now: datetime


@asynccontextmanager
async def open_client(
    settings: CrawlSettings, *, now: datetime, resolve: Resolve = resolve_host
) -> AsyncIterator[Client]:
    """Open a client whose every connection passes the address guard.

    ``trust_env`` is off in both places: a proxy from the environment would do the
    connecting for us, past the guard.
    """
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    limits = settings.limits
    transport = httpx2.AsyncHTTPTransport(trust_env=False, http2=True)
    guard_transport(transport, settings.networks(), resolve)
    async with httpx2.AsyncClient(
        transport=transport,
        trust_env=False,
        follow_redirects=False,
        # A reader has no business with cookies: none is kept and none is sent.
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        timeout=httpx2.Timeout(
            connect=limits.connect_s,
            read=limits.read_s,
            write=limits.read_s,
            pool=limits.total_s,
        ),
    ) as http:
        hosts = Hosts(settings.host_interval_s, settings.concurrency)
        yield Client(http=http, hosts=hosts, settings=settings, now=now)


async def fetch(
    client: Client, request: Request, *, may_follow: MayFollow | None = None
) -> Fetched:
    """Ask once, follow redirects by hand, and return the answer or the reason for none.

    A host that asks for a pause gets it, from everybody and at once. The total deadline counts
    the time spent on the network, not the wait for a turn.

    Raises
    ------
    HostPausedError
        When the host has asked for a pause before, and was not asked.
    """
    exchange = _Exchange(client, request, may_follow)
    try:
        return await exchange.run()
    except FetchError as error:
        return exchange.failed(error.outcome, str(error))
    except TimeoutError:
        return exchange.failed(
            "deadline", f"no whole answer within {client.settings.limits.total_s:g} s"
        )
    except httpx2.LocalProtocolError:
        # Its message quotes the header that it refuses, which can be the token.
        return exchange.failed(
            "connect", "the request cannot be written; look for a line break in the token"
        )
    except httpx2.HTTPError as error:
        return exchange.failed(outcome_of(error), _sentence(error))
    except httpx2.InvalidURL as error:
        return exchange.failed("bad_scheme", _sentence(error))


def outcome_of(error: httpx2.HTTPError) -> Outcome:
    """Return the outcome of an exception of the HTTP library.

    A test walks that library's tree, so that a class it adds is noticed.
    """
    match error:
        case httpx2.ConnectTimeout():
            return "connect"
        case httpx2.TimeoutException():
            return "deadline"
        case httpx2.UnsupportedProtocol():
            return "bad_scheme"
        case httpx2.DecodingError():
            return "decode"
        case httpx2.TooManyRedirects():
            return "redirect_loop"
        case _:
            return "connect"


class _Exchange:
    """One request with its redirects and repetitions, and what they cost so far."""

    def __init__(self, client: Client, request: Request, may_follow: MayFollow | None) -> None:
        self._client = client
        self._request = request
        self._may_follow = may_follow
        self._networks = client.settings.networks()
        self._left_s = client.settings.limits.total_s
        self._spent_s = 0.0
        self._url = request.url
        self._permanent: str | None = None
        self._unbroken = True

    async def run(self) -> Fetched:
        seen = set()
        url = check_url(self._request.url, self._networks)
        origin = _origin(url)
        for _ in range(self._client.settings.limits.redirects + 1):
            self._url = str(url)
            seen.add(self._url)
            secrets = self._request.secret_headers if _origin(url) == origin else {}
            answer, location = await self._hop(url, secrets)
            if location is None:
                return replace(answer, seconds=self._spent_s)
            if self._request.body is not None:
                # It holds a secret, which was given to this address and to no other.
                raise FetchError(f"{redact(self._url)!r} redirects a login", "redirect_loop")
            target = check_url(str(url.join(location)), self._networks)
            if str(target) in seen:
                raise FetchError(f"{redact(str(target))!r} redirects to itself", "redirect_loop")
            if self._may_follow is not None:
                await self._may_follow(str(target))
            self._note_redirect(answer.status or 0, url, target)
            url = target
        raise FetchError(
            f"{redact(self._request.url)!r} redirects more than"
            f" {self._client.settings.limits.redirects} times",
            "redirect_loop",
        )

    def failed(self, outcome: Outcome, message: str) -> Fetched:
        return Fetched(
            url=self._url,
            outcome=outcome,
            seconds=self._spent_s,
            conditional=self._conditional,
            error=message,
        )

    @property
    def _conditional(self) -> bool:
        return bool(self._request.etag or self._request.last_modified)

    def _note_redirect(self, status: int, url: httpx2.URL, target: httpx2.URL) -> None:
        downgrade = url.scheme == "https" and target.scheme == "http"
        self._unbroken = self._unbroken and status in _PERMANENT and not downgrade
        if downgrade:
            _log.warning(
                "%s leads from https to http (%s): followed, but never remembered",
                redact(str(url)),
                redact(str(target)),
            )
        if self._unbroken:
            self._permanent = str(target)

    async def _hop(self, url: httpx2.URL, secrets: Mapping[str, str]) -> tuple[Fetched, str | None]:
        """Ask one address, again after a failed connection or a gateway's stumble."""
        limits = self._client.settings.limits
        for attempt in range(1, limits.attempts + 1):
            last = attempt == limits.attempts
            try:
                answer, location = await self._ask(url, secrets)
            except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.RemoteProtocolError):
                if last:
                    raise
            else:
                if last or not _is_stumble(answer):
                    return answer, location
            wait = limits.retry_wait_s * attempt
            if wait >= self._left_s:
                raise TimeoutError
            await asyncio.sleep(wait)
            self._left_s -= wait
        raise AssertionError("the last attempt returns or raises")  # pragma: no cover

    async def _ask(self, url: httpx2.URL, secrets: Mapping[str, str]) -> tuple[Fetched, str | None]:
        async with self._client.hosts.turn(url.host):
            started = time.monotonic()
            try:
                async with asyncio.timeout(self._left_s):
                    answer, location = await self._read(url, secrets)
            finally:
                spent = time.monotonic() - started
                self._spent_s += spent
                self._left_s -= spent
            # Before the turn ends: the next in line must not ask either.
            now = self._client.now
            for until in (pause_of(answer, now), ratelimit_pause(answer.headers, now)):
                if until is not None:
                    self._client.hosts.pause(url.host, until)
        return answer, location

    async def _read(
        self, url: httpx2.URL, secrets: Mapping[str, str]
    ) -> tuple[Fetched, str | None]:
        headers = {**_headers(self._request, self._client.settings.user_agent), **secrets}
        method = "GET" if self._request.body is None else "POST"
        async with self._client.http.stream(
            method, url, headers=headers, content=self._request.body
        ) as response:
            if (count := len(response.headers.raw)) > MAX_HEADERS:
                raise FetchError(f"the answer has {count} headers", "too_large")
            answer = Fetched(
                url=str(url),
                status=response.status_code,
                headers={name.lower(): value for name, value in response.headers.items()},
                permanent_url=self._permanent,
                conditional=self._conditional,
            )
            if response.status_code in _REDIRECTS and "location" in response.headers:
                # The body of a redirect is never read: it can be a bomb like any other.
                return answer, response.headers["location"]
            if response.status_code >= 400 or response.status_code == 304:
                return answer, None
            body, wire = await self._body(response)
        return replace(answer, body=body, wire_bytes=wire), None

    async def _body(self, response: httpx2.Response) -> tuple[bytes, int]:
        """Read and decompress a body, counting both sides."""
        cap, wire_cap = self._request.cap_bytes, self._client.settings.limits.wire_bytes
        decoder = decoder_for(response.headers.get("content-encoding", ""))
        pieces: list[bytes] = []
        size = wire = 0
        async for chunk in response.aiter_raw():
            wire += len(chunk)
            for piece in decoder.decode(chunk):
                size += len(piece)
                pieces.append(piece)
                if size > cap and self._request.is_cut_at_cap:
                    return b"".join(pieces)[:cap], wire
                if size > cap:
                    raise FetchError(f"the body is larger than {cap} bytes", "too_large")
            if wire > wire_cap:
                raise FetchError(f"the answer is larger than {wire_cap} bytes", "too_large")
        decoder.finish()
        return b"".join(pieces), wire


def _is_stumble(answer: Fetched) -> bool:
    """Return whether an answer is worth a second try: no word of a pause, and no challenge."""
    return (
        answer.status in _RETRIED
        and "retry-after" not in answer.headers
        and not is_challenge(answer.headers)
    )


def _sentence(error: Exception) -> str:
    return redact_text(f"{type(error).__name__}: {error}")[:300]


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def _headers(request: Request, user_agent: str) -> dict[str, str]:
    headers = {
        "User-Agent": user_agent,
        "Accept": request.accept,
        "Accept-Encoding": "gzip, br",
    }
    if request.body is not None:
        headers["Content-Type"] = request.body_type
    # The client would add its own; a header that is not in this list tells nobody anything.
    if etag := safe_validator(request.etag):
        headers["If-None-Match"] = etag
    if last_modified := safe_validator(request.last_modified):
        headers["If-Modified-Since"] = last_modified
    return headers
