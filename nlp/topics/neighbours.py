"""The nearest neighbours of each story, exactly, and those that are left in a part of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Rows whose cosines with all others are held at once: 40 MB at 20,000 stories.
_ROWS = 512
Floats = NDArray[np.float32]
Places = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Places and cosine distances, each of shape (n, k), the nearest first.

    Each story stands first in its own row, as UMAP wants it.
    """

    places: Places
    distances: Floats

    def within(self, kept: NDArray[np.intp], k: int) -> "Neighbours":
        """Return the first `k` neighbours among the stories `kept`, by their places in it.

        Where a row has too few of them, place -1 at an infinite distance, as UMAP marks it.
        """
        there = np.full(len(self.places), -1, dtype=np.int32)
        there[kept] = np.arange(len(kept), dtype=np.int32)
        places = there[self.places[kept]]
        order = np.argsort(places < 0, axis=1, kind="stable")[:, :k]
        places = np.take_along_axis(places, order, 1)
        distances = np.take_along_axis(self.distances[kept], order, 1)
        return Neighbours(places, np.where(places < 0, np.float32(np.inf), distances))


def unit_rows(packed: list[bytes]) -> Floats:
    """Return vectors as the store has them, one signed byte per dimension, at length one."""
    rows = np.stack([np.frombuffer(one, dtype=np.int8) for one in packed]).astype(np.float32)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))


def neighbours_of(vectors: Floats, k: int) -> Neighbours:
    """Find the `k` nearest of each row, itself included.

    Parameters
    ----------
    vectors : ndarray of shape (n, width)
        Rows of length one.

    Notes
    -----
    Exact: at 20,000 rows it takes a few seconds, and an approximate index would be one more
    thing that differs between runs.
    """
    n = len(vectors)
    k = min(k, n)
    places = np.empty((n, k), dtype=np.int32)
    distances = np.empty((n, k), dtype=np.float32)
    for start in range(0, n, _ROWS):
        cosines = vectors[start : start + _ROWS] @ vectors.T
        rows = np.arange(len(cosines))
        cosines[rows, start + rows] = 2.0  # first in its own row, also beside an equal text
        best = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        order = np.lexsort((best, -np.take_along_axis(cosines, best, 1)), axis=1)
        best = np.take_along_axis(best, order, 1)
        places[start : start + len(rows)] = best
        distances[start : start + len(rows)] = 1 - np.take_along_axis(cosines, best, 1)
    return Neighbours(places, np.maximum(distances, 0))
