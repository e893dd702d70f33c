"""Stamps that cannot be trusted are said where an operator looks."""

from datetime import UTC, datetime

import pytest

from api.config import load_settings
from api.health import checks, status_document, status_lines
from store import Store
from store.records import Source, StampCheck

NOW = datetime(2026, 2, 7, 12, tzinfo=UTC)
FLAGGED = StampCheck(
    source_id="wire",
    check="midnight",
    n=120,
    flagged=True,
    statistic=1.0,
    pvalue=None,
    message="100.0% of 120 documents count from 00:00:00 UTC",
)
SOUND = StampCheck(
    source_id=None,
    check="ahead_of_moves",
    n=900,
    flagged=False,
    statistic=0.001,
    pvalue=0.4,
    message="900 titles state moves, and not those of the next session",
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.db"
    with Store.open(path, create=True) as store:
        run = store.runs.begin("align", now=NOW)
        with store.transaction():
            store.sources.sync([Source(id="wire", kind="import", url="")])
            written = store.stamp_checks.replace([SOUND, FLAGGED], checked_at=NOW, run_id=run.id)
            run.finish(now=NOW)
        assert written == 2
    return path


def test_only_changed_checks_are_written(path):
    with Store.open(path) as store:
        assert store.stamp_checks.all() == [SOUND, FLAGGED], "those of all sources first"
        again = store.stamp_checks.replace([SOUND, FLAGGED], checked_at=NOW, run_id="other")
        assert again == 0
        rows = list(store.db.query("SELECT DISTINCT run_id FROM stamp_checks"))
        assert rows[0]["run_id"] != "other"


def test_status_names_the_source_and_what_to_do(path):
    with Store.open(path) as store:
        document = status_document(store, NOW)
    assert document["stamps"] == [
        {"source": "wire", "check": "midnight", "message": FLAGGED.message}
    ]
    (line,) = [line for line in status_lines(document) if "stamps of" in line]
    assert "wire" in line
    assert FLAGGED.message in line


def test_doctor_warns_and_stays_well(path, monkeypatch):
    monkeypatch.setattr("api.health._check_models", lambda: iter(()))
    found = [one for one in checks(path, load_settings(None)) if one.what == "time stamps"]
    assert [one.advice for one in found] == [FLAGGED.message]
    assert all(one.ok for one in found)
