"""The few SVG elements that the charts are made of, their colours, and a linear scale.

Colours are CSS custom properties with a fallback (Okabe & Ito (2008), safe for colour-blind
readers), text and axes are ``currentColor``: a chart reads on a light page, a dark one and on
paper without any style of its own, and a page may set ``--chart-*`` to its taste. No element
has an id, so that any number of charts share a page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10
from unicodedata import east_asian_width

from markupsafe import Markup, escape

BLUE = "var(--chart-blue, #0072B2)"
VERMILLION = "var(--chart-vermillion, #D55E00)"
GREEN = "var(--chart-green, #009E73)"
ORANGE = "var(--chart-orange, #E69F00)"
PURPLE = "var(--chart-purple, #CC79A7)"
SKY = "var(--chart-sky, #56B4E9)"
GREY = "var(--chart-grey, #8A8F98)"
INK = "currentColor"
FONT = 13
_ON_BLUE = "var(--chart-on-blue, #FFFFFF)"
_ON_LIGHT = "var(--chart-on-light, #14181A)"
_CHARACTER = 0.54  # of the font size: the mean advance of a Latin letter in a sans serif


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear map of ``[low, high]`` onto ``[start, end]`` of the drawing."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the coordinate of a value; values outside are held at the border."""
        span = self.high - self.low
        part = 0.5 if span == 0 else (value - self.low) / span
        return self.start + min(1.0, max(0.0, part)) * (self.end - self.start)


def filled(template: str, *values: object) -> Markup:
    """Return a template of ours with values filled in, each escaped.

    What ``Markup.format`` returns, in half of its time: it was most of what a chart cost.
    """
    return Markup(template.format(*(escape(value) for value in values)))


def drawing(
    width: float,
    height: float,
    body: Sequence[Markup],
    *,
    title: str,
    desc: str = "",
    fixed: bool = False,
) -> Markup:
    """Return a whole SVG element that scales with its container.

    Parameters
    ----------
    title, desc : str
        What a screen reader says: the subject, and the finding in words.
    fixed : bool
        Keep the size in pixels, for a drawing inside a line or a table cell.
    """
    size = (
        filled('width="{}" height="{}"', _n(width), _n(height))
        if fixed
        else filled('width="100%" style="max-width:{}px;height:auto"', _n(1.25 * width))
    )
    return filled(
        '<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {} {}" {} role="img"'
        ' aria-label="{}" font-size="{}"><title>{}</title>{}{}</svg>',
        _n(width),
        _n(height),
        size,
        title,
        FONT,
        title,
        filled("<desc>{}</desc>", desc) if desc else "",
        Markup("").join(body),
    )


def empty(message: str, *, title: str) -> Markup:
    """Return a chart that has nothing to show and says so."""
    return drawing(480, 40, [text(0, 25, message, opacity=0.75)], title=title, desc=message)


def text(  # noqa: PLR0913 - a label has that many faces; a record for them would not read better
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    size: float = FONT,
    bold: bool = False,
    opacity: float = 1.0,
    turn: float = 0.0,
    fill: str = INK,
    rest: str = "",
) -> Markup:
    """Return a line of text with its baseline at ``y``; ``rest`` follows, small and faint."""
    return filled(
        '<text x="{}" y="{}" fill="{}"{}{}{}{}{}>{}{}</text>',
        _n(x),
        _n(y),
        fill,
        _attribute("text-anchor", anchor, "start"),
        _attribute("font-size", _n(size), _n(FONT)),
        _attribute("font-weight", "600" if bold else "", ""),
        _attribute("opacity", _n(opacity, 2), "1"),
        filled(' transform="rotate({} {} {})"', _n(turn), _n(x), _n(y)) if turn else "",
        words,
        filled('<tspan dx="10" font-size="12" font-weight="400" opacity="0.85">{}</tspan>', rest)
        if rest
        else "",
    )


def rect(
    x: float,
    y: float,
    width: float,
    height: float,
    fill: str,
    *,
    opacity: float = 1.0,
    stroke: str = "",
    tip: str = "",
) -> Markup:
    """Return a rectangle; ``tip`` is shown on hover and read aloud."""
    return filled(
        '<rect x="{}" y="{}" width="{}" height="{}" fill="{}"{}{}{}',
        _n(x),
        _n(y),
        _n(max(0.0, width)),
        _n(max(0.0, height)),
        fill,
        _attribute("fill-opacity", _n(opacity, 2), "1"),
        _attribute("stroke", stroke, ""),
        filled("><title>{}</title></rect>", tip) if tip else Markup("/>"),
    )


def columns(
    places: Sequence[tuple[float, float, float]], width: float, fill: str, *, tip: str = ""
) -> Markup:
    """Return many rectangles of one width and colour as one element.

    Parameters
    ----------
    places : sequence of (left, upper, height)
    """
    path = "".join(
        f"M{_n(left)} {_n(upper)}h{_n(width)}v{_n(height)}h-{_n(width)}z"
        for left, upper, height in places
    )
    closed = filled("><title>{}</title></path>", tip) if tip else Markup("/>")
    return filled('<path d="{}" fill="{}"{}', path, fill, closed)


def line(
    points: Sequence[tuple[float, float]],
    stroke: str,
    *,
    width: float = 1.0,
    dash: str = "",
    opacity: float = 1.0,
) -> Markup:
    """Return a line through points."""
    return filled(
        '<path d="{}" fill="none" stroke="{}" stroke-width="{}"{}{}/>',
        _path(points),
        stroke,
        _n(width),
        _attribute("stroke-dasharray", dash, ""),
        _attribute("stroke-opacity", _n(opacity, 2), "1"),
    )


def area(points: Sequence[tuple[float, float]], fill: str, *, opacity: float) -> Markup:
    """Return a filled outline."""
    return filled(
        '<path d="{}Z" fill="{}" fill-opacity="{}"/>', _path(points), fill, _n(opacity, 2)
    )


def dot(x: float, y: float, radius: float, fill: str, *, stroke: str = "", tip: str = "") -> Markup:
    """Return a disc."""
    return filled(
        '<circle cx="{}" cy="{}" r="{}" fill="{}"{}{}',
        _n(x),
        _n(y),
        _n(radius),
        fill,
        _attribute("stroke", stroke, ""),
        filled("><title>{}</title></circle>", tip) if tip else Markup("/>"),
    )


def hatch(x: float, y: float, width: float, height: float, *, tip: str = "") -> Markup:
    """Return a hatched field: the sign for "not collected", in any colour and on paper."""
    strokes = []
    offset = 4.0
    while offset < width + height:
        start = (x + max(0.0, offset - height), y + min(height, offset))
        end = (x + min(width, offset), y + max(0.0, offset - width))
        strokes.append(_path([start, end]))
        offset += 5.0
    return filled(
        "{}{}",
        rect(x, y, width, height, GREY, opacity=0.12, tip=tip),
        filled('<path d="{}" stroke="{}" stroke-opacity="0.6"/>', "".join(strokes), GREY)
        if strokes
        else "",
    )


def legend(entries: Sequence[tuple[str, str]], x: float, y: float, size: float = 12) -> Markup:
    """Return coloured squares with their meaning, in one line."""
    drawn = []
    for words, fill in entries:
        drawn += [rect(x, y - 9, 10, 10, fill), text(x + 14, y, words, size=size)]
        x += 14 + text_width(words, size) + 14
    return Markup("").join(drawn)


def mark(x: float, y: float, sign: str, fill: str) -> Markup:
    """Return a letter or digit on a coloured field, so that it is told without its colour."""
    ink = _ON_BLUE if fill == BLUE else _ON_LIGHT
    return text(x, y, sign, anchor="middle", size=11.5, bold=True, fill=ink)


def text_width(words: str, size: float = FONT) -> float:
    """Estimate the width of a text; wide (Chinese) characters count double."""
    return sum(1.0 if east_asian_width(c) in "WF" else _CHARACTER for c in words) * size


def shortened(words: str, width: float, size: float = FONT) -> str:
    """Cut a text to a width, with an ellipsis where it was cut."""
    if text_width(words, size) <= width:
        return words
    # No letter is narrower than a third of its height: what cannot fit is not measured.
    words = words[: int(3 * width / size) + 1]
    while words and text_width(words + "…", size) > width:
        words = words[:-1]
    return words.rstrip() + "…"


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Return round numbers in ``[low, high]``, about as many as asked."""
    span = high - low
    if span <= 0 or not isfinite(span):
        return [low]
    rough = span / about
    power = 10.0 ** floor(log10(rough))
    step = next(power * k for k in (1, 2, 2.5, 5, 10) if power * k >= rough * 0.999)
    first = int(-(-low // step))
    # Compared as they are given out: rounding can lift one above the end.
    found = (round(k * step, 10) for k in range(first, first + 2 * about + 2))
    return [tick for tick in found if tick <= high]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)


def _n(value: float, digits: int = 1) -> str:
    """Return a coordinate in the shortest form: charts are text, and text has a size."""
    short = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if short in ("", "-0") else short


def _attribute(name: str, value: str, default: str) -> Markup:
    if value == default:
        return Markup("")
    return filled(' {}="{}"', Markup(name), escape(value))
