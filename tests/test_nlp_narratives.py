"""Reading narrative files: the shipped set, merging, and what a person is told."""

from datetime import date
from pathlib import Path

import pytest

from nlp.errors import LabelSchemeError
from nlp.narratives import load_taxonomy

GUIDE = Path("../shared/design/narratives.md")
MINE = """
[[narrative]]
id = "water-scarcity"
name = "Water scarcity"
proposition = "Lack of water is limiting industry."
keywords = ["drought*", "water shortage"]
signature = { GLD = "+", SPY = "-" }
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_set_is_complete():
    taxonomy = load_taxonomy(["default"])
    assert len(taxonomy.narratives) == 12
    for narrative in taxonomy:
        assert narrative.origin == "default"
        assert len(narrative.examples) >= 6
        assert len(narrative.keywords) >= 10


@pytest.mark.skipif(not GUIDE.is_file(), reason="the labelling guide is not at hand")
def test_propositions_are_the_guides_own():
    guide = GUIDE.read_text(encoding="utf-8")
    for narrative in load_taxonomy():
        assert f"| `{narrative.id}` | {narrative.name} | {narrative.proposition} |" in guide


def test_custom_narratives_join_the_default_ones(tmp_path):
    taxonomy = load_taxonomy(["default", write(tmp_path, MINE)])
    assert taxonomy.ids[-1] == "water-scarcity"
    assert taxonomy.narratives[-1].origin == "custom"
    assert taxonomy.version != load_taxonomy().version


def test_version_follows_what_can_change_a_label(tmp_path):
    first = load_taxonomy([write(tmp_path, MINE)]).version
    assert load_taxonomy([write(tmp_path, MINE.replace('SPY = "-"', 'SPY = "0"'))]).version == first
    assert load_taxonomy([write(tmp_path, MINE.replace("drought*", "dry"))]).version != first


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[narrative]]\nid = "a"\n', "entry 1 of .*mine.toml' has no proposition"),
        ('[[narrative]]\nproposition = "p"\n', "entry 1 .* has no id"),
        (MINE + MINE, "'water-scarcity' in entry 2 .* defined twice"),
        (MINE.replace('"+"', '"up"'), "signature of 'GLD' is 'up', use one of"),
        (MINE.replace("keywords =", "keyword ="), "unknown key 'keyword'"),
        (MINE.replace('["drought*", "water shortage"]', '"drought"'), "keywords must be a list"),
        (MINE.replace("water-scarcity", "water scarcity"), "an id has letters"),
        ("[narrative]\nid = 1\n", r"\[\[narrative\]\] tables"),
        ("id = ", "not valid TOML"),
        ("", "no narratives are defined"),
    ],
    ids=[
        "no proposition",
        "no id",
        "twice",
        "sign",
        "key",
        "list",
        "id",
        "single brackets",
        "no toml",
        "empty",
    ],
)
def test_a_bad_file_is_named_with_its_entry(tmp_path, text, told):
    with pytest.raises(LabelSchemeError, match=told):
        load_taxonomy([write(tmp_path, text)])


@pytest.mark.parametrize("written", ["2026-01-24", '"2026-01-24"'], ids=["a TOML date", "ISO text"])
def test_the_day_of_finding_is_read_and_changes_no_label(tmp_path, written):
    before = load_taxonomy([write(tmp_path, MINE)])
    after = load_taxonomy([write(tmp_path, f"{MINE}found_on = {written}\n")])
    assert [one.found_on for one in (*before, *after)] == [None, date(2026, 1, 24)]
    assert (before.version, before.digests) == (after.version, after.digests)


@pytest.mark.parametrize(
    "written",
    ["2026-01-24T10:00:00", "2026-01-24T10:00:00Z", "10:00:00", '"24 January"', '"2026-02-30"',
     '"20260124"', "20260124", "true", "[]"],
)  # fmt: skip
def test_what_is_no_day_is_refused(tmp_path, written):
    with pytest.raises(LabelSchemeError, match=r"'water-scarcity' .* found_on is .*2026-01-24"):
        load_taxonomy([write(tmp_path, f"{MINE}found_on = {written}\n")])


def test_a_default_narrative_was_known_beforehand(tmp_path, monkeypatch):
    path = write(tmp_path, f"{MINE}found_on = 2026-01-24\n")
    monkeypatch.setattr("nlp.narratives.DEFAULT", path)
    with pytest.raises(LabelSchemeError, match="was known beforehand: leave found_on out"):
        load_taxonomy(["default"])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(LabelSchemeError, match=r"nowhere\.toml' cannot be read"):
        load_taxonomy([tmp_path / "nowhere.toml"])


def test_an_id_of_the_shipped_set_cannot_be_taken_again(tmp_path):
    with pytest.raises(LabelSchemeError, match=r"'tariffs' in entry 1 .* defined twice"):
        load_taxonomy(["default", write(tmp_path, MINE.replace("water-scarcity", "tariffs"))])
