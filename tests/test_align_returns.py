"""Changes in the asset's unit, volatility known beforehand, and the reference figures."""

from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest

from align.errors import AlignError
from align.market import build_market
from align.returns import change_unit, derive_prices, drop_stale, lagged_volatility, to_scale
from align.sessions import load_calendar
from store.records import Asset
from tests import align_world

PRICE = Asset(id="P", name="price", asset_class="equity")
YIELD = Asset(id="Y", name="yield", asset_class="rates", unit="yield_pct")
VIX = Asset(id="V", name="VIX", asset_class="volatility", unit="index")

# alignment reference, section 9: change in per cent (log) or unit, and sigma.
REFERENCE = [
    ("2026-01-30", "SPY", -0.3, -0.3),
    ("2026-01-30", "GLD", -10.8, -7.9),
    ("2026-01-30", "SLV", -33.6, -11.7),
    ("2026-01-30", "CPER", -6.1, -2.9),
    ("2026-01-30", "UUP", 1.0, 2.4),
    ("2026-01-30", "VIX", 0.6, 0.3),
    ("2026-01-30", "DGS10", 2.0, 0.5),
    ("2026-01-27", "UUP", -1.2, -3.0),
    ("2026-01-29", "CPER", 5.1, 2.5),
    ("2026-02-05", "SLV", -17.2, -3.7),
    ("2020-03-12", "SPY", -10.1, -6.0),
    ("2020-03-12", "HYG", -4.1, -6.0),
    ("2024-08-05", "VIX", 15.2, 14.9),
    ("2025-04-21", "DGS30", 11.0, 1.9),
    ("2025-01-27", "SMH", -10.4, -5.0),
]


@cache
def _real():
    if not align_world.SHARED.exists():
        return None
    calendar = load_calendar("XNYS", date(2007, 12, 1), date(2026, 12, 31))
    return build_market(align_world.real_prices(), align_world.real_assets(), calendar)


@pytest.mark.parametrize(
    ("day", "asset", "change", "sigma"), REFERENCE, ids=[f"{r[0]}-{r[1]}" for r in REFERENCE]
)
def test_reference_figures(day, asset, change, sigma):
    market = _real()
    if market is None:
        pytest.skip("real prices lie in ../shared, which is not here")
    row = market.row(date.fromisoformat(day))
    scale = 100.0 if change_unit(market.assets[asset]) == "return" else 1.0
    # The page prints one decimal: half of that for the change, its own +-0.1 and rounding for
    # the sigma.
    assert scale * market.changes[asset].iloc[row] == pytest.approx(change, abs=0.06)
    assert market.moves(1)[asset].iloc[row] == pytest.approx(sigma, abs=0.15)


def test_sofr_over_iorb_is_known_on_the_next_morning():
    market = _real()
    if market is None:
        pytest.skip("real prices lie in ../shared, which is not here")
    rows = [market.row(date(2026, 1, day)) for day in (27, 28, 29, 30)]
    assert market.closes["SOFR_IORB"].iloc[rows].tolist() == [1.0, -1.0, 0.0, 3.0]
    close = pd.Timestamp(market.calendar.close(market.offset + rows[-1]))
    assert market.known_at["SOFR_IORB"].iloc[rows[-1]] > close
    assert market.known_at["SOFR_IORB"].iloc[rows[-2]] < close


def test_units():
    assert [change_unit(asset) for asset in (PRICE, YIELD, VIX)] == ["return", "bp", "points"]
    closes = pd.Series([100.0, 101.0, -37.0])
    scale = to_scale(closes, PRICE)
    assert scale.diff()[1] == pytest.approx(np.log(1.01))
    assert np.isnan(scale[2]), "no log return through a negative price"
    assert to_scale(pd.Series([4.20, 4.25]), YIELD).diff()[1] == pytest.approx(5.0)


def test_a_run_of_one_price_is_missing_and_not_zero():
    closes = pd.Series([10.0, 10.1, 10.1, 10.1, 10.1, 10.1, 10.3, 10.3])
    missing = np.flatnonzero(drop_stale(closes, PRICE).isna())
    # From the fourth close on: that the run would last was not known on its second day.
    assert missing.tolist() == [4, 5]
    assert drop_stale(closes, YIELD).notna().all(), "a policy rate may rest"


def test_volatility_is_known_before_the_session():
    rng = np.random.default_rng(0)
    changes = pd.DataFrame({"a": rng.normal(size=300)})
    ones = pd.DataFrame({"a": np.ones(300)})
    before = lagged_volatility(changes, ones)
    changes.loc[200:, "a"] = 50.0
    after = lagged_volatility(changes, ones)
    pd.testing.assert_frame_equal(before.iloc[:201], after.iloc[:201])
    assert before["a"].first_valid_index() == 120
    assert after["a"].iloc[201] > before["a"].iloc[201]


def test_derived_series_needs_both_legs_and_takes_the_later_stamp():
    stamps = pd.to_datetime(["2026-01-29T21:00Z", "2026-01-30T21:00Z"], utc=True)
    rows = [
        ("SOFR", "2026-01-29", 3.68, stamps[0], stamps[1]),
        ("SOFR", "2026-01-30", 3.65, stamps[1], stamps[1]),
        ("IORB", "2026-01-29", 3.65, stamps[0], stamps[0]),
    ]
    prices = pd.DataFrame(rows, columns=["asset_id", "date", "close", "as_of", "known_at"])
    prices["date"] = pd.to_datetime(prices["date"], format="ISO8601")
    found = derive_prices(prices, align_world.assets())
    spread = found[found["asset_id"] == "SOFR_IORB"]
    assert spread["close"].tolist() == [3.0]
    assert spread["known_at"].tolist() == [stamps[1]]


def test_bitcoin_monday_spans_three_days():
    calendar = load_calendar("XNYS", date(2022, 1, 3), date(2026, 3, 1))
    market = build_market(align_world.prices(), align_world.assets(), calendar)
    friday, monday = market.row(date(2026, 1, 30)), market.row(date(2026, 2, 2))
    assert monday == friday + 1
    assert market.elapsed["BTC"].iloc[monday] == 3.0
    assert market.elapsed["SPY"].iloc[monday] == 1.0
    closes = market.closes["BTC"]
    assert market.changes["BTC"].iloc[monday] == pytest.approx(
        np.log(closes.iloc[monday] / closes.iloc[friday])
    )
    rate = market.rate["BTC"].iloc[monday]
    assert rate == pytest.approx(0.01, rel=0.35), "per day, not per session"


def test_moves_over_a_window_use_the_volatility_before_it():
    calendar = load_calendar("XNYS", date(2022, 1, 3), date(2026, 3, 1))
    market = build_market(align_world.prices(), align_world.assets(), calendar)
    row = market.row(date(2026, 1, 30))
    total = market.changes["SPY"].iloc[row - 4 : row + 1].sum()
    expected = total / (market.rate["SPY"].iloc[row - 4] * np.sqrt(5))
    assert market.moves(5)["SPY"].iloc[row] == pytest.approx(expected)


def test_days_without_prices_name_the_range():
    calendar = load_calendar("XNYS", date(2022, 1, 3), date(2026, 3, 1))
    market = build_market(align_world.prices(), align_world.assets(), calendar)
    with pytest.raises(AlignError, match="they run from 2023-"):
        market.row(date(2026, 2, 20))
