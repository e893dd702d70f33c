"""Closes through yfinance: the library is an extra, so a stand-in answers here."""

import sys
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pandas as pd
import pytest

from crawler.prices.run import fetch_prices
from crawler.settings import CrawlSettings
from store import Store
from store.records import Asset

NOW = datetime(2026, 2, 3, 2, tzinfo=UTC)
SPY = Asset(id="SPY", name="", asset_class="equity", source="yfinance:SPY")


class Library:
    """Answers as ``yfinance.Ticker(symbol).history`` does; remembers what it was asked."""

    def __init__(self, closes: dict[date, float]) -> None:
        self.closes = closes
        self.asked: list[str] = []

    def __call__(self, symbol: str) -> SimpleNamespace:
        return SimpleNamespace(history=lambda **given: self.history(symbol, **given))

    def history(self, symbol, *, start, end, interval, auto_adjust, raise_errors):
        assert (symbol, interval, auto_adjust, raise_errors) == ("SPY", "1d", False, True)
        self.asked.append(start)
        days = [d for d in self.closes if start <= d.isoformat() < end]
        index = pd.DatetimeIndex([pd.Timestamp(d, tz="America/New_York") for d in days])
        return pd.DataFrame({"Close": [self.closes[d] for d in days]}, index=index)


@pytest.fixture
def library(monkeypatch):
    days = [date(2026, 1, 5) + timedelta(days=n) for n in range(29)]
    stand_in = Library({day: 690.0 + n for n, day in enumerate(days) if day.weekday() < 5})
    monkeypatch.setitem(sys.modules, "yfinance", SimpleNamespace(Ticker=stand_in))
    return stand_in


def fetch(store: Store, tmp_path, now: datetime = NOW):
    return fetch_prices(store, [SPY], now=now, settings=CrawlSettings(), base_dir=tmp_path)


def test_its_closes_are_stored_by_the_day_of_the_exchange(store, tmp_path, library):
    assert fetch(store, tmp_path).counts["new"] == len(library.closes)
    assert store.prices.latest("SPY")[date(2026, 1, 30)].close == 715.0
    assert fetch(store, tmp_path, NOW + timedelta(days=1)).counts == {"new": 0, "revised": 0}


def test_a_split_restates_the_whole_series(store, tmp_path, library):
    fetch(store, tmp_path)
    library.closes = {day: close / 2 for day, close in library.closes.items()}
    fetch(store, tmp_path, NOW + timedelta(days=1))
    assert library.asked[-1] == "2015-01-01"
    assert store.prices.latest("SPY")[date(2026, 1, 30)].close == 357.5


def test_a_library_that_fails_is_a_row(store, tmp_path, library, monkeypatch):
    def refuse(**given: object) -> None:
        raise RuntimeError("429 Too Many Requests")

    library.history = lambda symbol, **given: refuse()
    assert fetch(store, tmp_path).failures == 1
    assert "429" in store.runs.failures(limit=1)[0]["message"]


def test_without_the_extra_the_row_says_how_to_get_it(store, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "yfinance", None)
    assert fetch(store, tmp_path).failures == 1
    assert "tapestory[yahoo]" in store.runs.failures(limit=1)[0]["advice"]
