"""Numbers, spans of time and dates in a sentence, in English and in Chinese numerals.

Pure: text in, places and values out. Every pattern reads in linear time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from store.records import ClaimDate, ClaimSpan, ClaimUnit
from store.records.claims import DatePrecision, SpanUnit


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit; ``digits`` is half a step of its last stated digit."""

    value: float
    unit: ClaimUnit
    digits: float = 0.0


Found = Quantity | ClaimSpan | ClaimDate

_WORDS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20,
    "thirty": 30, "couple of": 2, "few": 3, "several": 3, "half a": 0.5, "half": 0.5,
}  # fmt: skip
_UNITS: dict[str, tuple[SpanUnit, float]] = {
    "hour": ("hours", 1), "hr": ("hours", 1), "h": ("hours", 1), "day": ("days", 1),
    "session": ("sessions", 1), "trading day": ("sessions", 1), "week": ("weeks", 1),
    "month": ("months", 1), "quarter": ("months", 3), "year": ("years", 1),
    "decade": ("years", 10),
    "小时": ("hours", 1), "天": ("days", 1), "日": ("days", 1), "个交易日": ("sessions", 1),
    "交易日": ("sessions", 1), "周": ("weeks", 1), "星期": ("weeks", 1), "月": ("months", 1),
    "季度": ("months", 3), "年": ("years", 1), "载": ("years", 1),
}  # fmt: skip
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july",
         "aug august", "sep sept september", "oct october", "nov november", "dec december"), 1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
# A date without its year stands in this one, which has a 29 February.
_LEAP_YEAR = 2000
_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_CN = "零〇一二两三四五六七八九十百千几数半"
# At most 15 digits: a longer one is no figure that a person gave.
_NUMBER = r"\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,6})?|\d{1,15}(?:\.\d{1,6})?"
_SCALES = {
    "k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "bn": 1e9, "b": 1e9, "billion": 1e9,
    "tn": 1e12, "t": 1e12, "trillion": 1e12, "万": 1e4, "亿": 1e8, "万亿": 1e12,
}  # fmt: skip
QUANTITY = re.compile(
    rf"(?<![A-Za-z0-9_.])(?P<dollar>[$])?\s?(?P<number>{_NUMBER})"
    r"(?:\s?-?\s?(?P<unit>%|percentage points?|percent(?:age)?\b|per cent\b|pct\b|pp\b"
    r"|basis[ -]points?|bps?\b|points?\b|pts\b|个百分点|个基点|基点|点)"
    r"|\s?(?P<scale>thousand|million|billion|trillion|万亿|亿|万|k\b|m\b|bn\b|b\b|tn\b|t\b))?"
    r"(?:\s?(?P<currency>美元|dollars\b|美金))?",
    re.IGNORECASE,
)
_IN_HUNDRED = re.compile(rf"百分之(?P<number>[{_CN}]{{1,6}}|\d{{1,3}}(?:\.\d{{1,4}})?)")
_TENTHS = re.compile(
    rf"(?<![{_CN}])(?P<number>[一二两三四五六七八九])成(?P<half>半)?(?!为|立|员|本|交)"
)
_SPAN = re.compile(
    r"(?<![A-Za-z0-9_.])(?P<number>\d{1,4}(?:\.\d{1,2})?|half a|couple of|"
    + "|".join(sorted((word for word in _WORDS if " " not in word), key=len, reverse=True))
    + r")(?:-|\s)?(?:and a half\s)?(?P<unit>trading day|hour|hr|h|day|session|week|month|quarter|"
    r"year|decade)s?(?![\w])(?! ago)(?!-old)(?! old)",
    re.IGNORECASE,
)
_SPAN_ZH = re.compile(
    rf"(?P<number>[{_CN}]{{1,4}}|\d{{1,3}})(?P<more>多)?个?(?P<half>半)?"
    r"(?P<unit>小时|个?交易日|星期|季度|年|月|周|天|日|载)(?!\d)(?P<inside>来|内|以来|里|期)?"
)
_DECADE = re.compile(r"\b(?:the|past|last|in a) decade\b", re.IGNORECASE)
_DATES = (
    re.compile(r"(?<!\d)(?P<year>(?:19|20)\d\d)-(?P<month>\d\d)-(?P<day>\d\d)(?!\d)"),
    re.compile(rf"\b(?P<month>{_MONTH})\.? (?P<day>[0-3]?\d)(?:st|nd|rd|th)?,? "
               r"(?P<year>(?:19|20)\d\d)\b", re.IGNORECASE),
    re.compile(rf"\b(?P<day>[0-3]?\d)(?:st|nd|rd|th)? (?P<month>{_MONTH})\.?,? "
               r"(?P<year>(?:19|20)\d\d)\b", re.IGNORECASE),
    re.compile(rf"\b(?P<month>{_MONTH})\.?,? (?:of )?(?P<year>(?:19|20)\d\d)\b", re.IGNORECASE),
    re.compile(r"(?P<year>(?:19|20)\d\d)年(?P<month>1[0-2]|0?[1-9])月"
               r"(?:(?P<day>[0-3]?\d)[日号])?"),
    re.compile(r"(?P<year>(?:19|20)\d\d)年"),
    # Crash days that go by their numbers: 312 (2020).
    re.compile(r"(?<!\d)(?P<month>1[0-2]|[1-9])(?P<day>[0-3]\d) ?"
               r"[(（](?P<year>(?:19|20)\d\d)年?[)）]"),
    re.compile(rf"\b(?P<month>{_MONTH})\.? (?P<day>[0-3]?\d)(?:st|nd|rd|th)?\b"
               r"(?!,? (?:19|20)\d\d)(?!%|\.\d)",
               re.IGNORECASE),
    re.compile(r"(?<![年\d])(?P<month>1[0-2]|0?[1-9])月(?P<day>[0-3]?\d)[日号]"),
    re.compile(r"\b(?:in|since|of|from|late|early|mid)[ -](?P<year>(?:19|20)\d\d)(?![\d-]|\w)",
               re.IGNORECASE),
)  # fmt: skip


def chinese_number(text: str) -> float | None:
    """Return a Chinese numeral up to thousands: 两 2, 十五 15, 三百 300, 半 0.5, 几 and 数 3."""
    if text in ("几", "数"):
        return 3.0
    if text == "半":
        return 0.5
    total, digit = 0.0, 0.0
    for char in text:
        if char in _DIGITS:
            digit = digit * 10 + _DIGITS[char]
        elif char in ("十", "百", "千"):
            total += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[char]
            digit = 0
        else:
            return None
    return total + digit


def numbers(plain: str) -> Iterator[tuple[int, int, Found]]:
    """Yield quantities, spans and dates of a sentence by place; they may overlap.

    Parameters
    ----------
    plain : str
        Full-width signs already replaced (:func:`nlp.claims_words.plain`).
    """
    yield from _dates(plain)
    yield from _spans(plain)
    for match in QUANTITY.finditer(plain):
        if (quantity := _quantity(match)) is not None:
            yield match.start(), match.end(), quantity
    for match in _IN_HUNDRED.finditer(plain):
        number = match["number"]
        value = float(number) if number[0].isdigit() else chinese_number(number)
        if value is not None:
            yield match.start(), match.end(), Quantity(value / 100, "return", 0.005)
    for match in _TENTHS.finditer(plain):
        tenths = _DIGITS[match["number"]] + (0.5 if match["half"] else 0.0)
        yield match.start(), match.end(), Quantity(tenths / 10, "return", 0.05)


def _quantity(match: re.Match[str]) -> Quantity | None:
    text = match["number"].replace(",", "")
    value = float(text)
    half = 0.5 * 10.0 ** -(len(text.partition(".")[2]))
    unit = (match["unit"] or "").lower().replace(" ", "").replace("-", "")
    if unit in ("%", "percent", "percentage", "pct"):
        return Quantity(value / 100, "return", half / 100)
    if unit in ("percentagepoint", "percentagepoints", "pp", "个百分点"):
        return Quantity(value * 100, "bp", half * 100)
    if unit in ("basispoint", "basispoints", "bp", "bps", "基点", "个基点"):
        return Quantity(value, "bp", half)
    if unit in ("point", "points", "pts"):
        return Quantity(value, "points", half)
    scale = _SCALES[match["scale"].lower()] if match["scale"] else 1.0
    year = not (match["dollar"] or match["scale"] or match["currency"]) and 1900 <= value < 2100
    if year and "." not in text and "," not in text:
        return None
    return Quantity(value * scale, "level", half * scale)


def _spans(plain: str) -> Iterator[tuple[int, int, ClaimSpan]]:
    for match in _SPAN.finditer(plain):
        number = match["number"].lower()
        amount = _WORDS.get(number) or (float(number) if number[0].isdigit() else 0.0)
        unit, factor = _UNITS[match["unit"].lower()]
        if amount:
            yield match.start(), match.end(), ClaimSpan(amount=amount * factor, unit=unit)
    for match in _DECADE.finditer(plain):
        yield match.start(), match.end(), ClaimSpan(amount=10, unit="years")
    for match in _SPAN_ZH.finditer(plain):
        number = match["number"]
        found = float(number) if number[0].isdigit() else chinese_number(number)
        # 3月 is March and 12日 a day of the month; 三个月内 and 30日内 are spans.
        calendar = match["unit"] in ("月", "日") and "个" not in match[0] and not match["inside"]
        # 10年期 is a maturity, and 2022年 a year.
        if not found or calendar or match["inside"] == "期" or found > 200:
            continue
        unit, factor = _UNITS[match["unit"]]
        amount = (found + (0.5 if match["half"] else 0.0)) * factor
        yield match.start(), match.end(), ClaimSpan(amount=amount, unit=unit)


def _dates(plain: str) -> Iterator[tuple[int, int, ClaimDate]]:
    for pattern in _DATES:
        for match in pattern.finditer(plain):
            parts = match.groupdict()
            month, day = parts.get("month"), parts.get("day")
            precision: DatePrecision = "day" if day else "month" if month else "year"
            if "year" not in parts:
                precision, parts["year"] = "day of a year", str(_LEAP_YEAR)
            number = 1 if not month else int(month) if month.isdigit() else _MONTHS[month.lower()]
            try:
                found = date(int(parts["year"]), number, int(day or 1))
            except ValueError:
                continue  # 31 February is no date
            yield match.start(), match.end(), ClaimDate(day=found, precision=precision)
