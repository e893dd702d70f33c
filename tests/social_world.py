"""What the tests of single platforms share: a night at a local server, and what it left."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from crawler.run import crawl
from store import Store
from store.records import Source
from tests.server import Answer, Handler, LocalServer
from tests.stored import known

NOW = datetime(2026, 1, 30, 21, tzinfo=UTC)
NIGHT = timedelta(days=1)
RECORDED = Path(__file__).parents[1].parent / "shared" / "data" / "api"
needs_recorded = pytest.mark.skipif(
    not RECORDED.exists(), reason="the recorded answers lie in ../shared, which is not here"
)


def as_json(value: object, status: int = 200, **headers: str) -> Answer:
    """Return an answer in JSON."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"} | named)


def asked_for(handler: Handler) -> dict[str, str]:
    """Return the query parameters of a request."""
    return {name: values[-1] for name, values in parse_qs(urlsplit(handler.path).query).items()}


def night(
    store: Store,
    source: Source,
    server: LocalServer,
    now: datetime = NOW,
    secrets: Mapping[str, str] | None = None,
) -> dict[str, int]:
    """Crawl one source and return the counts, with the number of failures."""
    report = crawl(
        store, [source], now=now, settings=server.settings(), only_due=False, secrets=secrets
    )
    return {**report.counts, "failures": report.failures}


def stored(store: Store, source_id: str) -> dict[str, str]:
    """Return title and text of a source's documents by entry key."""
    found = {}
    for key in known(store, source_id).values():
        document = store.documents.get(key.document_id)
        found[key.entry_key] = f"{document.title}|{document.text}"
    return found


def written(store: Store) -> str:
    """Return all that the database holds as one text, to look for what must not be in it."""
    return "\n".join(store.db.conn.iterdump())
