"""Numbers, days and links as a person reads them; each function is a template filter.

A missing value is an en dash, a negative number has a minus sign, not a hyphen, and a unit
stands behind a narrow space that does not break.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, urlsplit

MISSING = "–"
_SPACE = "\u202f"
_UNITS = {"bp": "bp", "points": "pts"}
_ASSET_UNITS = {"yield_pct": f"{_SPACE}%", "spread_bp": f"{_SPACE}bp"}


def number(value: float | None, digits: int = 2) -> str:
    """Word a plain number: ``0.42``."""
    return MISSING if value is None else f"{value:,.{digits}f}".replace("-", "−")


def signed(value: float | None, digits: int = 1) -> str:
    """Word a number with its sign: ``+2.1``, ``−0.3``, ``0.0``."""
    if value is None:
        return MISSING
    if round(value, digits) == 0:
        return f"{0:.{digits}f}"
    return f"{value:+,.{digits}f}".replace("-", "−")


def percent(value: float | None, digits: int = 0) -> str:
    """Word a share in [0, 1]: ``12 %``."""
    return MISSING if value is None else f"{number(100 * value, digits)}{_SPACE}%"


def points(value: float | None) -> str:
    """Word a difference of two shares in percentage points: ``+3 pp``."""
    return MISSING if value is None else f"{signed(100 * value, 0)}{_SPACE}pp"


def change(value: float | None, unit: str) -> str:
    """Word a move: ``return`` is a fraction, other units are as stored."""
    if value is None:
        return MISSING
    if unit == "return":
        return f"{signed(100 * value)}{_SPACE}%"
    return f"{signed(value)}{_SPACE}{_UNITS.get(unit, unit)}"


def level(value: float | None, unit: str) -> str:
    """Word a close in the unit of its asset, with as many digits as the size asks for."""
    if value is None:
        return MISSING
    digits = 0 if abs(value) >= 10_000 else 4 if abs(value) < 2 and unit == "price" else 2
    return number(value, digits) + _ASSET_UNITS.get(unit, "")


def pvalue(value: float | None) -> str:
    """Word a p-value: ``0.034``, ``< 0.001``."""
    if value is None:
        return MISSING
    return f"<{_SPACE}0.001" if value < 0.001 else f"{value:.3f}"


def day(text: str | None) -> str:
    """Word an ISO date: ``Fri 30 Jan 2026``."""
    if not text:
        return MISSING
    found = date.fromisoformat(text[:10])
    return f"{found:%a} {found.day} {found:%b %Y}"


def short_day(text: str | None) -> str:
    """Word an ISO date without the year: ``30 Jan``."""
    if not text:
        return MISSING
    found = date.fromisoformat(text[:10])
    return f"{found.day} {found:%b}"


def instant(text: str | None) -> str:
    """Word a stored instant: ``30 Jan 2026 21:00 UTC``."""
    if not text:
        return MISSING
    found = datetime.fromisoformat(text)
    return f"{found.day} {found:%b %Y %H:%M} UTC"


def lag(sessions: int) -> str:
    """Word a lag of the scan, where positive means that the narrative came first."""
    if sessions == 0:
        return "same session"
    noun = "session" if abs(sessions) == 1 else "sessions"
    return f"{abs(sessions)} {noun} {'before' if sessions > 0 else 'after'} the price"


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """Word a count with its noun: ``1 story``, ``1,204 stories``."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def outward(url: str | None) -> str | None:
    """Return a link that may be followed: ``http`` or ``https`` with a host, else None."""
    if not url or any(ord(letter) <= 32 for letter in url):
        return None
    try:
        parts = urlsplit(url)
        return url if parts.scheme in ("http", "https") and parts.hostname else None
    except ValueError:
        return None


def host(url: str | None) -> str:
    """Return the host of a link that may be followed, or an empty text."""
    safe = outward(url)
    return "" if safe is None else (urlsplit(safe).hostname or "").removeprefix("www.")


def segment(text: str) -> str:
    """Escape an id so that it is one segment of a path."""
    return quote(text, safe="")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "change": change,
    "day": day,
    "host": host,
    "instant": instant,
    "lag": lag,
    "level": level,
    "number": number,
    "outward": outward,
    "percent": percent,
    "plural": plural,
    "points": points,
    "pvalue": pvalue,
    "segment": segment,
    "short_day": short_day,
    "signed": signed,
}
