"""Tidy tables for a person's own analysis, each as it was known at an instant.

One row per observation, columns named and typed as in ``store.frames``. The queries of
``align`` stand there; these are for reading.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from store.frames import Frames
from store.instants import to_text
from store.records import CAUSAL_WEIGHT, closes_early

if TYPE_CHECKING:
    import pandas as pd

_NEW_YORK = ZoneInfo("America/New_York")
_LAST = datetime(9999, 12, 31, tzinfo=UTC)
_POINT = (
    "narrative_id, day, stories, effective_n, share, share_low, share_high, zscore, innovation,"
    " favor, against, neutral, net_stance, disagreement, novelty, reach, seen_at"
)


class Tidy:
    """Queries that return one tidy DataFrame each.

    Parameters
    ----------
    frames : Frames
        Of the open database.
    as_of : datetime, optional
        Leave out what became known later. Labels and copies have no vintages: they are as
        they stand today.

    Notes
    -----
    ``start`` and ``end`` are days, both included: session days of New York where the table
    has a ``day`` or ``date``, days of UTC for documents.
    """

    def __init__(self, frames: Frames, as_of: datetime | None = None) -> None:
        self._frames = frames
        self._until = to_text(as_of or _LAST)
        self._as_of = as_of

    def documents(
        self,
        *,
        start: date | None = None,
        end: date | None = None,
        source: str | None = None,
        copies: bool = False,
    ) -> "pd.DataFrame":
        """Return documents with their text, by ``effective_at``.

        Columns: ``document_id, source_id, title, text, url, author, language, published_at,
        first_seen_at, effective_at, duplicate_of``; a revised text is the one known then.

        Parameters
        ----------
        copies : bool
            Also syndicated copies, whose ``duplicate_of`` names the story.
        """
        where, values = ["d.effective_at <= ?"], [self._until]
        where += [] if copies else ["d.duplicate_of IS NULL"]
        if source is not None:
            where.append("d.source_id = ?")
            values.append(source)
        where += _instants("d.effective_at", start, end, values)
        # A revision holds what was replaced at `seen_at`: the first one after the instant is
        # what stood then.
        then = (
            "coalesce((SELECT r.{0} FROM revisions r WHERE r.document_id = d.id"
            " AND r.seen_at > ? ORDER BY r.seen_at LIMIT 1), d.{0}) AS {0}"
        )
        frame = self._frames.query(
            f"SELECT d.id AS document_id, d.source_id, {then.format('title')},"
            f" {then.format('text')}, d.url, d.author, d.language, d.published_at,"
            " d.first_seen_at, d.effective_at, d.duplicate_of"
            f" FROM documents d WHERE {' AND '.join(where)} ORDER BY d.effective_at, d.id",
            [self._until, self._until, *values],
        )
        # A column without any value has no type of its own.
        return frame.astype(dict.fromkeys(["url", "author", "language", "duplicate_of"], "str"))

    def quotes(
        self,
        narratives: Sequence[str],
        *,
        start: date | None = None,
        end: date | None = None,
        stance: str | None = None,
    ) -> "pd.DataFrame":
        """Return the labelled passages of stories, by ``effective_at``.

        Columns as in :meth:`store.frames.Frames.quotes`; ``text`` is the passage.
        """
        first = datetime.combine(start or date.min, time(), UTC)
        limit = _LAST if self._as_of is None else self._as_of + timedelta(seconds=1)
        last = limit if end is None else min(limit, _after(end))
        found = self._frames.quotes(narratives, first, last)
        return found if stance is None else found[found["stance"] == stance].reset_index(drop=True)

    def labels(self, *, start: date | None = None, end: date | None = None) -> "pd.DataFrame":
        """Return one row per story and narrative it carries.

        Columns: ``document_id, narrative_id, probability`` (highest over the passages)``,
        stance`` (probability-weighted majority; causal claims weigh more)``, causal,
        effective_at, source_id``.
        """
        where, values = ["d.effective_at <= ?"], [self._until]
        where += _instants("d.effective_at", start, end, values)
        frame = self._frames.query(
            "WITH chosen AS MATERIALIZED (SELECT d.id, d.effective_at, d.source_id"
            f" FROM documents d WHERE {' AND '.join(where)} AND d.duplicate_of IS NULL),"
            " votes AS (SELECT c.id, c.effective_at, c.source_id, l.narrative_id, l.stance,"
            " max(l.probability) AS top, max(l.is_causal_claim) AS claim,"
            " sum(l.probability * l.stance_probability * iif(l.is_causal_claim, ?, 1.0)) AS vote"
            " FROM chosen c CROSS JOIN labels l ON l.document_id = c.id"
            " GROUP BY c.id, l.narrative_id, l.stance)"
            " SELECT id AS document_id, narrative_id, probability, stance, causal, effective_at,"
            " source_id FROM (SELECT *, max(top) OVER story AS probability,"
            " max(claim) OVER story AS causal,"
            " row_number() OVER (story ORDER BY vote DESC, stance) AS nth"
            " FROM votes WINDOW story AS (PARTITION BY id, narrative_id)) WHERE nth = 1"
            " ORDER BY effective_at, document_id, narrative_id",
            [*values, CAUSAL_WEIGHT],
        )
        frame["causal"] = frame["causal"].astype(bool)
        return frame

    def intensity(
        self,
        narratives: Sequence[str],
        *,
        start: date | None = None,
        end: date | None = None,
    ) -> "pd.DataFrame":
        """Return one row per narrative and session that had closed.

        Columns: ``narrative_id, day, stories, effective_n, share, share_low, share_high, zscore,
        innovation, favor, against, neutral, net_stance, disagreement, novelty, reach, seen_at``
        (units: docs/schema.md). Of several values of a day the last one seen by then; of an
        archive that was imported whole, all of which was seen later, the first.
        """
        marks = ", ".join("?" * len(narratives))
        where = [f"narrative_id IN ({marks})"]
        values = [*narratives]
        where += _days("day", start, end, values)
        if self._as_of is not None:
            where.append("day <= ?")
            values.append(_last_closed(self._as_of).isoformat())
        frame = self._frames.query(
            f"SELECT {_POINT} FROM (SELECT *, row_number() OVER (PARTITION BY narrative_id, day"
            " ORDER BY seen_at > ?, iif(seen_at > ?, seen_at, '') , seen_at DESC) AS rank"
            f" FROM intensity WHERE {' AND '.join(where)}) WHERE rank = 1"
            " ORDER BY narrative_id, day",
            [self._until, self._until, *values],
        )
        return _floats(frame, "effective_n share share_low share_high zscore innovation"
                              " net_stance disagreement novelty")  # fmt: skip

    def prices(
        self,
        assets: Sequence[str],
        *,
        start: date | None = None,
        end: date | None = None,
    ) -> "pd.DataFrame":
        """Return ``asset_id, date, close, as_of, known_at``: of a revision the one known then."""
        frame = self._frames.prices(assets, known_by=self._as_of)
        return _between(frame, start, end)

    def moves(self, *, start: date | None = None, end: date | None = None) -> "pd.DataFrame":
        """Return the moves of the explained days.

        Columns: ``date, asset_id, name, change`` (a fraction, basis points or points, as ``unit``
        says)``, unit, sigma`` (volatilities known the day before)``, as_of``.
        """
        where, values = ["days = 1", "as_of <= ?"], [self._until]
        where += _days("date", start, end, values)
        frame = self._frames.query(
            "SELECT date, asset_id, name, change, unit, sigma, as_of FROM moves"
            f" WHERE {' AND '.join(where)} ORDER BY date, asset_id",
            values,
        )
        return _floats(frame, "sigma")

    def suspects(self, *, start: date | None = None, end: date | None = None) -> "pd.DataFrame":
        """Return the suspects of the explained days, as the last run judged them.

        Columns: ``date, rank, narrative_id, status, score, low, high, part_intensity,
        part_causal_claims, part_timing, part_signature, part_hard_data, pre_move_share,
        placebo_percentile, verdict, clarity``. The five parts sum to the score.
        """
        where, values = ["s.days = 1"], list[str]()
        where += _days("s.date", start, end, values)
        if self._as_of is not None:
            where.append("s.date <= ?")
            values.append(_last_closed(self._as_of).isoformat())
        frame = self._frames.query(
            "SELECT s.date, s.rank, s.narrative_id, s.status, s.score, s.low, s.high,"
            " s.part_intensity, s.part_causal_claims, s.part_timing, s.part_signature,"
            " s.part_hard_data, s.pre_move_share, s.placebo_percentile, e.verdict, e.clarity"
            " FROM suspects s JOIN explanations e ON e.date = s.date AND e.days = s.days"
            f" WHERE {' AND '.join(where)} ORDER BY s.date, s.rank",
            values,
        )
        return _floats(frame, "pre_move_share placebo_percentile")

    def alignments(self) -> "pd.DataFrame":
        """Return every cell of the last scan; a positive lag: the narrative came first."""
        frame = self._frames.query(
            "SELECT narrative_id, asset_id, lag, n, effect, effect_low, effect_high, pvalue,"
            " pvalue_adj, method, window_start, window_end, status FROM alignments"
            " ORDER BY narrative_id, asset_id, lag"
        )
        return _floats(frame, "effect effect_low effect_high pvalue pvalue_adj")


def _last_closed(instant: datetime) -> date:
    """Return the last day whose New York session, if it had one, was over at an instant."""
    local = instant.astimezone(_NEW_YORK)
    hour = 13 if closes_early(local.date()) else 16
    return local.date() - timedelta(days=int(local.time() < time(hour)))


def _after(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def _instants(column: str, start: date | None, end: date | None, values: list[str]) -> list[str]:
    """Return conditions on an instant by whole days, and append their values."""
    found = []
    if start is not None:
        found.append(f"{column} >= ?")
        values.append(to_text(datetime.combine(start, time(), UTC)))
    if end is not None:
        found.append(f"{column} < ?")
        values.append(to_text(_after(end)))
    return found


def _days(column: str, start: date | None, end: date | None, values: list[str]) -> list[str]:
    found = []
    for day, sign in ((start, ">="), (end, "<=")):
        if day is not None:
            found.append(f"{column} {sign} ?")
            values.append(day.isoformat())
    return found


def _between(frame: "pd.DataFrame", start: date | None, end: date | None) -> "pd.DataFrame":
    kept = frame["date"].notna()
    if start is not None:
        kept &= frame["date"] >= start.isoformat()
    if end is not None:
        kept &= frame["date"] <= end.isoformat()
    return frame[kept].reset_index(drop=True)


def _floats(frame: "pd.DataFrame", names: str) -> "pd.DataFrame":
    """Return a frame whose columns are numbers even where all of them are missing."""
    wanted: dict[str, Any] = dict.fromkeys(names.split(), float)
    return frame.astype(wanted)
