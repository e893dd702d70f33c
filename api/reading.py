"""A database for a program: tidy DataFrames in, nothing written.

``open_tapestory`` opens a working file or a published snapshot, read-only, and may read it as
of an instant. The frames are those of ``store.tidy``; this module only checks what it is asked
for, so that a name that does not exist is an error and not an empty table.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from api.errors import ConfigError
from store import Store
from store.errors import NotFoundError
from store.records import Explanation
from store.tidy import Tidy

if TYPE_CHECKING:
    import pandas as pd

Day = date | str
Names = str | Sequence[str] | None


def open_tapestory(path: str | Path, *, as_of: datetime | None = None) -> "Tapestory":
    """Open a database, or a published snapshot of one, for reading.

    Parameters
    ----------
    path : str or Path
        A file that ``tapestory nightly`` or ``tapestory import`` wrote. No lock is taken; while
        a run writes, read the snapshot beside it (``*.site.db``).
    as_of : datetime, optional
        Read what was known at that instant: later documents, prices and values of the
        intensity are left out. It must be aware. Labels have no vintages.

    Raises
    ------
    ConfigError
        When ``as_of`` has no time zone.
    StoreError
        When the file is missing, damaged, or no database of Tapestory.

    Examples
    --------
    >>> with open_tapestory("tapestory.db") as tape:  # doctest: +SKIP
    ...     tape.intensity("dollar-policy", start="2026-01-19").tail()
    """
    if as_of is not None and as_of.tzinfo is None:
        raise ConfigError(f"as_of {as_of!r} has no time zone: give one, such as UTC")
    return Tapestory(Store.open(Path(path), read_only=True), as_of)


class Tapestory:
    """An open database; every method that returns a table returns a new DataFrame.

    ``start`` and ``end`` are days, dates or ISO text, both included: session days of New York,
    and days of UTC for documents. ``narrative``, ``asset``: an id, several, or None for all.
    Use it as a context manager, or call :meth:`close`.
    """

    def __init__(self, store: Store, as_of: datetime | None = None) -> None:
        self._store = store
        self._as_of = as_of
        self._tidy = Tidy(store.frames, as_of)

    # -- what there is ------------------------------------------------------------------

    def narratives(self) -> "pd.DataFrame":
        """Return ``narrative_id, name, proposition`` of the narratives in use."""
        return _frame(
            [
                {"narrative_id": one.id, "name": one.name, "proposition": one.proposition}
                for one in self._store.narratives.all()
            ],
            ["narrative_id", "name", "proposition"],
        )

    def assets(self) -> "pd.DataFrame":
        """Return ``asset_id, name, class, unit, calendar`` of the assets."""
        return _frame(
            [
                {
                    "asset_id": one.id,
                    "name": one.name,
                    "class": one.asset_class,
                    "unit": one.unit,
                    "calendar": one.calendar,
                }
                for one in self._store.assets.all()
            ],
            ["asset_id", "name", "class", "unit", "calendar"],
        )

    def sources(self) -> "pd.DataFrame":
        """Return ``source_id, name, kind, url, weight, language`` of the sources."""
        return _frame(
            [
                {
                    "source_id": one.id,
                    "name": one.name,
                    "kind": one.kind,
                    "url": one.url,
                    "weight": one.weight,
                    "language": one.language,
                }
                for one in self._store.sources.all()
            ],
            ["source_id", "name", "kind", "url", "weight", "language"],
        )

    # -- text and its labels ------------------------------------------------------------

    def documents(
        self,
        *,
        start: Day | None = None,
        end: Day | None = None,
        source: str | None = None,
        copies: bool = False,
    ) -> "pd.DataFrame":
        """Return documents with their text: :meth:`store.tidy.Tidy.documents`."""
        if source is not None:
            _checked([source], [one.id for one in self._store.sources.all()], "source")
        first, last = _days(start, end)
        return self._tidy.documents(start=first, end=last, source=source, copies=copies)

    def labels(self, *, start: Day | None = None, end: Day | None = None) -> "pd.DataFrame":
        """Return one row per story and narrative: :meth:`store.tidy.Tidy.labels`."""
        first, last = _days(start, end)
        return self._tidy.labels(start=first, end=last)

    def quotes(
        self,
        narrative: Names = None,
        *,
        start: Day | None = None,
        end: Day | None = None,
        stance: str | None = None,
    ) -> "pd.DataFrame":
        """Return labelled passages, the evidence: :meth:`store.tidy.Tidy.quotes`."""
        first, last = _days(start, end)
        return self._tidy.quotes(self._narratives(narrative), start=first, end=last, stance=stance)

    def search(self, text: str, *, limit: int = 50) -> "pd.DataFrame":
        """Return documents that hold all words of a query, the best match first.

        Columns: ``document_id, source_id, title, url, published_at, effective_at, reach``. The
        words are searched for, never obeyed; a phrase stands in double quotes.
        """
        import pandas as pd

        found = self._store.pages.search.find(text, limit=limit)["documents"]
        columns = ["document_id", "source_id", "title", "url", "published_at", "effective_at",
                   "reach"]  # fmt: skip
        frame = _frame([{"document_id": row["id"], **row} for row in found], columns)
        for column in ("published_at", "effective_at"):
            frame[column] = pd.to_datetime(frame[column], format="ISO8601", utc=True)
        if self._as_of is not None:
            frame = frame[frame["effective_at"] <= self._as_of].reset_index(drop=True)
        return frame

    # -- numbers ------------------------------------------------------------------------

    def intensity(
        self, narrative: Names = None, *, start: Day | None = None, end: Day | None = None
    ) -> "pd.DataFrame":
        """Return intensity by narrative and session: :meth:`store.tidy.Tidy.intensity`."""
        first, last = _days(start, end)
        return self._tidy.intensity(self._narratives(narrative), start=first, end=last)

    def prices(
        self, asset: Names = None, *, start: Day | None = None, end: Day | None = None
    ) -> "pd.DataFrame":
        """Return closes: :meth:`store.tidy.Tidy.prices`."""
        first, last = _days(start, end)
        known = [one.id for one in self._store.assets.all()]
        wanted = _checked(_listed(asset, known), known, "asset")
        return self._tidy.prices(wanted, start=first, end=last)

    def moves(self, *, start: Day | None = None, end: Day | None = None) -> "pd.DataFrame":
        """Return the moves of the explained days: :meth:`store.tidy.Tidy.moves`."""
        first, last = _days(start, end)
        return self._tidy.moves(start=first, end=last)

    def suspects(self, *, start: Day | None = None, end: Day | None = None) -> "pd.DataFrame":
        """Return the suspects of the explained days: :meth:`store.tidy.Tidy.suspects`."""
        first, last = _days(start, end)
        return self._tidy.suspects(start=first, end=last)

    def alignments(self) -> "pd.DataFrame":
        """Return every cell of the last scan: :meth:`store.tidy.Tidy.alignments`."""
        return self._tidy.alignments()

    def confirmations(self) -> "pd.DataFrame":
        """Return the cells named beforehand: :meth:`store.frames.Frames.confirmations`."""
        return self._store.frames.confirmations()

    # -- answers ------------------------------------------------------------------------

    def explain(self, day: Day, *, days: int = 1) -> Explanation:
        """Rank the suspects for the move of a day, or of ``days`` sessions that end there.

        The stored answer where there is one; otherwise, and always with ``as_of``, it is
        computed anew.

        Raises
        ------
        AlignError
            When there are no prices, or they do not cover the day.
        """
        wanted = _day(day)
        if self._as_of is None:
            stored = self._store.results.explanation(wanted, days)
            if stored is not None:
                return stored
        from align.run import explain

        return explain(self._store, wanted, days=days, now=self._as_of)

    def report(self, week: str | None = None) -> dict[str, Any]:
        """Return the weekly report as ``report --format json`` writes it.

        Raises
        ------
        ConfigError
            When ``week`` is no ISO week such as ``2026-W05``, or has no data.
        """
        from api.report import build_report, render_json

        now = self._as_of or datetime.now(UTC)
        return render_json(build_report(self._store, week, now=now))

    # -- the file -----------------------------------------------------------------------

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def __enter__(self) -> "Tapestory":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _narratives(self, wanted: Names) -> list[str]:
        known = [one.id for one in self._store.narratives.all()]
        return _checked(_listed(wanted, known), known, "narrative")


def _listed(wanted: Names, known: Sequence[str]) -> list[str]:
    if wanted is None:
        return list(known)
    return [wanted] if isinstance(wanted, str) else list(wanted)


def _checked(wanted: list[str], known: Sequence[str], what: str) -> list[str]:
    """Return the ids, or say which is unknown and which there are."""
    there = sorted(known)
    for one in wanted:
        if one not in there:
            names = ", ".join(there[:20]) + (", ..." if len(there) > 20 else "")
            raise NotFoundError(f"no {what} {one!r} in this database: there are {names or 'none'}")
    return wanted


def _day(day: Day) -> date:
    if isinstance(day, datetime):
        raise ConfigError(f"{day!r} is an instant: give the day, such as 2026-01-30")
    if isinstance(day, date):
        return day
    try:
        return date.fromisoformat(day)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{day!r} is no day: write it as 2026-01-30") from error


def _days(start: Day | None, end: Day | None) -> tuple[date | None, date | None]:
    first = None if start is None else _day(start)
    last = None if end is None else _day(end)
    if first is not None and last is not None and last < first:
        raise ConfigError(f"start {first} lies after end {last}: turn them round")
    return first, last


def _frame(records: list[dict[str, Any]], columns: list[str]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame.from_records(records, columns=columns)
