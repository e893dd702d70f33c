"""Logits to probabilities: a scale and an offset per narrative, fitted on held-out data.

Platt (1999) scaling, shrunk to a common fit: a development set has a handful of positives
for a rare narrative, too few for two free numbers each.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """``sigmoid(scale * logit + offset)`` per narrative, with its threshold.

    Attributes
    ----------
    threshold : ndarray of shape (n_narratives,)
        Calibrated probability from which a narrative counts as present.
    temperature : float
        Divisor of stance logits.
    causal_scale, causal_offset : float
        The same for causal claims.
    """

    scale: Floats
    offset: Floats
    threshold: Floats
    temperature: float = 1.0
    causal_scale: float = 1.0
    causal_offset: float = 0.0


# Leaves logits as they are; it has no threshold to speak of.
NEUTRAL = Calibration(scale=np.ones(1), offset=np.zeros(1), threshold=np.full(1, 0.5))


def fit_calibration(
    logits: Floats,
    present: NDArray[np.bool_],
    stance_logits: Floats,
    stances: NDArray[np.int64],
    causal_logits: Floats,
    causal: NDArray[np.bool_],
) -> Calibration:
    """Fit on development examples.

    Parameters
    ----------
    logits, present : ndarray of shape (n, n_narratives)
    stance_logits : ndarray of shape (n_present, 3)
    stances : ndarray of shape (n_present,)
        Index of the right stance.
    causal_logits, causal : ndarray of shape (n_known,)
        Only labels whose causal role is known.
    """
    narratives = logits.shape[1]
    common = _platt(logits.ravel(), present.ravel(), prior=(1.0, 0.0), strength=0.1)
    fits = [
        _platt(logits[:, k], present[:, k], prior=common, strength=3.0) for k in range(narratives)
    ]
    scale = np.array([fit[0] for fit in fits])
    offset = np.array([fit[1] for fit in fits])
    probability = sigmoid(scale * logits + offset)
    causal_fit = _platt(causal_logits, causal, prior=(1.0, 0.0), strength=1.0)
    return Calibration(
        scale=scale,
        offset=offset,
        threshold=_thresholds(probability, present),
        temperature=fit_temperature(stance_logits, stances),
        causal_scale=causal_fit[0],
        causal_offset=causal_fit[1],
    )


def sigmoid(x: Floats) -> Floats:
    """Return the logistic function, without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def logit(p: Floats) -> Floats:
    """Return the inverse of the logistic function, bounded at about 14 either way."""
    inside = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside / (1 - inside)))


def softmax(x: Floats) -> Floats:
    """Return the softmax over the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def _platt(
    logit: Floats, label: NDArray[np.bool_], *, prior: tuple[float, float], strength: float
) -> tuple[float, float]:
    """Newton's method on the penalised log-likelihood of scale and offset."""
    design = np.stack([logit, np.ones_like(logit)], axis=1)
    target, anchor = label.astype(float), np.array(prior)
    weights = anchor.copy()
    for _ in range(50):
        p = sigmoid(design @ weights)
        gradient = design.T @ (p - target) + strength * (weights - anchor)
        curvature = (design * (p * (1 - p))[:, None]).T @ design + strength * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        weights = weights - np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-8:
            break
    # A negative slope would turn evidence upside down: a sign of too few positives.
    return float(max(weights[0], 0.2)), float(weights[1])


def _thresholds(probability: Floats, present: NDArray[np.bool_]) -> Floats:
    """Best F1 per narrative, pulled to the common best by pseudo-counts."""
    grid = np.arange(0.3, 0.71, 0.025)
    above = probability[:, :, None] >= grid  # (n, n_narratives, thresholds)
    tp, said = (above & present[:, :, None]).sum(0), above.sum(0)
    true = present.sum(0)[:, None]
    # Twenty pseudo-positives that behave like the average narrative: with fewer, a rare one
    # took 0.2 and labelled every headline about work a recession.
    pooled_tp = tp.sum(0) / max(1, true.sum())
    pooled_said = said.sum(0) / max(1, true.sum())
    score = 2 * (tp + 20 * pooled_tp) / (said + true + 20 * (pooled_said + 1))
    return np.asarray(grid[score.argmax(1)])


def fit_temperature(logits: Floats, stances: NDArray[np.int64]) -> float:
    """Return the divisor of stance logits, shape (n, 3), that makes the truth likeliest."""
    grid = np.exp(np.linspace(np.log(0.5), np.log(4.0), 60))
    rows = np.arange(len(stances))
    losses = [-np.log(softmax(logits / t)[rows, stances] + 1e-12).mean() for t in grid]
    return float(grid[int(np.argmin(losses))])
