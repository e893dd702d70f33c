"""How well narratives without trained heads are judged: hold them out and see.

Presence in the space of the untouched encoder needs no training: the logistic curve is
fitted on all narratives but one and judged on that one (`measure_base`). The tuned space,
and stance by proposition, are honest only when the encoder never saw the narrative:
`measure_tuned` trains once per group of four without them. Held-out narratives are
treated as a user's are: proposition, examples, keywords.
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


def measure_base(examples: Sequence[Example], taxonomy: Taxonomy) -> dict[str, Any]:
    """Return the curve over all narratives, and leave-one-narrative-out figures."""
    encoder = load_default()
    used = [*select(examples, "train"), *select(examples, "test")]
    vectors = {"base": _vectors(encoder, used)}
    scored = [_score(narrative, used, vectors, {"base": encoder}) for narrative in taxonomy]
    curves = [fit_curve([other for other in scored if other is not s], "base") for s in scored]
    return {
        "curve": asdict(fit_curve(scored, "base")),
        "presence": _figures(scored, curves),
        "examples": len(used),
    }


def measure_tuned(
    examples: Sequence[Example],
    taxonomy: Taxonomy,
    settings: TrainSettings,
    report: Callable[[str], None] = print,
    groups: Sequence[Sequence[str]] = GROUPS,
) -> dict[str, Any]:
    """Train once per group without it; return presence and stance figures of the held-out.

    The curve is fitted on the held-out narratives together, so presence is a little
    flattered here; stance is not.
    """
    scored: list[Scored] = []
    stance_true: list[int] = []
    stance_said: list[int] = []
    for group in groups:
        report(f"held out: {', '.join(group)}")
        encoder, pair = _train_without(examples, taxonomy, group, settings, report)
        test = select(examples, "test")
        used = [*select(examples, "train"), *test]
        vectors = {"tuned": _vectors(encoder, used)}
        for narrative in (n for n in taxonomy if n.id in group):
            scored.append(_score(narrative, used, vectors, {"tuned": encoder}))
            true, said = _stances(narrative, test, encoder, pair)
            stance_true += true
            stance_said += said
    curve = fit_curve(scored, "tuned")
    truth = np.array(stance_true)
    return {
        "curve": asdict(curve),
        "presence": _figures(scored, [curve] * len(scored)),
        "stance_macro_f1": round(stance_macro(truth, np.array(stance_said)), 4),
        "stance_n": len(stance_true),
        "stance_favor_only": round(stance_macro(truth, np.zeros_like(truth)), 4),
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


def _figures(scored: Sequence[Scored], curves: Sequence[Curve]) -> dict[str, Any]:
    """F1 on the test split, per narrative, each by its own curve."""
    with_words, bare, words = {}, {}, {}
    for s, curve in zip(scored, curves, strict=True):
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
