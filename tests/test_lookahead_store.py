"""What the store has shown for a day, and what it says of that day weeks later."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pandas as pd
import pytest

from align import align, check, explain
from nlp.claims import find_claims
from store import Store
from store.records import Entity
from store.results import document_of as as_json
from store.weeks import Weeks
from tests import align_world
from tests.align_store import bars_of, document_of, fill
from tests.lookahead import worlds

WORLDS = worlds(sessions=80, weeks=4)
THEN = WORLDS.early.inputs.now
LATER = align_world.NOW
RESULTS = ("intensity", "alignments", "explanations", "moves", "suspects", "analogs")


def _fill(store, known, since=None):
    """Store what became known after ``since``, as a night of that time would have."""
    stories, prices, copies = known.stories, known.prices, known.copies
    if since is not None:
        stories = stories[stories["effective_at"] > since]
        prices = prices[prices["known_at"] > since]
        copies = copies[copies["effective_at"] > since]
    again = [_copy(row) for row in copies.to_dict("records")]
    fill(store, stories, known.labels, prices, now=known.now, copies=again)


def _copy(row):
    """Return a copy of a story, in the name of another source."""
    name = f"{row['document_id']}-{row['effective_at']:%Y%m%d%H%M}"
    same = document_of({**row, "document_id": name, "source_id": "source-4", "title": "Copy"})
    return replace(same, duplicate_of=row["document_id"])


def _rows(store, table, where="1"):
    query = f"SELECT * FROM {table} WHERE {where} ORDER BY 1, 2, 3"
    return [dict(row) for row in store.db.query(query)]


def _without_run(rows):
    return [{name: value for name, value in row.items() if name != "run_id"} for row in rows]


def _frames(store):
    """Return the frames up to T that later data may not change."""
    frames, moment = store.frames, pd.Timestamp(THEN)
    # How often a story was copied grows: `align` counts what was out by its close.
    found = {
        "stories": frames.stories().drop(columns="copies"),
        "labels": frames.labels(),
        "collected": frames.collected(),
        "stamps": frames.stamps(),
        "copies": frames.copies(),
    }
    found = {name: frame[frame["effective_at"] <= moment] for name, frame in found.items()}
    found["prices"] = frames.prices(known_by=THEN)
    return {name: frame.to_csv(index=False) for name, frame in found.items()}


def _week(store):
    """Return the tables of the weekly report and of the pages for the week that ended at T."""
    end = THEN.replace(hour=0)
    start = end - timedelta(days=7)
    days = (start.date().isoformat(), WORLDS.early.until.isoformat())
    weeks, series = Weeks(store.db), store.pages.series
    outlets = [(row["id"], row["documents"], row["stories"]) for row in weeks.outlets(start, end)]
    return {
        "outlets": sorted(row for row in outlets if row[1]),
        "taggings": weeks.taggings(start, end),
        "sessions": weeks.sessions(start.date(), WORLDS.early.until),
        "days": [day for day in weeks.data_days() if day <= WORLDS.early.until],
        "closes": weeks.closes(start.date(), WORLDS.early.until - timedelta(days=1)),
        "intensity": series.intensity(days),
    }


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Return what was shown at T, and the store four weeks later."""
    path = tmp_path_factory.mktemp("lookahead") / "a.db"
    with pytest.MonkeyPatch.context() as patch, Store.open(path, create=True) as store:
        # Twelve days are as good as forty, and quicker.
        patch.setattr("align.explanation.RECENT_SESSIONS", 8)
        patch.setattr("align.explanation.LARGEST_MOVES", 4)
        _fill(store, WORLDS.early.inputs)
        align(store, now=THEN)
        shown = {table: _rows(store, table) for table in RESULTS}
        frames, week = _frames(store), _week(store)
        _fill(store, WORLDS.late.inputs, since=pd.Timestamp(THEN))
        align(store, now=LATER)
        yield store, shown, frames, week


def test_the_store_keeps_what_was_seen(told):
    store, shown, _, _ = told
    seen = f"seen_at <= '{THEN:%Y-%m-%dT%H:%M:%SZ}'"
    assert _rows(store, "intensity", seen) == shown["intensity"]
    # Nor was any of those days printed a second time with another value.
    assert _rows(store, "intensity", f"day <= '{WORLDS.early.until}'") == shown["intensity"]
    assert len(_rows(store, "intensity")) > len(shown["intensity"])


def test_frames_and_the_week_that_is_over_stay(told):
    store, _, frames, week = told
    assert _frames(store) == frames
    assert _week(store) == week
    assert len(week["sessions"]) >= 4
    assert week["outlets"]
    assert week["intensity"]


def test_a_past_day_is_explained_as_it_was_then(told):
    store, shown, _, _ = told
    assert len(shown["explanations"]) >= 10
    for row in shown["explanations"][::3]:
        again = explain(store, datetime.fromisoformat(row["date"]).date(), now=THEN)
        assert as_json(again) == json.loads(row["document"])
        assert any(suspect.quotes for suspect in again.suspects)


def test_a_claim_is_checked_as_it_was_then(told):
    """Without ``now``: a past day is asked about on the tape of that day."""
    store, shown, _, _ = told
    days = [(datetime.fromisoformat(row["date"]).date(), 1) for row in shown["explanations"][::6]]
    claims = find_claims("Gold plummeted. Almost all assets plummeted. Bitcoin remains low.")
    then, later = (check(store, claims, days, now=at) for at in (THEN, None))
    assert then == later
    assert {one.verdict for one in then} >= {"supported", "contradicted"}


def test_a_replay_of_a_past_night_equals_what_was_stored(told, tmp_path):
    """``align --as-of T`` on all that is stored today writes what the night of T wrote."""
    store, shown, _, _ = told
    copy = tmp_path / "replay.db"
    store.db.execute("VACUUM INTO ?", [str(copy)])
    with Store.open(copy) as replay:
        for table in (*reversed(RESULTS), "stamp_checks", "intensity_days", "confirmations"):
            replay.db.execute(f"DELETE FROM {table}")
        align(replay, now=THEN)
        for table in RESULTS:
            assert _without_run(_rows(replay, table)) == _without_run(shown[table]), table


def test_a_restated_price_and_a_revised_text_leave_what_was_seen(told, tmp_path):
    """Prices have vintages; labels have none, so a revision is seen in the recomputed rows."""
    store, shown, _, _ = told
    copy = tmp_path / "restated.db"
    store.db.execute("VACUUM INTO ?", [str(copy)])
    day = WORLDS.early.market.closes.index[-45]
    with Store.open(copy) as changed:
        run = changed.runs.begin("import", now=LATER)
        rows = WORLDS.late.inputs.prices
        rows = rows[(rows["date"] == day) & rows["asset_id"].isin(["SPY", "GLD"])]
        with changed.transaction():
            bars = [replace(bar, close=bar.close * 1.2) for bar in bars_of(rows.to_dict("records"))]
            changed.prices.add(bars, run.id, revised_at=LATER - timedelta(hours=1))
        before, after = (explain(changed, day.date(), now=at) for at in (THEN, LATER))
        assert as_json(before) == as_json(explain(store, day.date(), now=THEN))
        assert before.moves != after.moves
        story = WORLDS.early.inputs.stories.iloc[-30]["document_id"]
        with changed.transaction():
            changed.documents.revise(
                story, title="Another", text="Another text.", content_hash="x", seen_at=LATER,
                is_partial=False,
            )  # fmt: skip
        align(changed, now=LATER)
        seen = f"seen_at <= '{THEN:%Y-%m-%dT%H:%M:%SZ}'"
        assert _rows(changed, "intensity", seen) == shown["intensity"]


def test_suspect_stamps_leave_leads_untested(tmp_path, monkeypatch):
    """Titles that state tomorrow's moves: the checks say so, and no lead has a p-value."""
    monkeypatch.setattr("align.run.days_to_explain", lambda world, first: [])
    known = WORLDS.late.inputs
    moves = WORLDS.late.market.moves(1)["GLD"].shift(-1)
    titles = []
    for at in WORLDS.late.calendar.assign(known.stories["effective_at"]):
        move = moves.get(pd.Timestamp(at), 0.0)
        titles.append("Gold plunges" if move < -1 else "Gold soars" if move > 1 else "No news")
    with Store.open(tmp_path / "b.db", create=True) as store:
        _fill(store, replace(known, stories=known.stories.assign(title=titles)))
        run = store.runs.begin("tag", now=LATER)
        with store.transaction():
            for document_id in known.stories["document_id"]:
                gold = Entity(
                    document_id=document_id, text="Gold", label="asset", asset_id="GLD", count=1
                )
                store.db.execute(
                    "INSERT INTO entities (document_id, text, label, asset_id, count)"
                    " VALUES (?, ?, ?, ?, ?)",
                    [document_id, gold.text, gold.label, gold.asset_id, gold.count],
                )
            run.finish(now=LATER)
        report = align(store, now=LATER)
        assert report.counts["stamp_checks"] > 0
        (whole,) = [one for one in store.stamp_checks.all() if one.source_id is None]
        assert whole.check == "ahead_of_moves"
        assert whole.flagged
        leads = _rows(store, "alignments", "lag > 0")
        assert {row["method"] for row in leads} == {"not tested: stamps suspect"}
        assert all(row["pvalue"] is None for row in leads)
        store.db.execute("UPDATE runs SET settings = '{}' WHERE stage = 'align'")
        assert align(store, now=LATER).counts["stamp_checks"] == 0, "written only when changed"
