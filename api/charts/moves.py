"""What moved, in units of each asset's own volatility."""

from collections.abc import Sequence

from markupsafe import Markup

from api import wording
from api.charts.svg import (
    BLUE,
    GREY,
    INK,
    VERMILLION,
    Scale,
    drawing,
    empty,
    line,
    rect,
    shortened,
    text,
    ticks,
)
from store.records import Move

_WIDTH, _ROW, _TOP = 500, 26, 12
_NAMES, _VALUES = 186, 348
ORDINARY = 2.0
"""Moves within two sigma are shaded as ordinary: about one day in twenty leaves the field."""


def moves_chart(moves: Sequence[Move]) -> Markup:
    """Draw the moves as horizontal bars in sigma, the largest first.

    A move without a sigma (too little history) keeps its row, without a bar.
    """
    title = "Moves in units of each asset's own volatility"
    if not moves:
        return empty("No asset has a price for this window.", title=title)
    ordered = by_size(moves)
    reach = max([1.25 * ORDINARY, *(abs(move.sigma) for move in ordered if move.sigma is not None)])
    x = Scale(-reach, reach, _NAMES, _VALUES)
    bottom = _TOP + _ROW * len(ordered)
    body = [
        rect(x(-ORDINARY), _TOP, x(ORDINARY) - x(-ORDINARY), bottom - _TOP, GREY, opacity=0.14),
        line([(x(0), _TOP), (x(0), bottom)], INK, opacity=0.6),
    ]
    for row, move in enumerate(ordered):
        body += _bar(move, _TOP + _ROW * row, x)
    for value in ticks(-reach, reach, 5):
        body.append(text(x(value), bottom + 16, wording.fixed(value, 0), anchor="middle", size=11))
    words = "σ: the change over the asset's own usual change; grey: within ±2 σ, ordinary"
    body.append(text(0, bottom + 34, words, size=11.5, opacity=0.85))
    said = "; ".join(f"{move.name} {value_label(move)}" for move in ordered)
    return drawing(_WIDTH, bottom + 42, body, title=title, desc=said)


def by_size(moves: Sequence[Move]) -> list[Move]:
    """Return moves by descending |sigma|, those without one last, ties by asset id."""
    return sorted(
        moves, key=lambda move: (move.sigma is None, -abs(move.sigma or 0.0), move.asset_id)
    )


def value_label(move: Move) -> str:
    """Return ``-10.8 % (-7.9 σ)``."""
    size = wording.sigma(move.sigma) if move.sigma is not None else "σ n/a"
    return f"{wording.change(move.change, move.unit)} ({size})"


def _bar(move: Move, top: float, x: Scale) -> list[Markup]:
    label = value_label(move)
    drawn = [
        text(0, top + 18, shortened(move.name, _NAMES - 8)),
        text(_WIDTH, top + 18, label, anchor="end", bold=abs(move.sigma or 0.0) >= ORDINARY),
    ]
    if move.sigma is not None:
        start, end = sorted((x(0), x(move.sigma)))
        fill = BLUE if move.sigma > 0 else VERMILLION
        drawn.append(
            rect(start, top + 5, max(1.0, end - start), _ROW - 10, fill, tip=f"{move.name} {label}")
        )
    return drawn
