"""One narrative against all assets at one lag: an estimate with its interval in each row."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from api import wording
from api.charts.alignment import cell_words, lag_words, passes
from api.charts.svg import (
    BLUE,
    GREY,
    INK,
    VERMILLION,
    Scale,
    dot,
    drawing,
    empty,
    hatch,
    line,
    shortened,
    text,
    ticks,
)
from store.records import AlignmentCell

_ROW, _TOP, _NUMBER = 22, 8, 50


def effects_chart(
    cells: Sequence[AlignmentCell], assets: Mapping[str, str], *, lag: int = 0, width: int = 500
) -> Markup:
    """Draw the effects of one lag, assets down, each with its 95 % interval.

    Parameters
    ----------
    cells : sequence of AlignmentCell
        Of one narrative; cells of other lags are left out. One without an estimate is hatched.
    assets : mapping of id to name
        What to show and in which order.
    lag : int
        Sessions; positive: the narrative came first.
    width : int
        From 320 on; every text keeps its size.
    """
    title = f"Effect by asset, {lag_words(lag)}"
    found = {cell.asset_id: cell for cell in cells if cell.lag == lag}
    shown = [(name, found[id_]) for id_, name in assets.items() if id_ in found]
    if not shown:
        return empty("No cell of the scan has this lag.", title=title)
    drawn = [(cell.effect_low, cell.effect, cell.effect_high) for _, cell in shown]
    ends = [abs(end) for three in drawn for end in three if end is not None]
    reach = min(1.0, max([0.2, *ends]))
    names = 0.34 * width
    x = Scale(-reach, reach, names + 8, width - _NUMBER - 8)
    bottom = _TOP + _ROW * len(shown)
    body = []
    for value in ticks(-reach, reach, 4):
        opacity = 0.6 if value == 0 else 0.13
        body += [
            line([(x(value), _TOP), (x(value), bottom)], INK, opacity=opacity),
            text(x(value), bottom + 15, wording.fixed(value, 1), anchor="middle", size=11.5),
        ]
    for row, (name, cell) in enumerate(shown):
        body += _row(cell, name, _TOP + _ROW * (row + 0.5), (x, width))
    body += [
        text(x.start, bottom + 33, "← opposite", size=12),
        text(x.end, bottom + 33, "together →", size=12, anchor="end"),
    ]
    said = "; ".join(f"{name}: {cell_words(cell)}" for name, cell in shown)
    return drawing(width, bottom + 42, body, title=title, desc=said)


def _row(cell: AlignmentCell, name: str, middle: float, place: tuple[Scale, int]) -> list[Markup]:
    x, width = place
    strong = passes(cell)
    drawn = [text(0, middle + 4, shortened(name, 0.34 * width), bold=strong)]
    if cell.effect is None:
        tip = f"{name}, {cell_words(cell)}"
        return [*drawn, hatch(x.start, middle - 6, x.end - x.start, 12, tip=tip)]
    if cell.effect_low is not None and cell.effect_high is not None:
        ends = [(x(cell.effect_low), middle), (x(cell.effect_high), middle)]
        drawn.append(line(ends, INK if strong else GREY, width=1.8))
    fill = BLUE if cell.effect > 0 else VERMILLION
    tip = f"{name}, {cell_words(cell)}"
    drawn += [
        dot(x(cell.effect), middle, 5 if strong else 4, fill, stroke=INK if strong else "",
            tip=tip),
        text(width, middle + 4, wording.fixed(cell.effect, signed=True), anchor="end", bold=strong,
             size=12),
    ]  # fmt: skip
    return drawn
