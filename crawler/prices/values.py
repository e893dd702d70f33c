"""Reading dates and numbers of price files, and the checks that every series passes."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from crawler.errors import PriceDataError
from crawler.prices.publication import publication
from store.records import Asset, PriceBar

MISSING = frozenset({"", ".", "na", "n/a", "nan", "null", "none", "-"})
# Oil settled below zero in April 2020, rates and spreads do it for years.
_MAY_BE_NEGATIVE = frozenset({"yield_pct", "spread_bp", "level"})
# A rate that is set beforehand is stated over the weekend or holiday ahead.
_AHEAD = timedelta(days=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What an answer of a provider holds.

    Attributes
    ----------
    bars : sequence of PriceBar
        Values of days that had ended, by date.
    open_days : int
        Values left out because their day had not ended.
    remarks : tuple of str
        What was mended, for a person; the same answer gives the same words.
    """

    bars: Sequence[PriceBar]
    open_days: int = 0
    remarks: tuple[str, ...] = ()


def parse_number(text: object) -> float | None:
    """Return a number, or None where the source says that there is none.

    Raises
    ------
    PriceDataError
        When it is no number, or not a finite one.
    """
    if text is None:
        return None
    if isinstance(text, str):
        if text.strip().lower() in MISSING:
            return None
        try:
            number = float(text)
        except ValueError as error:
            raise PriceDataError(f"{text[:40]!r} is no number") from error
    elif isinstance(text, int | float) and not isinstance(text, bool):
        try:
            number = float(text)
        except OverflowError:
            number = math.inf  # an integer of hundreds of digits
        if math.isnan(number):
            return None
    else:
        raise PriceDataError(f"{str(text)[:40]!r} is no number")
    if not math.isfinite(number) or abs(number) > 1e15:
        raise PriceDataError(f"{str(text)[:40]!r} is not a finite number")
    return number


def parse_day(text: object) -> date:
    """Return a value date from ISO 8601, with or without a time.

    Raises
    ------
    PriceDataError
        When it is none.
    """
    if isinstance(text, datetime):
        return text.date()
    if isinstance(text, date):
        return text
    stated = str(text).strip()
    try:
        # The first ten characters: archives write `2026-01-30 00:00:00` for a day.
        day = date.fromisoformat(stated[:10]) if stated[4:5] == "-" else _us_day(stated)
        if day.year == date.max.year:
            raise ValueError("the calendar ends there, and nothing is published after it")
        return day
    except ValueError as error:
        raise PriceDataError(f"{stated[:40]!r} is no date such as 2026-01-30") from error


def _us_day(text: str) -> date:
    month, day, year = text.split("/")
    return date(int(year), int(month), int(day))


def checked_bar(
    asset: Asset,
    day: date,
    close: float,
    *,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> PriceBar:
    """Return a bar with its instants.

    Parameters
    ----------
    as_of : datetime or None
        The instant that the value describes, when its source states one.
    known_at : datetime or None
        The instant from which it was public, when that follows from the source; else the rule
        of the series.

    Raises
    ------
    PriceDataError
        When the value is impossible in the asset's unit.
    """
    true_at, public_at = publication(asset, day)
    if close <= 0 and asset.unit not in _MAY_BE_NEGATIVE and asset.asset_class != "energy":
        raise PriceDataError(f"a {asset.unit} of {close:g} on {day} is impossible")
    true_at = as_of or true_at
    return PriceBar(
        asset_id=asset.id,
        date=day,
        close=close,
        as_of=true_at,
        known_at=max(known_at or public_at, true_at),
    )


def csv_rows(body: bytes, header: Sequence[str], what: str) -> Iterator[list[str]]:
    """Yield the rows of a CSV answer after checking that it is one.

    Parameters
    ----------
    header : sequence of str
        Names that its first line must start with, upper or lower case.

    Raises
    ------
    PriceDataError
        When the answer is a page, empty, or has another header.
    """
    text = body.decode("utf-8-sig", errors="replace")
    start = text[:200].lstrip().lower()
    if start.startswith("<"):
        raise PriceDataError(f"{what}: the answer is a web page, not CSV; the service may be down")
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        first = [name.strip().lower() for name in next(rows, [])]
        if first[: len(header)] != [name.lower() for name in header]:
            raise PriceDataError(
                f"{what}: the first line is {','.join(first)[:80]!r}, wanted {','.join(header)!r}"
            )
        for row in rows:
            if row:
                yield row
    except csv.Error as error:
        raise PriceDataError(f"{what}: {error}") from error


def read_series(asset: Asset, values: Iterable[tuple[object, object]], *, now: datetime) -> Reading:
    """Return a provider's values as bars in the order of their dates.

    Days of today and later are left out: a daily bar that is still open is not a close. What
    can be mended without a guess is mended and remarked on: an odd order, a day that is stated
    twice with one value, days in the future.

    Raises
    ------
    PriceDataError
        When a date or number cannot be read, a day comes twice with two values, or most
        dates lie in the future.
    """
    closes: dict[date, float] = {}
    days: list[date] = []
    twice: list[date] = []
    nans = 0
    for stated_day, stated_close in values:
        close = parse_number(stated_close)
        day = parse_day(stated_day)
        days.append(day)
        if close is None:
            nans += str(stated_close).strip().lower() == "nan"
            continue
        if day in closes:
            twice.append(day)
        if closes.setdefault(day, close) != close:
            raise PriceDataError(f"{asset.id}: {day} comes twice with different values")
    ended = [day for day in sorted(closes) if publication(asset, day)[0] <= now]
    ahead = [day for day in sorted(closes) if day > now.date() + _AHEAD]
    if len(ahead) > max(5, len(ended)):
        raise PriceDataError(
            f"{asset.id}: {len(ahead)} dates lie in the future, from {ahead[0]} on"
        )
    remarks = []
    if days not in (sorted(days), sorted(days, reverse=True)):
        remarks.append("the dates were out of order; sorted")
    if twice:
        remarks.append(f"{twice[0]} came twice with one value ({len(twice)} such days); kept once")
    if nans:
        remarks.append(f"{nans} values were NaN; left out")
    if ahead:
        remarks.append(f"{len(ahead)} dates lie in the future, from {ahead[0]} on; left out")
    return Reading(
        bars=[checked_bar(asset, day, closes[day]) for day in ended],
        open_days=len(closes) - len(ended),
        remarks=tuple(remarks),
    )
