"""Labelled examples: our own text, and passages of archives that are kept as hashes only."""

import json
from pathlib import Path
from typing import Any

import pytest

from nlp.errors import TrainingError
from nlp.examples import ARCHIVES, read_archive, read_examples, select, text_hash
from nlp.metrics import kappa
from nlp.narratives import load_taxonomy
from nlp.train import TRAINING, load_examples

ARCHIVE = Path("../shared/data/text")


def test_the_hash_ignores_case_width_and_spacing():
    assert text_hash("Gold  FALLS") == text_hash(" gold falls ") == text_hash("Ｇold falls")
    assert len(text_hash("x")) == 16


def rows_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (TRAINING / name).read_text().splitlines()]


def test_passages_of_archives_are_stored_without_their_text():
    rows = rows_of("archive.jsonl")
    assert len(rows) >= 6000
    keys = {"at", "causal_for", "hash", "labels", "pool", "set", "split"}
    assert all(keys - {"causal_for"} <= set(row) <= keys for row in rows)
    ids = set(load_taxonomy().ids)
    assert all(set(row["labels"]) <= ids for row in rows)
    assert len({(row["set"], row["hash"]) for row in rows}) == len(rows)
    assert sum(row["split"] == "test" for row in rows) >= 800
    assert {row["set"] for row in rows} == set(ARCHIVES)


def test_own_passages_are_many_and_two_languages():
    own = load_examples()
    assert sum(example.language == "en" for example in own) >= 1500
    assert sum(example.language == "zh" for example in own) >= 500


def test_two_annotators_agree():
    first = {(row["set"], row["hash"]): row["labels"] for row in rows_of("archive.jsonl")}
    pairs = [
        (first[row["set"], row["hash"]], row["labels"]) for row in rows_of("second_annotator.jsonl")
    ]
    ids = load_taxonomy().ids
    presence = kappa(
        [k in a for a, _ in pairs for k in ids], [k in b for _, b in pairs for k in ids]
    )
    both = [(a[k], b[k]) for a, b in pairs for k in a if k in b]
    stance = kappa([a for a, _ in both], [b for _, b in both])
    print(f"{len(pairs)} passages, presence kappa {presence:.3f}, stance kappa {stance:.3f}")
    assert len(pairs) >= 300
    assert presence > 0.8
    assert stance > 0.8


def test_causal_roles_are_known_only_where_somebody_said_so(tmp_path):
    path = tmp_path / "items.jsonl"
    both = {"tariffs": "favor", "inflation": "against"}
    lines: list[dict[str, Any]] = [
        {"text": "a", "labels": both, "causal": False},
        {"text": "b", "labels": both, "causal": True},
        {"text": "c", "labels": {"tariffs": "favor"}, "causal": True},
        {"text": "d", "labels": both, "causal": True, "causal_for": ["inflation"]},
        {"text": "e", "labels": both},
    ]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert [dict(example.causal) for example in read_examples(path)] == [
        {"tariffs": False, "inflation": False},
        {},
        {"tariffs": True},
        {"tariffs": False, "inflation": True},
        {},
    ]


def test_own_passages_carry_both_stances_for_every_narrative():
    seen = {(key, stance) for example in load_examples() for key, stance in example.labels.items()}
    for narrative in load_taxonomy():
        assert {(narrative.id, "favor"), (narrative.id, "against")} <= seen


@pytest.mark.skipif(not ARCHIVE.is_dir(), reason="the archives are not at hand")
def test_hashed_passages_find_their_text_in_the_archive():
    examples = read_archive(TRAINING / "archive.jsonl", ARCHIVE)
    assert len(examples) == len(rows_of("archive.jsonl"))
    assert all(text_hash(example.text) == example.id for example in examples[:200])
    assert not set(map(str, select(examples, "test"))) & set(map(str, select(examples, "train")))


def test_hashed_passages_are_left_out_where_the_archive_is_missing(tmp_path):
    assert read_archive(TRAINING / "archive.jsonl", tmp_path) == []


@pytest.mark.parametrize(
    "line",
    [
        '{"text": "a"}',
        "not json",
        '{"text": "a", "labels": {"tariffs": "yes"}}',
        "[1]",
        '{"text": "a", "labels": {}, "causal_for": ["tariffs"]}',
    ],
    ids=["no labels", "no json", "stance", "list", "causal for nothing"],
)
def test_a_bad_line_is_named(tmp_path, line):
    path = tmp_path / "items.jsonl"
    path.write_text('{"text": "ok", "labels": {}}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"line 2 of .*items.jsonl"):
        read_examples(path)


def test_no_examples_is_an_error(tmp_path):
    with pytest.raises(TrainingError, match="no labelled example"):
        load_examples(folder=tmp_path)
