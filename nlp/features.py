"""Keyword counts as arrays, the features that stand beside the encoder's. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nlp.keywords import count_hits
from nlp.narratives import Taxonomy


def keyword_features(texts: Sequence[str], taxonomy: Taxonomy) -> NDArray[np.float32]:
    """Count keywords and against-cues.

    Returns
    -------
    ndarray of shape (n_texts, n_narratives, 2)
        ``log(1 + hits)`` of the narrative's keywords, and of its against-cues.
    """
    hits = np.zeros((len(texts), len(taxonomy.narratives), 2), dtype=np.float32)
    for row, text in enumerate(texts):
        for column, narrative in enumerate(taxonomy.narratives):
            words = count_hits(text, narrative.keywords)
            hits[row, column, 0] = words
            # Cues are common words: they only count beside a keyword of the narrative.
            if words:
                hits[row, column, 1] = count_hits(text, taxonomy.against_cues.get(narrative.id, ()))
    return np.log1p(hits)
