"""The queries behind the pages on sources: health, requests, failures, share of the stories."""

from store.rows import STORY, Connection, Row, escape_like, first, kept_rows, rows


class Outlets:
    """Queries on ``sources``, ``fetches`` and ``failures``."""

    def __init__(self, db: Connection) -> None:
        self._db = db

    def source(self, source_id: str) -> Row | None:
        """Return one source with its health, or None."""
        return first(
            self._db,
            "SELECT s.id, s.name, s.kind, s.url, s.current_url, s.weight, s.language, s.status,"
            " s.next_due_at, s.last_ok_at, s.first_error_at, s.errors, s.token_env,"
            " (SELECT count(*) FROM documents d WHERE d.source_id = s.id) AS documents,"
            " (SELECT min(d.effective_at) FROM documents d WHERE d.source_id = s.id) AS oldest,"
            " (SELECT max(d.effective_at) FROM documents d WHERE d.source_id = s.id) AS newest"
            " FROM sources s WHERE s.id = ?",
            [source_id],
        )

    def health(self) -> list[Row]:
        """Return the sources, those in trouble first."""
        return kept_rows(
            self._db,
            "SELECT id, name, kind, status, last_ok_at, errors FROM sources"
            " ORDER BY status = 'active', errors DESC, id",
        )

    def fetches(self, source_id: str, limit: int = 20) -> list[Row]:
        """Return the last requests to a source."""
        return rows(
            self._db,
            "SELECT fetched_at, outcome, http_status, bytes, seconds, url, run_id FROM fetches"
            " WHERE source_id = ? ORDER BY fetched_at DESC, url LIMIT ?",
            [source_id, limit],
        )

    def failures(self, source_id: str, limit: int = 20) -> list[Row]:
        """Return the last failures of a source: its own, and those of addresses it led to."""
        return rows(
            self._db,
            "SELECT f.failed_at, f.stage, f.item, f.kind, f.message, f.advice, f.run_id"
            " FROM failures f WHERE f.item = ? OR f.item LIKE ? ESCAPE '\\'"
            " OR f.item IN (SELECT url FROM fetches WHERE source_id = ?)"
            # Failures are far fewer than the documents of a source: each is looked up.
            " OR EXISTS (SELECT 1 FROM documents d WHERE d.id = f.item AND d.source_id = ?)"
            " ORDER BY f.failed_at DESC, f.item LIMIT ?",
            [source_id, f"{escape_like(source_id)}:%", source_id, source_id, limit],
        )

    def share(self, source_id: str, window: tuple[str, str]) -> Row:
        """Return a source's stories in a window beside those of all sources."""
        counted = (
            "SELECT count(*) FROM documents WHERE duplicate_of IS NULL AND effective_at >= ?"
            " AND effective_at < ?"
        )
        return rows(
            self._db,
            f"SELECT ({counted} AND source_id = ?) AS stories, ({counted}) AS all_stories,"
            " (SELECT count(*) FROM documents WHERE duplicate_of IS NOT NULL"
            "  AND effective_at >= ? AND effective_at < ? AND source_id = ?) AS copies",
            [*window, source_id, *window, *window, source_id],
        )[0]

    def carried_by(self, source_id: str, window: tuple[str, str]) -> list[Row]:
        """Return the narratives that a source carried in a window, with passages by stance."""
        return rows(
            self._db,
            "SELECT l.narrative_id AS id, n.name, count(DISTINCT l.document_id) AS stories,"
            " sum(l.stance = 'favor') AS favor, sum(l.stance = 'against') AS against,"
            " sum(l.stance = 'none') AS none FROM documents d"
            " CROSS JOIN labels l ON l.document_id = d.id"
            " JOIN narratives n ON n.id = l.narrative_id"
            " WHERE d.source_id = ? AND d.effective_at >= ? AND d.effective_at < ?"
            " AND d.duplicate_of IS NULL GROUP BY l.narrative_id ORDER BY stories DESC, n.rowid",
            [source_id, *window],
        )

    def newest_of(self, source_id: str, limit: int = 15) -> list[Row]:
        """Return the newest documents of a source."""
        return rows(
            self._db,
            f"SELECT {STORY}, d.duplicate_of, d.is_partial FROM documents d"
            " JOIN sources s ON s.id = d.source_id WHERE d.source_id = ?"
            " ORDER BY d.effective_at DESC, d.id LIMIT ?",
            [source_id, limit],
        )

    def lag(self, source_id: str, window: tuple[str, str]) -> Row:
        """Return the hours from publication to the crawl that saw it: median, ninth tenth.

        ``n`` counts the documents that say when they were published; what was imported as an
        archive has no lag of its own, since it was never crawled.
        """
        return rows(
            self._db,
            "WITH lags AS (SELECT (julianday(first_seen_at) - julianday(published_at)) * 24 AS h"
            " FROM documents WHERE source_id = ? AND effective_at >= ? AND effective_at < ?"
            " AND published_at IS NOT NULL AND first_seen_at > published_at),"
            " placed AS (SELECT h, row_number() OVER (ORDER BY h) AS nth, count(*) OVER () AS n"
            " FROM lags) SELECT coalesce(max(n), 0) AS n,"
            " min(CASE WHEN 2 * nth >= n THEN h END) AS median,"
            " min(CASE WHEN 10 * nth >= 9 * n THEN h END) AS p90 FROM placed",
            [source_id, *window],
        )[0]
