"""Yahoo's chart service: daily closes, adjusted for splits and not for dividends.

Asked like any other provider, through the one fetch function and under our own name: a
library that dresses up as a browser would also get past the address guard. Yahoo refuses
readers in waves (429), and its data are for personal use.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from crawler.errors import PriceDataError
from crawler.prices.answers import epoch, json_of
from crawler.prices.values import Reading, parse_number, read_series
from store.records import Asset


def request(series: str, since: date, until: date) -> str:
    """Return the address of the daily closes between two days, both included."""
    start, end = (
        int(datetime.combine(day, time(0), UTC).timestamp())
        for day in (since, until + timedelta(days=1))
    )
    return (
        f"https://query2.finance.yahoo.com/v8/finance/chart/{quote(series, safe='')}"
        f"?period1={start}&period2={end}&interval=1d"
    )


def parse(body: bytes, asset: Asset, *, now: datetime) -> Reading:
    """Return the closes by the day of the exchange.

    Of two rows for one day the later is taken: while an exchange is open, Yahoo adds the last
    trade to the row that it has of the day.

    Raises
    ------
    PriceDataError
        When the answer is no chart, or says that there is none.
    """
    what = f"Yahoo {asset.id}"
    result = _result(json_of(body, what), what)
    try:
        zone = ZoneInfo(result["meta"]["exchangeTimezoneName"])
        stamps = result.get("timestamp", [])
        closes = result["indicators"]["quote"][0].get("close", [])
        # Equal lengths, or closes would slip to other days.
        rows = list(zip(stamps, closes, strict=True))
    # A zone that does not exist is a KeyError; one that names a folder is an OSError.
    except (LookupError, TypeError, AttributeError, ValueError, OSError) as error:
        raise PriceDataError(f"{what}: the chart is not as expected ({error!r})"[:200]) from error
    by_day = {
        epoch(stamp).astimezone(zone).date(): number
        for stamp, close in rows
        if (number := _single(parse_number(close))) is not None
    }
    return read_series(asset, by_day.items(), now=now)


def _result(answer: Any, what: str) -> dict[str, Any]:
    chart = answer.get("chart") if isinstance(answer, dict) else None
    if not isinstance(chart, dict):
        raise PriceDataError(f"{what}: the answer is no chart")
    results = chart.get("result")
    if isinstance(results, list) and results and isinstance(results[0], dict):
        return results[0]
    error = chart.get("error")
    reason = error.get("description") if isinstance(error, dict) else error
    raise PriceDataError(f"{what}: no chart ({str(reason)[:120]})")


def _single(number: float | None) -> float | None:
    # In single precision: 694.04 comes as 694.0399780273438, and not always as the same.
    return None if number is None else float(f"{number:.7g}")
