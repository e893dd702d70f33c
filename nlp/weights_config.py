"""The ``config.json`` of a weights folder: what the heads mean. Pure.

It carries the keyword lists that the heads were trained with, so that editing
``narratives.toml`` cannot silently shift the features under trained weights.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from nlp.calibrate import Calibration
from nlp.custom import Curve
from nlp.narratives import Taxonomy
from store.records import Narrative

FORMAT = 1


def write_config(
    taxonomy: Taxonomy, calibration: Calibration, curve: Curve, about: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the object to store as JSON."""
    return {
        "format": FORMAT,
        "narratives": [
            {
                "id": narrative.id,
                "proposition": narrative.proposition,
                "keywords": list(narrative.keywords),
                "against_cues": list(taxonomy.against_cues.get(narrative.id, ())),
            }
            for narrative in taxonomy
        ],
        "taxonomy": taxonomy.version,
        "calibration": {
            "scale": _rounded(calibration.scale),
            "offset": _rounded(calibration.offset),
            "threshold": _rounded(calibration.threshold),
            "temperature": round(calibration.temperature, 6),
            "causal_scale": round(calibration.causal_scale, 6),
            "causal_offset": round(calibration.causal_offset, 6),
        },
        "custom": asdict(curve),
        "about": dict(about),
    }


def read_config(config: Mapping[str, Any]) -> tuple[list[str], Taxonomy, Calibration, Curve]:
    """Return ids, the training taxonomy, calibration and custom curve.

    Raises
    ------
    KeyError, ValueError
        The object has another format; the caller names the folder.
    """
    if config["format"] != FORMAT:
        raise ValueError(f"format {config['format']} of the weights, this version reads {FORMAT}")
    entries = config["narratives"]
    taxonomy = Taxonomy(
        narratives=tuple(
            Narrative(
                id=entry["id"],
                name=entry["id"],
                proposition=entry["proposition"],
                keywords=tuple(entry["keywords"]),
                origin="default",
            )
            for entry in entries
        ),
        version=config["taxonomy"],
        against_cues={entry["id"]: tuple(entry["against_cues"]) for entry in entries},
    )
    numbers = config["calibration"]
    calibration = Calibration(
        scale=np.array(numbers["scale"]),
        offset=np.array(numbers["offset"]),
        threshold=np.array(numbers["threshold"]),
        temperature=numbers["temperature"],
        causal_scale=numbers["causal_scale"],
        causal_offset=numbers["causal_offset"],
    )
    return [entry["id"] for entry in entries], taxonomy, calibration, Curve(**config["custom"])


def _rounded(values: Any) -> list[float]:
    return [round(float(value), 6) for value in values]
