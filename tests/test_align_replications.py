"""Published facts that the shipped arithmetic must find again in real prices."""

import numpy as np
import pandas as pd
import pytest

from align.returns import lagged_volatility
from tests.align_world import SHARED

pytestmark = pytest.mark.skipif(
    not SHARED.exists(), reason="needs the real prices beside the repository"
)


def test_flights_to_safety_are_rare_and_large():
    """Baele, Bekaert, Inghelbrecht & Wei (2020): under 3 % of days, bonds ahead by 2.5 to 4 %.

    Their plain rule: stocks down and ten-year bonds up by 1.5 sigma or more on one day.
    """
    closes = pd.read_parquet(SHARED / "prices" / "closes.parquet")
    closes = closes[closes["asset"].isin(["SPY", "IEF"]) & (closes["date"] <= "2026-01-31")]
    wide = closes.pivot_table(index="date", columns="asset", values="close").dropna()
    changes = wide.apply(np.log).diff()
    sigma = lagged_volatility(changes, pd.DataFrame(1.0, index=wide.index, columns=wide.columns))
    moves = (changes / sigma).dropna()
    flights = moves.index[(moves["SPY"] <= -1.5) & (moves["IEF"] >= 1.5)]
    share = len(flights) / len(moves)
    gap = 100 * (changes["IEF"] - changes["SPY"])[flights]
    assert len(moves) > 5700
    assert 0.01 < share < 0.03
    assert 2.5 < gap.median() < gap.mean() < 4.0
    # Two independent assets would do so five times less often; opposite signs say nothing.
    chance = (moves["SPY"] <= -1.5).mean() * (moves["IEF"] >= 1.5).mean()
    assert share > 4 * chance
    assert ((changes["SPY"] < 0) & (changes["IEF"] > 0)).mean() > 0.2
    # Lehman, the downgrade of the United States, Brexit, the week before the pandemic's crash.
    assert {"2008-09-15", "2011-08-08", "2016-06-24", "2020-02-24"} <= set(flights.astype(str))
