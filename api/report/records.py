"""What a weekly report says, before it is rendered: frozen records, each number from a row.

None is a number that the store does not have; the sentence beside it says why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from api.report.basis import Outside, Quality
from api.report.facts import Said, Sentence
from api.report.topic_records import Drifting, NewTopics
from store.records import (
    AlignmentCell,
    Analog,
    ChangeUnit,
    Coverage,
    Explanation,
    Falsifier,
    FalsifierScore,
    Move,
    Stance,
    Suspect,
)

ReportFormat = Literal["html", "md", "pdf", "json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """An ISO week and the sessions in it.

    Attributes
    ----------
    start, end : datetime
        A story counts for the week from ``start`` until before ``end``: from the close of
        the last session before the week to the close of its last session.
    is_complete : bool
        The data reach the end of the week.
    """

    name: str
    monday: date
    sunday: date
    sessions: Sequence[date]
    start: datetime
    end: datetime
    is_complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekChange:
    """What an asset did from the last close before the week to the last close in it."""

    asset_id: str
    name: str
    change: float
    unit: ChangeUnit
    first_date: date
    first_close: float
    last_date: date
    last_close: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tape:
    """What moved.

    Attributes
    ----------
    day : date or None
        The explained session whose largest move in sigma is the largest of the week.
    moves : sequence of Move
        Of that session, the largest first.
    week : sequence of WeekChange
        In the order of the settings.
    closes : sequence of (date, float)
        Of the asset that moved most, for the charts; ``closes_unit`` in words.
    """

    day: date | None
    premise: Sentence | None
    moves: Sequence[Move]
    week: Sequence[WeekChange]
    closes: Sequence[tuple[date, float]]
    closes_unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyShare:
    """One stored day of a narrative; a share of None was not collected."""

    day: date
    share: float | None
    low: float | None
    high: float | None
    stories: int
    favor: int
    against: int
    none: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How much one narrative was told in the week.

    Attributes
    ----------
    share, low, high : float or None
        Daily shares weighted by their effective number of stories, with the Wilson interval
        at their sum; None when no day was collected.
    previous_share, previous_low, previous_high : float or None
        The same of the week before.
    change : float or None
        ``share - previous_share``.
    is_clear : bool or None
        Whether the two intervals do not touch.
    stories, reach, favor, against, none : int
        Sums over the sessions of the week.
    peak_day, peak_zscore
        The day of the week with the highest stored z-score.
    days : sequence of DailyShare
        The sessions up to the end of the week, at most 30.
    back_tagged : bool
        Whether a day of the week, or of the one before, was tagged afterwards: it lies before the
        narrative was found.
    """

    narrative_id: str
    name: str
    proposition: str
    share: float | None
    low: float | None
    high: float | None
    effective_n: float
    previous_share: float | None
    previous_low: float | None
    previous_high: float | None
    change: float | None
    is_clear: bool | None
    stories: int
    reach: int
    favor: int
    against: int
    none: int
    peak_day: date | None
    peak_zscore: float | None
    days: Sequence[DailyShare]
    back_tagged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A passage with where it was said; ``quote`` is a substring of the stored document."""

    document_id: str
    source: str
    title: str
    url: str | None
    published_at: datetime | None
    stance: Stance
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """A narrative on which the week's stories take both sides."""

    narrative_id: str
    name: str
    proposition: str
    lead: Said
    favor: int
    against: int
    sources_favor: Sequence[str]
    sources_against: Sequence[str]
    quotes: Sequence[Evidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspectCase:
    """A suspect with its name and its evidence."""

    name: str
    suspect: Suspect
    status: str
    fired: Sequence[Sentence]
    quotes: Sequence[Evidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalogCase:
    """A past episode and how near it comes."""

    name: str
    label: str
    analog: Analog


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A dated condition that would overturn an answer, in words.

    Attributes
    ----------
    falsifier : Falsifier
        As stored with the answer for ``day``.
    words : Sentence
        Composed from its numbers; as stored in answers that have none.
    series : str
        The name of its asset or narrative.
    """

    day: date
    falsifier: Falsifier
    words: Sentence
    series: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """Which story goes with the largest move of the week.

    Attributes
    ----------
    none_of_these, analog_statement : sequence of Sentence
        As stored with the answer; of the second only what its rows can show.
    """

    explanation: Explanation
    verdict: Said
    none_of_these: Sequence[Sentence]
    cases: Sequence[SuspectCase]
    analogs: Sequence[AnalogCase]
    analog_statement: Sequence[Sentence]
    analog_like: Sequence[str]
    falsifiers: Sequence[Condition]
    coverage: Coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A condition of an earlier answer, judged by what was known when the week ended.

    Attributes
    ----------
    score : {'hit', 'miss', 'open'} or None
        ``hit``: it came true, and what it was set against is overturned. ``open``: not yet
        due, or its last value not yet public. None: no value to judge it by.
    seen, seen_on : float and date, or None
        The close that met it; else the nearest one. For a mean: the mean, and its last day.
    sessions : int
        Values that were looked at.
    """

    condition: Condition
    score: FalsifierScore | None
    seen: float | None
    seen_on: date | None
    sessions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What became of the conditions that earlier reports set.

    Attributes
    ----------
    day : date or None
        Session of the largest move of the week before, whose answer last week's report showed.
    known_by : datetime
        Only prices that were public by then are looked at.
    last, older : sequence of Scored
        Those of ``day``, and those of up to eight weeks before that fell due this week.
    """

    day: date | None
    known_by: datetime
    last: Sequence[Scored]
    older: Sequence[Scored]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanCell:
    """A cell of the scan with its names."""

    narrative: str
    asset: str
    order: str
    cell: AlignmentCell


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The last scan of narratives against assets over the lags.

    Attributes
    ----------
    tested, estimated, passing : int
        Cells, those with an estimate, and those with an adjusted p-value under 0.05.
    shown : sequence of ScanCell
        The passing cells; when there is none, those with the smallest p-values.
    pair : sequence of AlignmentCell
        Every lag of the first cell shown.
    next_session : sequence of AlignmentCell
        The lag at which the narrative came first by one session, all pairs.
    assets : sequence of (id, name)
        In the order of the settings.
    """

    tested: int
    estimated: int
    passing: int
    shown: Sequence[ScanCell]
    pair: Sequence[AlignmentCell]
    next_session: Sequence[AlignmentCell]
    assets: Sequence[tuple[str, str]]
    method: str
    window_start: date
    window_end: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Leads:
    """The line that opens each section, in sentences with their evidence."""

    moved: Sequence[Said]
    said: Sequence[Said]
    changed: Sequence[Said]
    suspects: Sequence[Said]
    scan: Sequence[Said]
    drift: Sequence[Said]
    review: Sequence[Said]
    topics: Sequence[Said]
    outside: Sequence[Said]
    quality: Sequence[Said]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyReport:
    """The whole report; rendering adds no number to it.

    Attributes
    ----------
    as_of : datetime or None
        The instant that the newest document or price describes; the only clock of a report.
    absent : sequence of str
        What the report cannot say and why, in sentences.
    """

    week: Week
    as_of: datetime | None
    headline: Said
    summary: Sequence[Sentence]
    absent: Sequence[Said]
    leads: Leads
    tape: Tape
    told: Sequence[Told]
    rose: Sequence[Told]
    fell: Sequence[Told]
    disputes: Sequence[Dispute]
    inquiry: Inquiry | None
    scan: Scan | None
    drift: Drifting
    review: Review
    topics: NewTopics
    outside: Outside
    quality: Quality
