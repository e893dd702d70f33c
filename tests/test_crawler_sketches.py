import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crawler import sketches
from crawler.sketches import Shingler, Sketches, common, normalise


@given(st.text(st.characters(max_codepoint=127)))
def test_words_of_ascii_are_those_of_the_expression(text):
    assert normalise(text) == re.findall(r"\w+", text.casefold())


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)))
def test_what_two_have_in_common(first, second):
    arrays = [np.array(sorted(values), np.uint64) for values in (first, second)]
    assert common(*arrays) == len(first & second)


def test_shingles_do_not_depend_on_what_was_read_before(monkeypatch):
    words = [f"w{number}" for number in range(40)]
    fresh = Shingler().shingles("", words)
    monkeypatch.setattr(sketches, "_VOCABULARY", 50)
    used = Shingler()
    for start in range(0, 400, 40):
        used.shingles("", [f"other{number}" for number in range(start, start + 40)])
    assert np.array_equal(used.shingles("", words), fresh)
    assert len(fresh) == 38
    assert not np.array_equal(used.shingles("", words[::-1]), fresh)


def test_only_new_texts_ask_and_only_earlier_ones_answer():
    shingles = Shingler().shingles("", [f"w{number}" for number in range(200)])
    kept = Sketches()
    for number in range(4):
        kept.add(number, shingles, None)
    assert {later: sorted(first) for later, first in kept.pairs(2).items()} == {
        2: [0, 1],
        3: [0, 1, 2],
    }


def test_a_thousand_equal_sketches_make_few_pairs():
    shingles = Shingler().shingles("", [f"w{number}" for number in range(200)])
    kept = Sketches()
    for number in range(1000):
        kept.add(number, shingles, b"one title")
    pairs = kept.pairs(0)
    assert max(map(len, pairs.values())) <= 13
    assert all(0 in earlier for earlier in pairs.values())
