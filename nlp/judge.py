"""Stance by a classifier that the user names: (passage, proposition) -> three classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.encoder import BATCH_ROWS, MAX_TOKENS, model_errors
from nlp.errors import ModelNotFoundError

# Stance sets and NLI sets name the same three answers differently.
_CLASSES = {
    "favor": 0,
    "favour": 0,
    "support": 0,
    "supports": 0,
    "entailment": 0,
    "against": 1,
    "refutes": 1,
    "contradiction": 1,
    "none": 2,
    "neutral": 2,
    "neither": 2,
}


@dataclass(frozen=True, slots=True)
class Judge:
    """A Hugging Face sequence classifier over pairs, mapped to favor, against, none."""

    name: str
    network: Any
    tokenizer: Any
    order: tuple[int, int, int]
    device: str

    @classmethod
    def load(cls, name: str, device: str) -> "Judge":
        """Load a classifier by name or folder.

        Raises
        ------
        ModelNotFoundError
            It cannot be had, or its classes are not those of stance or NLI.
        """
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        with model_errors(name):
            tokenizer = AutoTokenizer.from_pretrained(name)
            network = AutoModelForSequenceClassification.from_pretrained(name)
        places: dict[int, int] = {}
        for place, label in network.config.id2label.items():
            if str(label).lower() in _CLASSES:
                places[_CLASSES[str(label).lower()]] = int(place)
        if set(places) != {0, 1, 2}:
            found = sorted(str(label) for label in network.config.id2label.values())
            raise ModelNotFoundError(
                f"the stance model {name!r} has the classes {found}: use one with favor, against, "
                "none or with entailment, contradiction, neutral",
                model=name,
            )
        order = (places[0], places[1], places[2])
        return cls(name, network.eval().to(device), tokenizer, order, device)

    def judge(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """Return stance probabilities of shape (n_pairs, 3)."""
        import torch

        order = sorted(range(len(pairs)), key=lambda place: len(pairs[place][0]))
        limit = min(2 * MAX_TOKENS, self.tokenizer.model_max_length)
        result = np.zeros((len(pairs), 3))
        with torch.inference_mode():
            for start in range(0, len(order), BATCH_ROWS):
                places = order[start : start + BATCH_ROWS]
                batch = self.tokenizer(
                    [pairs[place][0] for place in places],
                    [pairs[place][1] for place in places],
                    truncation=True,
                    max_length=limit,
                    padding=True,
                    return_tensors="pt",
                ).to(self.device)
                probabilities = self.network(**batch).logits.softmax(-1)
                result[places] = probabilities[:, list(self.order)].double().cpu().numpy()
        return result
