"""Innovations and moves side by side: one column per session, which is what a lag counts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.archive import Archive
from align.found import FoundOn
from align.intensity import Measured
from align.market import Market


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Paired:
    """What the scan and the confirmations are computed from; build it with :func:`pair`.

    Attributes
    ----------
    days : DatetimeIndex of shape (n_sessions,)
        From the first innovation to the last without a gap, so that a lag is a number of
        sessions even across a hole of the archive.
    innovations : ndarray of shape (n_narratives, n_sessions)
        Standardised; NaN where missing.
    moves : ndarray of shape (n_assets, n_sessions)
        Vol-scaled, not clipped; NaN where missing.
    volatility : ndarray of shape (n_sessions,)
        Vol-scaled change of the VIX; all NaN where it is not stored.
    volume : ndarray of shape (n_sessions,)
        Innovation of the logarithm of the number of stories.
    found_on : mapping of narrative to date
        Of those that were not known beforehand, see ``found.py``. The innovations before that
        day stay: other narratives are held against them, and do not change when this one
        gets a day.
    """

    days: pd.DatetimeIndex
    narrative_ids: Sequence[str]
    asset_ids: Sequence[str]
    innovations: NDArray[np.float64]
    moves: NDArray[np.float64]
    volatility: NDArray[np.float64]
    volume: NDArray[np.float64]
    found_on: FoundOn = field(default_factory=dict)

    def day(self, column: int) -> date:
        """Return the session date of a column."""
        return pd.Timestamp(self.days[column]).date()

    def after(self, day: date) -> int:
        """Return the first column whose session lies after a day."""
        # On days: a settings file may name one that nanoseconds do not reach back to.
        days = self.days.to_numpy().astype("datetime64[D]")
        return int(np.searchsorted(days, np.datetime64(day), side="right"))

    def tested_from(self, place: int) -> int:
        """Return the first column that may be a test of a narrative; ``n_sessions``: none."""
        day = self.found_on.get(self.narrative_ids[place])
        if day is None:
            return 0
        # On days: a settings file may name one that nanoseconds do not reach back to.
        days = self.days.to_numpy().astype("datetime64[D]")
        return int(np.searchsorted(days, np.datetime64(day)))

    def tested(self, place: int) -> NDArray[np.float64]:
        """Return the innovations of a narrative, those from before it was found as NaN."""
        columns = np.arange(len(self.days))
        return np.where(columns < self.tested_from(place), np.nan, self.innovations[place])

    def not_before(self, narrative_id: str, day: date) -> date:
        """Return a day, or that on which the narrative was found where it is later."""
        return max(day, self.found_on.get(narrative_id, day))

    def between(self, start: int, end: int) -> "Paired":
        """Return the columns from ``start`` to before ``end``."""
        span = slice(max(start, 0), end)
        return Paired(
            days=self.days[span],
            narrative_ids=self.narrative_ids,
            asset_ids=self.asset_ids,
            innovations=self.innovations[:, span],
            moves=self.moves[:, span],
            volatility=self.volatility[span],
            volume=self.volume[span],
            found_on=self.found_on,
        )


def pair(
    archive: Archive | None,
    market: Market | None,
    measured: Measured,
    listed: Sequence[str],
    volatility: str,
    found_on: FoundOn = MappingProxyType({}),
) -> Paired | None:
    """Put all narratives and the listed assets that have prices side by side.

    Parameters
    ----------
    measured : Measured
        Of this archive.
    volatility : str
        Asset whose change stands for volatility.
    found_on : mapping of narrative to date, optional
        Of those that were not known beforehand.

    Returns
    -------
    Paired or None
        None without stories, prices or a listed asset.
    """
    assets = [name for name in listed if market is not None and name in market.assets]
    if archive is None or market is None or not measured.points or not assets:
        return None
    values: dict[str, dict[pd.Timestamp, float]] = {name: {} for name in archive.narrative_ids}
    for point in measured.points:
        if point.innovation is not None:
            values[point.narrative_id][pd.Timestamp(point.day)] = point.innovation
    wide = pd.DataFrame(values, dtype=float).reindex(
        index=archive.grid.days, columns=list(archive.narrative_ids)
    )
    some = np.flatnonzero(wide.notna().any(axis=1).to_numpy())
    span = slice(some[0], some[-1] + 1) if len(some) else slice(None)
    days = archive.grid.days[span]
    moves = market.moves(1).reindex(days)
    fear = moves[volatility] if volatility in moves else pd.Series(np.nan, index=days)
    return Paired(
        days=days,
        narrative_ids=list(archive.narrative_ids),
        asset_ids=assets,
        innovations=wide.iloc[span].to_numpy(dtype=float).T,
        moves=moves[assets].to_numpy(dtype=float).T,
        volatility=np.asarray(fear, dtype=np.float64),
        volume=measured.volume[span],
        found_on=found_on,
    )
