"""Training from a handful of passages: it runs, writes what loads, and repeats itself."""

import json
import shutil
from pathlib import Path

import pytest

from nlp.card import model_card
from nlp.errors import TrainingError
from nlp.examples import split_of
from nlp.fit_pairs import PairSettings
from nlp.fitting import TrainSettings
from nlp.models import ModelSettings, load_models
from nlp.multilingual import available
from nlp.narratives import load_taxonomy
from nlp.public_pairs import public_pairs
from nlp.rates import FILE
from nlp.statements import from_examples, read_statements, read_wordings
from nlp.train import TRAINING, load_examples, train
from nlp.tuned import weights_digest

pytestmark = pytest.mark.model
TAXONOMY = load_taxonomy()
TINY = TrainSettings(epochs=1)
TINY_PAIRS = PairSettings(epochs=1)
LABELS = Path("../shared/data/labels")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory) -> Path:
    """Four passages of every narrative, as examples of the shipped file have them."""
    folder: Path = tmp_path_factory.mktemp("labelled")
    items = [
        {"text": text, "labels": {narrative.id: "favor" if place < 4 else "against"}}
        for narrative in TAXONOMY
        for place, text in enumerate(narrative.examples)
    ]
    assert {split_of(str(item["text"])) for item in items} == {"train", "dev", "test"}
    lines = "\n".join(map(json.dumps, items))
    (folder / "passages_a.jsonl").write_text(lines, encoding="utf-8")
    written = (TRAINING / "propositions.jsonl").read_text(encoding="utf-8").splitlines()
    (folder / "propositions.jsonl").write_text("\n".join(written[::40]), encoding="utf-8")
    shutil.copy(TRAINING / "wordings.toml", folder)
    return folder


def run(labelled: Path, folder: Path, *parts: str) -> dict[str, object]:
    return train(
        folder=folder,
        labelled=labelled,
        parts=parts,
        settings=TINY,
        pair_settings=TINY_PAIRS,
        report=lambda line: None,
    )


def test_trained_weights_load_and_label(labelled, tmp_path):
    about = run(labelled, tmp_path, "english", "pairs")
    assert set(about) == {"english", "pairs"}
    models = load_models(ModelSettings(encoder=str(tmp_path)))
    assert models.model_id.split(":")[1] == weights_digest(tmp_path)[:8]
    (score,) = models.score(["Fed cuts rates by half a point"], TAXONOMY)
    assert score.presence.shape == (12,)
    assert models.languages == {"en"}, "no multilingual part was trained"
    assert "- english: " in model_card(tmp_path)
    counted = (tmp_path / FILE).read_bytes()
    assert [one.narrative_id for one in models.rates] == TAXONOMY.ids
    (tmp_path / FILE).unlink()
    assert run(labelled, tmp_path, "rates") == {}
    assert (tmp_path / FILE).read_bytes() == counted


def test_training_twice_gives_the_same_weights(labelled, tmp_path):
    for name in ("one", "two"):
        run(labelled, tmp_path / name, "english")
    first, second = (tmp_path / name / "english.safetensors" for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.skipif(not available(), reason="the multilingual encoder is not installed")
@pytest.mark.slow
def test_the_multilingual_part_trains(labelled, tmp_path):
    run(labelled, tmp_path, "english", "multilingual")
    assert load_models(ModelSettings(encoder=str(tmp_path))).languages == {"en", "zh"}


def test_the_public_stage_needs_public_pairs(labelled, tmp_path):
    with pytest.raises(TrainingError, match="give --data with labels/"):
        run(labelled, tmp_path, "start")


@pytest.mark.skipif(not LABELS.is_dir(), reason="the public stance sets are not at hand")
def test_public_pairs_leave_out_tweets_and_non_commercial_sets():
    pairs = public_pairs(LABELS, seed=7)
    assert len(pairs) > 60_000
    assert {pair.stance for pair in pairs} == {"favor", "against", "none"}
    assert all(pair.relevant is None for pair in pairs)


def test_an_opposite_proposition_turns_the_stance_round():
    wordings = read_wordings(TRAINING / "wordings.toml")
    assert set(wordings) == set(TAXONOMY.ids)
    (example, *_) = [e for e in load_examples() if e.labels == {"inflation": "favor"}]
    drawn = [s for seed in range(40) for s in from_examples([example], TAXONOMY, wordings, seed)]
    opposite = {s.stance for s in drawn if s.proposition in wordings["inflation"].opposite}
    same = {s.stance for s in drawn if s.proposition in wordings["inflation"].same}
    assert (opposite, same) == ({"against"}, {"favor"})
    assert {s.relevant for s in drawn if s.stance is None} == {False}


def test_a_subject_and_its_reverse_are_never_split():
    splits: dict[str, set[str]] = {}
    for statement in read_statements(TRAINING / "propositions.jsonl"):
        splits.setdefault(statement.subject, set()).add(statement.split)
    assert all(len(found) == 1 for found in splits.values())
    assert sum(found == {"test"} for found in splits.values()) >= 10


def test_a_line_that_is_no_statement_is_named(tmp_path):
    path = tmp_path / "propositions.jsonl"
    path.write_text('{"proposition": "x"}', encoding="utf-8")
    with pytest.raises(TrainingError, match="line 1 of"):
        read_statements(path)
