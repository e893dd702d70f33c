"""Groups on which many runs agree: UMAP and HDBSCAN on bootstrap samples, then average linkage.

One run of UMAP and HDBSCAN gives other groups for another seed. So each run sees four fifths of
the stories and has a seed of its own; two stories belong together when at least half of the
runs that saw both put them in one group. A story's place in the samples follows from its id, so
another day of stories does not draw all samples anew.

References
----------
McInnes, Healy & Melville (2018), UMAP, arXiv:1802.03426. Campello, Moulavi & Sander (2013),
HDBSCAN, doi:10.1007/978-3-642-37456-2_14. Fred & Jain (2005), Combining multiple clusterings
using evidence accumulation, doi:10.1109/TPAMI.2005.113. Hennig (2007), Cluster-wise assessment
of cluster stability, doi:10.1016/j.csda.2006.11.025.
"""

import hashlib
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.topics.neighbours import Floats, Neighbours, neighbours_of

Labels = NDArray[np.int64]
OUTSIDE, UNSEEN = -1, -2


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """How to group.

    Attributes
    ----------
    runs : int
        Bootstrap runs.
    sample : float
        Share of the stories that each sees.
    together : float
        Share of the runs that must agree on a pair, on average over two groups that are joined.
    least : int
        Fewest stories of a group.
    near, width : int
        Neighbours that UMAP looks at, and dimensions that it leaves.
    epochs : int
        Its rounds; more move little (docs/benchmarks.md).
    """

    runs: int = 16
    sample: float = 0.8
    together: float = 0.5
    least: int = 8
    near: int = 15
    width: int = 5
    epochs: int = 200
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """What the runs agree on.

    Attributes
    ----------
    labels : ndarray of shape (n,)
        Group of each story from 0, by falling size; -1 outside of every group.
    stability : ndarray of shape (groups,)
        Mean over the runs of the Jaccard index with the group of the run that is most like it,
        among the stories which the run saw.
    agreement : float or None
        Mean adjusted Rand index between pairs of runs, over the stories that both grouped.
    """

    labels: Labels
    stability: NDArray[np.float64]
    agreement: float | None


def least_stories(stories: int) -> int:
    """Return the fewest stories of a group among so many.

    Eight, which a story told by one per cent of a small feed reaches in its first week or two;
    of more than 5,000 stories one in 640, which keeps the number of topics to some hundreds.
    """
    return max(8, -(-stories // 640))


def group(
    vectors: Floats,
    keys: Sequence[str],
    settings: Grouping,
    *,
    progress: Callable[..., Iterable[Any]] | None = None,
) -> Groups:
    """Group stories.

    Parameters
    ----------
    vectors : ndarray of shape (n, width)
        Rows of length one.
    keys : sequence of str
        Ids of the stories, by which the samples are drawn.
    """
    # A sample lacks a fifth of a story's neighbours: so many more are looked up.
    near = neighbours_of(vectors, min(len(vectors), 4 * settings.near))
    seeds: Iterable[int] = range(settings.runs)
    if progress is not None:
        seeds = progress(seeds, "topics")
    runs = np.stack([_run(vectors, near, keys, settings, number) for number in seeds])
    labels = _by_size(_agreed(runs, near, settings))
    return Groups(labels=labels, stability=_stability(labels, runs), agreement=_agreement(runs))


def _run(
    vectors: Floats, near: Neighbours, keys: Sequence[str], settings: Grouping, number: int
) -> Labels:
    """Return the groups of one run: -1 outside of every group, -2 not in its sample."""
    seed = _draw(f"{settings.seed}:{number}")
    kept = np.flatnonzero([_draw(f"{seed}:{key}") < settings.sample * 2**32 for key in keys])
    labels = np.full(len(vectors), UNSEEN, dtype=np.int64)
    labels[kept] = OUTSIDE
    if len(kept) <= settings.near:
        return labels  # fewer stories than neighbours to look at
    sample = near.within(kept, settings.near)
    with warnings.catch_warnings():
        # That a layout began at random where texts are all alike, or that nothing new can be
        # laid out later without an index, helps nobody who reads a night's output.
        # The same of what umap says of Tensorflow when it is read.
        warnings.simplefilter("ignore")
        from hdbscan import HDBSCAN
        from umap import UMAP

        layout = UMAP(
            n_neighbors=sample.places.shape[1],
            n_components=settings.width,
            min_dist=0.0,
            metric="cosine",
            n_epochs=settings.epochs,
            random_state=seed,
            n_jobs=1,  # a seed asks for it; umap warns where it has to set it itself
            precomputed_knn=(sample.places, sample.distances, None),
        ).fit_transform(vectors[kept])
        # A sample holds so much of a group that is just large enough.
        least = max(2, round(settings.sample * settings.least))
        found = HDBSCAN(min_cluster_size=least, min_samples=3, cluster_selection_method="leaf").fit(
            layout.astype(np.float64)
        )
    labels[kept] = found.labels_
    return labels


def _draw(text: str) -> int:
    """Return 32 bits that follow from a text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")


def _agreed(runs: Labels, near: Neighbours, settings: Grouping) -> Labels:
    """Return groups of stories that the runs put together, numbered in no order."""
    from scipy.cluster.hierarchy import fcluster, linkage

    labels = np.full(runs.shape[1], OUTSIDE, dtype=np.int64)
    count = 0
    for members in _parts(runs, near, settings):
        joined = linkage(_apart(runs[:, members]), "average")
        cut = fcluster(joined, 1 - settings.together, "distance")
        for number in np.unique(cut):
            if (cut == number).sum() >= settings.least:
                labels[members[cut == number]] = count
                count += 1
    return labels


def _parts(runs: Labels, near: Neighbours, settings: Grouping) -> list[NDArray[np.intp]]:
    """Return what is joined by neighbours that some of the runs put together.

    Linkage needs all pairs of a part, so parts should be small: a pair of neighbours counts from
    somewhat less agreement than groups need.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n, k = near.places.shape
    rows, columns = np.repeat(np.arange(n), k - 1), near.places[:, 1:].ravel()
    first, second = runs[:, rows], runs[:, columns]
    same = ((first >= 0) & (first == second)).sum(axis=0)
    seen = ((first > UNSEEN) & (second > UNSEEN)).sum(axis=0)
    linked = same >= 0.6 * settings.together * np.maximum(seen, 1)
    edges = (np.ones(linked.sum(), dtype=np.int8), (rows[linked], columns[linked]))
    _, part = connected_components(coo_matrix(edges, shape=(n, n)), directed=False)
    order = np.argsort(part, kind="stable")
    starts = np.flatnonzero(np.diff(part[order], prepend=-1))
    return [one for one in np.split(order, starts[1:]) if len(one) >= settings.least]


def _apart(runs: Labels) -> NDArray[np.float64]:
    """Return the share of the runs that saw both which did not put each pair together.

    Shape (n * (n - 1) / 2,), as ``scipy.spatial.distance.pdist`` has it: a square of ten thousand
    stories would take a gigabyte more.
    """
    n = runs.shape[1]
    found = np.empty(n * (n - 1) // 2)
    start = 0
    for one in range(n - 1):
        own, others = runs[:, one : one + 1], runs[:, one + 1 :]
        both = ((own > UNSEEN) & (others > UNSEEN)).sum(axis=0)
        same = ((own >= 0) & (own == others)).sum(axis=0)
        found[start : start + len(both)] = 1 - same / np.maximum(both, 1)
        start += len(both)
    return found


def _by_size(labels: Labels) -> Labels:
    """Return groups numbered by falling size, equal ones by their first story."""
    found, first, sizes = np.unique(labels[labels >= 0], return_index=True, return_counts=True)
    numbers = np.full(len(found) + 1, OUTSIDE, dtype=np.int64)
    numbers[np.lexsort((first, -sizes))] = np.arange(len(found))
    # The last place stands for -1.
    return np.asarray(numbers[labels])


def _stability(labels: Labels, runs: Labels) -> NDArray[np.float64]:
    groups = int(labels.max(initial=OUTSIDE)) + 1
    found = np.zeros((len(runs), groups))
    for row, run in enumerate(runs):
        seen = run > UNSEEN
        size = np.bincount(labels[seen & (labels >= 0)], minlength=groups)
        other = np.bincount(run[run >= 0], minlength=1)
        both = seen & (labels >= 0) & (run >= 0)
        shared = np.zeros((groups, len(other)))
        np.add.at(shared, (labels[both], run[both]), 1)
        union = size[:, None] + other - shared
        found[row] = (shared / np.maximum(union, 1)).max(axis=1, initial=0)
    return np.asarray(found.mean(axis=0))


def _agreement(runs: Labels) -> float | None:
    from sklearn.metrics import adjusted_rand_score

    found = []
    for first, second in combinations(runs, 2):
        both = (first >= 0) & (second >= 0)
        if both.sum() > 1:
            found.append(adjusted_rand_score(first[both], second[both]))
    return float(np.mean(found)) if found else None
