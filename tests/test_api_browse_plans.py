"""The pages stay quick: what they read goes through an index, not through all documents."""

import pytest

from store import Store
from store.pages import Pages
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


@pytest.fixture
def plans(tmp_path):
    path = tmp_path / "t.db"
    populated_store(path)
    with Store.open(path) as store:
        store.db.execute("ANALYZE")
        yield Plans(store.db)


@pytest.mark.parametrize(
    "ask",
    [
        lambda pages: pages.stories.top("fed-policy", WINDOW),
        lambda pages: pages.stories.outlets("fed-policy", WINDOW),
        lambda pages: pages.stories.entities("fed-policy", WINDOW),
        lambda pages: pages.stories.quotes("fed-policy", "favor", WINDOW),
    ],
    ids=["top", "outlets", "entities", "quotes"],
)
def test_a_window_of_stories_is_read_by_time_and_by_pair(plans, ask):
    ask(Pages(plans))
    assert any("documents_story_time" in step for step in plans.steps), plans.steps
    assert any("labels_by_pair (narrative_id=? AND document_id=?)" in step for step in plans.steps)


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
