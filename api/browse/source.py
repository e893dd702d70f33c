"""The page of one source: is it well, what does it send, and how much of the story is it."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from api.browse.errors import PageNotFoundError
from api.browse.filters import segment
from store.pages import Pages

SESSIONS = 20


def collect(pages: Pages, source_id: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the health of a source, its last requests and failures, and what it carries."""
    outlets = pages.outlets
    source = outlets.source(source_id)
    if source is None:
        raise PageNotFoundError(
            f"There is no source {source_id!r}. These are known:",
            [(f"/source/{segment(row['id'])}", row["name"]) for row in outlets.health()[:60]],
        )
    days = pages.days(SESSIONS)
    window = pages.window(days) if days else ("", "9999")
    return {
        "source": source,
        "days": days,
        "share": outlets.share(source_id, window),
        "by_day": [{"day": day, **outlets.share(source_id, pages.window([day]))} for day in days],
        "lag": outlets.lag(source_id, window),
        "narratives": outlets.carried_by(source_id, window),
        "fetches": outlets.fetches(source_id),
        "failures": outlets.failures(source_id),
        "documents": outlets.newest_of(source_id),
        "others": [row for row in outlets.health() if row["id"] != source_id],
    }


def draw(data: dict[str, Any]) -> dict[str, Markup]:
    """Draw a bar of stances for each narrative that the source carries, and its share."""
    from api.charts import sparkline, stance_bar

    charts = {
        f"stance:{row['id']}": stance_bar(row["favor"], row["against"], row["none"])
        for row in data["narratives"]
    }
    shares = [
        row["stories"] / row["all_stories"] if row["all_stories"] else None
        for row in data["by_day"]
    ]
    if len(shares) > 1:
        label = f"{data['source']['name']}: share of all stories by session"
        charts["shares"] = sparkline(shares, width=220, height=44, label=label)
    return charts
