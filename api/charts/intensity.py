"""A narrative's intensity above the tape, on one time axis."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from api import wording
from api.charts.sparkline import Values, band, runs
from api.charts.stance import STANCE_COLOURS
from api.charts.svg import (
    BLUE,
    GREEN,
    INK,
    VERMILLION,
    Scale,
    dot,
    drawing,
    empty,
    hatch,
    legend,
    line,
    rect,
    shortened,
    text,
    ticks,
)

Stances = tuple[Sequence[int], Sequence[int], Sequence[int]]
_WIDTH, _LEFT = 520, 46
_MOST_EVENTS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLine:
    """A price to draw below an intensity.

    Attributes
    ----------
    days : sequence of date
        Session dates; those outside the intensity's days are left out.
    closes : sequence of float or None
        In ``unit``.
    """

    name: str
    days: Sequence[date]
    closes: Values
    unit: str


@dataclass(frozen=True, slots=True)
class _Panel:
    """One strip of the chart and the days it shares with the others."""

    x: Scale
    top: float
    bottom: float

    def at(self, day: date) -> float:
        return self.x(day.toordinal())


def intensity_chart(
    days: Sequence[date],
    share: Values,
    low: Values,
    high: Values,
    *,
    name: str,
    events: Mapping[date, str] | None = None,
    price: PriceLine | None = None,
    stance: Stances | None = None,
) -> Markup:
    """Draw daily shares with their interval, and below them the price and the stances.

    Parameters
    ----------
    days : sequence of date
        Session days, ascending.
    share, low, high : sequence of float or None
        In [0, 1]; None is a day that was not collected, drawn hatched.
    events : mapping of date to text, optional
        Marked with a number in the chart and named below it.
    price : PriceLine, optional
        The tape, on the same time axis.
    stance : tuple of three sequences of int, optional
        Stories in favor, against, and none, by day.
    """
    title = f"{name}: share of the day's stories" + (f", and {price.name}" if price else "")
    if not days:
        return empty("No day has been collected yet.", title=title)
    x = Scale(days[0].toordinal() - 0.5, days[-1].toordinal() + 0.5, _LEFT, _WIDTH - 4)
    top = _Panel(x, 24, 164)
    body = [text(0, 14, shortened(f"{name}: share of the day's stories", _WIDTH), bold=True)]
    body += _share_panel(top, days, share, low, high)
    last = top
    if price is not None:
        last = _Panel(x, last.bottom + 34, last.bottom + 144)
        body += _price_panel(last, price, days)
    if stance is not None:
        last = _Panel(x, last.bottom + 34, last.bottom + 94)
        body += _stance_panel(last, days, stance)
    body += _dates(last, days)
    height = last.bottom + 26
    shown = [(d, words) for d, words in sorted((events or {}).items()) if days[0] <= d <= days[-1]]
    for number, (day, words) in enumerate(shown, start=1):
        body += _event(number, top.at(day), last.bottom, wording.day_text(day) + ": " + words)
        if number <= _MOST_EVENTS:
            height += 18
            label = f"({number}) {wording.day_text(day)}: {words}"
            body.append(text(0, height - 8, shortened(label, _WIDTH, 12), size=12))
    return drawing(_WIDTH, height, body, title=title, desc=_said(days, share, low, high))


def _share_panel(
    panel: _Panel, days: Sequence[date], share: Values, low: Values, high: Values
) -> list[Markup]:
    known = [value for value in (*share, *high) if value is not None]
    y = Scale(0.0, max([0.05, *known]), panel.bottom, panel.top)
    drawn = _grid(panel, y, lambda value: wording.percent(value, 0))
    xs = [panel.at(day) for day in days]
    half = (panel.x(1.0 + panel.x.low) - panel.x.start) / 2
    for day, centre, value in zip(days, xs, share, strict=True):
        if value is None:
            tip = f"{wording.day_text(day)}: not collected"
            drawn.append(
                hatch(centre - half, panel.top, 2 * half, panel.bottom - panel.top, tip=tip)
            )
    for run in runs(share):
        drawn.append(band(run, xs, low, high, y))
        drawn.append(line([(xs[p], y(share[p] or 0.0)) for p in run], BLUE, width=2))
    if len(days) <= 80:
        for place, value in enumerate(share):
            if value is not None:
                around = wording.percent_interval(low[place], high[place])
                tip = f"{wording.day_text(days[place])}: {wording.percent(value)} ({around})"
                drawn.append(dot(xs[place], y(value), 2.6, BLUE, tip=tip))
    return drawn


def _price_panel(panel: _Panel, price: PriceLine, days: Sequence[date]) -> list[Markup]:
    inside = [
        (day, close)
        for day, close in zip(price.days, price.closes, strict=True)
        if close is not None and days[0] <= day <= days[-1]
    ]
    head = shortened(f"{price.name} ({price.unit})", _WIDTH)
    drawn = [text(0, panel.top - 10, head, bold=True)]
    if not inside:
        return [*drawn, text(_LEFT, panel.top + 20, "No close in this window.", opacity=0.75)]
    closes = [close for _, close in inside]
    pad = 0.06 * (max(closes) - min(closes)) or abs(closes[0]) * 0.01 or 1.0
    y = Scale(min(closes) - pad, max(closes) + pad, panel.bottom, panel.top)
    drawn += _grid(panel, y, wording.price)
    drawn.append(line([(panel.at(day), y(close)) for day, close in inside], GREEN, width=1.8))
    if len(inside) <= 80:
        for day, close in inside:
            tip = f"{wording.day_text(day)}: {wording.price(close)}"
            drawn.append(dot(panel.at(day), y(close), 2.4, GREEN, tip=tip))
    return drawn


def _stance_panel(panel: _Panel, days: Sequence[date], stance: Stances) -> list[Markup]:
    totals = [sum(counts) for counts in zip(*stance, strict=True)]
    y = Scale(0.0, max([1, *totals]), panel.bottom, panel.top)
    drawn = [
        text(0, panel.top - 10, "Stories by stance", bold=True),
        legend([(name, fill) for name, fill in STANCE_COLOURS], 150, panel.top - 10),
        *_grid(panel, y, lambda value: wording.fixed(value, 0), about=2),
    ]
    width = max(1.0, 0.7 * (panel.x(1.0 + panel.x.low) - panel.x.start))
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


def _grid(panel: _Panel, y: Scale, words: Callable[[float], str], about: int = 3) -> list[Markup]:
    drawn = []
    for value in ticks(y.low, y.high, about):
        at = y(value)
        drawn.append(line([(_LEFT, at), (_WIDTH - 4, at)], INK, opacity=0.14))
        drawn.append(text(_LEFT - 6, at + 4, words(value), anchor="end", size=11))
    return drawn


def _dates(panel: _Panel, days: Sequence[date]) -> list[Markup]:
    """Return about six dates below the last panel, the first and last at its ends."""
    step = max(1, round((len(days) - 1) / 5))
    chosen = list(days[::step])
    if len(chosen) > 1 and (len(days) - 1) % step:
        chosen[-1] = days[-1]
    long = (days[-1] - days[0]).days > 300
    drawn = []
    for day in chosen:
        words = wording.day_text(day)
        label = words if long else words.rsplit(" ", 1)[0]
        anchor = "end" if day == days[-1] and len(days) > 1 else "middle"
        drawn.append(text(panel.at(day), panel.bottom + 16, label, anchor=anchor, size=11))
    return drawn


def _event(number: int, x: float, bottom: float, tip: str) -> list[Markup]:
    return [
        line([(x, 30), (x, bottom)], VERMILLION, dash="4 3", opacity=0.9),
        dot(x, 25, 8, VERMILLION, tip=tip),
        text(x, 29, str(number), anchor="middle", size=11, bold=True, fill="#fff"),
    ]


def _said(days: Sequence[date], share: Values, low: Values, high: Values) -> str:
    known = [place for place, value in enumerate(share) if value is not None]
    missing = len(days) - len(known)
    if not known:
        return f"{len(days)} days, none of them collected."
    peak = max(known, key=lambda place: (share[place] or 0.0, place))
    return (
        f"{len(days)} days, {missing} of them missing. Highest on {wording.day_text(days[peak])}:"
        f" {wording.percent(share[peak])} ({wording.percent_interval(low[peak], high[peak])})."
        f" Last: {wording.percent(share[known[-1]])} on {wording.day_text(days[known[-1]])}."
    )
