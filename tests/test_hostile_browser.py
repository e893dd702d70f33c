"""Hostile input 36 of docs/security.md: pages and report full of live payloads, in a browser.

The pages are served here without their policy headers, so that it is the escaping alone that is
tested; the headers have tests of their own. A payload that runs asks for ``/beacon``.
"""

import asyncio
import re
import shutil
import subprocess
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from api.browse.app import make_datasette
from api.report import build_report, render_html
from store import Store
from tests.sample_store import populated_store
from tests.server import Answer, serve

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
PAYLOAD = (
    "\"'><script>fetch('/beacon')</script><img src=/beacon onerror=fetch('/beacon')>"
    "<svg onload=fetch('/beacon')></svg>"
    "<iframe srcdoc=\"<script>parent.fetch('/beacon')</script>\">"
)
HTML = {"Content-Type": "text/html; charset=utf-8"}
PATHS = (
    "/", "/search?q=beacon", "/day/2026-01-30", "/narrative/fed-policy", "/tapestory/documents",
    "/tapestory/sources", "/document/{}",
)  # fmt: skip


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Return the HTML of pages over a store whose every text is a payload."""
    path = tmp_path_factory.mktemp("browser") / "t.db"
    populated_store(path)
    with Store.open(path) as store:
        with store.transaction():
            for table, columns in (
                ("documents", "title text author url canonical_url"),
                ("passages", "text"),
                ("sources", "name url"),
                ("narratives", "name proposition"),
                ("assets", "name"),
                ("failures", "message advice"),
            ):
                for column in columns.split():
                    start = "javascript:fetch('/beacon')//" if "url" in column else ""
                    store.db.execute(f"UPDATE {table} SET {column} = ?", [start + PAYLOAD])
        (document,) = store.db.execute("SELECT id FROM documents LIMIT 1").fetchone()
        report = render_html(build_report(store, "2026-W05", now=datetime(2026, 2, 1, tzinfo=UTC)))
    datasette = make_datasette(path)

    async def read():
        found = {}
        for address in PATHS:
            answer = await datasette.client.get(address.format(document))
            assert answer.status_code == 200, address
            found[address] = answer.text
        return found

    return {**asyncio.run(read()), "report": report}


class Live(HTMLParser):
    """Collects attributes that a payload would have to have made."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if any("beacon" in (value or "") for name, value in attrs if name.startswith("on")):
            self.found.append((tag, attrs))
        values = dict(attrs)
        link = values.get("src") or values.get("href") or values.get("srcdoc") or ""
        if link == "/beacon" or re.match(r"\s*javascript:", link, re.IGNORECASE):
            self.found.append((tag, attrs))


@pytest.mark.hostile(36)
def test_no_payload_becomes_an_element(pages):
    for address, text in pages.items():
        assert "beacon" in text, address
        assert "<script>fetch" not in text, address
        assert Live(text).found == [], address
    assert Live(PAYLOAD).found


@pytest.mark.hostile(36)
@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on this machine")
def test_no_payload_runs_in_a_browser(pages, tmp_path):
    def visit(server, address):
        command = [
            str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-background-networking", f"--user-data-dir={tmp_path}",
            "--virtual-time-budget=3000", "--dump-dom", server.url + address,
        ]  # fmt: skip
        return subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)

    names = [f"/page{number}" for number in range(len(pages))]
    frames = "".join(f"<iframe src='{name}'></iframe>" for name in names)
    answers = {
        name: Answer(200, text.encode(), HTML)
        for name, text in zip(names, pages.values(), strict=True)
    }
    control = Answer(200, f"<body>{PAYLOAD}".encode(), HTML)
    all_pages = Answer(200, f"<body>{frames}".encode(), HTML)
    with serve({**answers, "/all": all_pages, "/control": control}) as server:
        visit(server, "/all")
        assert all(server.hits[name] == 1 for name in names)
        assert server.hits["/beacon"] == 0
        visit(server, "/control")
        assert server.hits["/beacon"] > 0
