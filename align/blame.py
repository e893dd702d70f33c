"""The flow of blame: which cause the stories state on day 0, 1, 3 and 7 after a move.

Explanations are written after the fact and settle on one story with time; the table shows the
settling. It is no evidence of a cause and enters no score.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from align.archive import Archive
from store.records import BlameDay, BlameShare


def blame_flow(
    archive: Archive | None, row: int, weights: Mapping[str, Any]
) -> tuple[BlameDay, ...]:
    """Return the stated causes by session after the window that ends at a row of the grid.

    A session that is not over, was not collected, or on which too few stories name any
    narrative, is left out: it is no day of agreement.

    Notes
    -----
    Every story has one vote, split over the narratives that it blames (or, where fewer than
    ``claims_least`` stories of the day claim a cause, that it carries). A denial is no vote.
    """
    rule = weights["blame"]
    if archive is None:
        return ()
    found = []
    for after in rule["days"]:
        at = row + after
        if not 0 <= at < len(archive.grid.days) or not archive.complete[at] or archive.missing(at):
            continue
        day = _day(archive, at, after, rule)
        if day is not None:
            found.append(day)
    return tuple(found)


def _day(archive: Archive, at: int, after: int, rule: Mapping[str, Any]) -> BlameDay | None:
    today = (archive.grid.story_day[archive.story] == at) & (archive.stance >= 0)
    claims = today & archive.causal
    stories = np.unique(archive.story[claims])
    if len(stories) >= rule["claims_least"]:
        return _shares(archive, claims, at, after, "claims")
    talk = np.unique(archive.story[today])
    if len(talk) < rule["talk_least"]:
        return None
    return _shares(archive, today, at, after, "talk")


def _shares(
    archive: Archive, chosen: NDArray[np.bool_], at: int, after: int, basis: Any
) -> BlameDay:
    story, narrative = archive.story[chosen], archive.narrative[chosen]
    place, split = np.unique(story, return_inverse=True)
    votes = 1.0 / np.bincount(split)[split]
    share = np.bincount(narrative, votes, minlength=len(archive.narrative_ids)) / len(place)
    positive = share[share > 0]
    spread = -float((positive * np.log(positive)).sum())
    order = np.lexsort((np.arange(len(share)), -share))
    return BlameDay(
        after=after,
        date=archive.day(at),
        basis=basis,
        stories=len(place),
        shares=tuple(
            BlameShare(narrative_id=archive.narrative_ids[one], share=round(float(share[one]), 6))
            for one in order.tolist()
            if share[one] > 0
        ),
        entropy=round(max(spread / float(np.log(max(len(share), 2))), 0.0), 6),
    )
