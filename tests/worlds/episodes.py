"""Markets for the tests of episodes: real closes where they are, and noise with made-up days."""

from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest

from align.market import Market, build_market
from align.sessions import load_calendar
from store.records import Asset, Episode
from tests import align_world

SPREADS = ("QQQ/SPY", "DGS30-DGS10")
# Figures of the alignment reference, section 9: sigma by lagged volatility, half-life 60.
# Bitcoin there by session, whatever time had passed.
REFERENCE_LEGS = [
    *("SPY", "QQQ", "SMH", "EFA", "HYG", "GLD", "SLV", "CPER", "USO", "UUP", "BTC"),
    *("TLT", "VIX", "DGS10", "DGS30"),
]
REFERENCE = """
2011-08-08 -6.4,-5.3,-2.5,-5.1,-7.7,+3.7,+0.6,,-3.8,+0.2,,+3.0,+9.9,-2.8,-2.4
2013-06-19 -1.8,-1.3,-1.2,-1.9,-4.0,-0.9,-0.7,,-0.4,+2.2,,-1.2,0,+3.0,+1.5
2013-06-20 -3.1,-2.7,-2.7,-3.8,-2.4,-4.2,-4.2,-2.4,-2.6,+1.4,,-1.9,+3.2,+1.8,+1.7
2018-12-19 -1.4,-1.7,-2.4,-1.1,-3.1,-1.0,-0.4,+0.2,+1.1,+0.1,+0.3,+2.4,0,-1.5,-2.1
2018-12-24 -2.5,-1.6,-1.4,-1.3,-2.3,+1.8,+1.0,-0.1,-1.4,-1.2,+1.0,+0.9,+3.5,-1.5,-0.9
2019-09-17 +0.3,+0.4,+0.2,+0.4,+0.2,+0.2,+0.5,-0.6,-1.8,-1.4,-0.1,+0.7,-0.1,-0.7,-0.9
2020-03-12 -6.0,-5.4,-5.0,-8.0,-6.0,-4.5,-4.6,-1.4,-1.5,+3.0,-11.9,+0.5,+7.8,+1.0,+2.7
2020-03-18 -2.0,-1.1,-2.7,-2.5,-4.3,-1.9,-2.6,-5.9,-4.5,+2.3,0,-3.6,+0.1,+2.3,+1.7
2021-05-19 -0.2,+0.1,+0.8,-0.8,-0.6,+0.1,-0.7,-2.5,-1.3,+1.2,-2.9,-0.3,+0.4,+1.0,+0.2
2022-06-13 -2.6,-2.4,-2.2,-2.6,-5.5,-3.0,-2.2,-1.6,+0.1,+2.2,-6.1,-2.8,+2.9,+4.5,+3.9
2023-03-10 -1.1,-0.8,-0.7,-0.9,0,+2.3,+1.2,-0.2,+0.6,-1.1,-0.2,+2.7,+1.6,-3.1,-2.7
2023-03-13 -0.1,+0.4,0,-0.6,-0.7,+2.4,+3.1,+0.7,-1.3,-1.5,+5.2,+0.2,+1.3,-1.9,0
2024-08-05 -3.8,-2.6,-1.0,-2.6,-1.9,-1.3,-2.4,-2.1,-0.1,-1.5,-3.9,+0.5,+14.9,-0.3,-0.9
2025-01-27 -1.7,-2.5,-5.0,0,+0.3,-1.1,-0.9,-1.4,-1.2,+0.1,-0.8,+1.3,+1.5,-1.8,-1.7
2025-04-03 -5.3,-4.2,-3.9,-2.4,-4.6,-0.7,-3.9,-3.2,-4.5,-4.1,+0.2,+0.5,+4.6,-2.5,-0.9
2025-04-04 -5.6,-4.5,-3.2,-7.7,-4.7,-2.6,-3.7,-5.7,-3.4,+2.3,+0.3,+1.3,+7.4,-0.9,-1.5
2025-04-21 -1.4,-1.3,-0.8,-0.4,-1.2,+2.8,+0.4,+0.5,-0.6,-1.8,+0.9,-1.9,+1.2,+1.3,+1.9
2025-10-10 -2.7,-2.9,-3.0,-2.0,-1.9,+0.9,+1.0,-1.9,-2.3,-1.0,-3.0,+2.1,+2.7,-1.9,-1.9
2026-01-27 +0.4,+0.8,+1.1,+2.0,-0.1,+1.8,+1.1,+0.1,+1.6,-3.0,+0.4,-1.0,+0.1,+0.5,
2026-01-29 -0.2,-0.5,+0.1,+0.8,-0.1,+0.2,0,+2.5,+1.8,-0.4,-2.1,0,+0.3,-0.5,
2026-01-30 -0.3,-1.1,-1.7,-1.1,+0.5,-7.9,-11.7,-2.9,+0.3,+2.4,-0.2,-0.9,+0.3,+0.5,
2026-02-04 -0.6,-1.6,-2.0,+0.4,-0.5,0,+0.6,-1.4,+0.3,+0.8,-1.3,-0.4,+0.4,+0.3,
2026-02-05 -1.5,-1.3,-0.1,-1.8,-0.5,-1.4,-3.7,-1.3,-0.8,+0.7,-5.7,+1.7,+1.9,-2.1,
"""


def reference_moves() -> pd.DataFrame:
    """Return section 9 of the reference: days by assets, sigma; NaN where it has no figure."""
    rows = [line.split(" ") for line in REFERENCE.strip().splitlines()]
    return pd.DataFrame(
        [[float(cell) if cell else np.nan for cell in cells.split(",")] for _, cells in rows],
        index=[date.fromisoformat(day) for day, _ in rows],
        columns=REFERENCE_LEGS,
    )


def real_market(since: str = "2005-01-01", *, by_session: bool = False) -> Market:
    """Return the market of ``../shared``; skip the test where that is missing.

    ``by_session`` scales bitcoin by sessions, not by the days that passed.
    """
    if not align_world.SHARED.exists():
        pytest.skip("real prices lie in ../shared, which is not here")
    return _real(since, by_session)


@cache
def _real(since: str, by_session: bool) -> Market:
    assets = [
        Asset(id="BTC", name="BTC", asset_class="crypto") if by_session and one.id == "BTC" else one
        for one in align_world.real_assets()
    ]
    calendar = load_calendar("XNYS", date(2004, 12, 1), date(2026, 12, 31))
    return build_market(align_world.real_prices(since), assets, calendar, spreads=SPREADS)


@cache
def noise_market() -> Market:
    """Return a thousand sessions in which no day has anything to do with another."""
    calendar = load_calendar("XNYS", date(2022, 1, 3), date(2026, 3, 1))
    return build_market(
        align_world.prices(sessions=1000), align_world.assets(), calendar, spreads=SPREADS
    )


def large_days(market: Market, legs: list[str], share: float) -> list[int]:
    """Return the rows with the largest moves of one session, in the order of time."""
    moves = market.moves(1)[legs].to_numpy()
    size = np.sqrt((np.clip(moves, -5, 5) ** 2).sum(axis=1))
    return np.flatnonzero(size >= np.nanquantile(size, 1 - share)).tolist()


def made_up(market: Market, rows: list[int], *, anchor: bool = False) -> list[Episode]:
    """Return an episode for each row."""
    days = [market.closes.index[row].date() for row in rows]
    return [
        Episode(id=f"e-{day}", date=day, name=f"{day}", label="recession", anchor=anchor)
        for day in days
    ]
