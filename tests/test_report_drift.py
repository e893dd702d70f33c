"""How the telling of narratives moved, in the weekly report: what is sure, and as of the week."""

import pytest

from api.report import build_report, render_html
from api.report.drift import holm
from store import Store
from tests.report_topics import NOW, built, paper, write


@pytest.fixture(scope="module")
def shared(topics_path):
    with Store.open(topics_path, read_only=True) as store:
        yield store


@pytest.fixture(scope="module")
def report(shared):
    return build_report(shared, "2026-W05", now=NOW)


@pytest.fixture
def own(topics_path, tmp_path):
    copy = tmp_path / "own.db"
    copy.write_bytes(topics_path.read_bytes())
    with Store.open(copy) as store:
        yield store


def test_nothing_moved_beyond_chance(report):
    (said,) = report.leads.drift
    assert said.startswith("Of 6 comparisons (a narrative’s words, names or outlets, 4 Jan 2026")
    assert "none moved beyond what chance among so many would do" in said
    assert said.endswith("3 could not be made, for too few stories.")
    assert report.drift.moved == []


def test_a_narrative_that_drifted_says_in_what(own):
    write(own, "UPDATE narrative_drift SET pvalue = 0.001 WHERE kind = 'entity' AND pvalue < 1")
    made = built(own)
    assert "2 moved beyond chance" in made.leads.drift[0]
    assert {one.drift.kind for one in made.drift.moved} == {"entity"}
    assert [one.pvalue_adj for one in made.drift.moved] == pytest.approx([0.006, 0.006])
    first = made.drift.moved[0]
    assert first.said == (
        f"“{first.name}”, names (of 21 → {first.drift.stories} stories): “Gold ETF” (2 → 9) rose."
    )
    assert first.said.removesuffix(".") in render_html(made).replace("\u00a0", " ")
    assert "Gold ETF” (2 → 9)" in paper(made)


def test_only_terms_that_are_sure_are_named(own):
    write(own, "UPDATE narrative_drift SET pvalue = 0.001 WHERE pvalue < 1")
    write(own, "UPDATE drift_terms SET pvalue_adj = 0.2 WHERE kind = 'word'")
    write(own, "UPDATE drift_terms SET pvalue_adj = 0.01 WHERE kind = 'outlet'")
    said = {one.drift.kind: str(one.said) for one in built(own).drift.moved}
    assert "“auction” (8 → 1) fell, none of them beyond chance alone" in said["word"]
    assert "“auction” (8 → 1) fell" in said["outlet"]
    assert "auction" not in said["entity"]


def test_an_outlet_has_its_name(own):
    write(own, "UPDATE narrative_drift SET pvalue = 0.001 WHERE kind = 'outlet' AND pvalue < 1")
    write(own, "UPDATE drift_terms SET term = 'tape-talk' WHERE term = 'wire'")
    assert "“Tape Talk” (2 → 9) rose" in built(own).drift.moved[0].said


def test_drift_of_a_later_day_is_not_looked_at(shared):
    made = built(shared, "2026-W04")
    assert made.drift.day is None
    assert "was not compared on a day of this week" in made.leads.drift[0]


def test_no_narrative_may_have_stories_enough(own):
    write(own, "UPDATE narrative_drift SET pvalue = NULL, divergence = NULL")
    assert built(own).leads.drift == [
        "No narrative has stories enough in both windows to be compared."
    ]


def test_holm_agrees_with_a_worked_example():
    # Holm (1979) by hand: 4 x 0.005, 3 x 0.01, 2 x 0.03, and 0.04 that may not be below it.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
