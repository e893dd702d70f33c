"""Token states of texts, and how well one text covers the words of another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nlp.encoder import Encoder

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class States:
    """One text as the encoder sees it.

    Attributes
    ----------
    ids : ndarray of shape (tokens,)
        Token ids, without the marks of start and end.
    tokens : ndarray of shape (tokens, width)
        States of length one.
    mean : ndarray of shape (width,)
        Mean of all states, scaled to length one.
    """

    ids: NDArray[np.int64]
    tokens: Floats
    mean: Floats


def token_states(encoder: Encoder, texts: Sequence[str]) -> Iterator[tuple[int, States]]:
    """Yield place and states of each text, in the order of the batches."""
    import torch

    from nlp.network import encode

    with torch.inference_mode():
        for places, ids, mask in encoder.batches(texts):
            states = encode(encoder.network, ids, mask).float().cpu().numpy()
            for row, place in enumerate(places):
                length = int(mask[row].sum())
                whole = states[row, :length]
                yield (
                    place,
                    States(
                        ids[row, 1 : length - 1].cpu().numpy(),
                        unit(whole[1:-1]),
                        unit(whole.mean(0)),
                    ),
                )


def coverage(passage: States, reference: States, rarity: Floats) -> float:
    """Return how well a passage covers a reference, word by word.

    Parameters
    ----------
    rarity : ndarray of shape (vocabulary,)
        Weight of each token id, 0 or more.

    Returns
    -------
    float
        Mean over the reference's tokens, weighted by rarity, of the best cosine with any
        token of the passage; 0 where either has no token.
    """
    weights = rarity[reference.ids]
    if not len(passage.ids) or weights.sum() <= 0:
        return 0.0
    best = (reference.tokens @ passage.tokens.T).max(axis=1)
    return float((weights * best).sum() / weights.sum())


def rarities(documents: Sequence[NDArray[np.int64]], vocabulary: int) -> Floats:
    """Return the inverse document frequency of each token id, at least 0.

    References
    ----------
    Sparck Jones (1972), doi:10.1108/eb026526.
    """
    counts = np.zeros(vocabulary)
    for ids in documents:
        counts[np.unique(ids)] += 1
    return np.maximum(0.0, np.log((len(documents) + 1) / (counts + 0.5))).astype(np.float32)


def unit(vectors: Floats) -> Floats:
    """Scale vectors to length one."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12))
