"""Labelled stories on New York sessions: what every statistic of text starts from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.catalogue import weights
from align.panel import LEAST_COVERAGE, Grid, Panel, build_grid, coverage_of, panel_of
from align.sessions import SessionCalendar

# Files a day of a source that publishes one every quarter of an hour.
_FILES = 96
# A source that answered was there, with or without news.
ANSWERED = ("ok", "not_modified", "unchanged")
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
    cut : bool
        Earlier sessions are stored but not in here: of the first rows no more is known than
        what was in the stories themselves.
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
    cut: bool = False

    def missing(self, row: int) -> bool:
        """Return whether too little was collected on a day for any share."""
        share = self.coverage[row]
        return not self.grid.covered[row] or (share is not None and share < LEAST_COVERAGE)

    def day(self, row: int) -> date:
        """Return the session date of a row."""
        return self.calendar.day(self.offset + row)


def build_archive(  # noqa: PLR0913 - the frames of a store, as they come
    stories: pd.DataFrame,
    labels: pd.DataFrame,
    collected: pd.DataFrame,
    calendar: SessionCalendar,
    narrative_ids: Sequence[str],
    *,
    now: datetime,
    fetch_log: pd.DataFrame | None = None,
    bulk_files: pd.DataFrame | None = None,
    after: date | None = None,
) -> Archive | None:
    """Put labelled stories on sessions; None when nothing counts by ``now``.

    Parameters
    ----------
    stories, labels, collected, fetch_log, bulk_files : DataFrame
        As ``store.frames`` gives them.
    now : datetime
        What becomes effective later is not looked at.
    after : date, optional
        The session up to which the frames were cut off.
    """
    moment = pd.Timestamp(now)
    stories = stories[stories["effective_at"] <= moment].reset_index(drop=True)
    collected = collected[collected["effective_at"] <= moment]
    if collected.empty:
        return None
    collected_rows = calendar.positions(collected["effective_at"])
    first, last = int(collected_rows.min()), int(collected_rows.max())
    if after is not None:
        first = calendar.last_on_or_before(after) + 1
    days = pd.DatetimeIndex(calendar.dates[first : last + 1].astype("datetime64[ns]"))
    grid = build_grid(
        stories,
        calendar.positions(stories["effective_at"]) - first,
        collected,
        collected_rows - first,
        days,
        caps=weights()["caps"],
        answered=_answered(fetch_log, calendar, first, len(days), moment),
        holes=_holes(bulk_files, calendar, first, len(days), moment),
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
        cut=after is not None,
    )


def with_reach(
    stories: pd.DataFrame, copies: pd.DataFrame, calendar: SessionCalendar
) -> pd.DataFrame:
    """Return the stories with ``copies`` as they were out by the close of each one's session.

    A copy of a later day does not belong to the reach of this one: it would change a number
    that was printed before.

    Parameters
    ----------
    copies : DataFrame
        ``document_id`` of the story and ``effective_at`` of each copy.
    """
    number = pd.Series(np.arange(len(stories)), index=stories["document_id"])
    copies = copies[copies["document_id"].isin(number.index)]
    original = number.loc[copies["document_id"]].to_numpy(dtype=np.intp)
    session = calendar.positions(stories["effective_at"])
    same = calendar.positions(copies["effective_at"]) <= session[original]
    return stories.assign(copies=1 + np.bincount(original[same], minlength=len(stories)))


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
    good = fetch_log[fetch_log["outcome"].isin(ANSWERED) & (fetch_log["fetched_at"] <= moment)]
    rows = calendar.positions(good["fetched_at"]) - first
    inside = (rows >= 0) & (rows < n_days)
    return pd.DataFrame({"source_id": good["source_id"].to_numpy()[inside], "row": rows[inside]})


def _holes(
    bulk_files: pd.DataFrame | None,
    calendar: SessionCalendar,
    first: int,
    n_days: int,
    moment: pd.Timestamp,
) -> pd.DataFrame | None:
    """Return the sources of which most files are missing on a session.

    Counted against the time from close to close, so that files which the publisher never
    made, which could not be read, and which were not reached all count as missing.
    """
    if bulk_files is None or bulk_files.empty:
        return None
    known = bulk_files[bulk_files["fetched_at"] <= moment]
    rows = calendar.positions(known["fetched_at"])
    got = known.assign(row=rows).groupby(["source_id", "row"], as_index=False)["got"].sum()
    there = got["row"].to_numpy()
    hours = (calendar.closes[there] - calendar.closes[there - 1]) / 3.6e12
    inside = (there >= first) & (there < first + n_days)
    few = got["got"].to_numpy() < weights()["files"]["least"] * _FILES * hours / 24.0
    holes = pd.DataFrame({"source_id": got["source_id"].to_numpy(), "row": there - first})
    return holes.iloc[np.flatnonzero(inside & few)]
