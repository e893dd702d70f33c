"""The queries behind the pages: a night, a day, and what every page names.

``Pages`` answers with plain dicts and lists that can be sent as JSON as they are: instants
and dates stay the fixed-width text of the tables. Nothing here writes or computes a
statistic; every number is a stored column, a count, or a difference of two of them.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from store.alerts import Alerts
from store.instants import to_text
from store.page_search import Search
from store.page_series import Series
from store.page_sources import Outlets
from store.page_stories import Stories
from store.page_topics import Discovered
from store.records import closes_early
from store.rows import Connection, Row, first, kept_rows, rows

_NEW_YORK = ZoneInfo("America/New_York")


class Pages:
    """Queries of the pages, those on one subject under its name: ``series``, ``topics`` ...

    Parameters
    ----------
    db : Connection
        A ``sqlite_utils.Database`` or a bare ``sqlite3.Connection``; it is only read.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db
        self.series = Series(db)
        self.stories = Stories(db)
        self.outlets = Outlets(db)
        self.search = Search(db)
        self.topics = Discovered(db)
        self.alerts = Alerts(db)

    # -- names ----------------------------------------------------------------------

    def narratives(self) -> list[Row]:
        """Return the active narratives: ``id, name, proposition, origin``."""
        return kept_rows(
            self._db,
            "SELECT id, name, proposition, origin FROM narratives WHERE active = 1 ORDER BY rowid",
        )

    def found_on(self) -> dict[str, str]:
        """Return the day on which each active narrative was found, but for those known before."""
        found = kept_rows(
            self._db,
            "SELECT id, found_on FROM narratives WHERE active = 1 AND found_on IS NOT NULL"
            " ORDER BY rowid",
        )
        return {row["id"]: row["found_on"] for row in found}

    def narrative(self, narrative_id: str) -> Row | None:
        """Return one narrative, its signature and core legs parsed; None when unknown."""
        found = first(
            self._db,
            "SELECT id, name, proposition, taxonomy, signature, core, keywords, origin, active,"
            " found_on"
            " FROM narratives WHERE id = ?",
            [narrative_id],
        )
        if found is not None:
            for column in ("signature", "core", "keywords"):
                found[column] = json.loads(found[column])
        return found

    def assets(self) -> list[Row]:
        """Return the assets: ``id, name, class, unit, listed``, listed ones first."""
        return kept_rows(
            self._db,
            "SELECT id, name, class, unit, listed FROM assets ORDER BY listed DESC, rowid",
        )

    # -- the clock of the pages -----------------------------------------------------

    def days(self, limit: int = 40, *, until: str = "9999") -> list[str]:
        """Return the last session days that have an intensity, oldest first."""
        found = kept_rows(
            self._db,
            "SELECT DISTINCT day FROM intensity WHERE day <= ? ORDER BY day DESC LIMIT ?",
            [until, limit],
        )
        return [row["day"] for row in reversed(found)]

    def close_of(self, day: str) -> str:
        """Return the close of a New York session as text: that of the stored prices.

        Without a stored equity close, and on half days, the hour of the exchange: older imports
        stamped the prices of a half day with 16:00.
        """
        date_of = date.fromisoformat(day)
        if closes_early(date_of):
            return to_text(datetime.combine(date_of, time(13), tzinfo=_NEW_YORK))
        found = first(
            self._db,
            "SELECT max(p.as_of) AS at FROM assets a JOIN prices p ON p.asset_id = a.id"
            " AND p.date = ? WHERE a.calendar = 'XNYS' AND a.class = 'equity'",
            [day],
        )
        if found is not None and found["at"]:
            return str(found["at"])
        return to_text(datetime.combine(date_of, time(16), tzinfo=_NEW_YORK))

    def closed(self, days: Sequence[str]) -> list[str]:
        """Return those of some session days that had closed when the last run ended.

        What is out after a close counts for the session after it, so the newest day of a
        nightly run is as a rule a session that has only begun.
        """
        ended = self.as_of()
        open_days = {day for day in sorted(days)[-3:] if ended and self.close_of(day) > ended}
        return [day for day in days if day not in open_days]

    def as_of(self) -> str | None:
        """Return when the last run of any stage ended, or None before the first."""
        found = first(self._db, "SELECT max(coalesce(finished_at, started_at)) AS at FROM runs")
        return None if found is None else found["at"]

    def window(self, days: Sequence[str]) -> tuple[str, str]:
        """Return the instants between which a story counts for one of these sessions.

        The first included, the last not: what is out exactly at a close counts for the
        session after it. A first session without one before it reaches back four days.
        """
        before = first(self._db, "SELECT max(day) AS day FROM intensity WHERE day < ?", [min(days)])
        if before is None or before["day"] is None:
            start = date.fromisoformat(min(days)) - timedelta(days=4)
            return self.close_of(start.isoformat()), self.close_of(max(days))
        return self.close_of(before["day"]), self.close_of(max(days))

    # -- explained days -------------------------------------------------------------

    def explanation(self, day: str, days: int = 1) -> Any | None:
        """Return the stored explanation of a day as JSON values, or None."""
        found = first(
            self._db,
            "SELECT document FROM explanations WHERE date = ? AND days = ?",
            [day, days],
        )
        return None if found is None else json.loads(found["document"])

    def verdicts(self, limit: int = 10, *, until: str = "9999") -> list[Row]:
        """Return the last explained days, newest first, each with its largest move.

        ``named`` lists the narratives that lead or are possible, at most three.
        """
        found = kept_rows(
            self._db,
            f"{_VERDICT} WHERE e.days = 1 AND e.date <= ? ORDER BY e.date DESC LIMIT ?",
            [until, limit],
        )
        return [_parsed(row) for row in found]

    def largest(self, since: str, until: str) -> Row | None:
        """Return the explained day whose largest move, in volatilities, is the largest."""
        found = first(
            self._db,
            f"{_VERDICT} WHERE e.days = 1 AND e.date BETWEEN ? AND ? AND m.sigma IS NOT NULL"
            " ORDER BY abs(m.sigma) DESC, e.date DESC LIMIT 1",
            [since, until],
        )
        return None if found is None else _parsed(found)

    def neighbours(self, day: str) -> Row:
        """Return the explained days before and after a day, None where there is none."""
        return rows(
            self._db,
            "SELECT (SELECT max(date) FROM explanations WHERE days = 1 AND date < ?) AS previous,"
            " (SELECT min(date) FROM explanations WHERE days = 1 AND date > ?) AS next",
            [day, day],
        )[0]

    def moves(self, day: str) -> list[Row]:
        """Return the moves of an explained day, the largest in volatilities first."""
        return rows(
            self._db,
            "SELECT asset_id, name, change, unit, sigma, as_of FROM moves"
            " WHERE date = ? AND days = 1 ORDER BY abs(coalesce(sigma, 0)) DESC, asset_id",
            [day],
        )

    def episodes(self) -> dict[str, Row]:
        """Return the episode library by id."""
        found = kept_rows(
            self._db, "SELECT id, date, name, label, note, kind FROM episodes ORDER BY date"
        )
        return {row["id"]: row for row in found}

    def counts(self) -> dict[str, int]:
        """Return the rows of tables: of all in a snapshot, of the documents in a working file."""
        found = kept_rows(self._db, 'SELECT "table", "rows" FROM table_counts')
        return {row["table"]: row["rows"] for row in found}

    # -- data quality ---------------------------------------------------------------

    def quality(self) -> Row:
        """Return when the last runs ended, how the sources are, and what failed of late.

        ``failures`` are those of the seven days before the last run of any stage.
        """
        runs = kept_rows(
            self._db,
            "SELECT id, stage, started_at, finished_at, status, code FROM runs WHERE id IN ("
            "SELECT (SELECT id FROM runs r WHERE r.stage = s.stage"
            " ORDER BY started_at DESC, id DESC LIMIT 1) FROM (SELECT DISTINCT stage FROM runs) s)"
            " ORDER BY started_at DESC",
        )
        as_of = self.as_of()
        since = "" if as_of is None else to_text(datetime.fromisoformat(as_of) - timedelta(days=7))
        statuses = kept_rows(
            self._db,
            "SELECT status, count(*) AS sources FROM sources GROUP BY status ORDER BY status",
        )
        kinds = kept_rows(
            self._db,
            "SELECT stage, kind, count(*) AS items FROM failures WHERE failed_at >= ?"
            " GROUP BY stage, kind ORDER BY items DESC, stage, kind",
            [since],
        )
        return {
            "as_of": as_of,
            "runs": runs,
            "sources": {row["status"]: row["sources"] for row in statuses},
            "failures": sum(row["items"] for row in kinds),
            "failure_kinds": kinds,
            "documents": self.counts().get("documents", 0),
            "newest": rows(self._db, "SELECT max(effective_at) AS at FROM documents")[0]["at"],
        }


_VERDICT = (
    "SELECT e.date, e.premise, e.verdict, e.clarity, m.asset_id, m.name, m.change, m.unit,"
    " m.sigma, (SELECT json_group_array(narrative_id) FROM (SELECT s.narrative_id FROM suspects s"
    "  WHERE s.date = e.date AND s.days = e.days AND s.status IN ('leading', 'possible')"
    "  ORDER BY s.rank LIMIT 3)) AS named FROM explanations e"
    " LEFT JOIN moves m ON m.date = e.date AND m.days = e.days AND m.asset_id = ("
    "SELECT asset_id FROM moves x WHERE x.date = e.date AND x.days = e.days"
    " ORDER BY abs(coalesce(x.sigma, 0)) DESC, x.asset_id LIMIT 1)"
)


def _parsed(verdict: Row) -> Row:
    return {**verdict, "named": json.loads(verdict["named"])}
