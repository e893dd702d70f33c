"""Which stories are news: a story that repeats an earlier one is attention, not information."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# Days within which a cosine alone marks a repeat (docs/method.md has what was read).
_WEEK = 7
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
    Copies are collapsed before. Within seven days a cosine at or above the frozen threshold is a
    repeat; where none is known the normalised title decides, and then a story in new words
    about old news counts as fresh. Beyond seven days a cosine alone tells nothing, for monthly
    releases are worded alike: there a repeat has the title of an earlier story, too.
    """
    fresh = _new_titles(stories["title"], day, days)
    week = _nearest(stories, "nearest_7")
    near = week >= rule["cosine"]
    if days <= _WEEK:
        return np.asarray(np.where(np.isnan(week), fresh, ~near), dtype=np.bool_)
    further = _nearest(stories, f"nearest_{days}")
    alike = np.isnan(further) | (further >= rule["cosine"])
    return np.asarray(~near & (fresh | ~alike), dtype=np.bool_)


def _nearest(stories: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """Return a column of cosines; NaN where it, or a value of it, is not known."""
    if name not in stories:
        return np.full(len(stories), np.nan)
    return np.asarray(stories[name], dtype=np.float64)


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
