"""Shares corrected for the errors of the tagger, with an interval that knows both.

What is counted, cc, holds false alarms and misses: cc = p TPR + (1 - p) FPR. A rise from 2 to
10 % is seen as one from 4.6 to 10.7 % at TPR .80 and FPR .03.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from store.records import Correction

_DRAWS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What the tagger did on validation stories of one narrative; counts."""

    positives: int
    true_positives: int
    negatives: int
    false_positives: int

    @property
    def tpr(self) -> float:
        """Share of the positives that were found."""
        return self.true_positives / self.positives

    @property
    def fpr(self) -> float:
        """Share of the negatives that were taken for positives."""
        return self.false_positives / self.negatives


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """A corrected share in [0, 1] with its 95 % interval."""

    share: float
    low: float
    high: float
    correction: Correction


def rates_of(table: pd.DataFrame | None, rule: Mapping[str, Any]) -> dict[str, Rates]:
    """Return the rates that are good enough to correct with, by narrative.

    Parameters
    ----------
    table : DataFrame or None
        ``narrative_id, positives, true_positives, negatives, false_positives``; rows of
        several languages are added up.
    rule : mapping
        The table ``correction`` of ``weights.toml``: with fewer positives or negatives, or a
        tagger that hardly tells them apart, the correction would be noise over almost nothing.
    """
    if table is None or table.empty:
        return {}
    counts = ["positives", "true_positives", "negatives", "false_positives"]
    sums = table.groupby("narrative_id")[counts].sum().astype(int)
    found = {
        str(row["narrative_id"]): Rates(**{name: row[name] for name in counts})
        for row in sums.reset_index().to_dict("records")
    }
    return {
        narrative_id: rates
        for narrative_id, rates in found.items()
        if min(rates.positives, rates.negatives) >= rule["least_positives"]
        and rates.tpr - rates.fpr >= rule["least_difference"]
    }


def unclipped(share: float, rates: Rates) -> float:
    """Return (cc - FPR) / (TPR - FPR), adjusted classify and count (Forman 2008)."""
    return (share - rates.fpr) / (rates.tpr - rates.fpr)


def correct(share: float, effective_n: float, rates: Rates, seed: int) -> Corrected:
    """Correct one share.

    Parameters
    ----------
    share : float
        As counted, in [0, 1].
    effective_n : float
        Behind it.
    seed : int
        A point has its own draws, so that it does not depend on what else is computed.

    Notes
    -----
    Interval: 2.5th to 97.5th percentile over draws of the share, TPR and FPR from their Beta
    posteriors under Jeffreys' prior. It holds the rates of the validation stories to be those
    of the day (prior shift: only the share of positives changes). ``clipped`` when the point
    lies outside [0, 1] before clipping, which says that this cannot quite hold.
    """
    point = unclipped(share, rates)
    rng = np.random.default_rng(seed)
    tpr = _beta(rng, rates.true_positives, rates.positives)
    fpr = _beta(rng, rates.false_positives, rates.negatives)
    counted = _beta(rng, share * effective_n, effective_n)
    # A draw in which the tagger tells nothing apart says nothing, not something infinite.
    drawn = np.clip((counted - fpr) / np.maximum(tpr - fpr, 0.05), 0.0, 1.0)
    low, high = np.quantile(drawn, [0.025, 0.975])
    value = min(max(point, 0.0), 1.0)
    return Corrected(
        share=value,
        low=float(min(low, value)),
        high=float(max(high, value)),
        correction="ok" if 0.0 <= point <= 1.0 else "clipped",
    )


def _beta(rng: np.random.Generator, hits: float, n: float) -> NDArray[np.float64]:
    return rng.beta(hits + 0.5, max(n - hits, 0.0) + 0.5, size=_DRAWS)
