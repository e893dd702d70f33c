"""Cases of ``tests/lookahead.py``: clocks, prices, episodes, and claims about prices."""

import dataclasses
from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from align.analogs import find_analogs
from align.claim_tape import Tape
from align.claims import check_claim
from align.episode_moves import measure_moves
from align.event_study import event_study, projection_percentile, unusual_of
from align.falsifiers import score_falsifier
from align.hard_data import hard_percentiles
from align.inputs import with_derived
from align.plumbing import day_flags, plumbing_card
from align.recognition import Case as Judged
from align.recognition import (
    accuracy,
    build_cases,
    by_frequency,
    by_nearest,
    by_shrunk,
    by_signs,
    contradicted_labels,
)
from align.returns import derive_prices, drop_stale, lagged_volatility, to_scale
from align.sessions import SessionCalendar, load_calendar
from align.signatures import contradictions, cosine, left_out_range, match
from nlp.claims import find_claims
from store.records import Episode, Falsifier
from tests.lookahead import Rows, Seen, case, rows_of

_LEGS = ["SPY", "EFA", "HYG", "GLD", "SLV", "CPER", "USO", "UUP", "TLT", "BTC", "DGS10"]


# -- clocks ---------------------------------------------------------------------------


def _stamps(seen: Seen) -> pd.DatetimeIndex:
    stamps = seen.inputs.collected["effective_at"]
    return pd.DatetimeIndex(stamps[stamps <= pd.Timestamp(seen.calendar.close(seen.last))])


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


def _episodes(seen: Seen) -> list[Episode]:
    """Return past sessions of the made-up market as episodes, beside those that ship.

    The library is the same at both times: those of it that lie after T are left out.
    """
    first, causes = seen.world.episodes[0], ("fed-policy", "geopolitics", "recession")
    past = [
        dataclasses.replace(
            first, id=f"e{day}", date=day, kind="shock", label=causes[row % 3], anchor=False
        )
        for day, row in seen.market_rows(step=3)
    ]
    shipped = [one for one in seen.world.episodes if one.date <= seen.until]
    return [*shipped, *past]


@case("analogs.find_analogs", "analog_words.say_analogs")
def _(seen: Seen) -> Rows:
    shipped = seen.world.episode_moves
    return {
        (day, days): find_analogs(
            seen.market, row, days, _episodes(seen), seen.world.weights, shipped
        )
        for days in (1, 5)
        for day, row in seen.market_rows(step=13)
    }


@case("episode_moves.measure_moves", "episode_moves.measured_legs")
def _(seen: Seen) -> Rows:
    legs = [name for name in _LEGS if name in seen.market.changes]
    return {
        (days, name): moves
        for days in (1, 2, 5)
        for name, moves in measure_moves(seen.market, _episodes(seen), legs, days).items()
    }


@case(
    "recognition.build_cases",
    "recognition.by_signs",
    "recognition.by_shrunk",
    "recognition.by_nearest",
    "recognition.by_frequency",
    "recognition.contradicted_labels",
    "recognition.accuracy",
    "recognition.right_within",
)
def _(seen: Seen) -> Rows:
    """The same episodes, measured at two times."""
    moves = measure_moves(seen.market, _episodes(seen), _LEGS, 1)
    cases: list[Judged] = build_cases(_episodes(seen), moves, _LEGS)
    signatures, rule = seen.world.signatures, seen.world.weights["contradiction"]
    clip = 5.0
    rankings = (
        by_signs(cases, signatures, clip),
        by_shrunk(cases, signatures, clip),
        by_nearest(cases, clip),
        by_frequency(cases),
    )
    found: dict[Any, Any] = {
        (place, one.episode.id): [sorted(answer) for answer in ranking]
        for place, ranks in enumerate(rankings)
        for one, ranking in zip(cases, ranks, strict=True)
    }
    found |= {one.episode.id: contradicted_labels(one, signatures, rule) for one in cases}
    return found | {place: accuracy(cases, ranks) for place, ranks in enumerate(rankings)}


@case("signatures.left_out_range")
def _(seen: Seen) -> Rows:
    moves = seen.market.moves(1)[_LEGS].to_numpy()
    return {
        day: left_out_range(moves[row], moves[row - 1]) for day, row in seen.market_rows(before=1)
    }


@case(
    "event_study.event_study",
    "event_study.unusual_of",
    "event_study.projection_percentile",
    "event_study.bmp",
    "event_study.common_direction",
    "event_study.mean_correlation",
)
def _(seen: Seen) -> Rows:
    found: dict[Any, Any] = {}
    rules = seen.world.weights["event"]
    for factor in (None, "SPY"):
        for days in (1, 5):
            for day, row in seen.market_rows(step=3):
                study = event_study(seen.market.moves(1)[_LEGS], row, days, rules, factor=factor)
                assert study is not None
                found[factor, days, day] = (study, unusual_of(study))
                for name, signature in seen.world.signatures.items():
                    found[factor, days, day, name] = projection_percentile(study, signature)
    return found


@case("plumbing.plumbing_card", "plumbing.day_flags")
def _(seen: Seen) -> Rows:
    found: dict[Any, Any] = {}
    for day, row in seen.market_rows():
        found[day] = day_flags(seen.calendar, seen.market.offset + row)
        lines = plumbing_card(seen.market, row, seen.world.weights["hard"]["grace_minutes"])
        found |= {(day, line.series): line for line in lines}
    return found


@case("falsifiers.score_falsifier")
def _(seen: Seen) -> Rows:
    """A condition whose days are over; until then it is open, or hit."""
    found: dict[Any, Any] = {}
    for name in ("SPY", "GLD"):
        closes = seen.market.closes[name]
        for day, row in seen.market_rows(before=12, step=3):
            for statistic in ("any close", "mean"):
                asked = Falsifier(
                    condition="",
                    series=name,
                    by=closes.index[row + 10].date(),
                    statistic=statistic,
                    operator=">",
                    value=float(closes.iloc[row]) * 1.01,
                    after=day,
                )
                for after in (2, 10, 12):
                    now = closes.index[row + after].date()
                    found[name, day, statistic, after] = score_falsifier(asked, closes, now=now)
    assert {"hit", "miss", "open"} <= set(found.values())
    return found


# -- claims ---------------------------------------------------------------------------

_STATEMENTS = (
    "Gold plummeted.",
    "Gold fell 2% this week.",
    "Gold fell to its lowest close in two months.",
    "Bitcoin remains low.",
    "Gold traded above $100.",
    "Gold has been consolidating for two months.",
    "Gold outperformed bitcoin this month.",
    "Almost all assets plummeted.",
    "The sell-off was confined to crypto.",
)


@cache
def _tape(seen: Seen) -> Tape:
    return Tape(seen.inputs.prices, with_derived(seen.inputs.assets))


@case(
    "claim_tape.Tape.get",
    "claim_tape.Series.day",
    "claim_tape.Series.close",
    "claim_tape.Series.last",
    "claim_tape.Series.has_change",
    "claim_tape.Series.change",
    "claim_tape.Series.sigma",
    "claim_tape.Series.volatility",
    "claim_tape.Series.figure",
    "claim_tape.Series.close_figure",
    "claim_tape.Series.change_figure",
)
def _(seen: Seen) -> Rows:
    found: dict[Any, Any] = {}
    for name in _LEGS:
        series = _tape(seen).get(name)
        assert series is not None
        last = series.last(seen.until)
        assert last is not None
        for end in range(last - 60, last + 1):
            found[name, series.day(end)] = (
                series.last(series.day(end)),
                series.has_change(end),
                series.close_figure(end),
                series.change_figure(end - 3, end),
                series.sigma(end - 3, end),
                series.volatility(end - 3, end),
            )
    return found


@case(
    "claims.check_claim",
    "claim_levels.judge_extreme",
    "claim_levels.judge_level",
    "claim_levels.judge_range",
    "claim_moves.by_proxy",
    "claim_moves.figures_of",
    "claim_moves.judge_change",
    "claim_moves.say_change",
    "claim_sets.judge_breadth",
    "claim_sets.judge_confined",
    "claim_sets.judge_relative",
    "claim_tape.Tape.find",
    "claim_tape.Tape.of_classes",
    "claim_times.back",
    "claim_times.place_at",
    "claim_times.say_window",
    "claim_times.target",
    "claim_times.windows",
)
def _(seen: Seen) -> Rows:
    """Asked of a past day, with everything on the tape that came after it."""
    claims = [claim for text in _STATEMENTS for claim in find_claims(text)]
    kinds = {"change", "extreme", "level", "range", "relative", "breadth", "confined"}
    assert {claim.kind for claim in claims} == kinds
    found = {
        (claim.sentence, day, sessions): check_claim(claim, _tape(seen), day, sessions)
        for claim in claims
        for sessions in (1, 5)
        for day, _ in seen.market_rows(step=13)
    }
    judged = {one.claim.kind for one in found.values() if one.verdict != "not checkable"}
    assert judged == kinds
    return found
