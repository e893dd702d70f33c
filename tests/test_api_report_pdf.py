"""The report on paper: the same bytes, readable by a machine, and crawled text is never markup."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime

import pypdf
import pytest

from api.errors import ConfigError
from api.report import build_report, phrases, render_pdf, write_report
from api.report.facts import Clause, Name, Said
from api.report.pdf import pdf_values
from store import Store
from tests.sample_store import empty_store, populated_store

NOW = datetime(2026, 2, 1, tzinfo=UTC)
SYNTAX = (
    '#eval("1+1") #image("/etc/passwd") #read("/etc/passwd") $x^2$ *bold* _it_ @ref <label>'
    ' `raw` ```code``` // comment /* c */ = Heading - item \\ #link("file:///x")[y] ]{}#'
)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = tmp_path_factory.mktemp("pdf") / "sample.db"
    populated_store(path)
    with Store.open(path, read_only=True) as store:
        return build_report(store, "2026-W05", now=NOW)


def read(data):
    return pypdf.PdfReader(io.BytesIO(data))


def text_of(data):
    return " ".join(" ".join(page.extract_text() for page in read(data).pages).split())


def links_of(data):
    found = []
    for page in read(data).pages:
        for one in page.get("/Annots") or []:
            action = one.get_object().get("/A")
            if action is not None:
                found.append((action["/S"], action.get("/URI")))
    return found


def with_title(report, words, url="https://a.example/x"):
    first, *rest = report.disputes
    quotes = [replace(one, title=words, quote=words, source=words, url=url) for one in first.quotes]
    told = [replace(one, name=words[:200], proposition=words) for one in report.told]
    return replace(report, disputes=[replace(first, name=words, quotes=quotes), *rest], told=told)


def test_the_same_report_is_the_same_bytes(report):
    once = render_pdf(report)
    assert once.startswith(b"%PDF-")
    assert render_pdf(report) == once


def test_no_clock_and_no_path_enter_it(report):
    data = render_pdf(report)
    meta = read(data).metadata
    assert meta.creation_date.date() == report.as_of.date()
    assert b"/tmp" not in data
    assert str(datetime.now(UTC).year + 1).encode() not in data[-400:]


def test_it_says_what_it_is(report):
    reader = read(render_pdf(report))
    assert reader.metadata.title == "Narratives and the tape, week 5 of 2026"
    assert reader.metadata.author == "Tapestory"
    root = reader.trailer["/Root"]
    assert root["/Lang"].startswith("en")
    assert root["/MarkInfo"]["/Marked"]
    assert [entry["/Title"] for entry in reader.outline if isinstance(entry, dict)]
    box = reader.pages[0].mediabox
    assert (round(box.width), round(box.height)) == (595, 842)


def test_drawings_have_words_for_those_who_cannot_see_them(report):
    reader = read(render_pdf(report))
    objects = (reader.get_object(number) for number in range(1, reader.trailer["/Size"]))
    alts = [one["/Alt"] for one in objects if isinstance(one, dict) and "/Alt" in one]
    assert any("moves" in alt.lower() for alt in alts)


def test_the_first_page_stands_alone(report):
    first = " ".join(read(render_pdf(report)).pages[0].extract_text().split())
    assert str(report.headline).replace("“", "").split(";")[0][:20] in first
    assert "In short" in first
    assert "How to read this" in first
    assert "association, not cause" in first


def test_it_holds_every_section(report):
    said = text_of(render_pdf(report))
    for title in ("What moved", "What was said", "What rose and fell", "Who disagrees",
                  "Suspects of the largest move", "Past days that look alike",
                  "Last week’s conditions", "Outside the list", "Lead and lag",
                  "What this rests on", "Method and limits"):  # fmt: skip
        assert title in said, title
    assert not re.search(r"\b(nan|NaT|Undefined)\b", said)
    assert "Page 1 of" in said


# -- hostile texts -------------------------------------------------------------------


@pytest.mark.hostile(36)
def test_markup_of_typst_is_text(report):
    data = render_pdf(with_title(report, SYNTAX))
    said = text_of(data)
    for words in ("#eval(", "#image(", "$x^2$", "*bold*", "@ref", "<label>", "`raw`", "// comment"):
        assert words in said, words
    assert "root:" not in said
    assert {kind for kind, _ in links_of(data)} <= {"/URI", "/GoTo"}


@pytest.mark.hostile(36)
@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "//a.example", None]
)
def test_only_web_addresses_are_links(report, url):
    data = render_pdf(with_title(report, "words", url=url))
    assert all(uri.startswith(("http://", "https://")) for kind, uri in links_of(data) if uri)
    assert b"/JavaScript" not in data
    assert b"/Launch" not in data


@pytest.mark.hostile(36)
@pytest.mark.parametrize(
    "words",
    [
        "x" * 5000,
        "a\x00b\x07c\x1b[31m\u202egnp.exe\u2066",
        "\ud800 lone",
        "🧵📉👩‍👩‍👧",
        "人民币汇率与黄金",
        "العربية עברית ไทย हिन्दी",
        "",
        "\n\n\t",
        "<svg onload=x> &amp; ]]> </svg>",
    ],
    ids=["long word", "controls", "surrogate", "emoji", "chinese", "scripts", "empty", "blank",
         "svg"],
)  # fmt: skip
def test_any_text_can_be_set(report, words):
    data = render_pdf(with_title(report, words))
    assert len(read(data).pages) >= 3


def test_a_long_word_stays_on_the_page(report):
    assert "\u200b" in phrases.printable("x" * 200)
    assert phrases.printable("a\u202eb\x00c") == "abc"
    assert phrases.printable("plain words") == "plain words"


def test_drawings_name_no_colour_that_typst_cannot_look_up(report):
    drawn = str(pdf_values(report)["charts"])
    assert "var(" not in drawn
    assert "currentColor" not in drawn


def test_a_report_without_its_parts_can_be_set(tmp_path):
    empty_store(tmp_path / "few.db")
    with Store.open(tmp_path / "few.db", read_only=True) as store:
        data = render_pdf(build_report(store, None, now=NOW))
    assert "No explanation is stored" in text_of(data)


def test_nothing_is_left_of_a_file_that_could_not_be_set(report, tmp_path, monkeypatch):
    path = tmp_path / "sample.db"
    populated_store(path)
    (tmp_path / "broken.typ").write_text('#panic("no")')
    monkeypatch.setattr("api.report.pdf.TEMPLATE", tmp_path / "broken.typ")
    with Store.open(path, read_only=True) as store, pytest.raises(ConfigError, match="--format"):
        write_report(store, "2026-W05", tmp_path / "out", ["html", "pdf"], NOW)
    assert not (tmp_path / "out").exists()


def test_the_headline_may_hold_any_text(report):
    name = Name(kind="narrative", id="x", words=SYNTAX)
    shown = replace(
        report, headline=Said(Clause(template="“{name}” was told", parts={"name": name}))
    )
    assert "#eval(" in text_of(render_pdf(shown))


def test_chinese_is_set_without_any_font_of_the_system(report, monkeypatch):
    # As on a machine without one: the characters lack a glyph, the report does not fail.
    monkeypatch.setattr("api.report.pdf._FOREIGN", re.compile(r"(?!)"))
    assert render_pdf(with_title(report, "人民币汇率与黄金")).startswith(b"%PDF-")
