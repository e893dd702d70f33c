"""The table ``stamp_checks``: whose time stamps cannot be trusted."""

from collections.abc import Sequence
from datetime import datetime

from sqlite_utils import Database

from store.instants import to_text
from store.records import StampCheck

_COLUMNS = 'source_id, "check", n, flagged, statistic, pvalue, message'


class StampChecks:
    """Queries on ``stamp_checks``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def all(self) -> list[StampCheck]:
        """Return the checks of the last alignment, those of all sources first."""
        return [
            StampCheck(
                source_id=row[0],
                check=row[1],
                n=row[2],
                flagged=bool(row[3]),
                statistic=row[4],
                pvalue=row[5],
                message=row[6],
            )
            for row in self._db.execute(
                f"SELECT {_COLUMNS} FROM stamp_checks"
                ' ORDER BY source_id IS NOT NULL, source_id, "check"'
            )
        ]

    def replace(self, checks: Sequence[StampCheck], *, checked_at: datetime, run_id: str) -> int:
        """Store checks in place of the last ones; return the rows written, 0 when all are alike.

        One transaction.
        """
        if list(checks) == self.all():
            return 0
        with self._db.atomic():
            self._db.execute("DELETE FROM stamp_checks")
            self._db.conn.executemany(
                f"INSERT INTO stamp_checks ({_COLUMNS}, checked_at, run_id)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        one.source_id,
                        one.check,
                        one.n,
                        int(one.flagged),
                        one.statistic,
                        one.pvalue,
                        one.message,
                        to_text(checked_at),
                        run_id,
                    )
                    for one in checks
                ],
            )
        return len(checks)
