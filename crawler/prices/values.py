"""Reading dates and numbers of price files, and the checks that every series passes."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

from crawler.errors import PriceDataError
from crawler.prices.publication import publication
from store.records import Asset, PriceBar

MISSING = frozenset({"", ".", "na", "n/a", "nan", "null", "none", "-"})
# Oil settled below zero in April 2020, rates and spreads do it for years.
_MAY_BE_NEGATIVE = frozenset({"yield_pct", "spread_bp", "level"})


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
        number = float(text)
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
        return date.fromisoformat(stated[:10]) if stated[4:5] == "-" else _us_day(stated)
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
    now: datetime | None = None,
    as_of: datetime | None = None,
) -> PriceBar:
    """Return a bar with its instants.

    Parameters
    ----------
    now : datetime or None
        What lies after it is refused; None when the caller sorts that out.
    as_of : datetime or None
        The instant that the value describes, when its source states one.

    Raises
    ------
    PriceDataError
        When the day has not ended yet, or the value is impossible in the asset's unit.
    """
    true_at, known_at = publication(asset, day)
    if now is not None and true_at > now + timedelta(days=1):
        raise PriceDataError(f"the date {day} lies in the future")
    if close <= 0 and asset.unit not in _MAY_BE_NEGATIVE and asset.asset_class != "energy":
        raise PriceDataError(f"a {asset.unit} of {close:g} on {day} is impossible")
    true_at = as_of or true_at
    return PriceBar(
        asset_id=asset.id,
        date=day,
        close=close,
        as_of=true_at,
        known_at=max(known_at, true_at),
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


def series_bars(
    asset: Asset, values: Iterable[tuple[object, object]], *, now: datetime
) -> list[PriceBar]:
    """Return a provider's values as bars in the order of their dates.

    Days of today and later are left out: a daily bar that is still open is not a close.

    Raises
    ------
    PriceDataError
        When a date or number cannot be read, a day comes twice with two values, or most
        dates lie in the future.
    """
    closes: dict[date, float] = {}
    for stated_day, stated_close in values:
        close = parse_number(stated_close)
        day = parse_day(stated_day)
        if close is None:
            continue
        if closes.setdefault(day, close) != close:
            raise PriceDataError(f"{asset.id}: {day} comes twice with different values")
    bars = []
    open_days = 0
    for day in sorted(closes):
        if publication(asset, day)[0] > now:
            open_days += 1
            continue
        bars.append(checked_bar(asset, day, closes[day]))
    if open_days > max(5, len(bars)):
        raise PriceDataError(f"{asset.id}: {open_days} dates lie in the future")
    return bars
