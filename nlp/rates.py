"""How often the heads are wrong about presence: counts that stand beside the weights.

An intensity that counts labels is corrected by them (adjusted classify and count). Counted
by `tapestory train`, or alone by ``tapestory train --part rates``, on the development split:
no fit has seen it, thresholds and calibration have, so the counts flatter a little. The test
split stays out of it.

References
----------
Forman (2008), Quantifying Counts and Costs via Classification, doi:10.1007/s10618-008-0097-y.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from nlp.errors import ModelNotFoundError
from nlp.examples import Example, select
from nlp.tuned import Tagger, load_config, load_tagger, weights_digest
from store.records import ErrorCounts

FILE = "rates.json"
# Digits of a probability before a threshold is applied.
DIGITS = 4
_LANGUAGES = {"en": "english", "zh": "multilingual"}
# The pool that was drawn at random from the news, and from how many on it stands for the news.
_RANDOM, _ENOUGH = "sample", 200


def count_errors(
    examples: Sequence[Example], tagger: Tagger, language: str = "en"
) -> list[ErrorCounts]:
    """Count on labelled passages, at the thresholds that labelling uses.

    True positives are counted on all passages. False positives are counted on those that were
    drawn at random, where there are 200 or more: the others were chosen because a model was in
    doubt about them, and would make the news look as doubtful.
    """
    probability = tagger.run([example.text for example in examples]).presence.round(DIGITS)
    said = probability >= tagger.calibration.threshold
    truth = np.array([[key in e.labels for key in tagger.ids] for e in examples], dtype=bool)
    drawn = np.array([example.pool == _RANDOM for example in examples])
    if drawn.sum() < _ENOUGH:
        drawn[:] = True
    return [
        ErrorCounts(
            narrative_id=key,
            language=language,
            positives=int(truth[:, k].sum()),
            true_positives=int((truth & said)[:, k].sum()),
            negatives=int((~truth[:, k] & drawn).sum()),
            false_positives=int(((~truth & said)[:, k] & drawn).sum()),
        )
        for k, key in enumerate(tagger.ids)
    ]


def write_rates(folder: Path, examples: Sequence[Example]) -> list[ErrorCounts]:
    """Count on the development split and write the counts beside the weights of a folder."""
    counts: list[ErrorCounts] = []
    for language, part in _LANGUAGES.items():
        held = select(examples, "dev", language=language)
        if held and part in load_config(folder).calibrations:
            counts += count_errors(held, load_tagger(folder, part), language)
    # The digest says to which weights the counts belong.
    (folder / FILE).write_text(_text(weights_digest(folder), counts), encoding="utf-8")
    return counts


def read_rates(folder: Path) -> list[ErrorCounts]:
    """Return the counts of a weights folder; empty where there are none for these weights.

    Raises
    ------
    ModelNotFoundError
        The file is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        counts = [ErrorCounts(**row) for row in found["counts"]]
        ours = found["weights"] == weights_digest(folder)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelNotFoundError(
            f"{str(path)!r} is damaged ({type(error).__name__}): write it with"
            " tapestory train --part rates",
            model=str(folder),
        ) from error
    return counts if ours else []


def _text(weights: str, counts: Sequence[ErrorCounts]) -> str:
    """Return JSON with a line for each row: a change of a count shows as one."""
    rows = ",\n".join(f"  {json.dumps(asdict(one))}" for one in counts)
    return f'{{\n "weights": "{weights}",\n "counts": [\n{rows}\n ]\n}}\n'
