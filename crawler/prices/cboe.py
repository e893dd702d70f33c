"""Cboe's index history: the whole series as CSV, US dates."""

from datetime import date, datetime
from urllib.parse import quote

from crawler.prices.values import csv_rows, series_bars
from store.records import Asset, PriceBar


def request(series: str, since: date) -> str:
    """Return the address of an index's history; it has no parameters."""
    del since
    name = quote(series.upper(), safe="")
    return f"https://cdn.cboe.com/api/global/us_indices/daily_prices/{name}_History.csv"


def parse(body: bytes, asset: Asset, *, now: datetime) -> list[PriceBar]:
    """Return the closes.

    Raises
    ------
    PriceDataError
        When the answer is not this CSV.
    """
    header = ["date", "open", "high", "low", "close"]
    rows = csv_rows(body, header, f"Cboe {asset.id}")
    return series_bars(asset, ((row[0], row[4] if len(row) > 4 else "") for row in rows), now=now)
