"""The HTML report in a browser: accessible, no wider than a phone, anchors that lead somewhere."""

import json
import re
import shutil
from datetime import UTC, datetime

import pytest

from api.report import build_report, render_html, render_markdown, render_pdf, write_report
from store import Store
from tests.sample_store import populated_store

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
NOW = datetime(2026, 2, 1, tzinfo=UTC)
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
PAYLOAD = (
    "\"'><script>fetch('/beacon')</script><img src=x onerror=fetch('/beacon')>#eval(\"1\") $x$"
    " [a](javascript:x) `b` *c*"
)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome on this machine")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return the report in all formats, and the HTML of a store whose every text is a payload."""
    folder = tmp_path_factory.mktemp("browser")
    populated_store(folder / "t.db")
    with Store.open(folder / "t.db") as store:
        written = write_report(store, "2026-W05", folder, ["html", "md", "pdf", "json"], NOW)
        found = {path.suffix: path for path in written}
        with store.transaction():
            for table, columns in (
                ("documents", "title text author url canonical_url"),
                ("passages", "text"),
                ("sources", "name url"),
                ("narratives", "name proposition"),
                ("assets", "name"),
                ("moves", "name"),
                ("episodes", "name label"),
                ("failures", "message advice"),
            ):
                for column in columns.split():
                    start = "javascript:fetch('/beacon')//" if "url" in column else ""
                    store.db.execute(f"UPDATE {table} SET {column} = ?", [start + PAYLOAD])
            _rename_moves(store)
        # It also passes the gate: texts may say what they like, the numbers are still the rows'.
        hostile = write_report(store, "2026-W05", folder / "h", ["html", "md", "pdf"], NOW)
        report = build_report(store, "2026-W05", now=NOW)
    assert [path.read_bytes() for path in hostile] == [
        render_html(report).encode(),
        render_markdown(report).encode(),
        render_pdf(report),
    ]
    return found | {f"hostile{path.suffix}": path for path in hostile}


def _rename_moves(store):
    for day, text in store.db.execute("SELECT date, document FROM explanations").fetchall():
        answer = json.loads(text)
        for move in answer["moves"]:
            move["name"] = PAYLOAD
        answer["premise"] = f"{PAYLOAD} -28.5 % (-11.7 sigma) fell."
        store.db.execute(
            "UPDATE explanations SET document = ? WHERE date = ?", [json.dumps(answer), day]
        )


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=BROWSER, args=list(ARGUMENTS))
        yield opened
        opened.close()


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_serious_finding_of_accessibility(files, browser, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    page = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    page.goto(files[".html"].as_uri())
    found = Axe().run(page).response["violations"]
    page.close()
    assert [
        (one["id"], one["impact"], [node["html"][:120] for node in one["nodes"][:3]])
        for one in found
        if one["impact"] in ("serious", "critical", "moderate")
    ] == []


@needs_browser
@pytest.mark.parametrize("kind", [".html", "hostile.html"])
@pytest.mark.parametrize("width", [390, 700, 1280])
def test_nothing_is_wider_than_the_screen(files, browser, kind, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    if width == 700:  # about a sheet of A4 between its margins
        page.emulate_media(media="print")
    page.goto(files[kind].as_uri())
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.close()
    assert wide <= width


@needs_browser
def test_anchors_lead_somewhere_and_ids_are_unique(files, browser):
    page = browser.new_page()
    page.goto(files[".html"].as_uri())
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    links = page.evaluate("[...document.links].map(one => [one.getAttribute('href'), one.rel])")
    page.close()
    assert len(ids) == len(set(ids))
    inside = [href[1:] for href, _ in links if href.startswith("#")]
    assert len(inside) >= 10
    assert set(inside) <= set(ids)
    outside = [(href, rel) for href, rel in links if not href.startswith("#")]
    assert outside
    for href, rel in outside:
        assert re.match(r"https?://", href), href
        assert rel == "noopener noreferrer nofollow"


@needs_browser
@pytest.mark.hostile(36)
def test_a_hostile_report_runs_nothing_and_asks_for_nothing(files, browser):
    asked, errors = [], []
    page = browser.new_page(bypass_csp=True)
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: errors.append(dialog.message))
    page.goto(files["hostile.html"].as_uri())
    page.wait_for_timeout(300)
    scripts = page.evaluate("document.querySelectorAll('script, img, iframe').length")
    page.close()
    assert asked == [files["hostile.html"].as_uri()]
    assert (errors, scripts) == ([], 0)


@pytest.mark.hostile(36)
def test_a_hostile_report_is_inert_on_paper_and_in_markdown(files):
    import pypdf

    markdown = files["hostile.md"].read_text("utf-8")
    assert "<script" not in markdown
    assert "](javascript" in markdown  # its bracket is escaped, so it opens no link
    assert not re.search(r"(?<!\\)\[[^\]]*\]\(<?javascript", markdown)
    data = files["hostile.pdf"].read_bytes()
    assert b"/JavaScript" not in data
    reader = pypdf.PdfReader(files["hostile.pdf"])
    said = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    assert "<script>fetch" in said
    assert '#eval("1")' in said
    for page in reader.pages:
        for one in page.get("/Annots") or []:
            action = one.get_object().get("/A") or {}
            assert action.get("/S") in (None, "/URI", "/GoTo")
            assert str(action.get("/URI", "https://")).startswith(("http://", "https://"))
