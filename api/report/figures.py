"""Numbers in a text, with sign and unit; dates apart."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple

from api.wording import MONTHS

_MONTH = "|".join([*MONTHS, *(month[:3] for month in MONTHS)])
# A clock of one or two digits before "UTC", a day with or without its year, an ISO day or week.
_DATE = re.compile(
    rf"\b(\d{{1,2}}) ({_MONTH})\b(?: (\d{{4}})\b)?(?:, \d\d:\d\d UTC)?|\b(\d{{4}})-(\d\d)-(\d\d)\b"
)
# A sign counts after a space or a bracket; "10-year" and "3-4" have none.
_NUMBER = re.compile(
    r"((?<![\w.,])[+-])?(\d(?:[\d.,]*\d)?)(?: ?(%|pp|σ|sigma|bp|points?|st|nd|rd|th)(?!\w))?"
)
_SAME = {"sigma": "σ", "point": "points", "st": "th", "nd": "th", "rd": "th"}


class Number(NamedTuple):
    """A number as it is printed: ``-11.7`` ``σ``; an ordinal has the unit ``th``."""

    digits: str
    unit: str = ""


def numbers_in(text: str) -> list[Number]:
    """Return the numbers of a text from left to right, its dates left out."""
    found = []
    for sign, digits, unit in _NUMBER.findall(_DATE.sub(" ", plain(text))):
        found.append(Number(f"{sign}{digits}".replace(",", ""), _SAME.get(unit, unit)))
    return found


def dates_in(text: str) -> list[tuple[int | None, int, int]]:
    """Return the dates of a text as (year or None, month, day)."""
    found = []
    for day, month, year, *iso in _DATE.findall(plain(text)):
        if month:
            place = next(n for n, name in enumerate(MONTHS, start=1) if name.startswith(month))
            found.append((int(year) if year else None, place, int(day)))
        else:
            found.append((int(iso[0]), int(iso[1]), int(iso[2])))
    return found


def without(text: str, names: Iterable[str]) -> str:
    """Return a text without names: the number in "S&P 500" is none of the sentence's."""
    for name in sorted({name for name in names if name}, key=len, reverse=True):
        text = text.replace(name, " ")
    return text


def plain(text: str) -> str:
    """Return a text with ordinary spaces and hyphens for minus signs."""
    return text.replace("\u00a0", " ").replace("\u202f", " ").replace("−", "-")


def day_key(day: date | datetime) -> tuple[int, int, int]:
    """Return a day as :func:`dates_in` finds it."""
    return day.year, day.month, day.day
