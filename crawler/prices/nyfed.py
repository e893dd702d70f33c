"""The New York Fed's reference rates: SOFR as its publisher gives it."""

from datetime import date, datetime

from crawler.errors import PriceDataError
from crawler.prices.answers import json_of
from crawler.prices.values import Reading, read_series
from store.records import Asset


def request(series: str, since: date, until: date) -> str:
    """Return the address of SOFR between two days, both included.

    Raises
    ------
    PriceDataError
        For any other rate.
    """
    if series.lower() != "sofr":
        raise PriceDataError(f"nyfed:{series}: only nyfed:sofr is known")
    return (
        "https://markets.newyorkfed.org/api/rates/secured/sofr/search.json"
        f"?startDate={since.isoformat()}&endDate={until.isoformat()}"
    )


def parse(body: bytes, asset: Asset, *, now: datetime) -> Reading:
    """Return the rates in per cent.

    Raises
    ------
    PriceDataError
        When the answer holds no rates.
    """
    answer = json_of(body, f"NY Fed {asset.id}")
    rates = answer.get("refRates") if isinstance(answer, dict) else None
    if not isinstance(rates, list):
        raise PriceDataError(f"NY Fed {asset.id}: the answer holds no refRates")
    values = [
        (rate.get("effectiveDate"), rate.get("percentRate"))
        for rate in rates
        if isinstance(rate, dict) and str(rate.get("type", "SOFR")).upper() == "SOFR"
    ]
    return read_series(asset, values, now=now)
