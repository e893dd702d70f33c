"""What a new version changed: pieces that add up, and never too slowly."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.browse.changes import MOST_WORDS, changes

WORDS = st.lists(st.sampled_from(["ab", "cd", "ef", "gh"]), max_size=30).map(" ".join)


def only(found, *kinds):
    return "".join(text for kind, text in found if kind in kinds)


def test_a_changed_word_is_struck_out_beside_its_successor():
    assert changes("Gold fell today", "Gold rose today") == [
        ("same", "Gold "),
        ("removed", "fell"),
        ("added", "rose"),
        ("same", " today"),
    ]


@given(WORDS, WORDS)
def test_the_pieces_add_up_to_both_versions(old, new):
    found = changes(old, new)
    assert found == [] or only(found, "same", "added") == new
    assert found == [] or len(only(found, "same", "removed")) == len(old)
    assert (found == []) == (old == new)


def test_what_lies_far_from_a_change_is_skipped():
    far = "word " * 400
    found = changes(f"{far}old {far}", f"{far}new {far}")
    assert ("removed", "old") in found
    assert ("added", "new") in found
    assert [kind for kind, _ in found].count("skipped") == 2
    assert sum(len(text) for _, text in found) < 400


@pytest.mark.parametrize("variety", [2, 100, 130, 2000])
def test_a_text_made_to_be_slow_to_compare_is_not(variety):
    one = " ".join(str(n * n % variety) for n in range(MOST_WORDS // 2))
    other = " ".join(str((n * n + n) % variety) for n in range(MOST_WORDS // 2))
    began = time.process_time()
    changes(f"x {one}", f"y {other}")
    assert time.process_time() - began < 5


def test_a_very_long_change_is_shown_whole():
    one = " ".join(str(n) for n in range(MOST_WORDS))
    found = changes(f"a {one}", f"b {one[::-1]}")
    assert only(found, "removed").startswith("a 0 1")
    assert only(found, "added").startswith("b ")
