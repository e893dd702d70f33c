"""What a session hands on to the next one, so that a night need not begin with the first.

Some statistics remember for ever: the scale of an innovation, the level of a chained share, the
state of a burst. What they remember is kept with each session, unrounded, and a night goes on
from the last session that is as it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Whose shares are forecast; the volume of all stories is forecast beside them.
SERIES = ("all", "novel", "repeat")
VOLUME = "volume"
_SUMS = 3
_Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Carried:
    """Tables with one column per row of the grid; NaN where a session was not computed.

    Attributes
    ----------
    errors : mapping
        Forecast errors of each series, shape (n_narratives, n_days); of the volume (1, n_days).
    sums : mapping
        What scales later errors of each, as :func:`align.innovation.standardise` keeps it,
        shape (3, n_narratives, n_days).
    linked, theta : ndarray of shape (n_narratives, n_days)
        The chained share, and the odds ratio that the panel of the day is brought in with.
    panel : ndarray of shape (n_days,)
        Ordinal of the session whose panel is frozen; 0 before there is one.
    over : ndarray of shape (n_narratives, n_days)
        Cost of a burst over that of none, as :func:`align.bursts.kleinberg` keeps it.
    """

    errors: Mapping[str, _Table]
    sums: Mapping[str, _Table]
    linked: _Table
    theta: _Table
    panel: _Table
    over: _Table

    @classmethod
    def empty(cls, n_narratives: int, n_days: int) -> "Carried":
        """Return the tables before anything is computed."""
        rows = {name: n_narratives for name in SERIES} | {VOLUME: 1}
        wide = (n_narratives, n_days)
        return cls(
            errors={name: np.full((n, n_days), np.nan) for name, n in rows.items()},
            sums={name: np.zeros((_SUMS, n, n_days)) for name, n in rows.items()},
            linked=np.full(wide, np.nan),
            theta=np.ones(wide),
            panel=np.zeros(n_days),
            over=np.full(wide, np.nan),
        )

    def of_day(self, row: int) -> dict[str, list[float | None]]:
        """Return the columns of a session as lists, None for NaN."""
        return {
            name: [None if np.isnan(value) else float(value) for value in table[:, row]]
            for name, table in self._tables().items()
        }

    def take(self, row: int, held: Mapping[str, Sequence[float | None]]) -> None:
        """Write what :meth:`of_day` returned back into a row."""
        for name, table in self._tables().items():
            table[:, row] = np.array(held[name], dtype=float)

    def hold(self, row: int) -> None:
        """Carry a row over a session that is inside a long hole, of which nothing is stored."""
        if not row:
            return
        for table in (*self.sums.values(), self.theta, self.panel):
            table[..., row] = table[..., row - 1]
        self.over[:, row] = np.maximum(self.over[:, row - 1], 0.0)

    def _tables(self) -> dict[str, _Table]:
        """Return views of shape (n, n_days) under the names that they are stored by."""
        found = {
            "linked": self.linked,
            "theta": self.theta,
            "panel": self.panel[None, :],
            "over": self.over,
        }
        for name, table in self.errors.items():
            found[f"errors.{name}"] = table
            found[f"sums.{name}"] = self.sums[name].reshape(-1, table.shape[1])
        return found
