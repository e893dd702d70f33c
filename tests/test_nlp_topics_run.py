"""Discovery over a made-up stream: the same twice, ids that last, what is proposed and when."""

import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from nlp.topics import look as look_module
from nlp.topics.consensus import Grouping, Groups
from nlp.topics.run import discover, discover_due
from nlp.topics.settings import DiscoverySettings
from store import Store
from tests.stories_world import EVERGREEN, START, Theme, fill, themes

TABLES = ("topics", "topic_documents", "topic_weeks", "topic_changes", "discoveries")
# Fewer runs than the default: the made-up themes lie far apart.
SETTINGS = DiscoverySettings(grouping=Grouping(runs=5, epochs=60))
BREAK = START + timedelta(days=35)  # a Monday
CREDIT = Theme("lenders warehouse receivables fraud loans collateral auditors subprime", 2.2, BREAK)


def at(day):
    """Return an instant in the morning after a day, when its window is whole."""
    return datetime(day.year, day.month, day.day, 6, tzinfo=UTC) + timedelta(days=1)


def looked(path, told, *, days, since=START, settings=SETTINGS, until=None):
    """Fill a database and look at every weekly window; return its dump of discovery's tables."""
    with Store.open(path, create=True) as store:
        fill(store, told, first=START, days=days)
        last = START + timedelta(days=days - 1) if until is None else until
        report = discover(store, settings=settings, now=at(last), since=since)
    return report


def dump(path):
    """Return all that discovery wrote, but for the ids of its runs."""
    with sqlite3.connect(path) as db:
        return {
            table: [
                row[:-1] for row in db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()
            ]
            for table in (
                "topics",
                "topic_documents",
                "topic_weeks",
                "topic_changes",
                "discoveries",
            )
        }


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    """Seven weeks in which a story breaks out in the sixth."""
    path = tmp_path_factory.mktemp("stream") / "t.db"
    report = looked(path, themes([("credit", CREDIT)]), days=49)
    return path, report


def test_a_story_that_breaks_out_is_proposed_within_two_weeks_and_nothing_else(stream):
    path, report = stream
    with Store.open(path, read_only=True) as store:
        topics = store.topics.all()
        (candidate,) = [topic for topic in topics if topic.status == "candidate"]
        assert set(CREDIT.words.split()) & {word for word, _ in candidate.words}
        assert candidate.proposed_on is not None
        assert candidate.proposed_on <= BREAK + timedelta(days=13)
        assert candidate.found_on >= BREAK
        told = [place.document_id for place in _stories(store, candidate.id) if place.is_core]
        assert len(told) >= 10
        quotes = [place for place in _stories(store, candidate.id) if place.position]
    assert 1 <= len(quotes) <= 5
    assert all(quote.is_core for quote in quotes)
    assert report.counts["proposed"] == 1
    assert candidate.id in report.notes[0]


def test_what_was_there_from_the_start_is_never_proposed(stream):
    with Store.open(stream[0], read_only=True) as store:
        found = {name: _about(store, words) for name, words in EVERGREEN.items()}
    assert {name: [topic.status for topic in topics] for name, topics in found.items()} == {
        name: ["background"] for name in EVERGREEN
    }


def test_ids_last_from_week_to_week(stream):
    with Store.open(stream[0], read_only=True) as store:
        runs = store.topics.discoveries()
        (topics,) = zip(*(_about(store, words) for words in EVERGREEN.values()), strict=True)
        weeks = {topic.id: len(store.topics.weeks(topic.id)) for topic in topics}
    assert set(weeks.values()) == {len(runs)}
    assert runs[0].kept is None
    assert all(run.kept is not None and run.kept >= 0.85 for run in runs[1:])
    assert all(run.outliers <= 0.15 * run.residual for run in runs)


def test_the_same_stories_twice_are_the_same_topics(stream, tmp_path):
    looked(tmp_path / "again.db", themes([("credit", CREDIT)]), days=49)
    assert dump(tmp_path / "again.db") == dump(stream[0])


def test_a_window_is_looked_at_once_and_never_backwards(stream, tmp_path):
    path = _copy(stream[0], tmp_path)
    before = dump(path)
    with Store.open(path) as store:
        report = discover(store, settings=SETTINGS, now=at(START + timedelta(days=45)))
        again = discover(store, settings=SETTINGS, now=at(START + timedelta(days=45)), since=START)
    assert report.counts["windows"] == again.counts["windows"] == 0
    assert "passed over" in report.notes[0]
    assert dump(path) == before


def test_one_more_day_moves_few_stories(stream, tmp_path):
    path = _copy(stream[0], tmp_path)
    day = START + timedelta(days=49)
    with Store.open(path) as store:
        was = store.topics.members(_documents(store))
        # The last weekly window ended on a Thursday; the days since are in the file already.
        fill(store, themes([("credit", CREDIT)]), first=day, days=1)
        last = store.topics.discoveries()[-1].day
        discover(store, settings=SETTINGS, now=at(last + timedelta(days=1)))
        now = store.topics.members(list(was))
    kept = [one for one, place in was.items() if now[one].topic_id == place.topic_id]
    assert len(kept) >= 0.97 * len(was)


def test_what_came_later_changes_nothing_that_was_found(stream, tmp_path):
    """Windows that are looked at with later stories in the file are those without them."""
    until = START + timedelta(days=40)
    told = themes([("credit", CREDIT)])
    looked(tmp_path / "short.db", told, days=41, until=until)
    looked(tmp_path / "long.db", told, days=49, until=until)
    assert dump(tmp_path / "short.db") == dump(tmp_path / "long.db")


def test_a_story_that_comes_back_has_its_old_id(tmp_path):
    """Quiet for more than a window, and then told again in the same words."""
    told = themes()
    gone = Theme(CREDIT.words, 3, START, START + timedelta(days=20))
    back = START + timedelta(days=60)
    path = tmp_path / "back.db"
    with Store.open(path, create=True) as store:
        fill(store, told | {"credit": gone}, first=START, days=60)
        discover(store, settings=SETTINGS, now=at(START + timedelta(days=20)))
        discover(store, settings=SETTINGS, now=at(START + timedelta(days=55)))
        quiet = {t.id for t in store.topics.all() if "loans" in dict(t.words)}
        assert len(quiet) == 1
        fill(
            store, told | {"credit": replace(gone, first=back, last=date.max)}, first=back, days=10
        )
        discover(store, settings=SETTINGS, now=at(back + timedelta(days=9)))
        assert {t.id for t in store.topics.all() if "loans" in dict(t.words)} == quiet
        # In between, a story outside of every group may be nearest to it.
        days = [week.day for week in store.topics.weeks(quiet.pop()) if week.stories]
    assert days == [START + timedelta(days=20), back + timedelta(days=9)]


def test_a_topic_that_dies_down_keeps_the_words_and_stories_of_its_fuller_windows(tmp_path):
    gone = Theme(CREDIT.words, 3, START, START + timedelta(days=20))
    with Store.open(tmp_path / "t.db", create=True) as store:
        fill(store, themes([("credit", gone)]), first=START, days=21)
        discover(store, settings=SETTINGS, now=at(START + timedelta(days=20)))
        (before,) = _about(store, CREDIT.words)
        shown = {p.document_id for p in _stories(store, before.id) if p.position}
        fill(store, themes(), first=START + timedelta(days=21), days=29)
        discover(store, settings=SETTINGS, now=at(START + timedelta(days=46)))
        (after,) = [topic for topic in store.topics.all() if topic.id == before.id]
        (week,) = store.topics.weeks(before.id)[1:]
        assert 0 < week.stories < SETTINGS.rules.stories
        assert after == before
        assert {p.document_id for p in _stories(store, before.id) if p.position} == shown
    assert shown


def test_too_few_stories_are_not_looked_at(tmp_path):
    with Store.open(tmp_path / "few.db", create=True) as store:
        fill(store, themes(), first=START, days=3, noise=0)
        report = discover(store, settings=SETTINGS, now=at(START + timedelta(days=2)))
        assert report.counts["windows"] == 0
        assert "50 of one language that no narrative covers are needed" in report.notes[0]
        assert store.topics.discoveries() == []


def test_a_window_in_which_the_runs_agree_on_no_group_has_no_topic(tmp_path):
    strict = replace(SETTINGS, grouping=replace(SETTINGS.grouping, together=1.0))
    with Store.open(tmp_path / "noise.db", create=True) as store:
        fill(store, {}, first=START, days=28, noise=2)
        report = discover(store, settings=strict, now=at(START + timedelta(days=27)))
        assert (report.counts["windows"], report.counts["topics"]) == (1, 0)
        (run,) = store.topics.discoveries()
        assert run.residual == run.outliers == 56
        assert store.topics.all() == []


def test_the_nightly_run_looks_once_a_week(stream, tmp_path):
    path = tmp_path / "due.db"
    with Store.open(path, create=True) as store:
        fill(store, themes(), first=START, days=40)
        first = discover_due(store, settings=SETTINGS, now=at(START + timedelta(days=38)))
        days = [one.day for one in store.topics.discoveries()]
        idle = discover_due(store, settings=SETTINGS, now=at(START + timedelta(days=39)))
        assert idle.counts["windows"] == 0
    assert first.counts["windows"] == len(days) == 5
    assert all(day.isoweekday() == SETTINGS.weekday for day in days)
    # A first window of a few days would take everything for old.
    assert days[0] >= START + timedelta(days=7)
    with Store.open(tmp_path / "empty.db", create=True) as store:
        report = discover_due(store, settings=SETTINGS, now=at(START))
        assert report.notes == ["no labelled story"]


def test_labelled_stories_are_not_looked_at(tmp_path):
    path = tmp_path / "labelled.db"
    with Store.open(path, create=True) as store:
        fill(store, themes(), first=START, days=28)
        discover(store, settings=SETTINGS, now=at(START + timedelta(days=27)))
        (run,) = store.topics.discoveries()
        assert run.stories == run.residual == run.core + run.reassigned + run.outliers


def _about(store, words):
    """Return the topics of which most words are these."""
    own = set(words.split())
    return [t for t in store.topics.all() if 2 * len(own & dict(t.words).keys()) > len(own)]


def _stories(store, topic_id):
    places = store.topics.members(_documents(store)).values()
    return [place for place in places if place.topic_id == topic_id]


def _documents(store):
    return [row["id"] for row in store.db.query("SELECT id FROM documents")]


def _copy(path, folder):
    target = folder / "copy.db"
    with sqlite3.connect(path) as source, sqlite3.connect(target) as copy:
        source.backup(copy)
    return target


# -- what breaks, and what only looks odd ------------------------------------------------


def grouped(store, day, monkeypatch, labels):
    """Look at a window in which the runs agree on groups that are given."""

    def found(vectors, keys, settings, **given):
        groups = labels(keys)
        count = groups.max(initial=-1) + 1
        return Groups(labels=groups, stability=np.full(count, 0.9), agreement=None)

    monkeypatch.setattr("nlp.topics.look.group", found)
    return discover(store, settings=SETTINGS, now=at(day))


@pytest.fixture
def month(tmp_path):
    """Four weeks of evergreen themes."""
    with Store.open(tmp_path / "m.db", create=True) as store:
        fill(store, themes(), first=START, days=35)
        yield store


FIRST, SECOND = START + timedelta(days=27), START + timedelta(days=34)


def test_a_window_without_a_group_has_no_topic(month, monkeypatch):
    with monkeypatch.context() as patch:
        report = grouped(month, FIRST, patch, lambda keys: np.full(len(keys), -1))
    assert (report.failures, report.counts["windows"], report.counts["topics"]) == (0, 1, 0)
    (run,) = month.topics.discoveries()
    assert run.outliers == run.residual
    # What comes after that can be new.
    discover(month, settings=SETTINGS, now=at(SECOND))
    topics = month.topics.all()
    assert topics
    assert {topic.status for topic in topics} <= {"watched", "candidate"}


def test_nothing_emerges_in_the_first_window(tmp_path):
    """What rises there cannot be told from what had only not been read before."""
    told = themes([("credit", replace(CREDIT, first=START + timedelta(days=24), a_day=6))])
    with Store.open(tmp_path / "t.db", create=True) as store:
        fill(store, told, first=START, days=28)
        discover(store, settings=SETTINGS, now=at(FIRST))
        (topic,) = _about(store, CREDIT.words)
        (week,) = store.topics.weeks(topic.id)
    assert (topic.status, week.trend) == ("background", "growing")
    assert week.pvalue is not None
    assert week.pvalue < 0.01


def test_a_topic_that_was_merged_has_no_story_and_no_week_from_then_on(month, monkeypatch):
    apart = np.random.default_rng(0)
    of = {
        row["id"]: list(EVERGREEN).index(name)
        for row in month.db.query("SELECT id, guid FROM documents")
        for name in EVERGREEN
        if row["guid"].startswith(name)
    }
    halves = {id_: int(apart.random() < 0.4) for id_ in sorted(of)}

    def two_of_one(keys):
        return np.array([4 if of.get(k) == 0 and halves[k] else of.get(k, -1) for k in keys])

    grouped(month, FIRST, monkeypatch, two_of_one)
    assert len(month.topics.all()) == 5
    grouped(month, SECOND, monkeypatch, lambda keys: np.array([of.get(k, -1) for k in keys]))
    (merged,) = [topic for topic in month.topics.all() if topic.status == "merged"]
    assert [week.day for week in month.topics.weeks(merged.id)] == [FIRST]
    places = month.topics.members(_documents(month)).values()
    left = [one for one in places if one.topic_id == merged.id]
    assert all(one.joined_on == FIRST for one in left)
    start = SECOND - timedelta(days=27)
    window = month.topics.residual(
        "en", "made-up", at(start - timedelta(days=2)), at(SECOND), weak=0.5
    )
    since = {one.document_id for one in window if one.effective_at.date() >= start}
    assert not since & {one.document_id for one in left}


def test_a_topic_that_is_quiet_keeps_the_stories_that_represent_it(tmp_path):
    """Stories outside of every group are put with it; that must not cost it its quotes."""
    gone = Theme(CREDIT.words, 3, START, START + timedelta(days=20))
    with Store.open(tmp_path / "t.db", create=True) as store:
        fill(store, themes([("credit", gone)]), first=START, days=56, noise=8)
        discover(store, settings=SETTINGS, now=at(START + timedelta(days=20)))
        (topic,) = _about(store, CREDIT.words)
        before = {one.document_id for one in _stories(store, topic.id) if one.position}
        discover(store, settings=SETTINGS, now=at(START + timedelta(days=55)))
        near = [week.reassigned for week in store.topics.weeks(topic.id)][1:]
        assert near
        assert near[0] > 0
        after = {one.document_id for one in _stories(store, topic.id) if one.position}
    assert before
    assert after == before


@pytest.mark.parametrize("error", [ValueError("eigen"), np.linalg.LinAlgError("svd"), KeyError(3)])
def test_a_window_that_breaks_is_a_failure_and_is_looked_at_again(month, monkeypatch, error):
    def breaks(*given, **more):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("nlp.topics.look.group", breaks)
        report = discover_due(month, settings=SETTINGS, now=at(SECOND))
    assert (report.failures, report.counts["windows"]) == (1, 0)
    assert type(error).__name__ in report.notes[0]
    assert month.topics.discoveries() == month.topics.all() == []
    (row,) = month.runs.failures()
    assert (row["stage"], row["kind"]) == ("discover", "GroupingError")
    assert row["item"].startswith("en 2026-")
    assert "'tapestory discover'" in row["advice"]
    again = discover_due(month, settings=SETTINGS, now=at(SECOND))
    assert again.failures == 0
    days = [run.day.isoformat() for run in month.topics.discoveries()]
    assert days[0] == row["item"].removeprefix("en ")
    assert again.counts["windows"] == len(days) >= 2


def test_a_lack_of_memory_is_not_taken_for_a_window_that_breaks(month, monkeypatch):
    def breaks(*given, **more):
        raise MemoryError

    monkeypatch.setattr("nlp.topics.look.group", breaks)
    with pytest.raises(MemoryError):
        discover(month, settings=SETTINGS, now=at(SECOND))


def test_one_language_that_breaks_leaves_the_other_its_topics_and_is_caught_up(month, monkeypatch):
    """Ids stay apart, too, though both are of the same week."""
    with month.transaction():
        month.db.execute(
            "UPDATE taggings SET language = 'zh' WHERE document_id IN (SELECT id FROM documents"
            " WHERE substr(guid, 1, 5) IN ('ports', 'farms'))"
        )
    real = look_module.look

    def breaks(window, settings, **given):
        if window.language == "en":
            raise RuntimeError("numba could not cache")
        return real(window, settings, **given)

    with monkeypatch.context() as patch:
        patch.setattr("nlp.topics.run.look", breaks)
        report = discover_due(month, settings=SETTINGS, now=at(SECOND))
    done = [one.day for one in month.topics.discoveries()]
    assert {one.language for one in month.topics.discoveries()} == {"zh"}
    assert (report.failures, report.counts["windows"]) == (1, len(done))
    assert "numba could not cache" in report.notes[0]
    discover_due(month, settings=SETTINGS, now=at(SECOND))
    both = [(one.day, one.language) for one in month.topics.discoveries()]
    assert [day for day, language in both if language == "en"] == done
    ids = {topic.id: topic.language for topic in month.topics.all()}
    assert set(ids.values()) == {"en", "zh"}
    # The same again has nothing to do, and says so.
    idle = discover_due(month, settings=SETTINGS, now=at(SECOND))
    assert idle.notes == ["no weekly window is due"]


def test_a_day_before_all_stories_is_no_error(month):
    report = discover(month, settings=SETTINGS, now=at(FIRST), since=date.min)
    assert report.counts["windows"] == len(month.topics.discoveries()) > 0


def test_a_kill_inside_a_window_leaves_nothing_of_it(month, monkeypatch):
    class Killed(BaseException):
        pass

    def killed(*given, **more):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(type(month.topics), "keep", killed)
        with pytest.raises(Killed):
            discover(month, settings=SETTINGS, now=at(FIRST))
    counts = [month.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES]
    assert counts == [0] * len(TABLES)
    assert discover(month, settings=SETTINGS, now=at(FIRST)).counts["windows"] == 1
    assert month.check() == []
