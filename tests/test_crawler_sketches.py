import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crawler.sketches import Sketches, _powers, _word_hashes, common, normalise, shingles


@given(st.text(st.characters(max_codepoint=127)))
def test_words_of_ascii_are_those_of_the_expression(text):
    assert normalise(text) == re.findall(r"\w+", text.casefold())


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)))
def test_what_two_have_in_common(first, second):
    arrays = [np.array(sorted(values), np.uint64) for values in (first, second)]
    assert common(*arrays) == len(first & second)


@given(
    st.lists(st.text(st.characters(exclude_characters=" ", exclude_categories=["Cs"]), min_size=1))
)
def test_a_word_has_one_hash_wherever_it_stands(words):
    hashes = _word_hashes(["before", *words, "after"])
    assert len(hashes) == len(words) + 2
    assert hashes[1:-1].tolist() == [_word_hashes([word])[0] for word in words]
    assert len(set(hashes.tolist())) == len({"before", *words, "after"})


def test_shingles_are_of_words_in_their_order():
    words = [f"w{number}" for number in range(40)]
    assert len(shingles("", words)) == 38
    assert not np.array_equal(shingles("", words), shingles("", words[::-1]))
    assert len(shingles("", words[:19])) == 0


def test_texts_of_mixed_length_share_the_powers_of_each_size():
    lengths = [20 * 2**doubling for doubling in range(10)]
    _powers.cache_clear()
    for _ in range(3):
        for length in lengths:
            shingles("", ["word"] * length)
    # Two bases for each size, made once.
    assert _powers.cache_info().misses == 2 * len(lengths)


def test_only_new_texts_ask_and_only_earlier_ones_answer():
    same = shingles("", [f"w{number}" for number in range(200)])
    kept = Sketches()
    for number in range(4):
        kept.add(number, same, None)
    assert {later: sorted(first) for later, first in kept.pairs(2).items()} == {
        2: [0, 1],
        3: [0, 1, 2],
    }


def test_a_thousand_equal_sketches_make_few_pairs():
    same = shingles("", [f"w{number}" for number in range(200)])
    kept = Sketches()
    for number in range(1000):
        kept.add(number, same, b"one title")
    pairs = kept.pairs(0)
    assert max(map(len, pairs.values())) <= 13
    assert all(0 in earlier for earlier in pairs.values())
