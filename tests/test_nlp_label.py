"""Labels of passages folded to those of a text, and the stage that stores them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np
import pytest

from nlp.label import Finding, label_items, summarise
from nlp.models import Models, Scores
from nlp.narratives import Taxonomy, load_taxonomy
from nlp.run import tag
from store import Store
from store.records import Asset, Document, Source

NOW = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
TAXONOMY = load_taxonomy()


class FakeModels:
    """Sees a narrative where its id is written, ``against`` after "no", and can be made to fail."""

    model_id = "fake:1"
    languages = frozenset({"en"})

    def __init__(self) -> None:
        self.asked: list[str] = []

    def score(self, texts: Sequence[str], taxonomy: Taxonomy) -> list[Scores]:
        self.asked += texts
        return [self._one(text, taxonomy) for text in texts]

    def _one(self, text: str, taxonomy: Taxonomy) -> Scores:
        if "explode" in text:
            raise RuntimeError("a text that breaks the model")
        present = np.array([0.9 if key in text else 0.1 for key in taxonomy.ids])
        stance = [0.1, 0.8, 0.1] if "no " in text else [0.7, 0.2, 0.1]
        stances = np.array([stance] * len(present))
        return Scores(present, np.full(len(present), 0.5), stances, float("because" in text))


def fake() -> Models:
    return cast(Models, FakeModels())


def finding(stance: Any, p: float, sure: float, causal: bool = False) -> Finding:
    stances = {"favor": (sure, 0.0, 1 - sure), "against": (0.0, sure, 1 - sure)}[stance]
    return Finding(
        narrative_id="tariffs", probability=p, stance=stance, stances=stances, causal=causal
    )


def test_probability_is_the_highest_and_stance_the_weighted_majority():
    (label,) = summarise(
        [("a", [finding("favor", 0.9, 0.6)]), ("b", [finding("against", 0.8, 0.9)])]
    )
    assert (label["probability"], label["stance"], label["quote"]) == (0.9, "against", "b")
    assert label["stance_probability"] == pytest.approx(0.72 / (0.72 + 0.54), abs=1e-4)


def test_a_causal_claim_outweighs_two_descriptions():
    described = ("described", [finding("favor", 0.9, 0.7)])
    (label,) = summarise(
        [described, described, ("denied", [finding("against", 0.8, 0.7, causal=True)])]
    )
    assert (label["stance"], label["quote"]) == ("against", "denied")


def test_items_come_back_in_order_each_with_labels_or_an_error():
    items: list[Any] = [
        {"id": 1, "text": "It was tariffs."},
        {"id": 2, "text": " "},
        {"id": 3, "title": "no inflation", "text": ""},
        {"id": 4, "text": 5},
        {"id": 5, "text": "准备金不足，流动性紧张。"},
        "nothing",
        {"id": 7, "text": "Birds sang."},
    ]
    rows = list(label_items(items, TAXONOMY, fake()))
    assert [row["id"] for row in rows] == [1, 2, 3, 4, 5, None, 7]
    assert [sorted(row) for row in rows].count(["error", "id"]) == 4
    assert rows[0]["labels"] == [
        {
            "narrative": "tariffs",
            "probability": 0.9,
            "stance": "favor",
            "stance_probability": 1.0,
            "quote": "It was tariffs.",
        }
    ]
    assert rows[2]["labels"][0]["stance"] == "against"
    assert "'zh' is not covered" in rows[4]["error"]
    assert rows[6]["labels"] == []


def document(key: str, title: str, text: str = "", language: str | None = None) -> Document:
    return Document(
        id=key.rjust(16, "0"),
        source_id="desk",
        guid=key,
        entry_key=key,
        url=None,
        canonical_url=None,
        title=title,
        text=text,
        author=None,
        language=language,
        published_at=NOW,
        first_seen_at=NOW,
        effective_at=NOW,
        date_source="feed",
        content_hash=(key * 32)[:32],
    )


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "t.db", create=True) as opened:
        opened.sources.sync([Source(id="desk", kind="feed", url="https://example.org/feed")])
        opened.assets.sync([Asset(id="GLD", name="gold", asset_class="metal")])
        run = opened.runs.begin("import", now=NOW)
        opened.documents.add(
            [
                document("a", "Gold falls", "It fell because of tariffs. Nobody saw inflation."),
                document("b", "准备金不足", "流动性紧张。", "zh"),
                document("c", "Bonds explode"),
                document("d", "A quiet day"),
            ],
            run.id,
        )
        yield opened


def test_a_run_stores_labels_that_are_substrings_and_names_what_it_cannot_do(store):
    report = tag(store, TAXONOMY, models=fake(), now=NOW)
    assert dict(report.counts) == {
        "tagged": 2,
        "untagged": 1,
        "failed": 1,
        "passages": 3,
        "labels": 2,
    }
    assert report.failures == 1
    assert any("'zh'" in note for note in report.notes)
    quotes = store.frames.quotes(["tariffs"], NOW, NOW.replace(day=NOW.day, hour=4))
    assert list(quotes["text"]) == ["It fell because of tariffs. Nobody saw inflation."]
    assert list(quotes["causal"]) == [True]


def test_a_second_run_has_nothing_to_do_and_adds_no_run(store):
    tag(store, TAXONOMY, models=fake(), now=NOW)
    again = FakeModels()
    report = tag(store, TAXONOMY, models=cast(Models, again), now=NOW)
    assert again.asked == []
    assert not any(report.counts.values())
    assert store.labels.pending_count("fake:1", TAXONOMY.version) == 0


def test_a_changed_taxonomy_labels_again(store, tmp_path):
    tag(store, TAXONOMY, models=fake(), now=NOW)
    mine = tmp_path / "mine.toml"
    mine.write_text('[[narrative]]\nid = "quiet"\nproposition = "Nothing happens."\n')
    report = tag(store, load_taxonomy(["default", mine]), models=fake(), now=NOW)
    assert report.counts["tagged"] == 2
    assert report.counts["labels"] == 3


def test_a_killed_run_goes_on_where_it_stopped(store, monkeypatch):
    monkeypatch.setattr("nlp.run.BATCH", 1)
    seen = 0

    def stop_after_two(items: Any, description: str, **options: Any) -> Any:
        nonlocal seen
        for item in items:
            if seen == 2:
                raise KeyboardInterrupt
            seen += 1
            yield item

    with pytest.raises(KeyboardInterrupt):
        tag(store, TAXONOMY, models=fake(), now=NOW, progress=stop_after_two)
    assert store.labels.pending_count("fake:1", TAXONOMY.version) == 2
    report = tag(store, TAXONOMY, models=fake(), now=NOW)
    assert sum(report.counts[key] for key in ("tagged", "untagged", "failed")) == 2
