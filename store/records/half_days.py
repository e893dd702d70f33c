"""Days on which New York's exchanges close at 13:00.

Prices are stamped by it and pages list stories by it. What counts for which session is decided
in ``align`` alone, by ``exchange_calendars``.
"""

from datetime import date, timedelta

# The Wednesday before Independence Day was a whole day until then.
_WEDNESDAYS_SINCE = 2013
_FIRST_YEAR = 1996
_WEDNESDAY, _THURSDAY = 2, 3


def closes_early(day: date) -> bool:
    """Return whether the New York Stock Exchange closes at 13:00 on a day.

    The day after Thanksgiving; Christmas Eve and the eve of Independence Day from Monday to
    Thursday. False before 1996, and for the days after a holiday that closed early until
    2003: four hours at that time are known a little too late, and never too early.
    """
    if day.year < _FIRST_YEAR or day.weekday() > _THURSDAY + 1:
        return False
    if day.month == 11:
        first = date(day.year, 11, 1)
        thanksgiving = first + timedelta(days=(_THURSDAY - first.weekday()) % 7 + 21)
        return day == thanksgiving + timedelta(days=1)
    if day.weekday() > _THURSDAY:
        return False
    if (day.month, day.day) == (7, 3):
        return day.weekday() != _WEDNESDAY or day.year >= _WEDNESDAYS_SINCE
    return (day.month, day.day) == (12, 24)
