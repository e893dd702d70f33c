"""How often a lead from before the day of finding is taken for one: measured on made-up worlds."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from align.paired import Paired
from align.scan_points import scan_points

pytestmark = pytest.mark.benchmark

RUNS, SESSIONS, FOUND_AT = 200, 400, 220


def _world(seed):
    """Noise, but for n0, which leads a0 by a session on the first 200 days."""
    rng = np.random.default_rng(seed)
    lines, moves = rng.normal(size=(6, SESSIONS)), rng.normal(size=(5, SESSIONS))
    moves[0, 1:201] += lines[0, :200]
    return Paired(
        days=(days := pd.bdate_range("2024-01-01", periods=SESSIONS)),
        narrative_ids=[f"n{place}" for place in range(6)],
        asset_ids=[f"a{place}" for place in range(5)],
        innovations=lines,
        moves=moves,
        volatility=moves[1],
        volume=rng.normal(size=SESSIONS),
        found_on={"n0": days[FOUND_AT].date()},
    )


def _passes(world, *, own):
    cells = [one for one in scan_points(world) if (one.narrative_id == "n0") == own]
    return any(one.pvalue_adj is not None and one.pvalue_adj <= 0.05 for one in cells)


def test_a_lead_of_days_before_is_seldom_a_finding(capsys):
    worlds = [_world(seed) for seed in range(RUNS)]
    blind = sum(_passes(replace(world, found_on={}), own=True) for world in worlds)
    own = sum(_passes(world, own=True) for world in worlds)
    others = sum(_passes(world, own=False) for world in worlds)
    with capsys.disabled():
        print(f"\nscans of {RUNS} with a finding, a perfect lead on {FOUND_AT - 20} earlier days:")
        print(f"  found_on unknown        {blind:4}\n  found_on given          {own:4}")
        print(f"  of the five others      {others:4}")
    assert blind > 0.95 * RUNS
    assert own <= 0.05 * RUNS
    assert own + others <= 0.08 * RUNS
