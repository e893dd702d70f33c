"""Alerts and weekly reports as an Atom feed (RFC 4287).

An entry keeps its id for ever and is rewritten in place, with a later ``updated``: a reader
shows one item for one evolving story. Built as a tree, so nothing crawled can close an element.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from api import wording
from api.alerts.letters import html

if TYPE_CHECKING:
    from store.pages import Pages

MOST = 50  # alerts in a feed
WEEKS = 12
_ATOM = "http://www.w3.org/2005/Atom"
# RFC 4151. A name that nobody else can hold; the ids stay when the pages move.
_TAG = "tag:tapestory.example,2026-11-23:"
# What XML 1.0 cannot hold, section 2.2.
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry; instants are RFC 3339 texts, ``content`` is HTML or empty."""

    id: str
    title: str
    url: str
    published: str
    updated: str
    summary: str
    content: str = ""


def feed(entries: Sequence[Entry], *, site: str, address: str) -> bytes:
    """Return an Atom document, the newest entry first; the same entries give the same bytes.

    Parameters
    ----------
    site : str
        Address of the pages.
    address : str
        Address of the feed itself.
    """
    ET.register_namespace("", _ATOM)
    root = ET.Element(f"{{{_ATOM}}}feed")
    _child(root, "id", f"{_TAG}feed")
    _child(root, "title", "Tapestory: alerts and weekly reports")
    newest = sorted(entries, key=lambda entry: (entry.updated, entry.id), reverse=True)
    # A feed must have an instant, even an empty one.
    _child(root, "updated", newest[0].updated if newest else "1970-01-01T00:00:00Z")
    _child(_child(root, "author"), "name", "Tapestory")
    _child(root, "link", rel="self", type="application/atom+xml", href=address)
    _child(root, "link", rel="alternate", type="text/html", href=f"{site}/alerts")
    for entry in newest:
        item = _child(root, "entry")
        _child(item, "id", _TAG + entry.id)
        _child(item, "title", entry.title, type="text")
        _child(item, "published", entry.published)
        _child(item, "updated", entry.updated)
        _child(item, "link", rel="alternate", type="text/html", href=entry.url)
        _child(item, "summary", entry.summary, type="text")
        if entry.content:
            _child(item, "content", entry.content, type="html")
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def alert_entry(alert: Mapping[str, Any], site: str) -> Entry:
    """Return the entry of an alert as it stands."""
    return Entry(
        id=f"alert/{alert['id']}",
        title=alert["title"],
        url=f"{site}/alert/{alert['id']}",
        published=alert["raised_at"],
        updated=alert["updated_at"],
        summary=alert["findings"][-1]["statement"] if alert["findings"] else alert["title"],
        content=html(alert, site),
    )


def report_entries(pages: "Pages", site: str, limit: int = WEEKS) -> list[Entry]:
    """Return an entry for each of the last complete weeks that have data."""
    weeks = complete_weeks(pages, limit)
    return [_report_entry(pages, name, days, site) for name, days in weeks.items()]


def complete_weeks(pages: "Pages", limit: int) -> dict[str, list[str]]:
    """Return the sessions of the last complete weeks that have data, by ISO week, ascending.

    A week is complete when its last session has closed and either it was a Friday or a later
    week has begun: the report of half a week is no news.
    """
    points = pages.series.intensity(pages.days(5 * (limit + 2)))
    days = sorted({point["day"] for point in points if point["share"] is not None})
    closed = set(pages.closed(days))
    weeks: dict[str, list[str]] = {}
    for day in days:
        year, week, _ = date.fromisoformat(day).isocalendar()
        weeks.setdefault(f"{year}-W{week:02}", []).append(day)
    last = max(weeks, default="")
    return {
        name: held
        for name, held in sorted(weeks.items())[-limit:]
        if held[-1] in closed and (date.fromisoformat(held[-1]).isoweekday() == 5 or name < last)
    }


def _report_entry(pages: "Pages", name: str, days: Sequence[str], site: str) -> Entry:
    first, last = (wording.day_text(date.fromisoformat(day)) for day in (days[0], days[-1]))
    at = pages.close_of(days[-1])
    return Entry(
        id=f"report/{name}",
        title=f"Weekly report {name}",
        url=f"{site}/report/{name}",
        published=at,
        updated=at,
        summary=f"Which narratives were told from {first} to {last}, what moved beside them, and"
        " what stands for and against each suspect.",
    )


def _child(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    if text:
        child.text = _NOT_XML.sub("", text)
    return child
