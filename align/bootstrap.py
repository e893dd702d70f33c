"""Resampling of stories: what the text of a window would have said with another sample."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from align.archive import Archive
from align.panel import Panel

Draws = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Rows of the grid: the talk before the close, and after it."""

    first: int
    last: int
    move_first: int
    after: int


def stance_values(archive: Archive, weights: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return what each label adds to the assertion of its narrative."""
    rule = weights["stance"]
    values = np.array([rule["against"], rule["none"], rule["favor"]])
    return np.asarray(values[archive.stance.astype(int) + 1], dtype=np.float64)


def causal_share(
    archive: Archive,
    claims: NDArray[np.bool_],
    places: NDArray[np.intp],
    story_weights: NDArray[np.float64],
    weights: Mapping[str, Any],
) -> Draws:
    """Return claims for minus claims against, over all stories that claim a cause.

    Parameters
    ----------
    places : ndarray of shape (n_claims,)
        Column of each claim's story in ``story_weights``.
    story_weights : ndarray of shape (n_draws, n_stories)
    """
    values = stance_values(archive, weights)[claims]
    sums = np.zeros((len(story_weights), len(archive.narrative_ids)))
    # Rows of the transpose are narratives: the index of add.at is then plain.
    np.add.at(sums.T, archive.narrative[claims], (story_weights[:, places] * values).T)
    total = story_weights[:, np.unique(places)].sum(axis=1) + weights["causal_claims"]["prior"]
    return np.asarray(sums / total[:, None], dtype=np.float64)


class Bootstrap:
    """Poisson bootstrap of the stories of one window (Chamandy et al. 2012), seeded."""

    def __init__(
        self, archive: Archive, panel: Panel, window: Window, weights: Mapping[str, Any]
    ) -> None:
        rule = weights["bootstrap"]
        self._archive, self._window, self._rules = archive, window, weights
        grid = archive.grid
        last = window.last + max(window.after, weights["window"]["causal_after"])
        self._inside = np.flatnonzero((grid.story_day >= window.first) & (grid.story_day <= last))
        rng = np.random.default_rng(rule["seed"])
        self.weights = rng.poisson(1.0, (rule["draws"], len(self._inside))).astype(float)
        self._base = _story_weights(archive, panel, self._inside)
        place = np.full(len(archive.stories), -1, dtype=np.intp)
        place[self._inside] = np.arange(len(self._inside))
        self._place = place[archive.story]
        chosen = self._place >= 0
        shape = (len(self._inside), len(archive.narrative_ids))
        cell = (self._place[chosen], archive.narrative[chosen])
        self._carried, self._asserted = np.zeros(shape), np.zeros(shape)
        self._carried[cell] = 1.0
        self._asserted[cell] = stance_values(archive, weights)[chosen]

    def carried_means(self, draws: NDArray[np.float64] | None) -> NDArray[np.float64]:
        """Return daily shares of talk, shape (n_draws, n_days, n_narratives)."""
        last = self._window.last + self._window.after
        return self._daily(draws, self._carried, last)

    def z_draws(self, z: Draws, scale: Draws, width: NDArray[np.intp]) -> Draws:
        """Return the observed z moved by what resampling does to the mean of its window.

        Parameters
        ----------
        width : ndarray of int, shape (n_narratives,)
            Sessions of each narrative's window; all end at the last one.
        """
        last = self._window.last
        observed = self._daily(None, self._asserted, last)
        drawn = self._daily(self.weights, self._asserted, last)
        moved = np.empty((len(drawn), len(z)))
        for days in np.unique(width):
            mine = width == days
            means = (np.nanmean(part[:, -days:, mine], axis=1) for part in (drawn, observed))
            moved[:, mine] = next(means) - next(means)
        return np.asarray(z + moved / scale, dtype=np.float64)

    def causal_draws(self, claims: NDArray[np.bool_]) -> Draws:
        """Return the share of causal claims under resampling."""
        places = self._place[claims]
        return causal_share(self._archive, claims, places, self.weights, self._rules)

    def _daily(
        self, draws: NDArray[np.float64] | None, values: NDArray[np.float64], last: int
    ) -> NDArray[np.float64]:
        drawn = np.ones((1, len(self._inside))) if draws is None else draws
        day = self._archive.grid.story_day[self._inside]
        out = np.zeros((len(drawn), last - self._window.first + 1, values.shape[1]))
        for row in range(self._window.first, last + 1):
            if self._archive.missing(row):
                out[:, row - self._window.first] = np.nan
                continue
            mine = day == row
            weight = drawn[:, mine] * self._base[mine]
            total = weight.sum(axis=1, keepdims=True)
            # A draw without a single story of the day says nothing about it: share 0 of it.
            out[:, row - self._window.first] = np.divide(
                weight @ values[mine],
                total,
                out=np.zeros((len(drawn), values.shape[1])),
                where=total > 0,
            )
        return out


def _story_weights(archive: Archive, panel: Panel, inside: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the weight of each story in its day's share under a panel."""
    grid = archive.grid
    day, source = grid.story_day[inside], grid.story_source[inside]
    weight_of = np.zeros(len(grid.source_ids) + 1)
    weight_of[panel.members] = panel.weights
    member = np.zeros(len(grid.source_ids) + 1, dtype=bool)
    member[panel.members] = True
    cap = grid.story_cap[inside]
    pool = np.bincount(day[~member[source]], cap[~member[source]], minlength=len(grid.days))
    counts = np.zeros(len(inside))
    # An occasional source has no column; in the first nights there is none at all.
    stored = source >= 0
    counts[stored] = grid.stories[day[stored], source[stored]]
    own = grid.story_weight[inside]
    regular = member[source]
    out = np.zeros(len(inside))
    # A day with holes has stories that weigh nothing, in a source that sums to nothing.
    for mine, value, whole in (
        (regular, weight_of[source] * own, counts),
        (~regular, panel.pool_weight * cap, pool[day]),
    ):
        out[mine] = value[mine] / np.where(whole[mine] > 0, whole[mine], 1.0)
    return out
