"""Episodes -> the moves that ship with them, in sigma, so that analogs need no old prices.

Figures alone: no price can be computed back from moves in sigma.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from align.catalogue import SignatureLibrary
from align.market import Market
from store.records import Episode

# The windows of the reference: others are compared where the stored prices reach back.
WINDOWS = (1, 2, 5)
_HEAD = """# Written by docs/measure_episodes.py from closes; never by hand. Moves of the episodes
# in sigma: the change over so many sessions that end on the day, by the volatility known
# before them (align/returns.py). A leg without a price on that day is missing.
version = "episode_moves.v1"
"""


def measured_legs(
    market: Market, library: SignatureLibrary, weights: Mapping[str, Any]
) -> list[str]:
    """Return the columns that analogs and signatures look at.

    Funding legs are left out: SOFR of a day is public on the next morning only.
    """
    wanted = {*weights["analogs"]["assets"], *library.legs}
    late = {name for name, asset in market.assets.items() if asset.asset_class == "funding"}
    return sorted(wanted & set(market.changes.columns) - late)


def measure_moves(
    market: Market, episodes: Sequence[Episode], legs: Sequence[str], days: int
) -> dict[str, dict[str, float]]:
    """Return the known moves of each episode over a window that ends on its day, in sigma.

    An episode that the prices do not reach, or whose day is no session, is left out.
    """
    moves = market.moves(days)
    index = market.closes.index
    found = {}
    for episode in episodes:
        if not index[0].date() <= episode.date <= index[-1].date():
            continue
        row = market.row(episode.date)
        if index[row].date() != episode.date:
            continue
        known = {leg: float(moves[leg].iloc[row]) for leg in legs}
        known = {leg: move for leg, move in known.items() if not np.isnan(move)}
        if known:
            found[episode.id] = known
    return found


def episode_moves_text(
    market: Market,
    episodes: Sequence[Episode],
    library: SignatureLibrary,
    weights: Mapping[str, Any],
) -> str:
    """Return the text of ``episode_moves.toml`` for a market."""
    legs = measured_legs(market, library, weights)
    windows = {days: measure_moves(market, episodes, legs, days) for days in WINDOWS}
    parts = [_HEAD]
    for episode in episodes:
        lines = [
            f"{days} = {{ {_inline(windows[days][episode.id])} }}"
            for days in WINDOWS
            if episode.id in windows[days]
        ]
        if lines:
            parts.append("\n".join([f"[moves.{episode.id}]", *lines, ""]))
    return "\n".join(parts)


def _inline(legs: Mapping[str, float]) -> str:
    # Minus nothing is nothing.
    return ", ".join(f'"{leg}" = {round(move, 2) + 0.0:.2f}' for leg, move in legs.items())
