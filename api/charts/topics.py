"""How a topic came and went: its stories window by window, and its share of all stories."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from markupsafe import Markup

from api import wording
from api.charts.panels import Panel, dates, grid, time_axis
from api.charts.svg import BLUE, GREEN, GREY, Scale, dot, drawing, empty, legend, line, rect, text

# Runs are a night or a week apart; over a longer gap no line is drawn.
_LONGEST_GAP = 13  # days
_WIDEST = 26.0


def topic_chart(
    days: Sequence[date],
    core: Sequence[int],
    reassigned: Sequence[int],
    share: Sequence[float],
    *,
    width: int = 520,
) -> Markup:
    """Draw the stories of each window as stacked bars, and below them the share as a line.

    Parameters
    ----------
    days : sequence of date
        Last days of the windows, ascending.
    core, reassigned : sequence of int
        Stories in the group, and those outside of every group that are nearest to it.
    share : sequence of float
        Stories of the last seven days over all stories of them, in [0, 1].
    """
    title = "Stories of the topic, and its share of all stories"
    if not days:
        return empty("No window has been looked at yet.", title=title)
    half = time_axis(days, width)
    # Half a bar of room on either side: a week is wider than a day of a long axis.
    bar = max(3.0, min(_WIDEST, 0.7 * _apart(days) * (half.end - half.start) / _length(days)))
    x = Scale(half.low, half.high, half.start + bar / 2, half.end - bar / 2)
    upper, lower = Panel(x, 42, 142), Panel(x, 186, 246)
    body = [
        text(0, 14, "Stories in the window that ends on a day", bold=True),
        legend([("core", BLUE), ("reassigned", GREY)], 0, 32, 11.5),
        *_bars(upper, days, (core, reassigned), bar),
        text(0, 176, "Share of all stories, last 7 days", bold=True),
        *_share(lower, days, share),
        *dates(lower, days),
    ]
    return drawing(width, lower.bottom + 26, body, title=title, desc=_said(days, core, share))


def _length(days: Sequence[date]) -> int:
    return (days[-1] - days[0]).days + 1


def _apart(days: Sequence[date]) -> int:
    """Return the least days between two windows."""
    return min(((after - before).days for before, after in pairwise(days)), default=1)


def _bars(
    panel: Panel, days: Sequence[date], counts: tuple[Sequence[int], Sequence[int]], width: float
) -> list[Markup]:
    totals = [sum(both) for both in zip(*counts, strict=True)]
    y = Scale(0.0, max([1, *totals]), panel.bottom, panel.top)
    drawn = grid(panel, y, lambda value: wording.fixed(value, 0) if value == int(value) else "")
    for place, day in enumerate(days):
        reached = 0
        for column, name, fill in zip(counts, ("core", "reassigned"), (BLUE, GREY), strict=True):
            count = column[place]
            if count:
                bottom, top = y(reached), y(reached + count)
                tip = f"{wording.day_text(day)}: {count} {name}"
                left = panel.at(day) - width / 2
                drawn.append(rect(left, top, width, bottom - top - 0.6, fill, tip=tip))
            reached += count
    return drawn


def _share(panel: Panel, days: Sequence[date], share: Sequence[float]) -> list[Markup]:
    top = max([0.001, *share])
    y = Scale(0.0, top, panel.bottom, panel.top)
    digits = 0 if top >= 0.03 else 1 if top >= 0.003 else 2
    drawn = grid(panel, y, lambda value: wording.percent(value, digits), about=2)
    points = [(panel.at(day), y(value)) for day, value in zip(days, share, strict=True)]
    for place in range(1, len(days)):
        if (days[place] - days[place - 1]).days <= _LONGEST_GAP:
            drawn.append(line(points[place - 1 : place + 1], GREEN, width=1.8))
    for day, value, point in zip(days, share, points, strict=True):
        tip = f"{wording.day_text(day)}: {wording.percent(value)}"
        drawn.append(dot(*point, 2.6, GREEN, tip=tip))
    return drawn


def _said(days: Sequence[date], core: Sequence[int], share: Sequence[float]) -> str:
    peak = max(range(len(days)), key=lambda place: (core[place], place))
    return (
        f"{wording.counted(len(days), 'window')}. Most core stories in the one that ends on"
        f" {wording.day_text(days[peak])}: {core[peak]}. Last: {core[-1]}, and"
        f" {wording.percent(share[-1])} of all stories of its last seven days."
    )
