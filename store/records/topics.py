"""What discovery passes on: topics, the stories in them, and how they came and went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from store.records.vocabulary import DriftKind, TopicEvent, TopicStatus, TopicTrend


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualStory:
    """A story that no narrative, or only a weak label, covers.

    Attributes
    ----------
    text : str
        Its title and first passages, which is what its vector was made of.
    vector : bytes
        As in `Tagging`.
    assets : int
        Mentions of known assets.
    reach : int
        Its copies and itself.
    """

    document_id: str
    source_id: str
    effective_at: datetime
    title: str
    text: str
    vector: bytes
    assets: int
    reach: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A group of stories that was discovered, under an id that is never given again.

    Attributes
    ----------
    id : str
        ``t-2025W33-04``: the ISO week in which it was found, and a number.
    label : str
        Its first words, to be read by a person.
    words : sequence of (str, float)
        By falling class-based TF-IDF.
    first_seen : datetime
        When its first story counted.
    found_on : date
        Last day of the window in which it was found.
    status : str
        ``background``: there in the first window, when nothing could be new. ``watched``: came
        later, not (yet) proposed. ``candidate``: proposed as a narrative. ``accepted``,
        ``dismissed``: so a person decided. ``merged``: now part of another.
    parent_id : str or None
        The topic that it is a possible child of, was split from, or was merged into.
    proposed_on : date or None
        When it first met every rule for a candidate.
    narrative_id : str or None
        The narrative that came of it.
    """

    id: str
    language: str
    label: str
    words: Sequence[tuple[str, float]]
    first_seen: datetime
    found_on: date
    status: TopicStatus
    parent_id: str | None = None
    proposed_on: date | None = None
    decided_at: datetime | None = None
    narrative_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicStory:
    """A story's place; a row of ``topic_documents``.

    Attributes
    ----------
    similarity : float
        Cosine to the topic's centre in [0, 1].
    is_core : bool
        Whether most runs put it there; the others lie outside of every group and count with the
        nearest.
    position : int or None
        From 1 for the stories that represent the topic; None for the rest.
    joined_on : date
        Last day of the window in which it came to this topic.
    """

    topic_id: str
    document_id: str
    similarity: float
    is_core: bool
    position: int | None
    joined_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicWeek:
    """A topic in one window; a row of ``topic_weeks``. Counts are of its core stories.

    Attributes
    ----------
    day : date
        Last day of the window, which is :attr:`Discovery.start` to this day.
    stories, sources, days : int
        In the window: stories, those who told them, and dates on which they did.
    reassigned : int
        Stories outside of every group that are nearest to this topic.
    recent, before : int
        Stories of the last 7 days, and of the rest of the window.
    share : float
        ``recent`` over all stories of the last 7 days, labelled ones included.
    top_source : float
        Share of the stories that the busiest source told.
    market : float
        Share of the stories that name an asset or speak of markets.
    stability : float or None
        Mean Jaccard index of the group with its likeness in each bootstrap run; None where the
        window held no group of this topic.
    npmi : float or None
        Mean normalized pointwise mutual information of pairs of its ten first words, in
        [-1, 1]; None with fewer than two words.
    popularity : float
        Stories, each halved every 7 days.
    pvalue : float or None
        One-sided, that it did not rise in the last 7 days; None without a story before or after.
    trend : str
        ``emerging`` (found at most 28 days ago, after the first window, and rising), ``growing``,
        ``steady``, ``fading`` or ``quiet`` (no story in the last 7 days).
    lacks : sequence of str
        Names of the rules for a candidate that it does not meet.
    """

    topic_id: str
    day: date
    stories: int
    sources: int
    days: int
    reassigned: int
    recent: int
    before: int
    share: float
    top_source: float
    market: float
    stability: float | None
    npmi: float | None
    popularity: float
    pvalue: float | None
    trend: TopicTrend
    lacks: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicChange:
    """What became of a topic; a row of ``topic_changes``.

    Attributes
    ----------
    kind : str
        ``child``: ``topic_id`` is new and lies near ``other_id``. ``split``: ``topic_id`` took its
        stories from ``other_id``. ``merge``: ``topic_id`` became part of ``other_id``.
    cosine : float
        Between the centres.
    stories : int
        Those that both have had.
    """

    day: date
    kind: TopicEvent
    topic_id: str
    other_id: str
    cosine: float
    stories: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """One run over one language; a row of ``discoveries``.

    Attributes
    ----------
    day : date
        Last day of the window.
    start : date
        Its first day.
    stories, residual : int
        All stories of the window, and those that no narrative covers.
    core, reassigned, outliers : int
        Residual stories in a group, put with the nearest, and left out.
    topics : int
        Topics with a story in the window.
    agreement : float or None
        Mean adjusted Rand index between bootstrap runs, over stories that both grouped.
    kept : float or None
        Share of the residual stories of the run before that had a topic and are in it still;
        None in the first run.
    npmi, diversity : float or None
        Mean coherence of the topics, and share of distinct words among their ten first.
    """

    day: date
    language: str
    start: date
    stories: int
    residual: int
    core: int
    reassigned: int
    outliers: int
    topics: int
    agreement: float | None
    kept: float | None
    npmi: float | None
    diversity: float | None
    model: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftTerm:
    """A word, an entity or an outlet in a narrative's stories, before and now.

    Attributes
    ----------
    stories, before : int
        Stories with it in the window, and in the window before; of words and entities, a source
        brings at most three a week.
    zscore : float
        Log-odds ratio with an informative Dirichlet prior over its standard error; positive: it
        rose.
    pvalue_adj : float
        Two-sided, by Holm over all terms of this kind that were compared.
    """

    term: str
    stories: int
    before: int
    zscore: float
    pvalue_adj: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NarrativeDrift:
    """How the telling of a narrative moved; a row of ``narrative_drift`` and its terms.

    Attributes
    ----------
    day, start : date
        The window; the one before it is as long and ends the day before ``start``.
    stories, before : int
        Stories of the narrative in either.
    divergence : float or None
        Jensen-Shannon distance (base 2) between the two distributions of terms, in [0, 1]; None
        where either window has too few stories, or fewer than two terms were told in both.
    pvalue : float or None
        Share of shuffles of the stories between the windows with at least this divergence.
    terms : sequence of DriftTerm
        Those that moved most surely, at most ten.
    """

    day: date
    narrative_id: str
    kind: DriftKind
    start: date
    stories: int
    before: int
    divergence: float | None
    pvalue: float | None
    terms: Sequence[DriftTerm]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftStory:
    """A story of a narrative, as far as its drift needs it."""

    document_id: str
    source_id: str
    effective_at: datetime
    title: str
    entities: Sequence[str]
