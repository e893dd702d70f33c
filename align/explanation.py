"""Which story moved it? The whole answer for one day, in a fixed order.

Move table, size gate, evidence per suspect, verdict, analogs, falsifiers. Everything here is
association: "moved before", "moved with", "moved after".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd

from align.alibis import Scene, alibis_of
from align.analogs import ShippedMoves, find_analogs
from align.archive import Archive
from align.blame import blame_flow
from align.catalogue import AssetWords
from align.dose import dose_lines
from align.errors import AlignError
from align.event_study import event_study, projection_percentile, unusual_of
from align.evidence import TextCounts, TextEvidence, coverage_over, gather_text, text_counts
from align.falsifiers import falsifiers_of
from align.found import (
    NO_MATCH,
    FoundOn,
    found_later,
    found_since,
    hours_since,
    sessions_known,
    with_before,
    with_evidence,
)
from align.hard_data import hard_percentiles
from align.hours import hours_of
from align.market import Market, as_of_of
from align.plumbing import plumbing_card
from align.quotes import PER_NARRATIVE, select_quotes
from align.returns import LEAST_OBSERVATIONS, change_unit
from align.signatures import Signature, match
from align.suspects import Judged, judge, none_of_these
from align.wording import premise
from store.records import Episode, Explanation, Move, PlumbingLine, Quote, Suspect, Timing

PassageSource = Callable[[Sequence[str], datetime, datetime], pd.DataFrame]
# A close that is older than this many sessions is no news about the day.
_OLDEST = 3
# Sessions before the window in which to look for quotes of a narrative that has too few since.
QUOTES_BEFORE = 20
# Explained and stored by `align`; any other day is explained when it is asked for.
RECENT_SESSIONS = 30
LARGEST_MOVES = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class World:
    """All that an explanation looks at, as it was known at one instant.

    Attributes
    ----------
    archive : Archive or None
        None without documents.
    listed : sequence of asset ids
        Rows of the move table.
    now : datetime
        Nothing that became public later is in here.
    innovations : DataFrame of shape (n_days, n_narratives), optional
        Innovation of each narrative by session date, from the day on which it was found;
        without it there is no dose.
    found_on : mapping of narrative to date
        Of those that were not known beforehand.
    """

    market: Market
    archive: Archive | None
    counts: TextCounts | None
    narrative_ids: Sequence[str]
    signatures: Mapping[str, Signature]
    episodes: Sequence[Episode]
    episode_moves: ShippedMoves
    listed: Sequence[str]
    words: AssetWords
    weights: Mapping[str, Any]
    now: datetime
    innovations: pd.DataFrame | None = None
    found_on: FoundOn = field(default_factory=dict)


def count_text(archive: Archive | None, weights: Mapping[str, Any]) -> TextCounts | None:
    """Return the counts of an archive that may be missing."""
    return None if archive is None else text_counts(archive, weights)


def explain_day(
    world: World, day: date, *, days: int = 1, passages: PassageSource | None = None
) -> Explanation:
    """Explain the move of one session, or of the ``days`` sessions that end there.

    Parameters
    ----------
    day : date
        On a day without a session the last session before it is taken, and the premise
        says so.
    passages : callable, optional
        Gives the labelled passages of narratives between two instants.

    Raises
    ------
    AlignError
        When the prices do not cover the day, or ``days`` is not a number of sessions.
    """
    if days < 1:
        raise AlignError(f"a window of {days} sessions: give 1 or more")
    market = world.market
    row = market.row(day)
    if row - days < 0:
        raise AlignError(
            f"a window of {_sessions(days)} to {day} begins before the first price"
            f" ({market.closes.index[0].date()}): ask for fewer, or for a later day"
        )
    start, end = (market.closes.index[at].date() for at in (row - days + 1, row))
    moves = move_table(world, row, days)
    if not any(move.sigma is not None for move in moves):
        raise AlignError(_no_move(world, end, moves))
    later = found_since(world.found_on, start)
    matches = {
        narrative_id: NO_MATCH
        if narrative_id in later
        else match(market.moves(days), row, days, world.signatures[narrative_id], world.weights)
        for narrative_id in world.narrative_ids
    }
    text = _text(world, row, days)
    tested = [name for name in world.listed if _is_tested(world, name)]
    study = event_study(market.moves(1)[tested], row, days, world.weights["event"])
    suspects = [name for name in world.narrative_ids if name not in later]
    plumbing = plumbing_card(market, row, world.weights["hard"]["grace_minutes"])
    judgement = judge(
        world.narrative_ids,
        text,
        matches,
        hard_percentiles(market, row, days, suspects, world.weights),
        world.signatures,
        alibis=alibis_of(
            world.narrative_ids,
            matches,
            world.signatures,
            _scene(world, (row, days), text, plumbing, tested),
            world.weights,
        )
        | {name: [found_later(day)] for name, day in later.items()},
        unusual=(unusual := _unusual(moves, world)),
        weights=world.weights,
    )
    quotes = _quotes(world, row, days, passages)
    analogs = find_analogs(market, row, days, world.episodes, world.weights, world.episode_moves)
    spoken = world.words.spoken
    at = _archive_row(world, row)
    coverage = coverage_over(world.archive, at, days, world.weights["window"]["before"])
    return Explanation(
        date=end,
        window_start=start,
        window_end=end,
        moves=moves,
        premise=premise(moves, spoken, world.words.headline, asked=day, start=start, end=end),
        verdict=judgement.verdict,
        clarity=judgement.clarity,
        suspects=[
            _suspect(
                one,
                place,
                quotes,
                None if name in later else projection_percentile(study, world.signatures[name]),
            )
            for place, one in enumerate(judgement.suspects, start=1)
            for name in (one.narrative_id,)
        ],
        analogs=analogs.analogs,
        analog_like=analogs.like,
        analog_statement=analogs.statement,
        falsifiers=falsifiers_of(
            judgement.verdict,
            judgement.suspects,
            world.signatures,
            market,
            row,
            days,
            usual=_usual(world, text) if coverage.stories else {},
            spoken=spoken,
        )
        if judgement.suspects
        else [],
        coverage=coverage,
        unusual=unusual_of(study),
        timing=_timing(world, at, days, judgement.suspects),
        dose=dose_lines(market, row, days, world.innovations, world.signatures, world.weights),
        plumbing=plumbing,
        blame=blame_flow(world.archive, at, world.weights),
        none_of_these=none_of_these(judgement.suspects, unusual=unusual, stories=coverage.stories),
    )


def _is_tested(world: World, name: str) -> bool:
    """Return whether an asset counts in the size gate and in the event study."""
    assets = world.market.assets
    return name in assets and assets[name].asset_class != "funding"


def _scene(
    world: World,
    window: tuple[int, int],
    text: TextEvidence | None,
    plumbing: Sequence[PlumbingLine],
    tested: Sequence[str],
) -> Scene:
    row, days = window
    calm = np.empty(0, dtype=bool)
    if text is not None and world.archive is not None:
        sizes = world.market.moves(1)[list(tested)].abs().max(axis=1).to_numpy(dtype=float)
        rows = text.past_rows + world.archive.offset - world.market.offset
        inside = (rows >= 0) & (rows < len(sizes))
        # Without a price a day is not known to have been calm.
        size = np.where(inside, sizes[np.clip(rows, 0, len(sizes) - 1)], np.nan)
        calm = size < world.weights["adequate"]["move_sigma"]
    return Scene(
        moves=world.market.moves(days).iloc[row],
        plumbing=plumbing,
        text=text,
        calm_before=calm,
        spoken=world.words.spoken,
    )


def _timing(world: World, at: int, days: int, suspects: Sequence[Judged]) -> Timing | None:
    share = {one.narrative_id: one.pre_move_share for one in suspects}
    ordered = [share[name] for name in world.narrative_ids]
    found = hours_of(world.archive, (max(at - days + 1, 0), at), ordered, world.weights)
    return None if found is None else hours_since(found, world.found_on)


def move_table(world: World, row: int, days: int) -> list[Move]:
    """Return the moves of the listed assets, the most unusual first.

    Funding series are shown as they were known at the close: SOFR of a day is published on
    the next morning.
    """
    market = world.market
    scaled = market.moves(days)
    close = pd.Timestamp(market.calendar.close(market.offset + row))
    found = []
    for asset_id in world.listed:
        if asset_id not in market.assets:
            continue
        at = row
        if market.assets[asset_id].asset_class == "funding":
            known = market.known_at[asset_id].iloc[: row + 1]
            late = np.flatnonzero((known <= close).to_numpy())
            if not len(late) or row - late[-1] > _OLDEST:
                continue
            at = int(late[-1])
        changes = market.changes[asset_id].iloc[max(at - days + 1, 0) : at + 1]
        if np.isnan(changes.iloc[-1]):
            continue
        asset = market.assets[asset_id]
        unit = change_unit(asset)
        total = float(changes.sum())
        sigma = float(scaled[asset_id].iloc[at])
        found.append(
            Move(
                asset_id=asset_id,
                name=asset.name,
                change=round(float(np.expm1(total)) if unit == "return" else total, 8),
                unit=unit,
                sigma=None if np.isnan(sigma) else round(sigma, 4),
                as_of=as_of_of(market, asset_id, at).astimezone(UTC),
            )
        )
    return sorted(found, key=lambda move: (-abs(move.sigma or 0.0), move.asset_id))


def _unusual(moves: Sequence[Move], world: World) -> bool:
    """Return whether any asset but the funding series moved enough to need a story."""
    limit = world.weights["adequate"]["move_sigma"]
    return any(
        abs(move.sigma or 0.0) >= limit for move in moves if _is_tested(world, move.asset_id)
    )


def _text(world: World, row: int, days: int) -> TextEvidence | None:
    if world.archive is None or world.counts is None:
        return None
    at = _archive_row(world, row)
    text = gather_text(world.archive, world.counts, at, days, world.weights)
    if text is None:
        return None
    first = max(at - days + 1, 0)
    for place, narrative_id in enumerate(world.narrative_ids):
        if narrative_id not in world.found_on:
            continue
        known = sessions_known(world.archive, first, world.found_on[narrative_id], world.weights)
        if known is None:
            text = with_evidence(text, place, None)
        elif known < world.weights["window"]["before"]:
            rule = with_before(world.weights, known)
            other = gather_text(world.archive, world.counts, at, days, rule)
            text = with_evidence(text, place, other)
    return text


def _archive_row(world: World, row: int) -> int:
    if world.archive is None:
        return -1
    return world.market.offset + row - world.archive.offset


def _usual(world: World, text: TextEvidence | None) -> dict[str, float]:
    if text is None:
        return {}
    shares = zip(world.narrative_ids, text.usual.tolist(), strict=True)
    return {name: share for name, share in shares if not np.isnan(share)}


def _quotes(
    world: World, row: int, days: int, passages: PassageSource | None
) -> Mapping[str, Sequence[Quote]]:
    """Return quotes from five sessions before the window to the close of the next session.

    A narrative with fewer than three gets older ones, from up to 20 sessions before.
    """
    if passages is None or world.archive is None:
        return {}
    calendar, position = world.market.calendar, world.market.offset + row
    before = world.weights["window"]["before"]
    start = calendar.close(max(position - days - before, 0))
    end = calendar.close(position + 1)
    names = list(world.narrative_ids)
    table = passages(names, start, end)
    found = select_quotes(table[table["effective_at"] <= pd.Timestamp(world.now)], names)
    few = [name for name in names if len(found[name]) < PER_NARRATIVE]
    earlier = calendar.close(max(position - days - QUOTES_BEFORE, 0))
    if few and earlier < start:
        older = select_quotes(passages(few, earlier, start), few)
        for name in few:
            said = {quote.quote for quote in found[name]}
            found[name] += [quote for quote in older[name] if quote.quote not in said]
            del found[name][PER_NARRATIVE:]
    return found


def _suspect(
    one: Judged, rank: int, quotes: Mapping[str, Sequence[Quote]], projection: float | None
) -> Suspect:
    return Suspect(
        narrative_id=one.narrative_id,
        rank=rank,
        score=one.score,
        low=one.low,
        high=one.high,
        status=one.status,
        parts=one.parts,
        contradicted_by=tuple(one.contradicted_by),
        pre_move_share=one.pre_move_share,
        placebo_percentile=one.placebo_percentile,
        quotes=tuple(quotes.get(one.narrative_id, ())),
        projection_percentile=projection,
        fired=one.fired,
        rejected=one.rejected,
    )


def _no_move(world: World, end: date, moves: Sequence[Move]) -> str:
    """Say why no asset has a move in sigma: no price that day, or too few before it."""
    if moves:
        return (
            f"how unusual the moves to {end} were is not known: {LEAST_OBSERVATIONS} changes before"
            " are needed for a volatility; import older prices, or ask about a later day"
        )
    listed = [name for name in world.listed if name in world.market.changes.columns]
    known = world.market.changes[listed].dropna(how="all").index
    reach = (
        f"theirs run from {known[0].date()} to {known[-1].date()}"
        if len(known)
        else "none has prices"
    )
    return (
        f"no move of a listed asset is known for {end}: {reach}; import or fetch prices that cover"
        " the day, or ask about another"
    )


def _sessions(days: int) -> str:
    return "1 session" if days == 1 else f"{days} sessions"


def days_to_explain(world: World, first: int = 0) -> list[date]:
    """Return the recent sessions with documents and those with the largest moves.

    Parameters
    ----------
    first : int
        The first row of the archive whose past is known well enough.
    """
    archive, market = world.archive, world.market
    if archive is None:
        return []
    listed = [name for name in world.listed if name in market.assets]
    moves = market.moves(1)[listed]
    rows = []
    for row in np.flatnonzero(archive.grid.covered & archive.complete):
        at = int(row) + archive.offset - market.offset
        if row >= first and 0 < at < len(moves) and moves.iloc[at].notna().any():
            rows.append(at)
    size = {at: float(np.sqrt(np.nanmean(np.clip(moves.iloc[at], -5, 5) ** 2))) for at in rows}
    largest = sorted(rows, key=lambda at: (-size[at], at))[:LARGEST_MOVES]
    chosen = sorted({*rows[-RECENT_SESSIONS:], *largest})
    return [market.closes.index[at].date() for at in chosen]
