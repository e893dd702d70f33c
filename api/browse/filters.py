"""Template filters: stored values in the words of ``api.wording``, links, and ids in paths.

The pages carry instants and days as the text of the tables, so that the same data is their
JSON; a filter parses the text only to print it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from api import wording
from api.topic_words import rule_words

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


def far_and_near(moves: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Split moves into those to show, a sigma or more or the six largest, and the rest."""
    ordered = sorted(moves, key=lambda move: -abs(move["sigma"] or 0.0))
    far = max(6, sum(abs(move["sigma"] or 0.0) >= 1 for move in ordered))
    # One or two rows are not worth a click.
    far = len(ordered) if len(ordered) - far < 3 else far
    return [ordered[:far], ordered[far:]]


# Datasette's form of filters names its fields by their place alone.
_UNLABELLED = (
    ('<select name="_filter_column', "Column to filter"),
    ('<select name="_filter_op', "Comparison"),
    ('<input type="text" name="_filter_value', "Value to compare with"),
    ('<select name="_sort"', "Sort by"),
)


def labelled(page: str) -> Markup:
    """Name the fields of Datasette's form of filters for those who do not see them.

    Crawled text in the page is escaped, so it holds none of the tags that are looked for.
    """
    for tag, words in _UNLABELLED:
        element, rest = tag.split(" ", 1)
        page = str(page).replace(tag, f'{element} aria-label="{words}" {rest}')
    return Markup(page)


def rank(value: float | None) -> str:
    """Word a percentile below a heading that says so: ``81st``."""
    return wording.percentile(value).removesuffix(" percentile")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "cause": wording.episode_cause,
    "change": wording.change,
    "counted": wording.counted,
    "day": day,
    "far_and_near": far_and_near,
    "fixed": wording.fixed,
    "host": host,
    "instant": instant,
    "interval": wording.interval,
    "labelled": labelled,
    "lag": lag,
    "level": level,
    "listed": wording.listed,
    "percent": wording.percent,
    "percent_interval": wording.percent_interval,
    "percentile": wording.percentile,
    "pvalue": wording.pvalue,
    "rank": rank,
    "rule_words": rule_words,
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
