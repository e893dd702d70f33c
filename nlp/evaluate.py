"""Measure a labelling against labelled items, beside a keyword baseline on the same items."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.card import model_card
from nlp.errors import LabelSchemeError, TrainingError
from nlp.examples import ARCHIVES, Example, read_examples, select
from nlp.features import keyword_features
from nlp.label import CAUSAL_THRESHOLD
from nlp.metrics import calibration_error, f1, stance_macro
from nlp.models import Models, ModelSettings, Scores, load_models
from nlp.narratives import Taxonomy, load_taxonomy
from nlp.stances import STANCES
from nlp.text import count_words, split_passages

__all__ = [
    "as_comparison",
    "as_table",
    "evaluate",
    "evaluate_file",
    "held_out_report",
    "model_card",
]

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
        There is no item, or one is in a language that the models do not cover.
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
    if strange := sorted({item.language for item in items} - loaded.languages):
        raise TrainingError(
            f"language {strange[0]!r} is not covered by this model: leave its items out"
        )
    truth = np.array([[key in item.labels for key in taxonomy.ids] for item in items])
    _score(items[:1], np.ones_like(truth[:1]), taxonomy, loaded)  # weights load when first used
    started = time.monotonic()
    scores = _score(items, truth, taxonomy, loaded)
    seconds = time.monotonic() - started
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
        "causal": _causal(items, taxonomy, np.array([score.causal for score in scores])),
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
        Folder of the archives; without it only our own passages are measured.
    """
    from nlp.train import load_examples

    examples = load_examples(archive)
    test = select(examples, "test")
    real = [e for e in test if e.pool != "own"]
    sets = {
        "real passages": real,
        "of these, headlines drawn at random": [e for e in real if e.pool == "sample"],
        **{
            f"of these, from {name}": [e for e in real if e.extra["set"] == name]
            for name in ARCHIVES
        },
        "our own passages": [e for e in test if e.pool == "own"],
        "our own passages in Chinese": select(examples, "test", language="zh"),
    }
    taxonomy = load_taxonomy()
    loaded = load_models(models) if isinstance(models, ModelSettings) else models
    return "\n\n".join(
        f"{name}\n{as_table(evaluate(items, taxonomy, loaded))}"
        for name, items in sets.items()
        if items and {item.language for item in items} <= loaded.languages
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
        f"causal claims: F1 {result['causal']['f1']:.3f} on {result['causal']['n']} labels",
        f"{result['items']} items, {result['positives']} labels, {result['model']}",
    ]
    return "\n".join(lines)


def as_comparison(results: Sequence[Mapping[str, Any]]) -> str:
    """Return evaluations of several models on the same items, a line each."""
    lines = [f"{'presence':>9}{'stance':>8}{'ECE':>7}{'items/s':>9}  model"]
    for result in results:
        pace = result["items"] / max(result["seconds"], 1e-3)
        lines.append(
            f"{result['presence']['macro_f1']:>9.3f}{result['stance']['macro_f1']:>8.3f}"
            f"{result['presence']['ece']:>7.3f}{pace:>9.1f}  {result['model']}"
        )
    return "\n".join(lines)


def _score(
    items: Sequence[Example], truth: NDArray[np.bool_], taxonomy: Taxonomy, models: Models
) -> list[Scores]:
    """Score items, folding the passages of long ones."""
    found: dict[int, Scores] = {}
    for language in sorted({item.language for item in items}):
        places = [place for place, item in enumerate(items) if item.language == language]
        groups = [_passages(items[place].text, language) for place in places]
        texts = [text for group in groups for text in group]
        given = truth[[place for place, group in zip(places, groups, strict=True) for _ in group]]
        flat = iter(models.score_given(texts, taxonomy, given, language))
        for place, group in zip(places, groups, strict=True):
            found[place] = _fold([next(flat) for _ in group])
    return [found[place] for place in range(len(items))]


def _fold(scores: Sequence[Scores]) -> Scores:
    presence = np.array([score.presence for score in scores])
    stance = np.array([score.stance for score in scores])
    weight = np.maximum(presence, 1e-6)  # a presence may be rounded to 0
    weighted = (weight[:, :, None] * stance).sum(0) / weight.sum(0)[:, None]
    causal = np.array([score.causal for score in scores]).max(0)
    return Scores(presence.max(0), scores[0].threshold, weighted, causal)


def _passages(text: str, language: str) -> list[str]:
    if count_words(text) <= ONE_PASSAGE_WORDS:
        return [text]
    return [span.text for span in split_passages("", text, language)[0]] or [text]


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


def _causal(items: Sequence[Example], taxonomy: Taxonomy, causal: Any) -> dict[str, float]:
    keys = taxonomy.ids
    places = [(r, keys.index(key)) for r, item in enumerate(items) for key in item.causal]
    truth = np.array([items[r].causal[keys[c]] for r, c in places], dtype=bool)
    said = np.array([causal[r, c] >= CAUSAL_THRESHOLD for r, c in places], dtype=bool)
    return {"f1": round(f1(truth, said), 4), "n": len(places)}
