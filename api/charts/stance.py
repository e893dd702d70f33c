"""How many stories agree, disagree, or take no side: in one bar, and day by day."""

from collections.abc import Sequence
from datetime import date

from markupsafe import Markup

from api import wording
from api.charts.panels import Panel, dates, grid, hatched, stretches, time_axis
from api.charts.sparkline import Values
from api.charts.svg import (
    BLUE,
    GREY,
    INK,
    PURPLE,
    VERMILLION,
    Scale,
    columns,
    dot,
    drawing,
    empty,
    legend,
    line,
    rect,
    text,
    text_width,
)

STANCE_COLOURS = (("favor", BLUE), ("against", VERMILLION), ("none", GREY))
Stances = tuple[Sequence[int], Sequence[int], Sequence[int]]
# Sessions up to which each bar and point is an element of its own that a pointer can ask: a
# year of them is too thin to be met, and was four fifths of a narrative's page.
_POINTED = 60


def stance_bar(favor: int, against: int, none: int, *, width: float = 0.0) -> Markup:
    """Draw one stacked bar with its counts in words below.

    Parameters
    ----------
    favor, against, none : int
        Stories by stance.
    width : float
        Least width; the words below may ask for more.
    """
    counts = dict(zip(("favor", "against", "none"), (favor, against, none), strict=True))
    total = favor + against + none
    words = " · ".join(f"{count} {name}" for name, count in counts.items())
    width = max(width, 170.0, text_width(words, 12))
    body, x = [], 0.0
    for name, fill in STANCE_COLOURS:
        part = width * counts[name] / total if total else 0.0
        if part:
            # A gap of one unit tells neighbours apart without their colours.
            body.append(rect(x, 2, max(1.0, part - 1), 10, fill, tip=f"{counts[name]} {name}"))
        x += part
    body.append(text(0, 26, words if total else "no stories", size=11.5))
    title = f"Stance of {wording.counted(total, 'story', 'stories')}: {words}"
    return drawing(width, 30, body, title=title, fixed=True)


def stance_chart(
    days: Sequence[date],
    stances: Stances,
    disagreement: Values,
    *,
    collected: Sequence[bool],
    width: int = 520,
) -> Markup:
    """Draw who agrees (up), who disagrees (down), who takes no side, and how split they are.

    Parameters
    ----------
    days : sequence of date
        Session days, ascending.
    stances : tuple of three sequences of int
        Stories in favor, against, and none, by day.
    disagreement : sequence of float or None
        In [0, 1]: 0 all who take a side agree, 1 they are split evenly; None where too few
        take a side.
    collected : sequence of bool
        Whether the day was collected; one that was not is hatched.
    """
    title = "Stories by stance, and how far they disagree"
    if not days:
        return empty("No day has been collected yet.", title=title)
    x = time_axis(days, width)
    sides = Panel(x, 40, 150)
    neither = Panel(x, 170, 206)
    split = Panel(x, 250, 310)
    known = [1.0 if here else None for here in collected]
    favor, against, none = stances
    most = max([1, *favor, *against])
    step = -(-most // 2) if most > 2 else most
    both = Scale(-most, most, sides.bottom, sides.top)
    body = [
        text(0, 14, "Stories by stance", bold=True),
        legend(
            [("favor, up", BLUE), ("against, down", VERMILLION), ("no stance", GREY)], 0, 32, 11.5
        ),
        *_counts(sides, both, (-step, 0, step)),
        line([(x.start, both(0)), (x.end, both(0))], INK, opacity=0.6),
    ]
    for panel in (sides, neither, split):
        body += hatched(panel, days, known)
    body += _bars(sides, days, favor, both, ("in favor", BLUE))
    body += _bars(sides, days, [-count for count in against], both, ("against", VERMILLION))
    alone = Scale(0, max([1, *none]), neither.bottom, neither.top)
    body += _counts(neither, alone, (0, max([1, *none])))
    body += _bars(neither, days, none, alone, ("no stance", GREY))
    body.append(text(0, 236, "Disagreement: 0 all agree, 1 split evenly", bold=True))
    body += _disagreement(split, days, disagreement)
    body += dates(split, days)
    said = (
        f"{sum(favor)} stories in favor, {sum(against)} against, {sum(none)} without a stance,"
        f" over {wording.counted(len(days), 'session')}. {_split_words(days, disagreement)}"
    )
    return drawing(width, split.bottom + 26, body, title=title, desc=said)


def stacked(panel: Panel, days: Sequence[date], stance: Stances) -> list[Markup]:
    """Draw the stances of each day as one stacked bar; the strip of an intensity chart."""
    totals = [sum(counts) for counts in zip(*stance, strict=True)]
    y = Scale(0.0, max([1, *totals]), panel.bottom, panel.top)
    drawn = [
        text(0, panel.top - 10, "Stories by stance", bold=True),
        legend([(name, fill) for name, fill in STANCE_COLOURS], 150, panel.top - 10),
        *grid(panel, y, lambda value: wording.fixed(value, 0), about=2),
    ]
    width = max(1.0, 1.4 * panel.half)
    for place, day in enumerate(days):
        reached = 0
        for counts, (name, fill) in zip(stance, STANCE_COLOURS, strict=True):
            count = counts[place]
            if count:
                bottom, upper = y(reached), y(reached + count)
                tip = f"{wording.day_text(day)}: {count} {name}"
                left = panel.at(day) - width / 2
                drawn.append(rect(left, upper, width, bottom - upper - 0.6, fill, tip=tip))
            reached += count
    return drawn


def _counts(panel: Panel, y: Scale, values: Sequence[int]) -> list[Markup]:
    """Return lines at whole counts, which are positive up and down."""
    drawn = []
    for value in values:
        drawn.append(line([(panel.x.start, y(value)), (panel.x.end, y(value))], INK, opacity=0.14))
        words = str(abs(value))
        drawn.append(text(panel.x.start - 6, y(value) + 4, words, anchor="end", size=11.5))
    return drawn


def _bars(
    panel: Panel, days: Sequence[date], counts: Sequence[int], y: Scale, what: tuple[str, str]
) -> list[Markup]:
    width = max(1.0, 1.4 * panel.half)
    name, fill = what
    places, tips = [], []
    for day, count in zip(days, counts, strict=True):
        if count:
            upper, lower = sorted((y(0), y(count)))
            places.append((panel.at(day) - width / 2, upper, lower - upper))
            tips.append(f"{wording.day_text(day)}: {abs(count)} {name}")
    if len(days) > _POINTED:
        return [columns(places, width, fill, tip=f"{name}, by session")] if places else []
    return [
        rect(left, upper, width, height, fill, tip=tip)
        for (left, upper, height), tip in zip(places, tips, strict=True)
    ]


def _disagreement(panel: Panel, days: Sequence[date], values: Values) -> list[Markup]:
    y = Scale(0.0, 1.0, panel.bottom, panel.top)
    drawn = grid(panel, y, lambda value: wording.fixed(value, 1), about=2)
    for run in stretches(days, values):
        points = [(panel.at(days[place]), y(values[place] or 0.0)) for place in run]
        if len(run) > 1:
            drawn.append(line(points, PURPLE, width=1.4))
        for place in run if len(run) == 1 or len(days) <= _POINTED else ():
            day, value = days[place], values[place] or 0.0
            tip = f"{wording.day_text(day)}: {wording.fixed(value)}"
            drawn.append(dot(panel.at(day), y(value), 2.2, PURPLE, tip=tip))
    return drawn


def _split_words(days: Sequence[date], values: Values) -> str:
    known = [place for place, value in enumerate(values) if value is not None]
    if not known:
        return "On no day do enough of them take a side to say how far they disagree."
    last = known[-1]
    return f"Disagreement {wording.fixed(values[last])} on {wording.day_text(days[last])}."
