"""Assets and their prices; an observation that changes is appended, never rewritten."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from sqlite_utils import Database

from store.instants import from_text, optional_instant, optional_text, to_text
from store.records import Asset, PriceAnswer, PriceBar

# What is known of the last answer holds for one address only.
_UNLESS_MOVED = ", ".join(
    f"{name} = CASE WHEN source IS excluded.source THEN {name} END"
    for name in ("fetched_at", "etag", "last_modified")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedPrices:
    """What became of the bars handed in: new dates, changed values, values known before."""

    new: int
    revised: int
    same: int


class Assets:
    """Queries on ``assets``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def sync(self, assets: Sequence[Asset]) -> int:
        """Write assets; return the rows that changed. The same assets twice change none.

        An asset that is not listed never replaces one that is: an import does not undo the
        settings. Of an asset with a new source the last answer is forgotten, so that the new
        one is asked at once and in full.
        """
        changed = 0
        with self._db.atomic():
            for asset in assets:
                changed += self._db.execute(
                    "INSERT INTO assets (id, name, class, unit, calendar, source, listed)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
                    " name = excluded.name, class = excluded.class, unit = excluded.unit,"
                    " calendar = excluded.calendar, source = excluded.source,"
                    " listed = excluded.listed,"
                    f" {_UNLESS_MOVED} WHERE excluded.listed >= listed AND"
                    " (name, class, unit, calendar, source, listed) IS NOT (excluded.name,"
                    " excluded.class, excluded.unit, excluded.calendar, excluded.source,"
                    " excluded.listed)",
                    [
                        asset.id,
                        asset.name,
                        asset.asset_class,
                        asset.unit,
                        asset.calendar,
                        asset.source,
                        int(asset.listed),
                    ],
                ).rowcount
        return changed

    def all(self) -> list[Asset]:
        """Return every asset, in the order in which they were first written."""
        return [
            Asset(
                id=row["id"],
                name=row["name"],
                asset_class=row["class"],
                unit=row["unit"],
                calendar=row["calendar"],
                source=row["source"],
                listed=bool(row["listed"]),
            )
            for row in self._db.query("SELECT * FROM assets ORDER BY rowid")
        ]


class Prices:
    """Queries on ``prices``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(
        self, bars: Iterable[PriceBar], run_id: str, *, revised_at: datetime | None = None
    ) -> AddedPrices:
        """Append bars whose date is new or whose close differs from the one known last.

        A changed close was not known before ``revised_at``, when that is given. One with the
        same ``known_at`` as the stored one is a second answer to the same question: it is
        stored one second later, so that neither is lost. One transaction.
        """
        new = revised = same = 0
        with self._db.atomic():
            for asset_id, group in _by_asset(bars):
                stored = self._stored(asset_id, group)
                rows = []
                for bar in group:
                    last = stored.get(bar.date.isoformat())
                    if last is not None and last[0] == bar.close:
                        same += 1
                        continue
                    known_at = to_text(bar.known_at)
                    if last is None:
                        new += 1
                    else:
                        revised += 1
                        known_at = max(known_at, _second_after(last[1]))
                        if revised_at is not None:
                            known_at = max(known_at, to_text(revised_at))
                    stored[bar.date.isoformat()] = (bar.close, known_at)
                    rows.append(_values(bar, known_at, run_id))
                if rows:
                    self._db.conn.executemany(
                        "INSERT INTO prices (asset_id, date, close, open, high, low, volume,"
                        " as_of, known_at, run_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        rows,
                    )
        return AddedPrices(new=new, revised=revised, same=same)

    def differs(self, bars: Iterable[PriceBar]) -> bool:
        """Return whether :meth:`add` would append anything."""
        for asset_id, group in _by_asset(bars):
            stored = self._stored(asset_id, group)
            if any(stored.get(bar.date.isoformat(), (None,))[0] != bar.close for bar in group):
                return True
        return False

    def _stored(self, asset_id: str, bars: Sequence[PriceBar]) -> dict[str, tuple[float, str]]:
        """Return close and ``known_at`` known last, by date, over the dates of bars."""
        days = [bar.date for bar in bars]
        return {
            row[0]: (row[1], row[2])
            for row in self._db.execute(
                "SELECT date, close, known_at FROM prices WHERE asset_id = ?"
                " AND date BETWEEN ? AND ? ORDER BY date, known_at",
                [asset_id, min(days).isoformat(), max(days).isoformat()],
            )
        }

    def latest(self, asset_id: str) -> dict[date, PriceBar]:
        """Return the value known last of each date of an asset, in the order of the dates."""
        return {
            date.fromisoformat(row[0]): PriceBar(
                asset_id=asset_id,
                date=date.fromisoformat(row[0]),
                close=row[1],
                as_of=from_text(row[2]),
                known_at=from_text(row[3]),
            )
            for row in self._db.execute(
                "SELECT date, close, as_of, known_at FROM prices_latest WHERE asset_id = ?"
                " ORDER BY date",
                [asset_id],
            )
        }

    def answer(self, asset_id: str) -> PriceAnswer:
        """Return what is remembered of the last answer of an asset's provider."""
        row = self._db.execute(
            "SELECT fetched_at, etag, last_modified FROM assets WHERE id = ?", [asset_id]
        ).fetchone()
        if row is None:
            return PriceAnswer()
        return PriceAnswer(fetched_at=optional_instant(row[0]), etag=row[1], last_modified=row[2])

    def remember(self, asset_id: str, answer: PriceAnswer) -> None:
        """Remember an answer, in the transaction that stores the values it brought."""
        with self._db.atomic():
            self._db.execute(
                "UPDATE assets SET fetched_at = ?, etag = ?, last_modified = ? WHERE id = ?",
                [
                    optional_text(answer.fetched_at),
                    answer.etag,
                    answer.last_modified,
                    asset_id,
                ],
            )


def _by_asset(bars: Iterable[PriceBar]) -> Iterator[tuple[str, list[PriceBar]]]:
    for asset_id, group in groupby(bars, key=lambda bar: bar.asset_id):
        yield asset_id, list(group)


def _second_after(text: str) -> str:
    return to_text(from_text(text) + timedelta(seconds=1))


def _values(bar: PriceBar, known_at: str, run_id: str) -> tuple[object, ...]:
    return (
        bar.asset_id,
        bar.date.isoformat(),
        bar.close,
        bar.open,
        bar.high,
        bar.low,
        bar.volume,
        to_text(bar.as_of),
        known_at,
        run_id,
    )
