"""How well narratives without trained heads are judged: leave groups of them out.

The encoder is tuned on the other narratives only; the held-out ones are then treated as a
user's custom narratives are, from proposition, examples and keywords. The same pooled
pairs give the logistic curve that custom narratives are shipped with.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.calibrate import sigmoid
from nlp.custom import Curve, anchors, similarity
from nlp.encoder import Encoder, load_default
from nlp.examples import Example, select
from nlp.fitting import TrainSettings, fit
from nlp.keywords import count_hits
from nlp.metrics import f1, stance_macro
from nlp.narratives import Taxonomy
from nlp.network import Pair
from nlp.pairs import fit_pair
from nlp.stances import STANCES
from nlp.tuned import mean_vectors
from store.records import Narrative

Floats = NDArray[np.float64]
# Three groups of unlike narratives, so that each is judged by a model that saw others of
# its kind (a currency story, a policy story, a market-structure story) and never itself.
GROUPS = (
    ("qt-liquidity", "ai-capex-doubt", "tariffs", "recession"),
    ("dollar-policy", "fiscal-worry", "fed-independence", "crypto-stress"),
    ("geopolitics", "fed-policy", "inflation", "deleveraging"),
)


@dataclass(frozen=True, slots=True)
class Scored:
    """One held-out narrative: similarities, hits and truth over all examples."""

    narrative: Narrative
    near: Mapping[str, Floats]
    hits: Floats
    present: NDArray[np.bool_]
    train: NDArray[np.bool_]


def measure(
    examples: Sequence[Example],
    taxonomy: Taxonomy,
    settings: TrainSettings,
    report: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Train once per group without it and judge it; return the curve and all figures."""
    scored: list[Scored] = []
    stance_true: list[int] = []
    stance_said: list[int] = []
    base = load_default()
    for group in GROUPS:
        report(f"held out: {', '.join(group)}")
        encoder, pair = _train_without(examples, taxonomy, group, settings, report)
        test = select(examples, "test")
        used = [*select(examples, "train"), *test]
        vectors = {space: _vectors(e, used) for space, e in (("base", base), ("tuned", encoder))}
        for narrative in (n for n in taxonomy if n.id in group):
            scored.append(_score(narrative, used, vectors, {"base": base, "tuned": encoder}))
            true, said = _stances(narrative, test, encoder, pair)
            stance_true += true
            stance_said += said
    curves = {space: fit_curve(scored, space) for space in ("base", "tuned")}
    figures = {space: _figures(scored, curve) for space, curve in curves.items()}
    best = max(figures, key=lambda space: figures[space]["macro_f1"])
    return {
        "curve": asdict(curves[best]),
        "presence": figures,
        "stance_macro_f1": round(stance_macro(np.array(stance_true), np.array(stance_said)), 4),
        "stance_n": len(stance_true),
        "stance_favor_only": round(
            stance_macro(np.array(stance_true), np.zeros(len(stance_true), dtype=int)), 4
        ),
    }


def fit_curve(scored: Sequence[Scored], space: str) -> Curve:
    """Fit one logistic curve over all held-out narratives, with and without keywords."""
    near = np.concatenate([s.near[space][s.train] for s in scored])
    hits = np.concatenate([s.hits[s.train] for s in scored])
    truth = np.concatenate([s.present[s.train] for s in scored])
    full = _logistic(np.stack([near, hits, np.ones_like(near)], 1), truth)
    bare = _logistic(np.stack([near, np.ones_like(near)], 1), truth)
    curve = Curve(
        space=space,
        similarity=full[0],
        keywords=full[1],
        offset=full[2],
        threshold=0.5,
        bare_similarity=bare[0],
        bare_offset=bare[1],
        bare_threshold=0.5,
    )
    with_words = full[0] * near + full[1] * hits + full[2]
    return replace(
        curve,
        threshold=_best_threshold(sigmoid(with_words), truth),
        bare_threshold=_best_threshold(sigmoid(bare[0] * near + bare[1]), truth),
    )


def _train_without(
    examples: Sequence[Example],
    taxonomy: Taxonomy,
    group: Sequence[str],
    settings: TrainSettings,
    report: Callable[[str], None],
) -> tuple[Encoder, Pair]:
    kept = tuple(n for n in taxonomy if n.id not in group)
    train = [
        replace(e, labels={k: v for k, v in e.labels.items() if k not in group})
        for e in select(examples, "train")
    ]
    encoder, _ = fit(train, replace(taxonomy, narratives=kept), settings, report)
    encoder.network.eval()
    return encoder, fit_pair(encoder, train, kept, settings.seed)


def _score(
    narrative: Narrative,
    examples: Sequence[Example],
    vectors: Mapping[str, Floats],
    encoders: Mapping[str, Encoder],
) -> Scored:
    near = {
        space: similarity(vectors[space], mean_vectors(encoder, anchors(narrative)))
        for space, encoder in encoders.items()
    }
    hits = np.log1p([float(count_hits(e.text, narrative.keywords)) for e in examples])
    return Scored(
        narrative,
        near,
        hits,
        np.array([narrative.id in e.labels for e in examples]),
        np.array([e.split == "train" for e in examples]),
    )


def _stances(
    narrative: Narrative, test: Sequence[Example], encoder: Encoder, pair: Pair
) -> tuple[list[int], list[int]]:
    import torch

    chosen = [e for e in test if narrative.id in e.labels]
    left = torch.from_numpy(_vectors(encoder, chosen)).float()
    right = torch.from_numpy(mean_vectors(encoder, [narrative.proposition])).float()
    with torch.inference_mode():
        said = pair(left, right.expand_as(left)).argmax(-1).tolist()
    return [STANCES.index(e.labels[narrative.id]) for e in chosen], said


def _figures(scored: Sequence[Scored], curve: Curve) -> dict[str, Any]:
    """F1 on the test split, per narrative, for one curve over all of them."""
    with_words, bare, words = {}, {}, {}
    for s in scored:
        test = ~s.train
        near, hits, truth = s.near[curve.space][test], s.hits[test], s.present[test]
        logit = curve.similarity * near + curve.keywords * hits + curve.offset
        with_words[s.narrative.id] = f1(truth, sigmoid(logit) >= curve.threshold)
        alone = sigmoid(curve.bare_similarity * near + curve.bare_offset)
        bare[s.narrative.id] = f1(truth, alone >= curve.bare_threshold)
        words[s.narrative.id] = f1(truth, hits > 0)
    return {
        "macro_f1": round(float(np.mean(list(with_words.values()))), 4),
        "macro_f1_without_keywords": round(float(np.mean(list(bare.values()))), 4),
        "macro_f1_keywords_alone": round(float(np.mean(list(words.values()))), 4),
        "f1": {key: round(value, 4) for key, value in with_words.items()},
    }


def _vectors(encoder: Encoder, examples: Sequence[Example]) -> Floats:
    return mean_vectors(encoder, [e.text for e in examples])


def _logistic(design: Floats, truth: NDArray[np.bool_]) -> list[float]:
    weights = np.zeros(design.shape[1])
    for _ in range(60):
        p = sigmoid(design @ weights)
        gradient = design.T @ (p - truth) + 1e-3 * weights
        curvature = (design * (p * (1 - p))[:, None]).T @ design + 1e-3 * np.eye(len(weights))
        step = np.linalg.solve(curvature, gradient)
        weights = weights - np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-9:
            break
    return [round(float(weight), 6) for weight in weights]


def _best_threshold(probability: Floats, truth: NDArray[np.bool_]) -> float:
    scores = {step / 50: f1(truth, probability >= step / 50) for step in range(5, 41)}
    return max(scores, key=lambda threshold: scores[threshold])
