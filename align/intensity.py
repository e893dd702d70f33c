"""Documents -> daily intensity of each narrative, with intervals and missing days.

Stories are counted, not documents (copies are *reach*); the share is taken within each
source and then averaged (``panel.py``); a day on which too little of the panel was collected
is missing, never zero; every baseline trails, so documents that arrive later for later days
change no earlier point.
"""

import re
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.archive import Archive
from align.innovation import forecast_error, logit_share, standardise
from align.panel import BASELINE_DAYS, Grid
from align.series import Series, count, shares
from store.records import IntensityPoint

# 97.5th percentile of the normal distribution.
_Z95 = 1.959963984540054
# Reference, section 2, step 9: no z on fewer baseline days, or with a smaller effective n.
_LEAST_BASELINE = 20
_LEAST_EFFECTIVE = 30.0
# Pseudo-stories of no stance in a net stance; fewer stories that take a side give none.
_STANCE_PRIOR = 2.0
_LEAST_SIDES = 3
_NOVELTY_DAYS = 7
# A hole in an archive longer than this (in sessions) is not written out day by day.
_LONGEST_GAP = 60
_NOT_WORD = re.compile(r"\W+")


def measure_intensity(archive: Archive) -> list[IntensityPoint]:
    """Return one point per narrative and session, by narrative and day.

    A session that has not closed yet gets its share but no zscore and no innovation: a part
    of a day never raises an alarm.
    """
    grid = archive.grid
    carried = count(
        grid,
        archive.story,
        archive.narrative,
        np.ones(len(archive.story)),
        len(archive.narrative_ids),
    )
    n_days = len(grid.days)
    shape = (len(archive.narrative_ids), n_days)
    errors, zscores = np.full(shape, np.nan), np.full(shape, np.nan)
    observed = np.full(shape, np.nan)
    effective = np.zeros(n_days)
    gone = np.array([archive.missing(row) for row in range(n_days)])
    weekdays = grid.days.day_of_week.to_numpy().astype(np.intp)
    for row in np.flatnonzero(grid.covered).tolist():
        series = shares(grid, carried, archive.panels[row], row)
        observed[:, row] = series.observed
        effective[row] = series.effective_n[-1]
        if gone[row] or not archive.complete[row]:
            continue
        days = slice(series.start, row + 1)
        zscores[:, row] = _zscores(series, gone[days])
        values = logit_share(series.filled.clip(0.0, 1.0), series.effective_n)
        values[:, gone[days]] = np.nan
        errors[:, row] = [forecast_error(line, weekdays[days]) for line in values]
    innovations = standardise(errors)
    tables = _count_tables(archive)
    points = []
    for place, narrative_id in enumerate(archive.narrative_ids):
        for row in _printed_rows(grid):
            share = float("nan") if gone[row] else observed[place, row]
            points.append(
                _point(
                    narrative_id,
                    archive.day(row),
                    share,
                    effective[row],
                    zscores[place, row],
                    innovations[place, row],
                    {name: table[place, row] for name, table in tables.items()},
                )
            )
    return points


def _printed_rows(grid: Grid) -> list[int]:
    """Return all rows but those inside a hole of more than 60 sessions."""
    rows: list[int] = []
    for row in np.flatnonzero(grid.covered).tolist():
        if rows and row - rows[-1] - 1 <= _LONGEST_GAP:
            rows += range(rows[-1] + 1, row)
        rows.append(row)
    return rows


def _zscores(series: Series, gone: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return z of the last day against the median and MAD of the 60 sessions before it.

    The spread is never taken below the sampling error of the share: a narrative that was
    silent for weeks has a MAD of zero, and its first story is no event of infinite size.
    """
    past = series.filled[:, -BASELINE_DAYS - 1 : -1][:, ~gone[-BASELINE_DAYS - 1 : -1]]
    n = series.effective_n[-1]
    if past.shape[1] < _LEAST_BASELINE or n < _LEAST_EFFECTIVE:
        return np.full(len(past), np.nan)
    median = np.median(past, axis=1)
    mad = 1.4826 * np.median(np.abs(past - median[:, None]), axis=1)
    rate = (past.mean(axis=1) * n + 0.5) / (n + 1.0)
    spread = np.maximum(mad, np.sqrt(rate * (1 - rate) / n))
    return np.asarray((series.filled[:, -1] - median) / spread, dtype=np.float64)


def _count_tables(archive: Archive) -> dict[str, NDArray[np.float64]]:
    """Return counts by narrative and day: stories, stances, repeats-free stories, copies."""
    day = archive.grid.story_day[archive.story]
    fresh = fresh_stories(archive.stories["title"], day_of_story(archive))
    copies = archive.stories["copies"].to_numpy(dtype=float)
    values = {
        "stories": np.ones(len(day)),
        "favor": (archive.stance == 1).astype(float),
        "against": (archive.stance == -1).astype(float),
        "fresh": fresh[archive.story].astype(float),
        "reach": copies[archive.story],
    }
    shape = (len(archive.narrative_ids), len(archive.grid.days))
    tables = {}
    for name, value in values.items():
        table = np.zeros(shape)
        np.add.at(table, (archive.narrative, day), value)
        tables[name] = table
    return tables


def day_of_story(archive: Archive) -> NDArray[np.int64]:
    """Return the calendar day number of each story's session."""
    days = archive.grid.days.to_numpy().astype("datetime64[D]").astype(np.int64)
    return np.asarray(days[archive.grid.story_day], dtype=np.int64)


def fresh_stories(titles: pd.Series, day: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which stories repeat no title of the seven days up to them.

    A first version of novelty: copies are collapsed before, and here the normalised title
    decides; a story in new words about old news still counts as fresh.
    """
    last: dict[str, int] = {}
    fresh = np.ones(len(titles), dtype=bool)
    for number, (title, today) in enumerate(zip(titles, day, strict=True)):
        key = _NOT_WORD.sub(" ", str(title or "")).strip().casefold()
        if not key:
            continue
        fresh[number] = key not in last or today - last[key] > _NOVELTY_DAYS
        last[key] = int(today)
    return fresh


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
    share: float,
    effective_n: float,
    zscore: float,
    innovation: float,
    counts: dict[str, float],
) -> IntensityPoint:
    stories, favor, against = (int(counts[name]) for name in ("stories", "favor", "against"))
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
        zscore=_rounded(zscore, 4),
        innovation=_rounded(innovation, 4),
        favor=favor,
        against=against,
        neutral=stories - sides,
        net_stance=(
            round((favor - against) / (sides + _STANCE_PRIOR), 6) if sides >= _LEAST_SIDES else None
        ),
        disagreement=(
            round(1 - abs(favor - against) / sides, 6) if sides >= _LEAST_SIDES else None
        ),
        novelty=round(counts["fresh"] / stories, 6) if stories else None,
        reach=int(counts["reach"]),
    )


def _rounded(value: float, digits: int = 6) -> float | None:
    return None if np.isnan(value) else round(float(value), digits)
