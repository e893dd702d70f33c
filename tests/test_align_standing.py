"""An explanation is made again when what it rests on is another thing, and only then."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pandas as pd
import pytest

from align import align
from align.explanation import explain_day
from align.increment import day_digests
from align.inputs import build
from align.standing import explanation_digests, stale
from store import Store
from store.instants import to_text
from tests import align_world
from tests.align_world import CRASH, NOW
from tests.test_align_run import _fill

PRICES = align_world.prices(sessions=120)
SAID = align_world.talk(sessions=60)
GIVEN = align_world.inputs(PRICES, SAID)
LATER = pd.Timedelta(days=14)


def _of(inputs):
    built = build(inputs)
    assert built.archive is not None
    text = day_digests(built.archive, inputs.rates)
    return explanation_digests(built, inputs, text, [CRASH])[CRASH]


def _at(frame, name, days):
    """Return the row nearest to so many days after the crash."""
    gap = (frame[name].dt.tz_localize(None) - (pd.Timestamp(CRASH) + pd.Timedelta(days=days))).abs()
    return gap.idxmin()


def _with(frame, row, **values):
    changed = frame.copy()
    for name, value in values.items():
        changed.loc[row, name] = value
    return changed


def _story(days, **values):
    stories = SAID.stories.assign(content_hash=SAID.stories["document_id"])
    changed = _with(stories, _at(stories, "effective_at", days), **values)
    return replace(GIVEN, stories=changed), replace(GIVEN, stories=stories)


def _label(days, **values):
    return replace(
        GIVEN, labels=_with(SAID.labels, _at(SAID.labels, "effective_at", days), **values)
    ), GIVEN


def _price(days):
    gold = PRICES["asset_id"] == "GLD"
    day = pd.Timestamp(CRASH) + pd.Timedelta(days=days)
    row = (PRICES["date"][gold] - day).abs().idxmin()
    close = PRICES["close"].where(PRICES.index != row, 1.01 * PRICES["close"])
    return replace(GIVEN, prices=PRICES.assign(close=close)), GIVEN


@pytest.mark.parametrize(
    ("changed", "before"),
    [
        _story(-20, weight=3.0),
        _story(0, content_hash="another text"),
        _story(5, weight=3.0),
        _label(0, probability=0.61),
        _label(-2, causal=True),
        _price(-40),
        _price(0),
        (replace(GIVEN, narratives=GIVEN.narratives[1:]), GIVEN),
        (replace(GIVEN, assets=GIVEN.assets[1:]), GIVEN),
    ],
    ids=["past", "text", "blame", "label", "claim", "old price", "price", "narratives", "assets"],
)
def test_all_that_an_explanation_rests_on_is_in_its_digest(changed, before):
    assert _of(changed) != _of(before)


def test_an_edit_of_a_text_that_is_not_quoted_any_more_changes_nothing():
    changed, before = _story(-55, content_hash="an edit of an old text")
    assert _of(changed) == _of(before)


def test_what_is_not_stored_is_stale():
    day, other = CRASH, CRASH - timedelta(days=1)
    assert stale({day: "a", other: "b"}, {day: "a", other: "x"}) == [other]
    assert stale({day: "a"}, {}) == [day]


def test_a_night_explains_what_is_new(tmp_path, monkeypatch):
    """A title is changed: the days whose flow of blame reaches it, and all after it, no others."""
    made: list[date] = []

    def noted(world, day, **options):
        made.append(day)
        return explain_day(world, day, **options)

    monkeypatch.setattr("align.run.explain_day", noted)
    edited = datetime.combine(CRASH - timedelta(days=21), time(20), UTC)
    with Store.open(tmp_path / "a.db", create=True) as store:
        _fill(store)
        assert align(store, now=NOW).counts["explanations"] == len(made) > 20
        first = sorted(made)
        del made[:]
        assert align(store, now=NOW).notes == ["nothing new to align"]
        with store.transaction():
            store.db.execute(
                "UPDATE documents SET title = 'Another' WHERE id IN (SELECT id FROM documents"
                " WHERE effective_at >= ? ORDER BY effective_at LIMIT 1)",
                [to_text(edited)],
            )
        align(store, now=NOW)
    reached = [day for day in first if day >= edited.date()]
    assert 5 < len(reached) < len(first) - 7
    # An explanation looks at the talk of seven sessions after its day.
    before = first[first.index(reached[0]) - 7 : first.index(reached[0])]
    assert sorted(made) == [*before, *reached]
