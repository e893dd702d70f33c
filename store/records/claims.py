"""A statement of a text about prices, and what the store says about it.

``nlp`` finds claims, ``align`` judges them: these records are all that the two share.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from store.records.vocabulary import SessionDate

ClaimKind = Literal["change", "extreme", "level", "range", "relative", "breadth", "confined"]
ClaimDirection = Literal["up", "down", "high", "low", "flat"]
ClaimUnit = Literal["return", "bp", "points", "level", "percent"]
ClaimComparator = Literal["about", "over", "under"]
ClaimVerdict = Literal["supported", "contradicted", "not checkable"]
SpanUnit = Literal["hours", "days", "sessions", "weeks", "months", "years"]
SpanAnchor = Literal["trailing", "to date", "previous", "recent"]
DatePrecision = Literal["day", "month", "year", "day of a year"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a claim is about, with the series that may stand for it, the preferred first.

    Attributes
    ----------
    name : str
        As a person says it: ``the dollar index``.
    assets : sequence of str
        Series that measure the thing itself.
    proxies : sequence of str
        Series that move with it but have another scale, such as a fund.
    dollars : float or None
        Dollars in one unit of the series, where it is an amount; None for a price.
    """

    name: str
    assets: Sequence[str] = ()
    proxies: Sequence[str] = ()
    dollars: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimSpan:
    """A stretch of time that a claim names.

    Attributes
    ----------
    anchor : SpanAnchor
        ``trailing``: back from the day that the text speaks of; ``to date``: from the start of
        that week, month or year; ``previous``: the whole one before; ``recent``: one session
        somewhere in that stretch.
    """

    amount: float
    unit: SpanUnit
    anchor: SpanAnchor = "trailing"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimDate:
    """A date that a claim names, as exact as it is stated: ``day`` is the first of its period.

    A ``day of a year`` that the text leaves open stands in the year 2000.
    """

    day: date
    precision: DatePrecision = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One statement about a known series.

    Attributes
    ----------
    sentence, start, end : str, int, int
        The sentence, untouched: ``text[start:end] == sentence``.
    phrase : str
        The words of the sentence that make the claim; a substring of it.
    subjects : sequence of Subject
        One, but for ``relative`` (those that did better) and ``breadth`` (those named).
    others : sequence of Subject
        ``relative``: those that did worse.
    group : str
        ``breadth``: ``all assets`` or ``risk assets``; else empty.
    direction, strong : str or None, bool
        Where it went or stands; ``strong`` for words such as "plummeted".
    value, unit, comparator
        The number, unsigned: a ``return`` is a fraction, ``percent`` a yield in per cent,
        ``level`` a price or an amount in dollars. A change names only its size.
    span, date, since, weekday
        When; ``since`` is the far end of "lowest since", ``weekday`` 0 for Monday.
    at_least : bool
        The span is a lower bound: "in more than two years".
    negated, hedges
        "not", and words such as "nearly" as they stand.
    unclear : str or None
        Why no price can decide it; None for a claim that can be checked.
    """

    sentence: str
    start: int
    end: int
    phrase: str
    kind: ClaimKind
    subjects: Sequence[Subject]
    others: Sequence[Subject] = ()
    group: str = ""
    direction: ClaimDirection | None = None
    strong: bool = False
    value: float | None = None
    unit: ClaimUnit | None = None
    comparator: ClaimComparator = "about"
    span: ClaimSpan | None = None
    date: ClaimDate | None = None
    since: ClaimDate | None = None
    weekday: int | None = None
    at_least: bool = False
    negated: bool = False
    hedges: Sequence[str] = ()
    unclear: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFigure:
    """One number behind a verdict.

    Attributes
    ----------
    asset_id, date, known_at
        The row of ``prices`` that it ends at; ``known_at`` in UTC.
    unit : str
        ``return`` (a fraction), ``bp``, ``points``, ``sigma``, ``share``, ``percentile`` (in
        [0, 1]), ``years``, or the asset's own unit for a close.
    what : str
        What the number is: ``close``, ``change since 2026-01-29`` ...
    """

    asset_id: str
    date: SessionDate
    value: float
    unit: str
    what: str
    known_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedClaim:
    """A claim with its verdict for one day that the text may speak of.

    Attributes
    ----------
    day, sessions : date, int
        The day, and how many sessions end there.
    qualifier : str
        ``weak``, ``half``, ``understates``, ``depends on definition`` ...; empty for none.
    statement : str
        The verdict in one sentence, with its figures.
    """

    claim: Claim
    day: SessionDate
    sessions: int
    verdict: ClaimVerdict
    qualifier: str
    statement: str
    figures: Sequence[ClaimFigure]
