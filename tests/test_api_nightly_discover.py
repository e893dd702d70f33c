"""A night in which discovery breaks goes on, and says so."""

from datetime import timedelta

import pytest

from api import nightly, stages
from api.config import load_settings
from store import Store
from store.records import StageReport
from tests.stories_world import START, fill, themes
from tests.test_nlp_topics_run import at


@pytest.fixture
def after_discovery(monkeypatch):
    """The stages around discovery, each noted when it runs."""
    ran = []

    def noted(name):
        def stage(*given, **more):
            ran.append(name)
            return StageReport(stage=name, counts={})

        return stage

    for name in ("tag", "align", "alerts", "publish"):
        monkeypatch.setattr(stages, f"run_{name}", noted(name))
    return ran


def test_a_discovery_that_breaks_stops_neither_align_nor_publish(
    tmp_path, monkeypatch, after_discovery
):
    def breaks(*given, **more):
        raise RuntimeError("no locator available for file 'umap/layouts.py'")

    monkeypatch.setattr("nlp.topics.look.group", breaks)
    (tmp_path / "t.toml").write_text("", encoding="utf-8")
    with Store.open(tmp_path / "t.db", create=True) as store:
        fill(store, themes(), first=START, days=35)
        settings = load_settings(tmp_path / "t.toml")
        night = at(START + timedelta(days=34))
        reports = list(nightly._from_store(store, settings, now=night))
        assert [row["kind"] for row in store.runs.failures()] == ["GroupingError"]
    assert after_discovery == ["tag", "align", "alerts", "publish"]
    (found,) = [report for report in reports if report.stage == "discover"]
    assert found.failures == 1
    assert "no locator available" in found.notes[0]
