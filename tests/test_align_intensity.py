"""Intensity: stories and shares, intervals, missing days, and no look-ahead."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from align.archive import build_archive
from align.innovation import forecast_error, standardise
from align.intensity import measure_intensity, wilson
from align.novelty import fresh_stories
from align.sessions import load_calendar
from tests import align_world
from tests.align_world import NARRATIVES, Talk

CALENDAR = load_calendar("XNYS", date(2024, 12, 1), date(2026, 4, 1))


def _points(said: Talk, now: datetime = align_world.NOW, **options):
    archive = build_archive(
        said.stories, said.labels, said.collected, CALENDAR, NARRATIVES, now=now, **options
    )
    assert archive is not None
    return {(point.narrative_id, point.day): point for point in measure_intensity(archive)}


def _only(said: Talk, keep: pd.Series) -> Talk:
    ids = said.stories.loc[keep, "document_id"]
    return Talk(
        said.stories[keep].reset_index(drop=True),
        said.labels[said.labels["document_id"].isin(ids)].reset_index(drop=True),
        said.collected[keep].reset_index(drop=True),
    )


def _session(said: Talk) -> pd.Series:
    return pd.Series(CALENDAR.assign(said.stories["effective_at"])).map(lambda day: day.date())


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (5, 50), (40, 80), (80, 80)])
def test_wilson_interval_agrees_with_scipy(hits, n):
    oracle = binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits / n, n) == pytest.approx((oracle.low, oracle.high), abs=1e-9)


def test_a_planted_burst_stands_out_and_the_others_do_not():
    day = date(2026, 1, 28)
    said = align_world.talk(bursts={("fed-policy", day): 0.4})
    points = _points(said)
    point = points["fed-policy", day]
    assert point.zscore is not None
    assert point.zscore > 4
    assert point.innovation is not None
    assert point.innovation > 3
    assert point.share_low is not None
    assert point.share_low < 0.4 < (point.share_high or 0)
    others = [points[name, day].zscore or 0 for name in NARRATIVES if name != "fed-policy"]
    assert max(others) < 3.5


def test_shares_are_within_source_first():
    """A source that prints ten times as much does not take the share over."""
    said = align_world.talk(sessions=30, rate=0.0)
    loud = said.stories[said.stories["source_id"] == "source-0"]
    extra = [loud.assign(document_id=loud["document_id"] + f"-{copy}") for copy in range(9)]
    stories = pd.concat([said.stories, *extra], ignore_index=True)
    labels = pd.DataFrame(
        {
            "document_id": stories.loc[stories["source_id"] == "source-0", "document_id"],
            "narrative_id": "fed-policy",
            "probability": 0.9,
            "stance": "favor",
            "causal": False,
        }
    ).merge(stories[["document_id", "effective_at"]], on="document_id")
    point = _points(Talk(stories, labels, stories[["source_id", "effective_at"]]))[
        "fed-policy", align_world.CRASH
    ]
    assert point.stories == 60
    # sqrt(60) / (sqrt(60) + 5 sqrt(6)) = 0.39, where documents would say 60 / 90.
    assert point.share == pytest.approx(0.387, abs=0.02)


def test_too_little_of_the_panel_is_missing_and_never_zero():
    said = align_world.talk(sessions=60)
    hole = date(2026, 1, 21)
    session = _session(said)
    quiet = _only(said, (session != hole) | (said.stories["source_id"] < "source-2"))
    point = _points(quiet)["fed-policy", hole]
    assert (point.share, point.share_low, point.zscore, point.innovation) == (None,) * 4
    assert _points(said)["fed-policy", hole].share is not None
    gone = _only(said, session != hole)
    assert _points(gone)["fed-policy", hole].share is None
    assert _points(gone)["fed-policy", hole].stories == 0
    after = _points(gone)["fed-policy", date(2026, 1, 22)]
    assert after.share is not None, "the day after a hole counts"


def test_a_source_that_answered_without_news_is_no_gap():
    said = align_world.talk(sessions=60)
    hole = date(2026, 1, 21)
    quiet = _only(said, (_session(said) != hole) | (said.stories["source_id"] < "source-3"))
    asked = datetime(2026, 1, 21, 15, tzinfo=UTC)
    log = pd.DataFrame(
        {
            "source_id": [f"source-{number}" for number in range(6)],
            "fetched_at": pd.to_datetime([asked] * 6, utc=True),
            "outcome": ["not_modified"] * 5 + ["server_error"],
        }
    )
    assert _points(quiet)["fed-policy", hole].share is None
    assert _points(quiet, fetch_log=log)["fed-policy", hole].share is not None


def test_a_new_feed_with_another_base_rate_raises_no_alarm():
    """Reference N5: a feed with a 20 % base rate that joins on day 60 moves no z."""
    said = align_world.talk(sessions=120, sources=3, per_day=25, rate=0.05)
    rng = np.random.default_rng(5)
    days = [day.item() for day in CALENDAR.dates if day <= np.datetime64(align_world.LAST)]
    stories, labels = [], []
    for day in days[-60:]:
        at = CALENDAR.close(CALENDAR.last_on_or_before(day)) - timedelta(hours=3)
        for number in range(40):
            document_id = f"new-{day}-{number}"
            stories.append((document_id, "new-feed", 1.0, at, 1, None, document_id))
            if rng.random() < 0.2:
                labels.append((document_id, "fed-policy", 0.9, "favor", False, at))
    new = pd.DataFrame(stories, columns=list(said.stories.columns))
    new["effective_at"] = pd.to_datetime(new["effective_at"], utc=True)
    marks = pd.DataFrame(labels, columns=list(said.labels.columns))
    marks["effective_at"] = pd.to_datetime(marks["effective_at"], utc=True)
    both = pd.concat([said.stories, new], ignore_index=True)
    points = _points(
        Talk(
            both,
            pd.concat([said.labels, marks], ignore_index=True),
            both[["source_id", "effective_at"]],
        )
    )
    scores = [points["fed-policy", day].zscore or 0.0 for day in days[-60:]]
    assert abs(float(np.mean(scores))) < 1
    assert np.mean(np.abs(scores) > 3) < 0.05


def test_counts_stances_and_reach():
    said = align_world.talk(sessions=30, rate=0.0)
    day = said.stories[_session(said) == align_world.CRASH]["document_id"].to_list()
    stances = ["favor"] * 5 + ["against"] * 2 + ["none"]
    labels = pd.DataFrame(
        {
            "document_id": day[:8],
            "narrative_id": "geopolitics",
            "probability": 0.9,
            "stance": stances,
            "causal": False,
        }
    ).merge(said.stories[["document_id", "effective_at"]], on="document_id")
    stories = said.stories.copy()
    stories.loc[stories["document_id"] == day[0], "copies"] = 12
    point = _points(Talk(stories, labels, said.collected))["geopolitics", align_world.CRASH]
    assert (point.stories, point.favor, point.against, point.neutral) == (8, 5, 2, 1)
    assert point.reach == 19
    assert point.net_stance == pytest.approx(3 / 9)
    assert point.disagreement == pytest.approx(1 - 3 / 7)
    few = _points(Talk(stories, labels.head(2), said.collected))["geopolitics", align_world.CRASH]
    assert (few.net_stance, few.disagreement) == (None, None)
    none = _points(Talk(stories, labels.head(0), said.collected))["geopolitics", align_world.CRASH]
    assert (none.stories, none.share, none.novelty) == (0, 0.0, None)


def test_an_unfinished_session_raises_no_alarm():
    said = align_world.talk(bursts={("fed-policy", align_world.CRASH): 0.4})
    before = _points(said, now=datetime(2026, 1, 30, 20, 30, tzinfo=UTC))
    point = before["fed-policy", align_world.CRASH]
    assert point.share is not None
    assert (point.zscore, point.innovation) == (None, None)
    closed = _points(said, now=datetime(2026, 1, 30, 21, 0, tzinfo=UTC))
    assert closed["fed-policy", align_world.CRASH].zscore is not None


def test_short_histories_give_no_zscore():
    points = _points(align_world.talk(sessions=15))
    assert all(point.zscore is None and point.innovation is None for point in points.values())
    assert any(point.share is not None for point in points.values())


def test_small_panels_give_no_zscore():
    points = _points(align_world.talk(sessions=60, sources=3, per_day=3))
    assert all(point.effective_n < 30 for point in points.values())
    assert all(point.zscore is None for point in points.values())


@settings(max_examples=8, deadline=None)
@given(cut=st.integers(30, 99), seed=st.integers(0, 5))
def test_later_documents_change_no_earlier_point(cut, seed):
    said = align_world.talk(sessions=100, sources=4, per_day=4, seed=seed)
    session = _session(said)
    last = sorted(set(session))[cut]
    now = CALENDAR.close(CALENDAR.last_on_or_before(last))
    early = _points(_only(said, session <= last), now=now)
    late = _points(said)
    assert {key: late[key] for key in early} == early


def test_documents_that_count_later_than_now_are_not_looked_at():
    said = align_world.talk(sessions=40)
    now = datetime(2026, 1, 20, 22, tzinfo=UTC)
    points = _points(said, now=now)
    assert max(day for _, day in points) == date(2026, 1, 20)


def test_a_hole_of_years_is_not_written_out():
    said = align_world.talk(sessions=120)
    session = _session(said)
    days = sorted(set(session))
    ends = _only(said, session.isin({*days[:10], *days[-10:]}))
    assert len(_points(ends)) == 20 * len(NARRATIVES)


def test_novelty_knows_the_last_seven_days():
    titles = ["Gold falls!", "gold  falls", "Other", "", "", "GOLD FALLS"]
    stories = pd.DataFrame({"title": titles})
    days = np.array([0, 3, 3, 3, 4, 11], dtype=np.int64)
    rule = {"cosine": 0.9}
    week = fresh_stories(stories, days, 7, rule)
    assert week.tolist() == [True, False, True, True, True, True]
    assert fresh_stories(stories, days, 30, rule).tolist() == [True, False, True, True, True, False]
    stories["nearest_7"] = [0.95, 0.2, np.nan, np.nan, 0.9, np.nan]
    assert fresh_stories(stories, days, 7, rule).tolist() == [False, True, True, True, False, True]


def test_forecast_uses_the_past_alone():
    rng = np.random.default_rng(0)
    values = np.zeros(300)
    for day in range(1, 300):
        values[day] = 0.8 * values[day - 1] + rng.normal()
    weekdays = np.arange(300) % 5
    error = forecast_error(values, weekdays)
    assert abs(error - (values[-1] - 0.8 * values[-2])) < 0.6
    assert np.isnan(forecast_error(values[:15], weekdays[:15])), "too little history"
    gap = values.copy()
    gap[-6:-1] = np.nan
    assert abs(forecast_error(gap, weekdays) - (values[-1] - np.nanmean(gap[:-1]))) < 1


def test_standardised_errors_have_unit_size_and_trail():
    errors = 3.0 * np.random.default_rng(1).normal(size=(2, 400))
    out = standardise(errors)
    assert np.isnan(out[:, :10]).all()
    assert np.nanstd(out) == pytest.approx(1.0, abs=0.08)
    changed = errors.copy()
    changed[:, 300:] *= 10
    np.testing.assert_array_equal(standardise(changed)[:, :300], out[:, :300])


def test_points_are_plain_numbers():
    point = next(iter(_points(align_world.talk(sessions=40)).values()))
    assert replace(point) == point
    for name in ("stories", "favor", "reach"):
        assert type(getattr(point, name)) is int
    assert type(point.effective_n) is float


def test_without_documents_there_is_no_archive():
    said = align_world.talk(sessions=5)
    early = datetime(2024, 12, 20, tzinfo=UTC)
    assert (
        build_archive(said.stories, said.labels, said.collected, CALENDAR, NARRATIVES, now=early)
        is None
    )


def test_documents_without_labels_or_narratives():
    said = align_world.talk(sessions=30)
    bare = Talk(said.stories.head(0), said.labels.head(0), said.collected)
    assert all(point.share is None for point in _points(bare).values())
    archive = build_archive(
        said.stories, said.labels, said.collected, CALENDAR, [], now=align_world.NOW
    )
    assert archive is not None
    assert measure_intensity(archive) == []
