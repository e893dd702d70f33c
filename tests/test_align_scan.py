"""The scan: a planted lead is found at its lag, noise is not, and short series say so."""

from datetime import date

import numpy as np
import pytest

from align.scan import LAGS, scan

WINDOW = (date(2024, 1, 2), date(2026, 1, 30))
NARRATIVES, ASSETS = [f"n{i}" for i in range(6)], [f"a{j}" for j in range(5)]


def _cells(x, y, seed=1):
    cells = scan(x, y, NARRATIVES[: len(x)], ASSETS[: len(y)], WINDOW, seed=seed)
    return {(cell.narrative_id, cell.asset_id, cell.lag): cell for cell in cells}


def _noise(n=400, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(6, n)), rng.normal(size=(5, n))


def test_positive_lag_means_that_the_narrative_came_first():
    x, y = _noise()
    y[2, 3:] += 0.5 * x[1, :-3]
    x[4, 2:] += 0.5 * y[0, :-2]
    cells = _cells(x, y)
    found = {key for key, cell in cells.items() if (cell.pvalue_adj or 1) <= 0.05}
    assert {("n1", "a2", 3), ("n4", "a0", -2)} <= found
    lead = cells["n1", "a2", 3]
    assert lead.effect is not None
    assert lead.effect_low is not None
    assert 0.2 < lead.effect_low < lead.effect < 0.6
    assert lead.status == "exploratory"
    assert lead.method == "max-T circular shift, 320 shifts"


def test_every_cell_is_there_and_adjusted_is_never_below_raw():
    cells = _cells(*_noise())
    assert len(cells) == 6 * 5 * len(LAGS)
    for cell in cells.values():
        assert cell.pvalue is not None
        assert cell.pvalue_adj is not None
        assert 1 / 321 - 1e-6 <= cell.pvalue <= cell.pvalue_adj <= 1


def test_independent_series_give_no_hit():
    hits = 0
    for seed in range(12):
        cells = _cells(*_noise(n=260, seed=seed))
        hits += min(cell.pvalue_adj or 1 for cell in cells.values()) <= 0.05
    # 5 % of runs by construction: 4 or more of 12 would happen once in 400 times.
    assert hits <= 3


def test_persistent_series_give_no_hit_either():
    hits = 0
    for seed in range(12):
        x, y = _noise(n=300, seed=seed)
        for day in range(1, 300):
            x[:, day] += 0.9 * x[:, day - 1]
            y[:, day] += 0.9 * y[:, day - 1]
        x, y = x / x.std(axis=1, keepdims=True), y / y.std(axis=1, keepdims=True)
        cells = _cells(x, y, seed=seed)
        hits += min(cell.pvalue_adj or 1 for cell in cells.values()) <= 0.05
    assert hits <= 3


def test_short_series_have_an_effect_and_no_pvalue():
    cells = _cells(*_noise(n=70))
    cell = cells["n0", "a0", 0]
    assert cell.n == 70
    assert cell.effect is not None
    assert (cell.pvalue, cell.pvalue_adj) == (None, None)
    assert cell.method == "correlation only: 70 sessions, 100 needed for max-T circular shift"


def test_few_pairs_have_no_effect():
    x, y = _noise(n=150)
    x[0, 15:] = np.nan
    x[1, 50:] = np.nan
    cells = _cells(x, y)
    assert cells["n0", "a0", 0].effect is None
    assert cells["n0", "a0", 0].method == "too few pairs for an effect (15 of 20)"
    assert cells["n1", "a0", 0].effect is not None
    assert cells["n1", "a0", 0].pvalue is None
    assert cells["n1", "a0", 0].method.startswith("correlation only: 50 pairs")
    assert cells["n2", "a0", 0].pvalue is not None


def test_series_without_a_value_at_all():
    cells = _cells(np.full((2, 30), np.nan), np.full((2, 30), np.nan))
    assert {cell.n for cell in cells.values()} == {0}
    assert {cell.effect for cell in cells.values()} == {None}


def test_missing_days_are_left_out_of_n():
    x, y = _noise(n=200)
    x[:, 40:60] = np.nan
    assert _cells(x, y)["n0", "a0", 0].n == 180
    assert _cells(x, y)["n0", "a0", 5].n == 175


def test_the_same_seed_gives_the_same_cells():
    x, y = _noise(n=1200)
    assert _cells(x[:2], y[:2], seed=3) == _cells(x[:2], y[:2], seed=3)
    assert _cells(x[:2], y[:2])["n0", "a0", 0].method == "max-T circular shift, 999 shifts"


def test_interval_covers_the_true_correlation():
    inside = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(1, 150))
        y = 0.3 * x + np.sqrt(1 - 0.09) * rng.normal(size=(1, 150))
        cell = _cells(x[:, :90], y[:, :90])["n0", "a0", 0]
        assert cell.effect_low is not None
        assert cell.effect_high is not None
        inside += cell.effect_low <= 0.3 <= cell.effect_high
    assert inside / 200 == pytest.approx(0.95, abs=0.045)
