"""Business days of the US banks, on which the Federal Reserve publishes."""

from datetime import date, timedelta
from functools import cache

_ONE = timedelta(days=1)


@cache
def federal_holidays(year: int) -> frozenset[date]:
    """Return the days of a year on which US banks are closed.

    Notes
    -----
    The Federal Reserve moves a holiday on a Sunday to Monday, and does not move one on a
    Saturday. Before 2021 there was no Juneteenth.
    """
    fixed = [date(year, 1, 1), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    if year >= 2021:
        fixed.append(date(year, 6, 19))
    floating = [
        _nth(year, 1, 0, 3),
        _nth(year, 2, 0, 3),
        _last_monday(year, 5),
        _nth(year, 9, 0, 1),
        _nth(year, 10, 0, 2),
        _nth(year, 11, 3, 4),
    ]
    return frozenset([day + _ONE if day.weekday() == 6 else day for day in fixed] + floating)


def is_business_day(day: date) -> bool:
    """Return whether US banks are open."""
    return day.weekday() < 5 and day not in federal_holidays(day.year)


def next_business_day(day: date, count: int = 1) -> date:
    """Return the ``count``-th business day after a day."""
    for _ in range(count):
        day += _ONE
        while not is_business_day(day):
            day += _ONE
    return day


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def _last_monday(year: int, month: int) -> date:
    last = date(year, month + 1, 1) - _ONE
    return last - timedelta(days=last.weekday())
