"""One move at full size: event tests, planted causes, placebo days; ``make bench`` prints it."""

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from scipy.stats import t as student

from align.catalogue import weights
from align.event_study import event_study, unusual_of
from align.explanation import explain_day
from align.inputs import build, world_of
from align.run import _read
from api.config import load_settings
from api.stages import import_documents, import_prices, run_tag
from store import Store
from tests.worlds import crash as crashes
from tests.worlds.placebo import NONSENSE, Asked, ask, with_nonsense
from tests.worlds.tape import returns

pytestmark = pytest.mark.benchmark
SHARED = Path(__file__).parents[2] / "shared" / "data"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
# Days with a labelled event inside the archive: no ordinary ones.
LABELLED = {date(2025, 10, 10), *(date(2026, 1, day) for day in (27, 29, 30)), date(2026, 2, 5)}
SHIFTS = (250, 375, 500, 625, 750, 875, 1000, 1125, 1250, 1375, 1500, 1625, 1750, 1875, 2000)


def test_one_date_at_full_size():
    """N9: 1,500 days without an event, 15 assets, 300 days before each."""
    rules = {**weights()["event"], "estimation_days": 300, "estimation_least": 200}
    sign = np.where(np.arange(15) % 4 == 3, -1.0, 1.0)[:, None]
    found = []
    for seed in range(1500):
        made = returns(np.random.default_rng([9, seed]), 15, 301) * sign
        unusual = unusual_of(event_study(pd.DataFrame(made.T), 300, 1, rules))
        assert unusual is not None
        plain = 2 * student.sf(abs(unusual.t_bmp), unusual.assets - 1)
        size = unusual.size_percentile >= 0.95
        found.append((unusual.placebo_p <= 0.05, size, unusual.p_kp <= 0.05, plain <= 0.05))
    placebo, size, corrected, plain = np.mean(found, axis=0)
    print(
        f"\nplacebo mean {placebo:.1%}, placebo size {size:.1%}, Kolari-Pynnonen {corrected:.1%},"
        f" plain BMP {plain:.1%}"
    )
    assert placebo <= 0.065
    assert plain > 0.4


def _runs(number: int, seed: int, **how: Any) -> Counter[str]:
    """Count outcomes of simulated crashes through the shipped evidence and verdict."""
    tally: Counter[str] = Counter()
    for run in range(number):
        rng = np.random.default_rng([seed, run])
        made = crashes.crash(rng, **how)
        world, day = crashes.world(rng, made)
        found = explain_day(world, day)
        ranked = [crashes.SUSPECTS.index(one.narrative_id) for one in found.suspects]
        leading = [
            crashes.SUSPECTS.index(one.narrative_id)
            for one in found.suspects
            if one.status == "leading"
        ]
        tally[found.verdict] += 1
        tally["top"] += set(ranked[: len(made.causes)]) == set(made.causes)
        tally["follower first"] += ranked[0] in made.followers
        tally["leads, wrong"] += any(one not in made.causes for one in leading)
        for name, first in crashes.naive_ranks(made.shares).items():
            tally[name] += first in made.causes
    return tally


def _show(words: str, tally: Counter[str], number: int) -> None:
    rates = ", ".join(f"{name} {count / number:.1%}" for name, count in sorted(tally.items()))
    print(f"\n{words}: {rates}", flush=True)


@pytest.mark.parametrize("before", [5, 1, 0])
def test_one_cause_among_followers(before):
    """P4: four followers at x4 after the move; 200 runs a factor. The rules were settled on 900."""
    number, top = 200, {}
    for factor in (1.3, 2.0, 3.0):
        tally = _runs(number, 314, factor=factor, before=before)
        _show(f"told x{factor} from {before} sessions before", tally, number)
        top[factor] = tally["top"] / number
        assert tally["after"] / number < 0.1
        # A rare narrative that is told four times as much may still show nothing after the move.
        assert tally["follower first"] / number <= 0.01
        assert tally["leads, wrong"] / number <= 0.01
    if before:
        assert top[2.0] >= (0.85 if before == 5 else 0.78)
        assert top[3.0] >= (0.93 if before == 5 else 0.88)


def test_two_causes_and_none():
    """P6 and P7; 200 runs each."""
    number = 200
    for factor in (2.0, 3.0):
        tally = _runs(number, 316, factor=factor, causes=2)
        _show(f"two causes x{factor}", tally, number)
        assert tally["top"] / number >= 0.80
    for factor in (2.0, 3.0):
        tally = _runs(number, 316, factor=factor, causes=2, before=1)
        _show(f"two causes x{factor} from one session before", tally, number)
    tally = _runs(number, 317, factor=1.0, causes=0)
    _show("no cause", tally, number)
    assert tally["no adequate suspect"] / number >= 0.90


@pytest.fixture(scope="module")
def asked(tmp_path_factory) -> list[Asked]:
    """Explain the real archive on its own dates and laid over the prices of other years."""
    if not SHARED.exists():
        pytest.skip("needs the real archive in ../shared")
    settings = load_settings()
    prices = [SHARED / "prices" / "closes.parquet", SHARED / "prices" / "fred.parquet"]
    with Store.open(tmp_path_factory.mktemp("real") / "real.db", create=True) as store:
        import_documents(store, [SHARED / "text" / "headlines.parquet"], now=NOW)
        import_prices(store, settings, prices, now=NOW)
        run_tag(store, settings, now=NOW)
        inputs = with_nonsense(_read(store, None))
    world = world_of(build(inputs), inputs)
    return list(ask(world, (0, *SHIFTS)))


def test_ordinary_days_have_no_clear_cause(asked):
    """N8: real talk on its own ordinary days and over other years' prices."""
    ordinary = [one for one in asked if one.shift or one.explanation.date not in LABELLED]
    large = [one for one in ordinary if one.large]
    for words, days in (
        ("own dates", [one for one in ordinary if not one.shift]),
        ("shifted dates", [one for one in ordinary if one.shift]),
        ("large moves", large),
    ):
        verdicts = Counter(one.explanation.verdict for one in days)
        print(f"\n{words}: n {len(days)}, {dict(verdicts)}")
    clear = [one for one in ordinary if one.explanation.verdict == "suspects"]
    assert len(ordinary) >= 500
    assert len(clear) / len(ordinary) <= 0.05
    nonsense = [one for one in large if one.explanation.suspects[0].narrative_id in NONSENSE]
    print(f"nonsense first on {len(nonsense)} of {len(large)} large-move days")
    assert len(large) >= 500
    assert not nonsense


def test_clarity_and_the_days_after(asked):
    """N13: the sign that Baker, Bloom, Davis & Sammon report is that of calm after clarity."""
    own = [one for one in asked if not one.shift]
    table = pd.DataFrame(
        {"clarity": [one.explanation.clarity for one in own]},
        index=pd.DatetimeIndex([one.explanation.date for one in own]),
    )
    closes = pd.read_parquet(SHARED / "prices" / "closes.parquet")
    spy = closes[closes["asset"] == "SPY"].set_index("date")["close"].sort_index()
    change = np.log(spy.set_axis(pd.DatetimeIndex(spy.index))).diff()
    for words, line in (
        ("next five days", change.pow(2).rolling(5).mean().shift(-5).pow(0.5)),
        ("five days before", change.pow(2).rolling(5).mean().pow(0.5)),
    ):
        both = table.join(line.rename("vol"), how="inner").dropna()
        found = spearmanr(both["clarity"], both["vol"])
        rho, p = found.statistic, found.pvalue
        print(f"\nclarity and {words}: rho {rho:+.2f}, p {p:.2f}, n {len(both)}")
    assert len(both) > 60
