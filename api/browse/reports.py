"""The weekly reports, made from the snapshot when somebody asks for one."""

import threading
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.alerts.feed import complete_weeks
from api.browse.errors import PageNotFoundError
from api.errors import ConfigError
from store import Store
from store.errors import NotFoundError
from store.pages import Pages

if TYPE_CHECKING:
    from api.report import ReportFormat

REPORT = r"/report/(?P<week>[^/.]+)(?:\.(?P<kind>html|md|pdf|json))?$"
LISTED = 26  # weeks
TYPES = {
    "html": "text/html; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "pdf": "application/pdf",
    "json": "application/json; charset=utf-8",
}
# A report takes seconds of one core: two at once would only wait for each other.
_ONE = threading.Lock()


def collect(pages: Pages, _: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the last complete weeks, the newest first, each with its largest move."""
    weeks = complete_weeks(pages, LISTED)
    return {
        "weeks": [
            {
                "week": name,
                "first": days[0],
                "last": days[-1],
                "sessions": len(days),
                "largest": pages.largest(days[0], days[-1]),
            }
            for name, days in reversed(weeks.items())
        ]
    }


def render(snapshot: Path, week: str, kind: "ReportFormat") -> bytes:
    """Return the report of a week in one format, as ``tapestory report`` writes it.

    Raises
    ------
    PageNotFoundError
        When ``week`` is no ISO week or has no data.
    StoreError
        When the snapshot cannot be read.
    EvidenceError
        When a sentence of the report is not what the stored rows say.
    """
    with _ONE:
        return _rendered(snapshot, snapshot.stat().st_mtime_ns, week, kind)


@lru_cache(maxsize=24)
def _rendered(snapshot: Path, published: int, week: str, kind: "ReportFormat") -> bytes:
    """Render; ``published`` is there because a new snapshot may take the place of this one."""
    from api.report import render as report

    with Store.open(snapshot, read_only=True) as store:
        ended = store.pages.as_of()
        if ended is None:
            raise PageNotFoundError("Nothing has run yet, so there is no report.")
        try:
            return report(store, week, kind, now=datetime.fromisoformat(ended))
        except (ConfigError, NotFoundError) as error:
            links = [("/reports", "Weeks with a report")]
            raise PageNotFoundError(f"There is no such report: {error}.", links) from error
