"""Labelled examples: our own text, and headlines that are kept as hashes only."""

import json
from pathlib import Path

import pytest

from nlp.errors import TrainingError
from nlp.examples import read_examples, read_headlines, select, text_hash
from nlp.narratives import load_taxonomy
from nlp.train import TRAINING, load_examples

ARCHIVE = Path("../shared/data/text")


def test_the_hash_ignores_case_width_and_spacing():
    assert text_hash("Gold  FALLS") == text_hash(" gold falls ") == text_hash("Ｇold falls")
    assert len(text_hash("x")) == 16


def test_headlines_are_stored_without_their_text():
    rows = [json.loads(x) for x in (TRAINING / "headlines.jsonl").read_text().splitlines()]
    assert len(rows) > 2500
    assert {tuple(sorted(row)) for row in rows} == {("hash", "labels", "pool", "set", "split")}
    ids = set(load_taxonomy().ids)
    assert all(set(row["labels"]) <= ids for row in rows)
    assert len({row["hash"] for row in rows}) == len(rows)
    share = sum(row["split"] == "test" for row in rows) / len(rows)
    assert 0.2 < share < 0.3


def test_own_passages_carry_both_stances_for_every_narrative():
    seen = {(key, stance) for example in load_examples() for key, stance in example.labels.items()}
    for narrative in load_taxonomy():
        assert {(narrative.id, "favor"), (narrative.id, "against")} <= seen


@pytest.mark.skipif(not ARCHIVE.is_dir(), reason="the archive of headlines is not at hand")
def test_headlines_find_their_text_in_the_archive():
    examples = read_headlines(TRAINING / "headlines.jsonl", ARCHIVE)
    rows = (TRAINING / "headlines.jsonl").read_text().splitlines()
    assert len(examples) == len(rows)
    assert all(text_hash(example.text) == example.id for example in examples[:200])
    assert not set(map(str, select(examples, "test"))) & set(map(str, select(examples, "train")))


def test_headlines_are_left_out_where_the_archive_is_missing(tmp_path):
    assert read_headlines(TRAINING / "headlines.jsonl", tmp_path) == []


@pytest.mark.parametrize(
    "line",
    ['{"text": "a"}', "not json", '{"text": "a", "labels": {"tariffs": "yes"}}', "[1]"],
    ids=["no labels", "no json", "stance", "list"],
)
def test_a_bad_line_is_named(tmp_path, line):
    path = tmp_path / "items.jsonl"
    path.write_text('{"text": "ok", "labels": {}}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(TrainingError, match=r"line 2 of .*items.jsonl"):
        read_examples(path)


def test_no_examples_is_an_error(tmp_path):
    with pytest.raises(TrainingError, match="no labelled example"):
        load_examples(folder=tmp_path)
