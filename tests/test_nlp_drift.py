"""Drift of narratives: what moved is found, what did not is not, and both on few stories too."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from statistics import NormalDist
from typing import get_args

import numpy as np
import pytest

from nlp.topics.drift import CAP, LEAST_STORIES, MOST_TERMS, SHUFFLES, drift_of
from nlp.topics.rises import PRIOR, holm, log_odds, two_sided
from store.records import DriftKind, DriftStory

START, DAY = date(2026, 1, 4), date(2026, 1, 31)
MIDNIGHT = datetime(2026, 1, 4, tzinfo=UTC)
WORDS = [f"{first}{second}ord" for first in "bcdfghjklm" for second in "aeiou"]


def told(rng, count, days_off, *, sources=12):
    """Return stories of the 28 days that begin ``days_off`` days from the window's start."""
    return [
        DriftStory(
            document_id=f"{days_off}/{place}",
            source_id=f"s{rng.integers(sources)}",
            effective_at=MIDNIGHT + timedelta(days=days_off + 28 * rng.random()),
            title=" ".join(rng.choice(WORDS, 6)),
            entities=tuple(rng.choice(["GLD", "SPY", "Fed", "ECB", "BoJ"], 2)),
        )
        for place in range(count)
    ]


def windows(seed, now=120, before=120):
    rng = np.random.default_rng(seed)
    return told(rng, now, 0), told(rng, before, -28)


def drift(now, before, seed=1, narrative="fed-policy"):
    found = drift_of(narrative, now, before, start=START, day=DAY, seed=seed)
    assert [one.kind for one in found] == list(get_args(DriftKind))
    return {one.kind: one for one in found}


def with_word(stories, word, every):
    return [replace(one, title=f"{one.title} {word}") if place % every == 0 else one
            for place, one in enumerate(stories)]  # fmt: skip


def test_a_word_that_came_and_one_that_went_are_found_with_their_signs():
    now, before = windows(1)
    found = drift(with_word(now, "tariffs", 4), with_word(before, "shutdown", 4))["word"]
    came, went = sorted(found.terms[:2], key=lambda term: -term.zscore)
    assert (came.term, came.stories, came.before) == ("tariffs", 30, 0)
    assert (went.term, went.stories, went.before) == ("shutdown", 0, 30)
    assert came.zscore > 3 > -3 > went.zscore
    assert max(came.pvalue_adj, went.pvalue_adj) < 0.01
    assert found.pvalue == 1 / (1 + SHUFFLES)
    assert found.divergence > drift(now, before)["word"].divergence
    assert (found.stories, found.before, found.start, found.day) == (120, 120, START, DAY)


def test_an_entity_and_an_outlet_are_found_and_each_in_its_own_kind():
    now, before = windows(2)
    now = [replace(one, source_id="new") if place % 3 == 0 else one
           for place, one in enumerate(now)]  # fmt: skip
    before = [replace(one, entities=(*one.entities, "SVB")) if place % 3 == 0 else one
              for place, one in enumerate(before)]  # fmt: skip
    found = drift(now, before)
    outlet, entity = found["outlet"].terms[0], found["entity"].terms[0]
    assert (outlet.term, outlet.stories, outlet.before) == ("new", 40, 0)
    assert (entity.term, entity.stories, entity.zscore < -3) == ("SVB", 0, True)
    assert found["outlet"].pvalue == found["entity"].pvalue == 1 / (1 + SHUFFLES)
    assert found["word"].pvalue > 0.05
    assert all(term.pvalue_adj > 0.05 for term in found["word"].terms)


def test_no_outlet_makes_a_word_move_alone():
    now, before = windows(3)
    loud = [replace(one, title=f"{one.title} tariffs", source_id="loud") if place % 4 == 0 else one
            for place, one in enumerate(now)]  # fmt: skip
    found = {term.term: term for term in drift(loud, before)["word"].terms}
    assert found["tariffs"].stories == 4 * CAP
    assert found["tariffs"].zscore < drift(with_word(now, "tariffs", 4), before)["word"].terms[
        0].zscore  # fmt: skip


def test_neither_the_order_of_the_stories_nor_another_narrative_changes_the_answer():
    now, before = windows(4)
    assert drift(now[::-1], before[::-1]) == drift(now, before)
    other = drift(now, before, narrative="tariffs")["word"]
    assert other.terms == drift(now, before)["word"].terms
    assert len(other.terms) == MOST_TERMS


@pytest.mark.parametrize(("now", "before"), [(0, 0), (9, 200), (200, 9), (0, 50)])
def test_too_few_stories_say_nothing(now, before):
    for found in drift(*windows(5, now, before)).values():
        assert (found.stories, found.before) == (now, before)
        assert (found.divergence, found.pvalue, found.terms) == (None, None, [])


def test_ten_stories_are_enough_and_without_shared_terms_there_is_no_divergence():
    now, before = windows(6, LEAST_STORIES, LEAST_STORIES)
    now = [replace(one, title="", entities=("GLD",)) for one in now]
    before = [replace(one, title=f"only{'x' * place}", entities=("GLD",))
              for place, one in enumerate(before)]  # fmt: skip
    found = drift(now, before)
    assert found["word"].divergence is found["entity"].pvalue is None
    assert [term.term for term in found["entity"].terms] == ["GLD"]
    assert 0 < found["outlet"].divergence < 1


def test_hostile_titles_and_names_are_terms_like_others():
    now, before = windows(7)
    name = '"; DROP TABLE drift_terms; --'
    now = [replace(one, title="\x00<script>alert(1)</script> \ud7ff", entities=(name, ""))
           for one in now]  # fmt: skip
    found = drift(now, before)
    assert found["entity"].terms[0].term == name
    assert {"script", "alert"} <= {term.term for term in found["word"].terms}


def test_windows_of_one_kind_of_story_are_as_near_as_shuffles_of_them():
    """200 pairs of windows: p is about even, and Holm's family has an error in 5 % at most."""
    pvalues: dict[str, list[float]] = {kind: [] for kind in get_args(DriftKind)}
    families = 0
    for seed in range(200):
        now, before = windows(1000 + seed, 40, 30)
        for kind, found in drift(now, before, seed=seed).items():
            pvalues[kind].append(found.pvalue)
            families += any(term.pvalue_adj < 0.05 for term in found.terms)
    for values in pvalues.values():
        for level in (0.05, 0.25, 0.5, 0.75):
            # Four standard errors of a share of 200.
            room = 4 * math.sqrt(level * (1 - level) / 200)
            assert abs(np.mean(np.array(values) <= level) - level) < room
    assert families / 600 < 0.05


def test_log_odds_are_those_of_the_formula():
    (found,) = log_odds(np.array([9]), np.array([3]), 60, 40)
    prior = PRIOR * 12 / 100
    parts = [9 + prior, 51 + PRIOR - prior, 3 + prior, 37 + PRIOR - prior]
    odds = math.log(parts[0] / parts[1]) - math.log(parts[2] / parts[3])
    assert found == pytest.approx(odds / math.sqrt(sum(1 / part for part in parts)))
    assert two_sided(np.array([found]))[0] == pytest.approx(2 * NormalDist().cdf(-found))
    assert log_odds(np.array([3]), np.array([9]), 40, 60)[0] == pytest.approx(-found)


def test_a_term_of_every_story_moves_by_nothing():
    assert log_odds(np.array([50]), np.array([20]), 50, 20)[0] == pytest.approx(0, abs=1e-3)


def test_holm_is_that_of_the_paper():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert list(holm([])) == []
