"""Nothing that was computed for a day is changed by what comes later."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from align.innovation import standardise
from align.intensity import measure
from align.returns import drop_stale, to_scale
from align.series import rolling_mean
from store.records import Asset
from tests.lookahead import CASES, Rows, Seen, Worlds, changed, public_functions, same, worlds
from tests.lookahead_cases import EXEMPT


@cache
def _worlds() -> Worlds:
    return worlds()


def test_every_public_function_has_a_case_or_a_reason():
    assert not set(CASES) & set(EXEMPT)
    found = public_functions()
    assert found == set(CASES) | set(EXEMPT), "see tests/lookahead_cases.py"


@pytest.mark.parametrize("name", sorted({id(case): name for name, case in CASES.items()}.values()))
def test_later_weeks_change_no_earlier_row(name):
    early, late = (CASES[name](seen) for seen in (_worlds().early, _worlds().late))
    assert len(early) >= 4, "a case without rows proves nothing"
    assert changed(early, late) == []


def test_the_later_world_is_another_one():
    early, late = _worlds().early, _worlds().late
    assert len(late.archive.grid.days) == len(early.archive.grid.days) + 40
    assert set(late.archive.grid.source_ids) - set(early.archive.grid.source_ids) == {
        "source-0-new",
        "source-0-rare",
    }
    assert len(late.market.closes) > len(early.market.closes)
    assert np.isnan(late.market.changes.loc[pd.Timestamp(late.until) :, "CPER"].iloc[2])


def test_a_night_takes_over_all_that_is_known():
    """Eight weeks at once, with what was stored at T: no day is computed twice, none is stale."""
    early, late = _worlds().early, _worlds().late
    stored = {one.day: one for one in early.measured.fresh}
    night = measure(late.archive, late.inputs.rates, stored)
    assert min(one.day for one in night.fresh) > late.until
    assert same(list(night.points), list(late.points))


def _of_whole(seen: Seen, smooth: bool) -> Rows:
    """Full-sample z-score, and the centred Gaussian filter of the usual notebook."""
    labels = seen.inputs.labels
    carried = labels[labels["narrative_id"] == "fed-policy"]["effective_at"].dt.date.value_counts()
    told = seen.inputs.stories["effective_at"].dt.date.value_counts().sort_index()
    share = (carried.reindex(told.index).fillna(0) / told).to_numpy(dtype=float)
    values = gaussian_filter1d(share, 3.0) if smooth else (share - share.mean()) / share.std()
    return {
        day: float(value)
        for day, value in zip(told.index, values, strict=True)
        if day <= seen.until
    }


@pytest.mark.parametrize("smooth", [False, True], ids=["full-sample z", "centred filter"])
def test_the_usual_recipe_changes_the_past(smooth):
    early, late = (_of_whole(seen, smooth) for seen in (_worlds().early, _worlds().late))
    rows = changed(early, late)
    # The filter reaches four deviations back, the z-score over the whole past.
    assert len(rows) >= (12 if smooth else 0.95 * len(early))


@settings(max_examples=60, deadline=None)
@given(
    closes=st.lists(st.sampled_from([10.0, 10.0, 10.1, 9.9, -1.0]), min_size=2, max_size=30),
    cut=st.integers(1, 29),
)
def test_a_longer_series_begins_like_the_shorter_one(closes, cut):
    """Whether a price rests was once judged by how long it would go on to."""
    asset = Asset(id="A", name="A", asset_class="equity")
    whole = pd.Series(closes)
    changes = pd.DataFrame({"A": to_scale(drop_stale(whole, asset), asset).diff()})
    errors = changes.to_numpy().T
    short = pd.Series(closes[:cut])
    early = pd.DataFrame({"A": to_scale(drop_stale(short, asset), asset).diff()})
    pd.testing.assert_frame_equal(early, changes.head(cut), check_exact=True)
    np.testing.assert_array_equal(standardise(errors)[:, :cut], standardise(errors[:, :cut]))
    later, sooner = (rolling_mean(part, 3, 2) for part in (errors, errors[:, :cut]))
    np.testing.assert_array_equal(later[:, :cut], sooner)
