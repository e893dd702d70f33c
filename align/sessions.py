"""UTC instant -> trading session; the rule against look-ahead lives here alone.

An instant belongs to the first session whose close is *strictly after* it: what becomes
known exactly at the close of a session counts for the next one. Everything else in
``align/`` works on the session dates that this module hands out.
"""

import warnings
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.errors import SessionError

NEW_YORK = "XNYS"
ALWAYS_OPEN = "24/7"
_DAY_NS = 86_400_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class SessionCalendar:
    """The sessions of one exchange between two dates.

    Attributes
    ----------
    name : str
        Name in ``exchange_calendars``, or ``24/7`` for UTC days.
    dates : ndarray of datetime64[D], shape (n_sessions,)
        Session dates, ascending.
    closes : ndarray of int64, shape (n_sessions,)
        Closes in nanoseconds since the epoch, UTC, ascending.
    """

    name: str
    dates: NDArray[np.datetime64]
    closes: NDArray[np.int64]

    def assign(self, instants: Any) -> NDArray[np.datetime64]:
        """Return the session of each instant: the first that closes strictly after it.

        Parameters
        ----------
        instants : Series, DatetimeIndex or sequence of aware datetimes

        Returns
        -------
        ndarray of datetime64[D]

        Raises
        ------
        SessionError
            When an instant is naive or missing, or lies outside the calendar; nothing is
            ever moved into the nearest session that happens to be known.
        """
        return self.dates[self.positions(instants)]

    def positions(self, instants: Any) -> NDArray[np.intp]:
        """Return the index into ``dates`` of each instant's session, as :meth:`assign`."""
        stamps = pd.DatetimeIndex(instants)
        if len(stamps) == 0:
            return np.empty(0, dtype=np.intp)
        if stamps.tz is None:
            raise SessionError(
                f"instants without a time zone, the first {stamps[0]}: give aware times"
            )
        if stamps.hasnans:
            raise SessionError("a missing instant has no session: leave such rows out")
        nanoseconds = stamps.tz_convert("UTC").as_unit("ns").asi8
        # side="right": an instant that equals a close goes to the session after it.
        found = np.searchsorted(self.closes, nanoseconds, side="right")
        if found.max() >= len(self.closes):
            raise SessionError(
                f"{stamps.max()} lies past the last session of {self.name!r} known here"
                f" ({self.dates[-1]}): load the calendar to a later date"
            )
        if found.min() == 0:
            raise SessionError(
                f"{stamps.min()} lies before the second session of {self.name!r} known here"
                f" ({self.dates[0]}): load the calendar from an earlier date"
            )
        return found

    def fold(self, days: Any) -> NDArray[np.intp]:
        """Return the index of the first session on or after each calendar day.

        Joins assets of other calendars to this one: a Saturday of bitcoin falls on Monday.
        """
        wanted = np.asarray(days, dtype="datetime64[D]")
        found = np.searchsorted(self.dates, wanted, side="left")
        if len(found) and found.max() >= len(self.dates):
            raise SessionError(
                f"{wanted.max()} lies past the last session of {self.name!r} known here"
                f" ({self.dates[-1]}): load the calendar to a later date"
            )
        return found

    def last_on_or_before(self, day: date) -> int:
        """Return the index of the last session on or before a calendar day."""
        found = int(np.searchsorted(self.dates, np.datetime64(day), side="right")) - 1
        if found < 0 or np.datetime64(day) > self.dates[-1] + np.timedelta64(7, "D"):
            raise SessionError(
                f"{day} lies outside the sessions of {self.name!r} known here"
                f" ({self.dates[0]} to {self.dates[-1]})"
            )
        return found

    def day(self, position: int) -> date:
        """Return the date of a session by its index."""
        if not 0 <= position < len(self.dates):
            raise SessionError(
                f"session number {position} lies outside {self.name!r}"
                f" ({self.dates[0]} to {self.dates[-1]}): load more of the calendar"
            )
        found = self.dates[position].item()
        assert isinstance(found, date)
        return found

    def close(self, position: int) -> datetime:
        """Return the close of a session, aware and in UTC."""
        self.day(position)  # raises for a session that is not known
        return datetime.fromtimestamp(int(self.closes[position]) / 1e9, tz=UTC)


@lru_cache(maxsize=32)
def load_calendar(name: str, start: date, end: date) -> SessionCalendar:
    """Return the sessions of an exchange between two dates, both included.

    Parameters
    ----------
    name : str
        ``XNYS``, ``XTKS``, ``CMES`` ... of ``exchange_calendars``, or ``24/7``.
    start, end : date
        ``end`` is a limit on purpose: no session is invented beyond it.

    Raises
    ------
    SessionError
        For an unknown name or a range that the calendar cannot give.
    """
    if name == ALWAYS_OPEN:
        dates = np.arange(np.datetime64(start, "D"), np.datetime64(end, "D") + 1)
        closes = (dates.astype(np.int64) + 1) * _DAY_NS
        return SessionCalendar(name, dates, closes)
    import exchange_calendars
    from exchange_calendars.errors import CalendarError, InvalidCalendarName

    try:
        with warnings.catch_warnings():
            # exchange_calendars 4.13 uses what pandas 3.1 deprecates; not ours to mend.
            warnings.simplefilter("ignore", DeprecationWarning)
            calendar = exchange_calendars.get_calendar(
                name, start=start.isoformat(), end=end.isoformat()
            )
            stamps = calendar.closes
    except InvalidCalendarName as error:
        raise SessionError(
            f"no calendar {name!r}: use a name of exchange_calendars (XNYS, XTKS, CMES) or '24/7'"
        ) from error
    except (CalendarError, ValueError) as error:
        raise SessionError(f"calendar {name!r} from {start} to {end}: {error}") from error
    dates = stamps.index.to_numpy().astype("datetime64[D]")
    return SessionCalendar(name, dates, pd.DatetimeIndex(stamps).as_unit("ns").asi8)
