"""Documents -> daily intensity of each narrative, with intervals and missing days.

Stories are counted, not documents (copies are *reach*); the share is taken within each
source and then averaged (``panel.py``); a day on which too little of the panel was collected
is missing, never zero; every baseline trails, so documents that arrive later for later days
change no earlier point.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.archive import Archive
from align.baselines import ewma_zscores, zscores
from align.bursts import concentrated, kleinberg
from align.carried import SERIES, VOLUME, Carried
from align.catalogue import weights
from align.correction import Rates, correct, rates_of
from align.increment import day_digests, known_days
from align.innovation import forecast_errors, logit_share, standardise
from align.linked import linked_shares
from align.novelty import fresh_stories
from align.panel import Grid
from align.series import Counts, Series, count, shares
from align.volume import volume_errors
from store.records import IntensityDay, IntensityPoint

# 97.5th percentile of the normal distribution.
_Z95 = 1.959963984540054
# Pseudo-stories of no stance in a net stance; fewer stories that take a side give none. Of the
# 180 points of the sample 48 have three and 3 have ten: so from three on, pulled towards zero.
_STANCE_PRIOR = 2.0
_LEAST_SIDES = 3
# A hole in an archive longer than this (in sessions) is not written out day by day.
_LONGEST_GAP = 60
_Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """The intensity of every session, and which of it is new.

    Attributes
    ----------
    points : list of IntensityPoint
        All, by narrative and day.
    fresh : list of IntensityDay
        The sessions that had to be computed, oldest first.
    digests : list of str
        Of each row of the archive, its past included.
    volume : ndarray of shape (n_days,)
        Innovation of the number of stories, for each row of the archive; NaN where missing.
    """

    points: Sequence[IntensityPoint]
    fresh: Sequence[IntensityDay]
    digests: Sequence[str]
    volume: NDArray[np.float64]


def measure_intensity(archive: Archive, rates: pd.DataFrame | None = None) -> list[IntensityPoint]:
    """Return one point per narrative and session, by narrative and day.

    A session that has not closed yet gets its share but no zscore and no innovation: a part
    of a day never raises an alarm.

    Parameters
    ----------
    rates : DataFrame, optional
        What the tagger did on validation stories, as ``store.frames.rates`` gives it.
    """
    return list(measure(archive, rates, {}).points)


def measure(
    archive: Archive, rates: pd.DataFrame | None, stored: Mapping[date, IntensityDay]
) -> Measured:
    """Compute the sessions whose inputs changed since they were stored, and take the others over.

    Parameters
    ----------
    stored : mapping
        What earlier runs computed, by session; used as far as all inputs are the same.
    """
    digests = day_digests(archive, rates, stored)
    rows = printed_rows(archive.grid)
    known = known_days(archive, digests, stored, rows)
    fresh = [row for row in rows if row >= known.until]
    by_row = dict(known.points)
    carried = known.carried
    # A long hole is not printed, but what is carried over it has to be known.
    since = max(known.points, default=-1) + 1
    if fresh:
        by_row |= _computed(
            archive, rates_of(rates, weights()["correction"]), carried, fresh, since
        )
    points = [by_row[row][place] for place in range(len(archive.narrative_ids)) for row in rows]
    days = [
        IntensityDay(
            day=archive.day(row),
            digest=digests[row],
            points=by_row[row],
            carried=carried.of_day(row),
        )
        for row in fresh
    ]
    volume = standardise(carried.errors[VOLUME], len(archive.grid.days), carried.sums[VOLUME])
    return Measured(points=points, fresh=days, digests=digests, volume=volume[0])


def printed_rows(grid: Grid) -> list[int]:
    """Return all rows but those inside a hole of more than 60 sessions."""
    rows: list[int] = []
    for row in np.flatnonzero(grid.covered).tolist():
        if rows and row - rows[-1] - 1 <= _LONGEST_GAP:
            rows += range(rows[-1] + 1, row)
        rows.append(row)
    return rows


def _computed(
    archive: Archive,
    rates: Mapping[str, Rates],
    carried: Carried,
    rows: Sequence[int],
    since: int,
) -> dict[int, list[IntensityPoint]]:
    """Return the points of some sessions, by row; ``carried`` is filled from ``since`` on."""
    counts = _story_counts(archive)
    series = {
        name: _counted(archive, value)
        for name, value in zip(
            SERIES, (np.ones(len(archive.story)), counts.fresh, 1.0 - counts.fresh), strict=True
        )
    }
    gone = np.array([archive.missing(row) for row in range(len(archive.grid.days))])
    tables = {
        name: np.full(carried.linked.shape, np.nan) for name in ("share", "zscore", "zscore_ewma")
    }
    effective = np.zeros(len(gone))
    for row in rows:
        if archive.grid.covered[row]:
            _fill_day(archive, series, gone, row, carried.errors, tables, effective)
    carried.errors[VOLUME][0, since:] = volume_errors(archive, since)
    standardise(carried.errors[VOLUME], since, carried.sums[VOLUME])
    for name, out in zip(
        SERIES, ("innovation", "innovation_novel", "innovation_repeat"), strict=True
    ):
        tables[out] = standardise(carried.errors[name], since, carried.sums[name])
    tables["share_linked"] = linked_shares(archive, series["all"], since, carried)
    tables["burst"] = _bursts(archive, counts.tables["stories"], gone, since, carried)
    tables |= counts.tables
    return {
        row: [
            _point(
                narrative_id,
                archive.day(row),
                effective[row],
                {name: float(table[place, row]) for name, table in tables.items()},
                rates.get(narrative_id),
            )
            for place, narrative_id in enumerate(archive.narrative_ids)
        ]
        for row in rows
    }


def _counted(archive: Archive, value: _Table) -> Counts:
    number = len(archive.narrative_ids)
    return count(archive.grid, archive.story, archive.narrative, value, number)


def _fill_day(
    archive: Archive,
    counts: Mapping[str, Counts],
    gone: NDArray[np.bool_],
    row: int,
    errors: Mapping[str, _Table],
    tables: Mapping[str, _Table],
    effective: _Table,
) -> None:
    """Write share, scores and forecast errors of one day into the tables."""
    grid, panel = archive.grid, archive.panels[row]
    series = shares(grid, counts["all"], panel, row)
    effective[row] = series.effective_n[-1]
    if gone[row]:
        return
    tables["share"][:, row] = series.observed
    if not archive.complete[row]:
        return
    days = slice(series.start, row + 1)
    tables["zscore"][:, row] = zscores(series, gone[days])
    tables["zscore_ewma"][:, row] = ewma_zscores(series, gone[days])
    weekdays = grid.days[days].day_of_week.to_numpy().astype(np.intp)
    for name in SERIES:
        part = series if name == "all" else shares(grid, counts[name], panel, row)
        errors[name][:, row] = forecast_errors(_transformed(part, gone[days]), weekdays)


def _transformed(series: Series, gone: NDArray[np.bool_]) -> _Table:
    values = logit_share(series.filled.clip(0.0, 1.0), series.effective_n)
    values[:, gone] = np.nan
    return values


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _StoryCounts:
    """Counts by narrative and day, and which labels belong to stories that are news."""

    tables: dict[str, _Table]
    fresh: _Table


def _story_counts(archive: Archive) -> _StoryCounts:
    """Count stories, stances, stories that repeat nothing, and copies."""
    day = archive.grid.story_day[archive.story]
    number, rule = day_of_story(archive), weights()["novelty"]
    fresh = {
        days: fresh_stories(archive.stories, number, days, rule)[archive.story].astype(float)
        for days in (7, 30)
    }
    values = {
        "stories": np.ones(len(day)),
        "favor": (archive.stance == 1).astype(float),
        "against": (archive.stance == -1).astype(float),
        "fresh": fresh[7],
        "fresh_30": fresh[30],
        "reach": archive.stories["copies"].to_numpy(dtype=float)[archive.story],
    }
    tables = {}
    for name, value in values.items():
        table = np.zeros((len(archive.narrative_ids), len(archive.grid.days)))
        np.add.at(table, (archive.narrative, day), value)
        tables[name] = table
    return _StoryCounts(tables=tables, fresh=fresh[7])


def _bursts(
    archive: Archive, told: _Table, gone: NDArray[np.bool_], since: int, carried: Carried
) -> _Table:
    rule, grid = weights()["burst"], archive.grid
    stories = np.bincount(grid.story_day, minlength=len(grid.days)).astype(float)
    out = gone | ~archive.complete
    marked = kleinberg(told, stories, out, rule, since=since, over=carried.over)
    cell = archive.narrative * len(grid.days) + grid.story_day[archive.story]
    marked.flat[concentrated(archive.stories, grid.story_day, archive.story, cell, rule)] = True
    return marked.astype(float)


def day_of_story(archive: Archive) -> NDArray[np.int64]:
    """Return the calendar day number of each story's session."""
    days = archive.grid.days.to_numpy().astype("datetime64[D]").astype(np.int64)
    return np.asarray(days[archive.grid.story_day], dtype=np.int64)


def wilson(share: float, n: float) -> tuple[float, float]:
    """Return the 95 % Wilson (1927) interval of a share with effective sample size n."""
    if n <= 0:
        return 0.0, 1.0
    centre = (share + _Z95**2 / (2 * n)) / (1 + _Z95**2 / n)
    half = _Z95 / (1 + _Z95**2 / n) * np.sqrt(share * (1 - share) / n + _Z95**2 / (4 * n**2))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def _point(
    narrative_id: str,
    day: date,
    effective_n: float,
    values: Mapping[str, float],
    rates: Rates | None,
) -> IntensityPoint:
    share = values["share"]
    stories, favor, against = (int(values[name]) for name in ("stories", "favor", "against"))
    sides = favor + against
    low, high = (float("nan"),) * 2 if np.isnan(share) else wilson(share, effective_n)
    return IntensityPoint(
        narrative_id=narrative_id,
        day=day,
        stories=stories,
        effective_n=round(float(effective_n), 3),
        share=_rounded(share),
        share_low=_rounded(low),
        share_high=_rounded(high),
        zscore=_rounded(values["zscore"], 4),
        innovation=_rounded(values["innovation"], 4),
        favor=favor,
        against=against,
        neutral=stories - sides,
        net_stance=(
            round((favor - against) / (sides + _STANCE_PRIOR), 6) if sides >= _LEAST_SIDES else None
        ),
        disagreement=(
            round(1 - abs(favor - against) / sides, 6) if sides >= _LEAST_SIDES else None
        ),
        novelty=round(values["fresh"] / stories, 6) if stories else None,
        reach=int(values["reach"]),
        **_corrected(share, effective_n, rates, day),
        zscore_ewma=_rounded(values["zscore_ewma"], 4),
        share_linked=_rounded(values["share_linked"]),
        novelty_30=round(values["fresh_30"] / stories, 6) if stories else None,
        innovation_novel=_rounded(values["innovation_novel"], 4),
        innovation_repeat=_rounded(values["innovation_repeat"], 4),
        burst=int(values["burst"]),
    )


def _corrected(share: float, effective_n: float, rates: Rates | None, day: date) -> dict[str, Any]:
    if rates is None or np.isnan(share):
        return {}
    found = correct(share, effective_n, rates, seed=day.toordinal())
    return {
        "share_corrected": _rounded(found.share),
        "corrected_low": _rounded(found.low),
        "corrected_high": _rounded(found.high),
        "correction": found.correction,
    }


def _rounded(value: float, digits: int = 6) -> float | None:
    return None if np.isnan(value) else round(float(value), digits)
