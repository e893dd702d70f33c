"""Retrain what is shipped from the labelled examples; one part at a time or all.

Data: our own passages (``training/passages_*.jsonl``, ``propositions.jsonl``), hashed
passages of archives whose text is looked up where the archive is at hand, and public
stance sets likewise. The seed article that the project starts from is never trained on.
"""

import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from nlp.calibrate import NEUTRAL, Calibration, fit_calibration, fit_temperature
from nlp.custom import Curve, Custom
from nlp.descent import Report
from nlp.encoder import Encoder, load_default
from nlp.errors import ModelNotFoundError, TrainingError
from nlp.examples import Example, read_archive, read_examples, select
from nlp.fit_pairs import PairSettings, fit_pairs
from nlp.fitting import TrainSettings, fit
from nlp.held_out import fit_curve, measure_subjects, subjects
from nlp.narratives import Taxonomy, load_taxonomy
from nlp.network import (
    PairHead,
    encode,
    extract_low_rank,
    merge_low_rank,
    recenter,
    token_moments,
)
from nlp.pairs import PairModel
from nlp.public_pairs import public_pairs
from nlp.rates import write_rates
from nlp.stances import STANCES
from nlp.statements import (
    Statement,
    from_examples,
    read_statements,
    read_wordings,
    strangers,
)
from nlp.states import rarities
from nlp.tuned import PARTS, WEIGHTS, load_config, load_pairs, load_tagger, raw_output
from nlp.weights_config import WeightsConfig, write_config

if TYPE_CHECKING:
    from torch import nn

TRAINING = Path(__file__).with_name("training")
# What is trained by default; ``start`` needs public data and is shipped.
TRAINED = ("english", "pairs", "multilingual", "custom")
# English passages beside each Chinese one: subjects and stances carry over.
ENGLISH_FOR_MULTILINGUAL = 3
CUSTOM_EXAMPLES = 4_000
CUSTOM_BACKGROUND = 400
MOMENT_EXAMPLES = 400
UNFITTED = Curve(first={}, bare={}, ask=0.0, second={}, threshold=0.5)


def load_examples(archive: Path | None = None, folder: Path = TRAINING) -> list[Example]:
    """Read all labelled examples; those of an archive only when its folder is given.

    Raises
    ------
    TrainingError
        No example was found.
    """
    examples: list[Example] = []
    for path in sorted(folder.glob("passages_*.jsonl")):
        examples += read_examples(path)
    hashed = folder / "archive.jsonl"
    if archive is not None and hashed.is_file():
        examples += read_archive(hashed, archive)
    if not examples:
        raise TrainingError(f"no labelled example under {str(folder)!r}: add passages_*.jsonl")
    return examples


def train(
    data: Path | None = None,
    *,
    folder: Path = WEIGHTS,
    labelled: Path = TRAINING,
    parts: Collection[str] = TRAINED,
    settings: TrainSettings | None = None,
    pair_settings: PairSettings | None = None,
    report: Report = print,
) -> dict[str, Any]:
    """Retrain parts of the weights and write them to a folder.

    Parameters
    ----------
    data : Path or None
        Folder with ``text`` (archives) and ``labels`` (public stance sets); without it only
        our own passages are trained on, and news is judged worse (docs/evaluation.md).
    folder : Path
        Where ``config.json`` and a ``.safetensors`` file for each part go; parts that are
        not trained now stay as they are.
    labelled : Path
        Folder with ``passages_*.jsonl``, ``propositions.jsonl`` and ``wordings.toml``.
    parts : collection of {"start", "english", "pairs", "multilingual", "custom", "rates"}
        ``start`` is the stage on public pairs, which needs `data`; the others start from the
        stored result of it. ``custom`` fits how narratives without heads are found, and needs
        the pairs. ``rates`` counts the errors of what is there, which every other part does too.

    Returns
    -------
    dict
        For each part the counts of the examples and the seconds it took.
    """
    settings, pair_settings = settings or TrainSettings(), pair_settings or PairSettings()
    taxonomy = load_taxonomy()
    examples = load_examples(_sub(data, "text"), labelled)
    real = sum(example.pool != "own" for example in examples)
    report(f"{len(examples):,} labelled passages, {real:,} of them found in the archives")
    chosen = [part for part in ("start", *TRAINED) if part in parts]
    config = _config(folder, taxonomy) if chosen else load_config(folder)
    folder.mkdir(parents=True, exist_ok=True)
    about: dict[str, Mapping[str, Any]] = {}
    for part in chosen:
        started = time.monotonic()
        if part == "start":
            labels = _sub(data, "labels")
            public = public_pairs(labels, pair_settings.seed) if labels else []
            counts = _train_start(public, pair_settings, folder, report)
        elif part == "custom":
            config, counts = _fit_custom(examples, labelled, config, folder, report)
        elif part == "pairs":
            config, counts = _train_pairs(examples, labelled, pair_settings, config, folder, report)
        else:
            config, counts = _train_tagger(part, examples, settings, config, folder, report)
        about[part] = counts | {"seconds": round(time.monotonic() - started)}
        config = replace(config, about={**config.about, part: about[part]})
        _write(config, folder)
    rates = write_rates(folder, examples)
    report(f"rates: {len(rates)} narratives and languages")
    return about


def calibrate(
    encoder: Encoder, heads: "nn.Module", examples: Sequence[Example], taxonomy: Taxonomy
) -> Calibration:
    """Fit scales, offsets, thresholds and temperature on held-out examples."""
    out = raw_output(encoder, heads, [example.text for example in examples], taxonomy)
    present = np.array([[key in e.labels for key in taxonomy.ids] for e in examples])
    rows, columns = np.nonzero(present)
    pairs = [(examples[int(r)], taxonomy.ids[int(c)]) for r, c in zip(rows, columns, strict=True)]
    truth = [STANCES.index(example.labels[key]) for example, key in pairs]
    known = np.array([key in example.causal for example, key in pairs])
    claimed = np.array([example.causal.get(key, False) for example, key in pairs])
    return fit_calibration(
        out.presence,
        present,
        out.stance[rows, columns],
        np.array(truth),
        out.causal[rows, columns][known],
        claimed[known],
    )


def _train_tagger(
    part: str,
    examples: Sequence[Example],
    settings: TrainSettings,
    config: WeightsConfig,
    folder: Path,
    report: Report,
) -> tuple[WeightsConfig, dict[str, Any]]:
    chosen, settings = _choice(part, examples, settings)
    report(f"{part}: {len(chosen):,} examples")
    encoder, moments = PARTS[part](), None
    if part == "multilingual":
        moments = token_moments(_token_states(encoder, chosen))
        recenter(encoder.network, *moments)
    deltas = _tensors_of(_start(folder), "delta.") if part == "english" else {}
    heads = fit(encoder, chosen, config.taxonomy, settings, report, deltas or None)
    _save(folder / f"{part}.safetensors", extract_low_rank(encoder.network), heads, moments)
    # Thresholds are chosen on the weights as they will be loaded, in half precision.
    config = replace(config, calibrations={**config.calibrations, part: NEUTRAL})
    _write(config, folder)
    trained = load_tagger(folder, part)
    held = select(examples, "dev")
    if part == "multilingual":
        held = [*select(examples, "dev", language="zh"), *_spread(held, len(held) // 2)]
    fitted = calibrate(trained.encoder, trained.heads, held, config.taxonomy)
    counts = {
        "train": len(chosen),
        "dev": len(held),
        "archive": sum(e.pool != "own" for e in chosen),
        "settings": asdict(settings),
    }
    return replace(config, calibrations={**config.calibrations, part: fitted}), counts


def _choice(
    part: str, examples: Sequence[Example], settings: TrainSettings
) -> tuple[list[Example], TrainSettings]:
    """Return what a tagger is trained on, and how."""
    english = select(examples, "train")
    if part == "english":
        return english, settings
    chinese = select(examples, "train", language="zh")
    beside = _spread(english, ENGLISH_FOR_MULTILINGUAL * len(chinese))
    # Few examples and a deeper encoder: small batches for more steps, and slower ones.
    return [*chinese, *beside], replace(settings, batch=8, delta_lr=4e-4)


def _token_states(encoder: Encoder, examples: Sequence[Example]) -> "Iterator[torch.Tensor]":
    texts = [example.text for example in _spread(examples, MOMENT_EXAMPLES)]
    with torch.inference_mode():
        for _, ids, mask in encoder.batches(texts):
            yield encode(encoder.network, ids, mask)[mask.bool()]


def _train_start(
    public: Sequence[Statement], settings: PairSettings, folder: Path, report: Report
) -> dict[str, Any]:
    """Train on public pairs alone: the weights that the English parts start from."""
    if not public:
        raise TrainingError("the first stage needs public pairs: give --data with labels/")
    drawn = _spread(public, settings.public)
    report(f"start: {len(drawn):,} public pairs")
    encoder = load_default()
    head = fit_pairs(encoder, [drawn], settings, settings.public_lr, report=report)
    _save(folder / "start.safetensors", extract_low_rank(encoder.network), head)
    return {"train": len(drawn), "dev": 0, "settings": asdict(settings)}


def _train_pairs(
    examples: Sequence[Example],
    labelled: Path,
    settings: PairSettings,
    config: WeightsConfig,
    folder: Path,
    report: Report,
) -> tuple[WeightsConfig, dict[str, Any]]:
    epochs = pair_epochs(examples, labelled, config.taxonomy, settings)
    report(f"pairs: {settings.epochs} epochs of about {len(epochs[0]):,} pairs")
    encoder = load_default()
    stored, start = _start(folder), None
    if stored:
        head = PairHead(encoder.width)
        head.load_state_dict({k: v.float() for k, v in _tensors_of(stored, "head.").items()})
        start = (_tensors_of(stored, "delta."), head)
    else:
        report("pairs: no start.safetensors, so from the plain encoder")
    head = fit_pairs(encoder, epochs, settings, settings.lr, start, report).half().float()
    deltas = extract_low_rank(encoder.network)
    encoder = load_default()
    merge_low_rank(encoder.network, deltas)
    wordings = read_wordings(labelled / "wordings.toml")
    held = from_examples(select(examples, "dev"), config.taxonomy, wordings, settings.seed)
    held = [statement for statement in held if statement.stance is not None]
    said = PairModel(encoder, head).judge([(s.text, s.proposition) for s in held]).stance
    truth = np.array([STANCES.index(s.stance) for s in held if s.stance is not None])
    temperature = fit_temperature(np.log(said + 1e-9), truth)
    _save(folder / "pairs.safetensors", deltas, head)
    counts = {"train": len(epochs[0]), "dev": len(held), "settings": asdict(settings)}
    return replace(config, pair_temperature=temperature), counts


def pair_epochs(
    examples: Sequence[Example], labelled: Path, taxonomy: Taxonomy, settings: PairSettings
) -> list[list[Statement]]:
    """Return the pairs of each epoch, drawn anew from our own labels."""
    written = [s for s in read_statements(labelled / "propositions.jsonl") if s.split == "train"]
    wordings = read_wordings(labelled / "wordings.toml")
    chosen = select(examples, "train")
    return [
        [
            *from_examples(chosen, taxonomy, wordings, settings.seed + epoch),
            *written,
            *strangers(written, settings.seed + epoch),
        ]
        for epoch in range(settings.epochs)
    ]


def _start(folder: Path) -> "dict[str, torch.Tensor]":
    """Return deltas and head after the public stage, where the folder or the package has them."""
    from safetensors.torch import load_file

    for place in (folder, WEIGHTS):
        if (path := place / "start.safetensors").is_file():
            return load_file(path)
    return {}


def _tensors_of(tensors: "Mapping[str, torch.Tensor]", prefix: str) -> "dict[str, torch.Tensor]":
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _fit_custom(
    examples: Sequence[Example],
    labelled: Path,
    config: WeightsConfig,
    folder: Path,
    report: Report,
) -> tuple[WeightsConfig, dict[str, Any]]:
    from safetensors.numpy import save

    encoder, pairs = load_default(), load_pairs(folder)
    chosen = _spread(select(examples, "train"), CUSTOM_EXAMPLES)
    rarity = rarities(
        [np.array(ids) for ids in encoder.tokenize([e.text for e in chosen])], encoder.vocabulary
    )
    held = subjects(read_statements(labelled / "propositions.jsonl"))
    background = [e.text for e in select(examples, "dev") if not e.labels][:CUSTOM_BACKGROUND]
    report(f"custom: {len(chosen):,} examples, {len(held)} held-out propositions")
    custom = Custom(encoder, pairs, UNFITTED, rarity)
    custom.curve = fit_curve(custom, config.taxonomy.narratives, chosen, held, background)
    figures = measure_subjects(custom, pairs, held, background)
    report(f"custom: {figures}")
    half = {"rarity": rarity.astype(np.float16)}
    (folder / "custom.safetensors").write_bytes(save(half))
    counts = {"train": len(chosen), "dev": len(held), "figures": figures, "settings": {}}
    return replace(config, curve=custom.curve), counts


def _spread(items: Sequence[Any], count: int) -> list[Any]:
    """Return so many items, drawn at random, the same at each call."""
    order = np.random.default_rng(7).permutation(len(items))[:count]
    return [items[int(place)] for place in order]


def _config(folder: Path, taxonomy: Taxonomy) -> WeightsConfig:
    """Return the folder's config where it fits the taxonomy, else a fresh one without parts."""
    fresh = WeightsConfig(
        taxonomy=taxonomy, calibrations={}, pair_temperature=1.0, curve=None, about={}
    )
    if not (folder / "config.json").is_file():
        return fresh
    try:
        stored = load_config(folder)
    except ModelNotFoundError:  # of another version: its parts go with it
        stored = fresh
    if stored is not fresh and stored.taxonomy.version == taxonomy.version:
        return stored
    for part in PARTS:
        (folder / f"{part}.safetensors").unlink(missing_ok=True)
    return fresh


def _sub(data: Path | None, name: str) -> Path | None:
    """Return a folder inside the data folder, where it is there."""
    if data is not None and not any((data / known).is_dir() for known in ("text", "labels")):
        raise TrainingError(
            f"{str(data)!r} has neither a folder text/ (archives) nor labels/ (public stance sets)"
        )
    return data / name if data is not None and (data / name).is_dir() else None


def _write(config: WeightsConfig, folder: Path) -> None:
    text = json.dumps(write_config(config), indent=1, ensure_ascii=False)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")


def _save(
    path: Path,
    deltas: "dict[str, torch.Tensor]",
    head: "nn.Module",
    moments: "tuple[torch.Tensor, torch.Tensor] | None" = None,
) -> None:
    from safetensors.torch import save

    tensors = {f"delta.{name}": tensor for name, tensor in deltas.items()}
    if moments is not None:
        tensors |= dict(zip(("center", "spread"), moments, strict=True))
    tensors |= {f"head.{k}": v.half().contiguous() for k, v in head.state_dict().items()}
    # save_file makes a file that only its owner may read.
    path.write_bytes(save(tensors))
