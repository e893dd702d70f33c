"""What ``align`` computes: intensity, alignments, explanations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from store.records.setting import BlameDay, DoseLine, PlumbingLine, Timing, Unusual
from store.records.vocabulary import (
    CellStatus,
    ChangeUnit,
    ConfirmationStatus,
    Correction,
    EpisodeKind,
    FalsifierOperator,
    FalsifierStatistic,
    NamedBy,
    SessionDate,
    Stance,
    SuspectStatus,
    Verdict,
)

# The label of an episode for which no cause is adequate.
NO_CAUSE = "none adequate"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntensityPoint:
    """Intensity of one narrative on one New York session day; a row of ``intensity``.

    Attributes
    ----------
    stories : int
        Independent stories that carry the narrative.
    effective_n : float
        (sum w)^2 / sum w^2 over all stories of the day, authors and domains capped.
    share, share_low, share_high : float or None
        Source-reweighted share in [0, 1] with its 95 % Wilson interval; None when the
        day is missing (too little of the panel was collected). It can step when the panel
        changes: ``share_linked`` does not.
    zscore, innovation : float or None
        In standard deviations of the series' own past; None with too little history. The
        zscore is against the median and MAD of the last 60 sessions.
    favor, against, neutral : int
        Stories by stance.
    net_stance, disagreement : float or None
        (favor - against) / (favor + against + prior), and 1 - abs of the same without the
        prior; None when fewer than 3 stories take a side.
    novelty, novelty_30 : float or None
        Share of the stories that repeat none of the 7 (30) days before.
    reach : int
        Copies of the stories, themselves included.
    share_corrected, corrected_low, corrected_high : float or None
        Share corrected for misses and false alarms of the tagger, in [0, 1], with a 95 %
        interval that knows the error of both; None without enough validation stories.
    correction : {'ok', 'clipped'} or None
        ``clipped``: the corrected share lay outside [0, 1], so the rates do not fit the day.
    zscore_ewma : float or None
        Against the mean and spread of all earlier days, weights halving in 60 sessions.
    share_linked : float or None
        Share at the level of the first panel, in [0, 1]; None when the day is missing.
    innovation_novel, innovation_repeat : float or None
        Innovations of the share of novel and of repeated stories, apart.
    burst : {0, 1} or None
        1 when stories rose in a burst, or one author or domain brought most of them; None
        in a row from before there was such a mark.
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
    share_corrected: float | None = None
    corrected_low: float | None = None
    corrected_high: float | None = None
    correction: Correction | None = None
    zscore_ewma: float | None = None
    share_linked: float | None = None
    novelty_30: float | None = None
    innovation_novel: float | None = None
    innovation_repeat: float | None = None
    burst: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntensityDay:
    """What was computed for a session, to be used again while its inputs are the same.

    Attributes
    ----------
    digest : str
        Of everything that the points of the session depend on, the past included.
    carried : mapping
        What later sessions go on from, unrounded: lists of numbers by name.
    """

    day: date
    digest: str
    points: Sequence[IntensityPoint]
    carried: Mapping[str, Sequence[float | None]]


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
class Confirmation:
    """A cell that was named beforehand, and what the sessions after that day say of it.

    Effects are in sigmas of the move per standard deviation of the innovation. None where
    the data do not give a number; a row whose ``status`` is not ``open`` never changes.

    Attributes
    ----------
    named_at : date
        Last session that whoever named the cell could have seen; only later ones are re-tested.
    named_sign : int
        1 or -1: the sign that is re-tested.
    named_effect : float or None
        Correlation in the scan that named it; None from the settings.
    horizon : int
        Sessions over which ``beta`` sums moves: the lag of a lead, else 1.
    sessions : int
        Sessions after ``named_at`` that have both an innovation and a move, 60 at most.
    beta, beta_low, beta_high : float or None
        Lag-augmented local projection over the whole window, 95 % interval.
    wald_lead_p, wald_follow_p : float or None
        Joint tests that the narrative did not lead, and did not follow, the price.
    partial_effect, partial_p : float or None
        Beside all other narratives, the VIX and the number of stories; the whole window.
    oos_n, oos_effect, oos_low, oos_high, oos_p, oos_p_adj
        Later sessions alone: pairs, slope, 95 % interval, one-sided p in the named sign, and
        the same by Holm over the cells that closed on one session.
    forecast_n, forecast_r2, forecast_p
        Later sessions forecast one by one, against the past mean (Clark & West 2007).
    closes_on : date or None
        Session on which the verdict fell; None while open.
    """

    narrative_id: str
    asset_id: str
    lag: int
    named_at: date
    named_by: NamedBy
    named_sign: int
    named_effect: float | None
    horizon: int
    sessions: int = 0
    beta: float | None = None
    beta_low: float | None = None
    beta_high: float | None = None
    wald_lead_p: float | None = None
    wald_follow_p: float | None = None
    partial_effect: float | None = None
    partial_p: float | None = None
    oos_n: int = 0
    oos_effect: float | None = None
    oos_low: float | None = None
    oos_high: float | None = None
    oos_p: float | None = None
    oos_p_adj: float | None = None
    forecast_n: int = 0
    forecast_r2: float | None = None
    forecast_p: float | None = None
    status: ConfirmationStatus = "open"
    closes_on: date | None = None

    @property
    def cell(self) -> tuple[str, str, int]:
        """Narrative, asset and lag: a cell is named once."""
        return self.narrative_id, self.asset_id, self.lag


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
        Falsifiers of the narrative that the day's numbers set off, in words; or that it was
        found after the move.
    rejected : bool
        One of them keeps it from being the main cause; False in answers of an older version.
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
    rejected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A dated past event with a cause label and where the label comes from.

    Attributes
    ----------
    label : str
        Accepted causes, joined by "or"; see ``labels``.
    kind : str
        ``shock``; ``relief``: the opposite of the label; ``control``: an event of that kind
        that moved little.
    sources : sequence of str
        Publisher, date and title; never an address.
    verified : bool
        Event and date were checked against a source; a label stays a judgement.
    anchor : bool
        Named beforehand as a day to compare with.
    """

    id: str
    date: date
    name: str
    label: str
    note: str = ""
    kind: EpisodeKind = "shock"
    sources: Sequence[str] = ()
    verified: bool = False
    anchor: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """Accepted causes, narratives or families; empty where none is adequate."""
        return () if self.label == NO_CAUSE else tuple(self.label.split(" or "))


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
    low, high : float or None
        Range of the cosine with one asset left out; None in answers of an older version.
    unclipped : float or None
        Cosine of the moves as they were.
    """

    episode: str
    date: date
    cosine: float
    distance: float
    percentile: float
    low: float | None = None
    high: float | None = None
    unclipped: float | None = None


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
