"""The tables ``alerts``, ``alert_findings`` and ``deliveries``."""

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlite_utils import Database

from store.instants import from_text, optional_instant, optional_text, to_text
from store.records import Alert, AlertFinding, Delivery, Outlet
from store.results import document_of
from store.rows import Connection, Row, rows

_COLUMNS = (
    "id, subject, title, severity, peak, first_day, last_day, raised_at, updated_at, version,"
    " versioned_at, sent_severity, sent_peak, earlier_id"
)
_REWRITTEN = (
    "title, severity, peak, last_day, updated_at, version, versioned_at, sent_severity, sent_peak"
)
# Stories of one subject that a late finding can still belong to.
_LAST = 3


class Alerts:
    """Queries on alerts; the reading ones work on a bare connection, too.

    Parameters
    ----------
    db : Database or Connection
        Only written to by ``save``, ``enqueue`` and ``note``.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    # -- stories --------------------------------------------------------------------

    def latest(self) -> list[Alert]:
        """Return the last alerts of each subject with the findings that they hold."""
        heads = rows(
            self._db,
            f"SELECT {_COLUMNS} FROM (SELECT *, row_number() OVER (PARTITION BY subject"
            " ORDER BY last_day DESC, id DESC) AS nth FROM alerts) WHERE nth <= ?"
            " ORDER BY first_day, id",
            [_LAST],
        )
        known: dict[str, set[tuple[str, date]]] = {}
        for row in rows(
            self._db,
            f"SELECT alert_id, rule_id, day FROM alert_findings WHERE alert_id IN"
            f" ({', '.join('?' * len(heads))})",
            [head["id"] for head in heads],
        ):
            key = (row["rule_id"], date.fromisoformat(row["day"]))
            known.setdefault(row["alert_id"], set()).add(key)
        return [_alert(head, frozenset(known.get(head["id"], ()))) for head in heads]

    def save(
        self, alert: Alert, findings: Sequence[AlertFinding], *, now: datetime, run_id: str
    ) -> None:
        """Write an alert, or rewrite it in place, and append its new findings.

        Call it inside a transaction. A finding that is there already stays as it was seen.
        """
        values = document_of(alert)
        columns = _COLUMNS.split(", ")
        changed = ", ".join(f"{name} = excluded.{name}" for name in _REWRITTEN.split(", "))
        self._db.execute(
            f"INSERT INTO alerts ({_COLUMNS}, run_id) VALUES"
            f" ({', '.join('?' * (len(columns) + 1))}) ON CONFLICT (id) DO UPDATE SET {changed}",
            [*(values[name] for name in columns), run_id],
        )
        for one in findings:
            found = document_of(one)
            evidence = {name: found[name] for name in ("numbers", "rows", "quotes")}
            self._db.execute(
                "INSERT INTO alert_findings (alert_id, day, rule_id, rule, severity, peak, title,"
                " statement, path, evidence, found_at, run_id)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [
                    alert.id,
                    *(found[name] for name in ("day", "rule_id", "rule", "severity", "peak")),
                    *(found[name] for name in ("title", "statement", "path")),
                    json.dumps(evidence, ensure_ascii=False),
                    to_text(now),
                    run_id,
                ],
            )

    def listed(
        self, *, since: str = "", ids: Collection[str] | None = None, limit: int = 100
    ) -> list[Row]:
        """Return alerts with their findings as JSON values, the newest first.

        Parameters
        ----------
        since : str
            ISO date; alerts without a finding from then on are left out.
        ids : collection of str, optional
            Only these.
        """
        if not self._is_there():
            return []
        only = "" if ids is None else f" AND id IN ({', '.join('?' * len(ids))})"
        heads = rows(
            self._db,
            f"SELECT {_COLUMNS} FROM alerts WHERE last_day >= ?{only}"
            " ORDER BY updated_at DESC, last_day DESC, severity DESC, id LIMIT ?",
            [since, *(ids or ()), limit],
        )
        found: dict[str, list[Row]] = {head["id"]: [] for head in heads}
        for row in rows(
            self._db,
            "SELECT alert_id, day, rule_id, rule, severity, peak, title, statement, path,"
            f" evidence, found_at FROM alert_findings WHERE alert_id IN"
            f" ({', '.join('?' * len(heads))}) ORDER BY day, severity DESC, rule_id",
            list(found),
        ):
            evidence = json.loads(row.pop("evidence"))
            found[row.pop("alert_id")].append({**row, **evidence})
        later = self._followed_by(list(found))
        return [
            {**head, "later_id": later.get(head["id"]), "findings": found[head["id"]]}
            for head in heads
        ]

    def _followed_by(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the alert that names each as the earlier one, by the id of the earlier."""
        marks = ", ".join("?" * len(ids))
        sql = f"SELECT earlier_id, id FROM alerts WHERE earlier_id IN ({marks})"
        return {row["earlier_id"]: row["id"] for row in rows(self._db, sql, ids)}

    def _is_there(self) -> bool:
        """Return whether the file knows alerts: an older snapshot does not."""
        sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'alerts'"
        return bool(rows(self._db, sql))

    # -- deliveries -----------------------------------------------------------------

    def channels_of(self, alert_id: str) -> set[str]:
        """Return the channels that an alert was given to."""
        sql = "SELECT DISTINCT channel FROM deliveries WHERE alert_id = ?"
        return {row["channel"] for row in rows(self._db, sql, [alert_id])}

    def enqueue(self, alert_id: str, channels: Collection[str], version: int) -> None:
        """Have a version sent; what still waits of earlier versions need not be sent any more.

        Call it inside a transaction.
        """
        for channel in sorted(channels):
            self._db.execute(
                "UPDATE deliveries SET state = 'superseded' WHERE alert_id = ? AND channel = ?"
                " AND version < ? AND state = 'waiting'",
                [alert_id, channel, version],
            )
            self._db.execute(
                "INSERT INTO deliveries (alert_id, channel, version, state, attempts)"
                " VALUES (?, ?, ?, 'waiting', 0) ON CONFLICT DO NOTHING",
                [alert_id, channel, version],
            )

    def waiting(self) -> list[Delivery]:
        """Return what is to be sent, the oldest alert first."""
        found = rows(
            self._db,
            "SELECT d.alert_id, d.channel, d.version, d.state, d.attempts, d.tried_at, d.error"
            " FROM deliveries d JOIN alerts a ON a.id = d.alert_id WHERE d.state = 'waiting'"
            " ORDER BY a.raised_at, d.alert_id, d.channel, d.version",
        )
        return [Delivery(**{**row, "tried_at": optional_instant(row["tried_at"])}) for row in found]

    def note(self, delivery: Delivery) -> None:
        """Write what became of an attempt."""
        self._db.execute(
            "UPDATE deliveries SET state = ?, attempts = ?, tried_at = ?, error = ?"
            " WHERE alert_id = ? AND channel = ? AND version = ?",
            [
                delivery.state,
                delivery.attempts,
                optional_text(delivery.tried_at),
                delivery.error,
                delivery.alert_id,
                delivery.channel,
                delivery.version,
            ],
        )

    def sent_to(self, channel: str, limit: int) -> set[str]:
        """Return the newest alerts that a channel has had."""
        found = rows(
            self._db,
            "SELECT DISTINCT d.alert_id, a.updated_at FROM deliveries d"
            " JOIN alerts a ON a.id = d.alert_id WHERE d.channel = ? AND d.state = 'sent'"
            " ORDER BY a.updated_at DESC, d.alert_id LIMIT ?",
            [channel, limit],
        )
        return {row["alert_id"] for row in found}

    def outstanding(self) -> Row:
        """Return how many deliveries wait, failed at least once, and were given up."""
        if not self._is_there():
            return {"waiting": 0, "failing": 0, "given_up": 0}
        return rows(
            self._db,
            "SELECT coalesce(sum(state = 'waiting'), 0) AS waiting,"
            " coalesce(sum(state = 'waiting' AND attempts > 0), 0) AS failing,"
            " coalesce(sum(state = 'given up'), 0) AS given_up FROM deliveries",
        )[0]

    # -- what the rules look at ------------------------------------------------------

    def outlets_of(self, narrative_id: str, window: tuple[str, str]) -> int:
        """Return how many sources have a story of a window that carries a narrative."""
        found = rows(
            self._db,
            "SELECT count(DISTINCT d.source_id) AS n FROM documents d"
            " INDEXED BY documents_story_time CROSS JOIN labels l ON l.document_id = d.id"
            " WHERE d.effective_at >= ? AND d.effective_at < ? AND d.duplicate_of IS NULL"
            " AND l.narrative_id = ?",
            [*window, narrative_id],
        )
        return int(found[0]["n"])

    def naming(self, asset_id: str, window: tuple[str, str], limit: int) -> list[Row]:
        """Return passages of a window that name an asset, those spread widest first.

        Columns: ``document_id, url, published_at, quote``; one for each story, each wording
        once.
        """
        return rows(
            self._db,
            "SELECT document_id, url, published_at, quote FROM (SELECT d.id AS document_id, d.url,"
            " d.published_at, p.text AS quote, d.effective_at, (SELECT count(*) FROM documents c"
            " WHERE c.duplicate_of = d.id) AS copies, row_number() OVER (PARTITION BY d.id"
            " ORDER BY p.position) AS in_story, row_number() OVER (PARTITION BY p.text"
            " ORDER BY d.effective_at, d.id) AS in_words FROM documents d"
            " INDEXED BY documents_story_time CROSS JOIN entities e ON e.document_id = d.id"
            " JOIN passages p ON p.document_id = d.id AND instr(lower(p.text), lower(e.text)) > 0"
            " WHERE d.effective_at >= ? AND d.effective_at < ? AND d.duplicate_of IS NULL"
            " AND e.asset_id = ?) WHERE in_story = 1 AND in_words = 1"
            " ORDER BY copies DESC, effective_at DESC, document_id LIMIT ?",
            [*window, asset_id, limit],
        )

    def crawls(self, start: datetime, end: datetime) -> list[datetime]:
        """Return when crawls began between two instants, both included, ascending."""
        found = rows(
            self._db,
            "SELECT started_at FROM runs WHERE stage = 'crawl' AND started_at BETWEEN ? AND ?"
            " ORDER BY started_at",
            [to_text(start), to_text(end)],
        )
        return [from_text(row["started_at"]) for row in found]

    def outlets(self, ids: Collection[str], start: datetime, end: datetime) -> list[Outlet]:
        """Return the active ones of some sources with their arrivals between two instants."""
        found = rows(
            self._db,
            # The index holds all that is asked: no document is read.
            "SELECT s.id, s.name, d.effective_at AS at FROM sources s LEFT JOIN documents d"
            " ON d.source_id = s.id AND d.effective_at BETWEEN ? AND ?"
            " WHERE s.status = 'active' AND s.kind <> 'import'"
            " GROUP BY s.id, d.effective_at ORDER BY s.id, d.effective_at",
            [to_text(start), to_text(end)],
        )
        outlets: dict[str, Outlet] = {}
        for row in found:
            if row["id"] not in ids:
                continue
            one = outlets.setdefault(row["id"], Outlet(id=row["id"], name=row["name"], arrivals=()))
            if row["at"] is not None:
                arrivals = (*one.arrivals, from_text(row["at"]))
                outlets[row["id"]] = replace(one, arrivals=arrivals)
        return list(outlets.values())


def forget_alert_quotes(db: Database, document_id: str) -> None:
    """Take what alerts quote of a document out of them; all else in them stays.

    Call it inside the transaction that forgets the document.
    """
    holding = db.execute(
        "SELECT alert_id, day, rule_id, evidence FROM alert_findings WHERE instr(evidence, ?)",
        [document_id],
    ).fetchall()
    for alert_id, day, rule_id, text in holding:
        evidence = json.loads(text)
        kept = [one for one in evidence["quotes"] if one["document_id"] != document_id]
        db.execute(
            "UPDATE alert_findings SET evidence = ? WHERE alert_id = ? AND day = ? AND rule_id = ?",
            [json.dumps({**evidence, "quotes": kept}, ensure_ascii=False), alert_id, day, rule_id],
        )


def _alert(row: dict[str, Any], known: frozenset[tuple[str, date]]) -> Alert:
    days = {name: date.fromisoformat(row[name]) for name in ("first_day", "last_day")}
    instants = {name: from_text(row[name]) for name in ("raised_at", "updated_at", "versioned_at")}
    return Alert(**{**row, **days, **instants, "known": known})
