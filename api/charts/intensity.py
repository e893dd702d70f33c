"""A narrative's intensity above the tape, on one time axis."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from api import wording
from api.charts import panels
from api.charts.panels import Panel, dates, grid, hatched, stretches, time_axis
from api.charts.sparkline import Values, band
from api.charts.stance import Stances, stacked
from api.charts.svg import BLUE, GREEN, Scale, dot, drawing, empty, line, shortened, text, ticks

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large an intensity chart is drawn, in units of about a pixel.

    Attributes
    ----------
    width : int
        From 320 on; every text keeps its size, so a narrow drawing reads on a phone.
    share, price : int
        Heights of the two strips.
    lists_events : bool
        Name the marked events below the chart, where the page around it does not.
    """

    width: int = 520
    share: int = 140
    price: int = 110
    lists_events: bool = True


def intensity_chart(  # noqa: PLR0913 - a series, its interval, what is beside it, and the size
    days: Sequence[date],
    share: Values,
    low: Values,
    high: Values,
    *,
    name: str,
    events: Mapping[date, str] | None = None,
    price: PriceLine | None = None,
    stance: Stances | None = None,
    found: date | None = None,
    size: Size | None = None,
) -> Markup:
    """Draw daily shares with their interval, and below them the price and the stances.

    Parameters
    ----------
    days : sequence of date
        Session days, ascending.
    share, low, high : sequence of float or None
        In [0, 1]; None is a day that was not collected, drawn hatched.
    events : mapping of date to text, optional
        Marked with a number in the chart, their window (one session before to one after)
        shaded.
    price : PriceLine, optional
        The tape, on the same time axis.
    stance : tuple of three sequences of int, optional
        Stories in favor, against, and none, by day.
    found : date, optional
        Days before it were tagged afterwards; they are shaded, and say so.
    size : Size, optional
        By default the size for a report.
    """
    size = size or Size()
    title = f"{name}: share of the day's stories" + (f", and {price.name}" if price else "")
    if not days:
        return empty("No day has been collected yet.", title=title)
    shown = {d: words for d, words in sorted((events or {}).items()) if days[0] <= d <= days[-1]}
    x = time_axis(days, size.width)
    start = 42 if shown else 26
    top = Panel(x, start, start + size.share)
    body = [text(0, 14, shortened(f"{name}: share of the day's stories", size.width), bold=True)]
    strips: list[Markup] = _share_panel(top, days, share, low, high)
    last = top
    if price is not None:
        last = Panel(x, last.bottom + 34, last.bottom + 34 + size.price)
        strips += _price_panel(last, price, days)
    if stance is not None:
        last = Panel(x, last.bottom + 34, last.bottom + 94)
        strips += stacked(last, days, stance)
    if found is not None:
        body += panels.afterwards(found, days, (top, last))
    body += [*panels.events(shown, days, (top, last)), *strips, *dates(last, days)]
    height = last.bottom + 26
    if size.lists_events:
        for number, (day, words) in enumerate(list(shown.items())[:_MOST_EVENTS], start=1):
            height += 18
            label = f"({number}) {wording.day_text(day)}: {words}"
            body.append(text(0, height - 8, shortened(label, size.width, 12), size=12))
    said = _said(days, share, low, high)
    if found is not None and days[0] < found:
        said += f" Days before {wording.day_text(found)} were tagged afterwards."
    said += "".join(f" Marked: {wording.day_text(d)}, {words}." for d, words in shown.items())
    return drawing(size.width, height, body, title=title, desc=said)


def price_chart(
    price: PriceLine, *, events: Mapping[date, str] | None = None, width: int = 520
) -> Markup:
    """Draw a price alone, with the windows of marked events.

    Parameters
    ----------
    events : mapping of date to text, optional
        Marked with a number; the page names them.
    width : int
        From 320 on; every text keeps its size.
    """
    title = f"{price.name} ({price.unit})"
    known = [(day, close) for day, close in zip(price.days, price.closes, strict=True)
             if close is not None]  # fmt: skip
    if not known:
        return empty("No close is stored.", title=title)
    days = list(price.days)
    shown = {d: words for d, words in sorted((events or {}).items()) if days[0] <= d <= days[-1]}
    panel = Panel(time_axis(days, width), 46, 206)
    body = [
        *panels.events(shown, days, (panel, panel)),
        *_price_panel(panel, price, days, head=14),
        *dates(panel, days),
    ]
    low, high = min(known, key=lambda one: one[1]), max(known, key=lambda one: one[1])
    said = (
        f"Last {wording.price(known[-1][1])} on {wording.day_text(known[-1][0])};"
        f" lowest {wording.price(low[1])} on {wording.day_text(low[0])},"
        f" highest {wording.price(high[1])} on {wording.day_text(high[0])}."
    )
    return drawing(width, panel.bottom + 26, body, title=title, desc=said)


def _share_panel(
    panel: Panel, days: Sequence[date], share: Values, low: Values, high: Values
) -> list[Markup]:
    known = [value for value in (*share, *high) if value is not None]
    y = Scale(0.0, max([0.05, *known]), panel.bottom, panel.top)
    drawn = [
        *grid(panel, y, lambda value: wording.percent(value, 0)),
        *hatched(panel, days, share),
    ]
    xs = [panel.at(day) for day in days]
    for run in stretches(days, share):
        drawn.append(band(run, xs, low, high, y))
        drawn.append(line([(xs[p], y(share[p] or 0.0)) for p in run], BLUE, width=2))
    # Dots carry the numbers of their days; where they would touch, only lone days have one.
    dense = _is_dense(panel, len(days))
    alone = {run[0] for run in stretches(days, share) if len(run) == 1}
    for place, value in enumerate(share):
        if value is not None and (not dense or place in alone):
            around = wording.percent_interval(low[place], high[place])
            tip = f"{wording.day_text(days[place])}: {wording.percent(value)} ({around})"
            drawn.append(dot(xs[place], y(value), 2.6, BLUE, tip=tip))
    return drawn


def _price_panel(
    panel: Panel, price: PriceLine, days: Sequence[date], head: float | None = None
) -> list[Markup]:
    inside = [
        (day, close)
        for day, close in zip(price.days, price.closes, strict=True)
        if close is not None and days[0] <= day <= days[-1]
    ]
    width = panel.x.end + 4
    words = shortened(f"{price.name} ({price.unit})", width)
    drawn = [text(0, panel.top - 10 if head is None else head, words, bold=True)]
    if not inside:
        return [*drawn, text(panel.x.start, panel.top + 20, "No close in this window.")]
    closes = [close for _, close in inside]
    pad = 0.06 * (max(closes) - min(closes)) or abs(closes[0]) * 0.01 or 1.0
    y = Scale(min(closes) - pad, max(closes) + pad, panel.bottom, panel.top)
    drawn += grid(panel, y, _close_words(y))
    drawn.append(line([(panel.at(day), y(close)) for day, close in inside], GREEN, width=1.8))
    if not _is_dense(panel, len(inside)):
        for day, close in inside:
            tip = f"{wording.day_text(day)}: {wording.price(close)}"
            drawn.append(dot(panel.at(day), y(close), 2.4, GREEN, tip=tip))
    return drawn


def _close_words(y: Scale) -> Callable[[float], str]:
    """Return how to word a close on the axis: with the decimals that its steps need."""
    steps = ticks(y.low, y.high, 3)
    step = steps[1] - steps[0] if len(steps) > 1 else y.high - y.low
    digits = 0 if step >= 1 else 1 if step >= 0.1 else 2 if step >= 0.01 else 4
    return lambda value: f"{value:,.{digits}f}"


def _is_dense(panel: Panel, count: int) -> bool:
    return count > (panel.x.end - panel.x.start) / 5.8


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
