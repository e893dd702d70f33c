"""What a report rests on, and what its list of narratives leaves out: frozen records."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from store.records import SourceKind, SourceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideStory:
    """A story that carries no narrative; ``copies`` counts itself, ``sources`` its own."""

    document_id: str
    title: str
    source: str
    url: str | None
    published_at: datetime | None
    copies: int
    sources: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RisenWord:
    """A word that such stories use more than in the weeks before, with one of them.

    Attributes
    ----------
    stories, before : int
        Stories with the word this week and before; a source counts three times a week at most.
    pvalue, pvalue_adj : float
        One-sided, raw and by Holm over all words compared.
    """

    word: str
    stories: int
    before: int
    sources: int
    zscore: float
    pvalue: float
    pvalue_adj: float
    example: OutsideStory


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the list of narratives does not cover.

    Attributes
    ----------
    stories, before : int
        Labelled stories without a narrative, this week and in the ``weeks`` before.
    tested, passing : int
        Words compared, and those whose adjusted p-value is below 0.05.
    words : sequence of RisenWord
        The passing ones; when there is none, those that came nearest.
    told : sequence of OutsideStory
        Those with copies, the most first.
    """

    stories: int
    before: int
    weeks: int
    tested: int
    passing: int
    words: Sequence[RisenWord]
    told: Sequence[OutsideStory]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """Hours from publication to the first sight of documents whose both stamps are real."""

    documents: int
    median: float
    p90: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """What one source gave in the week, and how it is."""

    id: str
    name: str
    kind: SourceKind
    status: SourceStatus
    documents: int
    stories: int
    last_ok_at: datetime | None
    lag: Lag | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietSource:
    """A source that gave documents in at least two of the four weeks before, and none now."""

    id: str
    name: str
    documents: int
    weeks: int
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Items that failed in the same way, with one as an example."""

    stage: str
    kind: str
    items: int
    item: str
    message: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What the week's report rests on.

    Attributes
    ----------
    labelled, unlabelled, pending, failed : int
        Documents of the week by what became of their labelling.
    untagged : sequence of (language, int)
        Documents in languages that the models do not cover.
    missing_days : sequence of date
        Sessions on which too little of the panel was collected.
    models : sequence of str
        Model and taxonomy behind the labels.
    lag : Lag or None
        Over all sources; None where no document has both stamps.
    """

    documents: int
    stories: int
    outlets: Sequence[Outlet]
    answering: int
    labelled: int
    unlabelled: int
    pending: int
    failed: int
    untagged: Sequence[tuple[str, int]]
    missing_days: Sequence[date]
    failures: Sequence[FailureGroup]
    models: Sequence[str]
    lag: Lag | None
    quiet: Sequence[QuietSource]
