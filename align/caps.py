"""How much a story weighs inside its source's day: nobody speaks for a source alone.

Identical text is one story already (copies). Five hundred slightly varied posts are five
hundred stories, and where anybody may post, one account or one link farm can write them. So an
author, and in a source that carries many domains a domain, weighs on a day no more than a few
stories, or a small part of what all others of that source brought. Within a source of one
author or one domain nothing changes: a common factor leaves the share and Kish's effective n
as they are.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def story_weights(
    stories: pd.DataFrame, rows: NDArray[np.intp], rule: Mapping[str, Any]
) -> NDArray[np.float64]:
    """Return the weight in (0, 1] of each story within its source and session.

    Parameters
    ----------
    stories : DataFrame
        ``source_id``, and where they are known ``author`` and ``domain``; a story without
        an author is capped by none, one without a domain likewise.
    rows : ndarray of shape (n_stories,)
        Session of each story.
    rule : mapping
        The table ``caps`` of ``weights.toml``.

    Notes
    -----
    The authors come first, the domains then cap what the authors' caps left. One voice then
    moves a share by at most w c / (n + c), w the weight of its source in the panel, c the cap
    and n the weight of the source's other stories: under a point where w is under n / 200.
    Many accounts on a platform of one domain are many voices to this rule.
    """
    weight = np.ones(len(stories))
    cells = pd.DataFrame({"row": rows, "source_id": stories["source_id"].to_numpy()})
    cell = np.asarray(cells.groupby(["row", "source_id"]).ngroup(), dtype=np.intp)
    for name, least in (("author", 1), ("domain", rule["many_domains"])):
        if name in stories and stories[name].notna().any():
            weight = _capped(weight, cell, stories[name], rule[name], rule["part"], least)
    return weight


def _capped(
    weight: NDArray[np.float64],
    cell: NDArray[np.intp],
    group: pd.Series,
    cap: float,
    part: float,
    least: int,
) -> NDArray[np.float64]:
    """Scale each group of a cell down to its cap, where a cell has ``least`` groups or more."""
    codes, _ = pd.factorize(group.astype("string").str.strip().str.casefold())
    named = codes >= 0
    key = cell.astype(np.int64) * (codes.max() + 2) + codes
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    total = np.bincount(place, weight)
    of_cell, known = cell[first], named[first]
    # The others, too, count for no more than the cap: two farms must not lift each other.
    modest = np.where(known, np.minimum(total, cap), total)
    groups, whole = np.bincount(of_cell, known), np.bincount(of_cell, modest)
    most = np.maximum(cap, part * (whole[of_cell] - modest))
    applies = known & (groups[of_cell] >= least)
    factor = np.where(applies, np.minimum(1.0, most / np.maximum(total, 1e-12)), 1.0)
    return np.asarray(weight * factor[place], dtype=np.float64)
