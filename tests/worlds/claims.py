"""Made-up prices for the tests of claims: what happened is written in the tables below."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd

from store.records import Asset

LAST = date(2026, 1, 30)
_FIRST = date(2019, 1, 2)
_KINDS = {
    "IDX_SP500": ("equity", "index"),
    "SPY": ("equity", "price"),
    "QQQ": ("equity", "price"),
    "SMH": ("equity", "price"),
    "EFA": ("equity", "price"),
    "HYG": ("credit", "price"),
    "IDX_GOLD": ("metal", "price"),
    "GLD": ("metal", "price"),
    "SLV": ("metal", "price"),
    "CPER": ("metal", "price"),
    "USO": ("energy", "price"),
    "UUP": ("fx", "price"),
    "IDX_DXY": ("fx", "index"),
    "TLT": ("rates", "price"),
    "VIX": ("volatility", "index"),
    "DGS10": ("rates", "yield_pct"),
    "SOFR": ("funding", "yield_pct"),
    "IORB": ("funding", "yield_pct"),
    "WRESBAL": ("funding", "level"),
}


def assets() -> list[Asset]:
    """Return the assets of the made-up market, and bitcoin."""
    listed = [
        Asset(id=name, name=name, asset_class=kind, unit=unit)  # type: ignore[arg-type]
        for name, (kind, unit) in _KINDS.items()
    ]
    return [*listed, Asset(id="BTC", name="BTC", asset_class="crypto", calendar="24/7")]


def prices(planted: Mapping[tuple[str, date], float] | None = None) -> pd.DataFrame:
    """Return quiet closes since 2019 with planted changes.

    Parameters
    ----------
    planted : mapping of (asset, day) to float
        Change of that day: a fraction for a price, percentage points for a yield. All other days
        change by +0.5 % and -0.5 % in turn (0.01 points for a yield), so that sigma is 0.5 %.
    """
    days = pd.bdate_range(_FIRST, LAST)
    frames = []
    for asset in assets():
        own = pd.date_range(_FIRST, LAST) if asset.calendar == "24/7" else days
        step = np.where(np.arange(len(own)) % 2 == 0, 1.0, -1.0)
        is_yield = asset.unit == "yield_pct"
        changes = step * (0.01 if is_yield else 0.005)
        for (name, day), change in (planted or {}).items():
            if name == asset.id:
                changes[own.get_loc(pd.Timestamp(day))] = change
        close = 4.0 + np.cumsum(changes) if is_yield else 100.0 * np.cumprod(1.0 + changes)
        as_of = own.tz_localize("UTC") + pd.Timedelta(hours=24 if own is not days else 21)
        # The Fed's figures come out the next morning.
        late = pd.Timedelta(hours=16 if asset.asset_class == "funding" else 0)
        frames.append(
            pd.DataFrame(
                {
                    "asset_id": asset.id,
                    "date": own,
                    "close": close,
                    "as_of": as_of,
                    "known_at": as_of + late,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def until(table: pd.DataFrame, day: date) -> pd.DataFrame:
    """Return what was public by midnight in New York (05:00 UTC in winter)."""
    known_by = datetime(day.year, day.month, day.day, 5, tzinfo=UTC) + timedelta(days=1)
    return table[table["known_at"] <= pd.Timestamp(known_by)]
