"""Words and labels of groups: planted words, BERTopic's numbers, hostile texts, Chinese."""

import logging

import numpy as np
import pytest

from nlp.topics.coherence import npmi
from nlp.topics.words import _chosen, _label, _surfaces, _words, describe

CREDIT = ["lenders", "collateral", "subprime", "auditors"]
PORTS = ["harbour", "cranes", "vessels", "docks"]
CHIPS = ["wafer", "foundry", "lithography", "etching"]


def told(words, n, seed=0):
    """Return texts of three of the words each, and two that no other text has."""
    rng = np.random.default_rng(seed)
    return [
        " ".join([*rng.permutation(words)[:3], f"odd{seed}x{number}", f"one{seed}y{number}"])
        for number in range(n)
    ]


def described(texts, labels, language="en"):
    rows = np.random.default_rng(0).normal(size=(len(texts), 8)).astype(np.float32)
    return describe(texts, np.asarray(labels), rows, language=language)


def test_each_group_has_its_own_words_whatever_numbers_bertopic_gives():
    # BERTopic numbers by size: two groups of one size, and the largest last, mix its numbers up.
    parts = [told(CREDIT, 12, 1), told(PORTS, 12, 2), told(CHIPS, 30, 3), told(PORTS, 5, 4)]
    labels = np.repeat([0, 1, 2, -1], [len(part) for part in parts])
    order = np.random.default_rng(8).permutation(len(labels))
    texts = np.array([text for part in parts for text in part])[order].tolist()
    found = described(texts, labels[order])
    assert sorted(found) == [0, 1, 2]
    for number, own in enumerate((CREDIT, PORTS, CHIPS)):
        words = [word for word, _ in found[number].words]
        assert set(words[:4]) == set(own)
        assert set(found[number].label.split(", ")) == set(own)
        assert len(words) <= 10
        assert all(weight > 0 for _, weight in found[number].words)


def test_a_group_without_outliers_and_a_lone_group_are_described():
    (found,) = described(told(CREDIT, 10), [0] * 10).values()
    assert {word for word, _ in found.words[:4]} == set(CREDIT)
    assert described(told(CREDIT, 4), [-1] * 4) == {}


def test_words_that_are_told_together_come_before_one_that_stands_alone():
    pairs = [("rates", 0.5), ("lonely", 0.45), ("inflation", 0.4)]
    column = {"rates": 0, "lonely": 1, "inflation": 2}
    from scipy.sparse import csr_matrix

    present = csr_matrix(np.array([[1, 0, 1]] * 6 + [[0, 1, 0]] * 6, dtype=np.float64))
    assert [word for word, _ in _chosen(pairs, column, present)] == ["rates", "inflation", "lonely"]
    assert _chosen([], column, present) == []


def test_a_label_is_written_as_most_stories_write_it():
    texts = ["Mamdani wins", "Mamdani’s race", "MAMDANI", "race race", "Race"]
    surfaces = _surfaces(texts, np.zeros(5, dtype=np.int64))[0]
    assert _label(["mamdani", "race"], surfaces) == "Mamdani, race"
    assert _label([], surfaces) == "no words"


@pytest.mark.parametrize("text", ["🎉🎉 🚀🚀", "", "   ", "12 % 2026 -- !!", "the of and", "a b c"])
def test_texts_without_a_word_are_groups_without_words(text):
    found = described([text] * 40, np.repeat([0, 1], 20))
    assert {n: (one.label, list(one.words), one.npmi) for n, one in found.items()} == {
        0: ("no words", [], None),
        1: ("no words", [], None),
    }


def test_many_texts_that_share_no_word_are_groups_without_words():
    letters = "abcdefghij"
    texts = ["w" + "".join(letters[int(c)] for c in f"{n:04}") for n in range(600)]
    assert described(texts, np.repeat([0, 1], 300))[1].label == "no words"


def test_hostile_texts_are_words_and_nothing_more():
    texts = [
        r"\d+ [a-z]* (lenders|fraud) emptydoc <script>alert(1)</script> $1 C++ U.S. T.co",
        "lenders’ fraud ''' \"\"\" \x00\x1b[2J \u202efraud {0} %s __class__ a_b",
        "x" * 9000 + " lenders fraud",
    ] * 8
    (found,) = described(texts, [0] * 24).values()
    words = {word for word, _ in found.words}
    assert {"lenders", "fraud"} <= words
    assert all(1 < len(word) <= 40 for word in words)
    assert not any(mark in found.label for mark in '<>\x00\x1b\u202e"{}()[]|\\%$')
    assert len(found.label) < 4 * 42


def test_scripts_are_mixed_without_a_break():
    texts = ["தமிழ் செய்தி lenders", "Ünïcode größe lenders", "рынок акций lenders", "市场 lenders"]
    (found,) = described(texts * 6, [0] * 24).values()
    assert "lenders" in {word for word, _ in found.words}


def test_chinese_is_told_by_pairs_of_characters():
    texts = ["央行降息 A股上涨 BYD", "央行再度降息"] * 10 + ["黄金价格下跌", "黄金走低 gold"] * 10
    found = described(texts, np.repeat([0, 1], 20), language="zh")
    assert {"央行", "降息"} <= {word for word, _ in found[0].words}
    assert "黄金" in {word for word, _ in found[1].words}
    assert all(len(word) == 2 or word.isascii() for word, _ in found[0].words)
    assert described(["央行降息"] * 20, [0] * 20)[0].label == "no words"  # said to be English


def test_words_are_bare_and_say_something():
    assert _words("The Fed’s U.S. rate-cut, and it's 2026; AT&T B x") == [
        "fed",
        "u.s",
        "rate-cut",
        "at&t",
    ]


def test_coherence_is_that_of_its_definition():
    from scipy.sparse import csr_matrix

    present = csr_matrix(np.array([[1, 1], [1, 1], [1, 0], [0, 0]], dtype=np.float32))
    # p(a) = 3/4, p(b) = 1/2, p(ab) = 1/2: log(4/3) / log(2)
    assert npmi(["a", "b"], {"a": 0, "b": 1}, present) == pytest.approx(np.log(4 / 3) / np.log(2))


def test_bertopic_says_nothing(capfd):
    described(told(CREDIT, 10), [0] * 10)
    logging.getLogger("BERTopic").warning("what it says of its own settings")
    assert capfd.readouterr() == ("", "")
