"""Passages and what is read from them."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    """

    taxonomy: str
    language: str
    passages: Sequence[Passage]
    labels: Sequence[Label]


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
