"""Hostile input 36 of docs/security.md: pages and report full of live payloads, in a browser.

Every text that was crawled, computed or configured is a payload here. The pages are visited as
they are served, and once more without their policy headers, so that it is the escaping alone
that is tested. A payload that runs asks for ``/beacon`` or opens a dialog.
"""

import asyncio
import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest

from api.browse.app import make_datasette
from api.report import build_report, render_html
from store import Store
from tests.browser import DESK, PHONE, addresses, served
from tests.sample_store import populated_store
from tests.sample_topics import fill_topics
from tests.server import Answer, serve

PAYLOAD = (
    "\"'><script>alert(1);fetch('/beacon')</script><img src=/beacon onerror=alert(2)>"
    "<svg onload=fetch('/beacon')></svg><a href=\"javascript:alert(3)\">x</a>{{ 6999*3 }}"
    "</title></textarea></style><iframe srcdoc=\"<script>parent.fetch('/beacon')</script>\">"
    "<link rel=stylesheet href=/beacon><meta http-equiv=refresh content='0;url=/beacon'>"
)
SCRIPT_ADDRESS = "javascript:alert(4)//"
HTML = {"Content-Type": "text/html; charset=utf-8"}
# By table, the columns that hold text from outside, from a model or from settings.
COLUMNS = {
    "documents": "guid url canonical_url title text author language date_source content_hash",
    "passages": "text",
    "labels": "model taxonomy",
    "revisions": "title text",
    "entities": "text label",
    "sources": "name url current_url redirect_to handle language etag token_env cursor hints",
    "narratives": "name proposition",
    "assets": "name class calendar source etag",
    "taggings": "model taxonomy reason language",
    "failures": "item kind message advice",
    "fetches": "url etag last_modified body_hash",
    "episodes": "name label note",
    "explanations": "premise",
    "moves": "name",
    "alignments": "method",
    "runs": "settings models counts",
    "stamp_checks": "message",
    "topics": "label narrative_id",
    "drift_terms": "term",
}
# Of a stored explanation: what a reader sees as words, by the key that it has.
WORDS = ("premise", "quote", "url", "statement", "condition", "none_of_these", "name", "unit",
         "fired", "flags", "analog_statement")  # fmt: skip
KINDS = ("home", "narrative", "asset", "day", "document", "source", "topics", "topic", "search",
         "query", "table", "view", "row", "tables", "missing")  # fmt: skip


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory):
    """Return a database whose every text is a payload."""
    path = tmp_path_factory.mktemp("poisoned") / "t.db"
    populated_store(path)
    with Store.open(path) as store, store.transaction():
        fill_topics(store)
        _poison(store.db)
    return path


def _poison(db: Any) -> None:
    (document, title, text, at) = db.execute(
        "SELECT id, title, text, first_seen_at FROM documents WHERE id IN"
        " (SELECT document_id FROM labels) ORDER BY id LIMIT 1"
    ).fetchone()
    db.execute("INSERT INTO revisions VALUES (?, ?, ?, ?)", [document, at, title, text])
    for table, columns in COLUMNS.items():
        for column in columns.split():
            start = SCRIPT_ADDRESS if "url" in column else ""
            # Where values must differ, or be of a list, the row is left as it is.
            db.execute(f"UPDATE OR IGNORE {table} SET {column} = ?", [start + PAYLOAD])
    db.execute("UPDATE topics SET words = ?", [json.dumps([[PAYLOAD, 0.9]])])
    db.execute("UPDATE topic_weeks SET lacks = ?", [json.dumps([PAYLOAD])])
    for table, column in (("narratives", "keywords"), ("episodes", "sources")):
        db.execute(f"UPDATE {table} SET {column} = ?", [json.dumps([PAYLOAD])])
    db.execute('UPDATE passages SET start = 0, "end" = length(text)')
    db.execute("UPDATE documents SET text = ? || ' more'", [PAYLOAD])
    for day, stored in db.execute("SELECT date, document FROM explanations").fetchall():
        document = json.dumps(_words_replaced(json.loads(stored)))
        db.execute("UPDATE explanations SET document = ? WHERE date = ?", [document, day])


def _words_replaced(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _words_replaced(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_words_replaced(one, key) for one in value]
    if isinstance(value, str) and key in WORDS and value != "return":
        return (SCRIPT_ADDRESS if key == "url" else "") + PAYLOAD
    return value


@pytest.fixture(scope="module")
def hostile_site(poisoned):
    paths = addresses(poisoned)
    paths["search"] = f"/search?q={quote('beacon')}"
    paths["missing"] = f"/{quote(PAYLOAD, safe='')}"
    with served(make_datasette(poisoned)) as origin:
        yield origin, paths


@pytest.fixture(scope="module")
def bare(poisoned):
    """Return the HTML of the pages and of the report, without any header."""
    datasette = make_datasette(poisoned)
    with Store.open(poisoned, read_only=True) as store:
        report = render_html(build_report(store, "2026-W05", now=datetime(2026, 2, 1, tzinfo=UTC)))

    async def read() -> dict[str, str]:
        found = {}
        for kind, path in {**addresses(poisoned), "search": "/search?q=beacon"}.items():
            answer = await datasette.client.get(path)
            assert answer.status_code in (200, 404), kind
            found[kind] = answer.text
        return found

    return {**asyncio.run(read()), "report": report}


class Live(HTMLParser):
    """Collects elements and attributes that a payload would have to have made."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[Any] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if any("beacon" in (value or "") for name, value in attrs if name.startswith("on")):
            self.found.append((tag, attrs))
        values = dict(attrs)
        link = values.get("src") or values.get("href") or values.get("srcdoc") or ""
        if link == "/beacon" or re.match(r"\s*javascript:", link, re.IGNORECASE):
            self.found.append((tag, attrs))


@pytest.mark.hostile(36)
def test_no_payload_becomes_an_element(bare):
    for kind, text in bare.items():
        assert "beacon" in text or kind in ("query", "tables", "missing"), kind
        assert "<script>alert" not in text, kind
        assert "20997" not in text, kind
        assert Live(text).found == [], kind
    assert Live(PAYLOAD).found


@pytest.mark.hostile(36)
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_of_payloads_is_inert_as_it_is_served(chromium, hostile_site, kind):
    origin, paths = hostile_site

    def look(page: Any) -> tuple[int, int]:
        # Whatever is folded away is opened, whatever can be hovered is hovered.
        page.evaluate("() => document.querySelectorAll('details').forEach(one => one.open = true)")
        page.mouse.move(200, 300)
        return tuple(page.evaluate(
            "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        ))  # fmt: skip

    visit = chromium.visit(origin + paths[kind], look, width=PHONE if kind != "table" else DESK)
    assert visit.status == (404 if kind == "missing" else 200)
    assert "default-src 'none'" in visit.headers["content-security-policy"]
    assert visit.is_calm(origin), visit
    assert not [url for url in visit.requests if url.startswith(f"{origin}/beacon")]
    scrolled, shown = visit.found
    assert scrolled <= shown


@pytest.mark.hostile(36)
def test_no_payload_runs_without_the_policy(chromium, bare):
    """The escaping alone keeps them harmless; a page without it shows that they would run."""
    pages = {
        f"/{kind}": Answer(200, re.sub(r"<link [^>]*stylesheet[^>]*>", "", text).encode(), HTML)
        for kind, text in bare.items()
    }
    control = Answer(200, f"<!DOCTYPE html><body>{PAYLOAD}".encode(), HTML)
    with serve({**pages, "/control": control}) as server:
        for address in pages:
            visit = chromium.visit(server.url + address)
            assert visit.dialogs == [], address
            assert server.hits["/beacon"] == 0, address
        assert chromium.visit(f"{server.url}/control").dialogs
        assert server.hits["/beacon"] > 0
