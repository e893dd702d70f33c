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
    text_width,
    ticks,
)
from store.records import Move

_ROW, _TOP = 26, 12
ORDINARY = 2.0
"""Moves within two sigma are shaded as ordinary: about one day in twenty leaves the field."""


def moves_chart(moves: Sequence[Move], *, width: int = 500) -> Markup:
    """Draw the moves as horizontal bars in sigma, the largest first.

    A move without a sigma (too little history) keeps its row, without a bar.

    Parameters
    ----------
    width : int
        From 320 on; every text keeps its size.
    """
    title = "Moves in units of each asset's own volatility"
    if not moves:
        return empty("No asset has a price for this window.", title=title)
    ordered = by_size(moves)
    reach = max([1.25 * ORDINARY, *(abs(move.sigma) for move in ordered if move.sigma is not None)])
    x = Scale(-reach, reach, _names(width), width - 152)
    bottom = _TOP + _ROW * len(ordered)
    body = [
        rect(x(-ORDINARY), _TOP, x(ORDINARY) - x(-ORDINARY), bottom - _TOP, GREY, opacity=0.14),
        line([(x(0), _TOP), (x(0), bottom)], INK, opacity=0.6),
    ]
    for row, move in enumerate(ordered):
        body += _bar(move, _TOP + _ROW * row, x, width)
    for value in ticks(-reach, reach, 5):
        body.append(text(x(value), bottom + 16, wording.fixed(value, 0), anchor="middle", size=11))
    words = ["σ: the change over the asset's own usual change;", "grey: within ±2 σ, ordinary"]
    if text_width(" ".join(words), 12) <= width:
        words = [" ".join(words)]
    for row, part in enumerate(words):
        body.append(text(0, bottom + 34 + 16 * row, part, size=11.5))
    said = "; ".join(f"{move.name} {value_label(move)}" for move in ordered)
    return drawing(width, bottom + 26 + 16 * len(words), body, title=title, desc=said)


def move_bar(sigma: float | None, reach: float, *, width: int = 120) -> Markup:
    """Draw one move as a bar to the left or right of a middle line, for a row of a table.

    Parameters
    ----------
    sigma : float or None
        None: too little history, so that there is no bar.
    reach : float
        Sigmas at either end, the same in every row of the table.
    """
    x = Scale(-reach, reach, 1, width - 1)
    body = [
        rect(x(-ORDINARY), 1, x(ORDINARY) - x(-ORDINARY), 14, GREY, opacity=0.16),
        line([(x(0), 0), (x(0), 16)], INK, opacity=0.6),
    ]
    if sigma is not None:
        start, end = sorted((x(0), x(sigma)))
        fill = BLUE if sigma > 0 else VERMILLION
        body.append(rect(start, 3.5, max(1.0, end - start), 9, fill))
    return drawing(width, 16, body, title=f"{wording.sigma(sigma)}, on a line of ±"
                   f"{wording.fixed(reach, 0)}", fixed=True)  # fmt: skip


def by_size(moves: Sequence[Move]) -> list[Move]:
    """Return moves by descending |sigma|, those without one last, ties by asset id."""
    return sorted(
        moves, key=lambda move: (move.sigma is None, -abs(move.sigma or 0.0), move.asset_id)
    )


def value_label(move: Move) -> str:
    """Return ``-10.8 % (-7.9 σ)``."""
    size = wording.sigma(move.sigma) if move.sigma is not None else "σ n/a"
    return f"{wording.change(move.change, move.unit)} ({size})"


def _names(width: int) -> float:
    """Return the room for the names: a third, where the rest then has enough."""
    return min(0.37 * width, width - 152 - 86)


def _bar(move: Move, top: float, x: Scale, width: int) -> list[Markup]:
    label = value_label(move)
    drawn = [
        text(0, top + 18, shortened(move.name, _names(width) - 8)),
        text(width, top + 18, label, anchor="end", bold=abs(move.sigma or 0.0) >= ORDINARY),
    ]
    if move.sigma is not None:
        start, end = sorted((x(0), x(move.sigma)))
        fill = BLUE if move.sigma > 0 else VERMILLION
        drawn.append(
            rect(start, top + 5, max(1.0, end - start), _ROW - 10, fill, tip=f"{move.name} {label}")
        )
    return drawn
