"""FRED's keyless CSV: one series a request, ``observation_date`` (once ``DATE``) and a value."""

from datetime import date, datetime
from urllib.parse import quote

from crawler.errors import PriceDataError
from crawler.prices.values import Reading, csv_rows, read_series
from store.records import Asset


def request(series: str, since: date, until: date) -> str:
    """Return the address of a series between two days, both included."""
    return (
        "https://fred.stlouisfed.org/graph/fredgraph.csv"
        f"?id={quote(series, safe='')}&cosd={since.isoformat()}&coed={until.isoformat()}"
    )


def parse(body: bytes, asset: Asset, *, now: datetime) -> Reading:
    """Return the values; ``.`` and empty cells are days without one.

    Raises
    ------
    PriceDataError
        When the answer is not this CSV.
    """
    header = (
        ["date"]
        if body[:200].lstrip(b"\xef\xbb\xbf").upper().startswith(b"DATE,")
        else ["observation_date"]
    )
    # Columns are read by position: the second one is named after the series.
    rows = list(csv_rows(body, header, f"FRED {asset.id}"))
    if any(len(row) < 2 for row in rows):
        raise PriceDataError(f"FRED {asset.id}: a line has no value")
    return read_series(asset, ((row[0], row[1]) for row in rows), now=now)
