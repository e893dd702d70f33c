"""Which closes a claim speaks of: its dates and spans as places in a series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from align.claim_tape import Series
from align.sessions import ALWAYS_OPEN
from align.wording import say_date
from store.records import Claim, ClaimDate, ClaimFigure, ClaimSpan, ClaimVerdict, Subject


@dataclass(frozen=True, slots=True)
class Asked:
    """The day that the text speaks of, the sessions that end there, and the rules."""

    day: date
    sessions: int
    rules: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its one sentence."""

    verdict: ClaimVerdict
    statement: str
    qualifier: str = ""
    figures: Sequence[ClaimFigure] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """A change from one close to another, by place, and how it is said."""

    start: int
    end: int
    said: str


def verdict_of(holds: bool) -> ClaimVerdict:
    """Return the verdict of a claim that can be checked."""
    return "supported" if holds else "contradicted"


def not_stored(subject: Subject) -> Judgement:
    """Return the verdict of a claim about a series that is not here."""
    names = ", ".join((*subject.assets, *subject.proxies))
    return Judgement(
        "not checkable", f"Not checked: no series of {subject.name} is stored ({names})."
    )


def no_value(subject: Subject, asked: Asked) -> Judgement:
    """Return the verdict where no value was known near the day."""
    return Judgement(
        "not checkable",
        f"Not checked: no close of {subject.name} is known near {say_date(asked.day)},"
        " or none before it from which a change can be taken.",
    )


def resolve(stated: ClaimDate, asked: Asked) -> date:
    """Return a stated date; one without a year is the last such day on or before the asked one."""
    if stated.precision != "day of a year":
        return stated.day
    for year in range(asked.day.year, asked.day.year - 9, -1):
        try:
            found = stated.day.replace(year=year)
        except ValueError:
            continue  # 29 February
        if found <= asked.day:
            return found
    return asked.day


def target(claim: Claim, asked: Asked) -> date:
    """Return the day that a claim speaks of; the last of a month or year that it names."""
    if claim.date is not None:
        day = resolve(claim.date, asked)
        if claim.date.precision in ("month", "year"):
            day = min(_period_end(claim.date), asked.day)
        return day
    if claim.weekday is not None:
        return asked.day - timedelta(days=(asked.day.weekday() - claim.weekday) % 7)
    return asked.day


def place_at(series: Series, day: date, asked: Asked) -> int | None:
    """Return the last close on or before a day, unless it is stale or lies after what is asked."""
    place = series.last(min(day, asked.day))
    if day > asked.day or place is None:
        return None
    fresh = (day - series.day(place)).days <= asked.rules["stale_days"]
    return place if fresh else None


def windows(claim: Claim, series: Series, asked: Asked) -> list[Window]:
    """Return the windows that a claim may mean, the preferred first; empty without closes."""
    end = place_at(series, target(claim, asked), asked)
    if end is None:
        return []
    if claim.date is not None and claim.date.precision in ("month", "year"):
        start = series.last(claim.date.day - timedelta(days=1))
        return _window(series, start, end)
    if claim.span is not None:
        return _of_span(claim.span, series, end)
    stated = claim.date is not None or claim.weekday is not None
    if stated or asked.sessions == 1:
        return _window(series, end - 1, end)
    if series.asset.calendar == ALWAYS_OPEN:
        # As long as the sessions of the others: the weekend is not a part of their number.
        first = pd.Timestamp(series.day(end)) - pd.offsets.BDay(asked.sessions)
        return _window(series, series.last(first.date()), end)
    return _window(series, end - asked.sessions, end)


def _of_span(span: ClaimSpan, series: Series, end: int) -> list[Window]:
    if span.anchor == "recent":
        first = max(1, end - int(span.amount) + 1)
        return [one for place in range(first, end + 1) for one in _window(series, place - 1, place)]
    if span.unit == "hours" and span.amount <= 24:
        # A day's bar need not end when the 24 hours do.
        day = _window(series, end - 1, end)
        return [*day, *_window(series, end - 2, end)] if day else []
    if span.anchor == "to date":
        return _window(series, series.last(_period_start(series.day(end), span.unit)), end)
    if span.anchor == "previous":
        return _previous(series, end, span)
    return _window(series, back(series, end, span), end)


def back(series: Series, end: int, span: ClaimSpan) -> int | None:
    """Return the place of the close one span before another."""
    if span.unit == "sessions":
        return end - round(span.amount)
    if span.unit == "hours":
        return end - max(1, round(span.amount / 24))
    return series.last(before(series.day(end), span.amount, span.unit))


def before(day: date, amount: float, unit: str) -> date:
    """Return the day so many days, weeks, months or years earlier, or the first of all."""
    if unit in ("sessions", "hours"):
        amount, unit = (amount * 7 / 5, "days") if unit == "sessions" else (amount / 24, "days")
    whole = int(amount)
    # Half a year is six months; other fractions are days.
    if unit == "years" and whole != amount:
        amount, unit = amount * 12, "months"
        whole = int(amount)
    months = whole * {"months": 1, "years": 12}.get(unit, 0)
    rest = whole * {"days": 1, "weeks": 7}.get(unit, 0)
    offset = pd.DateOffset(months=months, days=rest)
    days = round((amount - whole) * {"days": 1, "weeks": 7, "months": 30}.get(unit, 365))
    try:
        found: date = (pd.Timestamp(day) - offset - pd.Timedelta(days=days)).date()
    except (OverflowError, ValueError):
        return date.min  # a "9,999-year low" begins before the calendar does
    return found


def say_window(series: Series, window: Window) -> str:
    """Return ``on 30 January 2026``, or ``from ... to ...``."""
    end = series.day(window.end)
    if window.end - window.start == 1:
        return f"on {say_date(end)}"
    return f"from {say_date(series.day(window.start))} to {say_date(end)}"


def _window(series: Series, start: int | None, end: int) -> list[Window]:
    if start is None or not 0 <= start < end or not series.has_change(start):
        return []
    window = Window(start, end, "")
    return [Window(start, end, say_window(series, window))]


def _previous(series: Series, end: int, span: ClaimSpan) -> list[Window]:
    """Return the whole day, week, month or year before the one of a close."""
    if span.unit == "days":
        return _window(series, end - 2, end - 1)
    last = _period_start(series.day(end), span.unit)
    close = series.last(last)
    return (
        [] if close is None else _window(series, series.last(_period_start(last, span.unit)), close)
    )


def _period_start(day: date, unit: str) -> date:
    """Return the day before the week, month or year of a day began."""
    if unit == "weeks":
        return day - timedelta(days=day.weekday() + 1)
    first = day.replace(day=1) if unit == "months" else day.replace(month=1, day=1)
    return first - timedelta(days=1)


def _period_end(stated: ClaimDate) -> date:
    if stated.precision == "year":
        return stated.day.replace(month=12, day=31)
    return (pd.Timestamp(stated.day) + pd.offsets.MonthEnd(0)).date()
