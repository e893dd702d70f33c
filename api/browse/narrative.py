"""The page of one narrative: its series over a price, who says what, and how it lines up."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from markupsafe import Markup

from api.browse.drawing import HALF, adaptive, cells_of, price_line
from api.browse.errors import PageNotFoundError
from api.browse.filters import segment
from api.wording import sigma
from store.pages import Pages

SPANS = (30, 90, 250)  # sessions in the chart
WINDOWS = (1, 5, 20)  # sessions behind stories, quotes, outlets
MARKED = 3.0  # volatilities from which a move is marked in the chart


def collect(pages: Pages, narrative_id: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return everything on a narrative for ``?asset=``, ``?day=``, ``?window=``, ``?span=``."""
    narrative = pages.narrative(narrative_id)
    if narrative is None:
        raise PageNotFoundError(
            f"There is no narrative {narrative_id!r}. These are defined:",
            [(f"/narrative/{segment(row['id'])}", row["name"]) for row in pages.narratives()],
        )
    points = pages.series.intensity_of(narrative_id, max(SPANS))
    span = one_of(query.get("span"), SPANS, 90)
    sessions = one_of(query.get("window"), WINDOWS, 5)
    days = [point["day"] for point in points]
    known = [point["day"] for point in points if point["share"] is not None]
    day = (
        query.get("day")
        if query.get("day") in days
        else (pages.closed(known) or known or days or [None])[-1]
    )
    strongest = pages.series.strongest("narrative_id", narrative_id)
    assets = pages.assets()
    asset = _asset(query.get("asset"), assets, strongest, narrative)
    data = {
        "narrative": narrative,
        "signature_legs": _legs(narrative, assets),
        "day": day,
        "window": sessions,
        "span": span,
        "point": next((point for point in points if point["day"] == day), None),
        "series": points[-span:],
        "asset": asset,
        "assets": [row for row in assets if row["listed"]],
        "closes": pages.series.closes(asset["id"], since=days[-span:][0]) if asset and days else [],
        "scan": pages.series.scan(),
        "strongest": strongest,
        "stands_out": stands_out(strongest),
        "named": pages.series.named(narrative_id),
        "survival": pages.series.survival(),
        "lags": [row for row in pages.series.cells("narrative_id", narrative_id)
                 if asset and row["asset_id"] == asset["id"]],
        "cells": [row for row in pages.series.cells("narrative_id", narrative_id)
                  if row["lag"] == 0],
        "marked": _marked(pages, days[-span:]),
        "drift": pages.topics.drift(narrative_id),
        "topics": pages.topics.behind(narrative_id),
        "others": [row for row in pages.narratives() if row["id"] != narrative_id],
    }  # fmt: skip
    return {**data, **_said(pages, narrative_id, days, day, sessions)}


def _legs(
    narrative: dict[str, Any], assets: list[dict[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Return the legs of the signature by sign; a spread of two assets has no page."""
    names = {row["id"]: row["name"] for row in assets}
    found: dict[str, list[dict[str, Any]]] = {}
    for id_, sign in narrative["signature"].items():
        leg = {"id": id_, "name": names.get(id_, id_), "known": id_ in names,
               "core": id_ in narrative["core"]}  # fmt: skip
        found.setdefault(sign, []).append(leg)
    return found


def _said(
    pages: Pages, narrative_id: str, days: list[str], day: str | None, sessions: int
) -> dict[str, Any]:
    """Return stories, outlets, quotes and names of the sessions that end on a day."""
    if day is None:
        return {"window_days": [], "stories": [], "outlets": [], "favor": [], "against": [],
                "none": [], "entities": []}  # fmt: skip
    last = days.index(day)
    covered = days[max(0, last - sessions + 1) : last + 1]
    window = pages.window(covered)
    stories = pages.stories
    return {
        "window_days": covered,
        "stories": stories.top(narrative_id, window, 12),
        "outlets": stories.outlets(narrative_id, window),
        "favor": stories.quotes(narrative_id, "favor", window),
        "against": stories.quotes(narrative_id, "against", window),
        "none": stories.quotes(narrative_id, "none", window, 2),
        "entities": stories.entities(narrative_id, window),
    }


def one_of(text: str | None, allowed: tuple[int, ...], default: int) -> int:
    """Return a number of a query when it is one of those offered."""
    return int(text) if text is not None and text in map(str, allowed) else default


def _asset(
    wanted: str | None,
    assets: list[dict[str, Any]],
    strongest: list[dict[str, Any]],
    narrative: dict[str, Any],
) -> dict[str, Any] | None:
    """Return the asset asked for, of a cell that stands out, of the core, or of any cell."""
    by_id = {asset["id"]: asset for asset in assets}
    best = [cell["asset_id"] for cell in strongest[:1]]
    passed = best if stands_out(strongest) else []
    order = [wanted, *passed, *narrative["core"], *best, *by_id]
    return next((by_id[id_] for id_ in order if id_ in by_id), None)


def stands_out(strongest: list[dict[str, Any]]) -> bool:
    """Return whether any cell is left after the adjustment over the whole scan."""
    from api.charts.alignment import PASSES

    return any(cell["pvalue_adj"] is not None and cell["pvalue_adj"] < PASSES for cell in strongest)


def _marked(pages: Pages, days: list[str]) -> dict[str, str]:
    """Return what to mark in the chart: explained days with a large move."""
    if not days:
        return {}
    large = [
        row
        for row in pages.verdicts(len(days), until=days[-1])
        if row["date"] >= days[0] and row["sigma"] is not None and abs(row["sigma"]) >= MARKED
    ]
    large.sort(key=lambda row: -abs(row["sigma"]))
    # A window is three sessions: more of them than this would shade the whole of a short chart.
    most = min(5, max(1, len(days) // 7))
    large = sorted(large[:most], key=lambda row: str(row["date"]))
    return {row["date"]: f"{row['name']} {sigma(row['sigma'])}" for row in large}


def draw(data: dict[str, Any]) -> dict[str, Markup]:
    """Draw the series over the price, the stances, and how the narrative lines up."""
    from api.charts import effects_chart, lag_chart, stance_bar

    charts = _series(data) if data["series"] else {}
    if any(row["effect"] is not None for row in data["cells"]):
        names = {row["id"]: row["name"] for row in data["assets"]}
        same = cells_of(data["cells"])
        charts["cells"] = adaptive(lambda width: effects_chart(same, names, width=width), HALF)
    if any(row["effect"] is not None for row in data["lags"]):
        lags = cells_of(data["lags"])
        charts["lags"] = adaptive(lambda width: lag_chart(lags, width=width), HALF)
    for row in data["outlets"]:
        charts[f"outlet:{row['id']}"] = stance_bar(row["favor"], row["against"], row["none"])
    return charts


def _series(data: dict[str, Any]) -> dict[str, Markup]:
    from api.charts import Size, intensity_chart, stance_chart

    columns = {key: [point[key] for point in data["series"]] for key in data["series"][0]}
    days = [date.fromisoformat(day) for day in columns["day"]]
    price, found = price_line(data["asset"], data["closes"]), data["narrative"]["found_on"]
    stances = (columns["favor"], columns["against"], columns["neutral"])
    collected = [share is not None for share in columns["share"]]
    return {
        "series": adaptive(
            lambda width: intensity_chart(
                days,
                columns["share"],
                columns["share_low"],
                columns["share_high"],
                name=data["narrative"]["name"],
                events={date.fromisoformat(day): text for day, text in data["marked"].items()},
                found=None if found is None else date.fromisoformat(found),
                price=price,
                size=Size(width=width, lists_events=False),
            )
        ),
        "stances": adaptive(
            lambda width: stance_chart(
                days, stances, columns["disagreement"], collected=collected, width=width
            ),
            HALF,
        ),
    }
