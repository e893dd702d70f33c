"""The scan of narratives against assets: one lag of all pairs, or all lags of one pair."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from api import wording
from api.charts.svg import (
    BLUE,
    GREY,
    INK,
    VERMILLION,
    Scale,
    dot,
    drawing,
    empty,
    filled,
    hatch,
    line,
    rect,
    shortened,
    text,
    ticks,
)
from store.records import AlignmentCell

PASSES = 0.05
"""Adjusted p-value below which a cell is outlined; with it, the whole scan errs 1 time in 20."""
_CELL_WIDTH, _CELL_HEIGHT, _NAMES, _HEAD = 42, 24, 164, 146
_NOTE = (
    "Blue: they rose and fell together; orange: one against the other. Hatched: no estimate.",
    "Outlined and bold: adjusted p below 0.05. Exploratory: not re-tested on new data.",
)
_INK_LIMIT = 0.55  # opacity of the strongest cell: its number stays readable on light and dark


def alignment_heatmap(
    cells: Sequence[AlignmentCell],
    narratives: Mapping[str, str],
    assets: Mapping[str, str],
    *,
    lag: int = 0,
) -> Markup:
    """Draw the effects of one lag, narratives down and assets across.

    Parameters
    ----------
    cells : sequence of AlignmentCell
        The scan; cells of other lags are left out.
    narratives, assets : mapping of id to name
        What to show and in which order.
    lag : int
        Sessions; positive: the narrative came first.
    """
    title = f"Narratives against assets, {lag_words(lag)}"
    found = {(cell.narrative_id, cell.asset_id): cell for cell in cells if cell.lag == lag}
    rows = [id_ for id_ in narratives if any(id_ == key[0] for key in found)]
    columns = [id_ for id_ in assets if any(id_ == key[1] for key in found)]
    if not rows or not columns:
        return empty("No cell of the scan has this lag.", title=title)
    body = [
        text(_NAMES + _CELL_WIDTH * place + 22, _HEAD - 8, shortened(assets[id_], 160, 12),
             size=12, turn=-55)
        for place, id_ in enumerate(columns)
    ]  # fmt: skip
    for row, narrative in enumerate(rows):
        y = _HEAD + _CELL_HEIGHT * row
        body.append(text(_NAMES - 8, y + 16, shortened(narratives[narrative], _NAMES - 10),
                         anchor="end"))  # fmt: skip
        for column, asset in enumerate(columns):
            cell = found.get((narrative, asset))
            name = f"{narratives[narrative]} and {assets[asset]}"
            body.append(_heat(cell, _NAMES + _CELL_WIDTH * column, y, name))
    bottom = _HEAD + _CELL_HEIGHT * len(rows)
    for row, words in enumerate(_NOTE):
        body.append(text(0, bottom + 20 + 16 * row, words, size=11.5, opacity=0.85))
    width = max(_NAMES + _CELL_WIDTH * len(columns) + 90, 500)
    said = f"{len(rows)} narratives by {len(columns)} assets, {lag_words(lag)}. {' '.join(_NOTE)}"
    return drawing(width, bottom + 46, body, title=title, desc=said)


def lag_chart(cells: Sequence[AlignmentCell], *, width: int = 520) -> Markup:
    """Draw the effect by lag of one narrative and asset, with its interval.

    Right of zero the narrative came first, left of it the price did.

    Parameters
    ----------
    width : int
        From 320 on; every text keeps its size.
    """
    title = "Effect by lag"
    known = sorted((cell for cell in cells if cell.effect is not None), key=lambda cell: cell.lag)
    if not known:
        return empty("No lag of this pair has an estimate.", title=title)
    top, bottom, left = 12, 210, 46
    lags = [cell.lag for cell in known]
    x = Scale(min(lags), max(lags), left + 16, width - 16)
    ends = [abs(end) for cell in known for end in (cell.effect, cell.effect_low, cell.effect_high)
            if end is not None]  # fmt: skip
    y = Scale(-max(0.2, *ends), max(0.2, *ends), bottom, top)
    body = [line([(left, y(0)), (width, y(0))], INK, opacity=0.7)]
    for value in ticks(y.low, y.high):
        body += [
            line([(left, y(value)), (width, y(value))], INK, opacity=0.12),
            text(left - 6, y(value) + 4, wording.fixed(value, 1), anchor="end", size=11),
        ]
    if min(lags) <= 0 <= max(lags):
        body.append(line([(x(0), top), (x(0), bottom)], INK, dash="3 3", opacity=0.5))
    for cell in known:
        body += _whisker(cell, x, y)
        if cell.lag % 5 == 0 or len(known) <= 11:
            label = wording.fixed(cell.lag, 0, signed=True)
            body.append(text(x(cell.lag), bottom + 16, label, anchor="middle", size=11))
    body += [
        text(left, bottom + 34, "← price first", size=12),
        text(x(0), bottom + 34, "lag in sessions", size=12, anchor="middle", opacity=0.85),
        text(width, bottom + 34, "narrative first →", size=12, anchor="end"),
    ]
    said = "; ".join(cell_words(cell) for cell in known)
    return drawing(width, bottom + 44, body, title=title, desc=said)


def lag_words(lag: int) -> str:
    """Return which came first, and by how much."""
    if lag == 0:
        return "same session"
    sessions = wording.counted(abs(lag), "session")
    return f"{'narrative' if lag > 0 else 'price'} first by {sessions}"


def cell_words(cell: AlignmentCell) -> str:
    """Return an estimate with its interval, n and adjusted p."""
    if cell.effect is None:
        return f"{lag_words(cell.lag)}: no estimate, n {cell.n}"
    return (
        f"{lag_words(cell.lag)}: effect {wording.fixed(cell.effect)}"
        f" ({wording.interval(cell.effect_low, cell.effect_high)}), n {cell.n},"
        f" adjusted p {wording.pvalue(cell.pvalue_adj)}"
    )


def passes(cell: AlignmentCell) -> bool:
    """Return whether a cell stands out after the adjustment for the whole scan."""
    return cell.pvalue_adj is not None and cell.pvalue_adj < PASSES


def _heat(cell: AlignmentCell | None, x: float, y: float, name: str) -> Markup:
    width, height = _CELL_WIDTH - 2, _CELL_HEIGHT - 2
    if cell is None or cell.effect is None:
        tip = f"{name}: no estimate" if cell is None else f"{name}, {cell_words(cell)}"
        return hatch(x, y, width, height, tip=tip)
    fill = BLUE if cell.effect > 0 else VERMILLION
    opacity = _INK_LIMIT * min(1.0, abs(cell.effect) / 0.5)
    stroke = INK if passes(cell) else ""
    return filled("{}{}",
        rect(x, y, width, height, fill, opacity=opacity, stroke=stroke,
             tip=f"{name}, {cell_words(cell)}"),
        text(x + width / 2, y + 15.5, wording.fixed(cell.effect), anchor="middle", size=11,
             bold=passes(cell)),
    )  # fmt: skip


def _whisker(cell: AlignmentCell, x: Scale, y: Scale) -> list[Markup]:
    at = x(cell.lag)
    drawn = []
    if cell.effect_low is not None and cell.effect_high is not None:
        ends = [(at, y(cell.effect_low)), (at, y(cell.effect_high))]
        drawn.append(line(ends, GREY if not passes(cell) else INK, width=1.6))
    fill = BLUE if (cell.effect or 0.0) > 0 else VERMILLION
    ring = INK if passes(cell) else ""
    radius = 5.0 if passes(cell) else 3.5
    drawn.append(dot(at, y(cell.effect or 0.0), radius, fill, stroke=ring, tip=cell_words(cell)))
    return drawn
