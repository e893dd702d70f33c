"""The cases of ``tests/lookahead.py``: rows of every public function of ``align``, by key.

A new public function fails ``test_lookahead.py`` until it has a case here, or a reason in
``EXEMPT`` why appended data cannot reach an earlier row of it.
"""

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from align.analogs import find_analogs
from align.bootstrap import stance_values
from align.evidence import coverage_over, gather_text, text_counts
from align.explanation import count_text, explain_day, move_table
from align.hard_data import hard_percentiles
from align.innovation import forecast_error, logit_share, standardise
from align.inputs import limit
from align.intensity import day_of_story, fresh_stories
from align.panel import coverage_of, panel_of
from align.returns import derive_prices, drop_stale, lagged_volatility, to_scale
from align.scan_points import scan_points
from align.series import Counts, count, rolling_mean, shares
from align.sessions import SessionCalendar, load_calendar
from align.signatures import contradictions, cosine, match
from align.statements import statements_of
from tests.lookahead import Case, Rows, Seen, rows_of

# An explanation uses the talk of three sessions after the move (timing, causal claims): from
# then on it stands.
AFTER = 3
CASES: dict[str, Case] = {}


def case(*names: str) -> Callable[[Case], Case]:
    """Register the rows of one or more public functions."""

    def register(rows: Case) -> Case:
        CASES.update(dict.fromkeys(names, rows))
        return rows

    return register


# -- clocks ---------------------------------------------------------------------------


def _stamps(seen: Seen) -> pd.DatetimeIndex:
    stamps = seen.inputs.collected["effective_at"]
    return pd.DatetimeIndex(stamps[stamps <= pd.Timestamp(seen.calendar.close(_last(seen)))])


def _last(seen: Seen) -> int:
    return seen.calendar.last_on_or_before(seen.until)


def _calendars(seen: Seen) -> list[SessionCalendar]:
    """Return calendars that end a little after what is known at that time."""
    end = seen.inputs.now.date() + timedelta(days=20)
    start = pd.Timestamp("2024-12-02").date()
    return [load_calendar(name, start, end) for name in ("XNYS", "XTKS", "24/7")]


@case("sessions.SessionCalendar.assign", "sessions.SessionCalendar.positions")
def _(seen: Seen) -> Rows:
    stamps = _stamps(seen)
    return {
        (one.name, stamp): (day, place)
        for one in _calendars(seen)
        for stamp, day, place in zip(stamps, one.assign(stamps), one.positions(stamps), strict=True)
    }


@case(
    "sessions.load_calendar",
    "sessions.SessionCalendar.fold",
    "sessions.SessionCalendar.last_on_or_before",
    "sessions.SessionCalendar.day",
    "sessions.SessionCalendar.close",
)
def _(seen: Seen) -> Rows:
    days = pd.date_range("2024-12-09", seen.until)
    found: dict[Any, Any] = {}
    for one in _calendars(seen):
        for place, folded in enumerate(one.fold(days.to_numpy())):
            at = one.last_on_or_before(days[place].date())
            found[one.name, place] = (folded, at, one.day(at), one.close(at))
    return found


# -- prices ---------------------------------------------------------------------------


@case("market.build_market", "inputs.build", "inputs.world_of")
def _(seen: Seen) -> Rows:
    found: dict[Any, Any] = {}
    for name in ("closes", "changes", "rate", "as_of", "known_at"):
        rows = rows_of(getattr(seen.market, name), seen.until)
        found |= {(name, *key): value for key, value in rows.items()}
    return found


@case("market.Market.moves", "market.Market.row", "market.as_of_of")
def _(seen: Seen) -> Rows:
    return {
        (days, *key): value
        for days in (1, 2, 5)
        for key, value in rows_of(seen.market.moves(days), seen.until).items()
    }


@case("returns.derive_prices")
def _(seen: Seen) -> Rows:
    table = derive_prices(seen.inputs.prices, seen.inputs.assets)
    keyed = table.set_index(["asset_id", "date"])[["close", "as_of", "known_at"]]
    return dict(zip(keyed.index, keyed.itertuples(index=False, name=None), strict=True))


def _closes(seen: Seen) -> dict[str, pd.Series]:
    return {
        str(name): mine.set_index("date")["close"]
        for name, mine in seen.inputs.prices.groupby("asset_id")
    }


@case("returns.drop_stale", "returns.to_scale", "returns.change_unit")
def _(seen: Seen) -> Rows:
    found: dict[Any, Any] = {}
    by_id = {asset.id: asset for asset in seen.inputs.assets}
    for name, closes in _closes(seen).items():
        kept = drop_stale(closes, by_id[name])
        for day, close, scaled in zip(kept.index, kept, to_scale(kept, by_id[name]), strict=True):
            found[name, day] = (float(close), float(scaled))
    return found


@case("returns.lagged_volatility")
def _(seen: Seen) -> Rows:
    return rows_of(lagged_volatility(seen.market.changes, seen.market.elapsed), seen.until)


@case("signatures.cosine")
def _(seen: Seen) -> Rows:
    moves = seen.market.moves(1)[["SPY", "GLD", "UUP", "TLT"]]
    found = cosine(moves.to_numpy(), np.array([1.0, -1.0, 0.5, 0.0]))
    days = [day.date() for day in moves.index]
    return {day: one for day, one in zip(days, found, strict=True) if day <= seen.until}


@case("signatures.match", "signatures.contradictions", "signatures.resolve")
def _(seen: Seen) -> Rows:
    found: dict[Any, Any] = {}
    for days in (1, 5):
        moves = seen.market.moves(days)
        # SOFR of T is published on the next morning: until then the leg is missing.
        for day, row in seen.market_rows(before=1, step=4):
            for name, signature in seen.world.signatures.items():
                found[days, day, name] = (
                    match(moves, row, days, signature, seen.world.weights),
                    contradictions(moves.iloc[row], signature, seen.world.weights),
                )
    return found


@case("hard_data.hard_percentiles")
def _(seen: Seen) -> Rows:
    names = list(seen.world.narrative_ids)
    return {
        (day, days): hard_percentiles(seen.market, row, days, names, seen.world.weights)
        for days in (1, 2)
        for day, row in seen.market_rows(step=2)
    }


@case("analogs.find_analogs")
def _(seen: Seen) -> Rows:
    past = [
        dataclasses.replace(seen.world.episodes[0], id=f"e{day}", date=day)
        for day, _ in seen.market_rows(step=5)
    ]
    episodes = [*seen.world.episodes, *past]
    return {
        (day, days): find_analogs(seen.market, row, days, episodes, seen.world.weights)
        for days in (1, 5)
        for day, row in seen.market_rows(step=8)
    }


# -- text -----------------------------------------------------------------------------


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
        (name, day): (table.pool[:, row], table.by_source[:, row].sum(axis=1))
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


@case("intensity.measure_intensity")
def _(seen: Seen) -> Rows:
    return {
        (point.narrative_id, point.day): point for point in seen.points if point.day <= seen.until
    }


@case("intensity.fresh_stories", "intensity.day_of_story")
def _(seen: Seen) -> Rows:
    days = day_of_story(seen.archive)
    stories = seen.archive.stories
    # Titles that come again within days, so that some are no news.
    titles = stories["document_id"].str[-3:] + stories["source_id"].str[-1]
    fresh = fresh_stories(titles, days)
    until = (seen.until - pd.Timestamp(0).date()).days
    return {
        name: (int(day), bool(new))
        for name, day, new in zip(stories["document_id"], days, fresh, strict=True)
        if day <= until
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


@case("innovation.forecast_error")
def _(seen: Seen) -> Rows:
    values, weekdays = _series(seen), seen.archive.grid.days.day_of_week.to_numpy()
    return {
        day: forecast_error(values[0, : row + 1], weekdays[: row + 1].astype(np.intp))
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
    last = pd.Timestamp(seen.calendar.close(_last(seen)))
    return {
        row["document_id"]: tuple(row.values())
        for row in found[found["effective_at"] < last].to_dict("records")
    }


# -- explanations ---------------------------------------------------------------------


@case("explanation.move_table")
def _(seen: Seen) -> Rows:
    return {
        (day, days): move_table(seen.world, row, days)
        for days in (1, 5)
        for day, row in seen.market_rows()
    }


@cache
def _explained(seen: Seen) -> dict[Any, Any]:
    return {
        (day, days): explain_day(seen.world, day, days=days)
        for days in (1, 5)
        for day, _ in seen.market_rows(before=AFTER, step=8)
    }


@case(
    "explanation.explain_day",
    "suspects.judge",
    "suspects.clarity_of",
    "falsifiers.falsifiers_of",
    "wording.premise",
)
def _(seen: Seen) -> Rows:
    return _explained(seen)


@case("scan.scan", "scan_points.scan_points")
def _(seen: Seen) -> Rows:
    """The scan of the sessions up to T: a later one finds the same in them."""
    points = [point for point in seen.points if point.day <= seen.until]
    cells = scan_points(seen.archive, seen.market, points, ["SPY", "GLD", "BTC", "DGS10"])
    return {(one.narrative_id, one.asset_id, one.lag): one for one in cells}


@case("inputs.limit")
def _(seen: Seen) -> Rows:
    """What was known at T, read out of either world."""
    moment = seen.calendar.close(_last(seen)) + timedelta(hours=4)
    inside = limit(seen.inputs, moment)
    assert inside.copies is not None
    found = {"labels": inside.labels, "collected": inside.collected, "copies": inside.copies}
    keyed = inside.stories.set_index("document_id")
    return {
        **{name: (len(frame), frame.to_csv()) for name, frame in found.items()},
        "stories": keyed.to_csv(),
    }


_CONSTANT = "reads the numbers and words that ship with the package"
_WORDS = "words for numbers that are given to it"
_ONE = "a number from the values it is given, which are one row"
_WHOLE = "judges the whole archive each time, and is replaced by design, as `alignments` are"
EXEMPT = {
    "catalogue.asset_words": _CONSTANT,
    "catalogue.load_episodes": _CONSTANT,
    "catalogue.signature_library": _CONSTANT,
    "catalogue.source_digest": _CONSTANT,
    "catalogue.weights": _CONSTANT,
    "statements.words": _CONSTANT,
    "statements.stated": _ONE,
    "intensity.wilson": _ONE,
    "signatures.collinearity": "compares two sign vectors; no data",
    "wording.say_amount": _WORDS,
    "wording.say_date": _WORDS,
    "wording.say_list": _WORDS,
    "inputs.digest": "names the inputs; must change with them",
    "inputs.derived_assets": "the settings; no data",
    "inputs.with_derived": "the settings; no data",
    "inputs.needed_assets": "the settings; no data",
    "explanation.days_to_explain": "chooses which days are stored: the recent and the largest",
    "quotes.select_quotes": "by the store: test_a_past_day_is_explained_as_it_was_then",
    "run.align": "by the store: test_the_store_keeps_what_was_seen",
    "run.explain": "by the store: test_a_past_day_is_explained_as_it_was_then",
    "leaks.find_leaks": _WHOLE,
    "leaks.fit_rates": _WHOLE,
    "stamps.check_stamps": _WHOLE,
    "stamps.suspect": _WHOLE,
    "stamps.assets_to_test": _WHOLE,
    "stamps.without_leads": "marks cells of the scan, which is replaced by design",
}
