"""A word-sized line for a table cell."""

from collections.abc import Sequence

from markupsafe import Markup

from api.charts.svg import BLUE, Scale, area, dot, drawing, hatch, line

Values = Sequence[float | None]


def sparkline(
    values: Values,
    low: Values | None = None,
    high: Values | None = None,
    *,
    width: int = 140,
    height: int = 28,
    label: str,
) -> Markup:
    """Draw a series without axes, from zero, with its interval where given.

    Parameters
    ----------
    values, low, high : sequence of float or None
        None is a missing day: hatched, and the line breaks.
    label : str
        What a screen reader says, and what hovering shows.
    """
    known = [value for value in (*values, *(high or ())) if value is not None]
    top = max(known, default=0.0) or 1.0
    bottom = min(0.0, *known) if known else 0.0
    y = Scale(bottom, top, height - 3, 3)
    step = (width - 8) / max(1, len(values) - 1)
    xs = [4 + step * place for place in range(len(values))]
    body = [
        hatch(max(0, x - step / 2), 1, min(step, width), height - 2)
        for x, value in zip(xs, values, strict=True)
        if value is None
    ]
    for run in runs(values):
        if low is not None and high is not None:
            body.append(band(run, xs, low, high, y))
        points = [(xs[place], y(values[place] or 0.0)) for place in run]
        body.append(line(points, BLUE, width=1.5) if len(run) > 1 else dot(*points[0], 1.5, BLUE))
    if values and values[-1] is not None:
        body.append(dot(xs[-1], y(values[-1]), 2.5, BLUE))
    return drawing(width, height, body, title=label, fixed=True)


def runs(values: Values) -> list[list[int]]:
    """Return the places of the values in unbroken runs."""
    found: list[list[int]] = []
    for place, value in enumerate(values):
        if value is None:
            continue
        if found and found[-1][-1] == place - 1:
            found[-1].append(place)
        else:
            found.append([place])
    return found


def band(run: Sequence[int], xs: Sequence[float], low: Values, high: Values, y: Scale) -> Markup:
    """Return the interval of a run; a lone day gets a bar that is wide enough to see."""
    ends = [(xs[p], y(low[p] or 0.0), y(high[p] or 0.0)) for p in run if high[p] is not None]
    if not ends:
        return Markup("")
    if len(ends) == 1:
        x, bottom, top = ends[0]
        return area(
            [(x - 2, bottom), (x - 2, top), (x + 2, top), (x + 2, bottom)], BLUE, opacity=0.2
        )
    upper = [(x, top) for x, _, top in ends]
    lower = [(x, bottom) for x, bottom, _ in reversed(ends)]
    return area([*upper, *lower], BLUE, opacity=0.2)
