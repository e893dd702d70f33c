"""Text in, labels out: passages, narratives, stance, mentions of assets.

Each passage of a document gets the narratives it carries, the author's stance on each
(favor, against, none) and whether it says or denies that the narrative moved a market.
Nothing here touches the network or writes SQL; only ``nlp.run`` opens the store. Weights
are loaded in ``nlp.models`` alone, and nothing heavy is imported before it is needed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nlp.errors import LabelSchemeError, ModelNotFoundError, TaggingError, TrainingError

if TYPE_CHECKING:
    from nlp.card import model_card
    from nlp.evaluate import evaluate_file
    from nlp.label import label_items
    from nlp.models import ModelSettings, load_models
    from nlp.narratives import Taxonomy, load_taxonomy
    from nlp.run import tag

__all__ = [
    "LabelSchemeError",
    "ModelNotFoundError",
    "ModelSettings",
    "TaggingError",
    "Taxonomy",
    "TrainingError",
    "evaluate_file",
    "label_items",
    "load_models",
    "load_taxonomy",
    "model_card",
    "tag",
]

_HOMES = {
    "ModelSettings": "nlp.models",
    "Taxonomy": "nlp.narratives",
    "evaluate_file": "nlp.evaluate",
    "label_items": "nlp.label",
    "load_models": "nlp.models",
    "load_taxonomy": "nlp.narratives",
    "model_card": "nlp.card",
    "tag": "nlp.run",
}


def __getattr__(name: str) -> Any:
    # Loaded on first use: importing nlp must not load torch.
    if name not in _HOMES:
        raise AttributeError(f"module 'nlp' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
