"""Prices that never close, sampled at the New York close.

An exchange's daily bar ends at midnight UTC, three or four hours after the shares that it is
compared with. From hourly candles the price at 16:00 in New York can be had, every day of the
week: at 20:00 UTC in summer, at 21:00 in winter.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from crawler.errors import PriceDataError
from crawler.prices.values import Reading, checked_bar
from store.records import Asset, PriceBar

HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """The trades of one hour.

    Attributes
    ----------
    start : datetime
        Beginning of the hour, UTC.
    close : float
        The last trade in it.
    """

    start: datetime
    close: float


def close_of(day: date) -> datetime:
    """Return 16:00 of a day in New York, in UTC.

    On half days too: funding, yields and the dollar trade on, and one hour is one definition.
    """
    return datetime.combine(day, time(16), _NEW_YORK).astimezone(UTC)


def daily_bars(asset: Asset, candles: Iterable[Candle], *, now: datetime) -> Reading:
    """Return the close of the candle that ends at 16:00 in New York, for each day.

    Exchanges publish no candle for an hour without a trade, or lose one in an outage. The
    candle that ended an hour before then stands in, with that end as its ``as_of``; without
    that one the day is left out. Both are remarked on, and only once a later candle shows that
    the hour will not come.

    Raises
    ------
    PriceDataError
        When an hour comes twice with different closes, or a price is impossible.
    """
    ends: dict[datetime, float] = {}
    for candle in candles:
        end = candle.start + HOUR
        if ends.setdefault(end, candle.close) != candle.close:
            raise PriceDataError(f"{asset.id}: the hour to {end} comes twice with different closes")
    if not ends:
        return Reading(bars=[])
    bars: list[PriceBar] = []
    early: list[date] = []
    absent: list[date] = []
    day, last = min(ends).astimezone(_NEW_YORK).date(), max(ends)
    # Up to the newest candle: the one of a close after it may only be late.
    while (close := close_of(day)) <= min(now, last):
        if (found := _last_end(ends, close)) is not None:
            bars.append(checked_bar(asset, day, ends[found], as_of=found, known_at=found))
            if found < close:
                early.append(day)
        elif close >= min(ends):
            absent.append(day)
        day += _DAY
    remarks = (
        *_remark(early, "no candle ends at the New York close; the one an hour before stands in"),
        *_remark(absent, "no candle in the two hours before the New York close; day left out"),
    )
    return Reading(bars=bars, remarks=remarks)


def _last_end(ends: dict[datetime, float], close: datetime) -> datetime | None:
    if close in ends:
        return close
    return close - HOUR if close - HOUR in ends else None


def _remark(days: Sequence[date], what: str) -> Iterable[str]:
    if days:
        more = f" and {len(days) - 3} more days" if len(days) > 3 else ""
        yield f"{', '.join(map(str, days[:3]))}{more}: {what}"
