"""What was tagged afterwards is shown, and says so: pages, their JSON, the weekly report."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from api.browse.app import make_datasette
from api.charts import intensity_chart
from api.report import build_report, render_html, render_json, render_markdown
from api.report.gate_stored import that_rows_show
from api.report.material import select
from store.publish import publish
from tests.test_api_schemas import faults

NOW = datetime(2026, 2, 1, tzinfo=UTC)
FOUND = date(2026, 1, 28)
REMARK = "found on 31 January 2026: earlier days were tagged afterwards and are no evidence"


@pytest.fixture
def found(mine):
    """The sample store with a narrative that was found on a Wednesday."""
    with mine.transaction():
        mine.db.execute(
            "UPDATE narratives SET found_on = ? WHERE id = 'geopolitics'", [FOUND.isoformat()]
        )
    return mine


def _get(store, address):
    datasette = make_datasette(publish(store).path)
    answer = asyncio.run(datasette.client.get(address))
    assert answer.status_code == 200
    return answer


def test_the_page_of_the_narrative_says_from_when_on_it_is_tested(found):
    html = _get(found, "/narrative/geopolitics").text
    assert 'id="found">Found on Wed 28 Jan 2026' in html
    assert "Earlier days were tagged afterwards" in html
    assert "Tested from Wed 28 Jan 2026 on." in html
    assert "Grey: before Wed 28 Jan 2026, tagged afterwards." in html
    assert "Days before 28 Jan 2026 were tagged afterwards." in html
    other = _get(found, "/narrative/tariffs").text
    assert "tagged afterwards" not in other
    data = _get(found, "/narrative/geopolitics.json").json()
    assert faults("narrative", data) == []
    assert data["narrative"]["found_on"] == "2026-01-28"
    assert _get(found, "/narrative/tariffs.json").json()["narrative"]["found_on"] is None


def test_the_page_of_a_day_marks_what_was_tagged_afterwards(found):
    before, after = (_get(found, f"/day/2026-01-{day}") for day in (27, 30))
    mark = '<span class="tag">tagged afterwards</span>'
    assert before.text.count(mark) >= 2
    assert mark not in after.text
    data = _get(found, "/day/2026-01-30.json").json()
    assert faults("day", data) == []
    assert data["found_on"] == {"geopolitics": "2026-01-28"}


def test_the_report_marks_shares_of_days_before(found):
    report = build_report(found, "2026-W05", now=NOW)
    marked = {told.narrative_id for told in report.told if told.back_tagged}
    assert marked == {"geopolitics"}
    assert render_html(report).count("tagged afterwards") == 1
    assert render_markdown(report).count("(tagged afterwards)") == 1
    document = json.loads(json.dumps(render_json(report)))
    assert faults("report", document) == []
    assert {one["narrative_id"] for one in document["told"] if one["back_tagged"]} == marked


def test_the_report_keeps_the_words_on_a_suspect_that_was_found_later(found):
    found.db.execute("UPDATE narratives SET found_on = '2026-01-31' WHERE id = 'geopolitics'")
    material = select(found, "2026-W05", now=NOW)
    answer = found.results.explanation(date(2026, 1, 30))
    assert that_rows_show(REMARK, answer, material) == REMARK
    assert that_rows_show(REMARK.replace("31 January", "12 January"), answer, material) == ""
    bare = replace(
        material, narratives=[replace(one, found_on=None) for one in material.narratives]
    )
    assert that_rows_show(REMARK, answer, bare) == ""


@pytest.mark.parametrize(
    ("day", "words"),
    [(1, 0), (2, 1), (20, 1), (28, 1), (60, 1)],
    ids=["first day", "second", "middle", "last", "after"],
)
def test_the_chart_shades_the_days_before(day, words):
    days = [date(2026, 1, number) for number in range(1, 29)]
    share = [0.1] * len(days)
    when = date.fromordinal(days[0].toordinal() + day - 1)
    svg = intensity_chart(days, share, share, share, name="N", found=when)
    # The tip of the field, and words on the side that has room.
    assert svg.count(": tagged afterwards</title>") == words
    assert svg.count(">tagged afterwards<") + svg.count(">← tagged afterwards<") == words
    assert intensity_chart(days, share, share, share, name="N").count("tagged") == 0
