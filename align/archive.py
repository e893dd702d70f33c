"""Labelled stories on New York sessions: what every statistic of text starts from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.panel import LEAST_COVERAGE, Grid, Panel, build_grid, coverage_of, panel_of
from align.sessions import SessionCalendar

_STANCES = {"favor": 1, "against": -1, "none": 0}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Archive:
    """Labelled stories on the New York grid: what every statistic of text starts from.

    Attributes
    ----------
    offset : int
        Session number, in ``calendar``, of row 0 of the grid.
    narrative_ids : sequence of str
    story, narrative : ndarray of shape (n_labels,)
        Story number and narrative number of each label.
    stance : ndarray of shape (n_labels,)
        1 favor, -1 against, 0 none.
    causal : ndarray of bool, shape (n_labels,)
    complete : ndarray of bool, shape (n_days,)
        The session had closed by the time of the computation.
    panels : list of Panel
        One per day, from the days before it.
    coverage : list of float or None
        Share of the panel's weight that was there; None while no panel is known.
    """

    calendar: SessionCalendar
    offset: int
    grid: Grid
    stories: pd.DataFrame
    narrative_ids: Sequence[str]
    story: NDArray[np.intp]
    narrative: NDArray[np.intp]
    stance: NDArray[np.int8]
    causal: NDArray[np.bool_]
    complete: NDArray[np.bool_]
    panels: Sequence[Panel]
    coverage: Sequence[float | None]

    def missing(self, row: int) -> bool:
        """Return whether too little was collected on a day for any share."""
        share = self.coverage[row]
        return not self.grid.covered[row] or (share is not None and share < LEAST_COVERAGE)

    def day(self, row: int) -> date:
        """Return the session date of a row."""
        return self.calendar.day(self.offset + row)


def build_archive(
    stories: pd.DataFrame,
    labels: pd.DataFrame,
    collected: pd.DataFrame,
    calendar: SessionCalendar,
    narrative_ids: Sequence[str],
    *,
    now: datetime,
    fetch_log: pd.DataFrame | None = None,
    copies: pd.DataFrame | None = None,
) -> Archive | None:
    """Put labelled stories on sessions; None when nothing counts by ``now``.

    Parameters
    ----------
    stories, labels, collected, fetch_log : DataFrame
        As ``store.frames`` gives them.
    now : datetime
        What becomes effective later is not looked at.
    copies : DataFrame, optional
        ``document_id`` of the story and ``effective_at`` of each copy; without it the column
        ``copies`` of the stories stands.
    """
    moment = pd.Timestamp(now)
    stories = stories[stories["effective_at"] <= moment].reset_index(drop=True)
    collected = collected[collected["effective_at"] <= moment]
    if collected.empty:
        return None
    collected_rows = calendar.positions(collected["effective_at"])
    first, last = int(collected_rows.min()), int(collected_rows.max())
    days = pd.DatetimeIndex(calendar.dates[first : last + 1].astype("datetime64[ns]"))
    if copies is not None:
        stories = stories.assign(copies=_copies_by_close(stories, copies, calendar))
    grid = build_grid(
        stories,
        calendar.positions(stories["effective_at"]) - first,
        collected,
        collected_rows - first,
        days,
        answered=_answered(fetch_log, calendar, first, len(days), moment),
    )
    number = pd.Series(np.arange(len(stories)), index=stories["document_id"])
    column = {narrative_id: place for place, narrative_id in enumerate(narrative_ids)}
    known = labels[labels["document_id"].isin(number.index) & labels["narrative_id"].isin(column)]
    panels = [panel_of(grid, row) for row in range(len(days))]
    return Archive(
        calendar=calendar,
        offset=first,
        grid=grid,
        stories=stories,
        narrative_ids=list(narrative_ids),
        story=number.loc[known["document_id"]].to_numpy(dtype=np.intp),
        narrative=known["narrative_id"].map(column).to_numpy().astype(np.intp),
        stance=known["stance"].map(_STANCES).to_numpy().astype(np.int8),
        causal=known["causal"].to_numpy(dtype=bool),
        complete=calendar.closes[first : last + 1] <= moment.as_unit("ns").value,
        panels=panels,
        coverage=[coverage_of(grid, row, panel) for row, panel in enumerate(panels)],
    )


def _copies_by_close(
    stories: pd.DataFrame, copies: pd.DataFrame, calendar: SessionCalendar
) -> NDArray[np.intp]:
    """Return how often each story was out by the close of its session, itself included.

    A copy of a later day does not belong to the reach of this one: it would change a number
    that was printed before.
    """
    number = pd.Series(np.arange(len(stories)), index=stories["document_id"])
    copies = copies[copies["document_id"].isin(number.index)]
    original = number.loc[copies["document_id"]].to_numpy(dtype=np.intp)
    session = calendar.positions(stories["effective_at"])
    same = calendar.positions(copies["effective_at"]) <= session[original]
    return 1 + np.bincount(original[same], minlength=len(stories)).astype(np.intp)


def _answered(
    fetch_log: pd.DataFrame | None,
    calendar: SessionCalendar,
    first: int,
    n_days: int,
    moment: pd.Timestamp,
) -> pd.DataFrame | None:
    """Return the sources that answered a request on a session, with or without news."""
    if fetch_log is None or fetch_log.empty:
        return None
    good = fetch_log[
        fetch_log["outcome"].isin(["ok", "not_modified", "unchanged"])
        & (fetch_log["fetched_at"] <= moment)
    ]
    rows = calendar.positions(good["fetched_at"]) - first
    inside = (rows >= 0) & (rows < n_days)
    return pd.DataFrame({"source_id": good["source_id"].to_numpy()[inside], "row": rows[inside]})
