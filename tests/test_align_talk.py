"""Simulated archives: what a new feed, copies, a gap or a campaign does to the intensity.

Reduced runs of the designs in ``tests/worlds/talk_designs.py``; the naive figure beside each
shows that the world is one in which a plain count fails.
"""

import numpy as np
import pytest

from tests.worlds import talk_designs as designs


def test_a_new_feed_is_no_event_and_no_step():
    found = designs.new_feed(0)
    assert found["pooled z, day 60"] > 3
    assert abs(found["z, days 60 to 99"]) < 0.3
    assert abs(found["ewma z, days 60 to 99"]) < 0.3
    assert found["largest daily mean z"] < 1
    assert found["pooled after"] - found["linked before"] > 0.04
    assert found["share after"] - found["linked before"] > 0.03, "why the link is needed"
    assert abs(found["linked after"] - found["linked before"]) < 0.003


@pytest.mark.parametrize(("total", "n_days"), [(60, 90), (200, 60)])
def test_copies_do_not_narrow_the_interval(total, n_days):
    found = designs.syndication(0, total, n_days)
    assert found["raw documents"] < 0.5
    assert 0.92 < found["stories"] < 0.985


def test_a_gap_of_the_crawl_raises_no_alert():
    found = designs.crawl_gap(0, n_narratives=6)
    assert found["naive alerts"] > 0.4
    assert found["naive z"] < -2.5
    assert (found["scores in the gap"], found["shares in the gap"]) == (0, 0)
    # Every day has its three sigma now and then; the days after a gap have no more of them.
    assert found["alerts after"] <= found["alerts after, no gap"] + 0.01


def test_persistence_is_no_break():
    found = designs.false_breaks(0, 0.9, 200)
    assert found["naive a year"] > 4
    assert found["a year"] <= 0.1
    assert designs.false_breaks(0, 0.9, 100, step=4.0)["within five days"] > 0.85
    assert designs.false_breaks(0, 0.0, 100, step=2.0)["within five days"] > 0.9


def test_a_rise_keeps_its_size_through_the_tagger():
    runs = [designs.prior_shift(seed) for seed in range(2)]
    corrected, counted = (
        np.concatenate([run[name] for run in runs]).mean(axis=0)
        for name in ("corrected", "counted")
    )
    assert counted[1] / counted[0] < 2.6
    assert corrected[1] / corrected[0] == pytest.approx(5.0, rel=0.1)
    assert np.concatenate([run["covered"] for run in runs]).mean() > 0.9


def test_no_campaign_moves_a_share_by_a_point():
    for name, (moved, counted, burst) in designs.manipulation(0).items():
        assert counted > 20, name
        # A point for each voice: who registers two domains has two.
        assert moved < (2 if name.startswith("two") else 1), name
        assert burst == 1, name
