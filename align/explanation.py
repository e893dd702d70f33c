"""Which story moved it? The whole answer for one day, in a fixed order.

Move table, size gate, evidence per suspect, verdict, analogs, falsifiers. Everything here is
association: "moved before", "moved with", "moved after".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd

from align.analogs import ShippedMoves, find_analogs
from align.archive import Archive
from align.catalogue import AssetWords
from align.errors import AlignError
from align.evidence import TextCounts, TextEvidence, coverage_over, gather_text, text_counts
from align.falsifiers import falsifiers_of
from align.hard_data import hard_percentiles
from align.market import Market, as_of_of
from align.quotes import select_quotes
from align.returns import change_unit
from align.signatures import Signature, match
from align.suspects import Judged, judge
from align.wording import premise
from store.records import Episode, Explanation, Move, Quote, Suspect

PassageSource = Callable[[Sequence[str], datetime, datetime], pd.DataFrame]
# A close that is older than this many sessions is no news about the day.
_OLDEST = 3
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
            f"{days} sessions to {day} begin before the first price"
            f" ({market.closes.index[0].date()}): ask for fewer"
        )
    start, end = (market.closes.index[at].date() for at in (row - days + 1, row))
    moves = move_table(world, row, days)
    if not any(move.sigma is not None for move in moves):
        raise AlignError(
            f"no move of a listed asset is known for {end}: {_range_of(world)}; import or fetch"
            " prices that cover the day, or ask about another"
        )
    matches = {
        narrative_id: match(
            market.moves(days), row, days, world.signatures[narrative_id], world.weights
        )
        for narrative_id in world.narrative_ids
    }
    text = _text(world, row, days)
    judgement = judge(
        world.narrative_ids,
        text,
        matches,
        hard_percentiles(market, row, days, list(world.narrative_ids), world.weights),
        world.signatures,
        unusual=_unusual(moves, world),
        weights=world.weights,
    )
    quotes = _quotes(world, row, days, passages)
    analogs = find_analogs(market, row, days, world.episodes, world.weights, world.episode_moves)
    spoken = world.words.spoken
    return Explanation(
        date=end,
        window_start=start,
        window_end=end,
        moves=moves,
        premise=premise(moves, spoken, world.words.headline, asked=day, start=start, end=end),
        verdict=judgement.verdict,
        clarity=judgement.clarity,
        suspects=[
            _suspect(one, place, quotes) for place, one in enumerate(judgement.suspects, start=1)
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
            usual=_usual(world, text),
            spoken=spoken,
        )
        if judgement.suspects
        else [],
        coverage=coverage_over(
            world.archive, _archive_row(world, row), days, world.weights["window"]["before"]
        ),
    )


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
        abs(move.sigma or 0.0) >= limit
        for move in moves
        if world.market.assets[move.asset_id].asset_class != "funding"
    )


def _text(world: World, row: int, days: int) -> TextEvidence | None:
    if world.archive is None or world.counts is None:
        return None
    return gather_text(world.archive, world.counts, _archive_row(world, row), days, world.weights)


def _archive_row(world: World, row: int) -> int:
    if world.archive is None:
        return -1
    return world.market.offset + row - world.archive.offset


def _usual(world: World, text: TextEvidence | None) -> dict[str, float]:
    if text is None:
        return {}
    return dict(zip(world.narrative_ids, text.usual.tolist(), strict=True))


def _quotes(
    world: World, row: int, days: int, passages: PassageSource | None
) -> Mapping[str, Sequence[Quote]]:
    """Return quotes from five sessions before the window to the close of the next session."""
    if passages is None or world.archive is None:
        return {}
    calendar, position = world.market.calendar, world.market.offset + row
    before = world.weights["window"]["before"]
    start = calendar.close(max(position - days - before, 0))
    end = calendar.close(position + 1)
    table = passages(list(world.narrative_ids), start, end)
    table = table[table["effective_at"] <= pd.Timestamp(world.now)]
    return select_quotes(table, world.narrative_ids)


def _suspect(one: Judged, rank: int, quotes: Mapping[str, Sequence[Quote]]) -> Suspect:
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
    )


def _range_of(world: World) -> str:
    listed = [name for name in world.listed if name in world.market.changes.columns]
    known = world.market.changes[listed].dropna(how="all").index
    if not len(known):
        return "no listed asset has prices"
    return f"theirs run from {known[0].date()} to {known[-1].date()}"


def days_to_explain(world: World) -> list[date]:
    """Return the recent sessions with documents and those with the largest moves."""
    archive, market = world.archive, world.market
    if archive is None:
        return []
    listed = [name for name in world.listed if name in market.assets]
    moves = market.moves(1)[listed]
    rows = []
    for row in np.flatnonzero(archive.grid.covered & archive.complete):
        at = int(row) + archive.offset - market.offset
        if 0 < at < len(moves) and moves.iloc[at].notna().any():
            rows.append(at)
    size = {at: float(np.sqrt(np.nanmean(np.clip(moves.iloc[at], -5, 5) ** 2))) for at in rows}
    largest = sorted(rows, key=lambda at: (-size[at], at))[:LARGEST_MOVES]
    chosen = sorted({*rows[-RECENT_SESSIONS:], *largest})
    return [market.closes.index[at].date() for at in chosen]
