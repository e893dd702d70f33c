"""Where texts lie relative to one another: what the encoder makes of them, and their rare words.

The tuned encoder draws together what carries the same narrative, so its states alone find that
two texts are about tariffs, but hardly that both report one announcement. The token embeddings
beneath it, weighed by rarity, keep names and numbers apart, and cost no second pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nlp.states import unit

if TYPE_CHECKING:
    import torch

Vectors = NDArray[np.float32]
# Length of the words' part beside that of the states, which is 1 (docs/benchmarks.md).
WORDS = 0.7
# Passages that say what a document reports: its title and the first after it. The mean over all
# of them nears that of any other long document.
LEAD = 2


@dataclass(frozen=True, slots=True)
class Words:
    """Token embeddings about their mean, and how rare each token is.

    Attributes
    ----------
    table : Tensor of shape (vocabulary, width)
    rarity : Tensor of shape (vocabulary,)
        As `nlp.states.rarities` has it; 0 for marks of start and end, which every text has.
    """

    table: "torch.Tensor"
    center: "torch.Tensor"
    rarity: "torch.Tensor"

    @classmethod
    def of(cls, network: Any, rarity: NDArray[np.float32]) -> "Words":
        """Return the words of an encoder."""
        import torch

        table = network.embeddings.word_embeddings.weight.detach()
        return cls(table, table.mean(0), torch.from_numpy(rarity).to(table.device))


def place(
    states: "torch.Tensor", ids: "torch.Tensor", mask: "torch.Tensor", words: Words | None
) -> Vectors:
    """Return vectors of length one, shape (batch, width), or twice that width with `words`.

    Parameters
    ----------
    states : Tensor of shape (batch, tokens, width)
        What the encoder made of the tokens.
    ids, mask : Tensor of shape (batch, tokens)

    References
    ----------
    Arora, Liang & Ma (2017), A Simple but Tough-to-Beat Baseline for Sentence Embeddings, ICLR.
    """
    from torch.nn.functional import normalize

    weight = mask.unsqueeze(-1).to(states.dtype)
    seen = unit((states * weight).sum(1).float().cpu().numpy())
    if words is None:
        return seen
    tokens = normalize(words.table[ids] - words.center, dim=-1)
    named = (tokens * (words.rarity[ids] * mask).unsqueeze(-1)).sum(1)
    return unit(np.hstack([seen, WORDS * unit(named.float().cpu().numpy())]))


def pack(passages: Sequence[NDArray[Any]]) -> bytes:
    """Return where a document lies, from its passages: one signed byte per dimension.

    The mean over the lead. A cosine needs no scale, so none is stored: the largest component
    becomes 127.
    """
    lead = np.asarray(passages[:LEAD], dtype=np.float64)
    mean: NDArray[np.float64] = np.mean(lead, axis=0)
    largest = max(float(np.abs(mean).max()), 1e-12)
    packed: bytes = np.round(mean * (127 / largest)).astype(np.int8).tobytes()
    return packed
