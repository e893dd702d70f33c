"""Narratives of the user's own: found and judged without training."""

from pathlib import Path

import numpy as np
import pytest

from nlp.custom import Curve, Evidence, first_step, second_step
from nlp.encoder import load_default
from nlp.held_out import measure_subjects, subjects
from nlp.label import label_items
from nlp.models import load_models
from nlp.narratives import load_taxonomy
from nlp.statements import read_statements
from nlp.states import States, coverage, rarities, token_states
from nlp.train import TRAINING
from nlp.zero_shot import measure_reuters

ARCHIVE = Path("../shared/data/text")
# Subjects that no training passage is about.
OWN = """
[[narrative]]
id = "gas-glut"
proposition = "There is too much liquefied natural gas, and its price is falling."
[[narrative]]
id = "streaming"
proposition = "Video streaming services cannot make money."
[[narrative]]
id = "acme"
proposition = "Acme Bikes is losing its lead in electric bicycles."
[[narrative]]
id = "election"
proposition = "The coming election is paralysing investment."
"""
IDS = {"gas-glut", "streaming", "acme", "election"}


def states(*vectors: list[float]) -> States:
    tokens = np.array(vectors, dtype=np.float32)
    return States(np.arange(len(vectors)), tokens, tokens.mean(0))


def test_coverage_weighs_words_by_their_rarity():
    reference, passage = states([1.0, 0.0], [0.0, 1.0]), states([1.0, 0.0])
    assert coverage(passage, reference, np.array([3.0, 1.0], np.float32)) == pytest.approx(0.75)
    assert coverage(passage, reference, np.array([0.0, 0.0], np.float32)) == 0.0
    empty = States(
        np.array([], dtype=np.int64), np.zeros((0, 2), np.float32), np.zeros(2, np.float32)
    )
    assert coverage(empty, reference, np.array([1.0, 1.0], np.float32)) == 0.0


def test_a_token_in_every_document_weighs_next_to_nothing():
    rarity = rarities([np.array([0, 1]), np.array([0, 2]), np.array([0])], vocabulary=4)
    assert rarity[0] < 0.2 < rarity[1] == rarity[2] < rarity[3]


def test_the_steps_are_plain_sums():
    weights = {"similarity": 2.0, "coverage": 1.0, "keywords": 0.5, "offset": -1.0}
    evidence = Evidence(np.array([0.5]), np.array([0.25]), np.array([2.0]))
    assert first_step(evidence, weights) == pytest.approx([1.25])
    second = second_step(
        np.array([1.0]), np.array([2.0]), {"first": 1.0, "relevance": 2.0, "offset": -1.0}
    )
    assert second == pytest.approx([4.0])
    assert Curve(first=weights, bare=weights, ask=0.1, second={}, threshold=0.5).ask == 0.1


@pytest.mark.model
def test_states_come_back_for_every_text_alone_or_together():
    encoder = load_default()
    texts = ["Gold fell.", "The dollar rose after the Fed held rates.", "Nothing"]
    together = dict(token_states(encoder, texts))
    assert sorted(together) == [0, 1, 2]
    for place, text in enumerate(texts):
        ((_, alone),) = token_states(encoder, [text])
        np.testing.assert_allclose(alone.tokens, together[place].tokens, atol=1e-5)
        assert len(alone.ids) == len(alone.tokens)


@pytest.mark.model
def test_four_narratives_in_one_line_each(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text(OWN)
    expected = {
        "LNG cargoes are circling without a buyer as new export plants flood the market.": (
            "gas-glut", "favor"),
        "Utilities in Asia bid up every spot cargo of LNG; there is no surplus of gas anywhere.": (
            "gas-glut", "against"),
        "The video service lost another 300 million on shows that nobody streamed.": (
            "streaming", "favor"),
        "Acme Bikes sold more electric bicycles last quarter than its two rivals together.": (
            "acme", "against"),
        "Boards have shelved their factory plans until they know who wins in November.": (
            "election", "favor"),
    }  # fmt: skip
    items = [
        {"id": text, "text": text} for text in (*expected, "The choir sang in the old church.")
    ]
    right = 0
    for row in label_items(items, load_taxonomy(["default", mine]), load_models()):
        own = {x["narrative"]: x["stance"] for x in row["labels"] if x["narrative"] in IDS}
        if row["id"] not in expected:
            assert own == {}
            continue
        narrative, stance = expected[row["id"]]
        assert narrative in own, row
        right += own[narrative] == stance
    assert right >= 3, "stance on unseen subjects: docs/evaluation.md"


@pytest.mark.model
def test_subjects_that_no_fit_has_seen():
    models = load_models()
    held = subjects(read_statements(TRAINING / "propositions.jsonl"))
    background = ["The council approved the plan.", "Shares ended little changed.", "It rained."]
    figures = measure_subjects(models.custom, models.pairs, held, background)
    print(figures)
    assert figures["stance_macro_f1"] > figures["stance_always_favor"] + 0.2
    assert figures["average_precision"] > 0.35


@pytest.mark.model
@pytest.mark.skipif(not ARCHIVE.is_dir(), reason="the archives are not at hand")
def test_reuters_topics_from_propositions_alone_beat_plain_cosine():
    result = measure_reuters(ARCHIVE, load_models(), others=400)
    print(result)
    assert result["average_precision"]["macro"] >= result["cosine"]["macro"] + 0.1
