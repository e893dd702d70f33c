"""Whether a passage is about a narrative that has no trained head.

Two steps, as in retrieval. First cheap evidence for every passage: how close it is to the
proposition and the examples as a whole, how well it covers the proposition word by word
(late interaction, each word weighted by its rarity), and keywords. Then, for passages that
may be relevant, the pair model reads passage and proposition together. One logistic curve
for each step turns all of it into a probability; the second was fitted on subjects that the
pair model never saw.

References
----------
Khattab & Zaharia (2020), ColBERT, doi:10.1145/3397271.3401075 (late interaction).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nlp.calibrate import logit, sigmoid
from nlp.encoder import Encoder
from nlp.keywords import count_hits
from nlp.pairs import PairModel
from nlp.states import States, coverage, token_states
from store.records import Narrative

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Logistic weights of the evidence for a narrative that has no head of its own.

    Attributes
    ----------
    first : mapping
        Weights of ``similarity``, ``coverage``, ``keywords`` and ``offset``.
    bare : mapping
        The same for a narrative without keywords.
    ask : float
        Probability after the first step from which the pair model is asked.
    second : mapping
        Weights of the ``first`` step's logit, the pair model's ``relevance`` logit, ``offset``.
    threshold : float
        Probability from which the narrative counts as present.
    """

    first: Mapping[str, float]
    bare: Mapping[str, float]
    ask: float
    second: Mapping[str, float]
    threshold: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Cheap evidence for passages and one narrative, arrays of shape (n,)."""

    similarity: Floats
    coverage: Floats
    keywords: Floats


@dataclass(slots=True)
class Custom:
    """Judges whether passages are about narratives without heads.

    Attributes
    ----------
    rarity : ndarray of shape (vocabulary,) or None
        Weights of token ids for `nlp.states.coverage`; None where the encoder is the
        user's own, whose vocabulary nobody counted: every token weighs the same.
    """

    encoder: Encoder
    pairs: PairModel
    curve: Curve
    rarity: NDArray[np.float32] | None = None
    _references: dict[tuple[str, ...], list[States]] = field(default_factory=dict)

    def presence(
        self, texts: Sequence[str], narratives: Sequence[Narrative]
    ) -> tuple[Floats, float]:
        """Return probabilities of shape (n_texts, n_narratives), and the threshold."""
        present = np.zeros((len(texts), len(narratives)))
        for column, (narrative, evidence) in enumerate(
            zip(narratives, self.evidence(texts, narratives), strict=True)
        ):
            weights = self.curve.first if narrative.keywords else self.curve.bare
            present[:, column] = self._second_step(texts, narrative, first_step(evidence, weights))
        return present, self.curve.threshold

    def evidence(self, texts: Sequence[str], narratives: Sequence[Narrative]) -> list[Evidence]:
        """Gather the cheap evidence, with one encoder pass for all narratives."""
        shape = (len(narratives), len(texts))
        near, covered = np.zeros(shape), np.zeros(shape)
        references = [self._reference(narrative) for narrative in narratives]
        for place, passage in token_states(self.encoder, texts):
            for row, reference in enumerate(references):
                near[row, place] = _nearness(passage, reference)
                covered[row, place] = coverage(passage, reference[0], self._rarity())
        return [
            Evidence(near[row], covered[row], _hits(texts, narrative))
            for row, narrative in enumerate(narratives)
        ]

    def _second_step(self, texts: Sequence[str], narrative: Narrative, first: Floats) -> Floats:
        """Let the pair model decide about passages that may be relevant."""
        result = sigmoid(first)
        # Rounded, so that the last bits, which neighbours in a batch move, decide nothing.
        asked = np.flatnonzero(result.round(4) >= self.curve.ask)
        if asked.size:
            pairs = [(texts[int(place)], narrative.proposition) for place in asked]
            relevance = logit(self.pairs.judge(pairs).relevance)
            result[asked] = sigmoid(second_step(first[asked], relevance, self.curve.second))
        return result

    def _reference(self, narrative: Narrative) -> list[States]:
        texts = (narrative.proposition, *(text for text in narrative.examples if text.strip()))
        if texts not in self._references:
            found = dict(token_states(self.encoder, texts))
            self._references[texts] = [found[place] for place in sorted(found)]
        return self._references[texts]

    def _rarity(self) -> NDArray[np.float32]:
        if self.rarity is None:
            self.rarity = np.ones(self.encoder.vocabulary, dtype=np.float32)
        return self.rarity


def first_step(evidence: Evidence, weights: Mapping[str, float]) -> Floats:
    """Return logits of shape (n,) from the cheap evidence."""
    total = weights["similarity"] * evidence.similarity + weights["coverage"] * evidence.coverage
    return np.asarray(total + weights["keywords"] * evidence.keywords + weights["offset"])


def second_step(first: Floats, relevance: Floats, weights: Mapping[str, float]) -> Floats:
    """Return logits of shape (n,) from those of the first step and of the pair model."""
    return np.asarray(
        weights["first"] * first + weights["relevance"] * relevance + weights["offset"]
    )


def _nearness(passage: States, references: Sequence[States]) -> float:
    """Mean of the cosine to the proposition and the best cosine to any anchor."""
    cosines = [float(passage.mean @ reference.mean) for reference in references]
    return (cosines[0] + max(cosines)) / 2


def _hits(texts: Sequence[str], narrative: Narrative) -> Floats:
    return np.log1p([float(count_hits(text, narrative.keywords)) for text in texts])
