"""The pages of the alerts, one story each, and the feed of alerts and weekly reports."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from api.alerts import feed
from api.alerts.fold import is_over
from api.alerts.rules import AlertSettings
from api.browse.errors import PageNotFoundError
from api.browse.filters import segment
from store.pages import Pages

FEED = r"/feed\.atom$"
SHOWN = 60
# The pages serve a snapshot and know no settings.
_SPAN = AlertSettings().span


def collect(pages: Pages, _: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the newest alerts with their evidence, or those since ``?since=2026-01-30``."""
    since = query.get("since", "")
    try:
        since = date.fromisoformat(since).isoformat() if since else ""
    except ValueError:
        since = ""
    found = pages.alerts.listed(since=since, limit=SHOWN + 1)
    latest = max(pages.closed(pages.days(10)), default=None)
    return {
        "since": since or None,
        "day": latest,
        "more": len(found) > SHOWN,
        "names": _names(pages),
        "alerts": [_with_state(alert, latest) for alert in found[:SHOWN]],
    }


def collect_one(pages: Pages, alert_id: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return one alert with its evidence."""
    found = pages.alerts.listed(ids=[alert_id], limit=1)
    if not found:
        near = pages.alerts.listed(limit=20)
        raise PageNotFoundError(
            f"There is no alert {alert_id!r}."
            + (" These are the newest:" if near else " None is stored."),
            [(f"/alert/{segment(row['id'])}", row["title"]) for row in near],
        )
    latest = max(pages.closed(pages.days(10)), default=None)
    return {"alert": _with_state(found[0], latest), "names": _names(pages)}


def running(pages: Pages, limit: int = 5) -> list[dict[str, Any]]:
    """Return the newest stories that are not over, without their evidence."""
    latest = max(pages.closed(pages.days(10)), default=None)
    found = [_with_state(alert, latest) for alert in pages.alerts.listed(limit=4 * limit)]
    return [
        {key: alert[key] for key in ("id", "title", "severity", "first_day", "last_day")}
        for alert in found
        if alert["state"] == "running"
    ][:limit]


def _names(pages: Pages) -> dict[str, str]:
    return {row["id"]: row["name"] for row in pages.narratives()}


def _with_state(alert: dict[str, Any], latest: str | None) -> dict[str, Any]:
    """Say whether a story is still running, as of the last session that closed."""
    over = latest is not None and is_over(
        date.fromisoformat(alert["last_day"]), date.fromisoformat(latest), _SPAN
    )
    return {**alert, "state": "over" if over or alert["later_id"] else "running"}


def feed_of(pages: Pages, site: str) -> str:
    """Return the Atom feed of the snapshot as text."""
    entries = [feed.alert_entry(alert, site) for alert in pages.alerts.listed(limit=feed.MOST)]
    entries += feed.report_entries(pages, site)
    return feed.feed(entries, site=site, address=f"{site}/feed.atom").decode("utf-8")
