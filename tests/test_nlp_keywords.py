"""Keyword evidence, asset names, and the measures."""

import numpy as np
import pytest

from nlp.assets import entities, link_assets
from nlp.features import keyword_features
from nlp.keywords import count_hits
from nlp.metrics import calibration_error, f1, kappa, stance_macro
from nlp.narratives import load_taxonomy


@pytest.mark.parametrize(
    ("text", "words", "hits"),
    [
        ("Tariffs and more TARIFFS", ["tariff*"], 1),
        ("a tariff, then tariffs", ["tariff*"], 2),
        ("rate  cuts are near", ["rate cut*"], 1),
        ("the warden spoke", ["war"], 0),
        ("S&P and C++", ["C++"], 1),
        ("anything", [], 0),
    ],
)
def test_hits_are_whole_words_and_distinct(text, words, hits):
    assert count_hits(text, words) == hits


def test_cues_count_only_beside_a_keyword():
    taxonomy = load_taxonomy()
    place = taxonomy.ids.index("tariffs")
    features = keyword_features(["A deal was signed", "Tariffs: a deal was signed"], taxonomy)
    assert features[0, place].tolist() == [0.0, 0.0]
    assert (features[1, place] > 0).all()


def test_longest_name_wins_and_case_matters_for_words_that_are_names():
    found = [(m.ticker, m.text) for m in link_assets("$BTC, gold futures, Apple and an apple")]
    assert found == [("BTC", "$BTC"), ("GLD", "gold futures"), ("AAPL", "Apple")]


def test_only_configured_assets_get_an_id():
    rows = entities("d1", ["Nvidia and bitcoin", "Bitcoin again"], {"BTC"})
    assert {(row.text, row.asset_id, row.count) for row in rows} == {
        ("Nvidia", None, 1),
        ("bitcoin", "BTC", 2),
    }


def test_measures_by_hand():
    truth, said = np.array([True, True, False, False]), np.array([True, False, True, False])
    assert f1(truth, said) == pytest.approx(0.5)
    assert f1(np.array([False]), np.array([False])) == 0.0
    # favor: 1 of 1 found, one false; against missed; none right.
    assert stance_macro(np.array([0, 1, 2]), np.array([0, 0, 2])) == pytest.approx(
        (2 / 3 + 0 + 1) / 3
    )
    assert calibration_error(np.array([0.25, 0.25]), np.array([True, False])) == pytest.approx(0.25)


def test_kappa_of_the_textbook_table():
    # Cohen (1960) form: 45 yes-yes, 15 yes-no, 25 no-yes, 15 no-no: kappa 0.1304.
    first = ["y"] * 60 + ["n"] * 40
    second = ["y"] * 45 + ["n"] * 15 + ["y"] * 25 + ["n"] * 15
    assert kappa(first, second) == pytest.approx(0.1304, abs=1e-4)
