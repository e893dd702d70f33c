"""The measures of a labelling: F1, macro and micro, calibration, agreement. Pure."""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]


def f1(truth: Bools, said: Bools) -> float:
    """Return the harmonic mean of precision and recall; 0 when nothing is true or said."""
    total = int(truth.sum()) + int(said.sum())
    return 2 * int((truth & said).sum()) / total if total else 0.0


def stance_macro(truth: NDArray[np.int64], said: NDArray[np.int64]) -> float:
    """Return the mean F1 over the three stances; a stance that never occurs counts as 0."""
    return float(np.mean([f1(truth == stance, said == stance) for stance in range(3)]))


def calibration_error(probability: NDArray[np.float64], truth: Bools, bins: int = 10) -> float:
    """Return the expected calibration error over equal-width bins, in [0, 1].

    References
    ----------
    Naeini, Cooper & Hauskrecht (2015), Obtaining Well Calibrated Probabilities Using
    Bayesian Binning, AAAI.
    """
    if not probability.size:
        return 0.0
    place = np.minimum((probability * bins).astype(int), bins - 1)
    error = 0.0
    for row in range(bins):
        inside = place == row
        if inside.any():
            error += inside.mean() * abs(probability[inside].mean() - truth[inside].mean())
    return float(error)


def kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float:
    """Return Cohen's kappa (1960) of two annotators; 1 when both always say the same one."""
    count = len(first)
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / count
    left, right = Counter(first), Counter(second)
    chance = sum(left[key] * right[key] for key in left) / count**2
    return 1.0 if chance == 1 else (observed - chance) / (1 - chance)


def average_precision(truth: Bools, score: NDArray[np.float64]) -> float:
    """Return the mean of the precisions at each true item, by falling score; 0 without any."""
    ranked = truth[np.argsort(-score, kind="stable")]
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return float((precision * ranked).sum() / ranked.sum()) if ranked.any() else 0.0
