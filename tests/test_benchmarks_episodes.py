"""Causes named from moves, and how often a large day is "like" an episode: figures, printed."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from scipy.stats import binomtest

from align.analogs import find_analogs
from align.catalogue import episode_moves, load_episodes, weights
from align.episode_moves import measure_moves
from align.recognition import (
    Accuracy,
    accuracy,
    build_cases,
    by_frequency,
    by_nearest,
    by_shrunk,
    by_signs,
    contradicted_labels,
    right_within,
)
from docs.episode_page import candidates, known_legs
from tests.worlds import episodes as world

pytestmark = pytest.mark.benchmark
_SINCE = date(2021, 6, 1)
CLIP = weights()["signature"]["clip"]
# Section 6 of the reference has ten families; what it has no vector for counts as the nearest.
FAMILIES = {"tariffs": "recession", "inflation": "fed-policy", "fed-independence": "dollar-policy"}


def _cases(kind="shock", moves=None):
    one_day = moves or {name: windows[1] for name, windows in episode_moves().items()}
    return build_cases(load_episodes(), one_day, known_legs(), kind=kind)


def _line(name: str, right: Accuracy) -> str:
    return (
        f"{name:46s} {right.cases:3d}  first {right.first:2d} ({right.first / right.cases:.0%})"
        f"  first two {right.first_two:2d} ({right.first_two / right.cases:.0%})"
    )


def test_causes_left_out_one_at_a_time():
    cases, signatures = _cases(), candidates(known_legs())
    signs = by_signs(cases, signatures, CLIP)
    print("\n" + _line("sign vectors", accuracy(cases, signs)))
    for weight in (1.0, 2.0, 5.0, 10.0, 20.0):
        shrunk = by_shrunk(cases, signatures, CLIP, weight)
        right = accuracy(cases, shrunk)
        print(_line(f"shrunk, prior of {weight:g}", right), _paired(cases, shrunk, signs))
    nearest = by_nearest(cases, CLIP)
    print(_line("nearest other episode, any of its labels", accuracy(cases, nearest)))
    print(_line("most frequent labels", accuracy(cases, by_frequency(cases))))
    relief = [replace(case, moves=-case.moves) for case in _cases("relief")]
    print(_line("reliefs, sign turned", accuracy(relief, by_signs(relief, signatures, CLIP))))
    assert accuracy(cases, signs).first_two / len(cases) >= 0.65


def _paired(cases, left, right) -> str:
    """Return the exact McNemar tests of two ways of naming, for one and for two answers."""
    said = []
    for places in (1, 2):
        pairs = [
            (right_within(case, one, places), right_within(case, two, places))
            for case, one, two in zip(cases, left, right, strict=True)
        ]
        better, worse = pairs.count((True, False)), pairs.count((False, True))
        test = binomtest(better, max(better + worse, 1))
        said.append(f"+{better} -{worse} p {test.pvalue:.2f}")
    return "against signs: " + ", ".join(said)


def test_the_days_of_the_reference():
    """Section 6 reports 9 and 12 of 17; the control counts as a miss there, and here."""
    days = set(world.reference_moves().index)
    cases = [case for case in (*_cases(), *_cases("control")) if case.episode.date in days]
    cases = [case for case in cases if case.episode.id != "crypto-silver-2026-02-05"]
    signatures = candidates(known_legs())
    ten = {name: one for name, one in signatures.items() if name not in FAMILIES}
    for name, chosen in (("thirteen causes", signatures), ("the ten families", ten)):
        mapped = [_mapped(case, chosen) for case in cases]
        right = accuracy(mapped, by_signs(mapped, chosen, CLIP))
        hits = [
            right_within(case, ranking, 1)
            for case, ranking in zip(mapped, by_signs(mapped, chosen, CLIP), strict=True)
        ]
        control = [case.episode.kind == "control" for case in mapped]
        print("\n" + _line(name, right), "control named:", sum(np.array(hits) & control))
        missed = [
            f"{case.episode.id}: {', '.join(next(iter(one)) for one in ranking[:2])}"
            for case, ranking in zip(mapped, by_signs(mapped, chosen, CLIP), strict=True)
            if not right_within(case, ranking, 2)
        ]
        print("missed:", *missed, sep="\n  ")
    rule = weights()["contradiction"]
    lost = [
        case.episode.id
        for case in cases
        if case.labels <= set(contradicted_labels(case, signatures, rule))
    ]
    print(f"all labels contradicted: {len(lost)} of {len(cases)}: {', '.join(lost)}")
    assert len(cases) >= 17


def _mapped(case, chosen):
    labels = {label if label in chosen else FAMILIES.get(label, label) for label in case.labels}
    return replace(case, episode=replace(case.episode, label=" or ".join(sorted(labels))))


def test_bitcoin_by_the_days_that_passed_or_by_sessions():
    """The same ranking with the two volatilities of bitcoin, over the whole library."""
    signatures = candidates(known_legs())
    for name, by_session in (("by the days that passed (shipped)", False), ("by session", True)):
        market = world.real_market(by_session=by_session)
        moves = measure_moves(market, load_episodes(), known_legs(), 1)
        cases = _cases(moves=moves)
        ranked = by_signs(cases, signatures, CLIP)
        print("\n" + _line(name, accuracy(cases, ranked)))
        for case, ranking in zip(cases, ranked, strict=True):
            if "crypto-stress" in case.labels:
                place = [next(iter(one)) for one in ranking].index("crypto-stress") + 1
                print(f"  {case.episode.id}: crypto-stress at place {place}")


def test_how_often_a_large_day_is_like_an_episode():
    """The naive rule (any episode above its 95th percentile) beside the shipped one."""
    market, rules = world.real_market(), weights()
    legs = list(rules["analogs"]["assets"])
    rows = [row for row in world.large_days(market, legs, 0.05) if row > market.row(_SINCE)]
    episodes = load_episodes()
    anchors = {episode.id for episode in episodes if episode.anchor}
    naive = like = named = other = 0
    for row in rows:
        day = market.closes.index[row].date()
        # A day of the library, or one beside it, would be found near itself.
        apart = rules["analogs"]["apart_days"]
        far = [one for one in episodes if abs((one.date - day).days) > apart]
        found = find_analogs(market, row, 1, far, rules, episode_moves())
        naive += any(one.percentile >= 0.95 for one in found.analogs)
        like += bool(found.like)
        named += bool(set(found.like) & anchors)
        other += bool(set(found.like) - anchors)
    print(
        f"\n{len(rows)} large days since {_SINCE}: some episode above its 95th"
        f" {naive / len(rows):.0%}; shipped {like / len(rows):.0%}"
        f" (named beforehand {named / len(rows):.0%}, others {other / len(rows):.0%})"
    )
    assert like < naive
