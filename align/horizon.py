"""How far back a night reads, and when that is not enough.

All that a new session is held against lies within three years of sessions; what remembers for
longer is carried from session to session (``carried.py``). So a night reads three years and a
half, however long the history is. What changed before that, or rests on more, is a reason
to read everything once.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from align.archive import Archive
from align.innovation import LAGS, LONGEST
from align.panel import BASELINE_DAYS, EXPECTED_DAYS
from align.scan import LAGS as SCAN_LAGS
from align.sessions import NEW_YORK, load_calendar
from store.records import IntensityDay

# Behind the first session of a series: its panel, and the baselines of that.
_MARGIN = BASELINE_DAYS + EXPECTED_DAYS + LAGS + 5
# Rows of a cut archive from which on everything is as it would be with all of it.
LOOKBACK = LONGEST + _MARGIN
# Sessions beyond them: late documents, new labels and the explanations of six weeks.
_RECENT = 50
# Calendar days that hold as many sessions: 252 a year, and a few for closed weeks.
_READ = timedelta(days=(LOOKBACK + _RECENT) * 365 // 252 + 14)
_FORTNIGHT = timedelta(days=14)


def horizon_of(now: datetime) -> datetime:
    """Return the instant from which on a night reads."""
    return now - min(_READ, now - datetime.min.replace(tzinfo=now.tzinfo))


def close_of(day: date) -> datetime:
    """Return the close of a New York session."""
    calendar = load_calendar(NEW_YORK, day - _FORTNIGHT, day + _FORTNIGHT)
    return calendar.close(calendar.last_on_or_before(day))


def is_enough(
    archive: Archive,
    fresh: Sequence[IntensityDay],
    kept: Mapping[date, IntensityDay],
    named: Iterable[date],
) -> bool:
    """Return whether an archive that was cut off holds all that its results rest on.

    Parameters
    ----------
    fresh : sequence of IntensityDay
        The sessions that had to be computed.
    kept : mapping
        The sessions before them, as they were stored.
    named : iterable of date
        When each open cell was named: its regression goes three years back from there.
    """
    if not archive.cut:
        return True
    if len(archive.grid.days) <= LOOKBACK:
        return False
    if any(day < archive.day(LONGEST + max(SCAN_LAGS)) for day in named):
        return False
    if not fresh:
        return True
    before = max((day for day in kept if day < fresh[0].day), default=None)
    behind = archive.grid.covered[:_MARGIN].sum()
    if before is None or fresh[0].day < archive.day(LOOKBACK) or behind < EXPECTED_DAYS:
        return False
    frozen = int(kept[before].carried["panel"][0] or 0)
    return not frozen or date.fromordinal(frozen) >= archive.day(_MARGIN)
