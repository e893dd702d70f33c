"""The cases of ``tests/lookahead.py``: rows of every public function of ``align``, by key.

Here the answers; ``lookahead_tape.py`` has the prices, ``lookahead_text.py`` the stories. A new
public function fails ``test_lookahead.py`` until it has a case, or a reason in ``EXEMPT`` why
appended data cannot reach an earlier row of it.
"""

from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any

import pandas as pd

from align.confirmation import confirm
from align.dose import dose_lines
from align.explanation import explain_day, move_table
from align.forecasts import forecasts
from align.found import since_found
from align.inputs import limit
from align.paired import Paired, pair
from align.projections import cell_effect, lead_follow, local_projection, partial_effect
from align.scan_points import scan_points
from align.standing import explanation_digests
from align.volume import volume_errors
from store.records import NamedCell
from tests import lookahead_tape, lookahead_text  # noqa: F401 (they register their cases)
from tests.lookahead import AFTER, BLAME, Rows, Seen, case


@case("explanation.move_table")
def _(seen: Seen) -> Rows:
    return {
        (day, days): move_table(seen.world, row, days)
        for days in (1, 5)
        for day, row in seen.market_rows()
    }


@case(
    "explanation.explain_day",
    "suspects.judge",
    "suspects.clarity_of",
    "suspects.none_of_these",
    "alibis.alibis_of",
    "falsifiers.falsifiers_of",
    "wording.premise",
)
def _(seen: Seen) -> Rows:
    """All but the flow of blame, which has a case of its own."""
    return {
        (day, days): replace(explain_day(seen.world, day, days=days), blame=())
        for days in (1, 5)
        for day, _ in seen.market_rows(before=AFTER, step=8)
    }


@case("dose.dose_lines")
def _(seen: Seen) -> Rows:
    rule = {**seen.world.weights["dose"], "least": 20}
    weights = {**seen.world.weights, "dose": rule}
    world = seen.world
    return {
        (day, days, line.narrative_id, line.lag): line
        for days in (1, 5)
        for day, row in seen.market_rows(step=5)
        for line in dose_lines(seen.market, row, days, world.innovations, world.signatures, weights)
    }


# -- pairs of narrative and asset -----------------------------------------------------

_ASSETS = ["SPY", "GLD", "BTC", "DGS10"]


@cache
def _paired(seen: Seen) -> Paired:
    found = pair(seen.archive, seen.market, seen.measured, _ASSETS, "VIX")
    assert found is not None
    return found


def _until(seen: Seen) -> Paired:
    """Return the sessions up to T: what is fitted to them is the same in a later world."""
    return _paired(seen).between(0, _paired(seen).after(seen.until))


@case(
    "paired.pair",
    "paired.Paired.day",
    "paired.Paired.after",
    "paired.Paired.between",
)
def _(seen: Seen) -> Rows:
    paired = _until(seen)
    return {
        paired.day(column): (
            paired.innovations[:, column],
            paired.moves[:, column],
            paired.volatility[column],
            paired.volume[column],
        )
        for column in range(len(paired.days))
    }


def _found(seen: Seen) -> dict[str, date]:
    """Return days of finding for two narratives: three weeks before T, and three after it."""
    early, late = seen.world.narrative_ids[:2]
    return {early: seen.until - timedelta(days=21), late: seen.until + timedelta(days=21)}


@case("paired.Paired.tested", "paired.Paired.tested_from", "paired.Paired.not_before")
def _(seen: Seen) -> Rows:
    paired = replace(_until(seen), found_on=_found(seen))
    return {
        name: (paired.tested(place), paired.tested_from(place), paired.not_before(name, seen.until))
        for place, name in enumerate(paired.narrative_ids)
    }


@case("found.since_found")
def _(seen: Seen) -> Rows:
    assert seen.world.innovations is not None
    known = since_found(seen.world.innovations, _found(seen))
    rows = zip(pd.DatetimeIndex(known.index).date, known.to_numpy(), strict=True)
    return {day: line for day, line in rows if day <= seen.until}


@case("found.sessions_known", "found.with_evidence", "found.hours_since", "found.found_since")
def _(seen: Seen) -> Rows:
    """Explanations of the days before and after a narrative was found."""
    world = replace(seen.world, found_on=_found(seen))
    days = [day for day, _ in seen.market_rows(before=BLAME, step=2)]
    return {day: explain_day(world, day).suspects for day in days[:10]}


@case("volume.volume_errors")
def _(seen: Seen) -> Rows:
    values = volume_errors(seen.archive)
    return {day: float(values[row]) for day, row in seen.archive_rows()}


@case("standing.explanation_digests")
def _(seen: Seen) -> Rows:
    """A week later, when the flow of blame has ended, an explanation stands."""
    rows = seen.market_rows(before=BLAME)
    days = [day for day, _ in rows if day >= seen.archive.day(0)]
    return explanation_digests(seen.built, seen.inputs, seen.measured.digests, days)


@case("scan.scan", "scan_points.scan_points")
def _(seen: Seen) -> Rows:
    return {(one.narrative_id, one.asset_id, one.lag): one for one in scan_points(_until(seen))}


@case(
    "projections.local_projection",
    "projections.lead_follow",
    "projections.cell_effect",
    "projections.partial_effect",
    "projections.lagged",
)
def _(seen: Seen) -> Rows:
    paired, found = _until(seen), dict[Any, Any]()
    for place, name in enumerate(paired.narrative_ids):
        for asset, moves in zip(paired.asset_ids, paired.moves, strict=True):
            own = paired.innovations[place]
            controls = [paired.volume, paired.volatility]
            found[name, asset] = (
                local_projection(own, moves, 2),
                lead_follow(own, moves),
                cell_effect(own, moves, 1),
                partial_effect(paired.innovations, place, controls, moves, 1),
            )
    return found


@case("forecasts.forecasts")
def _(seen: Seen) -> Rows:
    """Every forecast is made of the pairs before it: given all of them, the earlier ones stay."""
    moves = seen.market.changes["SPY"].to_numpy()
    other = seen.market.changes["GLD"].to_numpy()
    made = forecasts(other, moves, 1, 0)
    rows = zip(made.actual, made.model, made.mean, strict=True)
    until = seen.market.row(seen.until) - 80
    return dict(list(enumerate(rows))[:until])


@case("confirmation.confirm")
def _(seen: Seen) -> Rows:
    """A verdict that was given by T, asked again with all that came after."""
    rules = {**seen.world.weights["confirmation"], "sessions": 24}
    days = list(seen.archive_rows())[-40:-26:3]
    named = [
        NamedCell(narrative_id=name, asset_id=asset, lag=1, sign=1, named=day)
        for name in seen.world.narrative_ids[:3]
        for asset, (day, _) in zip(_ASSETS, days, strict=False)
    ]
    found = confirm([], _paired(seen), [], named, {**seen.world.weights, "confirmation": rules})
    return {one.cell: one for one in found if one.closes_on and one.closes_on <= seen.until}


@case("inputs.limit")
def _(seen: Seen) -> Rows:
    """What was known at T, read out of either world."""
    moment = seen.calendar.close(seen.last) + timedelta(hours=4)
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
_DATES = "arithmetic of dates; no data"
_ONE = "a number from the values it is given, which are one row"
_WHOLE = "judges the whole archive each time, and is replaced by design, as `alignments` are"
EXEMPT = {
    "catalogue.asset_words": _CONSTANT,
    "catalogue.episode_moves": _CONSTANT,
    "catalogue.load_episodes": _CONSTANT,
    "catalogue.signature_library": _CONSTANT,
    "catalogue.source_digest": _CONSTANT,
    "catalogue.weights": _CONSTANT,
    "plumbing.plumbing_rules": _CONSTANT,
    "plumbing.plumbing_series": _CONSTANT,
    "statements.words": _CONSTANT,
    "statements.stated": _ONE,
    "intensity.wilson": _ONE,
    "projections.Estimate.one_sided": _ONE,
    "signatures.collinearity": "compares two sign vectors; no data",
    "claim_times.no_value": _WORDS,
    "claim_times.not_stored": _WORDS,
    "claim_times.verdict_of": _WORDS,
    "confirmation.unknown_cells": "names of the settings that are not there; no data",
    "confirmation.with_status": "marks cells of the scan, which is replaced by design",
    "claim_times.before": _DATES,
    "claim_times.resolve": _DATES,
    "wording.ordinal": _WORDS,
    "wording.say_amount": _WORDS,
    "wording.say_date": _WORDS,
    "wording.say_list": _WORDS,
    "wording.say_share": _WORDS,
    "wording.say_sigma": _WORDS,
    "wording.say_ordinal": _WORDS,
    "wording.per_cent": _WORDS,
    "inputs.digest": "names the inputs; must change with them",
    "inputs.derived_assets": "the settings; no data",
    "inputs.with_derived": "the settings; no data",
    "inputs.needed_assets": "the settings; no data",
    "explanation.days_to_explain": "chooses which days are stored: the recent and the largest",
    "quotes.select_quotes": "by the store: test_a_past_day_is_explained_as_it_was_then",
    "found.found_days": "the settings; no data",
    "found.found_later": _WORDS,
    "found.with_before": _CONSTANT,
    "breaks.breaks_of": "looks at the whole series by design, belongs on a page and in no test",
    "episode_moves.episode_moves_text": "prints measure_moves, which has a case",
    "run.check": "by the store: test_a_claim_is_checked_as_it_was_then",
    "run.measure_episodes": "prints measure_moves of all stored prices, which has a case",
    "run.align": "by the store: test_the_store_keeps_what_was_seen",
    "run.explain": "by the store: test_a_past_day_is_explained_as_it_was_then",
    "carried.Carried.of_day": "columns as they are; known_days takes them up again",
    "carried.Carried.take": "the inverse of of_day",
    "carried.Carried.hold": "a row inside a hole: what the row before it handed on",
    "intensity.printed_rows": "a hole between two collected days is printed when it ends",
    "horizon.close_of": _DATES,
    "horizon.horizon_of": _DATES,
    "horizon.is_enough": "whether to read more; test_horizon.py holds both readings together",
    "standing.stale": "which explanations are not stored yet",
    "leaks.find_leaks": _WHOLE,
    "leaks.fit_rates": _WHOLE,
    "stamps.check_stamps": _WHOLE,
    "stamps.suspect": _WHOLE,
    "stamps.assets_to_test": _WHOLE,
    "stamps.without_leads": "marks cells of the scan, which is replaced by design",
}
