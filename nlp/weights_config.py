"""The ``config.json`` of a weights folder: what the heads mean. Pure.

It carries the keyword lists that the heads were trained with, so that editing
``narratives.toml`` cannot silently shift the features under trained weights.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from nlp.calibrate import Calibration
from nlp.custom import Curve
from nlp.narratives import Taxonomy
from store.records import Narrative

FORMAT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsConfig:
    """What stands beside the tensors of a weights folder.

    Attributes
    ----------
    calibrations : mapping of part to Calibration
        For ``english`` and ``multilingual``, as far as the folder has them.
    curve : Curve or None
        How narratives without a head are found; None where that was never fitted.
    about : mapping of part to mapping
        Counts, settings and seconds of each part's training.
    """

    taxonomy: Taxonomy
    calibrations: Mapping[str, Calibration]
    pair_temperature: float
    curve: Curve | None
    about: Mapping[str, Mapping[str, Any]]

    @property
    def ids(self) -> list[str]:
        """Narratives in the order of the heads."""
        return self.taxonomy.ids


def write_config(config: WeightsConfig) -> dict[str, Any]:
    """Return the object to store as JSON."""
    return {
        "format": FORMAT,
        "taxonomy": config.taxonomy.version,
        "narratives": [
            {
                "id": narrative.id,
                "proposition": narrative.proposition,
                "keywords": list(narrative.keywords),
                "against_cues": list(config.taxonomy.against_cues.get(narrative.id, ())),
            }
            for narrative in config.taxonomy
        ],
        "calibrations": {part: _numbers(fit) for part, fit in config.calibrations.items()},
        "pair_temperature": round(config.pair_temperature, 6),
        "custom": asdict(config.curve) if config.curve else None,
        "about": {part: dict(about) for part, about in config.about.items()},
    }


def read_config(config: Mapping[str, Any]) -> WeightsConfig:
    """Return what `write_config` wrote.

    Raises
    ------
    KeyError, TypeError, ValueError
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
    return WeightsConfig(
        taxonomy=taxonomy,
        calibrations={part: _calibration(row) for part, row in config["calibrations"].items()},
        pair_temperature=config["pair_temperature"],
        curve=Curve(**config["custom"]) if config["custom"] else None,
        about=config["about"],
    )


def _numbers(fit: Calibration) -> dict[str, Any]:
    return {
        "scale": _rounded(fit.scale),
        "offset": _rounded(fit.offset),
        "threshold": _rounded(fit.threshold),
        "temperature": round(fit.temperature, 6),
        "causal_scale": round(fit.causal_scale, 6),
        "causal_offset": round(fit.causal_offset, 6),
    }


def _calibration(numbers: Mapping[str, Any]) -> Calibration:
    return Calibration(
        scale=np.array(numbers["scale"]),
        offset=np.array(numbers["offset"]),
        threshold=np.array(numbers["threshold"]),
        temperature=numbers["temperature"],
        causal_scale=numbers["causal_scale"],
        causal_offset=numbers["causal_offset"],
    )


def _rounded(values: Any) -> list[float]:
    return [round(float(value), 6) for value in values]
