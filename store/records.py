"""Records that pass between the stages, and the closed vocabularies of their columns.

Three families: data as it arrived (``FeedItem``, ``PriceBar``), data as stored
(``Document``, ``Label`` ...), and decisions or results (``Fetch``, ``Suspect`` ...).
All are frozen. Instants are aware and UTC; a ``date`` is a session date (New York
unless the asset's calendar is another). The SQL ``CHECK`` constraints are built from
the literals below, so code and schema cannot differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

# A session date; the alias lets a record have a field called ``date`` and still use the type.
SessionDate = date

Stance = Literal["favor", "against", "none"]
SourceKind = Literal[
    "feed",
    "page",
    "mastodon",
    "bluesky",
    "reddit",
    "hackernews",
    "telegram",
    "youtube",
    "lemmy",
    "stocktwits",
    "x",
    "rsshub",
    "import",
]
SourceStatus = Literal["active", "paused", "gone", "failing", "needs_key"]
DateSource = Literal["feed", "html", "url", "seen", "import"]
Outcome = Literal[
    "ok",
    "not_modified",
    "unchanged",
    "gone",
    "rate_limited",
    "server_error",
    "client_error",
    "challenge",
    "not_a_feed",
    "decode",
    "too_large",
    "deadline",
    "ssrf_blocked",
    "bad_scheme",
    "redirect_loop",
    "robots_denied",
    "robots_unreachable",
    "connect",
    "poison",
    "bad_304",
]
AssetClass = Literal[
    "equity", "rates", "fx", "metal", "energy", "crypto", "volatility", "funding", "credit"
]
AssetUnit = Literal["price", "yield_pct", "spread_bp", "index", "level"]
ChangeUnit = Literal["return", "bp", "points"]
CellStatus = Literal["exploratory", "confirmed", "not confirmed"]
SuspectStatus = Literal["leading", "possible", "contradicted", "follower", "quiet"]
Verdict = Literal["suspects", "not distinguishable", "no adequate suspect"]
RunStatus = Literal["running", "done", "failed", "interrupted", "crashed"]
Stage = Literal["crawl", "prices", "import", "tag", "align", "publish", "nightly"]
TaggingOutcome = Literal["tagged", "untagged", "failed"]
PassagePart = Literal["title", "text"]


# -- settings that the stages share -------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One outlet or account as configured.

    Attributes
    ----------
    weight : float
        Weight of the outlet in an intensity, relative to the others; > 0.
    token_env : str or None
        Name of the environment variable that holds the access token.
    full_text : bool
        Also fetch the pages behind the links.
    handle : str or None
        Account or tag, for social kinds whose URL alone does not say it.
    """

    id: str
    kind: SourceKind
    url: str
    name: str = ""
    weight: float = 1.0
    language: str | None = None
    full_text: bool = True
    token_env: str | None = None
    handle: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One price series as configured.

    Attributes
    ----------
    asset_class : AssetClass
        Column ``class`` of the table ``assets``.
    calendar : str
        Name of an exchange calendar (``XNYS``), or ``24/7``.
    source : str
        ``csv:PATH``, ``fred:SERIES``, ``derived:A-B`` ...; empty for an imported series.
    listed : bool
        Named in the settings; only listed assets enter the scan.
    """

    id: str
    name: str
    asset_class: AssetClass
    unit: AssetUnit = "price"
    calendar: str = "XNYS"
    source: str = ""
    listed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrative:
    """A story about why markets move, written down beforehand as one proposition.

    Attributes
    ----------
    signature : mapping of asset id to ``"+" | "++" | "-" | "--" | "0" | "0/+" | "0/-"``
        Signs that the narrative predicts; an asset that is missing is unknown.
    core : sequence of asset ids
        The legs without whose move the narrative is not supported.
    origin : {"default", "custom"}
        Shipped with trained heads, or defined by the user.
    """

    id: str
    name: str
    proposition: str
    examples: Sequence[str] = ()
    keywords: Sequence[str] = ()
    signature: Mapping[str, str] = field(default_factory=dict)
    core: Sequence[str] = ()
    languages: Sequence[str] = ("en",)
    origin: Literal["default", "custom"] = "custom"


# -- documents ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedItem:
    """One item as a source stated it, cleaned to plain text, before identity is decided.

    Attributes
    ----------
    guid : str or None
        The source's own id.
    published_at : datetime or None
        As stated, in UTC; None when missing or unreadable.
    date_raw : str or None
        The stated date, verbatim.
    engagement : mapping
        Counts such as ``likes`` or ``replies`` as the platform gave them.
    """

    guid: str | None
    url: str | None
    title: str
    text: str
    author: str | None = None
    language: str | None = None
    published_at: datetime | None = None
    date_raw: str | None = None
    is_partial: bool = False
    engagement: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One stored piece of commentary.

    Attributes
    ----------
    id : str
        16 hex digits from the source id and the entry key (``crawler/identity.py``).
    effective_at : datetime
        The instant from which the document counts:
        ``max(published_at, first_seen_at)`` for what was crawled, ``published_at`` for
        an archive (rule 1 of the contract), ``first_seen_at`` when no date can be believed.
    duplicate_of : str or None
        Id of the earliest document of the same story.
    content_hash : str
        blake2b of normalised title and text, 32 hex digits.
    """

    id: str
    source_id: str
    guid: str | None
    entry_key: str
    url: str | None
    canonical_url: str | None
    title: str
    text: str
    author: str | None
    language: str | None
    published_at: datetime | None
    first_seen_at: datetime
    effective_at: datetime
    date_source: DateSource
    content_hash: str
    duplicate_of: str | None = None
    is_partial: bool = False
    engagement: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """What is remembered of a source between two crawls.

    Attributes
    ----------
    next_due_at : datetime or None
        Not asked before this instant; None means due.
    redirect_to, redirect_count
        The permanent redirect seen last and in how many consecutive runs.
    errors : int
        Consecutive failures.
    """

    source_id: str
    url: str
    status: SourceStatus = "active"
    next_due_at: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    redirect_to: str | None = None
    redirect_count: int = 0
    errors: int = 0
    first_error_at: datetime | None = None
    last_ok_at: datetime | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """One request and what came of it; a row of ``fetches``."""

    source_id: str
    url: str
    outcome: Outcome
    http_status: int | None
    bytes: int
    seconds: float
    etag: str | None
    last_modified: str | None
    body_hash: str | None
    fetched_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One item that could not be processed, and what a person can do about it."""

    stage: Stage
    item: str
    kind: str
    message: str
    advice: str


# -- labels -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One to three sentences of a document, the unit that is labelled.

    Attributes
    ----------
    part : {"title", "text"}
        The field of the document that holds the passage.
    start, end : int
        Character offsets in that field: ``field[start:end] == text``.
    """

    id: str
    document_id: str
    position: int
    part: PassagePart
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A narrative judged present in a passage, and the author's stance on it.

    Attributes
    ----------
    probability : float
        Calibrated probability in [0, 1] that the narrative is present.
    stance_probability : float
        Probability in [0, 1] of the stance given.
    is_causal_claim : bool
        The passage says or denies that this narrative moved a market.
    """

    passage_id: str
    document_id: str
    narrative_id: str
    probability: float
    stance: Stance
    stance_probability: float
    is_causal_claim: bool
    model: str
    taxonomy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A name found in a document; ``asset_id`` when it names a known asset."""

    document_id: str
    text: str
    label: str
    asset_id: str | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagging:
    """The labelling of one document by one model and taxonomy, whole or refused.

    Attributes
    ----------
    outcome : {"tagged", "untagged", "failed"}
        ``untagged``: the language is not covered; ``reason`` names it.
    """

    document_id: str
    content_hash: str
    model: str
    taxonomy: str
    outcome: TaggingOutcome
    language: str | None
    reason: str | None = None
    passages: Sequence[Passage] = ()
    labels: Sequence[Label] = ()
    entities: Sequence[Entity] = ()


# -- prices -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBar:
    """One observation of an asset.

    Attributes
    ----------
    date : date
        Value date in the asset's own calendar.
    close : float
        In the asset's unit (price, per cent for yields, basis points for spreads).
    as_of : datetime
        The instant that the value describes (the close), UTC.
    known_at : datetime
        The instant from which the value was public, UTC; never before ``as_of``.
    """

    asset_id: str
    date: date
    close: float
    as_of: datetime
    known_at: datetime
    open: float | None = None
    high: float | None = None
    low: float | None = None
    volume: float | None = None


# -- results of align ---------------------------------------------------------------


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
    """A dated numeric condition that would overturn the verdict."""

    condition: str
    series: str
    by: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What the answer rests on; ``share_of_panel`` in [0, 1] by source weight."""

    stories: int
    sources: int
    sources_expected: int
    share_of_panel: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The whole answer to "which story moved it?" for one day; ``explain --json``."""

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


# -- runs ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReport:
    """What a stage did, for the person who ran it.

    Attributes
    ----------
    counts : mapping
        Named counts, e.g. ``{"new": 12, "revised": 1}``; all zero when nothing was to do.
    failures : int
        Items that failed (rows of ``failures``); more than zero makes exit code 3.
    seconds : float
        Wall-clock time of the stage.
    notes : sequence of str
        Sentences that a person should read.
    """

    stage: Stage
    counts: Mapping[str, int]
    failures: int = 0
    seconds: float = 0.0
    notes: Sequence[str] = ()
