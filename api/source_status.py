"""How each source fares: how far behind, how often in vain, and what a person can do about it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args

from store.instants import optional_instant

if TYPE_CHECKING:
    from store import Store

# In the order in which they need a hand.
Trouble = Literal["needs_key", "gone", "failing", "overdue", "never asked", "silent", "paused"]
_ORDER: tuple[str, ...] = get_args(Trouble)
# What counts as an answer; any other outcome is a failure.
_ANSWERS = frozenset({"ok", "not_modified", "unchanged"})
OVERDUE_AFTER = timedelta(days=2)
SILENT_AFTER = timedelta(days=21)
_STANDING = {
    "overdue": "it left the settings, or the nightly run has stopped: check the schedule",
    "never asked": "the next crawl asks it, unless it left the settings",
    "silent": "it answers but brings nothing new: look at it in a browser, or remove it",
    "paused": "its host asked for a pause, which is kept; nothing is to be done",
}


def source_rows(store: "Store", now: datetime) -> list[dict[str, Any]]:
    """Return the health of every source, those that need a hand first.

    Beside the columns of the view ``source_health``: ``document_lag_s`` and ``success_lag_s``
    (seconds since the newest document and since the last answer; None when there was none),
    ``asked`` and ``failed`` (of the last times that it was asked), ``failure_share``, ``trouble``
    and ``advice`` (None when all is well).
    """
    outcomes = store.fetches.recent()
    failures = store.runs.last_of_sources()
    tokens = {source.id: source.token_env for source in store.sources.all()}
    rows = []
    for row in store.sources.health():
        recent = outcomes.get(row["id"], [])
        failed = sum(outcome not in _ANSWERS for outcome in recent)
        trouble = _trouble(row, now)
        rows.append(
            {
                **row,
                "document_lag_s": _lag_s(row["newest"], now),
                "success_lag_s": _lag_s(row["last_ok_at"], now),
                "asked": len(recent),
                "failed": failed,
                "failure_share": round(failed / len(recent), 3) if recent else None,
                "trouble": trouble,
                "advice": trouble
                and _advice(row, trouble, failures.get(row["id"]), tokens[row["id"]], store.path),
            }
        )
    return sorted(rows, key=_need)


def _need(row: Mapping[str, Any]) -> tuple[int, float, str]:
    place = _ORDER.index(row["trouble"]) if row["trouble"] else len(_ORDER)
    return place, -(row["failure_share"] or 0.0), row["id"]


def _lag_s(stamp: str | None, now: datetime) -> int | None:
    instant = optional_instant(stamp)
    return None if instant is None else int((now - instant).total_seconds())


def _trouble(row: Mapping[str, Any], now: datetime) -> Trouble | None:
    """Return what is wrong with a source, the most pressing when it is several things."""
    if row["kind"] == "import":
        return None  # an archive is not asked
    if row["status"] != "active":
        stated: Trouble = row["status"]
        return stated
    if row["errors"]:
        return "failing"
    due = optional_instant(row["next_due_at"])
    if row["last_ok_at"] is None:
        return "never asked"
    if due is not None and now - due > OVERDUE_AFTER:
        return "overdue"
    lag_s = _lag_s(row["newest"], now)
    is_silent = lag_s is None or lag_s > SILENT_AFTER.total_seconds()
    return "silent" if is_silent else None


def _advice(
    row: Mapping[str, Any],
    trouble: Trouble,
    failure: Mapping[str, Any] | None,
    token_env: str | None,
    database: object,
) -> str:
    """Return what to do: of the last failure where there is one to mend, else what stands below."""
    if trouble == "needs_key" and token_env:
        return f"set the environment variable {token_env}"
    if trouble == "gone":
        return f"{_of(failure)}; 'tapestory sources revive {database} {row['id']}' asks again"
    return _STANDING[trouble] if trouble in _STANDING else _of(failure)


def _of(failure: Mapping[str, Any] | None) -> str:
    """Return the advice of the last failure, which stands with the failure itself."""
    return str(failure["advice"]) if failure else "ask it with 'tapestory crawl --all' to see why"


def source_summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how many sources there are, how many are well, and the troubles by kind."""
    troubles = Counter(row["trouble"] for row in rows if row["trouble"])
    return {
        "sources": len(rows),
        "well": len(rows) - troubles.total(),
        "troubles": {name: troubles[name] for name in _ORDER if name in troubles},
    }


def source_lines(summary: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the sources as lines for a person; advice that repeats is said once."""
    troubles = ", ".join(f"{count} {name}" for name, count in summary["troubles"].items())
    yield f"sources: {summary['sources']}, {summary['well']} well" + (
        f"; {troubles}" if troubles else ""
    )
    said = None
    for row in rows:
        if row["advice"] and row["advice"] != said:
            yield f"  {row['trouble']}: {row['advice']}"
        said = row["advice"]
        yield f"    {row['id']:28} {_facts(row)}"


def _facts(row: Mapping[str, Any]) -> str:
    facts = [
        f"{row['documents']:,} documents",
        f"newest {_ago(row['document_lag_s'])}",
        f"answered {_ago(row['success_lag_s'])}",
    ]
    if row["failed"]:
        facts.append(f"failed {row['failed']} of the last {row['asked']} times")
    if row["last_outcome"] and row["last_outcome"] not in _ANSWERS:
        facts.append(f"last {row['last_outcome']}")
    if row["next_due_at"]:
        facts.append(f"due {row['next_due_at'][:16].replace('T', ' ')}")
    return ", ".join(facts)


def _ago(seconds: int | None) -> str:
    if seconds is None:
        return "never"
    # An instant of the future is one that a source states: to a person it is now.
    hours = max(seconds, 0) // 3600
    return f"{hours // 24} d ago" if hours >= 48 else f"{hours} h ago"
