"""Binance's market-data host: daily candles that end at midnight UTC."""

from datetime import UTC, date, datetime, time
from urllib.parse import quote

from crawler.prices.answers import candle_rows, epoch_day
from crawler.prices.values import series_bars
from store.records import Asset, PriceBar


def request(series: str, since: date) -> str:
    """Return the address of up to 1,000 candles from a day on."""
    start = int(datetime.combine(since, time(0), UTC).timestamp() * 1000)
    return (
        "https://data-api.binance.vision/api/v3/klines"
        f"?symbol={quote(series, safe='')}&interval=1d&startTime={start}&limit=1000"
    )


def parse(body: bytes, asset: Asset, *, now: datetime) -> list[PriceBar]:
    """Return the closes of finished candles.

    Raises
    ------
    PriceDataError
        When the answer is no list of candles.
    """
    rows = candle_rows(body, f"Binance {asset.id}", fields=5)
    # Milliseconds here; the bulk files have microseconds since 2025.
    return series_bars(asset, ((epoch_day(row[0], 1000), row[4]) for row in rows), now=now)
