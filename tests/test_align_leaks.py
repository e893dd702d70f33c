"""Stamps that run ahead of the moves: found, and not imagined; beside them the naive lead."""

from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from align.leaks import FLIPS, LEAST_STATEMENTS, Leak, find_leaks
from align.stamps import LEVEL_ALL, LEVEL_SOURCES
from tests.worlds.stamps import SOURCES, leaking_series, naive_lead, stamped

RUNS = 16


def _below(leak: Leak, level: float) -> bool:
    return leak.pvalue is not None and leak.pvalue <= level


@cache
def _flagged(leak=0.0, leaking_source=0.0, documents=300.0, sources=0):
    """Return how often all documents, and source 0, were flagged, and the estimated shares."""
    found = []
    for run in range(RUNS):
        world = stamped(
            np.random.default_rng(run),
            leak=leak,
            leaking_source=leaking_source,
            documents=documents,
        )
        parts = [world.counts(source) for source in range(sources)]
        whole, *each = find_leaks(world.counts(), world.moves, seed=1, sources=parts)
        level = LEVEL_SOURCES / SOURCES
        found.append(
            (
                _below(whole, LEVEL_ALL),
                any(_below(one, level) for one in each[:1]),
                any(_below(one, level) for one in each[1:]),
                whole.share,
                each[0].share if each else 0.0,
            )
        )
    return np.array(found, dtype=float).mean(axis=0)


def test_no_leak_is_imagined():
    whole, first, others, share, _ = _flagged(sources=SOURCES)
    # 16 worlds at 4 % and 1 %: more than three alarms has a chance of 1 in 300.
    assert RUNS * (whole + first + others) <= binom.ppf(0.997, RUNS, LEVEL_ALL + LEVEL_SOURCES)
    assert abs(share) < 0.01


def test_a_tenth_of_all_documents_is_always_found():
    whole, _, _, share, _ = _flagged(leak=0.1)
    assert whole == 1.0
    assert share == pytest.approx(0.1, abs=0.03)


def test_one_source_of_two_percent_is_found_and_named():
    _, first, others, _, share = _flagged(leaking_source=0.02, sources=SOURCES)
    assert first >= 0.9
    assert others <= 0.1
    assert share > 0.8


def test_two_percent_at_random_needs_more_documents():
    few, many = _flagged(leak=0.02), _flagged(leak=0.02, documents=1500.0)
    assert many[0] >= 0.85
    assert few[0] < many[0]
    assert many[3] == pytest.approx(0.02, abs=0.01)


def test_the_naive_pipeline_finds_a_lead_in_the_leak():
    p = [
        [naive_lead(stamped(np.random.default_rng(run), leak=leak)) for run in range(40)]
        for leak in (0.0, 0.1, 0.3)
    ]
    clean, tenth, third = (np.array(p) < 0.05).mean(axis=1)
    assert clean < 0.15
    assert tenth > 0.3
    assert third > 0.8
    series = [leaking_series(np.random.default_rng(run), 0.1) for run in range(200)]
    assert np.mean(np.array(series) < 0.05) == pytest.approx(0.74, abs=0.1)


def test_documents_that_are_all_early_are_found():
    """Then the own session teaches nothing of how moves are reported."""
    rng = np.random.default_rng(3)
    moves = rng.standard_t(4, size=(5, 300))
    counts = np.zeros((2, 5, 300))
    ahead = np.roll(moves, -1, axis=1)
    counts[0], counts[1] = ahead > 1.5, ahead < -1.5
    (found,) = find_leaks(counts, moves, seed=1)
    assert found.pvalue is not None
    assert found.pvalue < 1 / (FLIPS + 1)
    assert found.share == 1.0


def test_attention_before_large_moves_is_no_leak():
    """Talk that foresees how large a move will be, and not its sign, is what volatility does."""
    rng = np.random.default_rng(4)
    moves = rng.standard_t(4, size=(10, 500))
    level = 0.2 + 2.0 * (np.abs(np.roll(moves, -1, axis=1)) > 2.5) + 2.0 * (np.abs(moves) > 2)
    counts = rng.poisson(np.stack([level, level])).astype(float)
    (found,) = find_leaks(counts, moves, seed=1)
    assert found.pvalue is not None
    assert found.pvalue > 0.05
    # A count of statements before large moves, whatever they state, takes it for one.
    before = np.abs(np.roll(moves, -1, axis=1)) > 2.5
    assert counts.sum(axis=0)[before].mean() > 2 * counts.sum(axis=0)[~before].mean()


def test_too_little_is_not_tested():
    counts = np.zeros((2, 3, 200))
    counts[0, 0, : LEAST_STATEMENTS - 1] = 1.0
    moves = np.random.default_rng(0).normal(size=(3, 200))
    (found,) = find_leaks(counts, moves, seed=1)
    assert (found.n, found.share, found.pvalue) == (LEAST_STATEMENTS - 1, None, None)
    full = np.ones((2, 3, 200))
    (short,) = find_leaks(full[:, :, :50], moves[:, :50], seed=1)
    assert short.pvalue is None
    (unpriced,) = find_leaks(full, np.full((3, 200), np.nan), seed=1)
    assert unpriced.pvalue is None


def test_the_same_world_gives_the_same_answer():
    world = stamped(np.random.default_rng(1), leak=0.05)
    first, second = (find_leaks(world.counts(), world.moves, seed=1) for _ in range(2))
    assert first == second
