"""What users of comparable projects complained of, held against our pages and report.

Each test is named for the thread in which the complaint stands: owner or project, and number.
"""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from api.browse.app import make_datasette
from api.errors import EvidenceError
from api.report import build_report, check, render_html, render_json, render_markdown
from api.report.citations import move_row
from api.report.facts import Name, Stored, fact, say, sentences_of
from api.report.figures import numbers_in, without
from store import Store
from store.evidence import Between, cited
from tests.peers_world import FRIDAY, NOW, page_of, tagged, words
from tests.sample_store import _document
from tests.sample_world import ASSETS, NARRATIVES, SOURCES
from tests.sample_world import NOW as NIGHT

BLAME = re.compile(r"(?i)\b(caused|because of|due to|triggered|drove|driven by|sparked)\b")


# -- evidence with every number ------------------------------------------------------


def test_worldmonitor_7865_a_bullet_cites_only_sources_that_name_it(mine):
    """Two of five bullets cited articles that never mention what the bullet is about."""
    strange = _unlabelled(mine)
    report = build_report(mine, "2026-W05", now=NOW)
    check(report, mine, now=NOW)
    first, *rest = report.disputes
    quote = replace(first.quotes[0], document_id=strange.id, quote=strange.title)
    with pytest.raises(EvidenceError, match=f"quoted for '{first.narrative_id}', which no label"):
        check(replace(report, disputes=[replace(first, quotes=[quote]), *rest]), mine, now=NOW)
    rows = move_row(FRIDAY, "SLV", "change")
    of_gold = say(
        "{name} {moved}",
        name=Name(kind="asset", id="GLD", words="Gold ETF"),
        moved=fact(-0.285, "moved", "row", rows),
    )
    with pytest.raises(EvidenceError, match="'Gold ETF', which its rows are not about"):
        check(replace(report, summary=[*report.summary, of_gold]), mine, now=NOW)


def _unlabelled(store):
    """Add and return a document that names no narrative."""
    run = store.runs.begin("crawl", now=NIGHT)
    document = replace(
        _document(90, FRIDAY, SOURCES[0].id, "Rain delays the football", "It rained.", None),
        effective_at=datetime(2026, 1, 30, 15, tzinfo=UTC),
    )
    with store.transaction():
        store.documents.add([document], run.id)
        store.labels.save([tagged(document)], run.id)
    run.finish(now=NIGHT)
    return document


def test_worldmonitor_6414_every_number_of_the_report_resolves_to_rows(sample_path):
    """A brief stated figures that nobody could trace to anything."""
    with Store.open(sample_path, read_only=True) as store:
        report = build_report(store, "2026-W05", now=NOW)
        evidence = render_json(report)["evidence"]
        names = [one.name for one in NARRATIVES] + [one.name for one in ASSETS]
        seen = 0
        for sentence in evidence:
            facts = sentence["facts"]
            allowed = [one for made in facts for one in numbers_in(made["words"])]
            for number in numbers_in(without(sentence["text"], names)):
                assert number in allowed, (number, sentence["text"])
                seen += 1
            for made in facts:
                for rows in made["rows"]:
                    if made["rule"] == "again":
                        continue  # counted again from rows of several tables
                    where = {
                        key: Between(**value) if isinstance(value, dict) else value
                        for key, value in rows["where"].items()
                    }
                    assert cited(store.db, rows["table"], [rows["column"]], where), made
        assert seen > 30
        told = {one["text"] for one in evidence}
        made = [one for one in sentences_of(report) if not isinstance(one, Stored)]
        assert {str(one) for one in made} == told


def test_worldmonitor_pr_696_a_quote_opens_at_its_passage(get):
    """A claim linked to the front page of a source, not to the words it rests on."""
    page = get("/day/2026-01-30").text
    quotes = re.findall(
        r'<blockquote[^>]*>(.*?)</blockquote>.*?href="(/document/[0-9a-f]+)#(p\d+)"', page, re.S
    )
    assert len(quotes) > 3
    for quote, address, anchor in quotes[:6]:
        marked = re.search(rf'<mark[^>]*id="{anchor}"[^>]*>(.*?)</mark>', get(address).text, re.S)
        assert marked is not None, (address, anchor)
        assert words(quote).strip("“” ") in words(marked[1])


# -- news against prices, and the right to decline -----------------------------------


def test_worldmonitor_6418_a_pair_without_a_link_says_so_with_its_n(mine):
    """Wanted: news beside prices, and a plain "nothing found" where there is nothing."""
    mine.db.execute("UPDATE alignments SET pvalue = 0.6, pvalue_adj = 1.0 WHERE pvalue IS NOT NULL")
    mine.db.conn.commit()
    report = build_report(mine, "2026-W05", now=NOW)
    check(report, mine, now=NOW)
    shown = page_of(mine, "/narrative/dollar-policy")
    told = words(render_html(report))
    assert "None stands out: adjusted over the whole scan, no p is below 0.05." in shown
    assert "one stands out once the number of trials is taken into account" in told
    assert report.scan is not None
    assert report.scan.passing == 0
    for text in (shown, told, render_markdown(report)):
        assert not BLAME.search(text)
    # The nearest stand there nevertheless, each with its n.
    n = {one.cell.n for one in report.scan.shown}
    assert n == {44}
    assert re.search(r"Dollar index 1 session before -0\.52 -0\.81 to -0\.23 44 1\.0", shown)


def test_worldmonitor_pr_6699_too_few_sessions_are_not_found_and_no_headline_moved_anything(
    mine,
):
    """Where there is no estimate there is no number either, and nobody is blamed."""
    mine.db.execute(
        "UPDATE alignments SET effect = NULL, effect_low = NULL, effect_high = NULL,"
        " pvalue = NULL, pvalue_adj = NULL"
    )
    mine.db.conn.commit()
    report = build_report(mine, "2026-W05", now=NOW)
    check(report, mine, now=NOW)
    assert "Not found: too few sessions for an estimate in any cell." in page_of(
        mine, "/narrative/dollar-policy"
    )
    assert "Not found: no cell of the scan has an estimate for it." in page_of(mine, "/asset/GLD")
    assert "no combination has an estimate yet" in words(render_html(report)).lower()


def test_fredai_637_a_day_that_is_not_clear_has_a_verdict_and_no_leader(get):
    """An honest "no clear catalyst" was asked for in place of a cause for every move."""
    data = get("/day/2026-01-30.json").json()["explanation"]
    shown = words(get("/day/2026-01-30").text)
    assert data["verdict"] == "not distinguishable"
    assert "leading" not in {one["status"] for one in data["suspects"]}
    assert "Not distinguishable" in shown
    assert "One suspect stands out" not in shown
    assert not BLAME.search(shown)


def test_kaizenflow_19_a_move_that_no_story_fits_is_left_unexplained(mine):
    """Why did it move? Sometimes none of the stories says so."""
    found = mine.results.explanation(FRIDAY, 1)
    assert found is not None
    quiet = [replace(one, status="quiet") for one in found.suspects]
    none = replace(found, verdict="no adequate suspect", suspects=quiet)
    run = mine.runs.begin("align", now=NOW)
    with mine.transaction():
        mine.results.save_explanations([none], days=1, run_id=run.id)
    run.finish(now=NOW)
    report = build_report(mine, "2026-W05", now=NOW)
    check(report, mine, now=NOW)
    assert "No adequate suspect" in page_of(mine, "/day/2026-01-30")
    assert "none of the stories that we track fits this move" in words(render_html(report))


def test_project_elrond_56_what_was_said_after_the_move_is_marked(mine):
    """A price had moved before the public reason for it was out."""
    found = mine.results.explanation(FRIDAY, 1)
    assert found is not None
    assert found.timing is not None
    minute = timedelta(minutes=1)
    marked = []
    for at in (found.timing.price_to - minute, found.timing.price_to + minute):
        suspects = [
            replace(one, quotes=[replace(quote, published_at=at) for quote in one.quotes])
            for one in found.suspects
        ]
        run = mine.runs.begin("align", now=NOW)
        with mine.transaction():
            changed = replace(found, suspects=suspects)
            mine.results.save_explanations([changed], days=1, run_id=run.id)
        run.finish(now=NOW)
        html = asyncio.run(make_datasette(mine.path).client.get("/day/2026-01-30")).text
        assert html.count("<blockquote") > 3
        marked.append(html.count('<span class="tag">after the close</span>'))
    assert marked == [0, html.count("<blockquote")]


def test_daily_stock_analysis_1742_the_parts_of_a_score_sum_to_it(get):
    """A score was shown, and not what contributed how much to it."""
    for day in ("2026-01-27", "2026-01-30"):
        shown = words(get(f"/day/{day}").text)
        suspects = get(f"/day/{day}.json").json()["explanation"]["suspects"]
        assert len(suspects) == len(NARRATIVES)
        for one in suspects:
            assert sum(one["parts"].values()) == pytest.approx(one["score"], abs=1e-9)
        for name, value in suspects[0]["parts"].items():
            assert f"{name.replace('_', ' ')} {value:.2f}" in shown
