"""Rows of intensity: never rewritten, fairly compared after an upgrade, and kept by day."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from store import Store
from store.frames import domains
from store.instants import from_text
from store.records import IntensityDay, IntensityPoint, Narrative, Source
from tests.worlds import years

NOW = datetime(2026, 2, 2, 22, tzinfo=UTC)
DAY = date(2026, 2, 2)
POINT = IntensityPoint(
    narrative_id="a",
    day=DAY,
    stories=3,
    effective_n=40.0,
    share=0.1,
    share_low=0.05,
    share_high=0.2,
    zscore=1.25,
    innovation=None,
    favor=3,
    against=0,
    neutral=0,
    net_stance=0.6,
    disagreement=0.0,
    novelty=1.0,
    reach=4,
    share_corrected=0.09,
    corrected_low=0.03,
    corrected_high=0.2,
    correction="ok",
    share_linked=0.08,
    burst=0,
)


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "t.db", create=True) as opened:
        opened.narratives.sync([Narrative(id="a", name="A", proposition="A holds.")], "t.v1")
        yield opened


def _add(store, point, hours=0):
    run = store.runs.begin("align", now=NOW + timedelta(hours=hours))
    with store.transaction():
        return store.results.add_intensity(
            [point], seen_at=NOW + timedelta(hours=hours), run_id=run.id
        )


def _rows(store):
    return [tuple(row) for row in store.db.execute("SELECT * FROM intensity ORDER BY seen_at")]


def test_a_later_value_is_a_new_row_and_the_first_stays(store):
    assert _add(store, POINT) == 1
    first = _rows(store)
    assert _add(store, POINT, hours=1) == 0
    assert _add(store, replace(POINT, share_linked=0.07), hours=2) == 1
    assert _rows(store)[:1] == first
    assert len(_rows(store)) == 2
    assert store.frames.intensity()["share_linked"].tolist() == [0.07]


def test_a_row_from_before_the_new_columns_is_not_added_again(store):
    _add(store, POINT)
    names = (
        "share_corrected",
        "corrected_low",
        "corrected_high",
        "correction",
        "share_linked",
        "burst",
    )
    store.db.execute(f"UPDATE intensity SET {', '.join(f'{name} = NULL' for name in names)}")
    assert _add(store, POINT, hours=1) == 0
    assert _add(store, replace(POINT, share=0.11), hours=2) == 1, "what it had has changed"
    assert _add(store, replace(POINT, share=0.11, correction="clipped"), hours=3) == 1


def test_whatever_is_written_of_a_document_is_noted(tmp_path):
    """New, labelled, compared, copied, withdrawn: the earliest of them is what is kept."""
    with Store.open(tmp_path / "touched.db", create=True) as store:
        years.fill(store, years.twelve()[:2], sessions=3, per_day=2, sources=1)
        results, first, *_ = store.results, *store.frames.collected()["effective_at"]
        assert results.touched_since() == first
        named = store.db.execute("SELECT id, effective_at FROM documents ORDER BY 2 DESC LIMIT 2")
        (last, at), (other, earlier) = named.fetchall()
        changes = [
            ("UPDATE documents SET withdrawn_at = ? WHERE id = ?", [at, last], at),
            ("UPDATE documents SET duplicate_of = ? WHERE id = ?", [other, last], at),
            ("UPDATE documents SET effective_at = ? WHERE id = ?", [earlier, last], earlier),
            ("UPDATE documents SET effective_at = ? WHERE id = ?", [at, last], earlier),
            ("INSERT INTO novelty (document_id, model) VALUES (?, 'm')", [other], earlier),
            (
                "INSERT OR REPLACE INTO taggings SELECT * FROM taggings WHERE document_id = ?",
                [other],
                earlier,
            ),
        ]
        for sql, values, expected in changes:
            results.seen()
            assert results.touched_since() is None
            store.db.execute(sql, values)
            assert results.touched_since() == from_text(expected), sql
        store.db.execute("UPDATE documents SET title = 'x' WHERE id = ?", [last])
        assert results.touched_since() == from_text(earlier), "the earlier one stays"
        results.seen()
        store.db.execute("UPDATE documents SET engagement = '{}'")
        assert results.touched_since() is None, "counts of likes are no news"


def test_days_come_back_as_they_were_kept(store):
    days = [
        IntensityDay(
            day=DAY + timedelta(days=one),
            digest=f"d{one}",
            points=[replace(POINT, day=DAY + timedelta(days=one))],
            carried={"errors.all": [0.1 + 0.2, None]},
        )
        for one in range(3)
    ]
    store.results.keep_days(days)
    assert store.results.intensity_days() == {one.day: one for one in days}
    store.results.keep_days([replace(days[1], digest="new")])
    assert list(store.results.intensity_days()) == [days[0].day, days[1].day]
    store.results.keep_days([])
    (text,) = store.db.execute("SELECT content FROM intensity_days LIMIT 1").fetchone()
    other = json.dumps({**json.loads(text), "columns": ["narrative_id"]})
    store.db.execute("UPDATE intensity_days SET content = ?", [other])
    assert store.results.intensity_days() == {}, "of another version"


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.desk.example/a?b=c", "desk.example"),
        ("HTTPS://News.BBC.co.uk/x", "bbc.co.uk"),
        ("https://user:key@a.b.farm.io:8443/p", "farm.io"),
        ("https://www.ft.de/x", "ft.de"),
        ("http://x.com", "x.com"),
        ("http://192.168.1.5/feed", "192.168.1.5"),
        ("http://localhost/feed", None),
        ("at://did:plc:abc/post", None),
        (None, None),
        ("no address", None),
    ],
)
def test_domain_of_an_address(url, domain):
    (found,) = domains(pd.Series([url], dtype=object))
    assert found == domain if domain else pd.isna(found)


def test_files_that_each_run_got(store):
    store.sources.sync(
        [
            Source(id="bulk", kind="gdelt", url="http://bulk.example/"),
            Source(id="feed", kind="feed", url="http://feed.example/"),
        ]
    )
    list_ = "http://bulk.example/lastupdate.txt"
    answers = [
        ("bulk", list_, "ok"),
        *(("bulk", f"http://bulk.example/2026020200{q}00.gkg.csv.zip", "ok") for q in ("00", "15")),
        ("bulk", "http://bulk.example/20260202003000.gkg.csv.zip", "client_error"),
        ("feed", "http://feed.example/1.gkg.csv.zip", "ok"),
    ]
    for hours, rows in ((0, answers), (24, [("bulk", list_, "ok")])):
        run = store.runs.begin("crawl", now=NOW + timedelta(hours=hours))
        at = f"2026-02-0{2 + hours // 24}T20:30:00Z"
        store.db.conn.executemany(
            "INSERT INTO fetches (run_id, source_id, url, outcome, bytes, seconds, fetched_at)"
            " VALUES (?, ?, ?, ?, 1, 0.1, ?)",
            [(run.id, *row, at) for row in rows],
        )
    found = store.frames.bulk_files()
    assert found[["source_id", "got"]].to_numpy().tolist() == [["bulk", 2], ["bulk", 0]]
    assert found["fetched_at"].dt.day.tolist() == [2, 3]


def test_nothing_is_known_of_the_tagger_until_it_is_measured(store):
    assert store.frames.rates().empty
    assert "false_positives" in store.frames.rates()
