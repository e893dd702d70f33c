"""The pace at which hosts are asked: one request at a time, an interval, and pauses."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from crawler.errors import HostPausedError

LONGEST_DELAY_S = 60.0
# Seconds between two requests, from the top: the first name that fits counts.
_SLOW_HOSTS = {
    "oauth.reddit.com": 0.6,  # a hundred a minute for those with a key
    "reddit.com": 70.0,  # anonymous readers get about one a minute
    "api.stocktwits.com": 18.0,  # two hundred an hour
    "t.me": 5.0,  # nothing is stated: a reader's pace
}


@dataclass(slots=True)
class _Host:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: float = 0.0


class Hosts:
    """Turns at hosts, and which of them asked to be left alone until when.

    A host is the name in the address, or the bare IP address, whatever the port.

    Parameters
    ----------
    interval_s : float
        Least seconds from the end of one request to a host to the start of the next.
    concurrency : int
        Requests under way at once over all hosts.
    """

    def __init__(self, interval_s: float, concurrency: int) -> None:
        self._interval_s = interval_s
        self._hosts: dict[str, _Host] = {}
        self._pauses: dict[str, datetime] = {}
        self._delays: dict[str, float] = {}
        self._all = asyncio.Semaphore(concurrency)

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Wait for this host to be free, and hold it for one request.

        Raises
        ------
        HostPausedError
            When it asked for a pause, perhaps while we waited.
        """
        entry = self._hosts.setdefault(host, _Host())
        clock = asyncio.get_running_loop().time
        async with entry.lock:
            if (until := self._pauses.get(host)) is not None:
                raise HostPausedError(host, until)
            if (wait := entry.free_at - clock()) > 0:
                await asyncio.sleep(wait)
            try:
                async with self._all:
                    yield
            finally:
                entry.free_at = clock() + self.interval(host)

    def interval(self, host: str) -> float:
        """Return the seconds between two requests to a host."""
        least = max(self._interval_s, self._delays.get(host, 0.0))
        for name, seconds in _SLOW_HOSTS.items():
            if host == name or host.endswith(f".{name}"):
                return max(seconds, least)
        return least

    def slow_down(self, host: str, delay_s: float) -> None:
        """Obey a host's ``Crawl-delay``, up to a minute: beyond that it is a refusal."""
        self._delays[host] = min(max(delay_s, 0.0), LONGEST_DELAY_S)

    @property
    def pauses(self) -> Mapping[str, datetime]:
        """Hosts that asked to be left alone, and until when."""
        return dict(self._pauses)

    def pause(self, host: str, until: datetime) -> None:
        """Leave a host alone for the rest of the run; a longer pause wins."""
        self._pauses[host] = max(until, self._pauses.get(host, until))
