"""What is told more and what less: log-odds of terms in two sets of stories. Pure."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

PRIOR = 10.0
"""Weight of the informative Dirichlet prior, in stories."""


def log_odds(now: Counts, before: Counts, stories: int, stories_before: int) -> Floats:
    """Return by term the log-odds ratio of the two sets over its standard error.

    Parameters
    ----------
    now, before : array of int, shape (terms,)
        Stories with the term in either set; each term is in some story.
    stories, stories_before : int
        Stories of either set, at least one each.

    Returns
    -------
    array of float, shape (terms,)
        Positive where the term is more common in the first set.

    References
    ----------
    Monroe, Colaresi & Quinn (2008), Fightin' words, Political Analysis 16(4), eq. 15, 16, 20 and
    22, doi:10.1093/pan/mpn018. Both terms of the variance are kept: an outlet can have most of
    the stories.
    """
    # A term of every story has no odds; with next to no rest it moves by next to nothing.
    share = np.minimum((now + before) / (stories + stories_before), 1 - 1e-9)
    odds, variance = np.zeros(len(now)), np.zeros(len(now))
    for sign, count, total in ((1, now, stories), (-1, before, stories_before)):
        having = count + PRIOR * share
        lacking = total - count + PRIOR * (1 - share)
        odds += sign * np.log(having / lacking)
        variance += 1 / having + 1 / lacking
    found: Floats = odds / np.sqrt(variance)
    return found


def two_sided(zscores: Floats) -> Floats:
    """Return the two-sided p-values of standard normal scores."""
    return np.array([math.erfc(abs(z) / math.sqrt(2)) for z in zscores])


def holm(pvalues: Sequence[float] | Floats) -> Floats:
    """Return p-values that hold for all of them together.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6(2).
    """
    values = np.asarray(pvalues, dtype=float)
    order = np.argsort(values, kind="stable")
    steps = np.minimum(1.0, values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty(len(values))
    adjusted[order] = np.maximum.accumulate(steps)
    return adjusted
