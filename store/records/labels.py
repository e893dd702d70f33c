"""Passages and what is read from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from store.records.vocabulary import PassagePart, Stance, TaggingOutcome

# A passage that says or denies what moved a market is where an author commits: it counts three
# times in the majority that gives a document its stance.
CAUSAL_WEIGHT = 3.0


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
class EarlierTagging:
    """What a model found in a text before, maybe for another document or taxonomy.

    Attributes
    ----------
    taxonomy : str
        The taxonomy's version at that time.
    language : str
        What the text was taken for: a copy may come from a source that states another.
    passages, labels : sequences
        As stored then; their ids are those of the document that carried the text.
    vector : bytes or None
        As in `Tagging`.
    """

    taxonomy: str
    language: str
    passages: Sequence[Passage]
    labels: Sequence[Label]
    vector: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagging:
    """The labelling of one document by one model and taxonomy, whole or refused.

    Attributes
    ----------
    outcome : {"tagged", "untagged", "failed"}
        ``untagged``: the language is not covered; ``reason`` names it.
    vector : bytes or None
        Where title and lead lie in the encoder's space: one signed byte per dimension, to be
        scaled to length one. None where the encoder was not asked yet.
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
    vector: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCounts:
    """How often a model is right about one narrative, on labelled passages of one language.

    Attributes
    ----------
    positives, true_positives : int
        Passages that carry the narrative, and those of them that the model finds.
    negatives, false_positives : int
        Passages that do not carry it, and those of them in which the model sees it.
    """

    narrative_id: str
    language: str
    positives: int
    true_positives: int
    negatives: int
    false_positives: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """How near the nearest earlier story is.

    Attributes
    ----------
    nearest_7, nearest_30 : float or None
        Highest cosine with a story of the 7 or 30 days before; None where there is none.
    nearest_id : str or None
        The story behind ``nearest_30``.
    """

    document_id: str
    nearest_7: float | None
    nearest_30: float | None
    nearest_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryVector:
    """A story in the encoder's space; ``nearest`` is None until it was looked for."""

    document_id: str
    effective_at: datetime
    vector: bytes
    nearest: Nearest | None
