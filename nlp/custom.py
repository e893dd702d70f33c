"""Narratives without trained heads: similarity to what the user wrote, and keywords.

A passage is compared with the proposition and the examples in the space of the
encoder; keyword hits add evidence. One logistic curve, fitted over the default narratives
while each in turn is held out, turns both into a probability (docs/evaluation.md says how
far that carries). Pure but for the vectors, which the caller computes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nlp.calibrate import sigmoid
from nlp.keywords import count_hits
from store.records import Narrative

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Logistic weights of a narrative that has no head of its own.

    Attributes
    ----------
    space : {"tuned", "base"}
        Which encoder's vectors the similarity is taken in.
    bare_threshold : float
        Probability from which a narrative without keywords counts as present.
    """

    space: str
    similarity: float
    keywords: float
    offset: float
    threshold: float
    bare_similarity: float
    bare_offset: float
    bare_threshold: float


def anchors(narrative: Narrative) -> list[str]:
    """Return the texts that stand for a narrative: proposition first, then examples."""
    return [narrative.proposition, *narrative.examples]


def similarity(passages: Floats, references: Floats) -> Floats:
    """Compare passages with a narrative's anchors.

    Parameters
    ----------
    passages : ndarray of shape (n, width)
    references : ndarray of shape (m, width)
        The proposition's vector first.

    Returns
    -------
    ndarray of shape (n,)
        Mean of the cosine to the proposition and the best cosine to any anchor.
    """
    cosine = unit(passages) @ unit(references).T
    return np.asarray((cosine[:, 0] + cosine.max(axis=1)) / 2)


def presence(
    texts: Sequence[str], narrative: Narrative, passages: Floats, references: Floats, curve: Curve
) -> tuple[Floats, float]:
    """Return probabilities of shape (n,) that a narrative is present, and the threshold."""
    near = similarity(passages, references)
    if not narrative.keywords:
        return sigmoid(curve.bare_similarity * near + curve.bare_offset), curve.bare_threshold
    hits = np.log1p([float(count_hits(text, narrative.keywords)) for text in texts])
    logit = curve.similarity * near + curve.keywords * hits + curve.offset
    return sigmoid(logit), curve.threshold


def unit(vectors: Floats) -> Floats:
    """Scale rows to length one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12))
