"""A passage and a proposition read together: stance, causal role and relevance.

The same encoder as the tagger's with a low-rank delta of its own, over
``passage [SEP] proposition``. It judges narratives without trained heads; for those that have
one the heads were measured to be better (docs/evaluation.md).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nlp.calibrate import sigmoid, softmax
from nlp.encoder import BATCH_ROWS, BATCH_TOKENS, Encoder, cut_batches

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]
# A narrative of the user's own asks twice for the same pair: is it about that, then what stance.
_KNOWN_PAIRS = 50_000


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the pair model says, one row a pair.

    Attributes
    ----------
    stance : ndarray of shape (n, 3)
        Probabilities of favor, against, none.
    causal, relevance : ndarray of shape (n,)
        Probabilities that the passage says or denies that the proposition moved a market,
        and that it is about the proposition's subject at all.
    """

    stance: Floats
    causal: Floats
    relevance: Floats


@dataclass(frozen=True, slots=True)
class PairModel:
    """The cross-encoder, ready to judge.

    Attributes
    ----------
    temperature : float
        Divisor of stance logits, fitted on the development split.
    """

    encoder: Encoder
    head: Any
    temperature: float = 1.0
    _known: dict[tuple[str, str], Floats] = field(default_factory=dict)

    def judge(self, pairs: Sequence[tuple[str, str]]) -> Verdicts:
        """Judge pairs (passage, proposition), each different pair once."""
        import torch

        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._known]
        if len(self._known) + len(new) > _KNOWN_PAIRS:
            self._known.clear()
            new = list(dict.fromkeys(pairs))
        with torch.inference_mode():
            for places, ids, mask, types in pair_batches(self.encoder, new):
                out = self.head(encode_pairs(self.encoder, ids, mask, types), mask, types)
                columns = [out["stance"], out["causal"][:, None], out["relevance"][:, None]]
                rows = torch.cat(columns, dim=1).double().cpu().numpy()
                self._known.update(zip((new[place] for place in places), rows, strict=True))
        logits = np.array([self._known[pair] for pair in pairs]).reshape(-1, 5)
        return Verdicts(
            stance=softmax(logits[:, :3] / self.temperature),
            causal=sigmoid(logits[:, 3]),
            relevance=sigmoid(logits[:, 4]),
        )


def encode_pairs(
    encoder: Encoder, ids: "torch.Tensor", mask: "torch.Tensor", types: "torch.Tensor"
) -> "torch.Tensor":
    """Return token states of shape (batch, tokens, width)."""
    out = encoder.network(input_ids=ids, attention_mask=mask, token_type_ids=types)
    states: torch.Tensor = out.last_hidden_state
    return states


def pair_batches(
    encoder: Encoder, pairs: Sequence[tuple[str, str]]
) -> Iterator[tuple[list[int], "torch.Tensor", "torch.Tensor", "torch.Tensor"]]:
    """Yield places in `pairs`, token ids, attention mask and token types, by rising length."""
    from nlp.descent import padded

    rows = encoder.tokenize_pairs(pairs)
    lengths = [len(ids) for ids, _ in rows]
    order = sorted(range(len(rows)), key=lambda place: (lengths[place], place))
    for places in cut_batches(order, lengths, BATCH_ROWS, BATCH_TOKENS):
        ids = padded(rows[place][0] for place in places)
        types = padded(rows[place][1] for place in places)
        mask = padded([1] * lengths[place] for place in places)
        yield places, ids.to(encoder.device), mask.to(encoder.device), types.to(encoder.device)
