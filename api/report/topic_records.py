"""What a report says of discovered topics and of drift: frozen records."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from api.report.facts import Said
from store.records import Discovery, NarrativeDrift, TopicStatus, TopicTrend


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicQuote:
    """A story of a topic; ``quote`` is a substring of the stored document.

    Attributes
    ----------
    title : str
        Empty where the quote is the title.
    """

    document_id: str
    source: str
    title: str
    url: str | None
    published_at: datetime | None
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicLine:
    """A topic in the window of the week's run.

    Attributes
    ----------
    label, words
        As they are today: the store keeps no older ones.
    day : date
        Last day of the window.
    status : str
        As it was known when the week ended.
    said : Said
        The same in a sentence.
    accept : Said or None
        How to follow it as a narrative; of those proposed this week and not yet decided upon.
    quotes : sequence of TopicQuote
        Of those proposed this week alone.
    stories, sources, days, recent, before, share, stability, pvalue, trend, lacks
        As in `store.records.TopicWeek`.
    """

    id: str
    label: str
    words: Sequence[str]
    day: date
    status: TopicStatus
    trend: TopicTrend
    found_on: date
    proposed_on: date | None
    stories: int
    sources: int
    days: int
    recent: int
    before: int
    share: float
    stability: float | None
    pvalue: float | None
    lacks: Sequence[str]
    said: Said
    accept: Said | None
    quotes: Sequence[TopicQuote]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicGroup:
    """Topics of one kind: how many there are, and the first of them."""

    topics: int
    shown: Sequence[TopicLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTopics:
    """What discovery found in the stories that no narrative covers.

    Attributes
    ----------
    runs : sequence of Discovery
        Of each language the newest run in the week; empty where there was none.
    proposed : TopicGroup
        Proposed as narratives in this week.
    emerging, growing, fading : TopicGroup
        By trend; what was dismissed or merged by then is left out. Not shown again is what was
        proposed this week.
    weak : TopicGroup
        Those that were found in the last 28 days, are watched, were told in the last seven days
        and lack a rule for a proposal; shown are those that are not shown before,
        the surest to rise first.
    turns, sure : sequence of Said
        Splits and merges of the week, and how sure the grouping is.
    """

    runs: Sequence[Discovery]
    proposed: TopicGroup
    emerging: TopicGroup
    growing: TopicGroup
    fading: TopicGroup
    weak: TopicGroup
    turns: Sequence[Said]
    sure: Sequence[Said]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftCase:
    """A narrative whose words, entities or outlets moved more than chance would do.

    Attributes
    ----------
    pvalue_adj : float
        By Holm over all comparisons of the day.
    """

    name: str
    drift: NarrativeDrift
    pvalue_adj: float
    said: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifting:
    """How the telling of known narratives moved.

    Attributes
    ----------
    day, start : date or None
        The window; None where nothing was compared in this week.
    compared, few : int
        Comparisons of a narrative in words, entities or outlets, and those that could not be
        made for too few stories.
    moved : sequence of DriftCase
        Those with an adjusted p-value under 0.05.
    """

    day: date | None
    start: date | None
    compared: int
    few: int
    moved: Sequence[DriftCase]
