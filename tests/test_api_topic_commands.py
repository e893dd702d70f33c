"""``tapestory topics`` and ``discover``: what is listed, shown, dismissed and reopened."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.cli import cli
from store import Store
from store.records import StageReport
from tests.sample_store import empty_store
from tests.sample_topics import TOPICS
from tests.test_api_schemas import faults

CANDIDATE, ACCEPTED, WATCHED, FADING, BACKGROUND, MERGED = (topic.id for topic, _ in TOPICS)
AS_OF = ("--as-of", "2026-02-03T09:00:00Z")


@pytest.fixture
def db(topics_path, tmp_path):
    return Path(shutil.copy(topics_path, tmp_path / "t.db"))


@pytest.fixture
def run(db, tmp_path, monkeypatch):
    """Run a verb in a folder without settings; the database stands behind the verb."""
    monkeypatch.chdir(tmp_path)

    def invoke(verb, *words):
        return CliRunner().invoke(cli, [*verb.split(), str(db), *(str(word) for word in words)])

    return invoke


def topic(db, topic_id):
    with Store.open(db, read_only=True) as store:
        return store.topics.get(topic_id)


# -- list and show -------------------------------------------------------------------


def test_the_list_has_what_a_person_should_look_at_the_newest_first(run):
    result = run("topics list")
    assert result.exit_code == 0, result.output
    first, second = result.stdout.splitlines()
    assert first.split()[:3] == [CANDIDATE, "candidate", "emerging"]
    assert "19 stories, 2 sources, 6 days" in first
    assert first.endswith("proposed 2026-01-31  private credit fund redemptions gates")
    assert second.split()[:3] == [WATCHED, "watched", "emerging"]


def test_all_topics_are_listed_on_demand_and_hostile_labels_are_words(run, db):
    with Store.open(db) as store:
        store.db.execute("UPDATE topics SET label = ? WHERE id = ?", ["a\x1b[2J\n\u202eb", MERGED])
        store.db.conn.commit()
    lines = run("topics list", "--all").stdout.splitlines()
    assert {line.split()[0] for line in lines} == {topic.id for topic, _ in TOPICS}
    (hostile,) = (line for line in lines if line.startswith(MERGED))
    assert hostile.endswith("  a [2J b")


@pytest.mark.parametrize("words", [[], ["--all"]])
def test_lists_are_what_their_schema_says(run, words):
    found = json.loads(run("topics list", "--json", *words).stdout)
    assert faults("topic_list", found) == []
    assert len(found) == (6 if words else 2)
    assert found[0]["stories"] == 19


def test_a_store_without_topics_says_so(tmp_path):
    empty_store(tmp_path / "e.db")
    result = CliRunner().invoke(cli, ["topics", "list", str(tmp_path / "e.db")])
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no topic to look at" in result.stderr


def test_a_topic_without_a_week_is_listed_and_shown(run, db):
    with Store.open(db) as store:
        store.db.execute("DELETE FROM topic_weeks WHERE topic_id = ?", [CANDIDATE])
        store.db.conn.commit()
    assert "n/a      no week" in run("topics list").stdout
    assert faults("topic_list", json.loads(run("topics list", "--json").stdout)) == []
    assert "candidate; no week" in run("topics show", CANDIDATE).stdout
    shown = json.loads(run("topics show", CANDIDATE, "--json").stdout)
    assert faults("topic_detail", shown) == []
    assert (shown["trend"], shown["weeks"], shown["lacks"]) == (None, [], [])


def test_a_topic_is_shown_with_quotes_that_stand_in_the_store(run, db):
    shown = json.loads(run("topics show", WATCHED, "--json").stdout)
    assert faults("topic_detail", shown) == []
    assert shown["lacks"] == ["stories", "sources"]
    assert [change["kind"] for change in shown["changes"]] == ["child"]
    assert [quote["position"] for quote in shown["quotes"]] == [1, 2, 3]
    with Store.open(db, read_only=True) as store:
        for quote in shown["quotes"]:
            (row,) = store.db.query("SELECT * FROM documents WHERE id = ?", [quote["document_id"]])
            assert quote["quote"] in (row["text"] or row["title"])
            assert (quote["title"], quote["url"]) == (row["title"], row["url"])
    text = run("topics show", WATCHED).stdout
    assert "lacks as a candidate: stories, sources" in text
    assert f"child: {WATCHED} lies near {BACKGROUND} (cosine 0.71, 0 stories of both)" in text
    assert text.count("“") == 3


def test_a_headline_alone_is_its_own_quote_and_what_was_deleted_is_left_out(run, db):
    before = json.loads(run("topics show", WATCHED, "--json").stdout)["quotes"]
    first, second = before[0]["document_id"], before[1]["document_id"]
    with Store.open(db) as store:
        store.db.execute("DELETE FROM labels WHERE document_id = ?", [first])
        store.db.execute("DELETE FROM passages WHERE document_id = ?", [first])
        store.db.execute(
            "UPDATE documents SET withdrawn_at = '2026-02-01T00:00:00Z' WHERE id = ?", [second]
        )
        store.db.conn.commit()
    quotes = json.loads(run("topics show", WATCHED, "--json").stdout)["quotes"]
    assert [quote["document_id"] for quote in quotes] == [first, before[2]["document_id"]]
    assert quotes[0]["quote"] == quotes[0]["title"]


@pytest.mark.parametrize("verb", ["show", "dismiss", "reopen"])
def test_an_unknown_id_is_refused_with_those_that_are_near(run, verb):
    result = run(f"topics {verb}", CANDIDATE.replace("t-", "T-"))
    assert result.exit_code == 1
    assert f"no topic 'T-{CANDIDATE[2:]}': did you mean" in result.stderr
    assert CANDIDATE in result.stderr
    assert "there are 6 topics" in run(f"topics {verb}", "'; DROP TABLE topics").stderr


# -- dismiss and reopen ----------------------------------------------------------------


def test_a_dismissal_is_kept_and_can_be_taken_back(run, db):
    result = run("topics dismiss", CANDIDATE, *AS_OF)
    assert result.exit_code == 0, result.output
    dismissed = topic(db, CANDIDATE)
    assert dismissed.status == "dismissed"
    assert dismissed.decided_at == datetime(2026, 2, 3, 9, tzinfo=UTC)
    again = run("topics dismiss", CANDIDATE)
    assert (again.exit_code, again.stdout) == (0, f"{CANDIDATE} is dismissed already\n")
    assert topic(db, CANDIDATE) == dismissed
    assert run("topics reopen", CANDIDATE).stdout == f"{CANDIDATE} is back to candidate\n"
    assert topic(db, CANDIDATE) == replace(TOPICS[0][0], status="candidate")


@pytest.mark.parametrize(
    ("topic_id", "status"),
    [(WATCHED, "watched"), (FADING, "background"), (BACKGROUND, "watched")],
)
def test_what_is_reopened_is_what_its_weeks_say(run, db, topic_id, status):
    """Found in the first window: background. Later, and without every rule: watched."""
    run("topics dismiss", topic_id)
    run("topics reopen", topic_id)
    assert topic(db, topic_id).status == status
    assert topic(db, topic_id).decided_at is None


def test_without_a_decision_there_is_none_to_take_back(run, db):
    assert "is candidate: there is no decision" in run("topics reopen", CANDIDATE).stdout
    assert topic(db, CANDIDATE) == TOPICS[0][0]


def test_an_accepted_topic_is_reopened_before_it_is_dismissed(run, db):
    refused = run("topics dismiss", ACCEPTED)
    assert refused.exit_code == 2
    assert "accepted as narrative 'grid-power': take that back first" in refused.stderr
    assert f"'tapestory topics reopen {db} {ACCEPTED}'" in refused.stderr
    said = run("topics reopen", ACCEPTED).stdout
    assert f"{ACCEPTED} is back to candidate" in said
    assert "the entry of narrative 'grid-power' is in none of your files" in said
    assert topic(db, ACCEPTED).narrative_id is None


@pytest.mark.parametrize("verb", ["dismiss", "reopen"])
def test_a_merged_topic_points_to_the_one_that_it_is_part_of(run, db, verb):
    result = run(f"topics {verb}", MERGED)
    assert result.exit_code == 2
    assert f"{MERGED} is part of {BACKGROUND} by now" in result.stderr
    assert topic(db, MERGED).status == "merged"


# -- discover ---------------------------------------------------------------------------


@pytest.fixture
def discovery(monkeypatch):
    """Put a stage in the place of discovery, which remembers how it was called."""
    called = []

    def discover(store, **given):
        called.append(given)
        return StageReport(stage="discover", counts={"topics": 6}, failures=given["since"] is None)

    monkeypatch.setattr("nlp.topics.run.discover", discover)
    return called


def test_discover_runs_the_stage_and_lists_the_candidates(run, discovery):
    result = run("discover", "--since", "2026-01-10", *AS_OF)
    assert result.exit_code == 0, result.output
    first, second = result.stdout.splitlines()
    assert first.split() == ["discover", "6", "topics"]
    assert second.split()[:2] == [CANDIDATE, "candidate"]
    (given,) = discovery
    assert given["since"] == date(2026, 1, 10)
    assert given["now"] == datetime(2026, 2, 3, 9, tzinfo=UTC)


def test_discover_gives_the_candidates_as_json_and_says_what_failed(run, discovery):
    result = run("discover", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 3
    assert [one["id"] for one in found] == [CANDIDATE]
    assert faults("topic_list", found) == []
    assert discovery[0]["since"] is None
