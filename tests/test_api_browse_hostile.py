"""Crawled text is data: no page runs it, links to it, or lets it out of its place."""

import asyncio
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import quote, urlsplit

import pytest

from api.browse.app import make_datasette
from api.browse.document import segments
from store import Store
from store.records import Asset, Failure, Fetch, Label, Narrative, Passage, Source, Tagging
from tests.sample_store import _document, populated_store
from tests.sample_world import NARRATIVES, NOW, TAXONOMY, sessions

SCRIPT = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{ 6999*3 }}"
ODD_ID = 'a/b?c#d%20"><svg onload=alert(3)>é中'


@pytest.fixture(scope="module")
def get(tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile") / "t.db"
    populated_store(path)
    with Store.open(path) as store, store.transaction():
        _poison(store)
    datasette = make_datasette(path)
    return lambda address: asyncio.run(datasette.client.get(address))


def _poison(store):
    run = store.runs.begin("crawl", now=NOW)
    address = "javascript:alert(document.domain)//" + SCRIPT
    store.sources.sync([Source(id=ODD_ID, kind="feed", url=address, name=SCRIPT)])
    store.assets.sync([Asset(id=ODD_ID, name=SCRIPT, asset_class="fx")])
    custom = Narrative(
        id=ODD_ID,
        name=SCRIPT,
        proposition=SCRIPT,
        signature={ODD_ID: "+"},
        core=(ODD_ID,),
    )
    store.narratives.sync([*NARRATIVES, custom], TAXONOMY)
    text = f"Before. {SCRIPT} After."
    plain = _document(77, sessions()[-1], "desk-notes", SCRIPT, text, None)
    hostile = replace(
        plain,
        id=ODD_ID,
        source_id=ODD_ID,
        entry_key="odd",
        url=address,
        canonical_url=address,
        author=SCRIPT,
        language="en",
    )
    copy = replace(hostile, id="copy", entry_key="copy", duplicate_of=ODD_ID)
    store.documents.add([hostile, copy], run.id)
    store.documents.revise("copy", title="x", text=SCRIPT, content_hash="x", seen_at=NOW)
    start = text.index(SCRIPT)
    passage = Passage(
        id="p",
        document_id=ODD_ID,
        position=0,
        part="text",
        start=start,
        end=start + len(SCRIPT),
        text=SCRIPT,
    )
    label = Label(
        passage_id="p",
        document_id=ODD_ID,
        narrative_id=ODD_ID,
        probability=0.9,
        stance="favor",
        stance_probability=0.9,
        is_causal_claim=True,
        model=SCRIPT,
        taxonomy=SCRIPT,
    )
    store.labels.save(
        [
            Tagging(
                document_id=ODD_ID,
                content_hash=hostile.content_hash,
                model=SCRIPT,
                taxonomy=SCRIPT,
                outcome="tagged",
                language="en",
                passages=[passage],
                labels=[label],
            )
        ],
        run.id,
    )
    store.fetches.add(
        Fetch(
            source_id=ODD_ID,
            url=address,
            outcome="decode",
            http_status=200,
            bytes=1,
            seconds=0.1,
            etag=SCRIPT,
            last_modified=None,
            body_hash=None,
            fetched_at=NOW,
        ),
        run.id,
    )
    run.fail(Failure(stage="crawl", item=ODD_ID, kind=SCRIPT, message=SCRIPT, advice=SCRIPT))
    run.finish(now=NOW)


PAGES = [
    "/",
    *(f"/{kind}/{quote(ODD_ID, safe='')}" for kind in ("narrative", "asset", "document", "source")),
    "/document/copy",
    f"/search?q={quote('alert img')}",
    f"/search?q={quote(SCRIPT)}",
    f"/day/{quote(SCRIPT, safe='')}",
    "/narrative/fed-policy?asset=%22%3E%3Cscript%3E&window=%3Cscript%3E",
    "/day/2026-01-30",
    "/~3Cscript~3Ealert(1)",
]
TABLES = [
    "/tapestory/documents",
    "/tapestory/sources",
    "/tapestory/failures",
    "/tapestory/narratives",
    "/tapestory/quotes_of_narrative?narrative=fed-policy",
]


class Inert(HTMLParser):
    """Collects what could run or lead astray."""

    def __init__(self, text):
        super().__init__()
        self.bad = []
        self.outward = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag in ("script", "iframe", "object", "embed", "img", "base", "link", "form"):
            values = dict(attrs)
            own = (values.get("href") or values.get("action") or "/").startswith("/")
            if tag not in ("link", "form") or not own:
                self.bad.append((tag, attrs))
        for name, value in attrs:
            if name.startswith("on"):
                self.bad.append((tag, name, value))
            if name in ("href", "src", "action", "xlink:href") and value:
                scheme = urlsplit(value).scheme
                if scheme not in ("", "http", "https"):
                    self.bad.append((tag, name, value))
                if scheme or value.startswith("//"):
                    self.outward.append(dict(attrs))


@pytest.mark.parametrize("path", PAGES, ids=range(len(PAGES)))
@pytest.mark.hostile(36)
def test_hostile_text_is_inert(get, path):
    page = get(path)
    assert page.status_code in (200, 404)
    found = Inert(page.text)
    assert found.bad == []
    assert all(link.get("rel") == "noopener noreferrer nofollow" for link in found.outward), (
        found.outward
    )
    assert "20997" not in page.text


@pytest.mark.parametrize("path", PAGES, ids=range(len(PAGES)))
def test_our_pages_allow_no_script_and_no_other_host(get, path):
    policy = get(path).headers["content-security-policy"]
    for rule in (
        "default-src 'none'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "form-action 'self'",
    ):
        assert rule in policy
    assert "script-src" not in policy


@pytest.mark.parametrize("path", TABLES)
@pytest.mark.hostile(36)
def test_tables_show_hostile_text_escaped_and_shut_other_hosts_out(get, path):
    page = get(path)
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "onerror=alert(2)>" not in page.text.replace("&gt;", "").replace("&lt;", "")
    assert 'href="javascript:' not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"


def test_ids_with_any_character_have_a_page(get):
    for kind in ("narrative", "asset", "document", "source"):
        path = f"/{kind}/{quote(ODD_ID, safe='')}"
        page = get(path)
        assert page.status_code == 200, kind
        assert get(f"{path}.json").status_code == 200, kind
        assert quote(ODD_ID, safe="") in page.text, kind


def test_a_document_without_a_web_address_has_no_link_out(get):
    page = get(f"/document/{quote(ODD_ID, safe='')}").text
    assert "Its address is no web link" in page
    assert 'class="out"' not in page


def test_marked_text_adds_up_even_where_passages_overlap_or_are_stale():
    label = {"narrative": "n", "stance": "favor"}
    text = "One two three four."

    def passage(start, end, said=None):
        said = text[start:end] if said is None else said
        return {"part": "text", "start": start, "end": end, "text": said, "labels": [label]}

    cut = segments(
        text, [passage(4, 7), passage(5, 13), passage(8, 13), passage(14, 18, "4our")], "text"
    )
    assert "".join(part["text"] for part in cut) == text
    assert [part["text"] for part in cut if part["passage"]] == ["two", "three"]
    assert segments("", [], "text") == []
