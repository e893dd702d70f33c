"""What ``align`` computes: intensity, alignments, explanations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from store.records.setting import BlameDay, DoseLine, PlumbingLine, Timing, Unusual
from store.records.vocabulary import (
    CellStatus,
    ChangeUnit,
    FalsifierOperator,
    FalsifierStatistic,
    SessionDate,
    Stance,
    SuspectStatus,
    Verdict,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntensityPoint:
    """Intensity of one narrative on one New York session day; a row of ``intensity``.

    Attributes
    ----------
    stories : int
        Independent stories that carry the narrative.
    effective_n : float
        (sum w)^2 / sum w^2 over all stories of the day.
    share, share_low, share_high : float or None
        Source-reweighted share in [0, 1] with its 95 % Wilson interval; None when the
        day is missing (too little of the panel was collected).
    zscore, innovation : float or None
        In standard deviations of the series' own past; None with too little history.
    favor, against, neutral : int
        Stories by stance.
    net_stance, disagreement : float or None
        (favor - against) / (favor + against + prior), and 1 - abs of the same without the
        prior; None when fewer than 3 stories take a side.
    novelty : float or None
        Share of the stories that repeat no earlier story.
    reach : int
        Copies of the stories, themselves included.
    """

    narrative_id: str
    day: date
    stories: int
    effective_n: float
    share: float | None
    share_low: float | None
    share_high: float | None
    zscore: float | None
    innovation: float | None
    favor: int
    against: int
    neutral: int
    net_stance: float | None
    disagreement: float | None
    novelty: float | None
    reach: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignmentCell:
    """One narrative, asset and lag of the scan; positive lag: the narrative came first.

    Attributes
    ----------
    n : int
        Pairs of days behind the estimate.
    effect, effect_low, effect_high : float or None
        Correlation of innovation and vol-scaled move with its 95 % interval.
    pvalue, pvalue_adj : float or None
        Raw, and adjusted over the whole scan by the max-T circular shift.
    """

    narrative_id: str
    asset_id: str
    lag: int
    n: int
    effect: float | None
    effect_low: float | None
    effect_high: float | None
    pvalue: float | None
    pvalue_adj: float | None
    method: str
    window_start: date
    window_end: date
    status: CellStatus = "exploratory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What one asset did over a window.

    Attributes
    ----------
    change : float
        Simple return as a fraction, basis points or points, as ``unit`` says.
    sigma : float or None
        Change over its lagged EWMA volatility; None with too little history.
    """

    asset_id: str
    name: str
    change: float
    unit: ChangeUnit
    sigma: float | None
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A passage that is evidence; ``quote`` is a substring of the stored document."""

    document_id: str
    url: str | None
    published_at: datetime | None
    stance: Stance
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspectParts:
    """The five parts of a score; they sum to it."""

    intensity: float
    causal_claims: float
    timing: float
    signature: float
    hard_data: float

    @property
    def total(self) -> float:
        """Sum of the parts, the suspect's score in [0, 1]."""
        return self.intensity + self.causal_claims + self.timing + self.signature + self.hard_data


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """One narrative judged as an explanation of a move.

    Attributes
    ----------
    score, low, high : float
        In [0, 1], with a 90 % bootstrap interval.
    pre_move_share : float or None
        Share of the surge of stories that was out before the move's session closed.
    placebo_percentile : float or None
        Where the signature match lies among days of similar size, in [0, 1].
    projection_percentile : float or None
        Where the size of the projection on the signature lies among the days before.
    fired : sequence of str
        Falsifiers of the narrative that the day's numbers set off, in words.
    """

    narrative_id: str
    rank: int
    score: float
    low: float
    high: float
    status: SuspectStatus
    parts: SuspectParts
    contradicted_by: Sequence[str]
    pre_move_share: float | None
    placebo_percentile: float | None
    quotes: Sequence[Quote]
    projection_percentile: float | None = None
    fired: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A dated past event with a cause label and where the label comes from."""

    id: str
    date: date
    name: str
    label: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analog:
    """How near a past episode comes to the move asked about.

    Attributes
    ----------
    cosine : float
        Of the clipped vol-scaled moves, in [-1, 1].
    distance : float
        Shrunk Mahalanobis distance.
    percentile : float
        Of the cosine among large-move days, in [0, 1].
    """

    episode: str
    date: date
    cosine: float
    distance: float
    percentile: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Falsifier:
    """A dated numeric condition that would overturn the verdict.

    Attributes
    ----------
    series : str
        An asset, or ``intensity:NARRATIVE``.
    statistic, operator, value : str, str and float
        The condition for a program: ``any close`` or the ``mean`` of the series over the
        sessions after ``after``, up to ``by``. None in answers that were stored before.
    """

    condition: str
    series: str
    by: date
    statistic: FalsifierStatistic | None = None
    operator: FalsifierOperator | None = None
    value: float | None = None
    after: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What the answer rests on; ``share_of_panel`` in [0, 1] by source weight."""

    stories: int
    sources: int
    sources_expected: int
    share_of_panel: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The whole answer to "which story moved it?" for one day; ``explain --json``.

    Attributes
    ----------
    none_of_these : str
        What stands for and against the answer that no narrative of the list explains it.
    """

    date: SessionDate
    window_start: SessionDate
    window_end: SessionDate
    moves: Sequence[Move]
    premise: str
    verdict: Verdict
    clarity: float
    suspects: Sequence[Suspect]
    analogs: Sequence[Analog]
    analog_like: Sequence[str]
    analog_statement: str
    falsifiers: Sequence[Falsifier]
    coverage: Coverage
    unusual: Unusual | None = None
    timing: Timing | None = None
    dose: Sequence[DoseLine] = ()
    plumbing: Sequence[PlumbingLine] = ()
    blame: Sequence[BlameDay] = ()
    none_of_these: str = ""
