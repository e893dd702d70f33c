"""Price -> change in the asset's own unit, and its lagged volatility.

Log returns for prices and indices, basis points for yields and spreads, points for VIX and
levels. All changes are divided by a volatility that was known before the session began.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from store.records import Asset, ChangeUnit

# RiskMetrics-like decay with the reference half-life; 120 observations before the first sigma.
HALF_LIFE = 60
LEAST_OBSERVATIONS = 120
# A close repeated this often in a row is a stale quote, not three quiet days.
STALE_RUN = 3


def change_unit(asset: Asset) -> ChangeUnit:
    """Return the unit in which an asset's change is stated."""
    if asset.unit in ("yield_pct", "spread_bp"):
        return "bp"
    if asset.unit == "level" or (asset.unit == "index" and asset.asset_class == "volatility"):
        return "points"
    return "return"


def to_scale(closes: pd.Series, asset: Asset) -> pd.Series:
    """Return closes on the scale whose differences are changes.

    Natural log for prices (NaN for a price that is not positive: oil futures were below zero
    in April 2020, and no log return exists there), basis points for yields and spreads.
    """
    unit = change_unit(asset)
    if unit == "return":
        return pd.Series(np.log(closes.where(closes > 0).to_numpy()), index=closes.index)
    return closes * 100.0 if asset.unit == "yield_pct" else closes.astype(float)


def drop_stale(closes: pd.Series, asset: Asset) -> pd.Series:
    """Return closes without runs of one repeated price: such cells are NA, never 0.

    Only prices are judged: a yield or a policy spread may rest for days. A run is stale from
    its fourth close on: whether a first repeat begins a stale run is not known on its day.
    """
    if change_unit(asset) != "return":
        return closes
    repeats = closes.eq(closes.shift())
    run = repeats.groupby((~repeats).cumsum()).cumsum()
    return closes.mask(run >= STALE_RUN)


def lagged_volatility(changes: pd.DataFrame, elapsed: pd.DataFrame) -> pd.DataFrame:
    """Return the EWMA standard deviation per unit of time, known before each session.

    Parameters
    ----------
    changes : DataFrame of shape (n_sessions, n_assets)
        Changes in the asset's unit; NaN where there is none.
    elapsed : DataFrame of the same shape
        Time that each change spans: 1 per session, or calendar days for an asset that
        trades every day (the Monday of bitcoin on a New York grid spans three).

    Notes
    -----
    sigma_t^2 = EWMA variance (half-life 60 observations, mean removed, bias corrected) of
    r_s / sqrt(elapsed_s) for s < t; at least 120 observations, else NaN. J.P. Morgan/Reuters
    (1996), RiskMetrics Technical Document. It says how unusual a move is against its own
    recent past, and nothing about a fat tail.
    """
    scaled = changes / elapsed**0.5
    parts = {}
    for name in scaled.columns:
        # Per column and without gaps: a session without a price must not age the variance.
        known = scaled[name].dropna()
        deviation = known.ewm(halflife=HALF_LIFE, min_periods=LEAST_OBSERVATIONS).std()
        # ffill, then shift: the last estimate that existed before the session.
        parts[name] = deviation.reindex(scaled.index).ffill().shift(1)
    return pd.DataFrame(parts, index=changes.index).where(lambda frame: frame > 0)


def derive_prices(prices: pd.DataFrame, assets: Sequence[Asset]) -> pd.DataFrame:
    """Return ``prices`` with the series that are a difference of two others.

    An asset with the source ``derived:A-B`` and no prices of its own is A - B on the dates
    that both have, in basis points when both are yields; it is known when the later of its
    two legs is.
    """
    present = set(prices["asset_id"])
    by_id = {asset.id: asset for asset in assets}
    frames = [prices]
    for asset in assets:
        if asset.id in present or not asset.source.startswith("derived:"):
            continue
        first, _, second = asset.source.removeprefix("derived:").partition("-")
        if {first, second} <= present:
            frames.append(_difference(prices, asset, first, second, by_id))
    return pd.concat(frames, ignore_index=True) if len(frames) > 1 else prices


def _difference(
    prices: pd.DataFrame, asset: Asset, first: str, second: str, by_id: Mapping[str, Asset]
) -> pd.DataFrame:
    left = prices[prices["asset_id"] == first].set_index("date")
    right = prices[prices["asset_id"] == second].set_index("date")
    both = left.add_suffix("_a").join(right.add_suffix("_b"), how="inner")
    yields = all(by_id[leg].unit == "yield_pct" for leg in (first, second) if leg in by_id)
    factor = 100.0 if yields and asset.unit == "spread_bp" else 1.0
    return pd.DataFrame(
        {
            "asset_id": asset.id,
            "date": both.index,
            # Ten decimals: 3.68 - 3.65 must be 3 basis points, not 3.0000000000000249.
            "close": ((both["close_a"] - both["close_b"]) * factor).round(10).to_numpy(),
            "as_of": both[["as_of_a", "as_of_b"]].max(axis=1).to_numpy(),
            "known_at": both[["known_at_a", "known_at_b"]].max(axis=1).to_numpy(),
        }
    ).assign(
        as_of=lambda frame: pd.to_datetime(frame["as_of"], utc=True),
        known_at=lambda frame: pd.to_datetime(frame["known_at"], utc=True),
    )
