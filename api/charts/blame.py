"""Which cause the stories state, by session after a move: one stacked bar a day."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from api import wording
from api.charts.svg import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    VERMILLION,
    drawing,
    empty,
    mark,
    rect,
    shortened,
    text,
    text_width,
)
from store.records import BlameDay

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, VERMILLION)
_ROW, _LEFT, _RIGHT = 28, 130, 112


def blame_chart(blame: Sequence[BlameDay], names: Mapping[str, str], *, width: int = 500) -> Markup:
    """Draw the shares of each day as one bar; all but the five largest causes are grey.

    Parameters
    ----------
    names : mapping of narrative id to name
    width : int
        From 320 on; every text keeps its size.
    """
    # Where no day has enough claims of a cause, the bars show what was talked about.
    stated = any(day.basis == "claims" for day in blame) or not blame
    what = "Which cause the stories state" if stated else "What the stories talk about"
    title = f"{what}, by session after the move"
    if not blame:
        return empty("Too few stories named a cause.", title=title)
    colour = dict(zip(_largest(blame), _COLOURS, strict=False))
    words = [(shortened(names.get(one, one), 150), fill) for one, fill in colour.items()]
    body, top = _legend([*words, ("others", GREY)], width)
    for row, day in enumerate(blame):
        y = top + _ROW * row
        body += [text(0, y + 14, f"day {day.after}, {wording.day_text(day.date)}", size=11.5)]
        body += _bar(day, (y, width), colour, names)
        label = f"entropy {wording.fixed(day.entropy)}, n {day.stories}"
        body.append(text(width, y + 14, label, anchor="end", size=11.5))
    said = "; ".join(f"day {day.after}: {_first(day, names)}" for day in blame)
    return drawing(width, top + _ROW * len(blame), body, title=title, desc=said)


def _largest(blame: Sequence[BlameDay]) -> list[str]:
    total: dict[str, float] = {}
    for day in blame:
        for part in day.shares:
            total[part.narrative_id] = total.get(part.narrative_id, 0.0) + part.share
    return sorted(total, key=lambda one: (-total[one], one))[: len(_COLOURS)]


def _bar(
    day: BlameDay, place: tuple[float, int], colour: Mapping[str, str], names: Mapping[str, str]
) -> list[Markup]:
    # The coloured first, in the order of the legend; the rest together at the end.
    order = {one: place for place, one in enumerate(colour)}
    parts = sorted(day.shares, key=lambda part: order.get(part.narrative_id, len(order)))
    y, reach = place[0], place[1] - _LEFT - _RIGHT
    drawn, x = [], float(_LEFT)
    for part in parts:
        width = part.share * reach
        name = names.get(part.narrative_id, part.narrative_id)
        tip = f"{name} {wording.percent(part.share, 0)}"
        fill = colour.get(part.narrative_id, GREY)
        # A gap of one unit tells neighbours apart without their colours.
        drawn.append(rect(x, y + 3, max(1.0, width - 1), _ROW - 12, fill, tip=tip))
        if fill != GREY and width >= 12:
            drawn.append(mark(x + width / 2, y + 15, str(order[part.narrative_id] + 1), fill))
        x += width
    return drawn


def _legend(entries: Sequence[tuple[str, str]], room: int) -> tuple[list[Markup], float]:
    """Return the numbered legend in as many lines as it needs, and where the bars begin."""
    drawn, x, y = [], 0.0, 14.0
    for number, (words, fill) in enumerate(entries, start=1):
        needed = 19 + text_width(words, 12)
        if x + needed > room:
            x, y = 0.0, y + 20
        drawn += [rect(x, y - 11, 14, 14, fill), text(x + 19, y, words, size=12)]
        if fill != GREY:
            drawn.append(mark(x + 7, y, str(number), fill))
        x += needed + 14
    return drawn, y + 12


def _first(day: BlameDay, names: Mapping[str, str]) -> str:
    part = day.shares[0]
    return f"{names.get(part.narrative_id, part.narrative_id)} {wording.percent(part.share, 0)}"
