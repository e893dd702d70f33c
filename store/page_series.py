"""The queries behind the pages on series: intensity, prices, moves and alignments."""

from collections.abc import Sequence
from typing import Any

from store.confirmations import SURVIVAL
from store.rows import Connection, Row, kept_rows, rows

_POINT = (
    "SELECT narrative_id, day, stories, effective_n, share, share_low, share_high, zscore,"
    " innovation, favor, against, neutral, net_stance, disagreement, novelty, reach,"
    " share_corrected, corrected_low, corrected_high, burst, seen_at"
    " FROM intensity_latest"
)
_CELL = (
    "SELECT c.narrative_id, n.name AS narrative, c.asset_id, a.name AS asset, c.lag, c.n,"
    " c.effect, c.effect_low, c.effect_high, c.pvalue, c.pvalue_adj, c.method, c.window_start,"
    " c.window_end, c.status FROM alignments c JOIN narratives n ON n.id = c.narrative_id"
    " JOIN assets a ON a.id = c.asset_id"
)


class Series:
    """Queries on ``intensity``, ``prices``, ``moves``, ``alignments`` and ``confirmations``."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def intensity(self, days: Sequence[str]) -> list[Row]:
        """Return the latest values of every narrative on the days between two, both included."""
        if not days:
            return []
        # The bounds are on the column that the view partitions by, so SQLite pushes them down.
        return rows(
            self._db,
            f"{_POINT} WHERE day BETWEEN ? AND ? ORDER BY narrative_id, day",
            [min(days), max(days)],
        )

    def intensity_of(self, narrative_id: str, limit: int = 260) -> list[Row]:
        """Return the last values of one narrative, oldest first."""
        since = self._first("day", "intensity", "narrative_id", narrative_id, "", limit)
        return kept_rows(
            self._db,
            f"{_POINT} WHERE narrative_id = ? AND day >= ? ORDER BY day",
            [narrative_id, since],
        )

    def _first(self, day: str, table: str, column: str, value: str, since: str, last: int) -> str:
        """Return the first of the last days of a series.

        The views rank all rows that they are given, so the years before are kept out of them
        by a value: SQLite does not hand a subquery down into a view.
        """
        (found,) = kept_rows(
            self._db,
            f"SELECT min({day}) AS day FROM (SELECT DISTINCT {day} FROM {table}"
            f" WHERE {column} = ? AND {day} >= ? ORDER BY {day} DESC LIMIT ?)",
            [value, since, last],
        )
        return since if found["day"] is None else str(found["day"])

    def asset(self, asset_id: str) -> Row | None:
        """Return one asset, or None."""
        found = rows(
            self._db,
            'SELECT id, name, "class", unit, calendar, source, listed, fetched_at FROM assets'
            " WHERE id = ?",
            [asset_id],
        )
        return found[0] if found else None

    def closes(self, asset_id: str, limit: int = 260, *, since: str = "") -> list[Row]:
        """Return the last closes of an asset as known now, oldest first."""
        start = self._first("date", "prices", "asset_id", asset_id, since, limit)
        return rows(
            self._db,
            "SELECT date, close, as_of, known_at FROM prices_latest WHERE asset_id = ?"
            " AND date >= ? ORDER BY date",
            [asset_id, start],
        )

    def largest_moves(self, asset_id: str, limit: int = 15) -> list[Row]:
        """Return the stored moves of an asset that were largest in volatilities."""
        return kept_rows(
            self._db,
            "SELECT m.date, m.change, m.unit, m.sigma, m.as_of, e.verdict, e.premise FROM moves m"
            " JOIN explanations e ON e.date = m.date AND e.days = m.days"
            " WHERE m.asset_id = ? AND m.days = 1"
            " ORDER BY abs(coalesce(m.sigma, 0)) DESC, m.date DESC LIMIT ?",
            [asset_id, limit],
        )

    def scan(self) -> Row:
        """Return how many cells the last scan tested, over which window and by which method."""
        return kept_rows(
            self._db,
            "SELECT count(*) AS cells, min(window_start) AS start, max(window_end) AS end,"
            " coalesce((SELECT method FROM alignments WHERE effect IS NOT NULL"
            " ORDER BY window_start LIMIT 1),"
            " max(method)) AS method, min(lag) AS first_lag, max(lag) AS last_lag FROM alignments",
        )[0]

    def cells(self, column: str, value: str) -> list[Row]:
        """Return the cells of one narrative (``narrative_id``) or asset (``asset_id``)."""
        where = {"narrative_id": "c.narrative_id = ?", "asset_id": "c.asset_id = ?"}[column]
        return self._cells(f"WHERE {where} ORDER BY n.rowid, a.rowid, c.lag", [value])

    def strongest(self, column: str, value: str, limit: int = 10) -> list[Row]:
        """Return the cells of one narrative or asset with the smallest adjusted p-value."""
        where = {"narrative_id": "c.narrative_id = ?", "asset_id": "c.asset_id = ?"}[column]
        return self._cells(
            f"WHERE {where} AND c.effect IS NOT NULL ORDER BY coalesce(c.pvalue_adj, 1),"
            " coalesce(c.pvalue, 1), abs(c.effect) DESC LIMIT ?",
            [value, limit],
        )

    def named(self, narrative_id: str) -> list[Row]:
        """Return the cells of one narrative that were named beforehand, the newest first.

        ``others`` counts the cells that closed on the same session.
        """
        return rows(
            self._db,
            "SELECT c.*, a.name AS asset, CASE WHEN c.closes_on IS NULL THEN NULL ELSE (SELECT"
            " count(*) - 1 FROM confirmations o WHERE o.closes_on = c.closes_on) END AS others"
            " FROM confirmations c JOIN assets a ON a.id = c.asset_id WHERE c.narrative_id = ?"
            " ORDER BY c.named_at DESC, a.rowid, c.lag",
            [narrative_id],
        )

    def survival(self) -> Row:
        """Return how many cells were named beforehand, and what became of them."""
        return kept_rows(self._db, f"SELECT {SURVIVAL} FROM confirmations")[0]

    def _cells(self, rest: str, values: Sequence[Any]) -> list[Row]:
        return kept_rows(self._db, f"{_CELL} {rest}", values)
