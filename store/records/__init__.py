"""Records that pass between the stages, and the closed vocabularies of their columns.

Three families: data as it arrived (``FeedItem``, ``PriceBar``), data as stored
(``Document``, ``Label`` ...), and decisions or results (``Fetch``, ``Suspect`` ...).
All are frozen. Instants are aware and UTC; a ``date`` is a session date (New York
unless the asset's calendar is another). The SQL ``CHECK`` constraints are built from
the literals below, so code and schema cannot differ.
"""

from store.records.claims import (
    CheckedClaim,
    Claim,
    ClaimDate,
    ClaimFigure,
    ClaimSpan,
    ClaimUnit,
    ClaimVerdict,
    Subject,
)
from store.records.configured import Asset, Narrative, Source, without_legs
from store.records.documents import (
    MAX_REVISIONS,
    Document,
    FeedItem,
    Fetch,
    PageWait,
    SourceState,
)
from store.records.labels import (
    CAUSAL_WEIGHT,
    EarlierTagging,
    Entity,
    Label,
    Passage,
    Tagging,
)
from store.records.prices import PriceAnswer, PriceBar
from store.records.results import (
    AlignmentCell,
    Analog,
    Coverage,
    Episode,
    Explanation,
    Falsifier,
    IntensityPoint,
    Move,
    Quote,
    Suspect,
    SuspectParts,
)
from store.records.runs import Failure, StageReport
from store.records.vocabulary import (
    AssetClass,
    AssetUnit,
    CellStatus,
    ChangeUnit,
    DateSource,
    Outcome,
    PassagePart,
    RunStatus,
    SessionDate,
    SourceKind,
    SourceStatus,
    Stage,
    Stance,
    SuspectStatus,
    TaggingOutcome,
    Verdict,
)

__all__ = [
    "CAUSAL_WEIGHT",
    "MAX_REVISIONS",
    "AlignmentCell",
    "Analog",
    "Asset",
    "AssetClass",
    "AssetUnit",
    "CellStatus",
    "ChangeUnit",
    "CheckedClaim",
    "Claim",
    "ClaimDate",
    "ClaimFigure",
    "ClaimSpan",
    "ClaimUnit",
    "ClaimVerdict",
    "Coverage",
    "DateSource",
    "Document",
    "EarlierTagging",
    "Entity",
    "Episode",
    "Explanation",
    "Failure",
    "Falsifier",
    "FeedItem",
    "Fetch",
    "IntensityPoint",
    "Label",
    "Move",
    "Narrative",
    "Outcome",
    "PageWait",
    "Passage",
    "PassagePart",
    "PriceAnswer",
    "PriceBar",
    "Quote",
    "RunStatus",
    "SessionDate",
    "Source",
    "SourceKind",
    "SourceState",
    "SourceStatus",
    "Stage",
    "StageReport",
    "Stance",
    "Subject",
    "Suspect",
    "SuspectParts",
    "SuspectStatus",
    "Tagging",
    "TaggingOutcome",
    "Verdict",
    "without_legs",
]
