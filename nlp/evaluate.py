"""Measure a labelling against labelled items, beside a keyword baseline on the same items."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nlp.card import model_card
from nlp.errors import LabelSchemeError, TrainingError
from nlp.examples import Example, read_examples, select
from nlp.features import keyword_features
from nlp.metrics import calibration_error, f1, stance_macro
from nlp.models import Models, ModelSettings, Scores, load_models
from nlp.narratives import Taxonomy, load_taxonomy
from nlp.stances import STANCES
from nlp.text import count_words, split_passages

__all__ = ["as_table", "evaluate", "evaluate_file", "held_out_report", "model_card"]

# A narrative with fewer positives has no F1 worth averaging; it is listed with its count.
MIN_POSITIVES = 5
# The longest passages that the model was trained on.
ONE_PASSAGE_WORDS = 110


def evaluate_file(path: Path, taxonomy: Taxonomy, models: Models | ModelSettings) -> dict[str, Any]:
    """Evaluate on JSON lines of ``{"id", "text", "labels": {narrative: stance}}``.

    Raises
    ------
    TrainingError, LabelSchemeError
        As `nlp.examples.read_examples` and `evaluate` say.
    """
    return evaluate(read_examples(path), taxonomy, models)


def evaluate(
    items: Sequence[Example], taxonomy: Taxonomy, models: Models | ModelSettings
) -> dict[str, Any]:
    """Score labelled passages.

    An item of up to 110 words is one passage; a longer text is split, a narrative's
    probability is the highest over its passages and its stance their weighted mean.
    Stance is measured on the narratives that are present in truth, found or not.

    Returns
    -------
    dict
        ``items, positives, model, taxonomy, seconds``, ``presence`` (``macro_f1`` over
        narratives with at least 5 positives, ``micro_f1``, ``ece``), ``stance``
        (``macro_f1``, ``accuracy``, ``always_favor``), ``causal`` (``f1``, ``n``), the same
        of ``keywords``, and ``narratives``: F1, precision, recall, positives of each.

    Raises
    ------
    TrainingError
        There is no item.
    LabelSchemeError
        A label names a narrative that the taxonomy lacks.
    """
    if not items:
        raise TrainingError("no labelled item to evaluate on: the file is empty")
    known = set(taxonomy.ids)
    for item in items:
        if strange := sorted(set(item.labels) - known):
            raise LabelSchemeError(
                f"item {item.id!r} is labelled {strange[0]!r}, which is no narrative in use: "
                "name its file under [narratives] files, or correct the label"
            )
    loaded = load_models(models) if isinstance(models, ModelSettings) else models
    started = time.monotonic()
    scores = _score(items, taxonomy, loaded)
    seconds = time.monotonic() - started
    truth = np.array([[key in item.labels for key in taxonomy.ids] for item in items])
    probability = np.array([score.presence for score in scores])
    said = probability >= np.array([score.threshold for score in scores])
    words = keyword_features([item.text for item in items], taxonomy)[..., 0] > 0
    return {
        "items": len(items),
        "positives": int(truth.sum()),
        "model": loaded.model_id,
        "taxonomy": taxonomy.version,
        "seconds": round(seconds, 2),
        "presence": _summary(truth, said)
        | {"ece": round(calibration_error(probability.ravel(), truth.ravel()), 4)},
        "stance": _stance(items, taxonomy, np.array([score.stance for score in scores])),
        "causal": _causal(items, np.array([score.causal for score in scores])),
        "keywords": _summary(truth, words),
        "narratives": {
            key: _row(truth[:, k], said[:, k], words[:, k]) for k, key in enumerate(taxonomy.ids)
        },
    }


def held_out_report(archive: Path | None, models: Models | ModelSettings) -> str:
    """Return the tables of docs/evaluation.md: the test splits that no fit has seen.

    Parameters
    ----------
    archive : Path or None
        Folder of the headline archive; without it only our own passages are measured.
    """
    from nlp.train import load_examples

    test = select(load_examples(archive), "test")
    sets = {
        "headlines drawn at random": [e for e in test if e.pool == "sample"],
        "headlines, with those sought by keyword": [e for e in test if e.pool != "own"],
        "our own passages": [e for e in test if e.pool == "own"],
    }
    taxonomy = load_taxonomy()
    return "\n\n".join(
        f"{name}\n{as_table(evaluate(items, taxonomy, models))}"
        for name, items in sets.items()
        if items
    )


def as_table(result: Mapping[str, Any]) -> str:
    """Return an evaluation as plain text."""
    lines = [f"{'narrative':<18}{'n':>5}{'F1':>7}{'P':>7}{'R':>7}{'keywords F1':>13}"]
    for key, row in result["narratives"].items():
        numbers = f"{row['f1']:>7.2f}{row['precision']:>7.2f}{row['recall']:>7.2f}"
        lines.append(f"{key:<18}{row['n']:>5}{numbers}{row['keywords_f1']:>13.2f}")
    presence, words, stance = result["presence"], result["keywords"], result["stance"]
    lines += [
        f"presence: macro-F1 {presence['macro_f1']:.3f}, micro-F1 {presence['micro_f1']:.3f}, "
        f"calibration error {presence['ece']:.3f}",
        f"keywords: macro-F1 {words['macro_f1']:.3f}, micro-F1 {words['micro_f1']:.3f}",
        f"stance given presence: macro-F1 {stance['macro_f1']:.3f}, accuracy "
        f"{stance['accuracy']:.3f} (always favor: {stance['always_favor']:.3f})",
        f"causal claims: F1 {result['causal']['f1']:.3f} on {result['causal']['n']} labelled items",
        f"{result['items']} items, {result['positives']} labels, {result['model']}",
    ]
    return "\n".join(lines)


def _score(items: Sequence[Example], taxonomy: Taxonomy, models: Models) -> list[Scores]:
    """Score items, folding the passages of long ones."""
    texts = [_passages(item.text) for item in items]
    flat = iter(models.score([text for group in texts for text in group], taxonomy))
    folded = []
    for group in texts:
        scores = [next(flat) for _ in group]
        presence = np.array([score.presence for score in scores])
        stance = np.array([score.stance for score in scores])
        weight = np.maximum(presence, 1e-6)  # a presence may be rounded to 0
        weighted = (weight[:, :, None] * stance).sum(0) / weight.sum(0)[:, None]
        causal = max(score.causal for score in scores)
        folded.append(Scores(presence.max(0), scores[0].threshold, weighted, causal))
    return folded


def _passages(text: str) -> list[str]:
    if count_words(text) <= ONE_PASSAGE_WORDS:
        return [text]
    return [span.text for span in split_passages("", text)[0]] or [text]


def _summary(truth: Any, said: Any) -> dict[str, float]:
    counted = [k for k in range(truth.shape[1]) if truth[:, k].sum() >= MIN_POSITIVES]
    scores = [f1(truth[:, k], said[:, k]) for k in counted]
    return {
        "macro_f1": round(float(np.mean(scores)), 4) if scores else 0.0,
        "micro_f1": round(f1(truth, said), 4),
    }


def _row(truth: Any, said: Any, words: Any) -> dict[str, float]:
    hit = int((truth & said).sum())
    return {
        "n": int(truth.sum()),
        "f1": round(f1(truth, said), 4),
        "precision": round(hit / max(1, int(said.sum())), 4),
        "recall": round(hit / max(1, int(truth.sum())), 4),
        "keywords_f1": round(f1(truth, words), 4),
    }


def _stance(items: Sequence[Example], taxonomy: Taxonomy, stance: Any) -> dict[str, float]:
    keys = taxonomy.ids
    places = [(r, keys.index(key)) for r, item in enumerate(items) for key in item.labels]
    if not places:
        return {"macro_f1": 0.0, "accuracy": 0.0, "always_favor": 0.0, "n": 0}
    truth = np.array([STANCES.index(items[r].labels[keys[c]]) for r, c in places])
    said = np.array([int(stance[r, c].argmax()) for r, c in places])
    return {
        "macro_f1": round(stance_macro(truth, said), 4),
        "accuracy": round(float((truth == said).mean()), 4),
        "always_favor": round(stance_macro(truth, np.zeros_like(truth)), 4),
        "n": len(places),
    }


def _causal(items: Sequence[Example], causal: Any) -> dict[str, float]:
    known = np.array([item.causal is not None for item in items])
    truth = np.array([bool(item.causal) for item in items])
    return {"f1": round(f1(truth[known], causal[known] >= 0.5), 4), "n": int(known.sum())}
