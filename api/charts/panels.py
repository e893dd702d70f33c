"""A time axis that the strips of a chart share: its gaps, its grid, its dates and its events."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from markupsafe import Markup

from api import wording
from api.charts.sparkline import Values
from api.charts.svg import INK, VERMILLION, Scale, dot, hatch, line, rect, text, text_width, ticks

LEFT = 50
"""Room for the numbers of the vertical axes, in units of the drawing."""
_LONGEST_BREAK = 4  # days between two sessions of New York: a holiday beside a weekend
_SMALL = 11.5
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Panel:
    """One strip of a chart, and the days that it shares with the others."""

    x: Scale
    top: float
    bottom: float

    def at(self, day: date) -> float:
        """Return the middle of a day."""
        return self.x(day.toordinal())

    @property
    def half(self) -> float:
        """Half the width of a day."""
        return (self.x(self.x.low + 1.0) - self.x.start) / 2


def time_axis(days: Sequence[date], width: float) -> Scale:
    """Return the axis from the first of some days to the last."""
    return Scale(days[0].toordinal() - 0.5, days[-1].toordinal() + 0.5, LEFT, width - 4)


def stretches(days: Sequence[date], values: Values) -> list[list[int]]:
    """Return the places of the values in unbroken stretches.

    A stretch ends before a day without a value, and before a break that is longer than a
    weekend with a holiday: days that no row tells of were not collected either.
    """
    found: list[list[int]] = []
    for place, value in enumerate(values):
        if value is None:
            continue
        follows = found and found[-1][-1] == place - 1
        if follows and (days[place] - days[place - 1]).days <= _LONGEST_BREAK:
            found[-1].append(place)
        else:
            found.append([place])
    return found


def gaps(days: Sequence[date], values: Values) -> list[tuple[date, date]]:
    """Return the first and last day of what lies between the stretches."""
    known = stretches(days, values)
    if not known:
        return [(days[0], days[-1])]
    found = [(days[a[-1]] + _DAY, days[b[0]] - _DAY) for a, b in pairwise(known)]
    if known[0][0] > 0:
        found.insert(0, (days[0], days[known[0][0]] - _DAY))
    if known[-1][-1] < len(days) - 1:
        found.append((days[known[-1][-1]] + _DAY, days[-1]))
    return found


def hatched(panel: Panel, days: Sequence[date], values: Values) -> list[Markup]:
    """Draw what was not collected as hatched fields."""
    drawn = []
    for first, last in gaps(days, values):
        left, right = panel.at(first) - panel.half, panel.at(last) + panel.half
        when = wording.day_text(first)
        if last > first:
            when += f" to {wording.day_text(last)}"
        height = panel.bottom - panel.top
        drawn.append(hatch(left, panel.top, right - left, height, tip=f"{when}: not collected"))
    return drawn


def grid(panel: Panel, y: Scale, words: Callable[[float], str], about: int = 3) -> list[Markup]:
    """Draw horizontal lines at round values, with their numbers."""
    drawn = []
    for value in ticks(y.low, y.high, about):
        at = y(value)
        drawn.append(line([(panel.x.start, at), (panel.x.end, at)], INK, opacity=0.14))
        drawn.append(text(panel.x.start - 6, at + 4, words(value), anchor="end", size=_SMALL))
    return drawn


def dates(panel: Panel, days: Sequence[date]) -> list[Markup]:
    """Draw the dates below the last strip: months where the axis is long, else single days."""
    drawn, reached = [], -1e9
    for day, words in _labels(days):
        at, width = panel.at(day), text_width(words, _SMALL)
        at = min(max(at, width / 2), panel.x.end - width / 2 + 4)
        if at - width / 2 < reached:
            continue
        mark = [(panel.at(day), panel.bottom), (panel.at(day), panel.bottom + 4)]
        drawn.append(line(mark, INK, opacity=0.5))
        drawn.append(text(at, panel.bottom + 17, words, anchor="middle", size=_SMALL))
        reached = at + width / 2 + 10
    return drawn


def _labels(days: Sequence[date]) -> list[tuple[date, str]]:
    if (days[-1] - days[0]).days <= 62:
        return [(day, wording.short_day(day)) for day in days[:: max(1, len(days) // 7)]]
    month, found = days[0].replace(day=1), []
    while month <= days[-1]:
        if month >= days[0]:
            name = wording.short_day(month).split()[1]
            found.append((month, f"{name} {month.year}" if month.month == 1 else name))
        month = (month + 31 * _DAY).replace(day=1)
    return found


def events(
    marked: Mapping[date, str], days: Sequence[date], panels: tuple[Panel, Panel]
) -> list[Markup]:
    """Mark events from the first strip to the last: the session, and one on either side of it.

    Each has its number above; numbers that would touch are moved apart, the windows are not.
    """
    top, bottom = panels[0].top, panels[1].bottom
    drawn = []
    marks = _apart([panels[0].at(day) for day in marked], panels[0].x.end - 6)
    for number, (mark, (day, words)) in enumerate(zip(marks, marked.items(), strict=True), start=1):
        before = max((one for one in days if one < day), default=day)
        after = min((one for one in days if one > day), default=day)
        start, end = panels[0].at(before) - panels[0].half, panels[0].at(after) + panels[0].half
        at = panels[0].at(day)
        tip = f"{wording.day_text(day)}: {words}; shaded: one session before to one after"
        drawn += [
            rect(start, top, end - start, bottom - top, VERMILLION, opacity=0.13, tip=tip),
            line([(at, top), (at, bottom)], VERMILLION, dash="4 3", opacity=0.9),
        ]
        drawn += [
            dot(mark, top - 9, 8, "var(--chart-event, #B34700)", tip=tip),
            text(mark, top - 5, str(number), anchor="middle", size=11.5, bold=True,
                 fill="var(--chart-on-event, #FFFFFF)"),
        ]  # fmt: skip
    return drawn


def afterwards(found: date, days: Sequence[date], panels: tuple[Panel, Panel]) -> list[Markup]:
    """Shade the days before a narrative was found, with a rule where its own days begin."""
    x, top, bottom = panels[0].x, panels[0].top, panels[1].bottom
    if days[0] >= found:
        return []
    end = x.end if days[-1] < found else panels[0].at(found) - panels[0].half
    tip = f"before {wording.day_text(found)}: tagged afterwards"
    drawn = [rect(x.start, top, end - x.start, bottom - top, INK, opacity=0.07, tip=tip)]
    if end < x.end:
        drawn.append(line([(end, top), (end, bottom)], INK, opacity=0.6))
    # On the side with room for the words.
    words, left = "tagged afterwards", end - x.start
    if left >= text_width(words, _SMALL) + 10:
        drawn.append(text(end - 5, top + 12, words, anchor="end", size=_SMALL))
    elif x.end - end >= text_width(f"\u2190 {words}", _SMALL) + 10:
        drawn.append(text(end + 5, top + 12, f"\u2190 {words}", size=_SMALL))
    return drawn


def _apart(places: Sequence[float], end: float, gap: float = 18.0) -> list[float]:
    """Move ascending places apart: to the right of the one before, but not beyond the end."""
    found: list[float] = []
    for place in places:
        found.append(max(place, found[-1] + gap) if found else place)
    limit = end
    for index in range(len(found) - 1, -1, -1):
        found[index] = min(found[index], limit)
        limit = found[index] - gap
    return found
