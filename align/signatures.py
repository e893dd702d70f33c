"""Sign vectors over assets, and how well a move matches them.

A signature is the pattern that a narrative predicts. The match is the cosine of the clipped
vol-scaled move with the vector of signs; a match means something only against days of
similar size, and never by itself (alignment reference, section 6: on large days the best and
second-best vectors are within 0.10 of each other half of the time).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.catalogue import SignatureLibrary
from align.errors import AlignError
from store.records import Narrative

SIGNS: Mapping[str, float] = {
    "+": 1.0,
    "++": 2.0,
    "-": -1.0,
    "--": -2.0,
    "0": 0.0,
    "0/+": 0.5,
    "0/-": -0.5,
}
UNKNOWN = "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The sign vector of one narrative, by column of the market.

    Attributes
    ----------
    signs : mapping of column to weight
        -2 .. 2; a leg without a series, or of unknown sign, is left out.
    core : sequence of columns
        Legs without whose move the narrative is not supported.
    liquid : sequence of columns
        Legs that may contradict it.
    """

    narrative_id: str
    signs: Mapping[str, float]
    core: Sequence[str]
    liquid: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How a move matches one signature.

    Attributes
    ----------
    cosine : float or None
        None when too few legs have data.
    percentile : float or None
        Share of placebo moves that match less well, in [0, 1].
    contradicted_by : sequence of str
        Liquid full-weight legs that moved the other way by a sigma or more; empty when
        there are too few of them to contradict.
    core_silent : bool
        Every core leg moved less than a sigma.
    draws : sequence of float
        The cosine with the legs resampled: how much it hangs on single assets.
    """

    cosine: float | None
    percentile: float | None
    contradicted_by: Sequence[str]
    core_silent: bool
    draws: Sequence[float] = ()


def resolve(
    narratives: Sequence[Narrative], library: SignatureLibrary, columns: Sequence[str]
) -> dict[str, Signature]:
    """Return the signature of each narrative over the columns that exist.

    Signs and core legs are the narrative's own; the library says which series stands for a leg.

    Raises
    ------
    AlignError
        For a sign that is not known.
    """
    present = set(columns)
    series_of = {
        leg: next((name for name in choices if name in present), None)
        for leg, choices in library.legs.items()
    }
    liquid = [name for leg in library.liquid if (name := series_of.get(leg))]
    found = {}
    for narrative in narratives:
        vector = {}
        for leg, sign in narrative.signature.items():
            column = series_of.get(leg) or (leg if leg in present else None)
            if column is None or sign == UNKNOWN:
                continue
            if sign not in SIGNS:
                raise AlignError(
                    f"signature of {narrative.id!r}: sign {sign!r} for {leg!r}, wanted one of"
                    f" {', '.join([*SIGNS, UNKNOWN])}"
                )
            vector[column] = SIGNS[sign]
        # Another asset that a user's narrative names may contradict it; a spread may not.
        own = [leg for leg in vector if leg not in liquid and leg not in library.legs]
        found[narrative.id] = Signature(
            narrative_id=narrative.id,
            signs=vector,
            core=[name for leg in narrative.core if (name := series_of.get(leg) or leg) in present],
            liquid=[*liquid, *own],
        )
    return found


def cosine(moves: NDArray[np.float64], signs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cosine of each row of moves with a sign vector, over the legs it has.

    Parameters
    ----------
    moves : ndarray of shape (n_days, n_legs)
        Clipped vol-scaled moves; NaN for a leg without data.
    signs : ndarray of shape (n_legs,)

    Returns
    -------
    ndarray of shape (n_days,)
        NaN where the move or the vector is zero on the legs that exist.
    """
    known = ~np.isnan(moves)
    filled = np.where(known, moves, 0.0)
    norm = np.sqrt((filled**2).sum(axis=1)) * np.sqrt((known * signs**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        result = (filled @ signs) / norm
    return np.where(norm > 0, result, np.nan)


def left_out_range(left: NDArray[np.float64], right: NDArray[np.float64]) -> tuple[float, float]:
    """Return the least and the largest cosine of two vectors with one shared leg left out.

    NaN without a leg whose loss leaves two directions to compare.
    """
    known = np.flatnonzero(~np.isnan(left) & ~np.isnan(right))
    table = np.tile(left[known], (len(known), 1))
    np.fill_diagonal(table, np.nan)
    cosines = cosine(table, right[known])
    cosines = cosines[~np.isnan(cosines)]
    return (float(cosines.min()), float(cosines.max())) if len(cosines) else (np.nan, np.nan)


def match(
    moves: pd.DataFrame, row: int, days: int, signature: Signature, weights: Mapping[str, Any]
) -> Match:
    """Match the move that ends at one row with a signature, against trailing placebo days.

    Parameters
    ----------
    moves : DataFrame of shape (n_sessions, n_columns)
        Vol-scaled moves over windows of ``days`` sessions, not clipped.
    row : int
        Row of the move; only rows before its window are looked at beside it.
    """
    rules = weights["signature"]
    legs = [leg for leg in signature.signs if leg in moves.columns]
    signs = np.array([signature.signs[leg] for leg in legs])
    clip = rules["clip"]
    table = np.clip(moves[legs].to_numpy(dtype=float), -clip, clip) if legs else np.empty((0, 0))
    unclipped = moves.iloc[row]
    against = contradictions(unclipped, signature, weights)
    core = [abs(unclipped[leg]) for leg in signature.core if not np.isnan(unclipped[leg])]
    silent = bool(core) and max(core) < rules["core_sigma"]
    if not legs or (~np.isnan(table[row])).sum() < min(rules["legs_least"], len(legs)):
        return Match(cosine=None, percentile=None, contradicted_by=against, core_silent=silent)
    own = float(cosine(table[row : row + 1], signs)[0])
    if np.isnan(own):
        return Match(cosine=None, percentile=None, contradicted_by=against, core_silent=silent)
    past = table[: max(row - days + 1, 0)]
    placebo = _similar_days(past, table[row], signs, rules)
    if placebo is None:
        placebo = _permuted(table[row], signs, rules, weights["bootstrap"]["seed"])
    return Match(
        cosine=own,
        percentile=float((placebo < own).mean()),
        contradicted_by=against,
        core_silent=silent,
        draws=_resampled(table[row], signs, own, weights["bootstrap"]),
    )


def contradictions(
    move: pd.Series, signature: Signature, weights: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the legs that contradict a signature, or nothing when they are too few."""
    rule = weights["contradiction"]
    against = tuple(
        leg
        for leg in signature.liquid
        if abs(signature.signs.get(leg, 0.0)) >= 1.0
        and leg in move.index
        and move[leg] * np.sign(signature.signs[leg]) <= -rule["sigma"]
    )
    return against if len(against) >= rule["legs"] else ()


def _similar_days(
    past: NDArray[np.float64],
    target: NDArray[np.float64],
    signs: NDArray[np.float64],
    rules: Mapping[str, Any],
) -> NDArray[np.float64] | None:
    """Return the cosines of the past days whose size is nearest; None when they are too few."""
    known = ~np.isnan(target)
    complete = past[(~np.isnan(past[:, known])).all(axis=1)][:, known]
    if len(complete) < rules["placebo_least"]:
        return None
    size = np.sqrt((complete**2).sum(axis=1))
    wanted = np.sqrt((target[known] ** 2).sum())
    nearest = np.argsort(np.abs(size - wanted), kind="stable")[: rules["placebo_days"]]
    cosines = cosine(complete[nearest], signs[known])
    return cosines[~np.isnan(cosines)]


def _permuted(
    target: NDArray[np.float64], signs: NDArray[np.float64], rules: Mapping[str, Any], seed: int
) -> NDArray[np.float64]:
    """Return cosines of the move with its legs permuted and their signs flipped."""
    known = ~np.isnan(target)
    legs = target[known]
    rng = np.random.default_rng(seed)
    draws = int(rules["permutations"])
    shuffled = rng.permuted(np.tile(legs, (draws, 1)), axis=1)
    shuffled *= rng.choice([-1.0, 1.0], size=shuffled.shape)
    cosines = cosine(shuffled, signs[known])
    return cosines[~np.isnan(cosines)]


def _resampled(
    target: NDArray[np.float64], signs: NDArray[np.float64], own: float, rules: Mapping[str, Any]
) -> tuple[float, ...]:
    """Return the cosine over legs drawn with replacement (Efron 1979), seeded."""
    known = ~np.isnan(target)
    legs, vector = target[known], signs[known]
    rng = np.random.default_rng(rules["seed"])
    times = rng.multinomial(len(legs), np.full(len(legs), 1 / len(legs)), rules["draws"])
    norm = np.sqrt((times @ legs**2) * (times @ vector**2))
    # A draw of silent legs alone has no direction; it says nothing, so the estimate stays.
    safe = np.where(norm > 0, norm, 1.0)
    return tuple(np.where(norm > 0, (times @ (legs * vector)) / safe, own).tolist())


def collinearity(left: Signature, right: Signature) -> float:
    """Return the cosine of two sign vectors over the legs that both have; 0 without any.

    In two decimals: what is printed is what is compared with the limit (hawkish policy and a
    squeeze have 0.798 without the funding leg).
    """
    shared = [leg for leg in left.signs if leg in right.signs]
    a = np.array([left.signs[leg] for leg in shared])
    b = np.array([right.signs[leg] for leg in shared])
    norm = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return round(float(a @ b) / norm, 2) if norm > 0 else 0.0
