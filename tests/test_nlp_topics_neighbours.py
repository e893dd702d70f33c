"""Nearest neighbours: those of brute force, ties, and what is left of them in a part."""

import numpy as np
import pytest

from nlp.topics import neighbours
from nlp.topics.neighbours import Neighbours, neighbours_of, unit_rows


def drawn(n, width=12, seed=0):
    rows = np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


@pytest.mark.parametrize("block", [7, 64, 2048])
def test_the_neighbours_are_those_of_brute_force(monkeypatch, block):
    monkeypatch.setattr(neighbours, "_ROWS", block)
    rows = drawn(64)
    apart = 1 - rows.astype(np.float64) @ rows.T.astype(np.float64)
    np.fill_diagonal(apart, -1)
    found = neighbours_of(rows, 9)
    assert (found.places == np.argsort(apart, axis=1)[:, :9]).all()
    assert found.places.dtype == np.int32
    np.fill_diagonal(apart, 0)
    assert found.distances[:, 0].max() == 0
    assert found.distances == pytest.approx(np.take_along_axis(apart, found.places, 1), abs=1e-6)


def test_each_stands_first_in_its_own_row_also_beside_equal_texts():
    rows = np.repeat(drawn(2), 10, axis=0)
    found = neighbours_of(rows, 5)
    assert (found.places[:, 0] == np.arange(20)).all()
    assert (found.places // 10 == (np.arange(20) // 10)[:, None]).all()
    assert all(len(set(row)) == 5 for row in found.places.tolist())
    assert found.distances == pytest.approx(np.zeros((20, 5)), abs=1e-6)
    assert (found.distances >= 0).all()  # a cosine can exceed 1 in its last digit


def test_ties_are_in_order_of_their_places():
    rows = np.stack([np.eye(3, dtype=np.float32)[n] for n in (0, 1, 2)])
    assert neighbours_of(rows, 3).places.tolist() == [[0, 1, 2], [1, 0, 2], [2, 0, 1]]


def test_fewer_stories_than_neighbours_are_all_of_them():
    found = neighbours_of(drawn(4), 60)
    assert found.places.shape == (4, 4)
    assert (np.sort(found.places, axis=1) == np.arange(4)).all()


def test_a_part_keeps_the_order_and_says_where_neighbours_are_missing():
    everything = Neighbours(
        np.array([[0, 2, 1], [1, 0, 3], [2, 3, 0], [3, 1, 2]], dtype=np.int32),
        np.array([[0, 0.1, 0.2], [0, 0.2, 0.3], [0, 0.1, 0.4], [0, 0.5, 0.6]], dtype=np.float32),
    )
    found = everything.within(np.array([1, 2, 3]), 2)
    assert found.places.tolist() == [[0, 2], [1, 2], [2, 0]]
    assert found.distances.tolist() == np.array([[0, 0.3], [0, 0.1], [0, 0.5]], np.float32).tolist()
    alone = everything.within(np.array([0]), 3)
    assert alone.places.tolist() == [[0, -1, -1]]
    assert alone.distances.tolist() == [[0, np.inf, np.inf]]


def test_within_everything_is_everything():
    rows = drawn(30)
    whole = neighbours_of(rows, 8)
    found = whole.within(np.arange(30), 8)
    assert (found.places == whole.places).all()
    assert (found.distances == whole.distances).all()


def test_packed_vectors_have_length_one_and_nothing_stays_nothing():
    found = unit_rows([bytes([3, 0, 252]), bytes(3)])  # 252 is -4 as a signed byte
    assert found.tolist()[0] == pytest.approx([0.6, 0, -0.8])
    assert found.tolist()[1] == [0, 0, 0]
    assert np.isfinite(neighbours_of(found, 2).distances).all()
