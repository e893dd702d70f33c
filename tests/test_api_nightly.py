"""The main job on the shipped sample, end to end: the real crawl, model, alignment and pages."""

import asyncio
import json
import re
import sqlite3
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.browse.app import make_datasette
from api.cli import cli
from nlp.multilingual import available
from store import Store
from store.publish import snapshot_path
from tests.sample_night import in_its_own_process

pytestmark = pytest.mark.model


def run(*words):
    return CliRunner().invoke(cli, [str(word) for word in words])


def dump(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def answer(night):
    result = run("explain", night[0], "2026-01-30", "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def stage_seconds(output: str) -> float:
    found = re.search(r"total +([\d.]+) s in stages", output)
    assert found is not None
    return float(found[1])


def test_the_night_ends_with_what_to_open(night):
    _, output = night
    assert re.search(r"Pages: .* serve .*tapestory\.db .*http://127\.0\.0\.1:8001/", output)
    assert re.search(r"One day: .* explain .*tapestory\.db 2026-01-30", output)


def test_a_second_night_changes_no_byte_and_takes_no_time(night):
    path, output = night
    before = dump(path)
    again = in_its_own_process(path)
    assert dump(path) == before
    assert stage_seconds(again) < stage_seconds(output) / 10


def test_the_sample_has_the_size_and_voices_that_it_promises(night):
    with Store.open(night[0], read_only=True) as store:
        sources = store.sources.all()
        assert len(sources) >= 12
        assert store.documents.count() >= 150
        assert {"feed", "mastodon", "bluesky"} <= {source.kind for source in sources}
        copies = store.db.execute("SELECT count(*) FROM documents WHERE duplicate_of IS NOT NULL")
        assert copies.fetchone()[0] >= 5
        # Chinese is labelled where the multilingual encoder has a wheel.
        assert store.labels.untagged() == ({} if available() else {"zh": 10})
        assets = store.db.execute("SELECT count(DISTINCT asset_id) FROM prices").fetchone()[0]
        assert assets >= 14


def test_the_database_is_sound_after_the_night(night):
    with Store.open(night[0]) as store:
        assert store.check() == []


def test_one_story_outside_the_narratives_is_proposed(night):
    path, output = night
    with Store.open(path, read_only=True) as store:
        (found,) = [topic for topic in store.topics.all() if topic.status == "candidate"]
        assert {"insurers", "coastal"} <= dict(found.words).keys()
        week = store.topics.weeks(found.id)[-1]
        assert week.lacks == ()
        # What was there from the first window on is not proposed, under an id that lasts.
        early = [t.id for t in store.topics.all() if t.status == "background"]
        assert any(len(store.topics.weeks(one)) == 2 for one in early)
    assert f"({found.id}), {week.stories} stories" in output


def test_no_document_counts_before_it_was_published_and_seen(night):
    with Store.open(night[0], read_only=True) as store:
        early = store.db.execute(
            "SELECT count(*) FROM documents WHERE effective_at < published_at"
            " OR effective_at < first_seen_at"
        )
        assert early.fetchone()[0] == 0


def test_the_premise_says_what_really_moved(answer):
    premise = answer["premise"]
    assert re.search(r"silver.* fell 28\.5 %", premise, re.IGNORECASE)
    assert "gold" in premise
    assert "the dollar rose" in premise
    assert re.search(r"S&P 500 hardly moved", premise)


def test_the_answer_has_the_shape_of_the_contract(answer):
    asked = {
        "date", "window", "moves", "premise", "verdict", "clarity", "suspects", "analogs",
        "analog_verdict", "falsifiers", "coverage",
    }  # fmt: skip
    added = {"unusual", "timing", "dose", "plumbing", "blame", "none_of_these"}
    assert set(answer) == asked | added
    ids = [suspect["narrative"] for suspect in answer["suspects"]]
    assert len(ids) == len(set(ids)) == 12
    assert [suspect["rank"] for suspect in answer["suspects"]] == list(range(1, 13))
    for suspect in answer["suspects"]:
        assert sum(suspect["parts"].values()) == pytest.approx(suspect["score"], abs=1e-6)
        assert 0 <= suspect["low"] <= suspect["score"] <= suspect["high"] <= 1
        assert (suspect["status"] == "leading") <= (answer["verdict"] == "suspects")
    assert {move["unit"] for move in answer["moves"]} <= {"return", "bp", "points"}


def test_the_weak_dollar_is_first_on_the_27th_and_contradicted_on_the_30th(night, answer):
    suspects = {suspect["narrative"]: suspect for suspect in answer["suspects"]}
    assert suspects["dollar-policy"]["status"] == "contradicted"
    assert "UUP" in suspects["dollar-policy"]["contradicted_by"]
    earlier = json.loads(run("explain", night[0], "2026-01-27", "--json").stdout)
    assert earlier["suspects"][0]["narrative"] == "dollar-policy"


def test_every_quote_is_a_substring_of_the_stored_text(night, answer):
    quoted = 0
    with Store.open(night[0], read_only=True) as store:
        for suspect in answer["suspects"]:
            for quote in suspect["quotes"]:
                document = store.documents.get(quote["document_id"])
                assert quote["quote"] in document.text or quote["quote"] in document.title
            quoted += len(suspect["quotes"]) >= 2
    assert quoted >= 3


def test_the_stored_answer_is_the_one_that_explain_prints(night, answer):
    with Store.open(night[0], read_only=True) as store:
        stored = store.results.explanation(date(2026, 1, 30))
    assert stored is not None
    assert stored.premise == answer["premise"]
    assert stored.verdict == answer["verdict"]


def test_the_report_is_self_contained_and_repeats_to_the_byte(night, tmp_path):
    for folder in ("one", "two"):
        result = run("report", night[0], "--week", "2026-W05", "--out", tmp_path / folder)
        assert result.exit_code == 0, result.output
    name = "narratives-2026-W05.html"
    html = (tmp_path / "one" / name).read_text(encoding="utf-8")
    assert html == (tmp_path / "two" / name).read_text(encoding="utf-8")
    assert "<svg" in html
    assert not re.search(r"<(?:script|link|img)\b[^>]*(?:src|href)=", html)


@pytest.mark.parametrize(
    "page", ["/", "/narrative/dollar-policy", "/asset/GLD", "/day/2026-01-30", "/search?q=silver"]
)
def test_the_pages_of_the_snapshot_answer(night, page):
    async def get() -> int:
        response = await make_datasette(snapshot_path(night[0])).client.get(page)
        return int(response.status_code)

    assert asyncio.run(get()) == 200


def test_an_existing_file_keeps_its_own_documents(tmp_path):
    rows = tmp_path / "mine.csv"
    rows.write_text(
        "title,text,url,published_at,source\nMine,,https://me.example/1,2025-06-01T10:00:00Z,me\n"
    )
    path = tmp_path / "mixed.db"
    assert run("import", "documents", path, rows).exit_code == 0
    assert run("nightly", path, "--sample").exit_code == 0
    with Store.open(path, read_only=True) as store:
        assert store.documents.count() == 273
