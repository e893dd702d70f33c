"""Which stories are news: a story that repeats an earlier one is attention, not information."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_NOT_WORD = re.compile(r"\W+")


def fresh_stories(
    stories: pd.DataFrame, day: NDArray[np.int64], days: int, rule: Mapping[str, Any]
) -> NDArray[np.bool_]:
    """Return which stories repeat none of the days before them.

    Parameters
    ----------
    stories : DataFrame
        ``title`` and, where embeddings were kept, ``nearest_7`` or ``nearest_30``: cosine of
        the nearest earlier story of so many days, NaN where it is not known.
    day : ndarray of shape (n_stories,)
        Calendar day number of each story's session.
    days : {7, 30}
    rule : mapping
        The table ``novelty`` of ``weights.toml``.

    Notes
    -----
    Copies are collapsed before. A cosine at or above the frozen threshold is a repeat; where
    none is known the normalised title decides, and then a story in new words about old news
    counts as fresh.
    """
    fresh = _new_titles(stories["title"], day, days)
    name = f"nearest_{days}"
    if name not in stories:
        return fresh
    nearest = stories[name].to_numpy(dtype=float)
    return np.where(np.isnan(nearest), fresh, nearest < rule["cosine"])


def _new_titles(titles: pd.Series, day: NDArray[np.int64], days: int) -> NDArray[np.bool_]:
    last: dict[str, int] = {}
    fresh = np.ones(len(titles), dtype=bool)
    for number, (title, today) in enumerate(zip(titles, day, strict=True)):
        key = _NOT_WORD.sub(" ", str(title or "")).strip().casefold()
        if not key:
            continue
        fresh[number] = key not in last or today - last[key] > days
        last[key] = int(today)
    return fresh
