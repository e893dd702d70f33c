from datetime import UTC, date, datetime

import pandas as pd
import pytest

from align.sessions import load_calendar
from crawler.prices.guess import guess_asset
from crawler.prices.holidays import federal_holidays, is_business_day, next_business_day
from crawler.prices.publication import publication
from store.records import Asset, closes_early


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("asset", "day", "as_of", "known_at"),
    [
        ("SPY", "2026-01-30", "2026-01-30T21:00", "2026-01-30T21:00"),
        ("SPY", "2026-07-30", "2026-07-30T20:00", "2026-07-30T20:00"),  # summer time
        ("VIX", "2026-01-30", "2026-01-30T21:15", "2026-01-30T21:15"),
        # Half days: the shares close at one, the VIX a quarter later, Tokyo and bitcoin as ever.
        ("SPY", "2025-11-28", "2025-11-28T18:00", "2025-11-28T18:00"),
        ("VIX", "2025-12-24", "2025-12-24T18:15", "2025-12-24T18:15"),
        ("VIXCLS", "2025-12-24", "2025-12-24T18:15", "2025-12-24T18:15"),
        ("BTC", "2025-11-28", "2025-11-29T00:00", "2025-11-29T00:00"),
        ("IDX_N225", "2025-11-28", "2025-11-28T06:30", "2025-11-28T06:30"),
        # A bar of bitcoin ends after the New York close.
        ("BTC", "2026-01-30", "2026-01-31T00:00", "2026-01-31T00:00"),
        ("DGS10", "2026-01-30", "2026-01-30T20:30", "2026-01-30T23:00"),
        ("T10Y2Y", "2026-01-30", "2026-01-30T20:30", "2026-01-30T23:00"),
        # A Friday's SOFR comes on Monday morning, over Presidents' Day on Tuesday.
        ("SOFR", "2026-01-30", "2026-01-30T21:00", "2026-02-02T13:00"),
        ("SOFR", "2026-02-13", "2026-02-13T21:00", "2026-02-17T13:00"),
        # Wednesday's balance sheet comes on Thursday, in Thanksgiving week on Friday.
        ("WALCL", "2026-01-28", "2026-01-28T21:00", "2026-01-29T21:30"),
        ("WRESBAL", "2025-11-26", "2025-11-26T21:00", "2025-11-28T21:30"),
        ("USDJPY", "2026-01-30", "2026-01-30T22:00", "2026-01-30T22:00"),
        ("IDX_N225", "2026-01-30", "2026-01-30T06:30", "2026-01-30T06:30"),
        # January's prices were not known before the middle of February.
        ("CPIAUCSL", "2026-01-01", "2026-01-01T21:00", "2026-02-17T13:30"),
    ],
)
def test_when_a_value_was_true_and_when_it_was_known(asset, day, as_of, known_at):
    found = publication(guess_asset(asset), date.fromisoformat(day))
    assert found == (utc(as_of), utc(known_at))


def test_half_days_are_those_of_the_calendar():
    """The rule of the stamps against the calendar that decides about sessions."""
    calendar = load_calendar("XNYS", date(1996, 1, 2), date(2027, 6, 30))
    hours = pd.DatetimeIndex(calendar.closes, tz="UTC").tz_convert("America/New_York").hour
    early = {day for day, hour in zip(calendar.dates.tolist(), hours, strict=True) if hour == 13}
    # Days after a holiday, as they were until 2003.
    odd = {(1996, 7, 5), (1997, 12, 26), (1999, 12, 31), (2002, 7, 5), (2003, 12, 26)}
    assert early - {date(*day) for day in odd} == set(filter(closes_early, calendar.dates.tolist()))
    assert not any(map(closes_early, [date(1995, 7, 3), date(2026, 7, 3), date(2026, 11, 28)]))


def test_an_exchange_that_is_not_known_keeps_the_later_hour():
    asset = Asset(id="X", name="", asset_class="equity", calendar="BVMF")
    assert publication(asset, date(2025, 11, 28))[1] == utc("2025-11-28T21:00")


def test_the_series_of_a_provider_decides_not_the_name_of_the_asset():
    asset = Asset(id="TEN", name="", asset_class="rates", unit="yield_pct", source="fred:DGS10")
    assert publication(asset, date(2026, 1, 30))[1] == utc("2026-01-30T23:00")


@pytest.mark.parametrize(
    "asset", ["SPY", "BTC", "SOFR", "DGS10", "WALCL", "PAYEMS", "IORB", "VIX", "IDX_HSI", "ICSA"]
)
def test_nothing_is_known_before_it_is_true(asset):
    for ordinal in range(date(2024, 1, 1).toordinal(), date(2026, 12, 31).toordinal(), 5):
        as_of, known_at = publication(guess_asset(asset), date.fromordinal(ordinal))
        assert as_of <= known_at


def test_bank_holidays():
    assert federal_holidays(2026) == {
        date(2026, 1, 1),
        date(2026, 1, 19),
        date(2026, 2, 16),
        date(2026, 5, 25),
        date(2026, 6, 19),
        date(2026, 7, 4),
        date(2026, 9, 7),
        date(2026, 10, 12),
        date(2026, 11, 11),
        date(2026, 11, 26),
        date(2026, 12, 25),
    }
    assert date(2023, 1, 2) in federal_holidays(2023)
    assert is_business_day(date(2026, 7, 3))  # the Fed does not move a Saturday's holiday
    assert next_business_day(date(2025, 12, 31)) == date(2026, 1, 2)


@pytest.mark.parametrize(
    ("asset", "kind"),
    [
        ("DGS30", ("rates", "yield_pct", "XNYS")),
        ("SOFR", ("funding", "yield_pct", "XNYS")),
        ("BTC", ("crypto", "price", "24/7")),
        ("VIX", ("volatility", "index", "XNYS")),
        ("SLV", ("metal", "price", "XNYS")),
        ("USO", ("energy", "price", "XNYS")),
        ("UUP", ("fx", "price", "XNYS")),
        ("USDJPY", ("fx", "price", "24/5")),
        ("IDX_SP500", ("equity", "index", "XNYS")),
        ("MSFT", ("equity", "price", "XNYS")),
    ],
)
def test_the_guess_for_an_unlisted_asset(asset, kind):
    guessed = guess_asset(asset)
    assert (guessed.asset_class, guessed.unit, guessed.calendar) == kind
    assert not guessed.listed
