"""Sources that have gone quiet: judged by their own past, and told as one where they are many."""

import pytest

from api.alerts.run import replay
from api.alerts.settings import parse_alerts
from store import Store
from tests.alert_world import IDS, arrivals_of, crawled, night, planted

SETTINGS = parse_alerts({}, "the shipped settings")


@pytest.fixture
def watched(tmp_path):
    """Give a store in which each of five sources brings something every weekday night."""
    days = planted(tmp_path / "t.db", count=40)
    with Store.open(tmp_path / "t.db") as store:
        yield store, days


def found_of_sources(store, days):
    return [
        (day, one)
        for day, changes in replay(store, SETTINGS, IDS, days[0], days[-1], now=night(days[-1]))
        for change in changes
        for one in change.findings
    ]


def test_a_source_gone_quiet_is_told_once_by_its_own_past(watched):
    store, days = watched
    crawled(store, arrivals_of(days, quiet=IDS[:1]))
    ((day, found),) = found_of_sources(store, days)
    # A weekend is its usual longest gap, so twice three days: that is over on the next Friday.
    assert (day - days[24]).days >= 6
    assert found.title == "Desk 0 has gone quiet"
    assert found.path == "/source/desk-0"
    assert found.numbers["usual_1"] == pytest.approx(3.0)


def test_sources_that_fall_silent_together_are_one_alert(watched):
    store, days = watched
    crawled(store, arrivals_of(days, quiet=IDS[:3]))
    ((_, found),) = found_of_sources(store, days)
    assert found.title == "3 sources have gone quiet"
    assert all(f"Desk {n}" in found.statement for n in range(3))


def test_a_desk_without_any_news_is_one_alert_that_says_so(watched):
    store, days = watched
    arrivals = arrivals_of(days, quiet=IDS)
    crawled(store, arrivals)
    for day in days[25:]:
        run = store.runs.begin("crawl", now=night(day))
        assert run.id
        run.finish(now=night(day))
    ((day, found),) = found_of_sources(store, days)
    assert found.title == "Nothing new from any source"
    assert (found.severity, (day - days[24]).days) == (2, 3)


def test_nobody_is_missed_where_nothing_was_asked(watched):
    store, days = watched
    crawled(store, {source: [night(day) for day in days[:25]] for source in IDS})
    assert found_of_sources(store, days) == []


def test_sources_that_left_the_settings_or_were_imported_are_not_missed(watched):
    store, days = watched
    crawled(store, arrivals_of(days, quiet=IDS[:2]))
    store.db.execute("UPDATE sources SET kind = 'import' WHERE id = 'desk-0'")
    now = night(days[-1])
    found = list(replay(store, SETTINGS, IDS[:1] + IDS[2:], days[0], days[-1], now=now))
    assert not [changes for _, changes in found if changes]
