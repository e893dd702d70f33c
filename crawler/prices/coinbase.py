"""Coinbase Exchange: hourly candles, 300 at most, newest first, none for an hour without trades."""

from datetime import UTC, datetime
from urllib.parse import quote

from crawler.prices.answers import hourly_candles
from crawler.prices.sampling import HOUR, Candle
from store.records import Asset

PAGE = 300 * HOUR


def request(series: str, start: datetime) -> str:
    """Return the address of the candles of 300 hours from an instant on.

    Both ends count, and a request that could hold more than 300 candles is refused. Some
    candles of the answer may lie before its start.
    """
    end = start + PAGE - HOUR
    return (
        f"https://api.exchange.coinbase.com/products/{quote(series.upper(), safe='')}/candles"
        f"?granularity=3600&start={_iso(start)}&end={_iso(end)}"
    )


def parse(body: bytes, asset: Asset) -> list[Candle]:
    """Return the candles, of which one may still be open.

    Raises
    ------
    PriceDataError
        When the answer is no list of hourly candles.
    """
    return hourly_candles(body, f"Coinbase {asset.id}", units_per_second=1)


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
