"""Binance's market-data host: hourly candles, 1,000 at most, oldest first."""

from datetime import datetime
from urllib.parse import quote

from crawler.prices.answers import hourly_candles
from crawler.prices.sampling import HOUR, Candle
from store.records import Asset

PAGE = 1000 * HOUR


def request(series: str, start: datetime) -> str:
    """Return the address of the first 1,000 candles from an instant on.

    Before a symbol was listed there are none: the first page then begins at the listing.
    """
    return (
        "https://data-api.binance.vision/api/v3/klines"
        f"?symbol={quote(series.upper(), safe='')}&interval=1h"
        f"&startTime={int(start.timestamp()) * 1000}&limit=1000"
    )


def parse(body: bytes, asset: Asset) -> list[Candle]:
    """Return the candles, the last of which may still be open.

    Raises
    ------
    PriceDataError
        When the answer is no list of hourly candles.
    """
    # Milliseconds here; the bulk files have microseconds since 2025.
    return hourly_candles(body, f"Binance {asset.id}", units_per_second=1000)
