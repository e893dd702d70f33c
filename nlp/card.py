"""The model card in use, from the weights folder. Light: loads no weights."""

from pathlib import Path

from nlp.tuned import NAME, PARTS, WEIGHTS, load_config, weights_digest
from nlp.weights_config import WeightsConfig

_LANGUAGES = {"english": "English", "multilingual": "Chinese"}


def model_card(folder: Path = WEIGHTS) -> str:
    """Return the card of a weights folder as Markdown.

    Raises
    ------
    ModelNotFoundError
        The folder holds no weights.
    """
    config = load_config(folder)
    sizes = [folder / f"{part}.safetensors" for part in PARTS]
    size = sum(path.stat().st_size for path in sizes if path.is_file())
    return "\n".join(
        [
            f"# {NAME}:{weights_digest(folder)[:8]}",
            "",
            "Low-rank deltas and heads for all-MiniLM-L6-v2 (Apache-2.0) and multilingual-e5-small "
            f"(MIT), {len(config.ids)} narratives; {size / 1e6:.1f} MB beside the encoders.",
            f"Languages: {', '.join(_languages(config))}. Labels passages with narratives and the "
            "author's stance on them.",
            "It says what a text claims, not whether the claim is right, and gives no advice.",
            "",
            *_parts(config),
            f"- trained for taxonomy {config.taxonomy.version}",
            "",
            "| narrative | scale | offset | threshold |",
            "|---|---|---|---|",
            *_thresholds(config),
            "",
            "Data, licences, measured quality and limits: docs/model_card.md",
            "and docs/evaluation.md.",
        ]
    )


def _languages(config: WeightsConfig) -> list[str]:
    return [name for part, name in _LANGUAGES.items() if part in config.calibrations]


def _parts(config: WeightsConfig) -> list[str]:
    lines = []
    for part, about in config.about.items():
        settings = about["settings"]
        if not settings:
            continue
        more = f", {about['archive']:,} of them real" if "archive" in about else ""
        lines.append(
            f"- {part}: {about['train']:,} examples{more}, {about['dev']:,} to calibrate by; seed "
            f"{settings['seed']}, {settings['epochs']} epochs, rank {settings['rank']}"
        )
    return lines


def _thresholds(config: WeightsConfig) -> list[str]:
    fit = config.calibrations.get("english")
    if fit is None:
        return []
    return [
        f"| {key} | {fit.scale[k]:.2f} | {fit.offset[k]:+.2f} | {fit.threshold[k]:.2f} |"
        for k, key in enumerate(config.ids)
    ]
