"""Reading the JSON answers of the exchanges."""

import json
from datetime import UTC, date, datetime
from typing import Any

from crawler.errors import PriceDataError


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


def candle_rows(body: bytes, what: str, *, fields: int) -> list[list[Any]]:
    """Return the candles of an answer, each with at least so many fields.

    Raises
    ------
    PriceDataError
        When it is no list of candles.
    """
    answer = json_of(body, what)
    if not isinstance(answer, list):
        reason = answer.get("msg") or answer.get("message") if isinstance(answer, dict) else ""
        raise PriceDataError(f"{what}: the answer is no list of candles {str(reason)[:120]}")
    if any(not isinstance(row, list) or len(row) < fields for row in answer):
        raise PriceDataError(f"{what}: a candle lacks fields")
    return answer


def epoch_day(stamp: object, units_per_second: int) -> date:
    """Return the UTC day of a time stamp.

    Raises
    ------
    PriceDataError
        When it is no number, or in another unit than expected.
    """
    if not isinstance(stamp, int | float) or isinstance(stamp, bool):
        raise PriceDataError(f"{str(stamp)[:40]!r} is no time stamp")
    seconds = stamp / units_per_second
    if not 0 < seconds < 4e9:
        raise PriceDataError(f"the time stamp {stamp} is in another unit than expected")
    return datetime.fromtimestamp(seconds, UTC).date()
