"""How well a topic's words go together, and how distinct topics are. Pure.

References
----------
Bouma (2009), Normalized (pointwise) mutual information in collocation extraction, GSCL. Dieng,
Ruiz & Blei (2020), Topic modeling in embedding spaces, doi:10.1162/tacl_a_00325 (diversity).
"""

from collections.abc import Sequence
from math import log
from typing import Any

import numpy as np


def npmi(words: Sequence[str], column: dict[str, int], present: Any) -> float | None:
    """Return the mean normalized pointwise mutual information of all pairs of words.

    Parameters
    ----------
    column : dict of word to column
    present : sparse matrix of shape (stories, words)
        1 where a story has a word.

    Returns
    -------
    float or None
        In [-1, 1]; a pair that no story has together counts -1. None with fewer than two words.
    """
    places = [column[word] for word in words if word in column]
    if len(places) < 2:
        return None
    chosen = present[:, places]
    together = np.asarray((chosen.T @ chosen).todense(), dtype=np.float64) / present.shape[0]
    alone = np.diag(together)
    found = [
        _pair(float(together[i, j]), float(alone[i]), float(alone[j]))
        for i in range(len(places))
        for j in range(i)
    ]
    return float(np.mean(found))


def _pair(both: float, first: float, second: float) -> float:
    if both == 0:
        return -1.0
    return 1.0 if both >= 1 else log(both / (first * second)) / -log(both)


def diversity(topics: Sequence[Sequence[str]]) -> float | None:
    """Return the share of distinct words among the words of all topics; None without one."""
    words = [word for topic in topics for word in topic]
    return len(set(words)) / len(words) if words else None
