"""Chromium, and pages to look at with it: what tests of the pages share.

Playwright keeps an event loop running in the thread that starts it, where no other test could
use asyncio: it has a thread of its own here, and a test hands it what to do with a page.
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from api.browse.app import make_datasette
from store import Store
from store.publish import publish
from tests.sample_store import populated_store
from tests.sample_topics import fill_topics

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)
_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE, DESK = 390, 1280
Look = Callable[[Any], Any]


@dataclass
class Visit:
    """What happened while a page was open.

    Attributes
    ----------
    found : Any
        What the test's own look at the page returned.
    messages : list of str
        Console messages of kind error or warning, but for the one that reports a status.
    requests : list of str
        Addresses asked for.
    """

    status: int
    headers: dict[str, str]
    found: Any = None
    messages: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def is_calm(self, origin: str) -> bool:
        """Return whether nothing ran, complained or left the origin."""
        return not (self.messages or self.errors or self.dialogs or self.strangers(origin))

    def strangers(self, origin: str) -> list[str]:
        """Return the requests to any other host."""
        return [
            url for url in self.requests if not url.startswith((f"{origin}/", "data:", "about:"))
        ]


class Chromium:
    """A headless browser with a tab for each width."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="chromium")
        self._thread.submit(self._start).result()

    def _start(self) -> None:
        from playwright.sync_api import sync_playwright

        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(
            executable_path=BROWSER, args=list(_ARGUMENTS)
        )
        self._tabs: dict[int, Any] = {}
        self._seen = Visit(status=0, headers={})

    def close(self) -> None:
        """End the browser and its thread."""
        self._thread.submit(self._end).result()
        self._thread.shutdown()

    def _end(self) -> None:
        self._browser.close()
        self._playwright.stop()

    def visit(self, url: str, look: Look | None = None, *, width: int = DESK) -> Visit:
        """Open a page, let a test look at it, and tell what happened meanwhile."""
        return self._thread.submit(self._visit, url, look, width).result()

    def _tab(self, width: int) -> Any:
        """Return the tab of a width: a new one for each visit would cost a process each."""
        if width not in self._tabs:
            context = self._browser.new_context(
                viewport=_viewport(width), is_mobile=width == PHONE, has_touch=width == PHONE
            )
            tab = context.new_page()
            tab.set_default_timeout(20_000)
            tab.on("request", lambda request: self._seen.requests.append(request.url))
            tab.on("pageerror", lambda error: self._seen.errors.append(str(error)))
            tab.on("dialog", lambda dialog: _dismiss(self._seen, dialog))
            tab.on("console", lambda message: _heard(self._seen, message))
            self._tabs[width] = tab
        return self._tabs[width]

    def _visit(self, url: str, look: Look | None, width: int) -> Visit:
        tab = self._tab(width)
        tab.emulate_media(media="screen", color_scheme="light")
        tab.set_viewport_size(_viewport(width))
        seen = self._seen = Visit(status=0, headers={})
        answer = tab.goto(url)
        seen.status, seen.headers = answer.status, answer.headers
        try:
            if look is not None:
                seen.found = look(tab)
        finally:
            # What the page still has under way ends with it, and is heard here.
            tab.goto("about:blank")
            self._seen = Visit(status=0, headers={})
        return seen


def _viewport(width: int) -> Any:
    return {"width": width, "height": 844 if width == PHONE else 900}


def _dismiss(seen: Visit, dialog: Any) -> None:
    seen.dialogs.append(dialog.message)
    dialog.dismiss()


def _heard(seen: Visit, message: Any) -> None:
    # Chromium reports the status of the page itself, which the test asks for.
    if message.type in ("error", "warning") and "status of 404" not in message.text:
        seen.messages.append(message.text)


@contextmanager
def served(datasette: Any) -> Iterator[str]:
    """Serve on loopback in a thread; yield the origin."""
    import uvicorn

    config = uvicorn.Config(
        datasette.app(), host="127.0.0.1", port=0, log_level="error", ws="none", lifespan="off"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
        assert thread.is_alive(), "the server did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@dataclass(frozen=True)
class Site:
    """A served snapshot and an address of every kind of page."""

    origin: str
    snapshot: Path
    pages: dict[str, str]


def addresses(snapshot: Path) -> dict[str, str]:
    """Return one address of every kind of page that a snapshot has."""
    with Store.open(snapshot, read_only=True) as store:

        def one(sql: str) -> str:
            row = store.db.execute(sql).fetchone()
            return quote(str(row[0]), safe="") if row else "none"

        most = (
            "SELECT {0} FROM {1} GROUP BY {0} ORDER BY count(*) DESC, {0} LIMIT 1".format
        )  # the fullest page of a kind
        return {
            "home": "/",
            "narrative": f"/narrative/{one(most('narrative_id', 'labels'))}",
            "asset": f"/asset/{one(most('asset_id', 'moves'))}",
            "day": f"/day/{one('SELECT date FROM moves ORDER BY abs(sigma) DESC LIMIT 1')}",
            "document": f"/document/{one(most('document_id', 'revisions'))}"
            if one("SELECT 1 FROM revisions") != "none"
            else f"/document/{one(most('document_id', 'labels'))}",
            "source": f"/source/{one(most('source_id', 'documents'))}",
            "topics": "/topics",
            "topic": f"/topic/{one(most('topic_id', 'topic_documents'))}"
            if one("SELECT 1 FROM topic_documents") != "none"
            else "/topics",
            "search": "/search?q=the",
            "query": "/tapestory/what_changed",
            "table": "/tapestory/documents?_size=5",
            "view": "/tapestory/quotes?_size=5",
            "row": f"/tapestory/narratives/{one('SELECT id FROM narratives ORDER BY id')}",
            "tables": "/tapestory",
            "missing": "/nothing/here",
        }


def is_own(link: str, origin: str) -> bool:
    """Return whether a link leads to the same site."""
    parts = urlsplit(link)
    return not parts.netloc or link.startswith(f"{origin}/")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """Give the browser; tests that need it are skipped where there is none."""
    if BROWSER is None:
        pytest.skip("no Chromium or Chrome on this machine")
    browser = Chromium()
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give the sample's snapshot, served."""
    path = tmp_path_factory.mktemp("site") / "sample.db"
    populated_store(path)
    with Store.open(path) as store:
        _revise(store)
        fill_topics(store)
        snapshot = publish(store).path
    with served(make_datasette(snapshot)) as origin:
        yield Site(origin=origin, snapshot=snapshot, pages=addresses(snapshot))


@pytest.fixture(scope="session")
def real_site() -> Iterator[Site]:
    """Give the snapshot that ``TAPESTORY_REAL`` names, served."""
    named = os.environ.get("TAPESTORY_REAL")
    if not named:
        pytest.skip("TAPESTORY_REAL names no snapshot")
    snapshot = Path(named)
    with served(make_datasette(snapshot)) as origin:
        yield Site(origin=origin, snapshot=snapshot, pages=addresses(snapshot))


def _revise(store: Store) -> None:
    """Give one document an earlier version."""
    (id_, title, text, at) = store.db.execute(
        "SELECT id, title, text, first_seen_at FROM documents WHERE duplicate_of IS NULL"
        " AND id IN (SELECT document_id FROM labels) ORDER BY id LIMIT 1"
    ).fetchone()
    with store.transaction():
        store.db.execute(
            "INSERT INTO revisions (document_id, seen_at, title, text) VALUES (?, ?, ?, ?)",
            [id_, at, f"Draft: {title}", f"{text} A line that was taken out."],
        )
