"""Sources with what is remembered of them, and the log of requests."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

from sqlite_utils import Database

from store.errors import StoreError
from store.instants import from_text, optional_instant, optional_text, to_text
from store.records import Fetch, Outcome, Source, SourceKind, SourceState

_STATE_COLUMNS = (
    "status, next_due_at, etag, last_modified, body_hash, current_url, redirect_to,"
    " redirect_count, errors, first_error_at, last_ok_at, cursor, hints"
)

# What is forgotten of a source that is revived, and what it starts from. How far its listing was
# read stays: else what was paid for is bought again, and what came since is skipped unseen.
_REVIVED = {
    "status": "'active'",
    "next_due_at": "NULL",
    "etag": "NULL",
    "last_modified": "NULL",
    "body_hash": "NULL",
    "current_url": "NULL",
    "redirect_to": "NULL",
    "redirect_count": "0",
    "errors": "0",
    "first_error_at": "NULL",
    "hints": "NULL",
}
# What is forgotten of a source that the settings make another listing.
_FORGOTTEN = _REVIVED | {
    # Where a listing was left is a place in that listing, and in no other.
    "cursor": "NULL",
    # What came until now came from another listing: that this one lacks it says nothing. By what
    # is stored and not by a clock, so that a run dated back does not mix the two.
    "listed_after": (
        "(SELECT max(d.first_seen_at) FROM documents d WHERE d.source_id = sources.id)"
    ),
}


class Sources:
    """Queries on ``sources``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def sync(self, sources: Sequence[Source]) -> int:
        """Write configured sources and keep what is remembered of them; one transaction.

        A source that left the settings stays, with its documents. Returns the number of rows
        that changed; the same settings twice change none.

        Raises
        ------
        StoreError
            When a source is of no known kind; nothing is written then.
        """
        changed = 0
        with self._db.atomic():
            for source in sources:
                if source.kind not in get_args(SourceKind):
                    raise StoreError(
                        f"source {source.id!r} is of kind {source.kind!r}: choose one of"
                        f" {', '.join(get_args(SourceKind))}"
                    )
                changed += self._db.execute(
                    "INSERT INTO sources (id, kind, name, url, weight, language, full_text,"
                    " token_env, handle) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, name = excluded.name,"
                    " url = excluded.url, weight = excluded.weight,"
                    " language = excluded.language, full_text = excluded.full_text,"
                    " token_env = excluded.token_env, handle = excluded.handle,"
                    # A new address is a new server: validators of the old one would let it
                    # answer "not modified" to what was never read. Another kind reads the same
                    # address in another way.
                    + "".join(
                        f" {name} = CASE WHEN (kind, url, handle) IS (excluded.kind,"
                        f" excluded.url, excluded.handle) THEN {name} ELSE {fresh} END,"
                        for name, fresh in _FORGOTTEN.items()
                    ).removesuffix(",")
                    + " WHERE (kind, name, url, weight, language, full_text, token_env, handle)"
                    " IS NOT (excluded.kind, excluded.name, excluded.url,"
                    " excluded.weight, excluded.language, excluded.full_text,"
                    " excluded.token_env, excluded.handle)",
                    [
                        source.id,
                        source.kind,
                        source.name or source.id,
                        source.url,
                        source.weight,
                        source.language,
                        int(source.full_text),
                        source.token_env,
                        source.handle,
                    ],
                ).rowcount
        return changed

    def all(self) -> list[Source]:
        """Return every source, by id."""
        return [
            Source(
                id=row["id"],
                kind=row["kind"],
                name=row["name"],
                url=row["url"],
                weight=row["weight"],
                language=row["language"],
                full_text=bool(row["full_text"]),
                token_env=row["token_env"],
                handle=row["handle"],
            )
            for row in self._db.query("SELECT * FROM sources ORDER BY id")
        ]

    def states(self) -> dict[str, SourceState]:
        """Return what is remembered, by source id; ``url`` is the learned one if there is one."""
        return {
            row["id"]: _state(row)
            for row in self._db.query(f"SELECT id, url, {_STATE_COLUMNS} FROM sources")
        }

    def save_state(self, state: SourceState) -> None:
        """Write what is remembered of a source; call it inside the source's transaction."""
        with self._db.atomic():
            self._db.execute(
                "UPDATE sources SET status = ?, next_due_at = ?, etag = ?, last_modified = ?,"
                " body_hash = ?, current_url = nullif(?, url), redirect_to = ?,"
                " redirect_count = ?, errors = ?, first_error_at = ?, last_ok_at = ?,"
                " cursor = ?, hints = ? WHERE id = ?",
                [
                    state.status,
                    optional_text(state.next_due_at),
                    state.etag,
                    state.last_modified,
                    state.body_hash,
                    state.url,
                    state.redirect_to,
                    state.redirect_count,
                    state.errors,
                    optional_text(state.first_error_at),
                    optional_text(state.last_ok_at),
                    state.cursor,
                    state.hints,
                    state.source_id,
                ],
            )

    def revive(self, source_id: str) -> bool:
        """Forget what went wrong with a source, so that it is due and asked in full.

        It is asked at its address in the settings. The only way back for a source that is
        ``gone``. What stays is when it last answered and how far it was read. Returns False,
        and changes nothing, when no source has this id.
        """
        fresh = ", ".join(f"{name} = {value}" for name, value in _REVIVED.items())
        with self._db.atomic():
            changed = self._db.execute(f"UPDATE sources SET {fresh} WHERE id = ?", [source_id])
        return changed.rowcount > 0

    def pauses(self, now: datetime) -> dict[str, datetime]:
        """Return the hosts that asked to be left alone, and until when."""
        return {
            row["host"]: from_text(row["until"])
            for row in self._db.query("SELECT * FROM host_pauses WHERE until > ?", [to_text(now)])
        }

    def save_pauses(self, pauses: Mapping[str, datetime]) -> None:
        """Write pauses that hosts asked for; the longer one stays."""
        with self._db.atomic():
            for host, until in sorted(pauses.items()):
                self._db.execute(
                    "INSERT INTO host_pauses (host, until) VALUES (?, ?) ON CONFLICT (host)"
                    " DO UPDATE SET until = excluded.until WHERE until < excluded.until",
                    [host, to_text(until)],
                )

    def health(self) -> list[dict[str, Any]]:
        """Return the view ``source_health``, sources in trouble first."""
        return list(
            self._db.query(
                "SELECT * FROM source_health ORDER BY status = 'active', errors DESC, id"
            )
        )


def _state(row: dict[str, Any]) -> SourceState:
    return SourceState(
        source_id=row["id"],
        url=row["current_url"] or row["url"],
        status=row["status"],
        next_due_at=optional_instant(row["next_due_at"]),
        etag=row["etag"],
        last_modified=row["last_modified"],
        body_hash=row["body_hash"],
        redirect_to=row["redirect_to"],
        redirect_count=row["redirect_count"],
        errors=row["errors"],
        first_error_at=optional_instant(row["first_error_at"]),
        last_ok_at=optional_instant(row["last_ok_at"]),
        cursor=row["cursor"],
        hints=row["hints"],
    )


class Fetches:
    """Queries on ``fetches``."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, fetch: Fetch, run_id: str) -> None:
        """Record a request; the last one to an address counts within a run."""
        with self._db.atomic():
            self._db.execute(
                "INSERT OR REPLACE INTO fetches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    run_id,
                    fetch.source_id,
                    fetch.url,
                    fetch.outcome,
                    fetch.http_status,
                    fetch.bytes,
                    fetch.seconds,
                    fetch.etag,
                    fetch.last_modified,
                    fetch.body_hash,
                    to_text(fetch.fetched_at),
                ],
            )

    def recent(self, last: int = 10, *, runs: int = 30) -> dict[str, list[Outcome]]:
        """Return how each source answered when it was asked last, newest first.

        Parameters
        ----------
        last : int
            Outcomes of one source at most.
        runs : int
            Crawls looked at: what was asked before them is history.

        Notes
        -----
        Pages behind a feed are logged under its source, too; the feed's own row is the last of
        a run.
        """
        found: dict[str, list[Outcome]] = {}
        for row in self._db.query(
            "WITH own AS (SELECT max(rowid) AS last FROM fetches WHERE run_id IN (SELECT id FROM"
            " runs WHERE stage = 'crawl' ORDER BY started_at DESC, id DESC LIMIT ?)"
            " GROUP BY run_id, source_id), ranked AS (SELECT f.source_id, f.outcome,"
            " row_number() OVER (PARTITION BY f.source_id ORDER BY f.fetched_at DESC, f.rowid DESC)"
            " AS nth FROM own JOIN fetches f ON f.rowid = own.last)"
            " SELECT source_id, outcome FROM ranked WHERE nth <= ? ORDER BY source_id, nth",
            [runs, last],
        ):
            found.setdefault(row["source_id"], []).append(row["outcome"])
        return found
