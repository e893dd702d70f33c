"""The tables of discovery keep what is written, and a person's decisions."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from store import Store
from tests.sample_store import populated_store
from tests.sample_topics import DAYS, TOPICS, fill_topics
from tests.sample_world import NOW

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    populated_store(tmp_path / "t.db")
    with Store.open(tmp_path / "t.db") as store:
        fill_topics(store)
        yield store


def test_topics_come_back_as_they_were_written(store):
    assert store.topics.all() == sorted((t for t, _ in TOPICS), key=lambda t: t.id)
    assert store.topics.get(TOPICS[1][0].id) == TOPICS[1][0]
    assert store.topics.get("t-1999W01-01") is None
    assert [week.day for week in store.topics.weeks(TOPICS[0][0].id)] == list(DAYS)
    assert [one.day for one in store.topics.discoveries()] == list(DAYS)


def test_a_decision_outlives_the_next_run_but_not_a_merge(store):
    topic = TOPICS[0][0]
    store.topics.decide(topic.id, "dismissed", now=NOW)
    run = store.runs.begin("discover", now=NOW)
    with store.transaction():
        store.topics.save([replace(topic, label="new words")], run_id=run.id)
    kept = store.topics.get(topic.id)
    assert (kept.status, kept.label, kept.decided_at) == ("dismissed", "new words", NOW)
    with store.transaction():
        store.topics.save([replace(topic, status="merged")], run_id=run.id)
    assert store.topics.get(topic.id).status == "merged"


def test_a_document_has_one_place_and_can_lose_it(store):
    documents = [row["document_id"] for row in store.db.query("SELECT * FROM topic_documents")]
    document, found = next(iter(store.topics.members(documents).items()))
    other = next(topic.id for topic, _ in TOPICS if topic.id != found.topic_id)
    place = replace(found, topic_id=other, position=None)
    run = store.runs.begin("discover", now=NOW)
    with store.transaction():
        store.topics.place([place], left=(), run_id=run.id)
    assert store.topics.members([document]) == {document: place}
    with store.transaction():
        store.topics.place([], left=[document], run_id=run.id)
    assert store.topics.members([document]) == {}


def test_the_residual_leaves_out_labels_copies_and_what_no_model_read(store):
    with store.transaction():
        store.db.execute("UPDATE labels SET probability = 0.4 WHERE narrative_id = 'tariffs'")
    covered = {
        row["document_id"]
        for row in store.db.query("SELECT document_id FROM labels WHERE probability >= 0.5")
    }
    copies = {
        row["id"]
        for row in store.db.query("SELECT id FROM documents WHERE duplicate_of IS NOT NULL")
    }
    vectors = {row["id"]: bytes([1, 2, 3]) for row in store.db.query("SELECT id FROM documents")}
    model = store.topics.model_of("en", START, END)
    store.vectors.add(vectors, model)
    found = {one.document_id for one in store.topics.residual("en", model, START, END, weak=0.5)}
    assert found
    assert not found & covered
    assert not found & copies
    everything = store.topics.residual("en", model, START, END, weak=1.1)
    assert {one.document_id for one in everything} == found | (covered - copies)


def test_a_day_that_runs_again_replaces_its_rows(store):
    before = store.db.execute("SELECT count(*) FROM topic_weeks").fetchone()[0]
    with store.transaction():
        run = store.runs.begin("discover", now=NOW)
        last = store.topics.discoveries()[-1]
        store.topics.keep(last, store.topics.weeks(TOPICS[0][0].id)[-1:], [], run_id=run.id)
    assert store.db.execute("SELECT count(*) FROM topic_weeks").fetchone()[0] == before - 5


def test_the_residual_is_of_one_model(store):
    model = store.topics.model_of("en", START, END)
    ids = sorted(row["id"] for row in store.db.query("SELECT id FROM documents"))
    store.vectors.add({id_: bytes([1, 2, 3]) for id_ in ids}, model)
    whole = {one.document_id for one in store.topics.residual("en", model, START, END, weak=1.1)}
    other = min(whole)
    store.vectors.add({other: bytes(5)}, "another")
    left = store.topics.residual("en", model, START, END, weak=1.1)
    assert {one.document_id for one in left} == whole - {other}


def test_a_copy_has_no_part_in_a_centre(store):
    (model,) = store.db.execute("SELECT DISTINCT model FROM taggings").fetchone()
    places = list(store.db.query("SELECT document_id, topic_id FROM topic_documents WHERE is_core"))
    store.vectors.add({row["document_id"]: bytes([1, 2]) for row in places}, model)
    topic_id = places[0]["topic_id"]
    before = [one for one, _ in store.topics.core_vectors("en", model)].count(topic_id)
    other = store.db.execute(
        "SELECT id FROM documents WHERE id <> ? LIMIT 1", [places[0]["document_id"]]
    ).fetchone()[0]
    with store.transaction():
        store.db.execute(
            "UPDATE documents SET duplicate_of = ? WHERE id = ?",
            [other, places[0]["document_id"]],
        )
    after = [one for one, _ in store.topics.core_vectors("en", model)].count(topic_id)
    assert after == before - 1
