"""Labels of passages folded to those of a text, and the stage that stores them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np
import pytest

from nlp.label import Finding, label_items, summarise
from nlp.models import Models, Scores
from nlp.narratives import Taxonomy, load_taxonomy
from nlp.run import tag
from nlp.tagger import Tagger
from store import Store
from store.records import Asset, Document, ErrorCounts, Source

NOW = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
TAXONOMY = load_taxonomy()


class FakeModels:
    """Sees a narrative where its id is written, ``against`` after "no", and can be made to fail."""

    model_id = "fake:1"
    languages = frozenset({"en"})
    rates: tuple[ErrorCounts, ...] = ()

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.placed: list[str] = []
        self.narratives: list[tuple[str, ...]] = []

    def score(self, texts: Sequence[str], taxonomy: Taxonomy, language: str = "en") -> list[Scores]:
        self.asked += texts
        self.narratives.append(tuple(taxonomy.ids))
        return [self._one(text, taxonomy) for text in texts]

    def place(self, texts: Sequence[str], language: str = "en") -> list[Any]:
        self.placed += texts
        return [np.ones(4, np.float16) for _ in texts]

    def _one(self, text: str, taxonomy: Taxonomy) -> Scores:
        if "explode" in text:
            raise RuntimeError("a text that breaks the model")
        present = np.array([0.9 if key in text else 0.1 for key in taxonomy.ids])
        stance = [0.1, 0.8, 0.1] if "no " in text else [0.7, 0.2, 0.1]
        stances = np.array([stance] * len(present))
        causal = np.full(len(present), float("because" in text))
        return Scores(present, np.full(len(present), 0.5), stances, causal)


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
        "reused": 0,
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


def test_a_new_narrative_is_the_only_one_that_is_asked_for(store, tmp_path):
    tag(store, TAXONOMY, models=fake(), now=NOW)
    mine = tmp_path / "mine.toml"
    mine.write_text('[[narrative]]\nid = "quiet"\nproposition = "Nothing happens."\n')
    models = FakeModels()
    wider = load_taxonomy(["default", mine])
    report = tag(store, wider, models=cast(Models, models), now=NOW)
    assert report.counts["tagged"] == 2
    assert report.counts["labels"] == 3
    assert set(models.narratives) == {("quiet",), tuple(wider.ids)}, "the failed one is asked all"


def test_taking_a_narrative_out_asks_the_model_nothing(store, tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text('[[narrative]]\nid = "quiet"\nproposition = "Nothing happens."\n')
    tag(store, load_taxonomy(["default", mine]), models=fake(), now=NOW)
    models = FakeModels()
    report = tag(store, TAXONOMY, models=cast(Models, models), now=NOW)
    assert report.counts["reused"] == 2
    assert report.counts["labels"] == 2
    assert models.asked == ["Bonds explode"] * 2, "together, then alone: the one that failed"


def test_a_changed_proposition_is_judged_again(store, tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text('[[narrative]]\nid = "quiet"\nproposition = "Nothing happens."\n')
    tag(store, load_taxonomy(["default", mine]), models=fake(), now=NOW)
    mine.write_text('[[narrative]]\nid = "quiet"\nproposition = "Nothing ever happens."\n')
    models = FakeModels()
    tag(store, load_taxonomy(["default", mine]), models=cast(Models, models), now=NOW)
    assert ("quiet",) in models.narratives


def test_a_copy_of_a_known_text_is_not_asked_again(store):
    tag(store, TAXONOMY, models=fake(), now=NOW)
    copy = replace(document("a", "Gold falls", "It fell because of tariffs. Nobody saw inflation."),
                   id="copy".rjust(16, "0"), guid="copy", entry_key="copy")  # fmt: skip
    with store.transaction():
        run = store.runs.begin("import", now=NOW)
        store.documents.add([copy], run.id)
    models = FakeModels()
    report = tag(store, TAXONOMY, models=cast(Models, models), now=NOW)
    assert models.asked == []
    assert (report.counts["reused"], report.counts["labels"]) == (1, 2)
    known = store.labels.earlier({copy.content_hash}, "fake:1")[copy.content_hash]
    assert {label.document_id for label in known.labels} == {copy.id}


def test_a_copy_in_another_language_is_judged_for_itself(store):
    tag(store, TAXONOMY, models=fake(), now=NOW)
    text = "It fell because of tariffs. Nobody saw inflation."
    copy = replace(document("a", "Gold falls", text, "fr"),
                   id="copy".rjust(16, "0"), guid="copy", entry_key="copy")  # fmt: skip
    with store.transaction():
        store.documents.add([copy], store.runs.begin("import", now=NOW).id)
    models = FakeModels()
    models.languages = frozenset({"en", "fr"})
    tag(store, TAXONOMY, models=cast(Models, models), now=NOW)
    assert "Gold falls" in models.asked


def test_a_language_that_is_covered_now_is_labelled_now(store):
    tag(store, TAXONOMY, models=fake(), now=NOW)
    models = FakeModels()
    models.languages = frozenset({"en", "zh"})
    report = tag(store, TAXONOMY, models=cast(Models, models), now=NOW)
    assert report.counts["tagged"] == 1
    assert models.asked == ["准备金不足", "流动性紧张。"]
    assert not tag(store, TAXONOMY, models=cast(Models, models), now=NOW).counts


def test_labels_are_the_same_in_any_order_and_batch(store, monkeypatch):
    def rows() -> list[Any]:
        found = store.labels.earlier({(key * 32)[:32] for key in "abcd"}, "fake:1")
        return sorted((key, tuple(map(str, e.labels))) for key, e in found.items())

    tag(store, TAXONOMY, models=fake(), now=NOW)
    together = rows()
    monkeypatch.setattr("nlp.run.BATCH", 1)
    models = FakeModels()
    models.model_id = "fake:1"
    worker = Tagger(cast(Models, models), TAXONOMY, set())
    documents = list(store.labels.pending("another", TAXONOMY.version))
    taggings, _ = worker.tag(documents[::-1])
    found = {t.content_hash: tuple(map(str, t.labels)) for t in taggings if t.outcome == "tagged"}
    assert found == dict(together)


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
