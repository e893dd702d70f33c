from datetime import UTC, datetime, timedelta

import pytest

from crawler.dates import effective, parse_date

SEEN = datetime(2026, 1, 30, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("2026-01-30T10:00:00Z", datetime(2026, 1, 30, 10, tzinfo=UTC)),
        ("2026-01-30T23:30:00-05:00", datetime(2026, 1, 31, 4, 30, tzinfo=UTC)),
        ("2026-01-30 10:00:00", datetime(2026, 1, 30, 10, tzinfo=UTC)),
        ("Fri, 30 Jan 2026 10:00:00 EST", datetime(2026, 1, 30, 15, tzinfo=UTC)),
        ("Fri, 30 Jan 2026 10:00:00 +01:00", datetime(2026, 1, 30, 9, tzinfo=UTC)),
        ("Fri, 30 Jan 2026 10:00:00 BST", datetime(2026, 1, 30, 9, tzinfo=UTC)),
        ("2026-01-30", datetime(2026, 1, 30, tzinfo=UTC)),
    ],
)
def test_dates_in_a_standard_form_are_read(stated, expected):
    assert parse_date(stated) == expected


@pytest.mark.parametrize(
    "stated",
    [
        "yesterday",
        "yesterday at noon",
        "2026-02-31",
        "Sat, 31 Feb 2026 10:00:00 GMT",
        "20260130",
        "1769767200",
        "2026-01-30T10:00:00+99:99",
        "Fri, 30 Jan 2026 10:00:00 +9999",
        "Fri, 30 Jan 2026 10:00:00 +99:99",
        "2026年1月30日",
        "",
        None,
        "x" * 100,
        "0001-01-01T00:00:00+23:00",
    ],
)
@pytest.mark.hostile(33)
def test_what_would_have_to_be_guessed_is_no_date(stated):
    assert parse_date(stated) is None


def test_a_bare_date_of_an_archive_counts_from_its_end():
    assert parse_date("2026-01-30", end_of_day=True) == datetime(
        2026, 1, 30, 23, 59, 59, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        (SEEN - timedelta(days=3), (SEEN, "feed")),
        (SEEN + timedelta(hours=3), (SEEN + timedelta(hours=3), "feed")),
        (SEEN + timedelta(days=2), (SEEN, "seen")),
        (datetime(2099, 1, 1, tzinfo=UTC), (SEEN, "seen")),
        (datetime(1970, 1, 1, tzinfo=UTC), (SEEN, "seen")),
        (None, (SEEN, "seen")),
    ],
    ids=["back-dated", "a clock ahead", "in two days", "2099", "1970", "none"],
)
@pytest.mark.hostile(33)
def test_no_stated_date_moves_a_past_day(published, expected):
    assert effective(published, SEEN) == expected
