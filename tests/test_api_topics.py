"""The pages of discovered topics, and what other pages say of them."""

import asyncio
import csv
import io
import re
import sqlite3
from datetime import date, timedelta

import pytest
from sqlite_utils import Database

from api.browse.app import make_datasette
from api.browse.topics import grouped, weekly
from api.charts import topic_chart
from api.topic_words import RULES
from store import Store
from store.migrations import migrations
from store.publish import snapshot_path
from tests.sample_store import populated_store
from tests.sample_topics import DAYS, HOSTILE_LABEL, TOPICS
from tests.sample_world import HOSTILE_TITLE
from tests.test_api_browse_hostile import Inert

CANDIDATE, ACCEPTED, WEAK, FADING, BACKGROUND, MERGED = (topic for topic, _ in TOPICS)


def pages_of(path):
    datasette = make_datasette(path)
    return lambda address: asyncio.run(datasette.client.get(address))


@pytest.fixture(scope="module")
def path(topics_path):
    return topics_path


@pytest.fixture(scope="module")
def site(path):
    return pages_of(snapshot_path(path))


@pytest.fixture
def own(path, tmp_path):
    """Give a copy of the store that a test may change, and its pages."""
    copy = tmp_path / "own.db"
    copy.write_bytes(path.read_bytes())
    return copy


def change(path, *statements):
    with Store.open(path) as store, store.transaction():
        for sql, *values in statements:
            store.db.execute(sql, values)
    return pages_of(path)


def text_of(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page.text).split())


def section(page, name):
    found = re.search(rf'<section id="{name}".*?</section>', page.text, re.DOTALL)
    assert found, name
    return " ".join(re.sub(r"<[^>]+>", " ", found[0]).split())


# -- all of them ---------------------------------------------------------------------------


def test_topics_stand_in_the_group_that_a_reader_looks_for(site):
    data = site("/topics.json").json()
    groups = ("candidates", "moving", "weak", "decided", "steady", "background")
    assert {name: [one["id"] for one in data[name]] for name in groups} == {
        "candidates": [CANDIDATE.id],
        "moving": [FADING.id],
        "weak": [WEAK.id],
        "decided": [ACCEPTED.id],
        "steady": [],
        "background": [BACKGROUND.id],
    }
    assert data["candidates"][0]["series"] == [
        ["2026-01-17", 2], ["2026-01-24", 5], ["2026-01-31", 12],
    ]  # fmt: skip
    page = site("/topics")
    places = [page.text.index(f'id="{name}"') for name in groups if name != "steady"]
    assert places == sorted(places)
    assert page.text.index("<details>") > page.text.index('id="decided"')


def test_the_page_says_what_a_topic_is_and_how_the_last_run_went(site):
    said = text_of(site("/topics"))
    for words in (
        "A topic is discovered",
        "Tue 23 Dec 2025 to Sat 31 Jan 2026",
        "Residual 48 of 60 stories (80 %)",
        "In groups 32 67 % of them",
        "Reassigned 11 23 %",
        "Outside 5 10 %",
        "Agreement 0.84",
        "Kept ids 98.5 %",
        "1 candidate waits for a person",
    ):
        assert words in said, words


def test_a_candidate_has_its_counts_and_one_headline(site):
    said = section(site("/topics"), "candidates")
    for words in (
        "19 stories from 2 sources on 6 days: 12 in the last 7 days, 7 in the 33 days",
        "10.9 % of all stories",
        "emerging proposed Sat 31 Jan",
        "Harbour Letter",
    ):
        assert words in said, words
    assert "lacks" not in said


def test_a_weak_signal_never_stands_without_its_count(site):
    said = section(site("/topics"), "weak")
    assert "21 stories from 4 sources, 12 in the last 7 days; lacks: stories, sources" in said


def test_a_candidate_that_meets_a_rule_no_more_says_so(own):
    site = change(own, ('UPDATE topic_weeks SET lacks = \'["sources", "new_rule"]\'',))
    assert "Now lacks: sources, new rule." in section(site("/topics"), "candidates")
    rules = site(f"/topic/{CANDIDATE.id}.json").json()["rules"]
    assert [(one["rule"], one["value"]) for one in rules if not one["met"]] == [
        ("sources", 2), ("new_rule", None),
    ]  # fmt: skip
    assert len(rules) == len(RULES) + 1


def test_a_candidate_that_is_told_no_more_is_folded_away(own):
    get = change(
        own, ("UPDATE topic_weeks SET trend = 'quiet' WHERE topic_id = ?", TOPICS[0][0].id)
    )
    page = get("/topics")
    waiting = section(page, "candidates")
    assert "Candidates: 1" in waiting
    assert "Not told in the last 7 days: 1" in waiting
    assert TOPICS[0][0].label in waiting
    assert '<article class="card">' not in page.text


def test_a_long_group_is_cut_but_counted_whole(own, monkeypatch):
    monkeypatch.setattr("api.browse.topics.MOST", 1)
    site = change(own, ("UPDATE topics SET status = 'candidate' WHERE status = 'watched'",))
    data = site("/topics.json").json()
    assert (len(data["candidates"]), data["totals"]["candidates"]) == (1, 3)
    assert "3 candidates wait" in text_of(site("/topics"))


def test_what_was_accepted_leads_to_its_narrative_once_that_is_stored(own, site):
    assert "the narrative grid-power , not tagged yet" in section(site("/topics"), "decided")
    assert "/narrative/grid-power" not in site("/topics").text
    changed = change(own, ("UPDATE topics SET narrative_id = 'tariffs' WHERE id = ?", ACCEPTED.id))
    assert 'href="/narrative/tariffs"' in changed("/topics").text
    came = text_of(changed("/narrative/tariffs"))
    assert f"Came from the topic {ACCEPTED.label} , accepted Sun 25 Jan 2026" in came
    assert "Came from" not in text_of(site("/narrative/tariffs"))


def test_nothing_proposed_is_said_plainly(own):
    site = change(own, ("UPDATE topics SET status = 'watched' WHERE status = 'candidate'",))
    assert "Nothing is proposed: no topic meets every rule" in text_of(site("/topics"))
    assert "0 candidates wait" in text_of(site("/topics"))


def test_every_language_has_its_run(own):
    columns = (
        "start, stories, residual, core, reassigned, outliers, topics, agreement, kept, npmi,"
        " diversity, model, seed, run_id"
    )
    site = change(
        own,
        (f"INSERT INTO discoveries (day, language, {columns}) SELECT '2026-01-24', 'zh', {columns}"
         " FROM discoveries WHERE day = '2026-01-31'",),
        ("UPDATE topics SET language = 'zh' WHERE id = ?", FADING.id),
    )  # fmt: skip
    data = site("/topics.json").json()
    assert [(run["language"], run["day"]) for run in data["runs"]] == [
        ("en", "2026-01-31"), ("zh", "2026-01-24"),
    ]  # fmt: skip
    assert [one["id"] for one in data["moving"]] == [FADING.id]
    assert "language zh" in text_of(site("/topics"))


# -- one of them ---------------------------------------------------------------------------


def test_a_topic_shows_what_it_is_and_what_can_be_done(site):
    page = site(f"/topic/{CANDIDATE.id}")
    said = text_of(page)
    for words in (CANDIDATE.label, CANDIDATE.id, "First seen Sat 10 Jan 2026",
                  "proposed Sat 31 Jan 2026", f"tapestory topics accept DB {CANDIDATE.id}",
                  f"tapestory topics dismiss DB {CANDIDATE.id}", "8 stories, the newest first",
                  "0.004"):  # fmt: skip
        assert words in said, words
    assert page.text.index('id="quotes"') < page.text.index('id="stories"')
    for word, _ in CANDIDATE.words:
        assert f">{word}</a>" in page.text


def test_the_numbers_of_the_chart_stand_in_a_table(site):
    data = site(f"/topic/{CANDIDATE.id}.json").json()
    said = section(site(f"/topic/{CANDIDATE.id}"), "weeks")
    assert [week["day"] for week in data["weeks"]] == [day.isoformat() for day in DAYS]
    for week in data["weeks"]:
        assert f"{week['trend']} {week['stories']} {week['reassigned']} {week['sources']}" in said
    assert site(f"/topic/{CANDIDATE.id}").text.count("Stories in the window that ends") == 2


def test_what_was_decided_or_merged_offers_no_command_that_does_nothing(site, own):
    accepted = text_of(site(f"/topic/{ACCEPTED.id}"))
    assert "It became the narrative grid-power , which is not tagged yet" in accepted
    assert "topics accept" not in accepted
    assert "topics dismiss" not in accepted
    merged = text_of(site(f"/topic/{MERGED.id}"))
    assert "It is part of chip export rules" in merged
    assert "topics accept" not in merged
    dismissed = text_of(
        change(own, ("UPDATE topics SET status = 'dismissed', decided_at = '2026-01-30T09:00:00Z'"
                     " WHERE id = ?", CANDIDATE.id))(f"/topic/{CANDIDATE.id}")
    )  # fmt: skip
    assert "topics accept" in dismissed
    assert "topics dismiss" not in dismissed


def test_changes_are_a_dated_list(site):
    said = section(site(f"/topic/{BACKGROUND.id}"), "changes")
    assert "Sat 31 Jan 2026: cocoa harvest blight futures t-2026W04-03 is new and lies near" in said
    assert "became part of this topic cosine 0.88, 9 stories in both" in said


def test_core_and_reassigned_are_told_apart(site):
    data = site(f"/topic/{WEAK.id}.json").json()
    said = section(site(f"/topic/{WEAK.id}"), "stories")
    # Two mentions of each are in the note above the list.
    assert said.count("reassigned") - 1 == sum(not row["is_core"] for row in data["stories"])
    assert data["total"] == len(data["stories"]) == 8


def test_stories_turn_pages(own):
    site = change(own, ("UPDATE topic_documents SET topic_id = ?", CANDIDATE.id))
    first, second, beyond = (
        site(f"/topic/{CANDIDATE.id}.json?page={page}").json() for page in ("x", "2", "99")
    )
    assert (first["page"], first["pages"], first["total"]) == (1, 2, 48)
    assert second == beyond
    ids = [row["id"] for row in (*first["stories"], *second["stories"])]
    assert len(ids) == len(set(ids)) == 48
    page = site(f"/topic/{CANDIDATE.id}?page=2").text
    assert 'rel="prev" href="?page=1#stories"' in page
    assert '<ol class="stories" start="31">' in page


def test_an_unknown_topic_names_those_that_are_near(site):
    page = site("/topic/t-2026W03-99")
    assert page.status_code == 404
    assert f'href="/topic/{CANDIDATE.id}"' in page.text
    refused = site("/topic/t-2026W03-99.json")
    assert refused.status_code == 404
    assert refused.json()["error"].startswith("There is no topic 't-2026W03-99'. These have")


def test_a_topic_that_the_last_run_did_not_find_says_of_when_its_figures_are(own):
    site = change(own, ("DELETE FROM topic_weeks WHERE day = '2026-01-31'",))
    said = text_of(site(f"/topic/{FADING.id}"))
    assert "found no story of it: these are the figures of Sat 24 Jan 2026" in said
    bare = change(own, ("DELETE FROM topic_weeks",))
    assert "No window holds it." in text_of(bare(f"/topic/{FADING.id}"))
    assert "No window holds it any more." in text_of(bare("/topics"))


# -- other pages ---------------------------------------------------------------------------


def test_the_first_page_names_what_is_new(site, own):
    data = site("/home.json").json()["topics"]
    assert [one["id"] for one in data["listed"]] == [CANDIDATE.id, WEAK.id]
    said = text_of(site("/"))
    assert f"{CANDIDATE.label} candidate 19 stories from 2 sources, 12 in the last 7 days" in said
    old = change(
        own,
        ("UPDATE topics SET proposed_on = '2026-01-24' WHERE id = ?", CANDIDATE.id),
        ("UPDATE topic_weeks SET trend = 'steady'",),
    )
    assert "none is new or emerging in the window to 31 Jan; 1 candidate" in text_of(old("/"))


def test_a_document_says_where_it_belongs(site):
    for topic in (CANDIDATE, WEAK):
        for row in site(f"/topic/{topic.id}.json").json()["stories"]:
            said = text_of(site(f"/document/{row['id']}"))
            place = "core" if row["is_core"] else "reassigned"
            assert re.search(rf"Topic {re.escape(topic.label)} {place}.*? similarity 0\.", said)


def test_a_copy_belongs_where_its_story_does(path, site):
    with Store.open(path, read_only=True) as store:
        pairs = list(
            store.db.query(
                "SELECT c.id, p.topic_id FROM documents c"
                " JOIN topic_documents p ON p.document_id = c.duplicate_of"
                " WHERE c.id NOT IN (SELECT document_id FROM topic_documents)"
            )
        )
    for pair in pairs:
        assert site(f"/document/{pair['id']}.json").json()["topic"]["id"] == pair["topic_id"]


def test_a_narrative_says_how_its_telling_moved(site):
    said = section(site("/narrative/qt-liquidity"), "drift")
    assert "Sun 4 Jan 2026 to Sat 31 Jan 2026" in said
    assert "divergence 0.31, p 0.020; 24 stories now, 21 before" in said
    assert re.search(r"▲ rose: yields 2 9 0\.030 ▼ fell: auction 8 1 0\.080", said)
    assert "one in twenty falls below 0.05 by chance" in said
    assert "Not told often enough" in section(site("/narrative/ai-capex-doubt"), "drift")
    assert 'id="drift"' not in site("/narrative/tariffs").text


def test_what_is_no_more_than_chance_is_called_that(own):
    site = change(own, ("UPDATE narrative_drift SET pvalue = 0.4",))
    said = section(site("/narrative/qt-liquidity"), "drift")
    assert "No more than chance" in said
    assert "Moved" not in said


@pytest.mark.parametrize("never", ["no run", "older file"])
def test_without_discovery_every_page_says_so(tmp_path, never):
    path = tmp_path / "old.db"
    if never == "no run":
        populated_store(path)
    else:
        db = Database(sqlite3.connect(path))
        migrations.apply(db, stop_before="m023_topics")
        db.close()
    site = pages_of(path)
    assert "Nothing was discovered yet: run tapestory discover DB" in text_of(site("/topics"))
    assert site("/topics.json").json()["day"] is None
    assert site("/topic/t-2026W03-01").status_code == 404
    assert "None was discovered yet" in site("/topic/t-2026W03-01").text
    assert site("/home.json").json()["topics"] == {"day": None, "waiting": 0, "listed": []}
    if never == "no run":
        assert "not discovered yet" in text_of(site("/"))
        assert site("/narrative/tariffs.json").json()["drift"] == []


# -- tables ----------------------------------------------------------------------------------


def test_ids_in_tables_lead_to_the_pages(site):
    page = site("/tapestory/topic_documents").text
    assert f'<a href="/topic/{CANDIDATE.id}">{CANDIDATE.id}</a>' in page
    assert f'<a href="/topic/{BACKGROUND.id}">' in site("/tapestory/topic_changes").text
    rows = site("/tapestory/topics_now.json?_shape=array").json()
    assert rows[0]["topic_id"] == CANDIDATE.id
    assert MERGED.id not in [row["topic_id"] for row in rows]
    drift = site("/tapestory/drift_now.json?_shape=array").json()
    assert {row["term"] for row in drift} == {"yields", "GLD", "wire"}


@pytest.mark.hostile(36)
def test_hostile_labels_and_titles_are_inert(site, own):
    """The label is in no list of `/topics` while its topic is merged: here it is a candidate."""
    listed = change(
        own,
        ("UPDATE topics SET status = 'candidate' WHERE id = ?", MERGED.id),
        ("UPDATE topics SET label = ? WHERE id = ?", HOSTILE_LABEL, CANDIDATE.id),
        ("UPDATE documents SET title = ?", HOSTILE_TITLE),
        ("UPDATE topic_weeks SET trend = 'emerging'",),
        ("UPDATE topics SET narrative_id = 'tariffs' WHERE id = ?", MERGED.id),
        ("UPDATE drift_terms SET term = ? WHERE term = 'auction'", HOSTILE_LABEL),
    )
    stories = listed(f"/topic/{MERGED.id}.json").json()["stories"]
    for address in ("/topics", f"/topic/{MERGED.id}", f"/topic/{BACKGROUND.id}", "/",
                    "/narrative/tariffs", "/narrative/qt-liquidity", "/topic/t-2026W03-99",
                    f"/document/{stories[0]['id']}"):  # fmt: skip
        page = listed(address)
        assert "&lt;b onmouseover=" in page.text, address
        assert "<b onmouseover" not in page.text
        assert "<script>alert" not in page.text
        assert Inert(page.text).bad == [], address
        assert "script-src" not in page.headers["content-security-policy"]
    assert listed(f"/topic/{MERGED.id}.json").json()["topic"]["label"] == HOSTILE_LABEL
    assert "application/json" in listed("/topics.json").headers["content-type"]
    for table in ("topics", "topic_documents", "topics_now", "drift_terms"):
        page = listed(f"/tapestory/{table}")
        assert page.status_code == 200
        assert "<b onmouseover" not in page.text, table
    sheet = "/tapestory/topics.csv?_size=max"
    label = {row["id"]: row["label"] for row in csv.DictReader(io.StringIO(site(sheet).text))}
    assert label[MERGED.id] == HOSTILE_LABEL  # it does not begin as a formula does


# -- parts -------------------------------------------------------------------------------------


def test_weeks_are_a_week_or_more_apart_counted_from_the_newest():
    nights = [(date(2026, 1, 31) - timedelta(days=k)).isoformat() for k in range(20)]
    assert weekly(nights, 13) == ["2026-01-17", "2026-01-24", "2026-01-31"]
    assert weekly(nights, 2) == ["2026-01-24", "2026-01-31"]
    assert weekly(["2026-01-31", "2026-01-10", "2026-01-28"], 9) == ["2026-01-10", "2026-01-31"]
    assert weekly([], 3) == []


def _topic(status, trend="steady", lacks=(), decided_at=None):
    week = None if trend is None else {"trend": trend, "lacks": list(lacks)}
    return {"status": status, "week": week, "decided_at": decided_at}


@pytest.mark.parametrize(
    ("topic", "group"),
    [
        (_topic("candidate", None), "candidates"),
        (_topic("watched", "growing", ["stability"]), "moving"),
        (_topic("watched", "growing", ["days", "stability"]), "weak"),
        (_topic("watched", "fading", ["stories"]), "moving"),
        (_topic("watched", None), "weak"),
        (_topic("watched", "quiet", ["rise"]), "steady"),
        (_topic("background", "growing"), "background"),
        (_topic("dismissed"), "decided"),
    ],
    ids=range(8),
)
def test_a_topic_goes_into_one_group(topic, group):
    found = grouped([topic])
    assert {name: len(rows) for name, rows in found.items() if rows} == {group: 1}


def test_emerging_comes_first_then_talk_of_markets_and_the_order_is_kept():
    told = [("growing", ["market"]), ("growing", []), ("emerging", []), ("growing", [])]
    rows = [{**_topic("watched", *one), "nth": nth} for nth, one in enumerate(told)]
    assert [row["nth"] for row in grouped(rows)["moving"]] == [2, 1, 3, 0]
    late = [_topic("accepted", decided_at=at) for at in ("2026-01-01", "2026-01-09")]
    assert [row["decided_at"] for row in grouped(late)["decided"]] == ["2026-01-09", "2026-01-01"]


def test_the_chart_breaks_where_no_run_was_and_needs_no_story():
    days = [date(2026, 1, 3), date(2026, 1, 10), date(2026, 2, 14)]
    drawn = topic_chart(days, [3, 5, 0], [1, 0, 0], [0.01, 0.02, 0.0])
    assert drawn.count('stroke="var(--chart-green') == 1  # one line; between the others is a gap
    assert drawn.count("<rect") == 2 + 3  # the legend, and a bar for each count that is not 0
    assert "Most core stories in the one that ends on 10 Jan 2026: 5. Last: 0" in drawn
    assert "No window has been looked at yet." in topic_chart([], [], [], [])
    assert "Most core stories" in topic_chart(days[:1], [0], [0], [0.0])
