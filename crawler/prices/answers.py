"""Reading the JSON answers of the providers."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from crawler.errors import PriceDataError
from crawler.prices.sampling import HOUR, Candle
from crawler.prices.values import parse_number


def json_of(body: bytes, what: str) -> Any:
    """Return the values of a JSON answer.

    Raises
    ------
    PriceDataError
        When it is none.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise PriceDataError(f"{what}: the answer is no JSON ({error})"[:200]) from error


def hourly_candles(body: bytes, what: str, *, units_per_second: int) -> list[Candle]:
    """Return the candles of an exchange's answer: ``[start, ., ., ., close, ...]`` each.

    Parameters
    ----------
    units_per_second : int
        1 where the exchange counts seconds, 1000 where it counts milliseconds.

    Raises
    ------
    PriceDataError
        When it is no list of hourly candles.
    """
    answer = json_of(body, what)
    if not isinstance(answer, list):
        reason = answer.get("msg") or answer.get("message") if isinstance(answer, dict) else ""
        raise PriceDataError(f"{what}: the answer is no list of candles {str(reason)[:120]}")
    if any(not isinstance(row, list) or len(row) < 5 for row in answer):
        raise PriceDataError(f"{what}: a candle lacks fields")
    return list(_candles(answer, what, units_per_second))


def _candles(rows: Iterable[list[Any]], what: str, units_per_second: int) -> Iterable[Candle]:
    for row in rows:
        start = epoch(row[0], units_per_second)
        if start.timestamp() % HOUR.total_seconds():
            raise PriceDataError(f"{what}: the candle of {start} does not begin on the hour")
        close = parse_number(row[4])
        if close is not None:
            yield Candle(start=start, close=close)


def epoch(stamp: object, units_per_second: int = 1) -> datetime:
    """Return the instant of a time stamp since 1970.

    Raises
    ------
    PriceDataError
        When it is no number, or in another unit than expected.
    """
    if not isinstance(stamp, int | float) or isinstance(stamp, bool):
        raise PriceDataError(f"{str(stamp)[:40]!r} is no time stamp")
    # Compared before it is divided: an integer of JSON can be too long for a float.
    if not 0 < stamp < 4e9 * units_per_second:
        raise PriceDataError(f"the time stamp {str(stamp)[:40]} is in another unit than expected")
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=stamp / units_per_second)
