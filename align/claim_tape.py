"""Series as a claim needs them: each on its own dates, as known at one instant.

Unlike :mod:`align.market`, which folds all assets on New York sessions, a record of the Nikkei or a
day of bitcoin is looked up where it happened.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.returns import change_unit, derive_prices, lagged_volatility, to_scale
from store.records import Asset, ChangeUnit, ClaimFigure, Subject


@dataclass(frozen=True, eq=False)
class Series:
    """The closes of one asset that were known.

    Attributes
    ----------
    closes : Series of float
        By date, ascending, no gaps filled, none missing.
    known_at : Series of Timestamp
        When each became public, UTC.
    ranges : DataFrame
        ``high, low`` by date, where they are stored.
    """

    asset: Asset
    closes: pd.Series
    known_at: pd.Series
    ranges: pd.DataFrame

    @property
    def unit(self) -> ChangeUnit:
        """Unit of its changes."""
        return change_unit(self.asset)

    @cached_property
    def _scale(self) -> pd.Series:
        return to_scale(self.closes, self.asset)

    @cached_property
    def _days(self) -> NDArray[np.datetime64]:
        return self.closes.index.to_numpy().astype("datetime64[D]")

    @cached_property
    def _rate(self) -> pd.Series:
        changes = self._scale.diff().to_frame("x")
        return lagged_volatility(changes, changes * 0.0 + 1.0)["x"]

    def day(self, place: int) -> date:
        """Return the date of a close."""
        found: date = self.closes.index[place].date()
        return found

    def close(self, place: int) -> float:
        """Return a close in the asset's unit."""
        return float(self.closes.iloc[place])

    def last(self, day: date) -> int | None:
        """Return the place of the last close on or before a day, or None."""
        # On days, since nanoseconds do not reach back to what a text may name.
        found = int(np.searchsorted(self._days, np.datetime64(day), side="right")) - 1
        return found if found >= 0 else None

    def has_change(self, start: int) -> bool:
        """Return whether a change can start at a close: no return starts at zero or below."""
        return self.unit != "return" or self.close(start) > 0

    def change(self, start: int, end: int) -> float:
        """Return the change between two closes: a fraction, basis points or points."""
        if self.unit == "return":
            return self.close(end) / self.close(start) - 1.0
        return float(self._scale.iloc[end] - self._scale.iloc[start])

    def sigma(self, start: int, end: int) -> float | None:
        """Return the change in sigma of the time before it; None with too little history."""
        if not 0 <= start < end:
            return None
        rate = float(self._rate.iloc[start + 1])
        total = float(self._scale.iloc[end] - self._scale.iloc[start])
        found = total / (rate * np.sqrt(end - start))
        return found if np.isfinite(found) else None

    def volatility(self, start: int, end: int) -> float | None:
        """Return sigma over a stretch as it was known at its start, in log points or bp."""
        rate = float(self._rate.iloc[start + 1]) if start + 1 < len(self.closes) else np.nan
        found = rate * float(np.sqrt(end - start))
        return found if np.isfinite(found) else None

    def figure(self, place: int, value: float, unit: str, what: str) -> ClaimFigure:
        """Return a number that ends at a stored row."""
        return ClaimFigure(
            asset_id=self.asset.id,
            date=self.day(place),
            value=round(value, 6),
            unit=unit,
            what=what,
            known_at=pd.Timestamp(self.known_at.iloc[place]).to_pydatetime(),
        )

    def close_figure(self, place: int, what: str = "close") -> ClaimFigure:
        """Return a close as a figure."""
        return self.figure(place, self.close(place), self.asset.unit, what)

    def change_figure(self, start: int, end: int) -> ClaimFigure:
        """Return a change as a figure."""
        change = self.change(start, end)
        return self.figure(end, change, self.unit, f"change since {self.day(start)}")


class Tape:
    """All series that were known at one instant.

    Parameters
    ----------
    prices : DataFrame
        ``asset_id, date, close, as_of, known_at``: values that were public, one per date.
    assets : sequence of Asset
    ranges : DataFrame, optional
        ``asset_id, date, high, low`` where they are stored.
    """

    def __init__(
        self, prices: pd.DataFrame, assets: Sequence[Asset], ranges: pd.DataFrame | None = None
    ) -> None:
        table = derive_prices(prices, assets).dropna(subset=["close"])
        by_id = {asset.id: asset for asset in assets}
        spans = {} if ranges is None else dict(list(ranges.groupby("asset_id")))
        empty = pd.DataFrame(columns=["high", "low"], index=pd.DatetimeIndex([]), dtype=float)
        self._series: Mapping[str, Series] = {
            str(name): Series(
                by_id[str(name)],
                group.set_index("date")["close"].astype(float),
                group.set_index("date")["known_at"],
                spans[name].set_index("date")[["high", "low"]] if name in spans else empty,
            )
            for name, group in table.sort_values(["asset_id", "date"]).groupby("asset_id")
            if str(name) in by_id
        }

    def get(self, asset_id: str) -> Series | None:
        """Return the series of an asset, or None."""
        return self._series.get(asset_id)

    def find(self, subject: Subject) -> tuple[Series | None, bool]:
        """Return the series that stands for a subject, and whether only by proxy."""
        for names, proxy in ((subject.assets, False), (subject.proxies, True)):
            for name in names:
                if name in self._series:
                    return self._series[name], proxy
        return None, False

    def of_classes(self, names: Iterable[str], classes: Sequence[str]) -> list[Series]:
        """Return the priced series of some asset classes among those named."""
        found = [self._series[name] for name in names if name in self._series]
        return [one for one in found if one.asset.asset_class in classes and one.unit == "return"]
