"""The end of a stage: failures counted and bounded, the run closed, the report made."""

import time
from collections.abc import Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Protocol

from crawler.errors import ImportFormatError
from crawler.urls import redact_text
from store.records import Failure, RunStatus, Stage, StageReport


class Run(Protocol):
    """What the crawler needs of a run of the store."""

    @property
    def id(self) -> str:
        """Id of the run; the row is written when it is first read."""
        ...

    def fail(self, failure: Failure) -> None:
        """Record a failure."""
        ...

    def finish(
        self,
        *,
        now: datetime,
        status: RunStatus = "done",
        counts: Mapping[str, int] | None = None,
        code: int = 0,
    ) -> None:
        """Close the run."""
        ...


# A file of which every row is bad fills a screen, not the database.
MAX_ROWS = 1000
_ADVICE = {
    "encoding": "save the file as UTF-8 and import it again: good rows are not stored twice",
    "cell_too_large": "split or shorten the cell and import the file again",
    "json": "mend the line and import the file again",
    "columns": "quote cells that hold commas or line breaks",
    "date": "write dates as 2026-01-30T14:05:00Z or 2026-01-30",
    "missing": "fill in the cell and import the file again",
    "value": "mend the number; leave the cell empty when there is none",
    "type": "write plain text into the cell",
    "conflict": "keep one of the two rows",
}


class FailureLog:
    """Failures of one run: written once, counted always.

    Parameters
    ----------
    stage : Stage
        Of the rows of files.
    reported : set of tuple
        Item, kind and message of earlier runs; these are counted but not written again, so
        that importing a file twice adds no row.
    """

    def __init__(
        self, run: Run, stage: Stage, *, reported: Set[tuple[str, str, str]] = frozenset()
    ) -> None:
        self._run = run
        self._stage: Stage = stage
        self._reported = reported
        self._in_file = 0
        self.count = 0

    def add(self, failure: Failure, *, counted: bool = True) -> None:
        """Record a failure; one that is not ``counted`` leaves the exit code alone."""
        self.count += counted
        if (failure.item, failure.kind, failure.message) not in self._reported:
            self._run.fail(failure)

    def row(self, where: str, kind: str, message: str) -> None:
        """Record a row of a file that could not be imported."""
        self._in_file += 1
        if self._in_file > MAX_ROWS:
            self.count += 1
            return
        advice = _ADVICE.get(kind, "mend the row and import the file again")
        row = Failure(stage=self._stage, item=where, kind=kind, message=message, advice=advice)
        self.add(row)

    def end_of_file(self, name: str) -> None:
        """Say how many rows were only counted."""
        hidden, self._in_file = self._in_file - MAX_ROWS, 0
        if hidden > 0:
            row = Failure(
                stage=self._stage,
                item=name,
                kind="more",
                message=f"{hidden:,} more rows of this file could not be imported",
                advice="mend what the rows above have in common and import the file again",
            )
            self.add(row, counted=False)


def unforeseen(stage: Stage, item: str, error: Exception) -> Failure:
    """Return the row for an error about one item that no code expects: the others go on."""
    name = type(error).__name__
    return Failure(
        stage=stage,
        item=item,
        kind=name,
        message=redact_text(f"unexpected: {name}: {error}")[:300],
        advice="this is a mistake of ours: please report it with this message",
    )


def finish(
    stage: Stage,
    run: Run,
    log: FailureLog,
    counts: Mapping[str, int],
    notes: Sequence[str],
    *,
    now: datetime,
    started: float,
    status: RunStatus = "done",
) -> StageReport:
    """Close the run and return its report.

    Parameters
    ----------
    started : float
        Monotonic clock when the stage began.
    """
    seconds = time.monotonic() - started
    # Only a file of another form ends a stage here, which is a mistake of use.
    code = ImportFormatError.exit_code if status == "failed" else 3 if log.count else 0
    run.finish(now=now + timedelta(seconds=seconds), status=status, counts=counts, code=code)
    return StageReport(
        stage=stage, counts=counts, failures=log.count, seconds=seconds, notes=tuple(notes)
    )
