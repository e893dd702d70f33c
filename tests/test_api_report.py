import json
import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import get_args

import pytest

from align import returns
from api.errors import ConfigError
from api.report import build_report, render_html, render_json, render_markdown, write_report
from api.report.material import parse_week, week_name
from api.report.phrases import cut
from api.report.tape import change_unit
from api.report.told import wilson
from store import Store
from store.errors import NotFoundError
from store.records import Asset, AssetClass, AssetUnit
from tests.sample_store import empty_store
from tests.sample_world import ASSETS, HOSTILE_TITLE, MISSING, NARRATIVES

NOW = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def store(sample_path):
    with Store.open(sample_path, read_only=True) as opened:
        yield opened


@pytest.fixture
def report(store):
    return build_report(store, "2026-W05", now=NOW)


class Page(HTMLParser):
    """The tags of a page, with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        self.words.append(data)


# -- the week -----------------------------------------------------------------------


def test_the_default_week_is_the_last_complete_one(store):
    report = build_report(store, None, now=NOW)
    assert report.week.name == "2026-W05"
    assert report.week.is_complete
    assert report.week.sessions == [date(2026, 1, day) for day in range(26, 31)]


def test_a_story_counts_from_close_to_close(report):
    assert report.week.start == datetime(2026, 1, 23, 21, tzinfo=UTC)
    assert report.week.end == datetime(2026, 1, 30, 21, tzinfo=UTC)


@pytest.mark.parametrize("name", ["2026-5", "2026-W54", "W05", "2026-W5", "soon", "20 6-W05"])
def test_a_week_that_is_none_is_refused_with_an_example(store, name):
    with pytest.raises(ConfigError, match="2026-W05"):
        build_report(store, name, now=NOW)


def test_a_week_without_data_says_where_the_data_are(store):
    with pytest.raises(ConfigError, match="2026-W03 to 2026-W05"):
        build_report(store, "2026-W20", now=NOW)


def test_week_names_go_both_ways():
    assert week_name(date(2026, 1, 1)) == "2026-W01"
    assert parse_week("2026-W01") == date(2025, 12, 29)


def test_the_first_week_has_nothing_to_compare_with(store):
    report = build_report(store, "2026-W03", now=NOW)
    assert all(told.change is None for told in report.told)
    assert not report.rose
    assert any("week before" in words for words in report.absent)
    assert "n/a" in render_markdown(report)


# -- what is said -------------------------------------------------------------------


def test_the_largest_move_leads(report):
    assert report.tape.day == date(2026, 1, 30)
    assert [move.asset_id for move in report.tape.moves[:3]] == ["SLV", "GLD", "DXY"]
    assert "fell 28.5 %" in report.headline


def test_the_week_of_an_asset_is_close_to_close(store, report):
    closes = store.frames.prices(["DGS10"]).set_index("date")["close"]
    change = next(one for one in report.tape.week if one.asset_id == "DGS10")
    assert change.unit == "bp"
    assert change.first_date == date(2026, 1, 23)
    assert change.change == pytest.approx(
        100 * (closes["2026-01-30"] - closes["2026-01-23"]), abs=1e-9
    )
    assert [one.asset_id for one in report.tape.week] == [asset.id for asset in ASSETS]


@pytest.mark.parametrize("unit", get_args(AssetUnit))
@pytest.mark.parametrize("kind", get_args(AssetClass))
def test_a_week_is_stated_in_the_unit_of_a_session(kind, unit):
    asset = Asset(id="X", name="X", asset_class=kind, unit=unit)
    assert change_unit(asset) == returns.change_unit(asset)


def test_shares_of_the_week_come_from_the_stored_days(store, report):
    frame = store.frames.intensity()
    week = frame[(frame["day"] >= "2026-01-26") & (frame["day"] <= "2026-01-30")]
    assert len(report.told) == len(NARRATIVES)
    for told in report.told:
        rows = week[week["narrative_id"] == told.narrative_id]
        n = rows["effective_n"].sum()
        assert told.share == pytest.approx((rows["share"] * rows["effective_n"]).sum() / n)
        assert told.stories == rows["stories"].sum()
        assert told.favor == rows["favor"].sum()
        assert told.low <= told.share <= told.high
    shares = [told.share for told in report.told]
    assert shares == sorted(shares, reverse=True)


def test_a_missing_day_is_named_and_never_counts_as_zero(store):
    report = build_report(store, "2026-W04", now=NOW)
    assert report.quality.missing_days == [MISSING]
    daily = {day.day: day for day in report.told[0].days}
    assert daily[MISSING].share is None
    assert "21 Jan 2026" in render_markdown(report)


def test_wilson_agrees_with_the_published_example():
    # Newcombe (1998), Statistics in Medicine 17, table I: 81 of 263, method 3.
    low, high = wilson(81 / 263, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_every_quote_is_a_substring_of_its_document(store, report):
    said = [quote for dispute in report.disputes for quote in dispute.quotes]
    said += [quote for case in report.inquiry.cases for quote in case.quotes]
    assert len(said) > 10
    for quote in said:
        document = store.documents.get(quote.document_id)
        assert quote.quote in document.title + "\n" + document.text


def test_disputes_have_both_sides_and_quotes_of_both(report):
    for dispute in report.disputes:
        assert dispute.favor
        assert dispute.against
        assert {quote.stance for quote in dispute.quotes} == {"favor", "against"}


def test_the_verdict_declines_where_the_store_does(store, report):
    assert report.inquiry.verdict.startswith("Not distinguishable")
    assert "“Tighter for longer” and “Forced selling”" in report.inquiry.verdict


def test_the_scan_says_how_many_cells_were_tested(report):
    assert report.scan.tested == 12 * 8 * 21
    assert report.scan.passing == 1
    assert report.scan.shown[0].order == "narrative first by 1 session"


def test_quality_counts_the_documents_of_the_week(store, report):
    quality = report.quality
    assert quality.documents == sum(outlet.documents for outlet in quality.outlets)
    assert quality.stories == quality.documents - 2
    assert {group.kind for group in quality.failures} == {"server_error", "robots_denied"}
    assert build_report(store, "2026-W03", now=NOW).quality.untagged == [("fi", 1)]


def test_no_sentence_claims_a_cause(report):
    text = " ".join(Page(render_html(report)).words).lower()
    for word in ("caused", "because of", "predicts that", "signal", "alpha", "significant"):
        assert word not in text


# -- how it is rendered -------------------------------------------------------------


def test_the_page_needs_nothing_beside_itself(report):
    page = Page(render_html(report))
    assert page.open == []
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "base", "form"}
    policy = next(a for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
        href = attributes.get("href")
        if href and not href.startswith("#"):
            assert tag == "a"
            assert href.startswith(("http://", "https://"))
            assert attributes["rel"] == "noopener noreferrer nofollow"
    style = render_html(report).split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style


def test_sections_can_be_reached_by_name(report):
    page = Page(render_html(report))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] or "" for tag, attributes in page.tags if tag == "a"]
    wanted = {href[1:] for href in links if href.startswith("#")}
    assert wanted <= set(ids)


@pytest.mark.hostile(36)
def test_crawled_text_is_data(report):
    html = render_html(report)
    assert "<script" not in html
    assert "javascript:" not in html
    assert HOSTILE_TITLE in " ".join(Page(html).words)
    markdown = render_markdown(report)
    assert "<script" not in markdown
    assert "javascript:" not in markdown


def test_nothing_prints_as_none_or_nan(store):
    for week in ("2026-W03", "2026-W04", "2026-W05"):
        report = build_report(store, week, now=NOW)
        for text in (" ".join(Page(render_html(report)).words), render_markdown(report)):
            said = text.replace("“None of these”", "")
            assert not re.search(r"\b(None|nan|NaT|Undefined)\b", said)


def test_markdown_tables_have_even_rows(report):
    for block in re.findall(r"(?:^\|.*\n)+", render_markdown(report), flags=re.MULTILINE):
        rows = block.strip().splitlines()
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1, rows[0]


def test_json_holds_what_the_page_says(report):
    document = json.loads(json.dumps(render_json(report)))
    assert document["week"]["name"] == "2026-W05"
    assert document["as_of"] == "2026-01-30T21:00:00Z"
    assert document["inquiry"]["explanation"]["verdict"] == "not distinguishable"
    assert len(document["told"]) == len(NARRATIVES)


def test_the_same_snapshot_gives_the_same_bytes(store, tmp_path):
    formats = ["json", "html", "pdf", "md"]
    once = write_report(store, None, tmp_path / "a", formats, NOW)
    again = write_report(store, None, tmp_path / "b", formats, datetime(2027, 1, 1, tzinfo=UTC))
    assert [path.name for path in once] == [
        "narratives-2026-W05.html",
        "narratives-2026-W05.md",
        "narratives-2026-W05.pdf",
        "narratives-2026-W05.json",
    ]
    for one, other in zip(once, again, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_an_unknown_format_is_refused_before_anything_is_written(store, tmp_path):
    with pytest.raises(ConfigError, match="docx"):
        write_report(store, None, tmp_path / "out", ["html", "docx"], NOW)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_one_message(store, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="--out"):
        write_report(store, None, tmp_path / "file", ["md"], NOW)


def test_long_quotes_are_cut_after_a_word():
    assert cut("one two three", 9) == "one two…"
    assert cut("one two", 9) == "one two"


# -- parts that are missing ---------------------------------------------------------


def test_documents_alone_still_give_a_report(tmp_path):
    empty_store(tmp_path / "few.db")
    with Store.open(tmp_path / "few.db", read_only=True) as store:
        report = build_report(store, None, now=NOW)
    assert report.week.name == "2026-W05"
    assert report.inquiry is None
    assert report.scan is None
    assert report.quality.documents == 1
    html = render_html(report)
    assert Page(html).open == []
    assert "No explanation is stored" in html
    assert "No price is stored" in render_markdown(report)


@pytest.mark.parametrize("table", ["explanations", "alignments", "intensity", "prices", "labels"])
def test_a_report_stands_without_one_of_its_tables(sample_path, tmp_path, table):
    copy = tmp_path / "part.db"
    copy.write_bytes(sample_path.read_bytes())
    with Store.open(copy) as store:
        store.db.execute(f"DELETE FROM {table}")
        store.db.conn.commit()
        report = build_report(store, "2026-W05", now=NOW)
    assert Page(render_html(report)).open == []
    assert render_markdown(report).startswith("# Narratives and the tape")
    assert json.dumps(render_json(report))


def test_an_empty_database_says_what_to_do(tmp_path):
    with (
        Store.open(tmp_path / "new.db", create=True) as store,
        pytest.raises(NotFoundError, match="tapestory nightly"),
    ):
        build_report(store, None, now=NOW)
