"""Which topics are proposed: counts, rises, the rules by name, trends, and words of markets."""

from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pytest

from nlp.topics.candidates import Rules, count, lacks, market_words, rise, speaks_of_markets, trend
from nlp.topics.coherence import diversity, npmi
from store.records import ResidualStory

DAY = date(2025, 10, 30)
ALL = {DAY - timedelta(days=n): 100 for n in range(28)}


def story(ago, source="a", text="Lenders cut credit lines", assets=0):
    on = datetime.combine(DAY - timedelta(days=ago), time(12), tzinfo=UTC)
    return ResidualStory(
        document_id=f"{ago}-{source}-{text[:5]}",
        source_id=source,
        effective_at=on,
        title=text,
        text=text,
        vector=b"\x01",
        assets=assets,
        reach=1,
    )


def counts(stories, all_stories=ALL):
    return count(stories, day=DAY, all_stories=all_stories)


def test_counts_of_a_story_that_came_up_in_the_last_week():
    found = counts([story(n % 5, "abc"[n % 3]) for n in range(12)])
    assert (found.stories, found.sources, found.days) == (12, 3, 5)
    assert (found.recent, found.before) == (12, 0)
    assert found.share == pytest.approx(12 / 700, abs=1e-6)
    assert found.top_source == pytest.approx(4 / 12, abs=1e-6)
    assert found.market == 1.0
    # All twelve in a quarter of the window, by two looks.
    assert found.pvalue == pytest.approx(2 * 0.25**12, abs=1e-6)
    assert lacks(found, 0.8, Rules()) == ()
    assert trend(found, is_young=True, rules=Rules()) == "emerging"
    assert trend(found, is_young=False, rules=Rules()) == "growing"


def test_a_story_that_is_two_weeks_old_is_still_new():
    found = counts([story(n, "abc"[n % 3]) for n in range(14)])
    assert found.pvalue <= 0.01
    assert lacks(found, 0.8, Rules()) == ()


def test_a_story_that_was_always_told_has_not_risen():
    found = counts([story(n, "abcd"[n % 4]) for n in range(28)])
    assert lacks(found, 0.8, Rules()) == ("rise",)
    assert trend(found, is_young=True, rules=Rules()) == "steady"


def test_a_story_that_died_down_fades_and_then_is_quiet():
    fading = counts([story(n, source) for n in range(12, 28) for source in "ab"] + [story(2)])
    assert trend(fading, is_young=False, rules=Rules()) == "fading"
    assert trend(counts([story(20)]), is_young=True, rules=Rules()) == "quiet"


def test_each_rule_that_is_not_met_is_named():
    found = counts([story(1, text="A dog show"), story(1, text="A dog show again")])
    named = ("stories", "sources", "days", "top_source", "stability", "market", "rise")
    assert lacks(found, None, Rules(pvalue=0.0)) == named


def test_a_rise_is_measured_against_all_that_was_told():
    # Everything was told in the last week: nothing rose by that.
    late = {DAY - timedelta(days=n): 100 for n in range(7)} | {DAY - timedelta(days=20): 1}
    told = {DAY - timedelta(days=n): 2 for n in range(7)}
    assert rise(told, late, since=DAY - timedelta(days=6)) == pytest.approx(1, abs=0.1)
    assert rise(told, ALL, since=DAY - timedelta(days=6)) == pytest.approx(0, abs=1e-6)
    assert rise({}, ALL, since=DAY) is None
    assert rise(told, {DAY: 5}, since=DAY - timedelta(days=6)) is None


def test_rises_by_chance_are_as_rare_as_the_rule_says():
    rng = np.random.default_rng(7)
    found = [
        counts([story(int(ago), "abc"[n % 3]) for n, ago in enumerate(rng.integers(0, 28, 20))])
        for _ in range(600)
    ]
    assert sum(one.pvalue <= 0.05 for one in found) / len(found) <= 0.05


@pytest.mark.parametrize(
    ("text", "speaks"),
    [
        ("Regional banks slump as bad loans surface", True),
        ("The Fed’s new chair", True),
        ("Actress wins prize at film festival", False),
        ("美国银行股价下跌", True),
        ("天气很好", False),
    ],
)
def test_words_of_markets(text, speaks):
    assert speaks_of_markets(story(1, text=text)) is speaks
    assert speaks_of_markets(story(1, text=text, assets=2))
    assert all(word == word.casefold() for word in market_words())


def test_coherence_of_words_that_always_or_never_go_together():
    from scipy.sparse import csr_matrix

    present = csr_matrix(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1], [0, 0, 1]], dtype=float))
    column = {"a": 0, "b": 1, "c": 2}
    assert npmi(["a", "b"], column, present) == pytest.approx(1.0)
    assert npmi(["a", "c"], column, present) == pytest.approx(-1.0)
    assert npmi(["a", "b", "c"], column, present) == pytest.approx(-1 / 3)
    assert npmi(["a", "missing"], column, present) is None
    assert diversity([["a", "b"], ["b", "c"]]) == pytest.approx(0.75)
    assert diversity([]) is None
