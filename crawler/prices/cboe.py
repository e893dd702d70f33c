"""Cboe's index history: the whole series as CSV, US dates."""

from datetime import date, datetime
from urllib.parse import quote

from crawler.errors import PriceDataError
from crawler.prices.values import Reading, csv_rows, read_series
from store.records import Asset


def request(series: str, since: date, until: date) -> str:
    """Return the address of an index's history; it has no parameters."""
    del since, until
    name = quote(series.upper(), safe="")
    return f"https://cdn.cboe.com/api/global/us_indices/daily_prices/{name}_History.csv"


def parse(body: bytes, asset: Asset, *, now: datetime) -> Reading:
    """Return the closes.

    VIX has open, high, low and close; some indices (VVIX, SKEW) have one column under their
    own name.

    Raises
    ------
    PriceDataError
        When the answer is not this CSV.
    """
    what = f"Cboe {asset.id}"
    name = asset.source.partition(":")[2].lower()
    width = (
        2 if body[:200].lstrip(b"\xef\xbb\xbf").lower().startswith(f"date,{name}".encode()) else 5
    )
    header = ["date", name] if width == 2 else ["date", "open", "high", "low", "close"]
    rows = list(csv_rows(body, header, what))
    if any(len(row) < width for row in rows):
        raise PriceDataError(f"{what}: a line has no close")
    return read_series(asset, ((row[0], row[width - 1]) for row in rows), now=now)
