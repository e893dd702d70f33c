"""From the rows of a page to the records that the charts take."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

from markupsafe import Markup

from store.records import AlignmentCell

# Widths of drawings: about that of a page, of half a page, and of a phone held upright.
FULL, HALF, PHONE = 880, 520, 350
_UNITS = {"price": "close", "yield_pct": "%", "spread_bp": "bp"}
_CELL = [field.name for field in dataclasses.fields(AlignmentCell)]


def cells_of(rows: Iterable[dict[str, Any]]) -> list[AlignmentCell]:
    """Return the records of rows of ``alignments``."""
    return [AlignmentCell(**_values(row)) for row in rows]


def _values(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: date.fromisoformat(row[name]) if name.startswith("window_") else row[name]
        for name in _CELL
    }


def price_line(asset: dict[str, Any] | None, closes: list[dict[str, Any]]) -> Any:
    """Return the ``PriceLine`` of an asset, or None without closes."""
    from api.charts import PriceLine

    if asset is None or not closes:
        return None
    return PriceLine(
        name=asset["name"],
        days=[date.fromisoformat(row["date"]) for row in closes],
        closes=[row["close"] for row in closes],
        unit=_UNITS.get(asset["unit"], asset["unit"]),
    )


def adaptive(draw: Callable[[int], Markup], wide: int = FULL) -> Markup:
    """Return a chart in two widths; the style sheet shows the one that fits the window."""
    return Markup('<div class="at-wide">{}</div><div class="at-narrow">{}</div>').format(
        draw(wide), draw(PHONE)
    )


def move_bars(moves: Sequence[dict[str, Any]]) -> dict[str, Markup]:
    """Return a bar for each move, ``move:ASSET``, all on one scale."""
    from api.charts import move_bar

    reach = max([3.0, *(abs(row["sigma"]) for row in moves if row["sigma"] is not None)])
    return {
        f"move:{row.get('asset_id') or row['asset']}": move_bar(row["sigma"], reach)
        for row in moves
    }
