"""Dose: whether days of equal talk moved the assets the same way before.

The projection of the vol-scaled move on a narrative's sign vector, regressed on the
innovation of its share on the same and on the previous session, over the days before the
window. A line to read beside a score, not a part of it: a real effect of news is about a
tenth of a standard deviation a day, which a year of days seldom shows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.market import Market
from align.signatures import Signature
from store.records import DoseLine

# 97.5th percentile of the normal distribution.
_Z95 = 1.959963984540054


def dose_lines(
    market: Market,
    row: int,
    days: int,
    innovations: pd.DataFrame | None,
    signatures: Mapping[str, Signature],
    weights: Mapping[str, Any],
) -> tuple[DoseLine, ...]:
    """Return the slopes of every narrative that has a vector and enough days.

    Parameters
    ----------
    innovations : DataFrame of shape (n_days, n_narratives), optional
        By session date, each from the days before it; NaN where missing.

    Notes
    -----
    One regression per narrative on the innovations of lag 0 and 1 together, HC1 errors
    (MacKinnon & White 1985). Only sessions before the window are used.
    """
    if innovations is None or innovations.empty:
        return ()
    rule = weights["dose"]
    first = row - days + 1
    found: list[DoseLine] = []
    moves = market.moves(1).iloc[max(first - rule["days"], 0) : first]
    # On the grid of sessions before it is lagged, so that a gap in the talk is no neighbour.
    talk = innovations.reindex(market.closes.index)
    lagged = [talk.shift(lag).reindex(moves.index) for lag in rule["lags"]]
    for narrative_id, signature in signatures.items():
        if narrative_id not in talk.columns:
            continue
        outcome = _projection(moves, signature, weights["signature"]["clip"])
        causes = [line[narrative_id].to_numpy(dtype=float) for line in lagged]
        table = np.column_stack([outcome, *causes])
        table = table[~np.isnan(table).any(axis=1)]
        if len(table) >= rule["least"]:
            found += _slopes(narrative_id, table, rule["lags"])
    return tuple(found)


def _projection(moves: pd.DataFrame, signature: Signature, clip: float) -> NDArray[np.float64]:
    """Return z.s / |s| per session over the legs that it has; NaN under half of them."""
    legs = [leg for leg, sign in signature.signs.items() if sign and leg in moves.columns]
    if not legs:
        return np.full(len(moves), np.nan)
    signs = np.array([signature.signs[leg] for leg in legs])
    table = np.clip(moves[legs].to_numpy(dtype=float), -clip, clip)
    known = ~np.isnan(table)
    norm = np.sqrt((known * signs**2).sum(axis=1))
    enough = known.sum(axis=1) >= len(legs) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(enough, np.nan_to_num(table) @ signs / norm, np.nan)


def _slopes(narrative_id: str, table: NDArray[np.float64], lags: Sequence[int]) -> list[DoseLine]:
    y = table[:, 0]
    x = np.column_stack([np.ones(len(y)), table[:, 1:]])
    if np.linalg.matrix_rank(x) < x.shape[1]:
        return []
    bread = np.linalg.inv(x.T @ x)
    beta = bread @ x.T @ y
    error = y - x @ beta
    meat = (x * error[:, None] ** 2).T @ x
    scale = len(y) / (len(y) - x.shape[1])
    half = _Z95 * np.sqrt(np.diag(scale * bread @ meat @ bread))
    return [
        DoseLine(
            narrative_id=narrative_id,
            lag=lag,
            effect=round(float(beta[at]), 4),
            low=round(float(beta[at] - half[at]), 4),
            high=round(float(beta[at] + half[at]), 4),
            n=len(y),
        )
        for at, lag in enumerate(lags, start=1)
    ]
