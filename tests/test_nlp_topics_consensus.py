"""Groups on which runs agree: planted ones are found, firm ones are told from loose ones."""

import warnings

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from nlp.topics import consensus
from nlp.topics.consensus import OUTSIDE, UNSEEN, Grouping, group, least_stories
from nlp.topics.neighbours import neighbours_of

QUICK = Grouping(runs=3, epochs=30)
SIZES = (24, 18, 12)
NOISE = 30
TRUE = np.repeat([0, 1, 2, OUTSIDE], [*SIZES, NOISE])


def unit(rows):
    rows = np.asarray(rows, dtype=np.float32)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))


def planted(seed=0):
    """Return three groups about directions of their own, and stories of no group."""
    rng = np.random.default_rng(seed)
    centres = unit(rng.normal(size=(3, 24)))
    near = [
        unit(centre + 0.03 * rng.normal(size=(n, 24)))
        for centre, n in zip(centres, SIZES, strict=True)
    ]
    return np.concatenate([*near, unit(rng.normal(size=(NOISE, 24)))])


def keys(n):
    return [f"story-{number}" for number in range(n)]


@pytest.fixture(scope="module")
def found():
    return group(planted(), keys(len(TRUE)), QUICK)


def inside(labels, other=TRUE):
    """Return how alike the planted stories are grouped, and the share that both have in groups.

    What has no group of its own is told in some order, too: only chance makes that alike.
    """
    held = (labels >= 0) & (other >= 0) & (TRUE >= 0)
    return adjusted_rand_score(other[held], labels[held]), held.sum() / (TRUE >= 0).sum()


def test_planted_groups_are_found_and_numbered_by_size(found):
    score, share = inside(found.labels)
    assert score > 0.97
    assert share > 0.9
    sizes = np.bincount(found.labels[found.labels >= 0])
    assert (np.diff(sizes) <= 0).all()
    assert len(found.stability) == len(sizes)
    for number in range(3):
        (group_of,) = set(found.labels[number == TRUE].tolist()) - {OUTSIDE}
        assert found.stability[group_of] > 0.7
    assert found.agreement is not None
    assert found.agreement > 0.7


def test_another_seed_finds_the_same_groups(found):
    other = group(planted(), keys(len(TRUE)), Grouping(runs=3, epochs=30, seed=7))
    score, share = inside(found.labels, other.labels)
    assert score > 0.95
    assert share > 0.9


def test_the_order_of_the_rows_is_no_matter(found):
    order = np.random.default_rng(3).permutation(len(TRUE))
    names = np.array(keys(len(TRUE)))[order].tolist()
    labels = np.empty_like(found.labels)
    labels[order] = group(planted()[order], names, QUICK).labels
    score, share = inside(found.labels, labels)
    assert score > 0.95
    assert share > 0.9


@pytest.mark.parametrize("kind", ["all alike", "all zero", "one huge group"])
def test_odd_vectors_are_grouped_without_a_warning_or_not_at_all(kind):
    rng = np.random.default_rng(1)
    rows = unit(rng.normal(size=(120, 16)))
    rows[: 120 if kind == "all alike" else 90] = rows[0]
    if kind == "all zero":
        rows = np.zeros_like(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        labels = group(rows, keys(120), Grouping(runs=2, epochs=20)).labels
    assert labels.shape == (120,)
    assert labels.min() >= OUTSIDE


@pytest.mark.parametrize("n", [1, 2, 12])
def test_fewer_stories_than_neighbours_are_in_no_group(n):
    found = group(planted()[:n], keys(n), QUICK)
    assert found.labels.tolist() == [OUTSIDE] * n
    assert found.stability.shape == (0,)
    assert found.agreement is None


def test_samples_follow_from_ids_alone(monkeypatch):
    """A story that is added draws no other one into a sample or out of it."""
    seen = []

    class Layout:
        def __init__(self, **given):
            pass

        def fit_transform(self, rows):
            return rows[:, :5]

    monkeypatch.setattr("umap.UMAP", Layout)
    for n in (60, 84):
        rows = planted()[:n]
        near = neighbours_of(rows, 60)
        run = consensus._run(rows, near, keys(n), QUICK, 1)
        seen.append((run > UNSEEN)[:60])
    assert (seen[0] == seen[1]).all()
    assert 0.65 < seen[0].mean() < 0.95


# -- what follows from the runs, without any of them ------------------------------------


def runs_of(*groups, runs=10, loose=(), seed=0):
    """Return labels of runs; stories of a loose group are in it in two runs of three."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(groups)), groups)
    told = np.stack([labels] * runs)
    for number in loose:
        told[(labels == number) & (rng.random(told.shape) > 0.66)] = OUTSIDE
    told[rng.random(told.shape) > 0.8] = UNSEEN
    return labels, told


def test_a_firm_group_is_more_stable_than_a_loose_one():
    labels, runs = runs_of(20, 20, loose={1})
    firm, loose = consensus._stability(labels, runs)
    assert firm == 1
    assert 0.5 < loose < 0.8


def test_stability_is_the_jaccard_index_among_the_stories_that_a_run_saw():
    labels = np.array([0, 0, 0, 0, -1])
    runs = np.array([[5, 5, -1, -2, 5], [-1, -1, -1, -1, -1]])
    # Two of the three that it saw, over those three and one more; and nothing.
    assert consensus._stability(labels, runs) == pytest.approx([(2 / 4 + 0) / 2])


def test_shares_of_runs_count_only_those_that_saw_both():
    runs = np.array([[0, 0, -1], [0, 1, -2], [-2, 3, 3]])
    # Pairs in the order of pdist: 0 and 1, 0 and 2, 1 and 2.
    assert consensus._apart(runs) == pytest.approx([1 / 2, 1, 1 / 2])


def test_parts_lose_no_group_on_which_the_runs_agree():
    rng = np.random.default_rng(5)
    vectors = unit(np.repeat(np.eye(4, 12), 15, axis=0) + 0.05 * rng.normal(size=(60, 12)))
    labels, runs = runs_of(15, 15, 15, 15, loose={2})
    near = neighbours_of(vectors, 8)
    parts = consensus._parts(runs, near, QUICK)
    assert sorted(sorted(part.tolist()) for part in parts) == [
        np.flatnonzero(labels == number).tolist() for number in range(4)
    ]
    agreed = consensus._agreed(runs, near, QUICK)
    for number in (0, 1, 3):
        assert len(set(agreed[labels == number])) == 1
    assert adjusted_rand_score(labels[agreed >= 0], agreed[agreed >= 0]) == 1


def test_runs_that_never_agree_leave_no_group():
    rng = np.random.default_rng(6)
    runs = rng.integers(0, 12, size=(10, 60))
    near = neighbours_of(unit(rng.normal(size=(60, 12))), 20)
    assert (consensus._agreed(runs, near, QUICK) == OUTSIDE).all()


def test_groups_are_numbered_by_size_then_by_their_first_story():
    labels = np.array([1, 1, 0, 2, 2, 2, -1, 0])
    assert consensus._by_size(labels).tolist() == [1, 1, 2, 0, 0, 0, -1, 2]
    assert consensus._by_size(np.full(3, OUTSIDE)).tolist() == [OUTSIDE] * 3


@pytest.mark.parametrize(("stories", "least"), [(0, 8), (5120, 8), (5121, 9), (64_000, 100)])
def test_the_fewest_stories_of_a_group_grow_with_the_window(stories, least):
    assert least_stories(stories) == least
