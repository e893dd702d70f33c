"""Cases of ``tests/lookahead.py``: stories, panels, shares, and what is made of them."""

from typing import Any

import numpy as np
import pandas as pd

from align.archive import with_reach
from align.baselines import ewma_zscores, zscores
from align.blame import blame_flow
from align.bootstrap import stance_values
from align.bursts import concentrated, kleinberg
from align.caps import story_weights
from align.evidence import coverage_over, gather_text, text_counts
from align.explanation import count_text
from align.hours import hours_of, stamps_of
from align.increment import day_digests
from align.innovation import forecast_error, forecast_errors, logit_share, standardise
from align.intensity import day_of_story, measure, measure_intensity
from align.linked import linked_shares
from align.novelty import fresh_stories
from align.panel import coverage_of, panel_of
from align.series import Counts, count, rolling_mean, shares
from align.statements import statements_of
from tests.lookahead import AFTER, Rows, Seen, case


@case("archive.build_archive", "archive.Archive.day", "archive.Archive.missing")
def _(seen: Seen) -> Rows:
    archive = seen.archive
    found: dict[Any, Any] = {
        day: (archive.missing(row), archive.coverage[row], _panel(seen, archive.panels[row]))
        for day, row in seen.archive_rows()
    }
    ids = archive.stories["document_id"].to_numpy()
    days = archive.grid.story_day
    early = {archive.day(row) for _, row in seen.archive_rows()}
    for place in range(len(archive.story)):
        story = archive.story[place]
        if archive.day(int(days[story])) in early:
            key = (ids[story], archive.narrative_ids[archive.narrative[place]])
            found[key] = (int(archive.stance[place]), bool(archive.causal[place]))
    found |= {
        ("copies", document_id): int(number)
        for document_id, number, row in zip(ids, archive.stories["copies"], days, strict=True)
        if archive.day(int(row)) <= seen.until
    }
    return found


def _panel(seen: Seen, panel: Any) -> Any:
    members = [seen.archive.grid.source_ids[column] for column in panel.members]
    return members, panel.weights, panel.rates, panel.pool_weight, panel.pool_usual


@case("panel.build_grid")
def _(seen: Seen) -> Rows:
    grid = seen.archive.grid
    found: dict[Any, Any] = {}
    for day, row in seen.archive_rows():
        found[day] = (grid.covered[row], grid.sources_seen[row], grid.cap[row])
        for column, name in enumerate(grid.source_ids):
            if grid.delivered[row, column]:
                found[day, name] = (grid.stories[row, column], grid.cap_by_source[row, column])
    return found


@case("panel.panel_of", "panel.coverage_of")
def _(seen: Seen) -> Rows:
    grid = seen.archive.grid
    panels = {day: (row, panel_of(grid, row)) for day, row in seen.archive_rows()}
    return {
        day: (_panel(seen, panel), coverage_of(grid, row, panel))
        for day, (row, panel) in panels.items()
    }


def _counted(seen: Seen) -> Counts:
    archive = seen.archive
    ones = np.ones(len(archive.story))
    return count(archive.grid, archive.story, archive.narrative, ones, len(archive.narrative_ids))


@case("series.count", "evidence.text_counts", "explanation.count_text")
def _(seen: Seen) -> Rows:
    archive, weights = seen.archive, seen.world.weights
    both = count_text(archive, weights), text_counts(archive, weights)
    assert both[0] is not None
    tables = {"ones": _counted(seen), "asserted": both[0].asserted, "carried": both[1].carried}
    return {
        (name, day): (table.pool[:, row], table.within[:, row].sum(axis=1))
        for name, table in tables.items()
        for day, row in seen.archive_rows()
    }


@case("series.shares")
def _(seen: Seen) -> Rows:
    table = _counted(seen)
    return {
        day: shares(seen.archive.grid, table, seen.archive.panels[row], row)
        for day, row in seen.archive_rows()
    }


@case(
    "intensity.measure_intensity",
    "correction.correct",
    "correction.rates_of",
    "correction.unclipped",
)
def _(seen: Seen) -> Rows:
    return {
        (point.narrative_id, point.day): point
        for point in measure_intensity(seen.archive, seen.inputs.rates)
        if point.day <= seen.until
    }


@case("novelty.fresh_stories", "intensity.day_of_story")
def _(seen: Seen) -> Rows:
    days = day_of_story(seen.archive)
    stories = seen.archive.stories
    # Titles that come again within days, so that some are no news.
    titles = stories["document_id"].str[-3:] + stories["source_id"].str[-1]
    rule = seen.world.weights["novelty"]
    told = stories.assign(title=titles)
    fresh = [fresh_stories(told, days, window, rule) for window in (7, 30)]
    until = (seen.until - pd.Timestamp(0).date()).days
    return {
        name: (int(day), bool(week), bool(month))
        for name, day, week, month in zip(stories["document_id"], days, *fresh, strict=True)
        if day <= until
    }


@case("archive.with_reach")
def _(seen: Seen) -> Rows:
    assert seen.inputs.copies is not None
    told = with_reach(seen.inputs.stories, seen.inputs.copies, seen.calendar)
    known = told[told["effective_at"] < pd.Timestamp(seen.calendar.close(seen.last))]
    assert (known["copies"] > 1).sum() >= 20
    return dict(zip(known["document_id"], known["copies"], strict=True))


@case("caps.story_weights")
def _(seen: Seen) -> Rows:
    grid, stories = seen.archive.grid, seen.archive.stories
    weights = story_weights(stories, grid.story_day, seen.world.weights["caps"])
    assert (weights < 1).any()
    return {
        name: (weight, own)
        for name, weight, own, row in zip(
            stories["document_id"], weights, grid.story_weight, grid.story_day, strict=True
        )
        if seen.archive.day(int(row)) <= seen.until
    }


@case("bursts.kleinberg", "bursts.concentrated")
def _(seen: Seen) -> Rows:
    archive, rule = seen.archive, seen.world.weights["burst"]
    grid = archive.grid
    carried = np.zeros((len(archive.narrative_ids), len(grid.days)))
    np.add.at(carried, (archive.narrative, grid.story_day[archive.story]), 1.0)
    # The stories of one narrative come in waves, and later for good; the archive's are too even.
    row = np.arange(len(grid.days))
    carried[0] *= (1 + 2 * (row % 30 > 24)) * np.where(row >= 92, 4, 1)
    whole = np.bincount(grid.story_day, minlength=len(grid.days)) + carried[0]
    gone = np.array([archive.missing(row) for row in range(len(grid.days))])
    marked = kleinberg(carried, whole, gone, rule)
    cell = archive.narrative * len(grid.days) + grid.story_day[archive.story]
    low = {**rule, "least": 3}
    one_voice = concentrated(archive.stories, grid.story_day, archive.story, cell, low)
    loud = np.zeros(carried.shape, dtype=bool)
    loud.flat[one_voice] = True
    early = [at for _, at in seen.archive_rows()]
    assert marked[:, early].any()
    assert loud[:, early].any()
    return {day: (marked[:, at], loud[:, at]) for day, at in seen.archive_rows()}


@case("linked.linked_shares")
def _(seen: Seen) -> Rows:
    linked = linked_shares(seen.archive, _counted(seen))
    rows = {day: linked[:, row] for day, row in seen.archive_rows()}
    assert len({(day.year, (day.month - 1) // 3) for day in rows}) >= 2, "no panel took over"
    return rows


@case("baselines.zscores", "baselines.ewma_zscores")
def _(seen: Seen) -> Rows:
    archive, table = seen.archive, _counted(seen)
    gone = np.array([archive.missing(row) for row in range(len(archive.grid.days))])
    found: dict[Any, Any] = {}
    for day, row in list(seen.archive_rows())[-40:]:
        series = shares(archive.grid, table, archive.panels[row], row)
        days = slice(series.start, row + 1)
        found[day] = (zscores(series, gone[days]), ewma_zscores(series, gone[days]))
    return found


@case("increment.day_digests")
def _(seen: Seen) -> Rows:
    digests = day_digests(seen.archive, seen.inputs.rates)
    return {day: digests[row] for day, row in seen.archive_rows()}


@case("intensity.measure", "increment.known_days")
def _(seen: Seen) -> Rows:
    """The nights in a row: what was stored ten sessions before T is taken over."""
    cut = list(seen.archive_rows())[-10][0]
    whole = seen.measured
    stored = {one.day: one for one in whole.fresh if one.day < cut}
    again = measure(seen.archive, seen.inputs.rates, stored)
    assert {one.day for one in again.fresh} == {one.day for one in whole.fresh} - set(stored)
    return {
        (point.narrative_id, point.day): point for point in again.points if point.day <= seen.until
    }


def _series(seen: Seen) -> np.ndarray:
    """Return one series by session of the archive, with holes."""
    values = np.random.default_rng(5).normal(size=(2, 400)).cumsum(axis=1)
    values[:, ::17] = np.nan
    return np.asarray(values[:, : len(seen.archive.grid.days)])


@case("innovation.standardise", "series.rolling_mean", "innovation.logit_share")
def _(seen: Seen) -> Rows:
    values = _series(seen)
    share = 1 / (1 + np.exp(-values))
    tables = (
        standardise(values),
        rolling_mean(values, 6, 3),
        logit_share(share, np.full(values.shape, 50.0)),
    )
    return {
        (place, day): table[:, row]
        for place, table in enumerate(tables)
        for day, row in seen.archive_rows()
    }


@case("innovation.forecast_error", "innovation.forecast_errors")
def _(seen: Seen) -> Rows:
    values = _series(seen)
    weekdays = seen.archive.grid.days.day_of_week.to_numpy().astype(np.intp)
    return {
        day: (
            forecast_error(values[0, : row + 1], weekdays[: row + 1]),
            forecast_errors(values[:, : row + 1], weekdays[: row + 1]),
        )
        for day, row in seen.archive_rows()
    }


@case("bootstrap.stance_values")
def _(seen: Seen) -> Rows:
    archive = seen.archive
    values = stance_values(archive, seen.world.weights)
    ids = archive.stories["document_id"].to_numpy()[archive.story]
    names = np.array(archive.narrative_ids)[archive.narrative]
    days = archive.grid.story_day[archive.story]
    return {
        (one, name): value
        for one, name, value, row in zip(ids, names, values, days, strict=True)
        if archive.day(int(row)) <= seen.until
    }


@case(
    "evidence.gather_text",
    "abnormal.abnormal",
    "abnormal.sampling_error",
    "bootstrap.causal_share",
    "bootstrap.Bootstrap.carried_means",
    "bootstrap.Bootstrap.causal_draws",
    "bootstrap.Bootstrap.z_draws",
)
def _(seen: Seen) -> Rows:
    return {
        (day, days): gather_text(seen.archive, text_counts(seen.archive, seen.world.weights),
                                 row, days, seen.world.weights)
        for days in (1, 3)
        for day, row in list(seen.archive_rows())[: -AFTER][-30::6]
    }  # fmt: skip


@case("evidence.coverage_over")
def _(seen: Seen) -> Rows:
    return {
        (day, days): coverage_over(seen.archive, row, days, 5)
        for days in (1, 5)
        for day, row in seen.archive_rows()
    }


@case("statements.statements_of")
def _(seen: Seen) -> Rows:
    stories = seen.archive.stories
    verbs = ["gold plunges", "gold jumps", "gold rests"]
    titles = [verbs[number % 3] for number in range(len(stories))]
    named = pd.DataFrame({"document_id": stories["document_id"], "asset_id": "GLD", "text": "gold"})
    found = statements_of(stories.assign(title=titles), named)
    last = pd.Timestamp(seen.calendar.close(seen.last))
    return {
        row["document_id"]: tuple(row.values())
        for row in found[found["effective_at"] < last].to_dict("records")
    }


@case("hours.stamps_of")
def _(seen: Seen) -> Rows:
    stamps = stamps_of(seen.archive.stories, seen.world.weights["hours"]["seen_hours"])
    assert (stamps.earliest < stamps.latest).any()
    ids, days = seen.archive.stories["document_id"], seen.archive.grid.story_day
    return {
        name: (stamps.earliest[place], stamps.latest[place], stamps.source[place])
        for place, (name, row) in enumerate(zip(ids, days, strict=True))
        if seen.archive.day(int(row)) <= seen.until
    }


@case("hours.hours_of")
def _(seen: Seen) -> Rows:
    share = [0.5] * len(seen.archive.narrative_ids)
    # Of hours that are looked at, some have to be abnormal.
    rule = {**seen.world.weights["hours"], "alarm": 20.0, "stories_least": 2}
    found = {
        day: hours_of(seen.archive, (row - 1, row), share, {**seen.world.weights, "hours": rule})
        for day, row in list(seen.archive_rows())[:-AFTER][-40::3]
    }
    lines = [line for one in found.values() if one is not None for line in one.lines]
    assert any(line.first_at is not None for line in lines)
    return found


@case("blame.blame_flow")
def _(seen: Seen) -> Rows:
    """What was blamed on a day stays; that of later days is added."""
    return {
        (day, one.after): one
        for day, row in seen.archive_rows()
        for one in blame_flow(seen.archive, row, seen.world.weights)
    }
