"""Retrain the shipped delta and heads from the labelled examples.

Data: our own passages (``training/passages_*.jsonl``) and hashed headlines whose text is
looked up in the archive when it is at hand. The seed article that the project starts from
is never trained on.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nlp.calibrate import Calibration, fit_calibration
from nlp.custom import Curve
from nlp.encoder import Encoder, load_default
from nlp.errors import TrainingError
from nlp.examples import Example, read_examples, read_headlines, select
from nlp.features import keyword_features
from nlp.fitting import Report, TrainSettings, fit
from nlp.narratives import Taxonomy, load_taxonomy
from nlp.network import Heads, encode, extract_low_rank, merge_low_rank
from nlp.pairs import fit_pair
from nlp.stances import STANCES
from nlp.tuned import WEIGHTS
from nlp.weights_config import write_config

if TYPE_CHECKING:
    import torch

TRAINING = Path(__file__).with_name("training")
# Fitted by nlp.held_out, which trains three more models: kept apart from each retraining.
CURVE = TRAINING / "custom_curve.json"


def load_examples(archive: Path | None = None, folder: Path = TRAINING) -> list[Example]:
    """Read all labelled examples; headlines only when their archive is given.

    Raises
    ------
    TrainingError
        No example was found.
    """
    examples: list[Example] = []
    for path in sorted(folder.glob("passages_*.jsonl")):
        examples += read_examples(path)
    hashed = folder / "headlines.jsonl"
    if archive is not None and hashed.is_file():
        examples += read_headlines(hashed, archive)
    if not examples:
        raise TrainingError(f"no labelled example under {str(folder)!r}: add passages_*.jsonl")
    return examples


def train(
    archive: Path | None = None,
    *,
    folder: Path = WEIGHTS,
    settings: TrainSettings | None = None,
    report: Report = print,
) -> dict[str, Any]:
    """Retrain on the shipped examples and write a weights folder.

    Parameters
    ----------
    archive : Path or None
        Folder with the Parquet files of headlines; without it only our own passages are
        trained on, and headlines are judged worse (docs/evaluation.md).
    folder : Path
        Where ``adapter.safetensors``, ``heads.safetensors`` and ``config.json`` go.

    Returns
    -------
    dict
        Counts of the examples and the seconds it took.
    """
    settings = settings or TrainSettings()
    started = time.monotonic()
    taxonomy = load_taxonomy()
    examples = load_examples(archive)
    chosen, held = select(examples, "train"), select(examples, "dev")
    report(f"{len(chosen)} examples to train on, {len(held)} to choose thresholds by")
    encoder, heads = fit(chosen, taxonomy, settings, report)
    deltas = extract_low_rank(encoder.network)
    # Thresholds are chosen on the weights as they will be loaded, in half precision.
    encoder = load_default()
    merge_low_rank(encoder.network, deltas)
    heads = heads.half().float()
    calibration = calibrate(encoder, heads, held, taxonomy)
    pair = fit_pair(encoder, chosen, taxonomy.narratives, settings.seed)
    about = {
        "settings": asdict(settings),
        "train": len(chosen),
        "dev": len(held),
        "headlines": sum(e.pool != "own" for e in chosen),
    }
    curve = Curve(**json.loads(CURVE.read_text(encoding="utf-8"))["curve"])
    folder.mkdir(parents=True, exist_ok=True)
    _save(folder / "adapter.safetensors", deltas)
    tensors = {f"heads.{k}": v for k, v in heads.state_dict().items()}
    tensors |= {f"pair.{k}": v for k, v in pair.state_dict().items()}
    _save(folder / "heads.safetensors", {k: v.half().contiguous() for k, v in tensors.items()})
    config = write_config(taxonomy, calibration, curve, about)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    return about | {"seconds": round(time.monotonic() - started)}


def calibrate(
    encoder: Encoder, heads: Heads, examples: Sequence[Example], taxonomy: Taxonomy
) -> Calibration:
    """Fit scales, offsets, thresholds and temperature on held-out examples."""
    import numpy as np
    import torch

    texts = [example.text for example in examples]
    shape = (len(texts), len(taxonomy.narratives))
    logits, stance, causal = np.zeros(shape), np.zeros((*shape, 3)), np.zeros(len(texts))
    features = torch.from_numpy(keyword_features(texts, taxonomy))
    encoder.network.eval()
    with torch.inference_mode():
        for places, ids, mask in encoder.batches(texts):
            out = heads(encode(encoder.network, ids, mask), mask, features[places])
            logits[places] = out["presence"].double().numpy()
            stance[places] = out["stance"].double().numpy()
            causal[places] = out["causal"].double().numpy()
    present = np.array([[key in e.labels for key in taxonomy.ids] for e in examples])
    rows, columns = np.nonzero(present)
    keys = taxonomy.ids
    truth = [
        STANCES.index(examples[int(r)].labels[keys[int(c)]])
        for r, c in zip(rows, columns, strict=True)
    ]
    known = np.array([example.causal is not None for example in examples])
    labels = np.array([bool(example.causal) for example in examples])
    return fit_calibration(
        logits, present, stance[rows, columns], np.array(truth), causal[known], labels[known]
    )


def _save(path: Path, tensors: dict[str, "torch.Tensor"]) -> None:
    from safetensors.torch import save

    # save_file makes a file that only its owner may read.
    path.write_bytes(save(tensors))
