"""A night computes what changed: the same numbers as a whole run, and no earlier row another."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from align.archive import build_archive
from align.bursts import concentrated, kleinberg
from align.caps import story_weights
from align.catalogue import weights
from align.inputs import digest
from align.intensity import measure, measure_intensity
from store.records import IntensityDay
from tests import align_world
from tests.worlds.talk import CALENDAR, FIRST, Desk, flood, instant, platform, print_stories

N_DAYS = 125
LATER = 40  # eight weeks
CAPS = weights()["caps"]


@pytest.fixture(scope="module")
def world():
    """Desks, a platform, one that joins, one that falls silent, a campaign, and a gap."""
    rng = np.random.default_rng(14)
    desks = [Desk(id=f"desk-{one}", stories=12, share=0.04 + 0.02 * one) for one in range(5)]
    desks += [
        Desk(id="tag", stories=15, share=0.1),
        Desk(id="late", stories=20, share=0.3, start=50),
    ]
    made = platform(rng, print_stories(rng, desks, N_DAYS, n_narratives=3), "tag")
    day = made.stories["document_id"].str[:4].astype(int).to_numpy()
    silent = (made.stories["source_id"] == "desk-4").to_numpy() & (day > 80)
    return made.keep(~silent & ~np.isin(day, [70, 71])).add(flood(75, "tag", posts=60), 0)


@pytest.fixture(scope="module")
def measured(world):
    return measure(world.archive(), None, {})


def _until(world, last):
    day = world.stories["document_id"].str[:4].astype(int).to_numpy()
    return replace(world.keep(day <= last), n_days=last + 1)


def _held(measured, before=None):
    return {**(before or {}), **{one.day: one for one in measured.fresh}}


def test_eight_more_weeks_change_no_earlier_point(world):
    early = measure_intensity(_until(world, N_DAYS - LATER - 1).archive())
    late = {(one.narrative_id, one.day): one for one in measure_intensity(world.archive())}
    assert len(early) == 3 * (N_DAYS - LATER)
    for point in early:
        assert repr(late[point.narrative_id, point.day]) == repr(point)
    for name in ("share_linked", "zscore_ewma", "innovation_novel", "burst"):
        assert any(getattr(point, name) for point in early), name


def test_a_night_computes_one_session(world):
    held = _held(measure(_until(world, N_DAYS - 2).archive(), None, {}))
    archive = world.archive()
    night = measure(archive, None, held)
    assert [one.day for one in night.fresh] == [archive.day(N_DAYS - 1)]
    assert list(night.points) == measure_intensity(archive)
    assert list(measure(archive, None, _held(night, held)).fresh) == []


def test_nights_in_a_row_end_where_one_run_ends(world):
    held: dict[date, IntensityDay] = {}
    for last in (96, 97, 98, 101):
        part = _until(world, last).archive()
        measured = measure(part, None, held)
        held = _held(measured, held)
    assert list(measured.points) == measure_intensity(part)


def test_what_is_carried_outlasts_a_long_hole(world):
    """Sixty-one sessions without a document are not printed, and nothing is kept of them."""
    day = world.stories["document_id"].str[:4].astype(int).to_numpy()
    holed = world.keep((day < 35) | (day > 98))
    held: dict[date, IntensityDay] = {}
    for last in (30, 100, 101, 102):
        part = _until(holed, last).archive()
        measured = measure(part, None, held)
        held = _held(measured, held)
    whole = measure(part, None, {})
    assert len(measured.fresh) == 1
    assert len(held) == 35 + 4
    assert list(measured.points) == list(whole.points)
    assert list(measured.fresh) == list(whole.fresh)[-1:]
    np.testing.assert_array_equal(measured.volume, whole.volume)
    assert np.isfinite(whole.volume[99])


def test_what_changes_in_the_past_is_computed_again_from_there(world, measured):
    held = _held(measured)
    labels = world.labels.copy()
    day = labels["document_id"].str[:4].astype(int)
    labels.loc[day[day == 100].index[0], "stance"] = "against"
    changed = replace(world, labels=labels).archive()
    found = measure(changed, None, held)
    assert found.fresh[0].day == changed.day(100)
    assert len(found.fresh) == N_DAYS - 100
    assert list(found.points) == measure_intensity(changed)
    rates = pd.DataFrame(
        [("narrative-00", 50, 40, 100, 5)],
        columns=["narrative_id", "positives", "true_positives", "negatives", "false_positives"],
    )
    assert len(measure(changed, rates, held).fresh) == N_DAYS, "other rates, other shares"


def _on(world, row):
    """Return the places of the stories of a day in the table."""
    return np.flatnonzero(world.stories["document_id"].str[:4].astype(int) == row)


def _with(world, **columns):
    """Return the world with one story of day 100, one that carries the first narrative, other."""
    stories = world.stories.copy()
    said = set(world.labels["document_id"])
    place = next(one for one in _on(world, 100) if stories["document_id"][one] in said)
    for name, value in columns.items():
        if name not in stories:
            stories[name] = np.nan
        stories.loc[stories.index[place], name] = value
    return replace(world, stories=stories)


def _of_half(world, name, value):
    """Return the world in which every other story of day 100 has another author or page."""
    stories = world.stories.copy()
    stories.loc[_on(world, 100)[::2], name] = value
    return replace(world, stories=stories)


def _another_source(world):
    """A desk that fell silent brought documents that were not labelled."""
    at = [world.stories.loc[_on(world, day)[0], "effective_at"] for day in range(85, 95)]
    more = pd.DataFrame({"source_id": "desk-4", "effective_at": at})
    return replace(world, collected=pd.concat([world.collected, more]).sort_values("effective_at"))


def _same_titles(world):
    """Two stories of one day have one title; the first of them carries no narrative."""
    stories, said = world.stories.copy(), set(world.labels["document_id"])
    today = _on(world, 100)
    told = next(one for one in today if stories["document_id"][one] in said)
    silent = next(one for one in today if stories["document_id"][one] not in said)
    stories.loc[[told, silent], "title"] = "One title"
    first, second = sorted(stories.loc[[told, silent], "effective_at"])
    return stories, (told, silent), (first, second)


def _in_order(world, stories):
    ordered = stories.sort_values(["effective_at", "document_id"], ignore_index=True)
    return replace(world, stories=ordered)


@pytest.mark.parametrize(
    "change",
    [
        lambda world: _with(world, weight=5.0),
        lambda world: _with(world, copies=7),
        lambda world: _with(world, nearest_7=0.95),
        lambda world: _with(world, nearest_30=0.95, title="Title 0099-desk-1-1"),
        lambda world: _of_half(world, "author", "@one"),
        lambda world: _of_half(world, "domain", "farm.example"),
        _another_source,
        lambda world: replace(world, labels=world.labels.iloc[:-40]),
    ],
    ids=["weight", "copies", "near", "title", "author", "domain", "another source", "labels"],
)
def test_every_input_of_a_day_is_in_its_digest(world, measured, change):
    held = _held(measured)
    changed = change(world).archive()
    whole = measure_intensity(changed)
    assert whole != list(measured.points)
    assert list(measure(changed, None, held).points) == whole


def test_the_order_within_a_session_is_in_its_digest(world):
    """Of two stories of one title the second repeats the first."""
    stories, (told, silent), (first, second) = _same_titles(world)
    stories.loc[told, "effective_at"], stories.loc[silent, "effective_at"] = first, second
    held = _held(measure(_in_order(world, stories).archive(), None, {}))
    stories.loc[told, "effective_at"], stories.loc[silent, "effective_at"] = second, first
    changed = _in_order(world, stories).archive()
    found = measure(changed, None, held)
    assert found.fresh[0].day == changed.day(100)
    assert list(found.points) == measure_intensity(changed)


def test_other_code_or_numbers_are_in_every_digest(world, measured, monkeypatch):
    monkeypatch.setattr("align.increment.source_digest", lambda: "of other files")
    assert len(measure(world.archive(), None, _held(measured)).fresh) == N_DAYS


@pytest.mark.parametrize("what", ["answered", "files"])
def test_requests_and_files_of_a_day_are_in_its_digest(world, measured, what):
    held = _held(measured)
    at = CALENDAR.close(FIRST + 100) - pd.Timedelta("30min")
    if what == "answered":
        # A source that fell silent answered, and had nothing new.
        log = pd.DataFrame({"source_id": ["desk-4"], "fetched_at": [at], "outcome": ["ok"]})
        changed = world.archive(fetch_log=log)
    else:
        files = pd.DataFrame({"source_id": ["desk-1"], "fetched_at": [at], "got": [3]})
        changed = world.archive(bulk_files=files)
    found = measure(changed, None, held)
    assert found.fresh[0].day == changed.day(100)
    assert list(found.points) == measure_intensity(changed)


def test_what_a_run_starts_from_is_in_its_digest():
    """The session in which a source answered is, the hour is not."""
    said = align_world.talk(sessions=30)
    at = said.collected["effective_at"].iloc[-200]

    def of(hours, outcome="ok", copied=0):
        asked = [at, at + pd.Timedelta(hours=hours)]
        log = pd.DataFrame({"source_id": "s", "fetched_at": asked, "outcome": ["ok", outcome]})
        copies = said.stories[["document_id", "effective_at"]].head(3)
        copies = copies.assign(effective_at=copies["effective_at"] + pd.Timedelta(hours=copied))
        made = align_world.inputs(align_world.prices(sessions=60), said)
        return digest(replace(made, fetch_log=log, copies=copies))

    assert of(0) == of(-1) == of(-1, "not_modified")
    assert of(0) != of(-48)
    assert of(-48, "error") == of(0)
    assert of(0) != of(0, copied=48)
    assert of(24 * 60) == of(0), "a session without a document"


def test_a_running_session_is_computed_again_when_it_has_closed(world):
    def archive(now):
        frames = (world.stories, world.labels, world.collected)
        return build_archive(*frames, CALENDAR, world.names, now=now)

    running = archive(CALENDAR.close(FIRST + N_DAYS - 1) - pd.Timedelta(minutes=1))
    held = _held(measure(running, None, {}))
    closed = measure(archive(instant(N_DAYS - 1)), None, held)
    assert len(closed.fresh) == 1
    assert closed.points[-1].zscore is not None


def _stories(authors, domains, source="s"):
    return pd.DataFrame({"source_id": source, "author": authors, "domain": domains})


def _weights(stories):
    return story_weights(stories, np.zeros(len(stories), dtype=np.intp), CAPS)


def test_authors_count_twice_and_nameless_stories_are_left_alone():
    stories = _stories(["Ann"] * 8 + ["ann "] * 2 + ["Bob"] + [None] * 5, None)
    found = _weights(stories)
    assert found[:10].sum() == pytest.approx(2.0)
    assert found[10:].tolist() == [1.0] * 6
    twice = pd.concat([stories, stories.assign(source_id="t")], ignore_index=True)
    assert _weights(twice).sum() == pytest.approx(2 * found.sum()), "per source"
    assert _weights(_stories(None, None, ["s"] * 3)).tolist() == [1.0] * 3


def test_domains_are_capped_where_there_are_many():
    few = _stories(None, ["a.example"] * 10 + ["b.example"] * 10)
    assert _weights(few).tolist() == [1.0] * 20
    many = _stories(None, ["a.example"] * 10 + [f"{one}.example" for one in range(6)])
    assert _weights(many)[:10].sum() == pytest.approx(2.0)
    assert _weights(many)[10:].tolist() == [1.0] * 6
    # Of 500 domains, one may hold a twentieth of what the others bring.
    broad = _stories(None, ["a.example"] * 100 + [f"{one}.example" for one in range(500)])
    assert _weights(broad)[:100].sum() == pytest.approx(25.0)
    farms = _stories(None, ["a.example"] * 250 + ["b.example"] * 250 + list("cdefgh"))
    assert _weights(farms)[:500].sum() == pytest.approx(4.0), "two farms do not lift each other"


def test_one_voice_throughout_changes_nothing():
    """A blog of one author: its effective number of stories is what it was."""
    desks = [Desk(id=f"desk-{one}", stories=10, share=0.1) for one in range(5)]
    plain = print_stories(np.random.default_rng(3), desks, 40, n_narratives=2)
    signed = replace(plain, stories=plain.stories.assign(author=plain.stories["source_id"]))
    early, late = (
        np.array([(one.share, one.effective_n) for one in measure_intensity(world.archive())])
        for world in (plain, signed)
    )
    known = slice(10, 40)
    np.testing.assert_allclose(early[known], late[known], rtol=1e-9)


RULE = weights()["burst"]


def test_a_burst_is_marked_while_it_lasts():
    rng = np.random.default_rng(8)
    stories, gone = np.full(300, 300.0), np.zeros(300, dtype=bool)
    quiet = rng.binomial(300, 0.05, (40, 300)).astype(float)
    loud = quiet.copy()
    loud[:, 200:205] = rng.binomial(300, 0.15, (40, 5))
    assert kleinberg(quiet, stories, gone, RULE).mean() < 0.005
    found = kleinberg(loud, stories, gone, RULE)
    assert found[:, 200:205].mean() > 0.95
    assert found[:, 210:].mean() < 0.01
    np.testing.assert_array_equal(
        kleinberg(loud[:, :203], stories[:203], gone[:203], RULE), found[:, :203]
    )
    gone[201] = True
    assert not kleinberg(loud, stories, gone, RULE)[:, 201].any()


def test_a_day_of_one_voice_is_marked():
    stories = pd.DataFrame(
        {
            "source_id": ["tag"] * 20 + ["outlet"] * 20,
            "author": ["@a"] * 12 + [f"@b{one}" for one in range(8)] + [None] * 20,
            "domain": [f"{one}.example" for one in range(20)] + ["outlet.example"] * 20,
        }
    )
    story = np.arange(40)
    cell = np.repeat([0, 1], 20)
    rows = np.zeros(40, dtype=np.intp)
    assert concentrated(stories, rows, story, cell, RULE).tolist() == [0]
    few = story < 9
    assert not len(concentrated(stories, rows, story[few], cell[few], RULE))
    mixed = stories.assign(domain=["farm.example"] * 15 + ["x.example"] * 25, author=None)
    assert concentrated(mixed, rows, story, cell, RULE).tolist() == [0]


@pytest.mark.parametrize(("got", "missing"), [(96, False), (60, False), (30, True), (0, True)])
def test_a_day_without_its_files_is_missing(got, missing):
    desks = [Desk(id="bulk", stories=60, share=0.1), Desk(id="desk", stories=10, share=0.1)]
    world = print_stories(np.random.default_rng(4), desks, 30, n_narratives=1)
    files = pd.DataFrame(
        {
            "source_id": "bulk",
            "fetched_at": [
                CALENDAR.close(FIRST + day) - pd.Timedelta("30min") for day in range(30)
            ],
            "got": [96 * 4] * 30,
        }
    )
    day = next(row for row in range(25, 30) if CALENDAR.dates[FIRST + row].item().weekday() == 2)
    files.loc[day, "got"] = got
    archive = world.archive(bulk_files=files)
    assert archive.missing(day) is missing
    points = measure_intensity(archive)
    assert (points[day].share is None) is missing
    assert points[day].stories > 0
    assert not archive.missing(day - 1)
    late = files.assign(fetched_at=files["fetched_at"] + pd.Timedelta(days=200))
    assert not world.archive(bulk_files=late).missing(day), "not known yet"


def test_news_and_repeats_have_innovations_apart():
    rng = np.random.default_rng(21)
    desks = [Desk(id=f"desk-{one}", stories=40, share=0.1) for one in range(4)]
    world = print_stories(rng, desks, 90, n_narratives=1)
    nearest = rng.uniform(0.8, 0.99, len(world.stories))
    day = world.stories["document_id"].str[:4].astype(int).to_numpy()
    extra = pd.concat([flood(88, f"desk-{one}", posts=12, named=False) for one in range(4)])
    both = replace(world, stories=world.stories.assign(nearest_7=nearest)).add(
        extra.assign(nearest_7=0.97, domain=None), 0
    )
    point = measure_intensity(both.archive())[88]
    assert day.max() == 89
    assert point.innovation_repeat is not None
    assert point.innovation_repeat > 3
    assert abs(point.innovation_novel or 9) < 3
    assert point.novelty is not None
    assert point.novelty < 0.4
    assert point.novelty_30 == point.novelty, "what repeats the week repeats the month"


def test_a_link_keeps_zero_at_zero():
    desks = [Desk(id="a", stories=30, share=0.0), Desk(id="b", stories=30, share=0.0, start=30)]
    world = print_stories(np.random.default_rng(2), desks, 80, n_narratives=1)
    linked = [point.share_linked for point in measure_intensity(world.archive())]
    assert set(linked[5:]) == {0.0}
