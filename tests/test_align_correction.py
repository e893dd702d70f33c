"""Correction of shares for the tagger's errors: the closed form, its interval, its safeguards."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.catalogue import weights
from align.correction import Rates, correct, rates_of, unclipped
from align.intensity import measure_intensity
from tests.worlds.talk import Desk, print_stories, validation

RATES = Rates(positives=1000, true_positives=800, negatives=1000, false_positives=30)


@given(share=st.floats(0, 1), tp=st.integers(60, 100), fp=st.integers(0, 30))
def test_the_correction_inverts_what_the_tagger_does(share, tp, fp):
    """The closed form: cc = p TPR + (1 - p) FPR."""
    rates = Rates(positives=100, true_positives=tp, negatives=100, false_positives=fp)
    counted = share * rates.tpr + (1 - share) * rates.fpr
    assert unclipped(counted, rates) == pytest.approx(share, abs=1e-12)


def test_a_case_by_hand():
    """1,000 stories, 100 of them true: 80 found, 27 of the other 900 taken for one."""
    found = correct(0.107, 1000.0, RATES, seed=1)
    assert found.share == pytest.approx(0.1)
    assert found.correction == "ok"
    assert found.low < 0.1 < found.high
    assert correct(0.046, 1000.0, RATES, seed=1).share == pytest.approx(0.0208, abs=1e-4)


def test_what_lies_outside_is_clipped_and_said_to_be():
    low, high = correct(0.01, 200.0, RATES, seed=1), correct(0.95, 200.0, RATES, seed=1)
    assert (low.share, low.low, low.correction) == (0.0, 0.0, "clipped")
    assert (high.share, high.high, high.correction) == (1.0, 1.0, "clipped")


def test_the_interval_knows_both_errors():
    def width(n, factor):
        rates = Rates(
            positives=10 * factor,
            true_positives=8 * factor,
            negatives=10 * factor,
            false_positives=factor,
        )
        found = correct(0.3, n, rates, seed=3)
        return found.high - found.low

    assert width(100, 100) > 1.5 * width(1000, 100), "the sampling of the day"
    assert width(1000, 2) > 1.5 * width(1000, 100), "the sampling of the validation stories"
    assert correct(0.3, 100, RATES, seed=3) == correct(0.3, 100, RATES, seed=3)


def _table(**counts):
    base = {"positives": 50, "true_positives": 40, "negatives": 200, "false_positives": 10}
    return pd.DataFrame([{"narrative_id": "a", **base, **counts}])


@pytest.mark.parametrize(
    "counts",
    [
        {"positives": 9, "true_positives": 9},
        {"negatives": 5, "false_positives": 0},
        {"negatives": 0, "false_positives": 0},
        {"true_positives": 10, "false_positives": 10},
    ],
    ids=["few positives", "few negatives", "no negatives", "hardly told apart"],
)
def test_poor_rates_correct_nothing(counts):
    rule = weights()["correction"]
    assert rates_of(_table(**counts), rule) == {}
    assert list(rates_of(_table(), rule)) == ["a"]


def test_languages_are_added_up():
    both = pd.concat([_table(), _table(positives=10, true_positives=0)])
    found = rates_of(both, weights()["correction"])["a"]
    assert (found.positives, found.true_positives, found.negatives) == (60, 40, 400)


def test_points_without_rates_have_none():
    desks = [Desk(id=f"desk-{one}", stories=10, share=0.1) for one in range(4)]
    world = print_stories(np.random.default_rng(0), desks, 12, n_narratives=2)
    archive = world.archive()
    table = validation(np.random.default_rng(1), world.names[:1])
    points = measure_intensity(archive, table)
    assert all(point.correction in ("ok", "clipped") for point in points[:12])
    assert all(point.correction is None for point in points[12:])
    assert all(point.share_corrected is None for point in measure_intensity(archive))
    assert all(point.share_corrected is None for point in measure_intensity(archive, table.head(0)))
