"""The versioned numbers hold together."""

import pytest

from align.catalogue import asset_words, signature_library, weights
from align.signatures import SIGNS
from nlp.narratives import load_taxonomy


def test_part_weights_sum_to_one():
    assert sum(weights()["parts"].values()) == pytest.approx(1.0)


def test_every_file_has_a_version():
    assert weights()["version"].startswith("weights.v")
    assert signature_library().version.startswith("signatures.v")


def test_signs_are_known_and_legs_are_defined():
    library = signature_library()
    for narrative in load_taxonomy():
        assert set(narrative.signature) <= set(library.legs), narrative.id
        assert set(narrative.signature.values()) <= set(SIGNS), narrative.id
        assert len(narrative.signature) >= len(library.legs) - 1, narrative.id
        assert narrative.core, narrative.id
    assert set(library.liquid) <= set(library.legs)
    assert not any("/" in leg or "-" in leg for leg in library.liquid)


def test_each_default_narrative_has_a_hard_series():
    assert set(weights()["hard"]["series"]) == set(load_taxonomy().ids)


def test_headline_assets_are_core_assets():
    words = asset_words()
    assert set(words.headline) <= set(words.core)
    assert set(words.core) - set(words.spoken) == set()
