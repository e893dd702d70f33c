"""What the pages read of topics: live, in a snapshot, and in a file that has none."""

import sqlite3

import pytest
from sqlite_utils import Database

from store import Store
from store.migrations import migrations
from store.pages import Pages
from store.publish import backup, publish, restore, snapshot_path
from tests.sample_store import populated_store
from tests.sample_topics import DAYS, TOPICS, fill_topics

CANDIDATE, ACCEPTED, WEAK, FADING, BACKGROUND, MERGED = (topic for topic, _ in TOPICS)


class Plans:
    """A connection that keeps the plan of every query."""

    def __init__(self, db):
        self._db = db
        self.steps = []

    def execute(self, sql, parameters=(), /):
        plan = self._db.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
        self.steps += [row[3] for row in plan.fetchall()]
        return self._db.execute(sql, parameters)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Give a working file with topics and its snapshot, not to be changed."""
    path = tmp_path_factory.mktemp("topics") / "t.db"
    populated_store(path)
    with Store.open(path) as store:
        fill_topics(store)
        publish(store)
    return path, snapshot_path(path)


@pytest.fixture(params=["working file", "snapshot"])
def topics(files, request):
    with Store.open(files[request.param == "snapshot"], read_only=True) as store:
        yield store.pages.topics


def everything(topics, topic):
    return [
        topics.topic(topic.id),
        topics.weeks(topic.id),
        topics.changes(topic.id),
        topics.family(topic.id, topic.parent_id),
        topics.representative(topic.id),
        topics.stories(topic.id, limit=4, offset=2),
        topics.outlets(topic.id),
    ]


def test_a_snapshot_answers_as_the_working_file(files):
    answers = []
    for path in files:
        with Store.open(path, read_only=True) as store:
            found = [everything(store.pages.topics, topic) for topic, _ in TOPICS]
            places = {
                row["id"]: store.pages.topics.place(row["id"])
                for row in store.db.query("SELECT id FROM documents")
            }
            answers.append((found, places, store.pages.topics.now()))
    assert answers[0] == answers[1]
    assert sum(place is not None for place in answers[0][1].values()) == 48


def test_the_last_run_is_one_for_each_language(topics):
    (run,) = topics.last_runs()
    assert (run["day"], run["residual"], run["kept"]) == (DAYS[2].isoformat(), 48, 0.985)
    assert topics.run_days() == [day.isoformat() for day in reversed(DAYS)]


def test_topics_of_now_have_their_last_week_and_leave_merged_ones_out(topics):
    found = {one["id"]: one for one in topics.now()}
    assert MERGED.id not in found
    assert set(found) == {one.id for one, _ in TOPICS} - {MERGED.id}
    assert found[CANDIDATE.id]["week"]["day"] == DAYS[2].isoformat()
    assert found[CANDIDATE.id]["week"]["recent"] == 12
    assert found[WEAK.id]["week"]["lacks"] == ["stories", "sources"]


def test_what_the_last_run_did_not_see_is_past_but_a_candidate_still_waits(files, tmp_path):
    path = tmp_path / "own.db"
    path.write_bytes(files[0].read_bytes())
    with Store.open(path) as store:
        with store.transaction():
            store.db.execute("DELETE FROM topic_weeks WHERE day = ?", [DAYS[2].isoformat()])
        found = {one["id"]: one for one in store.pages.topics.now()}
    assert set(found) == {CANDIDATE.id, ACCEPTED.id}
    assert found[CANDIDATE.id]["week"]["day"] == DAYS[1].isoformat()


def test_a_headline_is_of_the_first_place_that_was_not_taken_back(files, tmp_path):
    path = tmp_path / "own.db"
    path.write_bytes(files[0].read_bytes())
    with Store.open(path) as store:
        first, second = (
            row["id"] for row in store.pages.topics.representative(CANDIDATE.id, limit=2)
        )
        assert store.pages.topics.headlines([CANDIDATE.id])[CANDIDATE.id]["id"] == first
        with store.transaction():
            store.db.execute(
                "UPDATE documents SET withdrawn_at = first_seen_at WHERE id = ?", [first]
            )
        assert store.pages.topics.headlines([CANDIDATE.id])[CANDIDATE.id]["id"] == second
        assert store.pages.topics.representative(CANDIDATE.id)[0]["id"] == second
        assert store.pages.topics.headlines(["t-1999W01-01"]) == {}


def test_a_quote_is_a_part_of_what_is_stored(files, topics):
    with Store.open(files[0], read_only=True) as store:
        for topic, _ in TOPICS:
            for row in topics.representative(topic.id):
                stored = store.pages.stories.document(row["id"])
                assert stored is not None
                assert row["quote"] == stored["title"] or row["quote"] in stored["text"]


def test_stories_are_paged_newest_first_and_each_shown_once(topics):
    total = sum(row["stories"] for row in topics.outlets(CANDIDATE.id))
    pages = [topics.stories(CANDIDATE.id, limit=3, offset=at) for at in range(0, total, 3)]
    listed = [row for page in pages for row in page]
    assert len({row["id"] for row in listed}) == len(listed) == total == 8
    times = [row["effective_at"] for row in listed]
    assert times == sorted(times, reverse=True)
    assert sum(row["is_core"] for row in listed) == sum(
        row["core"] for row in topics.outlets(CANDIDATE.id)
    )
    assert topics.stories(CANDIDATE.id, limit=3, offset=total) == []


def test_changes_and_family_are_found_from_either_side(topics):
    assert [row["kind"] for row in topics.changes(BACKGROUND.id)] == ["child", "merge"]
    assert [row["other_label"] for row in topics.changes(WEAK.id)] == [BACKGROUND.label]
    assert topics.changes(CANDIDATE.id) == []
    assert {row["id"] for row in topics.family(BACKGROUND.id, None)} == {WEAK.id, MERGED.id}
    assert [row["id"] for row in topics.family(WEAK.id, WEAK.parent_id)] == [BACKGROUND.id]


def test_near_ids_are_those_beside_it(topics):
    ids = sorted(topic.id for topic, _ in TOPICS)
    assert [row["id"] for row in topics.near(ids[2], limit=1)] == [ids[1], ids[3]]
    assert [row["id"] for row in topics.near("t-1999W01-01", limit=2)] == ids[:2]


def test_drift_is_that_of_the_last_day_and_names_what_has_a_name(topics):
    found = topics.drift("qt-liquidity")
    assert [row["kind"] for row in found] == ["word", "entity", "outlet"]
    assert [row["term"] for row in found[0]["terms"]] == ["yields", "auction"]
    assert [row["name"] for row in found[1]["terms"]] == ["Gold ETF", None]
    assert topics.drift("ai-capex-doubt")[0]["divergence"] is None
    assert topics.drift("tariffs") == []


def test_a_narrative_knows_the_topic_that_it_came_of(topics):
    assert [row["id"] for row in topics.behind("grid-power")] == [ACCEPTED.id]
    assert topics.behind("tariffs") == []


def test_a_file_from_before_there_were_topics_holds_none(tmp_path):
    db = Database(sqlite3.connect(tmp_path / "old.db"))
    migrations.apply(db, stop_before="m023_topics")
    old = Pages(db).topics
    assert (old.last_runs(), old.run_days(), old.now(), old.near("x")) == ([], [], [], [])
    assert (old.topic("x"), old.place("x"), old.behind("x"), old.drift("x")) == (None, None, [], [])
    db.close()


def test_a_snapshot_can_be_made_a_working_file_again(files, tmp_path):
    back = tmp_path / "back.db"
    Store.open(back, create=True).close()
    restore(backup(files[1], tmp_path / "copy.db"), back)
    with Store.open(back) as store:
        names = {row["name"] for row in store.db.query("SELECT name FROM sqlite_master")}
        assert "topic_stories" not in names
        assert len(store.pages.topics.stories(CANDIDATE.id, limit=9, offset=0)) == 8
        publish(store)
    with Store.open(snapshot_path(back), read_only=True) as store:
        assert len(store.pages.topics.stories(CANDIDATE.id, limit=9, offset=0)) == 8
        assert store.pages.counts()["topic_stories"] == 48


# -- plans ------------------------------------------------------------------------------------


@pytest.fixture
def plans(files):
    with Store.open(files[1], read_only=True) as store:
        yield Plans(store.db)


def scanned(plans, *tables):
    """Return the steps that read a whole table."""
    steps = [step.split() for step in plans.steps if step.startswith("SCAN ")]
    return [step for step in steps if step[1] in tables]


LARGE = ("d", "documents", "o", "p", "topic_documents", "topic_stories", "topic_weeks", "w", "x",
         "a", "passages", "drift_terms")  # fmt: skip


@pytest.mark.parametrize(
    ("ask", "step"),
    [
        (lambda t: t.now(), "topic_weeks_by_day (day=?)"),
        (
            lambda t: t.recent([CANDIDATE.id], ["2026-01-31"]),
            "sqlite_autoindex_topic_weeks_1 (topic_id=? AND day=?",
        ),
        (lambda t: t.headlines([CANDIDATE.id]), "topic_documents_of_topic (topic_id=? AND pos"),
        (lambda t: t.weeks(CANDIDATE.id), "sqlite_autoindex_topic_weeks_1 (topic_id=?"),
        (lambda t: t.representative(CANDIDATE.id), "topic_documents_of_topic (topic_id=? AND pos"),
        (
            lambda t: t.stories(CANDIDATE.id, limit=3, offset=3),
            "SEARCH topic_stories USING PRIMARY KEY (topic_id=?)",
        ),
        (
            lambda t: t.outlets(CANDIDATE.id),
            "SEARCH topic_stories USING PRIMARY KEY (topic_id=?)",
        ),
        (lambda t: t.place("x"), "sqlite_autoindex_topic_documents_1 (document_id=?)"),
        (
            lambda t: t.drift("qt-liquidity"),
            "sqlite_autoindex_drift_terms_1 (day=? AND narrative_id=? AND kind=?)",
        ),
    ],
    ids=["now", "recent", "headlines", "weeks", "representative", "stories", "outlets", "place",
         "drift"],
)  # fmt: skip
def test_in_the_snapshot_nothing_large_is_read_whole(plans, ask, step):
    ask(Pages(plans).topics)
    assert any(step in one for one in plans.steps), plans.steps
    assert not scanned(plans, *LARGE)


def test_a_page_of_stories_is_read_in_its_order(plans):
    Pages(plans).topics.stories(CANDIDATE.id, limit=3, offset=3)
    # The last sort is of the few rows of the page; the first pass over the topic needs none.
    assert plans.steps.count("USE TEMP B-TREE FOR ORDER BY") == 1, plans.steps
    at = plans.steps.index("SEARCH topic_stories USING PRIMARY KEY (topic_id=?)")
    assert "USE TEMP B-TREE FOR ORDER BY" not in plans.steps[: at + 1]
