"""Timing in hours: when a narrative was first told more than usual, against the hours of the price.

With daily closes the price can only be put between the open and the close of its session; the
talk is known to the hour, as far as its stamps can be believed. Both limits are stated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betainc

from align.archive import Archive
from store.records import StampCount, Timing, TimingLine

_HOUR_NS = 3_600_000_000_000
_DAY_NS = 24 * _HOUR_NS
_WEEK = 168
_OPEN = time(9, 30)
_NEW_YORK = ZoneInfo("America/New_York")
# Variance over mean of hourly counts beyond Poisson, and the least that is assumed.
_LEAST_DISPERSION = 1.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stamps:
    """When each story was out, as an interval, in nanoseconds since the epoch.

    Attributes
    ----------
    earliest, latest : ndarray of int64, shape (n_stories,)
        ``latest`` is from when the story counts; ``earliest`` is before it where the stated
        date and the first sight differ, or the stamp is a date without an hour.
    source : ndarray of str, shape (n_stories,)
    """

    earliest: NDArray[np.int64]
    latest: NDArray[np.int64]
    source: NDArray[np.str_]


def stamps_of(stories: pd.DataFrame, seen_hours: float) -> Stamps:
    """Return the stamps of stories as ``store.frames.stories`` gives them.

    A frame without ``published_at`` and ``date_source`` has exact stamps.
    """
    latest = _nanoseconds(stories["effective_at"])
    if not {"published_at", "date_source"} <= set(stories.columns):
        return Stamps(
            earliest=latest, latest=latest, source=np.full(len(latest), "unknown", dtype=np.str_)
        )
    source = stories["date_source"].to_numpy(dtype=np.str_)
    published = stories["published_at"]
    stated = _nanoseconds(published.fillna(stories["effective_at"]))
    # A date alone is stored as the first or the last second of its day.
    within = stated % _DAY_NS
    bare = (within == 0) | (within == _DAY_NS - 1_000_000_000) | (source == "url")
    earliest = np.where(bare, stated - within, stated)
    unknown = (source == "seen") | published.isna().to_numpy()
    earliest = np.where(unknown, latest - int(seen_hours * _HOUR_NS), earliest)
    return Stamps(earliest=np.minimum(earliest, latest), latest=latest, source=source)


def hours_of(
    archive: Archive | None,
    rows: tuple[int, int],
    pre_share: Sequence[float | None],
    weights: Mapping[str, Any],
) -> Timing | None:
    """Return the hours of every narrative's talk around a window of sessions.

    Parameters
    ----------
    rows : tuple of int
        First and last row of the window in the archive's grid.
    pre_share : sequence of float or None
        Share of each narrative's surge before the close, in the order of the archive's
        narratives, as ``gather_text`` measured it.

    Returns
    -------
    Timing or None
        None when the window lies outside the archive.

    Notes
    -----
    An hour is abnormal when so many stories have a chance under ``alarm`` over all hours
    looked at, by a negative binomial whose mean is the larger of the usual count of that
    hour of the week (and its neighbours) over the ``weeks`` before, and of the narrative's
    usual share of all stories of the hour. Hours are those by which a story *counts*.
    """
    first, last = rows
    if archive is None or not 0 <= first <= last < len(archive.grid.days):
        return None
    calendar = archive.calendar
    before = max(archive.offset + first - weights["window"]["before"] - 1, 0)
    start = int(calendar.closes[before]) // _HOUR_NS
    # What is told later is known only once its session is over.
    over = np.flatnonzero(archive.complete).max(initial=last)
    until = max(min(last + weights["window"]["after"], int(over)), last)
    end = int(calendar.closes[archive.offset + until])
    opened = datetime.combine(archive.day(first), _OPEN, _NEW_YORK).astimezone(UTC)
    close = calendar.close(archive.offset + last)
    stamps = stamps_of(archive.stories, weights["hours"]["seen_hours"])
    table = _HourTable(archive, stamps, start, end // _HOUR_NS, weights["hours"])
    lines = tuple(
        _line(archive, stamps, table, place, (opened, close), pre_share[place])
        for place in range(len(archive.narrative_ids))
    )
    return Timing(price_from=opened, price_to=close, basis="closes", lines=lines)


class _HourTable:
    """Stories per hour of the searched span, and the usual number for each hour of the week."""

    def __init__(
        self, archive: Archive, stamps: Stamps, start: int, end: int, rule: Mapping[str, Any]
    ) -> None:
        self.start = start
        self.hours = end - start
        self._least = rule["stories_least"]
        self._chance = rule["alarm"] / max(self.hours, 1)
        weeks = rule["weeks"]
        hour = stamps.latest // _HOUR_NS
        # The archive may be younger than the baseline: only whole weeks of it are a usual.
        self.weeks = int(min(weeks, max((start - int(hour.min())) // _WEEK, 0))) if len(hour) else 0
        span = self.weeks * _WEEK
        number = len(archive.narrative_ids)
        offset = hour[archive.story] - (start - span)
        inside = (offset >= 0) & (offset < span + self.hours)
        counts = np.zeros((number, span + self.hours))
        np.add.at(counts, (archive.narrative[inside], offset[inside]), 1.0)
        everything = hour - (start - span)
        inside = (everything >= 0) & (everything < span + self.hours)
        stories = np.bincount(everything[inside], minlength=span + self.hours).astype(float)
        self.counts = counts[:, span:]
        self._past, self._stories = counts[:, :span], stories
        self._span = span

    def first_abnormal(self, place: int) -> tuple[int, int, float] | None:
        """Return hour, count and usual count of the first abnormal hour; None without one."""
        if not self.weeks:
            return None
        past = self._past[place].reshape(self.weeks, _WEEK).mean(axis=0)
        usual = (np.roll(past, 1) + past + np.roll(past, -1)) / 3.0
        base = max(float(self._stories[: self._span].sum()), 1.0)
        share = (float(self._past[place].sum()) + 0.5) / (base + 1.0)
        hours = np.arange(self.hours)
        expected = np.maximum(usual[hours % _WEEK], share * self._stories[self._span :])
        spread = self._past[place].var() / max(self._past[place].mean(), 1e-9)
        dispersion = max(float(spread), _LEAST_DISPERSION)
        count = self.counts[place]
        # Negative binomial of this mean and of variance = dispersion x mean.
        size = np.maximum(expected, 1e-6) / (dispersion - 1.0)
        # Its tail as a function: scipy.stats takes most of a second to import, every night.
        chance = betainc(np.maximum(count, 1), size, 1.0 - 1.0 / dispersion)
        odd = (chance < self._chance) & (count >= self._least)
        if not odd.any():
            return None
        at = int(np.argmax(odd))
        return self.start + at, int(count[at]), float(expected[at])


def _line(
    archive: Archive,
    stamps: Stamps,
    table: _HourTable,
    place: int,
    price: tuple[datetime, datetime],
    pre_share: float | None,
) -> TimingLine:
    mine = np.unique(archive.story[archive.narrative == place])
    close = int(pd.Timestamp(price[1]).as_unit("ns").value)
    hour = stamps.latest[mine] // _HOUR_NS
    mine = mine[(hour >= table.start) & (hour < table.start + table.hours)]
    unsure = (stamps.earliest[mine] < close) & (stamps.latest[mine] >= close)
    low, high = _range(pre_share, int((stamps.latest[mine] < close).sum()), len(mine), unsure)
    found = table.first_abnormal(place)
    first = None if found is None else datetime.fromtimestamp(found[0] * 3600, tz=UTC)
    names, counts = np.unique(stamps.source[mine], return_counts=True)
    return TimingLine(
        narrative_id=archive.narrative_ids[place],
        first_at=first,
        hours_before=None if first is None else round((price[0] - first).total_seconds() / 3600, 1),
        stories=0 if found is None else found[1],
        expected=None if found is None else round(found[2], 3),
        pre_share=pre_share,
        pre_share_low=low,
        pre_share_high=high,
        unsure=int(unsure.sum()),
        stamps=tuple(
            StampCount(source=str(name), stories=int(number))
            for name, number in zip(names, counts, strict=True)
        ),
    )


def _range(
    pre_share: float | None, before: int, number: int, unsure: NDArray[np.bool_]
) -> tuple[float | None, float | None]:
    """Return the share with every unsure story after the close, and with every one before.

    Stories count by the later end of their interval, so that ``pre_share`` itself is the
    lower end; the upper moves the part of the stories after the close that is unsure.
    """
    if pre_share is None:
        return None, None
    later = number - before
    moved = (1.0 - pre_share) * (float(unsure.sum()) / later) if later else 0.0
    return pre_share, round(min(pre_share + moved, 1.0), 4)


def _nanoseconds(stamps: pd.Series) -> NDArray[np.int64]:
    return np.asarray(pd.DatetimeIndex(stamps).as_unit("ns").asi8, dtype=np.int64)
