"""Past episodes that a move resembles in shape, with the percentile that makes it mean something.

Two large days always look somewhat alike, because most large days are risk-off days. So a
cosine is printed with its percentile among all large-move days before the window, and an
episode counts as *like* only from the 95th on (alignment reference, section 8).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.market import Market
from align.signatures import cosine
from store.records import Analog, Episode


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalogAnswer:
    """Episodes by similarity, those that stand out, and the sentence that says so."""

    analogs: Sequence[Analog]
    like: Sequence[str]
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """The target and its past on the same complete legs, clipped."""

    target: NDArray[np.float64]
    past: NDArray[np.float64]
    legs: Sequence[str]


def find_analogs(
    market: Market,
    row: int,
    days: int,
    episodes: Sequence[Episode],
    weights: Mapping[str, Any],
) -> AnalogAnswer:
    """Compare the move that ends at one row with the episodes before its window.

    Notes
    -----
    Distance: Mahalanobis with S = 0.8 Sigma + 0.2 diag(Sigma) over the days before the
    window (Ledoit & Wolf 2004 shrink towards a simpler target likewise; the share is fixed
    here). Both compare the same number of sessions, ending at the episode's date. Neither
    says that the cause was the same.
    """
    rules = weights["analogs"]
    shape = _shape(market.moves(days), row, days, rules)
    if shape is None or (~np.isnan(shape.past).any(axis=1)).sum() < rules["placebo_least"]:
        return AnalogAnswer(
            analogs=(), like=(), statement="Too little price history to look for analogs."
        )
    size = np.sqrt((np.nan_to_num(shape.past) ** 2).sum(axis=1))
    complete: NDArray[np.bool_] = np.asarray(~np.isnan(shape.past).any(axis=1))
    large = complete & (size >= np.quantile(size[complete], 1 - rules["placebo_top"]))
    placebo = cosine(shape.past[large], shape.target)
    inverse = _inverse_covariance(shape.past[complete], rules["shrink"])
    found = []
    for episode in episodes:
        position = _episode_row(market, episode)
        if position is None or position > row - days:
            continue
        other = shape.past[position]
        known = ~np.isnan(other)
        if known.sum() < rules["legs_least"]:
            continue
        near = float(cosine(other[None, :], shape.target)[0])
        if np.isnan(near):
            continue
        gap = np.where(known, shape.target - other, 0.0)
        found.append(
            Analog(
                episode=episode.id,
                date=episode.date,
                cosine=round(near, 4),
                distance=round(float(np.sqrt(max(float(gap @ inverse @ gap), 0.0))), 4),
                percentile=round(float((placebo < near).mean()), 4),
            )
        )
    found.sort(key=lambda analog: (-analog.cosine, analog.episode))
    far = _far_limit(shape, complete, inverse, rules, weights["bootstrap"]["seed"])
    names = {episode.id: episode.name for episode in episodes}
    like = [one.episode for one in found if one.percentile >= rules["like_percentile"]]
    text = _statement(found, like, names, own_size=_own_size(shape, size, complete), days=days)
    if found and min(analog.distance for analog in found) > far:
        text += " No close analog: all of them are further away than 95 % of random pairs of days."
    return AnalogAnswer(analogs=tuple(found), like=tuple(like), statement=text)


def _shape(moves: pd.DataFrame, row: int, days: int, rules: Mapping[str, Any]) -> _Shape | None:
    clip = rules["clip"]
    now = moves.iloc[row]
    legs = [leg for leg in rules["assets"] if leg in moves.columns and not np.isnan(now[leg])]
    if len(legs) < rules["legs_least"]:
        return None
    table = np.clip(moves[legs].to_numpy(dtype=float), -clip, clip)
    return _Shape(target=table[row], past=table[: max(row - days + 1, 0)], legs=legs)


def _episode_row(market: Market, episode: Episode) -> int | None:
    first, last = market.closes.index[0].date(), market.closes.index[-1].date()
    return market.row(episode.date) if first <= episode.date <= last else None


def _inverse_covariance(past: NDArray[np.float64], shrink: float) -> NDArray[np.float64]:
    covariance = np.cov(past, rowvar=False)
    shrunk = (1 - shrink) * covariance + shrink * np.diag(np.diag(covariance))
    return np.asarray(np.linalg.pinv(shrunk), dtype=np.float64)


def _far_limit(
    shape: _Shape,
    complete: NDArray[np.bool_],
    inverse: NDArray[np.float64],
    rules: Mapping[str, Any],
    seed: int,
) -> float:
    """Return the distance within which 95 % of random past days have a neighbour-like day."""
    rng = np.random.default_rng(seed)
    days = shape.past[complete]
    count = min(int(rules["random_days"]), len(days))
    left = days[rng.choice(len(days), count, replace=False)]
    right = days[rng.choice(len(days), count, replace=False)]
    gap = left - right
    distance = np.sqrt(np.einsum("ij,jk,ik->i", gap, inverse, gap).clip(min=0))
    return float(np.quantile(distance, rules["far_percentile"]))


def _own_size(shape: _Shape, size: NDArray[np.float64], complete: NDArray[np.bool_]) -> float:
    return float((size[complete] < np.sqrt((shape.target**2).sum())).mean())


def _statement(
    found: Sequence[Analog],
    like: Sequence[str],
    names: Mapping[str, str],
    *,
    own_size: float,
    days: int,
) -> str:
    span = "one session" if days == 1 else f"{days} sessions"
    size = f"The move over {span} is larger than {own_size:.0%} of those before it."
    if not found:
        return f"{size} No episode of the library lies before it."
    best = found[0]
    nearest = (
        f"{names[best.episode]} (cosine {best.cosine:.2f}, {_ordinal(best.percentile)} percentile"
        " of large-move days)"
    )
    if not like:
        return f"{size} Not distinguishable from other large days: nearest in shape is {nearest}."
    more = [names[episode] for episode in like if episode != best.episode]
    also = f"; also above the 95th percentile: {', '.join(more)}" if more else ""
    return f"{size} Closer in shape, not necessarily in size, to {nearest}{also}."


def _ordinal(share: float) -> str:
    number = int(share * 100)
    suffix = (
        "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    )
    return f"{number}{suffix}"
