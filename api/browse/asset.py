"""The page of one asset: its price, its largest moves, what lines up with it, who names it."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from markupsafe import Markup

from api.browse.drawing import HALF, adaptive, cells_of, price_line
from api.browse.errors import PageNotFoundError
from api.browse.filters import segment
from api.browse.narrative import MARKED, SPANS, one_of
from api.wording import change, sigma
from store.pages import Pages


def collect(pages: Pages, asset_id: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return everything on an asset for ``?narrative=`` and ``?span=``."""
    asset = pages.series.asset(asset_id)
    if asset is None:
        raise PageNotFoundError(
            f"There is no asset {asset_id!r}. These are known:",
            [(f"/asset/{segment(row['id'])}", row["name"]) for row in pages.assets()[:60]],
        )
    span = one_of(query.get("span"), SPANS, 90)
    closes = pages.series.closes(asset_id, span)
    strongest = pages.series.strongest("asset_id", asset_id)
    narratives = pages.narratives()
    wanted = [query.get("narrative"), *(cell["narrative_id"] for cell in strongest[:1])]
    by_id = {row["id"]: row for row in narratives}
    chosen = next((by_id[id_] for id_ in [*wanted, *by_id] if id_ in by_id), None)
    first = closes[0]["date"] if closes else ""
    cells = pages.series.cells("asset_id", asset_id)
    moves = pages.series.largest_moves(asset_id)
    return {
        "asset": asset,
        "span": span,
        "closes": closes,
        "low": min(closes, key=lambda row: row["close"], default=None),
        "high": max(closes, key=lambda row: row["close"], default=None),
        "narrative": chosen,
        "narratives": narratives,
        "series": [] if chosen is None else [
            point for point in pages.series.intensity_of(chosen["id"], span)
            if point["day"] >= first
        ],
        "moves": moves,
        "marked": _marked(moves, first),
        "scan": pages.series.scan(),
        "strongest": strongest,
        "lags": [row for row in cells if chosen and row["narrative_id"] == chosen["id"]],
        "stories": pages.stories.naming(asset_id),
        "others": [row for row in pages.assets() if row["listed"] and row["id"] != asset_id],
    }  # fmt: skip


def _marked(moves: list[dict[str, Any]], first: str) -> dict[str, str]:
    """Return what to mark in the chart of the price: its largest moves, in order of time."""
    large = [row for row in moves if row["date"] >= first and abs(row["sigma"] or 0.0) >= MARKED]
    return {
        row["date"]: f"{change(row['change'], row['unit'])} ({sigma(row['sigma'])})"
        for row in sorted(large[:5], key=lambda row: str(row["date"]))
    }


def draw(data: dict[str, Any]) -> dict[str, Markup]:
    """Draw a narrative over the price, and the effect by lag."""
    from api.charts import Size, intensity_chart, lag_chart, price_chart

    charts = {}
    price = price_line(data["asset"], data["closes"])
    if data["series"]:
        columns = {key: [point[key] for point in data["series"]] for key in data["series"][0]}
        charts["series"] = adaptive(
            lambda width: intensity_chart(
                [date.fromisoformat(day) for day in columns["day"]],
                columns["share"],
                columns["share_low"],
                columns["share_high"],
                name=data["narrative"]["name"],
                price=price,
                size=Size(width=width),
            )
        )
    if price is not None:
        events = {date.fromisoformat(day): words for day, words in data["marked"].items()}
        charts["price"] = adaptive(lambda width: price_chart(price, events=events, width=width))
    if any(row["effect"] is not None for row in data["lags"]):
        cells = cells_of(data["lags"])
        charts["lags"] = adaptive(lambda width: lag_chart(cells, width=width), HALF)
    return charts
