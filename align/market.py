"""All assets on one grid of New York sessions: closes, changes, volatility, and legs.

An asset of another calendar joins by date: its value of a day counts for the first New York
session on or after that day, so a weekend of bitcoin falls on Monday and a Tokyo close, which
comes before New York opens, on the session of the same date.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
import pandas as pd

from align.errors import AlignError
from align.returns import change_unit, derive_prices, drop_stale, lagged_volatility, to_scale
from align.sessions import ALWAYS_OPEN, SessionCalendar
from store.records import Asset

# More sessions than this between two closes: the change is no move of one day.
_LONGEST_GAP = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Market:
    """Prices of all assets on the New York grid; build it with :func:`build_market`.

    Attributes
    ----------
    calendar : SessionCalendar
        New York; row i of every frame is session ``offset + i``.
    assets : mapping of id to Asset
    closes, changes : DataFrame of shape (n_sessions, n_assets)
        Close in the asset's unit; change since its previous close, in log points, basis
        points or points; NaN where there is none.
    rate : DataFrame
        Lagged volatility per unit of time.
    elapsed : DataFrame
        Units of time that each change spans.
    as_of, known_at : DataFrame
        Stamps of the closes, UTC.
    """

    calendar: SessionCalendar
    offset: int
    assets: Mapping[str, Asset]
    closes: pd.DataFrame
    changes: pd.DataFrame
    rate: pd.DataFrame
    elapsed: pd.DataFrame
    as_of: pd.DataFrame
    known_at: pd.DataFrame
    _scaled: dict[int, pd.DataFrame] = field(default_factory=dict)

    def row(self, day: date) -> int:
        """Return the row of a session that has prices.

        Raises
        ------
        AlignError
            When the prices do not reach that far; the message gives the range.
        """
        first, last = self.closes.index[0].date(), self.closes.index[-1].date()
        if not first <= day <= last:
            raise AlignError(
                f"no prices for {day}: they run from {first} to {last}; import or fetch prices"
                " that cover the day, or ask about another"
            )
        return self.calendar.last_on_or_before(day) - self.offset

    def moves(self, days: int) -> pd.DataFrame:
        """Return vol-scaled moves over windows of ``days`` sessions, by their last session.

        z = sum of changes / (sigma before the window * sqrt(time)). NaN where the last
        session has no change, or sigma is unknown. Not clipped.
        """
        if days not in self._scaled:
            total = self.changes.rolling(days, min_periods=1).sum().where(self.changes.notna())
            span = self.elapsed.rolling(days, min_periods=1).sum()
            self._scaled[days] = total / (self.rate.shift(days - 1) * np.sqrt(span))
        return self._scaled[days]


def build_market(
    prices: pd.DataFrame,
    assets: Sequence[Asset],
    calendar: SessionCalendar,
    *,
    spreads: Sequence[str] = (),
) -> Market:
    """Put prices on the New York grid.

    Parameters
    ----------
    prices : DataFrame
        ``asset_id, date, close, as_of, known_at``, one row per asset and date.
    assets : sequence of Asset
        Assets without a record are left out.
    spreads : sequence of str
        Legs ``A/B`` (log A - log B) and ``A-B`` (difference of yields) to add as columns.

    Raises
    ------
    AlignError
        When there is no price at all.
    """
    by_id = {asset.id: asset for asset in assets}
    prices = derive_prices(prices, assets)
    prices = prices[prices["asset_id"].isin(by_id)].sort_values(["asset_id", "date"])
    if prices.empty:
        raise AlignError("no prices are stored: run 'tapestory prices' or import some")
    rows = calendar.fold(prices["date"])
    first, last = int(rows.min()), int(rows.max())
    index = pd.DatetimeIndex(calendar.dates[first : last + 1].astype("datetime64[ns]"))
    columns: dict[str, dict[str, pd.Series]] = {
        name: {} for name in ("closes", "changes", "elapsed", "as_of", "known_at")
    }
    calendar_days = pd.Series(index, index=index).diff().dt.days.astype(float)
    for asset_id, group in prices.assign(row=rows - first).groupby("asset_id", sort=True):
        asset = by_id[str(asset_id)]
        last_of = group.drop_duplicates("row", keep="last").set_index("row")
        closes = drop_stale(last_of["close"], asset)
        scale = to_scale(closes, asset).dropna()
        # The session number tells a gap from a holiday, which is no session at all.
        gap = pd.Series(scale.index, index=scale.index).diff()
        changes = scale.diff().mask(gap > _LONGEST_GAP)
        # diff of -0.0 and float dust: a spread that did not move is exactly 0.
        changes = changes.round(12)
        every_day = asset.calendar == ALWAYS_OPEN
        for name, series in (
            ("closes", last_of["close"]),
            ("changes", changes),
            ("as_of", last_of["as_of"]),
            ("known_at", last_of["known_at"]),
        ):
            columns[name][asset.id] = series.reindex(range(len(index))).set_axis(index)
        ones = pd.Series(1.0, index=index)
        columns["elapsed"][asset.id] = calendar_days.fillna(1.0) if every_day else ones
    frames = {name: pd.DataFrame(parts, index=index) for name, parts in columns.items()}
    _add_spreads(frames, by_id, spreads)
    return Market(
        calendar=calendar,
        offset=first,
        assets={asset_id: by_id[asset_id] for asset_id in frames["closes"].columns},
        rate=lagged_volatility(frames["changes"], frames["elapsed"]),
        closes=frames["closes"],
        changes=frames["changes"],
        elapsed=frames["elapsed"],
        as_of=frames["as_of"],
        known_at=frames["known_at"],
    )


def _add_spreads(
    frames: dict[str, pd.DataFrame], by_id: Mapping[str, Asset], spreads: Sequence[str]
) -> None:
    """Add the changes of spread legs; a spread has no close of its own."""
    changes = frames["changes"]
    for leg in spreads:
        first, _, second = leg.replace("/", "-").partition("-")
        if not {first, second} <= set(changes.columns):
            continue
        if change_unit(by_id[first]) != change_unit(by_id[second]):
            continue
        changes[leg] = changes[first] - changes[second]
        frames["elapsed"][leg] = 1.0


def as_of_of(market: Market, asset_id: str, row: int) -> datetime:
    """Return the instant that a close describes, UTC."""
    stamp = market.as_of[asset_id].iloc[row]
    return pd.Timestamp(stamp).to_pydatetime()
