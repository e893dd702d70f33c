"""The pages stay quick: what they read goes through an index, not through all documents."""

import asyncio

import pytest

from api.browse.app import make_datasette
from api.browse.routes import DATABASE
from store import Store
from store.pages import Pages
from store.publish import publish, snapshot_path
from tests.sample_store import populated_store

WINDOW = ("2026-01-23T21:00:00Z", "2026-01-30T21:00:00Z")


class Plans:
    """A connection that keeps the plan of every query."""

    def __init__(self, db):
        self._db = db
        self.steps = []

    def execute(self, sql, parameters=(), /):
        plan = self._db.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
        self.steps += [row[3] for row in plan.fetchall()]
        return self._db.execute(sql, parameters)


def scanned(plans, *tables):
    """Return the steps that read a whole table."""
    steps = [step.split() for step in plans.steps if step.startswith("SCAN ")]
    return [step for step in steps if step[1] in tables]


@pytest.fixture
def plans(tmp_path):
    path = tmp_path / "t.db"
    populated_store(path)
    with Store.open(path) as store:
        store.db.execute("ANALYZE")
        yield Plans(store.db)


@pytest.fixture
def site(tmp_path):
    path = tmp_path / "t.db"
    populated_store(path)
    with Store.open(path) as store:
        publish(store)
    with Store.open(snapshot_path(path), read_only=True) as store:
        yield Plans(store.db)


_OF_A_NARRATIVE = pytest.mark.parametrize(
    "ask",
    [
        lambda pages: pages.stories.top("fed-policy", WINDOW),
        lambda pages: pages.stories.outlets("fed-policy", WINDOW),
        lambda pages: pages.stories.entities("fed-policy", WINDOW),
        lambda pages: pages.stories.quotes("fed-policy", "favor", WINDOW),
    ],
    ids=["top", "outlets", "entities", "quotes"],
)


@_OF_A_NARRATIVE
def test_a_window_of_stories_is_read_by_time_and_by_document(plans, ask):
    ask(Pages(plans))
    assert any("documents_story_time" in step for step in plans.steps), plans.steps
    assert any(
        "labels_by_pair (narrative_id=? AND document_id=?)" in step
        or "labels_by_document (document_id=?)" in step
        for step in plans.steps
    ), plans.steps
    assert not scanned(plans, "labels", "l")


@_OF_A_NARRATIVE
def test_in_the_snapshot_a_window_is_one_run_of_rows(site, ask):
    ask(Pages(site))
    tables = ("story_stances", "story_labels")
    key = "USING PRIMARY KEY (narrative_id=? AND effective_at>? AND effective_at<?)"
    assert any(f"SEARCH {table} {key}" in step for table in tables for step in site.steps)
    assert not scanned(site, "d", "documents", "labels", "story_labels", "story_stances")


def test_in_the_snapshot_those_who_name_an_asset_are_read_newest_first(site):
    Pages(site).stories.naming("GLD")
    assert any("SEARCH story_mentions USING PRIMARY KEY (asset_id=?)" in s for s in site.steps)


def test_the_last_days_are_read_without_the_whole_history(plans):
    pages = Pages(plans)
    pages.series.intensity(pages.days(5))
    pages.series.closes("GLD", 5)
    assert any("intensity_by_day (day>? AND day<?)" in step for step in plans.steps)
    assert any("SEARCH prices USING PRIMARY KEY (asset_id=?" in step for step in plans.steps)


def test_a_source_is_read_by_its_own_index(plans):
    Pages(plans).outlets.source("desk-notes")
    Pages(plans).outlets.newest_of("desk-notes")
    assert not any(step.startswith("SCAN d") for step in plans.steps), plans.steps


@pytest.mark.parametrize("newest", [False, True])
def test_a_hit_is_looked_up_in_an_index_and_not_behind_its_text(plans, newest, monkeypatch):
    monkeypatch.setattr("store.page_search.MOST", 5)
    Pages(plans).search.find("tape", newest=newest)
    looked_up = [step for step in plans.steps if step.startswith("SEARCH d USING")]
    by_number = "SEARCH d USING COVERING INDEX documents_by_number (number=?"
    # The last look is for what is shown of the twenty of one page.
    assert [step for step in looked_up if step.startswith(by_number)] == looked_up[:-1] != []
    assert not scanned(plans, "d", "documents")


def test_scripts_without_spaces_are_looked_for_in_documents_that_hold_them(plans):
    Pages(plans).search.find("通胀")
    assert any("documents USING INDEX documents_unspaced" in step for step in plans.steps)


def test_what_every_home_page_counts_is_not_counted(site):
    Pages(site).quality()
    assert any("SEARCH runs USING INDEX runs_by_end" in step for step in site.steps)
    assert any("SEARCH r USING COVERING INDEX runs_by_stage (stage=?)" in s for s in site.steps)
    assert not scanned(site, "d", "documents")


def test_a_series_is_ranked_from_its_first_day_on(plans):
    Pages(plans).series.intensity_of("fed-policy", 5)
    Pages(plans).series.closes("GLD", 5)
    for table, key in (
        ("intensity", "(narrative_id=? AND day>?)"),
        ("prices", "(asset_id=? AND date>?)"),
    ):
        wanted = f"SEARCH {table} USING PRIMARY KEY {key}"
        assert any(wanted in step for step in plans.steps), plans.steps


def answer(snapshot, path):
    return asyncio.run(make_datasette(snapshot).client.get(path)).json()


def test_datasette_is_told_the_counts_of_a_snapshot(tmp_path, monkeypatch):
    path = tmp_path / "t.db"
    populated_store(path)
    with Store.open(path) as store:
        publish(store)
        labels = store.counts()["labels"]
    # Neither is asked of a file of gigabytes when the first page is opened.
    monkeypatch.setattr("datasette.database.inspect_hash", None)
    (found,) = [
        one for one in answer(snapshot_path(path), "/-/databases.json") if one["name"] == DATABASE
    ]
    assert found["hash"]
    address = f"/{DATABASE}/labels.json"
    assert answer(snapshot_path(path), address)["filtered_table_rows_count"] == labels
    assert "stance" in answer(snapshot_path(path), address)["facet_results"]
    monkeypatch.setattr("api.browse.app._MOST_FACETED", labels - 1)
    assert answer(snapshot_path(path), address)["facet_results"] == {}
    asked = answer(snapshot_path(path), f"{address}?_facet=stance")
    assert "stance" in asked["facet_results"]


def test_a_working_file_can_be_served_as_well(tmp_path):
    path = tmp_path / "t.db"
    populated_store(path)
    assert answer(path, f"/{DATABASE}/labels.json")["filtered_table_rows_count"] > 0
