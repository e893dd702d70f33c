"""How often labels are wrong: counted at the thresholds, stored with the labels."""

import json
import shutil
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pytest

from nlp.calibrate import Calibration
from nlp.errors import ModelNotFoundError
from nlp.examples import Example
from nlp.models import Models, ModelSettings, error_rates
from nlp.narratives import load_taxonomy
from nlp.rates import FILE, count_errors, read_rates
from nlp.run import tag
from nlp.tuned import WEIGHTS, Tagger, weights_digest
from store import Store
from store.records import ErrorCounts, Source
from tests.test_nlp_label import NOW, FakeModels, document

TAXONOMY = load_taxonomy()


@dataclass
class Said:
    presence: Any


class FixedTagger:
    """Gives each text the probabilities that it spells out."""

    ids = ("gold", "oil")
    calibration = Calibration(np.ones(2), np.zeros(2), np.array([0.5, 0.3]))

    def run(self, texts: list[str]) -> Said:
        return Said(np.array([[float(part) for part in text.split()] for text in texts]))


def example(text: str, *labels: str, pool: str = "own") -> Example:
    return Example(id=text, text=text, labels=dict.fromkeys(labels, "favor"), pool=pool)


def counts(examples: list[Example]) -> list[tuple[int, ...]]:
    found = count_errors(examples, cast(Tagger, FixedTagger()))
    return [
        (one.positives, one.true_positives, one.negatives, one.false_positives) for one in found
    ]


def test_each_narrative_is_counted_at_its_own_threshold():
    assert counts(
        [
            example("0.49996 0.2", "gold"),  # 0.5 once rounded, as when it labels
            example("0.4 0.3", "gold", "oil"),
            example("0.6 0.31"),
            example("0.1 0.1"),
        ]
    ) == [(2, 1, 2, 1), (1, 1, 3, 1)]


def test_false_positives_are_counted_where_passages_were_drawn_at_random():
    chosen = [example("0.9 0.1") for _ in range(50)] + [example("0.9 0.9", "gold", "oil")]
    drawn = [example("0.9 0.1", pool="sample")] + [example("0.1 0.1", pool="sample")] * 199
    assert counts(chosen + drawn) == [(1, 1, 200, 1), (1, 1, 200, 0)]
    assert counts(chosen + drawn[:100])[0] == (1, 1, 150, 51), "too few to stand for the news"


def test_the_shipped_counts_are_of_the_shipped_weights():
    found = read_rates(WEIGHTS)
    assert {(one.narrative_id, one.language) for one in found} == {
        (key, language) for key in TAXONOMY.ids for language in ("en", "zh")
    }
    for one in found:
        if one.language == "en":
            assert one.positives >= 50
            assert one.true_positives / one.positives > one.false_positives / one.negatives + 0.5


def test_counts_of_other_weights_are_no_counts(tmp_path):
    shutil.copy(WEIGHTS / "config.json", tmp_path)
    assert read_rates(tmp_path) == []
    shutil.copy(WEIGHTS / FILE, tmp_path)
    assert read_rates(tmp_path) == []
    found = json.loads((tmp_path / FILE).read_text()) | {"weights": weights_digest(tmp_path)}
    (tmp_path / FILE).write_text(json.dumps(found))
    assert len(read_rates(tmp_path)) == 24
    (tmp_path / FILE).write_text('{"weights": "x"}')
    with pytest.raises(ModelNotFoundError, match="--part rates"):
        read_rates(tmp_path)


def test_a_foreign_encoder_has_none_and_a_foreign_stance_model_keeps_them():
    assert error_rates(ModelSettings(encoder="some/model")) == []
    assert len(error_rates(ModelSettings(stance="some/model"))) == 24


def some(key: str, language: str = "en", hits: int = 8) -> ErrorCounts:
    return ErrorCounts(
        narrative_id=key, language=language, positives=10, true_positives=hits, negatives=90,
        false_positives=1,
    )  # fmt: skip


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "t.db", create=True) as opened:
        opened.sources.sync([Source(id="desk", kind="feed", url="https://example.org/feed")])
        opened.documents.add([document("a", "Gold")], opened.runs.begin("import", now=NOW).id)
        yield opened


def night(
    store: Store, *rates: ErrorCounts, files: Any = ("default",), model: str = "fake:1"
) -> None:
    models = FakeModels()
    models.rates, models.model_id = rates, model
    tag(store, load_taxonomy(files), models=cast(Models, models), now=NOW)


def test_the_newest_tagging_says_whose_rates_count(store, tmp_path):
    assert store.frames.rates().empty
    night(store, some("tariffs"), some("tariffs", "zh"), some("inflation", hits=5))
    (inflation, tariffs) = store.frames.rates().itertuples(index=False)
    assert tuple(tariffs) == ("tariffs", 10, 8, 90, 1)
    assert inflation.true_positives == 5
    mine = tmp_path / "mine.toml"
    mine.write_text('[[narrative]]\nid = "quiet"\nproposition = "Nothing happens."\n')
    night(store, some("tariffs"), some("quiet"), files=("default", mine), model="fake:2")
    assert list(store.frames.rates()["narrative_id"]) == ["tariffs"], "custom ones have no head"
    assert store.db["rates"].count == 4


def test_rates_are_written_once_and_replaced_when_they_are_counted_anew(store):
    night(store, some("tariffs"), some("inflation"))
    changes = store.db.conn.total_changes
    night(store, some("tariffs"), some("inflation"))
    assert store.db.conn.total_changes == changes
    night(store, some("tariffs", hits=9))
    assert store.frames.rates().to_numpy().tolist() == [["tariffs", 10, 9, 90, 1]]
