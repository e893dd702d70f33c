"""What ``align`` computes: intensity, alignments, episodes and explanations."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, get_args, get_type_hints

from sqlite_utils import Database

from store.instants import from_text, to_text
from store.records import (
    AlignmentCell,
    Analog,
    Episode,
    Explanation,
    IntensityDay,
    IntensityPoint,
)

_INTENSITY = [field.name for field in dataclasses.fields(IntensityPoint)]
# Columns that m014 added. A row from before has no burst, not even 0.
_ADDED = _INTENSITY.index("share_corrected")
_BURST = _INTENSITY.index("burst")
_CELL = [field.name for field in dataclasses.fields(AlignmentCell)]
_EPISODE = [field.name for field in dataclasses.fields(Episode)]
_ANALOG = [field.name for field in dataclasses.fields(Analog)][2:]
Digests = Mapping[date, str]
_NONE: Digests = MappingProxyType({})


class Results:
    """Queries on ``intensity``, ``alignments``, ``episodes`` and ``explanations``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add_intensity(
        self, points: Sequence[IntensityPoint], *, seen_at: datetime, run_id: str
    ) -> int:
        """Append the points that differ from the latest value of their day.

        A row is never rewritten: what was printed on a day stays as it was seen. Returns
        the number of rows added.
        """
        fresh = self.changed_intensity(points)
        with self._db.atomic():
            for point in fresh:
                marks = ", ".join("?" * (len(_INTENSITY) + 2))
                self._db.execute(
                    f"INSERT OR REPLACE INTO intensity ({', '.join(_INTENSITY)}, seen_at, run_id)"
                    f" VALUES ({marks})",
                    [*_row(point), to_text(seen_at), run_id],
                )
        return len(fresh)

    def changed_intensity(self, points: Sequence[IntensityPoint]) -> list[IntensityPoint]:
        """Return the points that :meth:`add_intensity` would append.

        A row from before the columns of ``m014`` is compared by those that it has: that a day
        can now say more is no news about the day.
        """
        if not points:
            return []
        latest = self._latest_intensity(min(point.day for point in points))
        return [point for point in points if _is_news(_row(point), latest.get(_key(point)))]

    def _latest_intensity(self, since: date) -> dict[tuple[str, str], tuple[Any, ...]]:
        columns = ", ".join(_INTENSITY)
        return {
            (row[0], row[1]): tuple(row)
            for row in self._db.execute(
                f"SELECT {columns} FROM intensity_latest WHERE day >= ?", [since.isoformat()]
            )
        }

    def intensity_days(self, since: date | None = None) -> dict[date, IntensityDay]:
        """Return what the runs before computed, by session, from one on."""
        found = {}
        first = "" if since is None else since.isoformat()
        for day, digest, content in self._db.execute(
            "SELECT * FROM intensity_days WHERE day >= ?", [first]
        ):
            held = json.loads(content)
            if held["columns"] != _INTENSITY or "carried" not in held:
                continue  # of a version with other columns: it is computed again
            at = date.fromisoformat(day)
            found[at] = IntensityDay(
                day=at,
                digest=digest,
                points=[
                    IntensityPoint(**dict(zip(_INTENSITY, row, strict=True)) | {"day": at})
                    for row in held["points"]
                ],
                carried=held["carried"],
            )
        return found

    def last_kept_day(self, before: date) -> date | None:
        """Return the last session before a day that :meth:`keep_days` kept, or None."""
        (found,) = self._db.execute(
            "SELECT max(day) FROM intensity_days WHERE day < ?", [before.isoformat()]
        ).fetchone()
        return None if found is None else date.fromisoformat(found)

    def touched_since(self) -> datetime | None:
        """Return the earliest instant of a document that was written since :meth:`seen`."""
        row = self._db.execute("SELECT since FROM touched WHERE what = 'documents'").fetchone()
        return None if row is None else from_text(row[0])

    def seen(self) -> None:
        """Note that all that is written by now was looked at."""
        self._db.execute("DELETE FROM touched")

    def keep_days(self, days: Sequence[IntensityDay]) -> None:
        """Keep what was computed for some sessions, and forget all later ones."""
        if not days:
            return
        with self._db.atomic():
            first = min(day.day for day in days)
            self._db.execute("DELETE FROM intensity_days WHERE day >= ?", [first.isoformat()])
            self._db.conn.executemany(
                "INSERT INTO intensity_days VALUES (?, ?, ?)",
                [(day.day.isoformat(), day.digest, _content_of(day)) for day in days],
            )

    def alignments_differ(self, cells: Sequence[AlignmentCell]) -> bool:
        """Return whether the stored scan is another one."""
        columns = ", ".join(_CELL)
        stored = {tuple(row) for row in self._db.execute(f"SELECT {columns} FROM alignments")}
        return stored != {_row(cell) for cell in cells}

    def replace_alignments(self, cells: Sequence[AlignmentCell], *, run_id: str) -> None:
        """Store the cells of the last scan in place of those of the one before."""
        marks = ", ".join("?" * (len(_CELL) + 1))
        with self._db.atomic():
            self._db.execute("DELETE FROM alignments")
            self._db.conn.executemany(
                f"INSERT INTO alignments ({', '.join(_CELL)}, run_id) VALUES ({marks})",
                [(*_row(cell), run_id) for cell in cells],
            )

    def sync_episodes(self, episodes: Sequence[Episode]) -> int:
        """Write the episode library; return the rows that changed."""
        changed = 0
        columns = ", ".join(_EPISODE[1:])
        given = ", ".join(f"excluded.{name}" for name in _EPISODE[1:])
        with self._db.atomic():
            for episode in episodes:
                changed += self._db.execute(
                    f"INSERT INTO episodes ({', '.join(_EPISODE)})"
                    f" VALUES ({', '.join('?' * len(_EPISODE))}) ON CONFLICT (id) DO UPDATE SET"
                    f" ({columns}) = ({given}) WHERE ({columns}) IS NOT ({given})",
                    [
                        json.dumps(value, ensure_ascii=False) if isinstance(value, tuple) else value
                        for value in _row(episode)
                    ],
                ).rowcount
        return changed

    def explanation_digests(self, *, days: int) -> dict[date, str]:
        """Return by day what each stored explanation was made of."""
        rows = self._db.execute("SELECT date, digest FROM explanations WHERE days = ?", [days])
        return {date.fromisoformat(day): digest for day, digest in rows}

    def explanations_differ(
        self, explanations: Sequence[Explanation], *, days: int, digests: Digests = _NONE
    ) -> bool:
        """Return whether :meth:`save_explanations` would write anything."""
        return any(
            self._differs(one, days) or self._is_of_another(one, days, digests)
            for one in explanations
        )

    def save_explanations(
        self,
        explanations: Sequence[Explanation],
        *,
        days: int,
        run_id: str,
        digests: Digests = _NONE,
    ) -> int:
        """Store explanations with their moves, suspects and analogs; return those that changed.

        Parameters
        ----------
        digests : mapping
            What each was made of, by day.
        """
        changed = 0
        with self._db.atomic():
            for explanation in explanations:
                if self._differs(explanation, days):
                    self._replace(explanation, days, run_id)
                    changed += 1
                if self._is_of_another(explanation, days, digests):
                    day = explanation.date
                    self._db.execute(
                        "UPDATE explanations SET digest = ? WHERE date = ? AND days = ?",
                        [digests[day], day.isoformat(), days],
                    )
        return changed

    def explanation(self, day: date, days: int = 1) -> Explanation | None:
        """Return the stored explanation of a day, or None."""
        row = self._db.execute(
            "SELECT document FROM explanations WHERE date = ? AND days = ?",
            [day.isoformat(), days],
        ).fetchone()
        return None if row is None else explanation_of(json.loads(row[0]))

    def largest_move_day(self) -> date | None:
        """Return the explained day with the largest move in sigmas, or None without one."""
        row = self._db.execute(
            "SELECT date FROM moves WHERE days = 1 AND sigma IS NOT NULL"
            " ORDER BY abs(sigma) DESC, date DESC LIMIT 1"
        ).fetchone()
        return None if row is None else date.fromisoformat(row[0])

    def _differs(self, one: Explanation, days: int) -> bool:
        row = self._db.execute(
            "SELECT document FROM explanations WHERE date = ? AND days = ?",
            [one.date.isoformat(), days],
        ).fetchone()
        return row is None or json.loads(row[0]) != document_of(one)

    def _is_of_another(self, one: Explanation, days: int, digests: Digests) -> bool:
        row = self._db.execute(
            "SELECT digest FROM explanations WHERE date = ? AND days = ?",
            [one.date.isoformat(), days],
        ).fetchone()
        return one.date in digests and (row is None or row[0] != digests[one.date])

    def _replace(self, one: Explanation, days: int, run_id: str) -> None:
        key = [one.date.isoformat(), days]
        execute = self._db.execute
        execute("DELETE FROM explanations WHERE date = ? AND days = ?", key)
        execute(
            "INSERT INTO explanations (date, days, window_start, window_end, premise, verdict,"
            " clarity, document, run_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                *key,
                one.window_start.isoformat(),
                one.window_end.isoformat(),
                one.premise,
                one.verdict,
                one.clarity,
                _text_of(document_of(one)),
                run_id,
            ],
        )
        for move in one.moves:
            execute(
                "INSERT INTO moves VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    *key,
                    move.asset_id,
                    move.name,
                    move.change,
                    move.unit,
                    move.sigma,
                    to_text(move.as_of),
                ],
            )
        for suspect in one.suspects:
            parts = suspect.parts
            execute(
                f"INSERT INTO suspects VALUES ({', '.join('?' * 16)})",
                [
                    *key,
                    suspect.narrative_id,
                    suspect.rank,
                    suspect.score,
                    suspect.low,
                    suspect.high,
                    suspect.status,
                    parts.intensity,
                    parts.causal_claims,
                    parts.timing,
                    parts.signature,
                    parts.hard_data,
                    json.dumps(list(suspect.contradicted_by)),
                    suspect.pre_move_share,
                    suspect.placebo_percentile,
                ],
            )
        for analog in one.analogs:
            execute(
                f"INSERT INTO analogs (date, days, episode_id, {', '.join(_ANALOG)})"
                f" VALUES (?, ?, ?, {', '.join('?' * len(_ANALOG))})",
                [*key, analog.episode, *(getattr(analog, name) for name in _ANALOG)],
            )


def forget_quotes(db: Database, document_id: str) -> None:
    """Take what explanations quote of a document out of them; all else in them stays.

    Call it inside the transaction that forgets the document.
    """
    holding = db.execute(
        "SELECT date, days, document FROM explanations WHERE instr(document, ?)", [document_id]
    ).fetchall()
    for day, days, text in holding:
        explanation = json.loads(text)
        for suspect in explanation["suspects"]:
            suspect["quotes"] = [
                quote for quote in suspect["quotes"] if quote["document_id"] != document_id
            ]
        db.execute(
            "UPDATE explanations SET document = ? WHERE date = ? AND days = ?",
            [_text_of(explanation), day, days],
        )


def _text_of(explanation: dict[str, Any]) -> str:
    return json.dumps(explanation, ensure_ascii=False)


def _key(point: IntensityPoint) -> tuple[str, str]:
    return point.narrative_id, point.day.isoformat()


def _is_news(row: tuple[Any, ...], latest: tuple[Any, ...] | None) -> bool:
    if latest is None:
        return True
    compared = _ADDED if latest[_BURST] is None else len(row)
    return row[:compared] != latest[:compared]


def _content_of(day: IntensityDay) -> str:
    points = [_row(point) for point in day.points]
    return json.dumps({"columns": _INTENSITY, "points": points, "carried": day.carried})


def _row(record: Any) -> tuple[Any, ...]:
    """Return the column values of a flat record, dates as text, in the order of its fields."""
    values = (getattr(record, field.name) for field in dataclasses.fields(record))
    return tuple(value.isoformat() if isinstance(value, date) else value for value in values)


def document_of(record: Any) -> Any:
    """Return a record as JSON values: instants and dates as text, records as objects."""
    if dataclasses.is_dataclass(record):
        return {
            field.name: document_of(getattr(record, field.name))
            for field in dataclasses.fields(record)
        }
    if isinstance(record, datetime):
        return to_text(record)
    if isinstance(record, date):
        return record.isoformat()
    if isinstance(record, (list, tuple)):
        return [document_of(value) for value in record]
    return record


def explanation_of(document: dict[str, Any]) -> Explanation:
    """Return the record of :func:`document_of` an explanation."""
    built = _build(Explanation, document)
    assert isinstance(built, Explanation)
    return built


def _build(kind: Any, value: Any) -> Any:
    """Return ``value`` of JSON as the type that a field declares."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{name: _build(hints[name], part) for name, part in value.items()})
    arguments = get_args(kind)
    if isinstance(value, dict) and len(arguments) == 2 and type(None) in arguments:
        return _build(next(part for part in arguments if part is not type(None)), value)
    if isinstance(value, list):
        return [_build(arguments[0], part) for part in value]
    if isinstance(value, str) and datetime in (kind, *arguments):
        return from_text(value)
    if isinstance(value, str) and date in (kind, *arguments):
        return date.fromisoformat(value)
    return value
