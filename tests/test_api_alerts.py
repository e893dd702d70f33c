"""What is told of a night: once, with evidence, and of whole sessions only."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from api.alerts.chance import fisher_exact
from api.alerts.fold import fold, is_over, weekdays_between
from api.alerts.rules import AlertSettings, Channel
from api.alerts.run import evaluate, replay
from api.alerts.settings import parse_alerts
from store import Store
from store.records import Alert, AlertFinding
from tests.alert_world import (
    FIRST,
    SETTINGS,
    add_stories,
    explained,
    keep,
    listed,
    look,
    night,
    planted,
    point,
    sessions,
    sided,
)
from tests.sample_world import NARRATIVES, TAXONOMY

DESK = Channel(id="log", kind="jsonl", path="alerts.jsonl")
WITH_CHANNEL = replace(SETTINGS, channels=(DESK,))


# -- one evolving story --------------------------------------------------------------


def test_forty_updates_of_one_story_are_one_alert(tmp_path):
    # Every third session: what is loud on most days is usual.
    loud = sessions(144)[24::3]
    days = planted(tmp_path / "t.db", count=144, loud={"tariffs": loud}, stories=5)
    with Store.open(tmp_path / "t.db") as store:
        for day in days[26::3]:  # nights that were missed are caught up
            look(store, day, WITH_CHANNEL)
        (alert,) = listed(store)
        assert (alert["first_day"], alert["last_day"]) == (str(loud[0]), str(loud[-1]))
        assert [one["day"] for one in alert["findings"]] == [str(day) for day in loud]
        assert len(alert["findings"]) == 40
        # It never grew: it was given out once.
        assert [(one.alert_id, one.version) for one in store.alerts.waiting()] == [
            (f"{loud[0]}-tariffs", 1)
        ]


def test_a_second_look_at_the_same_night_writes_nothing(tmp_path):
    days = planted(tmp_path / "t.db", loud={"tariffs": sessions(70)[-3:]})
    with Store.open(tmp_path / "t.db") as store:
        look(store, days[-1], WITH_CHANNEL)
        before = list(store.db.conn.iterdump())
        assert not look(store, days[-1], WITH_CHANNEL).updated
        assert list(store.db.conn.iterdump()) == before


def test_a_night_without_findings_writes_no_run(tmp_path):
    days = planted(tmp_path / "t.db")
    with Store.open(tmp_path / "t.db") as store:
        before = list(store.db.conn.iterdump())
        look(store, days[-1])
        assert list(store.db.conn.iterdump()) == before


def test_a_story_that_was_quiet_for_the_span_is_another_one_that_names_the_first(tmp_path):
    all_days = sessions(70)
    loud = [all_days[40], all_days[45], all_days[51]]  # five, then six sessions apart
    planted(tmp_path / "t.db", loud={"tariffs": loud})
    with Store.open(tmp_path / "t.db") as store:
        for day in all_days[40:]:
            look(store, day)
        newest, first = listed(store)
        assert (first["first_day"], first["last_day"]) == (str(loud[0]), str(loud[1]))
        assert (newest["first_day"], newest["earlier_id"]) == (str(loud[2]), first["id"])
        assert first["later_id"] == newest["id"]


def test_an_old_archive_raises_no_alert_and_a_missed_week_is_caught_up(tmp_path):
    all_days = sessions(70)
    planted(tmp_path / "t.db", loud={"tariffs": [all_days[30]], "recession": [all_days[-4]]})
    with Store.open(tmp_path / "t.db") as store:
        look(store, all_days[-1])
        (alert,) = listed(store)
        assert alert["subject"] == "narrative:recession"
        assert alert["first_day"] == str(all_days[-4])


def test_a_longer_gap_is_counted_in_weekdays():
    friday = date(2026, 3, 6)
    assert weekdays_between(friday, date(2026, 3, 9)) == 1
    assert weekdays_between(friday, date(2026, 3, 13)) == 5
    assert weekdays_between(friday, friday) == weekdays_between(friday, date(2026, 3, 2)) == 0
    brute = [friday + timedelta(days=n) for n in range(1, 40)]
    assert weekdays_between(friday, brute[-1]) == sum(day.weekday() < 5 for day in brute)
    assert not is_over(friday, date(2026, 3, 13), 5)
    assert is_over(friday, date(2026, 3, 16), 5)


# -- what is told again --------------------------------------------------------------


def finding(day, severity=1, peak=2.5, rule="innovation", subject="narrative:tariffs"):
    return AlertFinding(
        rule="innovation", rule_id=rule, subject=subject, day=day, severity=severity, peak=peak,
        title=f"severity {severity}", statement="", numbers={}, rows=(), path="/",
    )  # fmt: skip


def told(findings_by_night, settings=SETTINGS):
    """Return the versions after each night."""
    standing: dict[str, Alert] = {}
    versions = []
    for day, findings in findings_by_night:
        for change in fold(findings, list(standing.values()), settings, now=night(day)):
            standing[change.alert.id] = change.alert
        versions.append([alert.version for alert in standing.values()])
    return versions


def test_a_story_is_told_again_only_when_it_escalates_and_not_without_end():
    days = sessions(12)
    peaks = [2.5, 3.0, 4.4, 4.6, 6.7, 9.0, 12.0]
    nights = [(day, [finding(day, peak=peak)]) for day, peak in zip(days, peaks, strict=False)]
    # 4.6 is 2 sigmas over what was told first, 6.7 over that; three times are the most.
    assert told(nights) == [[1], [1], [1], [2], [3], [3], [3]]


def test_a_graver_finding_is_told_again_with_its_own_title_but_not_on_the_same_day():
    day, after = sessions(2)
    first = fold([finding(day)], [], SETTINGS, now=night(day))
    same = fold([finding(day, 3, rule="b")], [first[0].alert], SETTINGS, now=night(day, hour=22))
    assert [one.is_sent for one in (first[0], same[0])] == [True, False]
    later = fold([finding(after)], [same[0].alert], SETTINGS, now=night(after))
    assert later[0].is_sent
    assert (later[0].alert.title, later[0].alert.version) == ("severity 3", 2)


def test_findings_in_any_order_and_split_over_nights_come_to_the_same_story():
    days = sessions(4)
    whole = fold([finding(day) for day in days[::-1]], [], SETTINGS, now=night(days[-1]))
    parts = fold([finding(days[0])], [], SETTINGS, now=night(days[-1]))
    parts = fold([finding(day) for day in days], [parts[0].alert], SETTINGS, now=night(days[-1]))
    assert whole[0].alert == parts[0].alert


def test_two_stories_on_one_day_are_two_alerts_even_where_their_names_collide():
    (day,) = sessions(1)
    found = [finding(day, subject="sources"), finding(day, subject="narrative:sources")]
    ids = [change.alert.id for change in fold(found, [], SETTINGS, now=night(day))]
    assert len(set(ids)) == 2


# -- the rules -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "raised"),
    [
        ({}, True),
        ({"stories": 4}, False),  # an innovation on few stories
        ({"innovation": 1.9}, False),
        ({"share_low": 0.0213}, False),  # its interval holds the usual share
        ({"innovation": None}, False),
        ({"share": None}, False),  # the session was not collected
    ],
)
def test_an_innovation_needs_level_stories_and_an_interval_above_the_usual(
    tmp_path, changed, raised
):
    day = planted(tmp_path / "t.db")[-1]
    with Store.open(tmp_path / "t.db") as store:
        run = store.runs.begin("align", now=night(day))
        loud = replace(point("tariffs", day, loud=True), **changed)
        store.results.add_intensity([loud], seen_at=night(day), run_id=run.id)
        add_stories(store, run.id, "tariffs", day, 8)
        assert bool(look(store, day).raised) == raised


def test_an_innovation_from_two_sources_is_no_alert(tmp_path):
    day = planted(tmp_path / "t.db")[-1]
    with Store.open(tmp_path / "t.db") as store:
        run = store.runs.begin("align", now=night(day))
        loud = point("tariffs", day, loud=True)
        store.results.add_intensity([loud], seen_at=night(day), run_id=run.id)
        add_stories(store, run.id, "tariffs", day, 2)
        assert not look(store, day).raised


def test_a_session_that_has_not_closed_never_alerts(tmp_path):
    day = planted(tmp_path / "t.db", loud={"tariffs": sessions(70)[-1:]})[-1]
    with Store.open(tmp_path / "t.db") as store:
        assert not evaluate(store, SETTINGS, [], now=night(day, hour=19)).raised
        assert look(store, day).raised


def test_later_rows_change_no_finding(tmp_path):
    all_days = sessions(70)
    loud = {"tariffs": all_days[40:42], "recession": all_days[60:]}
    planted(tmp_path / "a.db", count=45, loud={"tariffs": all_days[40:42]})
    planted(tmp_path / "b.db", loud=loud)
    seen = []
    for name in ("a.db", "b.db"):
        with Store.open(tmp_path / name, read_only=True) as store:
            now = night(all_days[-1])
            days = replay(store, SETTINGS, [], all_days[30], all_days[44], now=now)
            seen.append([(day, changes) for day, changes in days if changes])
    assert seen[0]
    assert seen[0] == seen[1]


@pytest.mark.parametrize(("found_on", "raised"), [(-1, False), (-2, True), (None, True)])
def test_a_narrative_is_no_news_up_to_the_day_on_which_it_was_found(tmp_path, found_on, raised):
    days = planted(tmp_path / "t.db", loud={"tariffs": sessions(70)[-1:]})
    known = NARRATIVES
    if found_on is not None:
        day = days[found_on]
        known = tuple(replace(n, found_on=day) if n.id == "tariffs" else n for n in NARRATIVES)
    with Store.open(tmp_path / "t.db") as store:
        store.narratives.sync(known, TAXONOMY)
        look(store, days[-1])
        told = {one["rule"] for alert in listed(store) for one in alert["findings"]}
        assert told == ({"innovation"} if raised else set())


@pytest.mark.parametrize(("found_on", "raised"), [(-1, False), (-2, True)])
def test_a_stance_does_not_turn_before_a_narrative_was_found(tmp_path, found_on, raised):
    days = planted(tmp_path / "t.db")
    found = [replace(one, found_on=days[found_on]) for one in NARRATIVES]
    with Store.open(tmp_path / "t.db") as store:
        store.narratives.sync(found, TAXONOMY)
        run = store.runs.begin("align", now=night(days[-1]))
        sided(store, run, "tariffs", days[-25:-5], 1, 3)
        sided(store, run, "tariffs", days[-5:], 4, 1)
        look(store, days[-1])
        told = [one for alert in listed(store) for one in alert["findings"]]
        assert bool([one for one in told if one["day"] == str(days[-1])]) == raised
        assert not [one for one in told if one["day"] <= str(days[found_on])]


@pytest.mark.parametrize(
    ("newer", "older", "raised"),
    [
        ((4, 1), (1, 3), True),  # 20 against 5, after 20 against 60
        ((1, 4), (3, 1), True),
        ((4, 1), (3, 1), False),  # the same side
        ((1, 0), (1, 3), False),  # five stories take a side
        ((4, 3), (3, 4), False),  # chance does that
    ],
)
def test_a_stance_flips_when_chance_is_excluded(tmp_path, newer, older, raised):
    days = planted(tmp_path / "t.db")
    with Store.open(tmp_path / "t.db") as store:
        run = store.runs.begin("align", now=night(days[-1]))
        sided(store, run, "tariffs", days[-25:-5], *older)
        sided(store, run, "tariffs", days[-5:], *newer)
        look(store, days[-1])
        found = [one for alert in listed(store) for one in alert["findings"]]
        assert bool([one for one in found if one["day"] == str(days[-1])]) == raised


def test_a_stance_over_a_gap_in_the_archive_is_no_flip(tmp_path):
    days = planted(tmp_path / "t.db", missing=sessions(70)[50:67])
    with Store.open(tmp_path / "t.db") as store:
        run = store.runs.begin("align", now=night(days[-1]))
        sided(store, run, "tariffs", days[20:47], 1, 3)
        sided(store, run, "tariffs", [*days[47:50], *days[67:]], 8, 1)
        look(store, days[-1])
        assert listed(store) == []


@pytest.mark.parametrize("table", [((3, 6), (41, 6)), ((13, 0), (10, 17)), ((2, 2), (3, 3))])
def test_fishers_test_is_that_of_scipy(table):
    from scipy.stats import fisher_exact as reference

    assert fisher_exact(table) == pytest.approx(reference(table).pvalue, rel=1e-9)


def test_a_suspect_at_all_is_told_with_its_interval(tmp_path):
    day = planted(tmp_path / "t.db")[-1]
    with Store.open(tmp_path / "t.db") as store:
        keep(store, explained(day, leading=True))
        (alert,) = look(store, day).raised
        assert (alert.subject, alert.severity) == ("narrative:dollar-policy", 2)
        (found,) = listed(store)[0]["findings"]
        assert "score 0.72 (90 % interval 0.58 to 0.85)" in found["statement"]
        assert found["path"] == f"/day/{day}"


def test_a_crash_without_a_suspect_is_told_as_that(tmp_path):
    day = planted(tmp_path / "t.db")[-1]
    with Store.open(tmp_path / "t.db") as store:
        keep(store, explained(day, leading=False))
        (alert,) = look(store, day).raised
        assert alert.subject == "move:SLV"
        assert alert.title.startswith("Silver ETF -28.5 % on")
        assert "no narrative stands out" in listed(store)[0]["findings"][0]["statement"]


def test_talk_and_its_suspect_are_one_story(tmp_path):
    days = sessions(70)
    planted(tmp_path / "t.db", loud={"dollar-policy": days[-2:-1]})
    with Store.open(tmp_path / "t.db") as store:
        look(store, days[-2], WITH_CHANNEL)
        keep(store, explained(days[-1], leading=True))
        assert not look(store, days[-1], WITH_CHANNEL).raised
        (alert,) = listed(store)
        assert [one["rule"] for one in alert["findings"]] == ["innovation", "suspect"]
        assert (alert["title"].split(":")[1].strip()[:7], alert["version"]) == ("leading", 2)
        # What had not gone out yet need not go out any more.
        assert [one.version for one in store.alerts.waiting()] == [2]


def test_rules_of_ones_own_are_restricted_and_have_their_own_channels(tmp_path):
    given = {
        "alerts": {name: {"on": False} for name in ("innovation", "stance_flip", "suspect")},
        "channel": [
            {"id": "log", "kind": "jsonl", "path": "a"},
            {"id": "desk", "kind": "jsonl", "path": "b"},
        ],
        "alert": [
            {"id": "mine", "rule": "innovation", "narratives": ["tariffs"], "channels": ["desk"]},
            {"id": "gold", "rule": "suspect", "assets": ["GLD"], "level": 7.0},
        ],
    }
    settings = parse_alerts(given, "t.toml")
    day = sessions(70)[-1]
    planted(tmp_path / "t.db", loud={"tariffs": [day], "recession": [day]})
    with Store.open(tmp_path / "t.db") as store:
        keep(store, explained(day, leading=False))
        look(store, day, settings)
        assert {alert["subject"] for alert in listed(store)} == {"narrative:tariffs", "move:GLD"}
        sent = {(one.alert_id, one.channel) for one in store.alerts.waiting()}
        assert sent == {
            (f"{day}-tariffs", "desk"),
            (f"{day}-move-GLD", "desk"),
            (f"{day}-move-GLD", "log"),
        }


def test_the_world_of_these_tests_begins_when_it_says():
    assert sessions(1) == [FIRST]
    assert datetime(2026, 3, 2, 23, 15, tzinfo=UTC) == night(FIRST)
    assert AlertSettings().rules == ()
