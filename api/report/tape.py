"""What moved in the week, the scan against the tape, and the inquiry into the largest move."""

from collections.abc import Mapping
from datetime import date

from api.charts.alignment import lag_words, passes
from api.charts.moves import by_size
from api.report.facts import Stored
from api.report.material import Material
from api.report.records import (
    Scan,
    ScanCell,
    Tape,
    WeekChange,
)
from store.records import (
    AlignmentCell,
    Asset,
    AssetUnit,
    ChangeUnit,
    without_legs,
)

_UNIT_WORDS: dict[AssetUnit, str] = {
    "yield_pct": "per cent",
    "spread_bp": "basis points",
    "index": "index",
    "level": "points",
}
_SHOWN = 5


def tape_of(material: Material) -> Tape:
    """Return the moves of the largest-move session, and of the week by close."""
    explanation = material.explanation
    moves = [] if explanation is None else by_size(explanation.moves)
    largest = moves[0].asset_id if moves else None
    units = {asset.id: asset.unit for asset in material.assets}
    return Tape(
        day=None if explanation is None else explanation.date,
        premise=None
        if explanation is None
        else Stored(explanation.premise, day=explanation.date, part="premise"),
        moves=moves,
        week=[
            change
            for asset in without_legs(material.assets)
            if (change := _week_change(material, asset)) is not None
        ],
        closes=[
            (date.fromisoformat(row["date"]), row["close"])
            for row in material.closes
            if row["asset_id"] == largest
        ],
        closes_unit=_UNIT_WORDS.get(units.get(largest or "", "price"), "close"),
    )


def change_unit(asset: Asset) -> ChangeUnit:
    """Return the unit of an asset's change, as ``align`` states its moves (a test compares)."""
    if asset.unit in ("yield_pct", "spread_bp"):
        return "bp"
    if asset.unit == "level" or (asset.unit == "index" and asset.asset_class == "volatility"):
        return "points"
    return "return"


def change_between(asset: Asset, first: float | None, last: float | None) -> float | None:
    """Return the change between two closes in the asset's unit; None from a close of zero."""
    if first is None or last is None:
        return None
    if change_unit(asset) != "return":
        return (last - first) * (100.0 if asset.unit == "yield_pct" else 1.0)
    return last / first - 1.0 if first else None


def scan_of(material: Material, names: Mapping[str, str]) -> Scan | None:
    """Return the last scan: what passed, or else what came nearest; None without one."""
    cells = material.cells
    if not cells:
        return None
    assets = {asset.id: asset.name for asset in without_legs(material.assets)}
    known = [cell for cell in cells if cell.effect is not None]
    ordered = sorted(known, key=_promise)
    passing = [cell for cell in ordered if passes(cell)]
    best = ordered[0] if ordered else None
    return Scan(
        tested=len(cells),
        estimated=len(known),
        passing=len(passing),
        shown=[
            ScanCell(
                narrative=names.get(cell.narrative_id, cell.narrative_id),
                asset=assets.get(cell.asset_id, cell.asset_id),
                order=lag_words(cell.lag),
                cell=cell,
            )
            for cell in (passing or ordered)[:_SHOWN]
        ],
        pair=[
            cell
            for cell in cells
            if best is not None
            and (cell.narrative_id, cell.asset_id) == (best.narrative_id, best.asset_id)
        ],
        next_session=[cell for cell in cells if cell.lag == 1],
        assets=list(assets.items()),
        method=cells[0].method,
        window_start=min(cell.window_start for cell in cells),
        window_end=max(cell.window_end for cell in cells),
    )


def _promise(cell: AlignmentCell) -> tuple[object, ...]:
    """Order cells by adjusted, then raw p-value, then size; missing ones last."""
    return (
        1.0 if cell.pvalue_adj is None else cell.pvalue_adj,
        1.0 if cell.pvalue is None else cell.pvalue,
        -abs(cell.effect or 0.0),
        cell.narrative_id,
        cell.asset_id,
        cell.lag,
    )


def _week_change(material: Material, asset: Asset) -> WeekChange | None:
    """Return the change from the last close before the week to the last one in it."""
    closes = [row for row in material.closes if row["asset_id"] == asset.id]
    if material.week.sessions:
        # An asset that trades on Sunday ends its week with New York's, like the stories.
        last_session = max(material.week.sessions).isoformat()
        closes = [row for row in closes if row["date"] <= last_session]
    monday = material.week.monday.isoformat()
    before = [row for row in closes if row["date"] < monday]
    inside = [row for row in closes if row["date"] >= monday]
    if not before or not inside:
        return None
    first, last = before[-1], inside[-1]
    change = change_between(asset, first["close"], last["close"])
    if change is None:
        return None
    return WeekChange(
        asset_id=asset.id,
        name=asset.name,
        change=change,
        unit=change_unit(asset),
        first_date=date.fromisoformat(first["date"]),
        first_close=first["close"],
        last_date=date.fromisoformat(last["date"]),
        last_close=last["close"],
    )
