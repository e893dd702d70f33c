"""Asking the providers: how far back, in how many requests, and what a refusal means."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

from crawler.errors import CrawlError, HostPausedError, PriceDataError
from crawler.fetch import Client, fetch, open_client
from crawler.messages import Fetched, Request, safe_validator
from crawler.prices import binance, cboe, coinbase, fred, nyfed, yahoo
from crawler.prices.checks import compare
from crawler.prices.sampling import HOUR, Candle, close_of, daily_bars
from crawler.prices.series import Known, Series, failure
from crawler.prices.values import Reading
from crawler.reporting import unforeseen
from crawler.settings import CrawlSettings
from crawler.urls import redact
from store.records import Asset, Failure, PriceAnswer


class SeriesProvider(Protocol):
    """A provider that gives a whole series between two days in one answer."""

    def request(self, series: str, since: date, until: date) -> str:
        """Return the address to ask."""
        ...

    def parse(self, body: bytes, asset: Asset, *, now: datetime) -> Reading:
        """Return what the answer holds."""
        ...


class Exchange(Protocol):
    """A provider of hourly candles, in pages."""

    PAGE: timedelta

    def request(self, series: str, start: datetime) -> str:
        """Return the address of a page of candles."""
        ...

    def parse(self, body: bytes, asset: Asset) -> list[Candle]:
        """Return the candles of a page, in any order."""
        ...


PROVIDERS: Mapping[str, SeriesProvider] = {
    "fred": fred,
    "cboe": cboe,
    "nyfed": nyfed,
    "yahoo": yahoo,
}
EXCHANGES: Mapping[str, Exchange] = {"binance": binance, "coinbase": coinbase}
REMOTE = frozenset({*PROVIDERS, *EXCHANGES})
# Sends its whole history under one address, so that its validators are worth keeping.
_WHOLE = frozenset({"cboe"})
FIRST_DAY = date(2015, 1, 1)
# Statistics are revised for months after they come out; a year of days is a small answer.
OVERLAP = timedelta(days=400)
# A trade is not revised; an hour that an outage held back may still come.
CANDLE_OVERLAP = timedelta(days=10)
# Three years of hours are 27 requests to Binance and 88 to Coinbase, two seconds apart.
CANDLE_HISTORY = timedelta(days=3 * 365)
_ADVICE = {
    400: "check the name of the series in the settings",
    403: "it refuses readers from here: name another provider, or import closes",
    404: "check the name of the series in the settings",
    429: "it was asked too often, or turns readers away for a while: the first run after its"
    " pause asks again; import closes if it lasts",
    451: "it does not serve this country: name another provider, or import closes",
}


async def ask_all(
    assets: Sequence[Asset],
    known: Mapping[str, Known],
    now: datetime,
    settings: CrawlSettings,
    pauses: Mapping[str, datetime],
) -> tuple[list[Series], Mapping[str, datetime]]:
    """Ask the providers of assets, different hosts at the same time.

    Parameters
    ----------
    pauses : mapping of host to datetime
        Hosts that asked in an earlier run to be left alone, and until when.

    Returns
    -------
    list of Series
        In the order of the assets.
    mapping of host to datetime
        The pauses that hold from now on, new ones included.
    """
    async with open_client(settings, now=now) as client:
        for host, until in pauses.items():
            client.hosts.pause(host, until)
        series = await asyncio.gather(
            *(_ask(client, asset, known[asset.id], now) for asset in assets)
        )
        return series, client.hosts.pauses


async def _ask(client: Client, asset: Asset, known: Known, now: datetime) -> Series:
    provider, _, name = asset.source.partition(":")
    try:
        if provider in EXCHANGES:
            return await _ask_exchange(client, asset, known, now)
        return await _ask_series(client, asset, PROVIDERS[provider], name, known, now)
    except CrawlError as error:
        return Series(asset=asset, failures=(_refusal(asset, error),))
    except Exception as error:  # the border of one item
        return Series(asset=asset, failures=(unforeseen("prices", asset.id, error),))


def _refusal(asset: Asset, error: CrawlError) -> Failure:
    advice = error.advice if isinstance(error, PriceDataError) else ""
    if isinstance(error, HostPausedError):
        advice = "the first run after its pause asks again; import closes if it lasts"
    return failure(
        asset.id,
        type(error).__name__,
        f"{asset.source}: {error}",
        advice or "the provider is asked again by itself; import closes if it lasts",
    )


# -- whole series -------------------------------------------------------------------


async def _ask_series(
    client: Client, asset: Asset, provider: SeriesProvider, name: str, known: Known, now: datetime
) -> Series:
    """Ask from some days before the last known value on, or from the beginning.

    Values that another source or an import has left are no history of this one. When more than
    a few of the known values come changed, all were restated (a split, a new base year): the
    whole history is asked for, or it would be on two scales.
    """
    whole = asset.source.partition(":")[0] in _WHOLE
    since = FIRST_DAY
    if known.bars and known.answer.fetched_at is not None:
        since = max(max(known.bars) - OVERLAP, FIRST_DAY)
    while True:
        url = provider.request(name, since, now.date())
        fetched = await _get(client, url, known.answer if whole and known.bars else None)
        if fetched.status == 304:
            return Series(asset=asset, answer=replace(known.answer, fetched_at=now))
        reading = provider.parse(fetched.body, asset, now=now)
        if not reading.bars and not reading.open_days:
            raise PriceDataError(f"{redact(url)}: the answer holds no value since {since}")
        if whole or since == FIRST_DAY or not compare(reading.bars, known.bars).rewritten:
            break
        since = FIRST_DAY
    return Series(
        asset=asset,
        bars=reading.bars,
        answer=_to_remember(fetched, reading, now, validators=whole),
        remarks=reading.remarks,
    )


def _to_remember(
    fetched: Fetched, reading: Reading, now: datetime, *, validators: bool
) -> PriceAnswer:
    answer = PriceAnswer(fetched_at=now)
    # A value left out tonight must come again tomorrow, though the file is the same.
    if not validators or reading.open_days or any(bar.known_at > now for bar in reading.bars):
        return answer
    return replace(
        answer,
        etag=safe_validator(fetched.headers.get("etag")),
        last_modified=safe_validator(fetched.headers.get("last-modified")),
    )


async def _get(client: Client, url: str, last: PriceAnswer | None = None) -> Fetched:
    """Return a usable answer, or the 304 that validators asked for.

    Raises
    ------
    PriceDataError
        For any other answer, or none.
    """
    last = last or PriceAnswer()
    request = Request(
        url=url,
        cap_bytes=client.settings.limits.feed_bytes,
        accept="text/csv, application/json, */*;q=0.5",
        etag=last.etag,
        last_modified=last.last_modified,
    )
    fetched = await fetch(client, request)
    if fetched.outcome is not None:
        raise PriceDataError(f"{redact(url)}: {fetched.error}")
    status = fetched.status or 0
    if 200 <= status < 300 or (status == 304 and fetched.conditional):
        return fetched
    raise PriceDataError(f"{redact(url)}: answered {status}", _ADVICE.get(status, ""))


# -- candles ------------------------------------------------------------------------


async def _ask_exchange(client: Client, asset: Asset, known: Known, now: datetime) -> Series:
    """Ask page by page; what came before a failure is kept, and the next run goes on there."""
    candles: list[Candle] = []
    failures: tuple[Failure, ...] = ()
    reading = Reading(bars=[])
    try:
        await _collect(client, asset, _first_hour(known, now), now, candles)
    except CrawlError as error:
        failures = (_refusal(asset, error),)
    try:
        reading = daily_bars(asset, candles, now=now)
        if not reading.bars and not failures:
            raise PriceDataError(f"no New York close lies in its {len(candles)} candles")
    except CrawlError as error:
        failures = (*failures, _refusal(asset, error))
    return Series(
        asset=asset,
        bars=reading.bars,
        answer=None if failures else PriceAnswer(fetched_at=now),
        failures=failures,
        remarks=reading.remarks,
    )


async def _collect(
    client: Client, asset: Asset, start: datetime, now: datetime, candles: list[Candle]
) -> None:
    """Append candles page by page, so that those before a refusal are not lost."""
    provider, _, name = asset.source.partition(":")
    exchange = EXCHANGES[provider]
    while start < now:
        fetched = await _get(client, exchange.request(name, start))
        page = exchange.parse(fetched.body, asset)
        candles += page
        # Before a listing, and where hours are missing, a page can reach further.
        start = max([start + exchange.PAGE, *(candle.start + HOUR for candle in page)])


def _first_hour(known: Known, now: datetime) -> datetime:
    """Return where to begin: some days back, or with the history.

    Closes of another hour, imported or of midnight UTC, are no beginning to go on from: the
    history is asked for, so that a series keeps one definition as far back as it goes.
    """
    oldest = datetime.combine((now - CANDLE_HISTORY).date(), time(0), UTC)
    if not known.bars:
        return oldest
    last = known.bars[max(known.bars)]
    at = close_of(last.date)
    return at - CANDLE_OVERLAP if at - HOUR <= last.as_of <= at else oldest
