"""Using the pages: keys, links, anchors, paper, and what cannot be written."""

import asyncio
import hashlib
import io
import json
import re
import urllib.error
import urllib.request
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pypdf
import pytest

from api.browse.app import make_datasette
from tests.browser import DESK, PHONE, is_own

# Links within a table are Datasette's; those that lead there are looked at.
READ = (
    "home", "narrative", "asset", "day", "document", "source", "topics", "topic", "search", "query",
)  # fmt: skip
KINDS_OF_OURS = ("narrative", "asset", "day", "document", "source", "topic", "search")
INSIDE = """() => { const r = document.activeElement.getBoundingClientRect();
  return [r.left >= 0 && r.top >= 0 && r.width > 0, document.activeElement.textContent.trim(),
          getComputedStyle(document.activeElement).outlineStyle]; }"""


@pytest.fixture(scope="module")
def get(site):
    datasette = make_datasette(site.snapshot)
    return lambda path: asyncio.run(datasette.client.get(path))


class Page(HTMLParser):
    """The links and the ids of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        values = dict(attrs)
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if values.get("id"):
            self.ids.add(values["id"])


def test_every_internal_link_of_every_page_answers_and_its_anchor_is_there(get, site):
    """All links to our pages; of links to tables, one of each table and kind of question."""
    todo: dict[str, str] = {}
    pages: dict[str, Page] = {}
    for kind in READ:
        path = site.pages[kind]
        pages[path] = Page(get(path).text)
        for link in pages[path].links:
            if not is_own(link, site.origin) or link.startswith("http"):
                continue
            parts = urlsplit(link)
            place = parts.path or urlsplit(path).path
            address = f"{place}?{parts.query}" if parts.query else place
            if link.startswith("#"):
                assert parts.fragment in pages[path].ids, f"{link} on {path}"
                continue
            if link.startswith("?"):
                address = f"{urlsplit(path).path}{link}"
            todo.setdefault(question(address), f"{address}#{parts.fragment}")
            if parts.fragment:
                todo[f"{question(address)}#{parts.fragment}"] = f"{address}#{parts.fragment}"
    assert len(todo) > 100
    for link in todo.values():
        address, _, anchor = link.partition("#")
        if address not in pages:
            answer = get(address)
            assert answer.status_code in (200, 302), link
            is_html = answer.headers.get("content-type", "").startswith("text/html")
            pages[address] = Page(answer.text if is_html else "")
        assert not anchor or anchor in pages[address].ids, link


def question(address: str) -> str:
    """Return what a link asks: a page of ours by its address, a table by what it is asked."""
    parts = urlsplit(address)
    first = parts.path.strip("/").split("/")[0]
    if first in KINDS_OF_OURS and not parts.query:
        return parts.path
    return f"{parts.path}?{sorted(key for key, _ in parse_qsl(parts.query))}"


@pytest.mark.parametrize("kind", [*KINDS_OF_OURS, "home"])
def test_the_data_of_a_page_lie_at_the_address_that_it_names(get, site, kind):
    text = get(site.pages[kind]).text
    (address,) = re.findall(r'<link rel="alternate" type="application/json" href="([^"]+)"', text)
    answer = get(address.replace("&amp;", "&"))
    assert answer.json()["ok"] is True
    path = urlsplit(site.pages[kind]).path
    assert urlsplit(address).path == ("/home.json" if path == "/" else f"{path}.json")


@pytest.mark.parametrize("name", ["table", "view", "query"])
def test_tables_and_queries_are_json_and_csv(get, site, name):
    links = Page(get(site.pages[name]).text).links
    path = urlsplit(site.pages[name]).path
    for ending, kind in ((".json", "application/json"), (".csv", "text/")):
        (link, *_) = [one for one in links if urlsplit(one).path == f"{path}{ending}"]
        answer = get(link)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(kind)


def test_ids_in_tables_lead_to_their_pages(get, site):
    links = Page(get(site.pages["query"]).text).links
    assert any(link.startswith("/narrative/") for link in links)
    links = Page(get("/tapestory/largest_moves").text).links
    assert any(link.startswith("/day/2026-01") for link in links)
    assert any(link.startswith("/asset/") for link in links)
    links = Page(get("/tapestory/labels").text).links
    assert any(link.startswith("/document/") for link in links)
    # Days without an explanation have no page to lead to.
    links = Page(get("/tapestory/prices").text).links
    assert not any(re.match(r"/day/\d", link) for link in links)


def test_the_keyboard_reaches_content_and_search(chromium, site):
    def use(page: Any) -> dict[str, Any]:
        page.keyboard.press("Tab")
        skip = page.evaluate(INSIDE)
        page.keyboard.press("Enter")
        main = page.evaluate("document.activeElement.id")
        page.keyboard.press("Tab")
        first = page.evaluate(INSIDE)
        page.focus("#find")
        page.keyboard.type("gold")
        page.keyboard.press("Enter")
        page.wait_for_url("**/search?q=gold")
        return {
            "skip": skip,
            "main": main,
            "first": first,
            "said": page.inner_text("h1"),
            "kept": page.input_value("#find"),
        }

    visit = chromium.visit(site.origin, use)
    assert visit.found["skip"][:2] == [True, "Skip to the content"]
    assert visit.found["main"] == "main"
    assert visit.found["first"][0]
    assert visit.found["first"][2] not in ("none", "")
    assert visit.found["said"] == "“gold”"
    assert visit.found["kept"] == "gold"


def test_what_is_folded_away_can_be_opened(chromium, site):
    def use(page: Any) -> tuple[bool, bool]:
        table = page.locator("#board details table")
        before = table.is_visible()
        page.locator("#board details summary").press("Enter")
        return before, table.is_visible()

    assert chromium.visit(site.origin + site.pages["day"], use).found == (False, True)


@pytest.mark.parametrize("kind", ["home", "narrative", "day", "document"])
def test_a_page_prints_on_paper_as_wide_as_it_is(chromium, site, kind):
    def use(page: Any) -> tuple[list[int], bool, bytes]:
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 718, "height": 1000})  # A4 within Chromium's margins
        widths = page.evaluate(
            "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        return widths, page.locator("header.site").is_visible(), page.pdf(format="A4")

    widths, header, paper = chromium.visit(site.origin + site.pages[kind], use).found
    assert widths[0] <= widths[1]
    assert not header
    pages = pypdf.PdfReader(io.BytesIO(paper)).pages
    assert 1 <= len(pages) <= 8
    said = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert "Association, not cause" in said


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_one_drawing_of_each_chart_is_shown(chromium, site, width):
    visit = chromium.visit(
        site.origin + site.pages["narrative"],
        lambda page: page.evaluate(
            "() => ['at-wide', 'at-narrow'].map(name => [...document.querySelectorAll("
            "`.figure > .${name}`)].filter(one => one.getBoundingClientRect().width).length)"
        ),
        width=width,
    )
    wide, narrow = visit.found
    assert (wide, narrow) == ((4, 0) if width == DESK else (0, 4))


# -- what can be sent ---------------------------------------------------------------

WRITES = (
    ("POST", "/tapestory", b"sql=delete+from+documents"),
    ("POST", "/tapestory/what_changed", b"sql=delete+from+documents"),
    ("POST", "/-/messages", b"message=hello"),
    ("DELETE", "/tapestory/documents/1", b""),
    ("PUT", "/tapestory/documents", b"{}"),
    ("GET", "/tapestory.json?sql=delete+from+documents", None),
    ("GET", "/tapestory.json?sql=create+table+t(a)", None),
    ("GET", "/tapestory.json?sql=pragma+journal_mode%3Dwal", None),
    ("GET", "/tapestory.json?sql=attach+database+'/tmp/x.db'+as+x", None),
    ("GET", "/tapestory.json?sql=select+load_extension('x')", None),
    ("GET", "/tapestory.json?sql=with+x+as+(select+1)+insert+into+runs+select+*+from+x", None),
    ("GET", "/tapestory.db", None),
)


def test_the_snapshot_cannot_be_written(site):
    """No method, route or statement changes a byte of the file, or leaves one beside it."""
    before = hashlib.blake2b(site.snapshot.read_bytes()).digest()
    beside = sorted(path.name for path in site.snapshot.parent.iterdir())
    for method, path, body in WRITES:
        request = urllib.request.Request(site.origin + path, data=body, method=method)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        assert 400 <= refused.value.code < 500, (method, path)
        assert "content-security-policy" in {name.lower() for name in refused.value.headers}
        refused.value.close()
    assert hashlib.blake2b(site.snapshot.read_bytes()).digest() == before
    assert sorted(path.name for path in site.snapshot.parent.iterdir()) == beside


def test_the_snapshot_is_opened_as_immutable(site):
    database = make_datasette(site.snapshot).databases["tapestory"]
    assert not database.is_mutable
    (name, *_) = [row[2] for row in database.connect().execute("PRAGMA database_list")]
    assert name

    async def written() -> str:
        try:
            await database.execute_write("DELETE FROM documents")
        except Exception as error:
            return str(error)
        return "written"

    assert asyncio.run(written()) != "written"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/home.json",
        "/nothing",
        "/nothing.json",
        "/tapestory",
        "/tapestory/documents",
        "/tapestory/documents.json",
        "/tapestory/documents.csv",
        "/tapestory/what_changed",
        "/tapestory/what_changed.csv",
        "/-/tapestory/tapestory.css",
        "/-/tapestory/tables.css",
        "/-/static/app.css",
        "/-/versions",
        "/-/versions.json",
        "/day/latest",
        "/favicon.ico",
    ],
)
def test_every_kind_of_response_has_a_policy(get, path):
    answer = get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_a_page_and_its_data_say_the_same(get, site):
    day = json.loads(get(f"{site.pages['day']}.json").text)["explanation"]
    shown = get(site.pages["day"]).text
    for suspect in day["suspects"]:
        assert f"/narrative/{suspect['narrative']}" in shown
        for quote in suspect["quotes"]:
            assert f"/document/{quote['document_id']}" in shown
