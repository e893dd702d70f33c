"""Narratives without trained heads: fit the curve of `nlp.custom`, and measure it.

What a user gets for a narrative of their own is measured on passages about subjects that the
pair model never saw (``propositions.jsonl``, split ``test``). Half of these subjects, each with
its reverse, fit the second step; the other half are reported. `nlp.zero_shot` measures
on Reuters-21578 and its human topic codes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.calibrate import logit, sigmoid
from nlp.custom import Curve, Custom, Evidence, first_step, second_step
from nlp.examples import Example
from nlp.metrics import average_precision, f1, stance_macro
from nlp.pairs import PairModel
from nlp.stances import STANCES
from nlp.statements import Statement
from store.records import Narrative

Floats = NDArray[np.float64]
# Every other held-out subject fits the second step, the rest are reported.
FITTED, REPORTED = 0, 1


@dataclass(frozen=True, slots=True)
class Subject:
    """A narrative made of one held-out subject, with the passages written about it."""

    narrative: Narrative
    statements: Sequence[Statement]


def subjects(statements: Sequence[Statement]) -> list[Subject]:
    """Group held-out statements by proposition, in the order of the subjects' names."""
    grouped: dict[str, list[Statement]] = {}
    for statement in statements:
        if statement.split == "test":
            grouped.setdefault(statement.proposition, []).append(statement)
    return [
        Subject(Narrative(id=f"subject-{place}", name=own[0].subject, proposition=proposition), own)
        for place, (proposition, own) in enumerate(
            sorted(grouped.items(), key=lambda pair: (pair[1][0].subject, pair[0]))
        )
    ]


def fit_curve(
    custom: Custom,
    defaults: Sequence[Narrative],
    examples: Sequence[Example],
    held: Sequence[Subject],
    background: Sequence[str],
) -> Curve:
    """Fit both steps.

    Parameters
    ----------
    custom : Custom
        Its curve is not used.
    defaults, examples : sequences
        The default narratives with labelled passages, for the first step: it sees the
        untouched encoder only, to which these narratives are new.
    held : sequence of Subject
        Every other subject is used for the second step.
    background : sequence of str
        Passages on none of the subjects.
    """
    texts = [example.text for example in examples]
    evidence = custom.evidence(texts, defaults)
    truth = np.concatenate([[n.id in e.labels for e in examples] for n in defaults])
    first = _logistic(_design(evidence, keywords=True), truth)
    bare = _logistic(_design(evidence, keywords=False), truth)
    names = ("similarity", "coverage", "keywords", "offset")
    curve = Curve(
        first=dict(zip(names, first, strict=True)),
        bare=dict(zip(names, bare, strict=True)),
        ask=0.03,
        second={"first": 1.0, "relevance": 0.0, "offset": 0.0},
        threshold=0.5,
    )
    rows = _score_side(custom, held, background, curve, FITTED)
    cheap, relevance, known = (np.concatenate([row[k] for row in rows]) for k in range(3))
    second = _logistic(np.stack([cheap, relevance, np.ones_like(cheap)], 1), known)
    weights = dict(zip(("first", "relevance", "offset"), second, strict=True))
    probability = sigmoid(second_step(cheap, relevance, weights))
    return Curve(
        first=curve.first,
        bare=curve.bare,
        ask=curve.ask,
        second=weights,
        threshold=_best_threshold(probability, known.astype(bool)),
    )


def measure_subjects(
    custom: Custom, pairs: PairModel, held: Sequence[Subject], background: Sequence[str]
) -> dict[str, Any]:
    """Return presence on the subjects that no fit saw, and stance on all held-out ones."""
    rows = _score_side(custom, held, background, custom.curve, REPORTED)
    said, precision = [], []
    for cheap, relevance, known in rows:
        asked = sigmoid(cheap) >= custom.curve.ask
        both = sigmoid(second_step(cheap, relevance, custom.curve.second))
        probability = np.where(asked, both, sigmoid(cheap))
        said.append(f1(known.astype(bool), probability >= custom.curve.threshold))
        precision.append(average_precision(known.astype(bool), probability))
    statements = [statement for subject in held for statement in subject.statements]
    verdicts = pairs.judge([(s.text, s.proposition) for s in statements])
    truth = np.array([STANCES.index(s.stance) for s in statements if s.stance is not None])
    return {
        "subjects": len(rows),
        "presence_f1": round(float(np.mean(said)), 4),
        "average_precision": round(float(np.mean(precision)), 4),
        "stance_macro_f1": round(stance_macro(truth, verdicts.stance.argmax(1)), 4),
        "stance_always_favor": round(stance_macro(truth, np.zeros_like(truth)), 4),
        "stance_n": len(truth),
    }


def _score_side(
    custom: Custom,
    held: Sequence[Subject],
    background: Sequence[str],
    curve: Curve,
    side: int,
) -> list[tuple[Floats, Floats, Floats]]:
    """Score the propositions of every other subject; nothing of theirs is on the other side."""
    names = sorted({subject.narrative.name for subject in held})[side::2]
    chosen = [subject for subject in held if subject.narrative.name in names]
    return [
        _score_subject(custom, subject, chosen, background[side::2], curve) for subject in chosen
    ]


def _score_subject(
    custom: Custom,
    subject: Subject,
    held: Sequence[Subject],
    background: Sequence[str],
    curve: Curve,
) -> tuple[Floats, Floats, Floats]:
    """Return first-step logits, relevance logits and truth over the passages of all subjects."""
    own = {statement.text for statement in subject.statements}
    name = subject.narrative.name
    # The same subject turned round is neither right nor wrong here.
    others = [s.text for other in held if other.narrative.name != name for s in other.statements]
    texts = [*sorted(own), *others, *background]
    (evidence,) = custom.evidence(texts, [subject.narrative])
    cheap = first_step(evidence, curve.bare)
    pairs = [(text, subject.narrative.proposition) for text in texts]
    relevance = logit(custom.pairs.judge(pairs).relevance)
    return cheap, relevance, np.array([float(text in own) for text in texts])


def _design(evidence: Sequence[Evidence], *, keywords: bool) -> Floats:
    near = np.concatenate([e.similarity for e in evidence])
    covered = np.concatenate([e.coverage for e in evidence])
    hits = np.concatenate([e.keywords for e in evidence]) * float(keywords)
    return np.stack([near, covered, hits, np.ones_like(near)], 1)


def _logistic(design: Floats, truth: Floats | NDArray[np.bool_]) -> list[float]:
    weights = np.zeros(design.shape[1])
    for _ in range(60):
        p = sigmoid(design @ weights)
        gradient = design.T @ (p - truth) + 1e-2 * weights
        curvature = (design * (p * (1 - p))[:, None]).T @ design + 1e-2 * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        weights = weights - np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-9:
            break
    return [round(float(weight), 6) for weight in weights]


def _best_threshold(probability: Floats, truth: NDArray[np.bool_]) -> float:
    scores: Mapping[float, float] = {
        step / 50: f1(truth, probability >= step / 50) for step in range(5, 41)
    }
    return max(scores, key=lambda threshold: scores[threshold])
