"""Where texts lie: rewordings near, other stories on the same narrative further off."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nlp.encoder import Encoder
from nlp.models import Models, ModelSettings, load_models
from nlp.multilingual import available
from nlp.narratives import Taxonomy, load_taxonomy
from nlp.space import WORDS, Words, pack
from nlp.tuned import place_texts
from tests.test_nlp_models import fresh, tiny

# What `align/weights.toml` calls a repeat, measured on headlines (docs/benchmarks.md).
REPEAT = 0.83
TAXONOMY = load_taxonomy()


# -- with a network of random weights -----------------------------------------------


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    from transformers import BertConfig, BertModel

    torch.manual_seed(4)
    config = BertConfig(
        vocab_size=300, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32,
    )  # fmt: skip

    def tokenize(texts: Any) -> list[list[int]]:
        return [[1, *(3 + byte for byte in text.encode()), 2] for text in texts]

    return Encoder("tiny", BertModel(config, add_pooling_layer=False).eval(), tokenize, 16, "cpu")


@pytest.fixture(scope="module")
def words(encoder: Encoder) -> Words:
    rarity = np.ones(300, dtype=np.float32)
    rarity[[1, 2, 3 + ord(" ")]] = 0.0
    return Words.of(encoder.network, rarity)


def test_vectors_have_length_one_and_both_parts_their_share(encoder, words):
    plain = place_texts(encoder, ["gold fell", "oil"])
    both = place_texts(encoder, ["gold fell", "oil"], words)
    assert (plain.shape, both.shape) == ((2, 16), (2, 32))
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(plain, axis=1), 1.0, atol=1e-6)
    share = np.linalg.norm(both[:, 16:], axis=1) / np.linalg.norm(both[:, :16], axis=1)
    np.testing.assert_allclose(share, WORDS, atol=1e-5)
    np.testing.assert_allclose(both[:, :16] * np.sqrt(1 + WORDS**2), plain, atol=1e-6)


def test_the_words_part_counts_rare_tokens_in_any_order(encoder, words):
    one, turned, other = place_texts(encoder, ["ab cd", "cd ab", "xy zz"], words)[:, 16:]
    np.testing.assert_allclose(one, turned, atol=1e-6)
    assert one @ other < 0.9 * (one @ one)


def test_neighbours_in_a_batch_do_not_move_a_text(encoder, words):
    texts = ["gold", "a longer text about oil", "x"]
    together = place_texts(encoder, texts, words)
    for place, text in enumerate(texts):
        np.testing.assert_allclose(
            place_texts(encoder, [text], words)[0], together[place], atol=1e-5
        )


def test_a_text_of_common_tokens_alone_is_finite(encoder, words):
    assert np.isfinite(place_texts(encoder, [" ", ""], words)).all()


def test_a_document_lies_where_its_lead_does_however_long_it_is():
    """The naive mean over all passages brings long documents together, whatever they report."""
    rng = np.random.default_rng(8)
    theme = rng.normal(size=64)
    one, other = (theme + 2 * rng.normal(size=(30, 64)) for _ in range(2))

    def near(left: bytes, right: bytes) -> float:
        a, b = (np.frombuffer(each, np.int8).astype(float) for each in (left, right))
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    naive = near(pack([one.mean(axis=0)]), pack([other.mean(axis=0)]))
    assert pack(list(one)) == pack(list(one[:2]))
    assert naive > 0.8
    assert near(pack(list(one)), pack(list(other))) < 0.6


# -- with the shipped weights -------------------------------------------------------


@pytest.fixture(scope="module")
def models() -> Models:
    return load_models(ModelSettings())


def cosine(models: Models, one: str, other: str, language: str = "en") -> float:
    left, right = (
        np.frombuffer(pack([score.vector]), np.int8).astype(float)
        for score in models.score([one, other], TAXONOMY, language)
        if score.vector is not None
    )
    return float(left @ right / np.linalg.norm(left) / np.linalg.norm(right))


@pytest.mark.model
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "Fed holds key interest rate steady as economic view improves",
            "Fed keeps its key interest rate steady as the economic outlook improves",
        ),
        (
            "Sony raises PlayStation prices in U.S. as tariffs start to hit",
            "Sony is raising the U.S. price of the PlayStation as tariffs hit",
        ),
    ],
)
def test_two_wordings_of_one_story_are_a_repeat(models, one, other):
    assert cosine(models, one, other) >= REPEAT


@pytest.mark.model
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Gold falls nine per cent in a day", "A bakery in Lisbon wins a prize for its bread"),
        (
            "White House threatens 50% tariffs on copper",
            "Brussels offers to lift duties on American cars in return for a truce",
        ),
        (
            "Trump moves to fire a Fed governor over mortgage papers",
            "Supreme Court weighs whether regulators can be dismissed at will",
        ),
    ],
)
def test_another_story_is_none_even_on_the_same_narrative(models, one, other):
    assert cosine(models, one, other) < REPEAT


@pytest.mark.model
def test_the_pass_that_labels_and_the_one_that_only_places_agree(models):
    texts = ["Fed cuts rates by half a point", "Birds sang.", "Oil jumps after missiles hit"]
    scored = [score.vector for score in fresh(models).score(texts, TAXONOMY)]
    np.testing.assert_allclose(
        np.array(scored, dtype=float), np.array(models.place(texts), dtype=float), atol=2e-3
    )


@pytest.mark.model
@pytest.mark.skipif(not available(), reason="the multilingual encoder is not installed")
def test_chinese_has_a_space_of_its_own(models):
    near = cosine(models, "美联储维持利率不变", "美联储宣布利率保持不变", "zh")
    assert near > cosine(models, "美联储维持利率不变", "孩子们在公园里放风筝", "zh") + 0.05


@pytest.mark.model
def test_a_users_encoder_places_texts_in_its_own_pass(tmp_path: Path):
    models = load_models(ModelSettings(encoder=tiny(tmp_path, "encoder")))
    (score,) = models.score(["Fed cuts rates"], TAXONOMY)
    assert score.vector is None
    assert models.place(["Fed cuts rates"])[0].shape == (32,)


@pytest.mark.model
def test_narratives_without_heads_leave_the_vector_to_the_second_pass(models, tmp_path: Path):
    mine = tmp_path / "mine.toml"
    mine.write_text('[[narrative]]\nid = "quiet"\nproposition = "Nothing happens."\n')
    alone: Taxonomy = load_taxonomy([mine])
    (score,) = fresh(models).score(["A quiet day"], alone)
    assert score.vector is None
    (both,) = fresh(models).score(["A quiet day"], load_taxonomy(["default", mine]))
    np.testing.assert_allclose(
        np.array(both.vector, float), np.array(models.place(["A quiet day"])[0], float), atol=2e-3
    )
