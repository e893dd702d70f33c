"""The rule against look-ahead: an instant belongs to the first session closing after it."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from align.errors import SessionError
from align.sessions import load_calendar

START, END = date(2025, 12, 1), date(2027, 1, 15)

# alignment reference, section 3: expected session per calendar.
FIXTURES = [
    ("2026-01-30T13:52:00", "2026-01-30", "2026-02-02", "2026-01-30", "2026-01-30"),
    ("2026-01-30T20:59:59", "2026-01-30", "2026-02-02", "2026-01-30", "2026-01-30"),
    ("2026-01-30T21:00:00", "2026-02-02", "2026-02-02", "2026-01-30", "2026-01-30"),
    ("2026-01-31T05:00:00", "2026-02-02", "2026-02-02", "2026-02-02", "2026-01-31"),
    ("2026-11-27T18:30:00", "2026-11-30", "2026-11-30", "2026-11-30", "2026-11-27"),
    ("2026-03-08T20:30:00", "2026-03-09", "2026-03-09", "2026-03-09", "2026-03-08"),
]


@pytest.mark.parametrize("row", FIXTURES, ids=lambda row: row[0])
def test_reference_fixtures(row):
    instant = pd.DatetimeIndex([row[0]], tz="UTC")
    for name, expected in zip(("XNYS", "XTKS", "CMES", "24/7"), row[1:], strict=True):
        found = load_calendar(name, START, END).assign(instant)
        assert found.tolist() == [date.fromisoformat(expected)], name


@settings(deadline=None)  # the first call loads the calendar
@given(
    st.lists(
        # Seconds since 8 December 2025.
        st.integers(0, 398 * 86_400).map(
            lambda seconds: datetime(2025, 12, 8, tzinfo=UTC) + timedelta(seconds=seconds)
        ),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(["XNYS", "24/7"]),
)
def test_no_session_closes_at_or_before_the_instant_it_is_given(instants, name):
    calendar = load_calendar(name, START, END)
    positions = calendar.positions(instants)
    for instant, position in zip(instants, positions, strict=True):
        nanoseconds = pd.Timestamp(instant).as_unit("ns").value
        assert calendar.closes[position] > nanoseconds
        # and it is the first such session
        assert calendar.closes[position - 1] <= nanoseconds


def test_a_million_stamps_are_no_loop():
    calendar = load_calendar("XNYS", START, END)
    stamps = pd.date_range("2026-01-02", periods=1_000_000, freq="s", tz="UTC")
    assert len(np.unique(calendar.positions(stamps))) == 8


def test_outside_the_calendar_fails_loudly():
    calendar = load_calendar("XNYS", START, END)
    with pytest.raises(SessionError, match="past the last session"):
        calendar.assign([datetime(2027, 1, 20, tzinfo=UTC)])
    with pytest.raises(SessionError, match="before the second session"):
        calendar.assign([datetime(2025, 11, 3, tzinfo=UTC)])
    with pytest.raises(SessionError, match="past the last session"):
        calendar.fold([date(2027, 2, 1)])
    with pytest.raises(SessionError, match="lies outside"):
        calendar.last_on_or_before(date(2027, 3, 1))
    with pytest.raises(SessionError, match="load more of the calendar"):
        calendar.close(len(calendar.dates))


def test_naive_and_missing_instants_are_refused():
    calendar = load_calendar("XNYS", START, END)
    with pytest.raises(SessionError, match="without a time zone"):
        calendar.assign([datetime(2026, 1, 30, 12)])  # noqa: DTZ001 - the point of the test
    with pytest.raises(SessionError, match="missing instant"):
        calendar.assign(pd.DatetimeIndex([None, "2026-01-30"], tz="UTC"))


def test_unknown_calendar_names_the_remedy():
    with pytest.raises(SessionError, match="exchange_calendars"):
        load_calendar("XXXX", START, END)


def test_a_range_that_the_exchange_does_not_have():
    with pytest.raises(SessionError, match="XTKS"):
        load_calendar("XTKS", date(1950, 1, 1), END)


def test_weekend_folds_onto_monday():
    calendar = load_calendar("XNYS", START, END)
    days = [date(2026, 1, 30), date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 2)]
    folded = [calendar.day(position) for position in calendar.fold(days)]
    assert folded == [date(2026, 1, 30)] + [date(2026, 2, 2)] * 3


def test_half_day_closes_early():
    calendar = load_calendar("XNYS", START, END)
    position = calendar.last_on_or_before(date(2026, 11, 29))
    assert calendar.close(position) == datetime(2026, 11, 27, 18, tzinfo=UTC)
    assert calendar.close(position) + timedelta(days=3, hours=3) == calendar.close(position + 1)
