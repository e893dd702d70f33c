"""Template filters: stored values in the words of ``api.wording``, links, and ids in paths.

The pages carry instants and days as the text of the tables, so that the same data is their
JSON; a filter parses the text only to print it.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from api import wording

_ASSET_UNITS = {"yield_pct": " %", "spread_bp": " bp"}


def day(text: str | None) -> str:
    """Word an ISO date: ``Fri 30 Jan 2026``."""
    if not text:
        return wording.MISSING
    found = date.fromisoformat(text[:10])
    return f"{wording.long_day(found)[:3]} {wording.day_text(found)}"


def weekday(text: str | None) -> str:
    """Word an ISO date without the year, but with its day of the week: ``Fri 30 Jan``."""
    return wording.MISSING if not text else day(text)[:-5]


def short_day(text: str | None) -> str:
    """Word an ISO date without the year: ``30 Jan``."""
    return wording.MISSING if not text else wording.day_text(date.fromisoformat(text[:10]))[:-5]


def instant(text: str | None) -> str:
    """Word a stored instant: ``30 Jan 2026, 21:00 UTC``."""
    return wording.instant_text(datetime.fromisoformat(text) if text else None)


def level(value: float | None, unit: str) -> str:
    """Word a close in the unit of its asset, with as many digits as its size asks for."""
    if value is None:
        return wording.MISSING
    digits = 0 if abs(value) >= 10_000 else 4 if abs(value) < 2 and unit == "price" else 2
    return f"{value:,.{digits}f}{_ASSET_UNITS.get(unit, '')}"


def size(count: int) -> str:
    """Word a number of bytes."""
    return f"{count:,} B" if count < 1024 else f"{count / 1024:,.0f} kB"


def lag(sessions: int) -> str:
    """Word a lag of the scan; positive means that the narrative came first."""
    if sessions == 0:
        return "same session"
    return f"{wording.counted(abs(sessions), 'session')} {'before' if sessions > 0 else 'after'}"


def host(url: str | None) -> str:
    """Return the host of an address that a link may carry, or an empty text."""
    safe = wording.web_address(url)
    return "" if safe is None else (urlsplit(safe).hostname or "").removeprefix("www.")


def segment(text: str) -> str:
    """Escape an id so that it is one segment of a path."""
    return quote(text, safe="")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "cause": wording.episode_cause,
    "change": wording.change,
    "counted": wording.counted,
    "day": day,
    "fixed": wording.fixed,
    "host": host,
    "instant": instant,
    "interval": wording.interval,
    "lag": lag,
    "level": level,
    "listed": wording.listed,
    "percent": wording.percent,
    "percent_interval": wording.percent_interval,
    "percentile": wording.percentile,
    "pvalue": wording.pvalue,
    "segment": segment,
    "sentence": wording.sentence,
    "share_change": wording.share_change,
    "short_day": short_day,
    "sigma": wording.sigma,
    "size": size,
    "weekday": weekday,
    "web_address": wording.web_address,
    "with_names": wording.with_names,
}
