"""From the rows of a page to the records that the charts take."""

import dataclasses
from collections.abc import Iterable
from datetime import date
from typing import Any

from store.records import AlignmentCell

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
        unit=asset["unit"],
    )
