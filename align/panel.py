"""Who was collected on which day: sources, their stories, and the weights of the panel.

A share is computed within each source and then averaged with weights that were fixed before
the day, so that neither a prolific outlet nor a new feed moves it by itself. A source is
*expected* on a day when it delivered on at least 60 % of the 20 collected days before it.
Sources that appear now and then form one stratum of their own, in which an outlet counts at
most twice a day. Inside a source no author and no domain counts for more than a few stories
(``caps.py``). Only earlier days decide about a day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.caps import story_weights

EXPECTED_DAYS = 20
EXPECTED_SHARE = 0.6
# Fewer collected days than this behind a day: nobody can be expected yet.
LEAST_DAYS = 5
# A day counts when this much of the panel's weight was there; else it is missing, never 0.
LEAST_COVERAGE = 0.8
# What one outlet of the occasional stratum may count for on a day, in stories.
OCCASIONAL_CAP = 2.0
BASELINE_DAYS = 60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """Stories on sessions and sources.

    Attributes
    ----------
    days : DatetimeIndex of shape (n_days,)
        Consecutive New York sessions from the first collected one to the last.
    source_ids : sequence of str
        Regular sources, those that could ever be expected; columns of ``stories``.
    source_weights : ndarray of shape (n_sources,)
    story_day, story_source : ndarray of shape (n_stories,)
        Row in ``days``; column in ``source_ids`` or -1 for an occasional source.
    story_weight : ndarray of shape (n_stories,)
        Weight in [0, 1] of a story within its source and day; 0 on a day with holes.
    story_cap : ndarray of shape (n_stories,)
        Weight of a story inside the occasional stratum: that, the cap and the source weight.
    cap, cap_squared : ndarray of shape (n_days,)
        Sums of that weight and of its square.
    cap_by_source, cap_squared_by_source : ndarray of shape (n_days, n_sources)
        The part of it that regular sources bring.
    stories : ndarray of shape (n_days, n_sources)
        Sums of ``story_weight``.
    dispersion : ndarray of shape (n_days, n_sources)
        Sum of squared weights over the squared sum: one over the effective number of stories;
        0 without a story.
    delivered : ndarray of bool, shape (n_days, n_sources)
        A document came, labelled or not, or the source answered and had nothing new; but
        not where most of what it publishes in pieces was missing.
    covered : ndarray of bool, shape (n_days,)
        Any document at all was collected.
    sources_seen : ndarray of shape (n_days,)
        Number of sources that delivered.
    deliveries : ndarray of uint64, shape (n_days,)
        Which ones, as one number: regular or not, so that it is the same when a source
        becomes regular later.
    delivery_day, delivery_source : ndarray of shape (n_deliveries,)
        Each day on which any source delivered, regular or not, with a number for the source.
    """

    days: pd.DatetimeIndex
    source_ids: Sequence[str]
    source_weights: NDArray[np.float64]
    story_day: NDArray[np.intp]
    story_source: NDArray[np.intp]
    story_weight: NDArray[np.float64]
    story_cap: NDArray[np.float64]
    cap: NDArray[np.float64]
    cap_squared: NDArray[np.float64]
    cap_by_source: NDArray[np.float64]
    cap_squared_by_source: NDArray[np.float64]
    stories: NDArray[np.float64]
    dispersion: NDArray[np.float64]
    delivered: NDArray[np.bool_]
    covered: NDArray[np.bool_]
    sources_seen: NDArray[np.intp]
    deliveries: NDArray[np.uint64]
    delivery_day: NDArray[np.intp]
    delivery_source: NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """The panel of one day, from the days before it.

    Attributes
    ----------
    members : ndarray of int
        Columns of the expected sources.
    weights : ndarray of shape (n_members,)
        Source weight times the square root of the effective stories it brought per day.
    rates : ndarray of shape (n_members,)
        Share of those days on which each of them delivered.
    pool_weight : float
        Weight of the occasional stratum, on the same footing.
    pool_usual : float
        Stories per day of that stratum.
    """

    members: NDArray[np.intp]
    weights: NDArray[np.float64]
    rates: NDArray[np.float64]
    pool_weight: float
    pool_usual: float


def build_grid(
    stories: pd.DataFrame,
    story_rows: NDArray[np.intp],
    collected: pd.DataFrame,
    collected_rows: NDArray[np.intp],
    days: pd.DatetimeIndex,
    *,
    caps: Mapping[str, Any],
    answered: pd.DataFrame | None = None,
    holes: pd.DataFrame | None = None,
) -> Grid:
    """Count stories by session and source.

    Parameters
    ----------
    stories : DataFrame
        ``source_id, weight``, one row per story, and ``author, domain`` where known.
    story_rows, collected_rows : ndarray
        Session of each story and of each collected document, as a row of ``days``.
    collected : DataFrame
        ``source_id`` of every document.
    answered : DataFrame, optional
        ``source_id, row``: sources that answered a request on a session.
    caps : mapping
        The table of ``weights.toml``.
    holes : DataFrame, optional
        ``source_id, row``: sources of which most was missing on a session.
    """
    pairs = pd.DataFrame({"source_id": collected["source_id"].to_numpy(), "row": collected_rows})
    if answered is not None and len(answered):
        pairs = pd.concat([pairs, answered[["source_id", "row"]]])
    pairs = _without(pairs.drop_duplicates(), holes)
    covered = np.zeros(len(days), dtype=bool)
    covered[collected_rows] = True
    regular = _regular(pairs, covered)
    column = {source_id: position for position, source_id in enumerate(regular)}
    n_days, n_sources = len(days), len(regular)
    delivered = np.zeros((n_days, n_sources), dtype=bool)
    known = pairs[pairs["source_id"].isin(column)]
    delivered[known["row"], known["source_id"].map(column).astype(int)] = True
    columns = stories["source_id"].map(column).fillna(-1).to_numpy()
    story_source: NDArray[np.intp] = columns.astype(np.intp)
    inside = story_source >= 0
    same = pd.DataFrame({"source_id": stories["source_id"].to_numpy(), "row": story_rows})
    own = story_weights(stories, story_rows, caps) * _whole(same, holes)
    counts, squares = (np.zeros((n_days, n_sources)) for _ in range(2))
    for power, table in ((1, counts), (2, squares)):
        np.add.at(table, (story_rows[inside], story_source[inside]), own[inside] ** power)
    by_source = stories.drop_duplicates("source_id").set_index("source_id")["weight"]
    weight = stories["weight"].to_numpy(dtype=float)
    per_cell = same.assign(own=own).groupby(["row", "source_id"])["own"].transform("sum")
    cap = weight * own * np.minimum(1.0, OCCASIONAL_CAP / np.maximum(per_cell.to_numpy(), 1.0))
    pooled = [np.zeros((n_days, n_sources)) for _ in range(2)]
    for power, table in enumerate(pooled, start=1):
        np.add.at(table, (story_rows[inside], story_source[inside]), cap[inside] ** power)
    return Grid(
        days=days,
        source_ids=regular,
        source_weights=by_source.reindex(regular).fillna(1.0).to_numpy(dtype=float),
        story_day=story_rows,
        story_source=story_source,
        story_weight=own,
        story_cap=cap,
        cap=np.bincount(story_rows, cap, minlength=n_days).astype(float),
        cap_squared=np.bincount(story_rows, cap**2, minlength=n_days).astype(float),
        cap_by_source=pooled[0],
        cap_squared_by_source=pooled[1],
        stories=counts,
        dispersion=np.divide(squares, counts**2, out=np.zeros_like(counts), where=counts > 0),
        delivered=delivered,
        covered=covered,
        sources_seen=np.bincount(pairs["row"], minlength=n_days).astype(np.intp),
        deliveries=_deliveries(pairs, n_days),
        delivery_day=pairs["row"].to_numpy(dtype=np.intp),
        delivery_source=pd.factorize(pairs["source_id"])[0].astype(np.intp),
    )


def _deliveries(pairs: pd.DataFrame, n_days: int) -> NDArray[np.uint64]:
    out = np.zeros(n_days, dtype=np.uint64)
    hashes = pd.util.hash_array(pairs["source_id"].to_numpy(dtype=object))
    np.add.at(out, pairs["row"].to_numpy(dtype=np.intp), hashes)
    return out


def _without(pairs: pd.DataFrame, holes: pd.DataFrame | None) -> pd.DataFrame:
    """Leave out what came from sources on days of which most of them is missing."""
    return pairs if holes is None else pairs[_whole(pairs, holes) > 0]


def _whole(pairs: pd.DataFrame, holes: pd.DataFrame | None) -> NDArray[np.float64]:
    """Return 0 for the sources and rows that have holes, 1 for the others."""
    if holes is None or holes.empty:
        return np.ones(len(pairs))
    marked = pairs[["source_id", "row"]].merge(
        holes[["source_id", "row"]].drop_duplicates(), how="left", indicator=True
    )
    return np.asarray(marked["_merge"] == "left_only", dtype=np.float64)


def _regular(pairs: pd.DataFrame, covered: NDArray[np.bool_]) -> list[str]:
    """Return the sources that could ever be expected: storage for the others is not needed.

    Looks at all days, but decides nothing: :func:`panel_of` judges by earlier days alone.
    """
    first = np.flatnonzero(covered)[:EXPECTED_DAYS]
    early = pairs[pairs["row"].isin(first)]["source_id"].value_counts()
    ever = pairs["source_id"].value_counts()
    return sorted(
        {*early[early >= EXPECTED_SHARE * LEAST_DAYS].index}
        | {*ever[ever >= EXPECTED_SHARE * EXPECTED_DAYS].index}
    )


def panel_of(grid: Grid, row: int) -> Panel:
    """Return the panel of a day, decided by the collected days before it alone."""
    before = np.flatnonzero(grid.covered[:row])[-EXPECTED_DAYS:]
    if len(before) < LEAST_DAYS:
        members = np.empty(0, dtype=np.intp)
        nothing = np.empty(0)
        return Panel(
            members=members, weights=nothing, rates=nothing, pool_weight=1.0, pool_usual=0.0
        )
    rates = grid.delivered[before].mean(axis=0)
    members = np.flatnonzero(rates >= EXPECTED_SHARE)
    spread = grid.dispersion[before][:, members]
    # The effective number: five hundred posts of one voice are not more evidence than two.
    usual = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0).mean(axis=0)
    pool_usual = float(_pool(grid, before, members).mean())
    # The square root: volume is evidence, but an outlet that prints ten times as much is
    # not ten times as much opinion. 0.05 keeps a source that only brought copies.
    return Panel(
        members=members,
        weights=grid.source_weights[members] * np.sqrt(np.maximum(usual, 0.05)),
        rates=rates[members],
        pool_weight=float(np.sqrt(pool_usual)) if pool_usual > 0 or len(members) else 1.0,
        pool_usual=pool_usual,
    )


def coverage_of(grid: Grid, row: int, panel: Panel) -> float | None:
    """Return the share of the expected weight that was there; None before it is known.

    Expected is weight times the usual rate of delivery: a newsletter of three days a week is
    no gap on the other two. The occasional stratum counts in full from half of its usual size
    on.
    """
    if not grid.covered[row]:
        return 0.0
    whole = float((panel.weights * panel.rates).sum()) + panel.pool_weight
    if not len(panel.members) and panel.pool_usual == 0.0:
        return None
    there = float(panel.weights[grid.delivered[row, panel.members]].sum())
    if panel.pool_usual > 0:
        today = float(_pool(grid, np.array([row]), panel.members)[0])
        there += panel.pool_weight * min(1.0, today / (0.5 * panel.pool_usual))
    return min(there / whole, 1.0) if whole > 0 else None


def _pool(grid: Grid, rows: NDArray[np.intp], members: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the capped stories of all sources but the members, by day."""
    inside = grid.cap_by_source[np.ix_(rows, members)].sum(axis=1)
    # Float dust of the subtraction must not look like a story.
    rest = grid.cap[rows] - inside
    return np.where(rest > 1e-9, rest, 0.0)
