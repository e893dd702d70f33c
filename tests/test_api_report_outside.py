"""Stories and words that the list of narratives does not cover."""

from datetime import UTC, datetime, timedelta
from statistics import NormalDist

import pytest

from api.report import build_report, check, render_html, render_json, render_markdown
from api.report.outside import CAP, LEAST_TOTAL, compare
from api.report.quality import lag_of
from nlp.headlines import words_of
from store import Store
from store.weeks import Weeks
from tests.sample_store import populated_store

NOW = datetime(2026, 2, 1, tzinfo=UTC)
START = datetime(2026, 1, 23, 21, tzinfo=UTC)


def stories(heading, number, *, week=0, source=None, first=0):
    """Return stories of different sources, ``week`` weeks before this one."""
    return [
        {
            "heading": heading,
            "source_id": source or f"s{first + n}",
            "effective_at": START + timedelta(hours=n % 90 + 1) - timedelta(weeks=week),
        }
        for n in range(number)
    ]


def background(week):
    return [row for n in range(12) for row in stories(f"talk{n} banana", 8, week=week, first=9 * n)]


def test_a_word_that_rose_in_many_sources_is_first():
    now = [*background(0), *stories("volcano erupts", 12)]
    before = [row for week in (1, 2, 3, 4) for row in background(week)]
    first, *rest = compare(now, before, start=START)
    assert first.word in ("erupts", "volcano")
    assert (first.stories, first.before, first.sources) == (12, 0, 12)
    assert first.pvalue_adj < 0.05
    assert rest[-1].pvalue > 0.5


def test_one_source_cannot_make_a_word_rise():
    now = [*background(0), *stories("volcano erupts", 40, source="loud")]
    before = [row for week in (1, 2, 3, 4) for row in background(week)]
    found = {one.word: one for one in compare(now, before, start=START)}
    assert "volcano" not in found or not found["volcano"].is_shown
    now += stories("volcano erupts", 2)
    (one,) = [one for one in compare(now, before, start=START) if one.word == "volcano"]
    assert one.stories == CAP + 2


def test_the_statistic_is_that_of_the_paper():
    now, before = stories("volcano", 8) + stories("else", 92), stories("volcano", 4, week=1)
    before += stories("else", 296, week=1)
    (one,) = [x for x in compare(now, before, start=START) if x.word == "volcano"]
    # Monroe et al. (2008), eq. 15, 16 and 22, by hand: 8 of 100 and 4 of 300 stories, prior 3 of
    # 100: ln(11 / 189) - ln(7 / 393) = 1.18408 over sqrt(1 / 11 + 1 / 7) = 0.48350.
    assert one.zscore == pytest.approx(1.18408 / 0.48350, abs=1e-4)
    assert one.pvalue == pytest.approx(1 - NormalDist().cdf(2.44898), abs=1e-4)


def test_words_are_tested_whatever_their_direction():
    now = [*stories("rain", 20), *stories("snow", 2)]
    before = [*stories("rain", 20, week=1), *stories("snow", 20, week=1)]
    found = {one.word: one for one in compare(now, before, start=START)}
    assert found.keys() == {"rain", "snow"}
    assert all(one.stories + one.before >= LEAST_TOTAL for one in found.values())
    assert [one.pvalue_adj for one in found.values()] == sorted(
        one.pvalue_adj for one in found.values()
    )


def test_without_a_week_before_nothing_can_have_risen():
    assert compare(stories("volcano", 9), [], start=START) == []
    assert compare([], stories("volcano", 9, week=1), start=START) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The volcano’s ash over Iceland in January 2026", {"volcano", "ash", "iceland"}),
        ("黄金价格", {"黄金", "金价", "价格"}),
        ("<script>alert(1)</script>", {"script", "alert"}),
        ("", set()),
        ("42 1,000 %", set()),
    ],
)
def test_words_of_a_headline(text, wanted):
    assert words_of(text) == wanted


# -- in the report -------------------------------------------------------------------


@pytest.fixture
def store(tmp_path):
    populated_store(tmp_path / "sample.db")
    with Store.open(tmp_path / "sample.db") as opened:
        yield opened


def unlabel(store, where):
    store.db.execute(f"DELETE FROM labels WHERE document_id IN (SELECT id FROM documents {where})")
    store.db.conn.commit()


def test_a_story_without_a_narrative_surfaces(store):
    unlabel(store, "WHERE duplicate_of IS NOT NULL OR id IN (SELECT duplicate_of FROM documents)")
    report = build_report(store, "2026-W05", now=NOW)
    check(report, store, now=NOW)
    (one, *_) = report.outside.told
    assert one.copies == 2
    assert one.title in render_html(report).replace("&#39;", "'")
    assert "Copied most" in render_html(report)
    assert one.title.split(",")[0] in render_markdown(report)
    assert render_json(report)["outside"]["told"][0]["document_id"] == one.document_id
    assert "carry no narrative of the list" in report.leads.outside[0]


def test_every_story_may_carry_one(store):
    report = build_report(store, "2026-W05", now=NOW)
    assert report.outside.stories == 0
    assert "every labelled story" in report.leads.outside[0].lower()


def test_copies_count_until_the_end_of_the_week_alone(store):
    unlabel(store, "")
    start, end = START, START + timedelta(days=7)
    found = {row["id"]: row for row in Weeks(store.db).uncovered(start, end)}
    assert max(row["copies"] for row in found.values()) == 2
    assert {row["sources"] for row in found.values() if row["copies"] == 2} <= {1, 2}
    early = Weeks(store.db).uncovered(start, start + timedelta(minutes=1))
    assert all(row["copies"] == 1 for row in early)


# -- how late, and who fell silent ---------------------------------------------------


def test_the_lag_is_from_publication_to_first_sight(store):
    report = build_report(store, "2026-W05", now=NOW)
    assert report.quality.lag is not None
    assert report.quality.lag.median == pytest.approx(1 / 3)
    assert all(outlet.lag is None or outlet.lag.p90 >= outlet.lag.median
               for outlet in report.quality.outlets)  # fmt: skip
    assert "a median of 0.3 hours" in " ".join(report.leads.quality)


def test_an_archive_has_no_lag(store):
    store.db.execute("UPDATE documents SET date_source = 'import'")
    store.db.conn.commit()
    report = build_report(store, "2026-W05", now=NOW)
    check(report, store, now=NOW)
    assert report.quality.lag is None
    assert "cannot be said" in " ".join(report.leads.quality)


def test_median_and_ninetieth_percentile():
    assert lag_of([]) is None
    one = lag_of([2.0])
    assert one is not None
    assert (one.median, one.p90) == (2.0, 2.0)
    many = lag_of([float(n) for n in range(1, 12)])
    assert many is not None
    assert (many.documents, many.median, many.p90) == (11, 6.0, 10.0)


def test_a_source_that_fell_silent_is_named(store):
    store.db.execute(
        "UPDATE documents SET source_id = 'desk-notes', entry_key = id"
        " WHERE source_id = 'tape-talk' AND effective_at >= '2026-01-23T21:00:00Z'"
    )
    store.db.conn.commit()
    report = build_report(store, "2026-W05", now=NOW)
    check(report, store, now=NOW)
    assert [one.id for one in report.quality.quiet] == ["tape-talk"]
    assert "1 source heard in the weeks before gave nothing" in " ".join(report.leads.quality)
    assert "Gone quiet" in render_html(report)
    assert "Tape Talk" in render_markdown(report)
