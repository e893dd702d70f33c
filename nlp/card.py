"""The model card in use, from the weights folder. Light: loads no weights."""

import json
from pathlib import Path

from nlp.errors import ModelNotFoundError
from nlp.tuned import NAME, WEIGHTS, weights_digest


def model_card(folder: Path = WEIGHTS) -> str:
    """Return the card of a weights folder as Markdown.

    Raises
    ------
    ModelNotFoundError
        The folder holds no weights.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        digest = weights_digest(folder)
        size = sum((folder / f"{part}.safetensors").stat().st_size for part in ("adapter", "heads"))
    except (OSError, ValueError) as error:
        raise ModelNotFoundError(
            f"no weights in {str(folder)!r}: reinstall, or write them with tapestory train",
            model=str(folder),
        ) from error
    about, numbers = config["about"], config["calibration"]
    rows = [
        f"| {entry['id']} | {scale:.2f} | {offset:+.2f} | {threshold:.2f} |"
        for entry, scale, offset, threshold in zip(
            config["narratives"],
            numbers["scale"],
            numbers["offset"],
            numbers["threshold"],
            strict=True,
        )
    ]
    return "\n".join(
        [
            f"# {NAME}:{digest[:8]}",
            "",
            "all-MiniLM-L6-v2 (Apache-2.0) with a low-rank delta and heads for "
            f"{len(config['narratives'])} narratives; {size / 1e6:.1f} MB beside the encoder.",
            "English only. Labels passages with narratives and the author's stance on them.",
            "It says what a text claims, not whether the claim is right, and gives no advice.",
            "",
            f"- trained on {about['train']} examples, of which {about['headlines']} real "
            f"headlines; thresholds chosen on {about['dev']} others",
            f"- seed {about['settings']['seed']}, {about['settings']['epochs']} epochs, "
            f"rank {about['settings']['rank']}",
            f"- trained for taxonomy {config['taxonomy']}",
            f"- stance temperature {numbers['temperature']:.2f}",
            "",
            "| narrative | scale | offset | threshold |",
            "|---|---|---|---|",
            *rows,
            "",
            "Data, licences, measured quality and limits: docs/model_card.md",
            "and docs/evaluation.md.",
        ]
    )
