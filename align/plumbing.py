"""The plumbing card: money markets and risk, each series as it was known at the close.

A spread of 3 basis points says little without its percentile, and a percentile little without
the calendar: funding is dear at every month-end.
"""

from datetime import UTC, date
from functools import lru_cache
from importlib.resources import files
from tomllib import loads
from typing import Any

import numpy as np
import pandas as pd

from align.market import Market
from align.sessions import SessionCalendar
from store.records import PlumbingLine

# US estimated and corporate taxes fall due on the 15th of these months.
_TAX_MONTHS = (1, 3, 4, 6, 9, 12)
_TAX_DAY = 15


@lru_cache(maxsize=1)
def plumbing_rules() -> dict[str, Any]:
    """Return ``plumbing.toml``."""
    return loads(files("align").joinpath("plumbing.toml").read_text(encoding="utf-8"))


def plumbing_series() -> list[str]:
    """Return the ids of all assets that the card can show."""
    entries = plumbing_rules()["line"]
    return sorted({leg for entry in entries for one in entry["series"] for leg in one.split("-")})


def plumbing_card(market: Market, row: int, grace_minutes: int) -> list[PlumbingLine]:
    """Return the lines whose series are stored, as known at the close of one session.

    Parameters
    ----------
    grace_minutes : int
        A value stamped this shortly after the close is still that of the close.

    Notes
    -----
    For 30 January 2026 the card shows SOFR over IORB of the 29th: that of the 30th was
    published on 2 February.
    """
    rules = plumbing_rules()
    close = pd.Timestamp(market.calendar.close(market.offset + row))
    close += pd.Timedelta(minutes=grace_minutes)
    found = []
    for entry in rules["line"]:
        series = next((one for one in entry["series"] if _stored(market, one)), None)
        if series is None:
            continue
        line = _line(market, row, close, series, entry)
        if line is not None:
            found.append(line)
    return found


def day_flags(calendar: SessionCalendar, position: int) -> list[str]:
    """Return what the calendar says of a session: ``month-end``, ``tax date`` ..."""
    day, before, after = (calendar.day(position + step) for step in (0, -1, 1))
    flags = []
    if after.month != day.month:
        flags.append("month-end")
        if day.month % 3 == 0:
            flags.append("year-end" if day.month == 12 else "quarter-end")
    if day.month in _TAX_MONTHS and day.day >= _TAX_DAY:
        due = date(day.year, day.month, _TAX_DAY)
        # A due date on a weekend or a holiday moves to the next session.
        if before < due <= day:
            flags.append("tax date")
    return flags


def _line(
    market: Market, row: int, close: pd.Timestamp, series: str, entry: dict[str, Any]
) -> PlumbingLine | None:
    rules = plumbing_rules()
    values, known = _values(market, series)
    values, known = values.iloc[: row + 1], known.iloc[: row + 1]
    there = values.notna() & (known <= close)
    values = values[there]
    if values.empty:
        return None
    at = values.index[-1]
    if (market.closes.index[row] - at).days > rules["oldest_days"]:
        return None
    past = values[
        (values.index < at) & (values.index >= at - pd.Timedelta(days=rules["window_days"]))
    ]
    value = float(values.iloc[-1])
    enough = len(past) >= rules["least"]
    position = market.offset + int(market.closes.index.searchsorted(at))
    return PlumbingLine(
        series=series,
        name=entry["name"],
        value=round(value * entry["scale"], 4),
        unit=entry["unit"],
        value_date=at.date(),
        known_at=known[there].iloc[-1].to_pydatetime().astimezone(UTC),
        percentile=_middle_rank(past.to_numpy(dtype=float), value) if enough else None,
        n=len(past),
        flags=tuple(day_flags(market.calendar, position)),
    )


def _values(market: Market, series: str) -> tuple[pd.Series, pd.Series]:
    """Return a series and when each value was public; a spread with its later leg."""
    legs = series.split("-")
    if len(legs) == 1:
        return market.closes[series], market.known_at[series]
    first, second = legs
    # Ten decimals: float dust must not break ties.
    return (
        (market.closes[first] - market.closes[second]).round(10),
        market.known_at[[first, second]].max(axis=1),
    )


def _stored(market: Market, series: str) -> bool:
    return all(leg in market.closes.columns for leg in series.split("-"))


def _middle_rank(past: np.ndarray[Any, Any], value: float) -> float:
    """Return the share of values below, ties counted half: a spread in whole points has many."""
    below, equal = (past < value).mean(), (past == value).mean()
    return round(float(below + equal / 2), 4)
