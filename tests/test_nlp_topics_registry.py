"""Groups and the topics that stood: same, new, child, split, merged; and where stories belong."""

import numpy as np
import pytest

from nlp.topics.registry import (
    MOST_OUTSIDE,
    Drawing,
    Known,
    Matched,
    Place,
    centred,
    centres_of,
    match,
    places,
)

WIDTH = 6
AXES = np.eye(WIDTH, dtype=np.float32)


def known(*vectors):
    rows = np.array(vectors, dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return Known(ids=[f"t-{n}" for n in range(len(rows))], centres=rows)


def toward(first, second, cosine):
    """Return a unit vector with this cosine to the first axis, the rest along the second."""
    return (cosine * AXES[first] + np.sqrt(1 - cosine**2) * AXES[second]).astype(np.float32)


def matching(centres, labels, earlier, stood, stability=None):
    firm = np.full(len(centres), 0.9) if stability is None else np.array(stability)
    return match(np.array(centres), np.array(labels), firm, stood, earlier)


@pytest.mark.parametrize(
    ("cosine", "name", "kinds"),
    [(0.95, "t-0", []), (0.81, "t-0", []), (0.79, None, ["child"]), (0.66, None, ["child"]),
     (0.64, None, [])],
)  # fmt: skip
def test_a_group_is_the_topic_a_child_or_new_by_its_cosine(cosine, name, kinds):
    found = matching([toward(0, 1, cosine)], [0, 0], [None, None], known(AXES[0]))
    assert found.names == [name]
    assert [tie.kind for tie in found.ties] == kinds


def test_pairs_are_chosen_together_not_one_after_the_other():
    # The first group is nearest to t-0, but t-1 has no other group: Hungarian gives both one.
    stood = known(AXES[0], toward(0, 1, 0.9))
    groups = [toward(0, 1, 0.95), toward(0, 2, 0.98)]
    assert matching(groups, [0, 1], [None, None], stood).names == ["t-1", "t-0"]


def test_a_topic_that_comes_apart_keeps_its_id_in_one_part():
    stood = known(AXES[0])
    labels, earlier = [0] * 6 + [1] * 5, ["t-0"] * 11
    found = matching([AXES[0], toward(0, 1, 0.5)], labels, earlier, stood)
    assert found.names == ["t-0", None]
    (tie,) = found.ties
    assert (tie.kind, tie.number, tie.other_id, tie.stories) == ("split", 1, "t-0", 5)


def test_a_part_that_few_runs_found_stays_in_its_topic():
    labels, earlier = [0] * 6 + [1] * 5, ["t-0"] * 11
    groups = [AXES[0], toward(0, 1, 0.5)]
    found = matching(groups, labels, earlier, known(AXES[0]), stability=[0.9, 0.2])
    assert found == Matched(names=["t-0", "t-0"], ties=[])


def test_a_topic_whose_stories_joined_another_is_merged():
    stood = known(AXES[0], toward(0, 1, 0.85))
    labels, earlier = [0] * 8, ["t-0"] * 5 + ["t-1"] * 3
    found = matching([AXES[0]], labels, earlier, stood)
    assert found.names == ["t-0"]
    (tie,) = found.ties
    assert (tie.kind, tie.topic_id, tie.other_id, tie.stories) == ("merge", "t-1", "t-0", 3)


def test_a_topic_that_is_only_quiet_is_not_merged():
    stood = known(AXES[0], toward(0, 1, 0.5))
    assert matching([AXES[0]], [0] * 5, ["t-0"] * 5, stood).ties == []


def test_without_topics_or_groups_there_is_nothing_to_match():
    nothing = Known(ids=[], centres=np.zeros((0, WIDTH), np.float32))
    assert matching([AXES[0]], [0], [None], nothing) == Matched(names=[None], ties=[])
    empty = np.zeros((0, WIDTH), np.float32)
    assert matching(empty, [-1], ["t-0"], known(AXES[0])) == Matched(names=[], ties=[])


def drawing(*firm, apart=()):
    return Drawing(
        apart=np.array([n in apart for n in range(len(firm))]), firm=np.array(firm, dtype=bool)
    )


def core(name):
    return Place(topic_id=name, similarity=0.5, is_core=True)


def near(name):
    return Place(topic_id=name, similarity=0.5, is_core=False)


def test_a_story_keeps_its_topic_unless_its_group_split_off():
    rows = np.stack([AXES[1]] * 2)
    labels = np.array([0, 0])
    stood = known(AXES[0], AXES[1])
    kept = places(rows, labels, ["t-1"], drawing(True), [core("t-0"), None], stood)
    assert [one and one.topic_id for one in kept] == ["t-0", "t-1"]
    split = places(rows, labels, ["t-1"], drawing(True, apart={0}), [core("t-0"), None], stood)
    assert [one and one.topic_id for one in split] == ["t-1", "t-1"]


def test_a_story_that_was_only_near_goes_where_it_is_at_the_heart_of_a_firm_group():
    rows, stood = np.stack([AXES[1]]), known(AXES[0], AXES[1])
    for firm, name in ((True, "t-1"), (False, "t-0")):
        (found,) = places(rows, np.array([0]), ["t-1"], drawing(firm), [near("t-0")], stood)
        assert found is not None
        assert (found.topic_id, found.is_core) == (name, firm)


def test_the_nearest_are_taken_in_until_few_are_outside():
    rng = np.random.default_rng(0)
    rows = centred(rng.normal(size=(100, WIDTH)).astype(np.float32), np.zeros(WIDTH, np.float32))
    labels = np.where(np.arange(100) < 10, 0, -1)
    found = places(rows, labels, ["t-9"], drawing(True), [None] * 100, known(AXES[0]))
    outside = [n for n, one in enumerate(found) if one is None]
    assert len(outside) == MOST_OUTSIDE * 100
    taken = [one for one in found if one is not None and not one.is_core]
    centres = np.stack([centres_of(rows, labels, 1)[0], AXES[0]])
    best = (rows @ centres.T).max(axis=1)
    assert max(best[outside]) <= min(one.similarity for one in taken) + 1e-4
    # Said again about what was just said, nothing moves.
    stands = Known(ids=["t-0", "t-9"], centres=centres[::-1])
    again = places(rows, labels, ["t-9"], drawing(True), found, stands)
    assert [one and one.topic_id for one in again] == [one and one.topic_id for one in found]


def test_no_topic_at_all_leaves_everything_outside():
    nothing = Known(ids=[], centres=np.zeros((0, WIDTH), np.float32))
    rows = np.stack([AXES[0]] * 3)
    empty = Drawing(apart=np.zeros(0, bool), firm=np.zeros(0, bool))
    assert places(rows, np.full(3, -1), [], empty, [None] * 3, nothing) == [None] * 3


def test_a_topic_that_was_merged_takes_nothing_in():
    stood = known(AXES[0], AXES[1]).without({"t-1"})
    assert stood.ids == ["t-0"]
    rows = np.stack([AXES[1]] * 10)
    found = places(rows, np.full(10, -1), [], drawing(), [None] * 10, stood)
    assert {one.topic_id for one in found if one is not None} == {"t-0"}
