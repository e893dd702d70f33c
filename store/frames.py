"""Queries whose answer is a tidy DataFrame, for ``align`` and for people.

Columns named ``*_at`` and ``as_of`` are aware UTC timestamps; ``date``, ``day``, ``named_at``
and ``closes_on`` are naive midnights of a session date. pandas is imported when a frame is first
asked for.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database

from store.confirmations import SURVIVAL
from store.instants import to_text
from store.records import CAUSAL_WEIGHT

if TYPE_CHECKING:
    import pandas as pd

_INSTANTS = (
    "published_at",
    "effective_at",
    "first_seen_at",
    "as_of",
    "known_at",
    "fetched_at",
    "noted_at",
    "updated_at",
)
_DATES = ("date", "day", "named_at", "closes_on")
_HOST = r"^[a-z][a-z0-9+.\-]*://(?:[^/?#@]*@)?(?:www\.)?([^/:?#]+)"
# Two labels, or three where a country sells its names below a second label (bbc.co.uk).
_SOLD = "ac|co|com|edu|go|gob|gov|ltd|me|ne|net|nom|or|org"
_OWNER = rf"([^.]+\.(?:{_SOLD})\.[a-z]{{2}}|[^.]+\.[^.]+)$"


class Frames:
    """Queries that return DataFrames.

    ``since`` leaves out what counts from before that instant.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    def query(self, sql: str, values: Sequence[Any] = ()) -> "pd.DataFrame":
        """Return the rows of a query, with instants and dates parsed by column name."""
        import pandas as pd

        cursor = self._db.execute(sql, list(values))
        columns = [column[0] for column in cursor.description]
        frame = pd.DataFrame.from_records(cursor.fetchall(), columns=columns)
        for name in columns:
            if name in _INSTANTS or name == "seen_at":
                frame[name] = pd.to_datetime(frame[name], format="ISO8601", utc=True)
            elif name in _DATES:
                frame[name] = pd.to_datetime(frame[name], format="%Y-%m-%d")
        return frame

    def prices(
        self, asset_ids: Sequence[str] | None = None, *, known_by: datetime | None = None
    ) -> "pd.DataFrame":
        """Return closes as they were known at an instant (default: now).

        Columns: ``asset_id, date, close, as_of, known_at``, sorted by asset and date; of a
        revised observation the last value that was public by ``known_by``.
        """
        where, values = ["1"], []
        if asset_ids is not None:
            where.append(f"asset_id IN ({', '.join('?' * len(asset_ids))})")
            values += list(asset_ids)
        if known_by is not None:
            where.append("known_at <= ?")
            values.append(to_text(known_by))
        frame = self.query(
            "SELECT asset_id, date, close, as_of, known_at FROM prices"
            f" WHERE {' AND '.join(where)} ORDER BY asset_id, date, known_at",
            values,
        )
        return frame.drop_duplicates(["asset_id", "date"], keep="last", ignore_index=True)

    def ranges(
        self, asset_ids: Sequence[str], *, known_by: datetime | None = None
    ) -> "pd.DataFrame":
        """Return ``asset_id, date, high, low`` as known at an instant, where both are stored."""
        frame = self.query(
            "SELECT asset_id, date, high, low FROM prices"
            f" WHERE asset_id IN ({', '.join('?' * len(asset_ids))})"
            " AND high IS NOT NULL AND low IS NOT NULL AND known_at <= ?"
            " ORDER BY asset_id, date, known_at",
            [*asset_ids, to_text(known_by) if known_by is not None else "9999"],
        )
        return frame.drop_duplicates(["asset_id", "date"], keep="last", ignore_index=True)

    def stories(self, *, since: datetime | None = None) -> "pd.DataFrame":
        """Return one row per story that was labelled, copies collapsed.

        Columns: ``document_id, source_id, weight, effective_at, copies`` (1 or more)``, author,
        title, content_hash, nearest_7, nearest_30`` (highest cosine with an earlier story of 7
        and of 30 days; NaN where there is none, or none was looked for)``, domain`` (of the
        page, see :func:`domains`)``, published_at, date_source``, by ``effective_at``. A story
        without a labelled original is left out. ``copies`` grows as copies come: what was out
        by a session's close, :meth:`copies` tells.
        """
        frame = self.query(
            "SELECT d.id AS document_id, d.source_id, s.weight, d.effective_at,"
            " 1 + coalesce(c.n, 0) AS copies, d.author, d.title, d.content_hash, d.published_at,"
            " d.date_source, n.nearest_7, n.nearest_30,"
            " coalesce(d.canonical_url, d.url) AS url"
            " FROM documents d JOIN sources s ON s.id = d.source_id"
            " JOIN taggings t ON t.document_id = d.id AND t.outcome = 'tagged'"
            " LEFT JOIN (SELECT duplicate_of, count(*) AS n FROM documents"
            "   WHERE duplicate_of IS NOT NULL AND effective_at >= ?"
            "   GROUP BY duplicate_of) c ON c.duplicate_of = d.id"
            " LEFT JOIN novelty n ON n.document_id = d.id AND n.model = t.model"
            " WHERE d.duplicate_of IS NULL AND d.effective_at >= ?"
            " ORDER BY d.effective_at, d.id",
            [_from(since), _from(since)],
        )
        frame["domain"] = domains(frame.pop("url"))
        return frame.astype({"nearest_7": float, "nearest_30": float})

    def rates(self) -> "pd.DataFrame":
        """Return how often the newest tagging's model errs, one row per narrative.

        Columns: ``narrative_id, positives, true_positives, negatives, false_positives``, counted
        on English passages of the development split; a narrative without a trained head has
        none. They are of passages: a story of several shows a narrative more easily.
        """
        return self.query(
            "SELECT r.narrative_id, r.positives, r.true_positives, r.negatives, r.false_positives"
            " FROM rates r"
            " JOIN (SELECT model, taxonomy FROM taggings ORDER BY rowid DESC LIMIT 1) t"
            " ON t.model = r.model AND t.taxonomy = r.taxonomy"
            " WHERE r.language = 'en' ORDER BY r.narrative_id"
        )

    def labels(self, *, since: datetime | None = None) -> "pd.DataFrame":
        """Return one row per story and narrative that it carries.

        Columns: ``document_id``, ``narrative_id``, ``probability`` (highest over the passages),
        ``stance`` (the probability-weighted majority, in which causal claims weigh more),
        ``causal`` (any passage claims a cause), ``effective_at``, ``source_id``, ``weight``.
        """
        frame = self.query(
            "WITH votes AS (SELECT document_id, narrative_id, stance,"
            "   sum(probability * stance_probability * iif(is_causal_claim, ?, 1.0)) AS vote"
            "   FROM labels WHERE document_id IN"
            "     (SELECT id FROM documents WHERE effective_at >= ? AND duplicate_of IS NULL)"
            "   GROUP BY document_id, narrative_id, stance),"
            " best AS (SELECT *, row_number() OVER (PARTITION BY document_id, narrative_id"
            "   ORDER BY vote DESC, stance) AS nth FROM votes)"
            " SELECT l.document_id, l.narrative_id, max(l.probability) AS probability,"
            " b.stance, max(l.is_causal_claim) AS causal, d.effective_at, d.source_id, s.weight"
            " FROM labels l"
            " JOIN best b ON b.document_id = l.document_id"
            "   AND b.narrative_id = l.narrative_id AND b.nth = 1"
            " JOIN documents d ON d.id = l.document_id AND d.duplicate_of IS NULL"
            " JOIN sources s ON s.id = d.source_id"
            " GROUP BY l.document_id, l.narrative_id ORDER BY d.effective_at, l.document_id,"
            " l.narrative_id",
            [CAUSAL_WEIGHT, _from(since)],
        )
        frame["causal"] = frame["causal"].astype(bool)
        return frame

    def collected(self, *, since: datetime | None = None) -> "pd.DataFrame":
        """Return ``source_id, effective_at`` of every document, labelled or not."""
        return self.query(
            "SELECT source_id, effective_at FROM documents WHERE effective_at >= ?"
            " ORDER BY effective_at, source_id",
            [_from(since)],
        )

    def stamps(self, *, since: datetime | None = None) -> "pd.DataFrame":
        """Return every document with its stamps, copies too, sorted by ``effective_at``.

        Columns: ``document_id, source_id, title, published_at, first_seen_at, effective_at,
        duplicate_of``.
        """
        return self.query(
            "SELECT id AS document_id, source_id, title, published_at, first_seen_at,"
            " effective_at, duplicate_of FROM documents WHERE effective_at >= ?"
            " ORDER BY effective_at, id",
            [_from(since)],
        )

    def mentions(self, *, since: datetime | None = None) -> "pd.DataFrame":
        """Return ``document_id, asset_id, text`` of every configured asset that is named."""
        return self.query(
            "SELECT document_id, asset_id, text FROM entities WHERE asset_id IS NOT NULL"
            " AND document_id IN (SELECT id FROM documents WHERE effective_at >= ?)"
            " ORDER BY document_id, asset_id, text",
            [_from(since)],
        )

    def copies(self, *, since: datetime | None = None) -> "pd.DataFrame":
        """Return ``document_id`` of the story and ``effective_at`` of each of its copies."""
        return self.query(
            "SELECT duplicate_of AS document_id, effective_at FROM documents"
            " WHERE duplicate_of IS NOT NULL AND effective_at >= ? ORDER BY effective_at, id",
            [_from(since)],
        )

    def fetch_log(self, *, since: datetime | None = None) -> "pd.DataFrame":
        """Return ``source_id, fetched_at, outcome`` of every request."""
        return self.query(
            "SELECT source_id, fetched_at, outcome FROM fetches WHERE fetched_at >= ?"
            " ORDER BY fetched_at",
            [_from(since)],
        )

    def bulk_files(self, *, since: datetime | None = None) -> "pd.DataFrame":
        """Return how many quarter-hour files each run got from each source that has them.

        Columns: ``source_id, fetched_at, got``; a run that asked and got none is a row.
        """
        return self.query(
            "SELECT f.source_id, max(f.fetched_at) AS fetched_at,"
            " sum(f.outcome = 'ok' AND f.url LIKE '%.gkg.csv.zip') AS got"
            " FROM fetches f JOIN sources s ON s.id = f.source_id AND s.kind = 'gdelt'"
            " WHERE f.fetched_at >= ?"
            " GROUP BY f.source_id, f.run_id ORDER BY fetched_at, f.source_id",
            [_from(since)],
        )

    def intensity(self) -> "pd.DataFrame":
        """Return the view ``intensity_latest``, sorted by narrative and day."""
        return self.query(
            "SELECT narrative_id, day, stories, effective_n, share, share_low, share_high, zscore,"
            " innovation, favor, against, neutral, net_stance, disagreement, novelty, reach,"
            " share_corrected, corrected_low, corrected_high, correction, zscore_ewma,"
            " share_linked, novelty_30, innovation_novel, innovation_repeat, burst,"
            " seen_at FROM intensity_latest ORDER BY narrative_id, day"
        )

    def confirmations(self) -> "pd.DataFrame":
        """Return every cell named beforehand, failures included, the oldest first.

        Columns as in the table; ``named_at`` and ``closes_on`` are session dates.
        """
        return self.query(
            "SELECT * FROM confirmations ORDER BY named_at, narrative_id, asset_id, lag"
        )

    def survival(self) -> "pd.DataFrame":
        """Return one row per ``named_by``: ``named, open, confirmed, not_confirmed, survival``.

        ``survival`` is the share of the closed cells that were confirmed; NaN before the first.
        """
        return self.query(
            f"SELECT named_by, {SURVIVAL} FROM confirmations GROUP BY named_by ORDER BY named_by"
        )

    def quotes(
        self, narrative_ids: Sequence[str], start: datetime, end: datetime
    ) -> "pd.DataFrame":
        """Return labelled passages of the stories that count from ``start`` until ``end``.

        Columns: ``narrative_id, document_id, url, published_at, effective_at, source_id,
        stance, probability, stance_probability, causal, text, title``; ``start`` included,
        ``end`` not.
        """
        marks = ", ".join("?" * len(narrative_ids))
        # The view would go through all labels of the narratives, of all years; CROSS JOIN keeps
        # the planner to the documents of the window, and the sign to those documents' labels.
        frame = self.query(
            "SELECT l.narrative_id, l.document_id, d.url, d.published_at, d.effective_at,"
            " d.source_id, l.stance, l.probability, l.stance_probability,"
            " l.is_causal_claim AS causal, p.text, d.title"
            " FROM documents d CROSS JOIN labels l ON l.document_id = d.id"
            " CROSS JOIN passages p ON p.id = l.passage_id"
            f" WHERE +l.narrative_id IN ({marks}) AND d.effective_at >= ? AND d.effective_at < ?"
            " AND d.duplicate_of IS NULL ORDER BY d.effective_at, d.id, p.position, l.narrative_id",
            [*narrative_ids, to_text(start), to_text(end)],
        )
        frame["causal"] = frame["causal"].astype(bool)
        return frame


def _from(since: datetime | None) -> str:
    """Return the text from which instants count; before all of them without one."""
    return "" if since is None else to_text(since)


def domains(urls: "pd.Series") -> "pd.Series":
    """Return the domain that somebody registered for each address; missing without one.

    Subdomains are free for whoever owns a domain, so they do not count apart. Which suffixes
    are public is a list of thousands; the usual second labels of countries stand for it here.
    """
    hosts = urls.astype("string").str.lower().str.extract(_HOST, expand=False).str.rstrip(".")
    is_number = hosts.str.fullmatch(r"[\d.]+")
    return hosts.str.extract(_OWNER, expand=False).where(~is_number.fillna(False), hosts)
