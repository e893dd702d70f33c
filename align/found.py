"""Narratives that were found on a day: what was tagged afterwards is no evidence of a lead.

A narrative that comes of a discovered topic was found *because of* what had happened. Its history
is tagged, counted and shown like any other; but that it was told before a move which helped to
find it is no finding. So its leads are tested as if its archive began on the day it was found,
and a move up to that day is held against all other narratives, not against this one.

What stays as it is: the shares and innovations themselves. The innovation of a later day is what
the share did beyond a forecast from its past, and that past was there on the day, tagged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from align.alibis import Alibi
from align.archive import Archive
from align.evidence import TextEvidence
from align.signatures import Match
from align.wording import say_date
from store.records import Narrative, Timing

FoundOn = Mapping[str, date]
# No line of prices either: whoever wrote the signature had seen the move.
NO_MATCH = Match(cosine=None, percentile=None, contradicted_by=(), core_silent=False)
_LINES = ("z", "percentile", "own_percentile", "causal_share", "causal_stories", "pre_share",
          "pace", "z_before", "z_after", "z_draws", "causal_draws", "pace_draws",
          "usual")  # fmt: skip


def found_days(narratives: Sequence[Narrative]) -> dict[str, date]:
    """Return the day on which each narrative was found, but for those known beforehand."""
    return {one.id: one.found_on for one in narratives if one.found_on is not None}


def since_found(innovations: pd.DataFrame, found_on: FoundOn) -> pd.DataFrame:
    """Return innovations by session date and narrative, those before it was found as NaN."""
    known = innovations.copy()
    for name in set(found_on) & set(known.columns):
        before = known.index.to_numpy().astype("datetime64[D]") < np.datetime64(found_on[name])
        known.loc[before, name] = np.nan
    return known


def found_since(found_on: FoundOn, start: date) -> dict[str, date]:
    """Return the narratives that were found when a move had begun, or later.

    Parameters
    ----------
    start : date
        First session of the move. Of the day itself nobody knows which came first: the
        stories of that day are among those in which the narrative was found.
    """
    return {name: day for name, day in found_on.items() if day >= start}


def found_later(day: date) -> Alibi:
    """Return why a narrative is no suspect of a move up to the day on which it was found."""
    words = f"found on {say_date(day)}: earlier days were tagged afterwards and are no evidence"
    return Alibi(words=words, rejects=True, later=True)


def sessions_known(archive: Archive, row: int, day: date, weights: Mapping[str, Any]) -> int | None:
    """Return how many sessions of talk before a move lie on the day of finding or after it.

    Parameters
    ----------
    row : int
        Of the move's first session, in the archive's grid.

    Returns
    -------
    int or None
        At most those that are looked at; None for a move up to the day itself.
    """
    if day >= archive.day(row):
        return None
    return sum(day <= archive.day(row - back) for back in range(1, weights["window"]["before"] + 1))


def with_before(weights: Mapping[str, Any], sessions: int) -> dict[str, Any]:
    """Return the weights with another number of sessions of talk before the move."""
    return {**weights, "window": {**weights["window"], "before": sessions}}


def with_evidence(text: TextEvidence, place: int, other: TextEvidence | None) -> TextEvidence:
    """Return the evidence with that of one narrative from another window of talk.

    Parameters
    ----------
    other : TextEvidence or None
        None: nothing of its talk is evidence.

    Notes
    -----
    The placebo days of another window are others, too; they are left out.
    """
    changed = {}
    for name in (*_LINES, "past_z"):
        values = getattr(text, name).copy()
        if other is not None and name != "past_z":
            values[..., place] = getattr(other, name)[..., place]
        else:
            # No story names it as a cause, and all else about its talk is not known.
            values[..., place] = 0 if name.startswith("causal") else np.nan
        changed[name] = values
    return replace(text, **changed)


def hours_since(timing: Timing, found_on: FoundOn) -> Timing:
    """Return the hours of talk without the lines that begin before a narrative was found."""
    move = timing.price_from.date()
    return replace(
        timing,
        lines=tuple(
            line
            for line in timing.lines
            for day in (found_on.get(line.narrative_id),)
            if day is None
            or (day < move and (line.first_at is None or day <= line.first_at.date()))
        ),
    )
