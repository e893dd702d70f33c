"""How often stamps that are a session early are found, and how often they are imagined.

``pytest -m benchmark -s tests/test_benchmarks_stamps.py`` prints the tables of
docs/benchmarks.md.
"""

import numpy as np
import pytest
from numpy.typing import NDArray

from align.leaks import find_leaks
from align.stamps import LEVEL_ALL, LEVEL_SOURCES
from tests.worlds.stamps import SOURCES, leaking_series, naive_lead, stamped

pytestmark = pytest.mark.benchmark


def _rates(runs: int, **world: float) -> NDArray[np.float64]:
    """Return the shares of runs flagged over all, by source, by either; share and its sd."""
    found = []
    for run in range(runs):
        made = stamped(np.random.default_rng(run), **world)  # type: ignore[arg-type]
        parts = [made.counts(source) for source in range(SOURCES)]
        whole, *each = find_leaks(made.counts(), made.moves, seed=run, sources=parts)
        tested = [one.pvalue for one in each if one.pvalue is not None]
        assert whole.pvalue is not None
        assert whole.share is not None
        source = any(p <= LEVEL_SOURCES / len(tested) for p in tested)
        over_all = whole.pvalue <= LEVEL_ALL
        found.append((over_all, source, over_all or source, whole.share, naive_lead(made) < 0.05))
    table = np.array(found, dtype=float)
    return np.append(table.mean(axis=0), table[:, 3].std())


def _print(name: str, row: NDArray[np.float64]) -> None:
    whole, source, either, share, naive, deviation = row
    print(
        f"{name:44} all {whole:5.1%}  a source {source:5.1%}  either {either:5.1%}"
        f"  share {share:6.3f} (sd {deviation:.3f})  naive lead {naive:5.1%}"
    )


def test_false_alarms_and_power() -> None:
    print("\n300 documents a day, 9 % state a move, 504 sessions, 20 sources")
    clean = _rates(400)
    _print("no leak, 400 runs", clean)
    assert clean[2] <= 0.05 + 1.64 * np.sqrt(0.05 * 0.95 / 400)
    for leak in (0.02, 0.05, 0.1, 0.3):
        row = _rates(200, leak=leak)
        _print(f"{leak:.0%} of all documents at random, 200 runs", row)
        assert leak < 0.05 or row[2] >= 0.95
    for leak in (0.02, 0.1):
        row = _rates(200, leaking_source=leak)
        _print(f"one source of {leak:.0%} of the documents, 200 runs", row)
        assert row[1] >= 0.95


def test_volume_for_two_percent_at_random() -> None:
    print("\n2 % of all documents at random, 504 sessions, 100 runs")
    powers = []
    for documents in (30.0, 100.0, 300.0, 600.0, 1000.0, 2000.0):
        row = _rates(100, leak=0.02, documents=documents)
        powers.append(row[2])
        _print(f"{documents:.0f} documents a day", row)
    assert powers[-1] >= 0.9


def test_the_naive_lead() -> None:
    print("\nOLS of tomorrow's return on a narrative that leaks it, T = 750, 1,000 runs")
    rates = []
    for weight in (0.0, 0.1, 0.3):
        found = [leaking_series(np.random.default_rng(run), weight) for run in range(1000)]
        rates.append(float(np.mean(np.array(found) < 0.05)))
        print(f"weight {weight}: a significant lead in {rates[-1]:.1%}")
    assert rates[0] < 0.07
    assert rates[2] > 0.99
