"""Coinbase Exchange: daily candles that end at midnight UTC, newest first, 300 at most."""

from datetime import date, datetime, timedelta
from urllib.parse import quote

from crawler.prices.answers import candle_rows, epoch_day
from crawler.prices.values import series_bars
from store.records import Asset, PriceBar

MAX_CANDLES = 300


def request(series: str, since: date) -> str:
    """Return the address of the candles of 300 days from a day on."""
    end = since + timedelta(days=MAX_CANDLES - 1)
    return (
        f"https://api.exchange.coinbase.com/products/{quote(series, safe='')}/candles"
        f"?granularity=86400&start={since.isoformat()}&end={end.isoformat()}"
    )


def parse(body: bytes, asset: Asset, *, now: datetime) -> list[PriceBar]:
    """Return the closes of finished candles.

    Raises
    ------
    PriceDataError
        When the answer is no list of candles.
    """
    rows = candle_rows(body, f"Coinbase {asset.id}", fields=5)
    return series_bars(asset, ((epoch_day(row[0], 1), row[4]) for row in rows), now=now)
