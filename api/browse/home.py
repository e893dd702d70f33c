"""The home page: what changed since yesterday and last week."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from api.browse.alerts import running
from api.browse.drawing import move_bars
from api.browse.topics import box
from store.pages import Pages

WEEK = 5  # sessions
SPARK = 30  # sessions that a sparkline shows
STANDS_OUT = 1.0  # standard deviations from a narrative's own forecast


def collect(pages: Pages, _: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the narratives of the last session that closed, or of ``?day=``, and the moves."""
    days = pages.days(SPARK)
    points = pages.series.intensity(days)
    known = sorted({point["day"] for point in points if point["share"] is not None})
    closed = pages.closed(known)
    wanted = query.get("day")
    shown = wanted if wanted in known else max(closed or known, default=None)
    narratives = [] if shown is None else _narratives(pages, points, days, shown)
    verdicts = pages.verdicts(8)
    latest = verdicts[0] if verdicts else None
    return {
        "day": shown,
        "yesterday": _before(days, shown, 1),
        "last_week": _before(days, shown, WEEK),
        "open_days": [day for day in known if day not in closed],
        "missing_days": [day for day in days if shown and day > shown and day not in known],
        "has_history": any(row["innovation"] is not None for row in narratives),
        "up": _changed(narratives, 1),
        "down": _changed(narratives, -1),
        "narratives": narratives,
        "names": {row["id"]: row["name"] for row in pages.narratives()},
        "rose": _standing_out(narratives, 1),
        "fell": _standing_out(narratives, -1),
        "latest": latest,
        "moves": pages.moves(latest["date"]) if latest else [],
        "largest": pages.largest(days[0], days[-1]) if days else None,
        "largest_since": days[0] if days else None,
        "verdicts": verdicts,
        "alerts": running(pages),
        "topics": box(pages),
        "quality": pages.quality(),
        "troubled": [row for row in pages.outlets.health() if row["status"] != "active"],
    }


def _narratives(
    pages: Pages, points: list[dict[str, Any]], days: list[str], shown: str
) -> list[dict[str, Any]]:
    by_key = {(point["narrative_id"], point["day"]): point for point in points}
    found = []
    for narrative in pages.narratives():
        series = [by_key.get((narrative["id"], day)) for day in days if day <= shown]
        now = series[-1]
        if now is None:
            continue
        found.append(
            {
                **narrative,
                **{key: now[key] for key in now if key != "narrative_id"},
                "since_yesterday": _difference(series, 1),
                "since_last_week": _difference(series, WEEK),
                "series": [
                    [day, *((p["share"], p["share_low"], p["share_high"]) if p else (None,) * 3)]
                    for day, p in zip(days, series, strict=False)
                ],
            }
        )
    return sorted(found, key=lambda row: -(row["share"] or 0.0))


def _difference(series: list[dict[str, Any] | None], sessions: int) -> float | None:
    """Return the last share minus that of some sessions before, None where one is missing."""
    if len(series) <= sessions:
        return None
    now, then = series[-1], series[-1 - sessions]
    if now is None or then is None or now["share"] is None or then["share"] is None:
        return None
    return float(now["share"] - then["share"])


def _before(days: list[str], shown: str | None, sessions: int) -> str | None:
    if shown is None or days.index(shown) < sessions:
        return None
    return days[days.index(shown) - sessions]


def _standing_out(narratives: list[dict[str, Any]], sign: int) -> list[dict[str, Any]]:
    """Return the narratives that surprised their own forecast, the largest surprise first."""
    found = [
        {key: row[key] for key in ("id", "name", "share", "innovation", "since_last_week")}
        for row in narratives
        if row["innovation"] is not None and sign * row["innovation"] >= STANDS_OUT
    ]
    return sorted(found, key=lambda row: -sign * row["innovation"])[:3]


def _changed(narratives: list[dict[str, Any]], sign: int) -> dict[str, Any] | None:
    """Return the narrative whose share changed most since last week, one way."""
    found = [row for row in narratives if sign * (row["since_last_week"] or 0.0) > 0]
    most = max(found, key=lambda row: sign * row["since_last_week"], default=None)
    return most and {key: most[key] for key in ("id", "name", "since_last_week")}


def draw(data: dict[str, Any]) -> dict[str, Markup]:
    """Draw a sparkline and a bar of stances for each narrative, and a bar for each move."""
    from api.charts import sparkline, stance_bar

    charts = move_bars(data["moves"])
    for row in data["narratives"]:
        share, low, high = ([point[column] for point in row["series"]] for column in (1, 2, 3))
        label = f"{row['name']}: share of stories, last {len(share)} sessions"
        charts[f"spark:{row['id']}"] = sparkline(share, low, high, width=132, label=label)
        charts[f"stance:{row['id']}"] = stance_bar(row["favor"], row["against"], row["neutral"])
    return charts
