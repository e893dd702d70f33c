"""The scan in simulated worlds at full size: ``make bench``.

The worlds and the targets are those of ``tests/worlds/cells_scan.py``; the naive figure is of a
usual method in the same runs. Reduced versions run with every ``make test``.
"""

from collections.abc import Sequence

import numpy as np
import pytest

from tests.worlds.scan_runs import (
    HORIZONS,
    MAX_T,
    METHODS,
    ON_LEVELS,
    Hits,
    Size,
    run_independent,
    run_overlap,
    run_persistent,
    run_planted,
    run_reacting,
)
from tests.worlds.table import Row, in_two_processes, markdown, missed

pytestmark = pytest.mark.benchmark
PHIS = (0.5, 0.9, 0.97)
RUNS = 400
# A rate of 5 % over 400 runs, 95 % of the time.
ACCEPTED = (0.029, 0.073)


def _rate(runs: Sequence[dict[str, float]], name: str) -> float:
    return float(np.mean([run[name] for run in runs]))


def _print(rows: Sequence[Row]) -> None:
    print("\n" + markdown(rows))
    assert not missed(rows)


def test_independent_narratives_pass_as_often_as_stated():
    rows = []
    shapes = {
        "N1 independent, 20 x 15 x 21 cells, 750 sessions": (Size(), 0.9),
        "the same, narratives AR(.97)": (Size(), 0.97),
        "the same, 250 sessions": (Size(n_days=250), 0.9),
        "the same, 120 sessions": (Size(n_days=120), 0.9),
    }
    for name, (size, phi) in shapes.items():
        runs = in_two_processes(run_independent, [(size, phi, seed) for seed in range(RUNS)])
        print(f"\n{name}: raw hits per run {np.mean([run['raw hits'] for run in runs]):.0f}")
        rows.append(
            Row(
                world=name,
                statistic="any false cell",
                target=ACCEPTED,
                measured=_rate(runs, MAX_T),
                naive=_rate(runs, "raw p"),
                naive_name="raw p over leads",
                runs=RUNS,
            )
        )
        rows += [
            Row(world="", statistic=f"any false, {other}", measured=_rate(runs, other), runs=RUNS)
            for other in ("BH", "BY", "Bonferroni", ON_LEVELS)
        ]
    _print(rows)


def test_narratives_that_react_are_followers():
    runs = in_two_processes(run_reacting, [(Size(), seed) for seed in range(RUNS)])
    world = "N2 five narratives react to yesterday"
    _print(
        [
            Row(
                world=world,
                statistic="any false lead",
                target=(0.0, 0.07),
                measured=_rate(runs, "lead"),
                naive=_rate(runs, "drawn lead"),
                naive_name="same test on a centred 5-day mean",
                runs=RUNS,
            ),
            Row(
                world=world,
                statistic="a follower found",
                target=(0.95, 1.0),
                measured=_rate(runs, "follow"),
                runs=RUNS,
            ),
            Row(
                world=world,
                statistic="any of the other fifteen",
                measured=_rate(runs, "others"),
                runs=RUNS,
            ),
        ]
    )


def test_persistent_levels_do_not_agree_by_chance():
    rows = []
    count = 1000
    for phi in PHIS:
        runs = in_two_processes(run_persistent, [(phi, seed) for seed in range(count)])
        world = f"N3 AR(.95) outcome, AR({phi}) narrative"
        rows += [
            Row(
                world=world,
                statistic=name,
                target=(0.0, 0.08),
                measured=_rate(runs, name),
                naive=_rate(runs, naive),
                naive_name=f"{naive} on levels",
                runs=count,
            )
            for name, naive in (
                ("levels", "OLS"),
                ("innovation on level", "HAC"),
                ("innovation on change", "OLS"),
            )
        ]
        rows += [
            Row(
                world=world,
                statistic=name,
                target=(0.0, 0.08),
                measured=_rate(runs, name),
                runs=count,
            )
            for name in (
                "any lag, levels",
                "any lag, innovation on level",
                "any lag, innovation on change",
            )
        ]
        if phi >= 0.9:
            assert _rate(runs, "OLS") > 0.5, "the world is too easy for the naive method"
    _print(rows)


def test_overlapping_windows():
    rows = []
    for horizon in HORIZONS:
        for phi in PHIS:
            tasks = [(phi, horizon, seed) for seed in range(RUNS)]
            runs = in_two_processes(run_overlap, tasks)
            rows += [
                Row(
                    world=f"sum of {horizon} returns on AR({phi}) talk",
                    statistic=name,
                    target=(0.0, 0.08) if "shift" in name else None,
                    measured=_rate(runs, name),
                    naive=_rate(runs, naive),
                    naive_name=naive,
                    runs=RUNS,
                )
                for name, naive in (
                    ("shift", "OLS"),
                    ("innovation and shift", "HAC"),
                    ("innovation and HAC", "HAC"),
                )
            ]
    _print(rows)


def _power(hits: Sequence[Hits]) -> tuple[float, float, float, float]:
    """Return any false, false share, power per cell and power of any cell."""
    right, false = (np.array([getattr(hit, name) for hit in hits]) for name in ("right", "false"))
    share = false.sum() / max(int((right + false).sum()), 1)
    return (
        float((false > 0).mean()),
        float(share),
        float(right.mean() / 3),
        float((right > 0).mean()),
    )


@pytest.mark.parametrize(
    ("beta", "counted", "least"),
    [
        (0.12, False, None),
        (0.16, False, 0.80),
        (0.20, False, 0.95),
        (0.25, False, None),
        (0.20, True, None),
        (0.40, True, None),
    ],
)
def test_a_planted_lead_is_found(beta, counted, least):
    count = 200
    runs = in_two_processes(run_planted, [(beta, counted, seed) for seed in range(count)])
    world = f"P1 lead of 2, {beta:.2f} sd" + (", counted stories" if counted else "")
    power = {name: _power([hits[name] for hits, _ in runs]) for name in (*METHODS, ON_LEVELS)}
    print(f"\n| {world} | any false | false share | power per cell | power any |")
    print("|---|---|---|---|---|")
    for name, figures in power.items():
        print(f"| {name} | {' | '.join(f'{100 * figure:.0f}' for figure in figures)} |")
    lag = {name: np.mean([lags[name] for _, lags in runs]) / 3 for name in runs[0][1]}
    rows = [
        Row(
            world=world,
            statistic="any planted cell found",
            target=None if least is None else (least, 1.0),
            measured=power[MAX_T][3],
            naive=power[ON_LEVELS][3],
            naive_name="same test on levels",
            runs=count,
        ),
        Row(
            world=world,
            statistic="false share of what passes",
            measured=power[MAX_T][1],
            naive=power["raw p"][1],
            naive_name="raw p",
            runs=count,
        ),
        Row(
            world=world.replace("P1", "P3"),
            statistic="largest effect at the right lag",
            target=(0.90, 1.0) if beta >= 0.20 and not counted else None,
            measured=float(lag["lag"]),
            naive=float(lag["best level"]),
            naive_name="levels of talk and price",
            runs=count,
        ),
        Row(
            world=world.replace("P1", "P3"),
            statistic="the same, levels on moves",
            measured=float(lag["lag on levels"]),
            runs=count,
        ),
    ]
    _print(rows)
