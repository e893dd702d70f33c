"""What the headers of an answer say of a used-up allowance. Pure.

Mastodon states the end of its window as a date, X and Bluesky in seconds since 1970, Reddit and
the draft of the standard in seconds from now.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from crawler.dates import parse_date

# None of these platforms counts over more than a day.
LONGEST_WINDOW = timedelta(days=1)
_PREFIXES = ("x-ratelimit", "x-rate-limit", "ratelimit")
# Fewer seconds than these are a wait; more are an instant since 1970.
_EPOCH_S = 1e8


def ratelimit_pause(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Return until when a host is to be left alone, None while it has requests left for us.

    Parameters
    ----------
    headers : mapping
        Names in lower case.

    Notes
    -----
    Garbage, and a window that is over, ask for nothing.
    """
    for prefix in _PREFIXES:
        left = _number(headers.get(f"{prefix}-remaining", ""))
        if left is None or left >= 1:
            continue
        end = _instant(headers.get(f"{prefix}-reset", ""), now)
        if end is not None and end > now:
            return min(end, now + LONGEST_WINDOW)
    return None


def _instant(text: str, now: datetime) -> datetime | None:
    number = _number(text)
    if number is None:
        return parse_date(text)
    if number < _EPOCH_S:
        return now + timedelta(seconds=number)
    try:
        return datetime.fromtimestamp(number, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
