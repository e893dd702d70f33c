"""What an operator asks: is the installation sound, and what happened last."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.config import Settings
from api.source_status import source_lines, source_rows, source_summary
from api.wording import counted
from store.errors import TapestoryError

if TYPE_CHECKING:
    from store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was checked; ``advice`` says what to do about it."""

    what: str
    ok: bool
    found: str
    advice: str = ""


def checks(database: Path | None, settings: Settings) -> Iterator[Finding]:
    """Yield what was found of the installation, the settings, the models and the database."""
    yield Finding(what="tapestory", ok=True, found=version("tapestory"))
    yield Finding(
        what="python",
        ok=sys.version_info >= (3, 11),
        found=sys.version.split()[0],
        advice="" if sys.version_info >= (3, 11) else "install Python 3.11 or newer",
    )
    yield _check_fence(settings)
    yield from _check_cost(settings)
    yield from _check_models()
    if database is not None:
        yield from _check_database(database)


def _check_fence(settings: Settings) -> Finding:
    """Return which networks besides the public one the crawler may reach."""
    allowed = settings.allow_addresses
    if not allowed:
        found = "allow_addresses = []: only public addresses are asked, on ports 80 and 443"
        return Finding(what="address guard", ok=True, found=found)
    return Finding(
        what="address guard",
        ok=True,
        found=f"WARNING: allow_addresses = {json.dumps(list(allowed))} in {settings.origin}",
        advice="every feed and link may reach these networks, on any port; empty the list under"
        " [crawler] unless a server of yours is crawled there",
    )


def _check_cost(settings: Settings) -> Iterator[Finding]:
    """Say what the sources that are paid for can cost, before they cost it."""
    from crawler.social import x

    paid = [source.id for source in settings.sources if source.kind == "x"]
    if paid:
        posts = x.MAX_PAGES * x.PAGE * len(paid)
        yield Finding(
            what="paid sources",
            ok=True,
            found=f"{', '.join(paid)}: at most {posts} posts of X a run,"
            f" ${posts * x.PRICE:.2f} at ${x.PRICE} each",
            advice="look at X's present price; remove a source of kind 'x' to stop paying for it",
        )


def _check_models() -> Iterator[Finding]:
    from nlp.models import ModelSettings, load_models

    try:
        models = load_models(ModelSettings())
        models.check()
    except TapestoryError as error:
        yield Finding(what="models", ok=False, found=str(error), advice="run 'make setup' again")
        return
    found = f"{models.model_id} on {models.device}, labels {', '.join(sorted(models.languages))}"
    yield Finding(what="models", ok=True, found=found)


def _check_database(path: Path) -> Iterator[Finding]:
    from store import Store

    try:
        with Store.open(path) as store:
            complaints = store.check()
            suspects = [one for one in store.stamp_checks.all() if one.flagged]
    except TapestoryError as error:
        yield Finding(what=str(path), ok=False, found=str(error))
        return
    advice = "restore the newest good back-up with 'tapestory restore'" if complaints else ""
    found = "; ".join(complaints[:3]) or "integrity, foreign keys and search are sound"
    yield Finding(what=str(path), ok=not complaints, found=found, advice=advice)
    for one in suspects:
        yield Finding(
            what="time stamps",
            ok=True,
            found=f"WARNING: {one.source_id or 'all sources'}, {one.check}",
            advice=one.message,
        )


def status_document(store: "Store", now: datetime) -> dict[str, Any]:
    """Return counts, sources, failures and last runs as plain values."""
    sources = source_rows(store, now)
    runs = [
        {
            key: json.loads(row[key]) if key == "counts" else row[key]
            for key in ("id", "stage", "started_at", "finished_at", "status", "code", "counts")
        }
        for row in store.runs.latest()
    ]
    return {
        "database": str(store.path),
        "counts": store.counts(),
        "runs": runs,
        "summary": source_summary(sources),
        "sources": sources,
        "failures": store.runs.failures(limit=20),
        "untagged": store.labels.untagged(),
        "deliveries": store.alerts.outstanding(),
        "stamps": [
            {"source": one.source_id, "check": one.check, "message": one.message}
            for one in store.stamp_checks.all()
            if one.flagged
        ],
    }


def status_lines(document: dict[str, Any]) -> Iterator[str]:
    """Yield the status as lines for a person."""
    yield document["database"]
    yield "  " + ", ".join(f"{count:,} {name}" for name, count in document["counts"].items())
    yield "last runs"
    for run in document["runs"]:
        yield f"  {run['stage']:8} {run['started_at']}  {run['status']}"
    yield from source_lines(document["summary"], document["sources"])
    for language, count in document["untagged"].items():
        yield f"  {count:,} documents in {language!r} are stored and searchable but not labelled"
    out = document["deliveries"]
    if out["waiting"] or out["given_up"]:
        yield (
            f"  alerts: {counted(out['waiting'], 'delivery', 'deliveries')} waiting"
            f" ({out['failing']} failed before),"
            f" {out['given_up']} given up: 'tapestory alerts DB --send' sends what waits"
        )
    for one in document["stamps"]:
        yield f"  stamps of {one['source'] or 'all sources'}, {one['check']}: {one['message']}"
    if document["failures"]:
        yield "latest failures"
    for failure in document["failures"]:
        yield f"  {failure['failed_at']} {failure['stage']} {failure['item']}: {failure['message']}"
        yield f"    {failure['advice']}"
