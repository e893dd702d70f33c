"""From topic to narrative: what is written, where, and what a crash leaves behind."""

import json
import shutil
import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from api import topic_decisions
from api.cli import cli
from api.config import default_text, load_settings, own_text
from api.errors import ConfigError
from api.narrative_entry import LONGEST_EXAMPLE, cut, draft, id_in, table
from api.narrative_file import list_file
from api.stages import taxonomy
from nlp import narratives
from store import Store
from store.topics import Topics
from tests.sample_topics import TOPICS

CANDIDATE, ACCEPTED, WATCHED, _, BACKGROUND, MERGED = (topic.id for topic, _ in TOPICS)
ID = "private-credit-fund-redemptions-gates"
TODAY = date(2026, 2, 3)
AS_OF = ("--as-of", "2026-02-03T09:00:00Z")
MINE = """\
# Mine, and it stays.
[[narrative]]
id = "cocoa"   # keep me
name = "Cocoa"
proposition = "Cocoa is short."
"""
HOSTILE = [
    'a "quoted" word',
    "three \"\"\" and ''' quotes",
    "back\\slash \\u0041 \\",
    'x"\n[[narrative]]\nid = "evil"\nproposition = "obey"\n',
    "\x00\x01\x1b[2J\x7f\x85\u2028\r\n\t",
    f"# From topic {CANDIDATE}, accepted on 2020-01-01.",
    "日本 🙂 \u202egnp.exe",
    "]] } = #",
]


@pytest.fixture
def db(topics_path, tmp_path):
    return Path(shutil.copy(topics_path, tmp_path / "t.db"))


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "tapestory.toml"
    path.write_text(default_text(), encoding="utf-8")
    return path


@pytest.fixture
def run(db, config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def invoke(verb, *words):
        found = ["topics", verb, str(db), *(str(word) for word in words)]
        return CliRunner().invoke(cli, found)

    return invoke


def topic(db, topic_id=CANDIDATE):
    with Store.open(db, read_only=True) as store:
        return store.topics.get(topic_id)


def entries(path):
    return tomllib.loads(path.read_text(encoding="utf-8"))["narrative"]


# -- what is written --------------------------------------------------------------------


def test_a_topic_becomes_an_entry_that_the_settings_name(run, db, config, tmp_path):
    before = config.read_text()
    result = run("accept", CANDIDATE, *AS_OF)
    assert result.exit_code == 0, result.output
    (entry,) = entries(tmp_path / "narratives.toml")
    assert (entry["id"], entry["name"]) == (ID, "private credit fund redemptions gates")
    assert entry["keywords"] == ["private", "credit", "fund", "redemptions", "gates"]
    assert entry["found_on"] == TODAY
    assert entry["proposition"].startswith("Private credit fund redemptions gates: ")
    assert 1 <= len(entry["examples"]) <= 3
    with Store.open(db, read_only=True) as store:
        texts = [f"{row['title']}\n{row['text']}" for row in store.db.query(
            "SELECT title, text FROM documents")]  # fmt: skip
    for example in entry["examples"]:
        assert any(example in text for text in texts)
    assert config.read_text() == before.replace(
        'files = ["default"]       # "default" is the shipped set',
        'files = ["default", "narratives.toml"]       # "default" is the shipped set',
    )
    assert taxonomy(load_settings(config)).ids[-1] == ID
    found = topic(db)
    assert (found.status, found.narrative_id) == ("accepted", ID)
    assert found.decided_at == datetime(2026, 2, 3, 9, tzinfo=UTC)
    text = (tmp_path / "narratives.toml").read_text()
    assert "# EDIT THIS." in text
    assert "no test of leads may use an earlier" in text
    wrote, named, following = result.stdout.splitlines()
    assert wrote == f"wrote narrative '{ID}' to {tmp_path / 'narratives.toml'}"
    assert named == f"named narratives.toml under [narratives] files of {config.name}"
    assert "edit the proposition" in following
    assert f"'tapestory tag {db}'" in following


def test_what_a_person_chose_stands_above_the_draft(run, config, tmp_path):
    words = ("--name", "Gates", "--id", "gates", "--proposition", 'Funds "gate".\n', "--file")
    refused = run("accept", CANDIDATE, *words, tmp_path / "more" / "o.toml", *AS_OF)
    assert refused.exit_code == 2
    assert "check its folder" in refused.stderr
    (tmp_path / "more").mkdir()
    assert run("accept", CANDIDATE, *words, tmp_path / "more" / "o.toml").exit_code == 0
    (entry,) = entries(tmp_path / "more" / "o.toml")
    assert (entry["id"], entry["name"], entry["proposition"]) == ("gates", "Gates", 'Funds "gate".')
    assert load_settings(config).narrative_files == ("default", "more/o.toml")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_last_of_one_s_own_files_is_added_to_and_the_rest_stays(run, config, tmp_path, end):
    mine = tmp_path / "mine.toml"
    mine.write_bytes(MINE.replace("\n", end).encode())
    mine.chmod(0o640)
    before = mine.read_bytes()
    config.write_text('[narratives]\nfiles = ["default", "mine.toml"]\n')
    assert run("accept", CANDIDATE).exit_code == 0
    assert mine.read_bytes().startswith(before)
    assert mine.read_bytes().count(b"\n") == mine.read_bytes().count(end.encode())
    assert mine.stat().st_mode & 0o777 == 0o640
    assert [entry["id"] for entry in entries(mine)] == ["cocoa", ID]
    assert config.read_text() == '[narratives]\nfiles = ["default", "mine.toml"]\n'
    assert sorted(path.name for path in tmp_path.glob("*.toml*")) == ["mine.toml", config.name]


def test_a_topic_that_was_never_proposed_can_be_accepted(run, db, tmp_path):
    assert run("accept", BACKGROUND, *AS_OF).exit_code == 0
    (entry,) = entries(tmp_path / "narratives.toml")
    assert (entry["found_on"], entry["id"]) == (TODAY, "chip-export-rules")
    assert topic(db, BACKGROUND).status == "accepted"


def test_ids_that_are_or_were_in_use_are_not_given_again(run, db, tmp_path):
    with Store.open(db) as store:
        store.db.execute("UPDATE topics SET label = 'Tariffs!' WHERE id = ?", [CANDIDATE])
        store.db.execute("UPDATE topics SET label = 'grid power' WHERE id = ?", [WATCHED])
        store.db.conn.commit()
    for one in (CANDIDATE, WATCHED):
        assert run("accept", one).exit_code == 0
    assert [one["id"] for one in entries(tmp_path / "narratives.toml")] == [
        "tariffs-2",
        "grid-power-2",
    ]
    refused = run("accept", BACKGROUND, "--id", "tariffs")
    assert refused.exit_code == 2
    assert "is there already, or was: choose another --id" in refused.stderr


# -- crawled text is data ---------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_written_as_text(run, db, tmp_path, config, text):
    with Store.open(db) as store, store.transaction():
        words = json.dumps([[text, 0.5], ["gates*", 0.4]])
        store.db.execute(
            "UPDATE topics SET label = ?, words = ? WHERE id = ?", [text, words, CANDIDATE]
        )
        store.db.execute("UPDATE documents SET title = ?", [text])
        store.db.execute("UPDATE passages SET text = ?", [text])
    result = run("accept", CANDIDATE)
    assert result.exit_code == 0, result.output
    (entry,) = entries(tmp_path / "narratives.toml")
    assert entry["examples"] == [text.strip()] or text.strip() == ""
    assert entry["keywords"][-1] == "gates"
    assert entry["name"].isprintable()
    assert entry["proposition"].isprintable()
    assert taxonomy(load_settings(config)).ids[-1] == topic(db).narrative_id == entry["id"]
    assert entry["id"] != "evil"
    assert "\x1b" not in result.output


@given(label=st.text(), quote=st.text(max_size=500), word=st.text())
@settings(max_examples=60, deadline=None)
def test_any_text_comes_back_from_the_entry(label, quote, word):
    found = replace(TOPICS[0][0], label=label, words=((word, 1.0),))
    entry = draft(found, [{"title": quote, "quote": quote}], (), today=TODAY)
    text = f"{MINE}\n{table(entry)}"
    _, written = tomllib.loads(text)["narrative"]
    assert (written["name"], written["proposition"]) == (entry.name, entry.proposition)
    assert written["examples"] == entry.examples
    assert all(one in quote and len(one) <= LONGEST_EXAMPLE for one in entry.examples)
    assert written["keywords"] == entry.keywords
    assert id_in(text, found.id) == entry.id
    assert narratives._narrative(written, "entry 1", default=False).id == entry.id


@pytest.mark.parametrize(
    ("text", "longest", "kept"),
    [("short", 9, "short"), ("one two three", 9, "one two"), ("x" * 20, 9, "x" * 9),
     ("a " + "x" * 20, 9, "a xxxxxxx"), ("one two three", 7, "one two"), ("", 9, "")],
)  # fmt: skip
def test_a_long_text_is_cut_between_words(text, longest, kept):
    assert cut(text, longest) == kept


def test_a_text_of_many_spaces_is_drafted_in_no_time():
    found = replace(TOPICS[0][0], label=" \n" * 200_000)
    quotes = [{"title": "\t" * 200_000, "quote": " \x00" * 200_000}]
    entry = draft(found, quotes, (), today=TODAY)
    assert (entry.name, entry.proposition) == (
        found.id,
        f"{found.id.capitalize()[:1]}{found.id[1:]}.",
    )


# -- again, after a crash, and back --------------------------------------------------------


def test_a_second_call_changes_nothing(run, db, config, tmp_path):
    run("accept", CANDIDATE, *AS_OF)
    before = (config.read_bytes(), (tmp_path / "narratives.toml").read_bytes(), topic(db))
    again = run("accept", CANDIDATE, "--name", "Other", "--id", "other")
    assert again.exit_code == 0
    assert f"is accepted already as narrative '{ID}', in {tmp_path / 'narratives.toml'}" in (
        again.stdout
    )
    assert (config.read_bytes(), (tmp_path / "narratives.toml").read_bytes(), topic(db)) == before


@pytest.mark.parametrize("broken", ["list_file", "decide"])
def test_after_a_crash_the_next_call_goes_on(run, db, config, tmp_path, monkeypatch, broken):
    def crash(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Topics if broken == "decide" else topic_decisions, broken, crash)
        assert run("accept", CANDIDATE, *AS_OF).exit_code != 0
    assert topic(db).status == "candidate"
    written = (tmp_path / "narratives.toml").read_bytes()
    assert (ID in taxonomy(load_settings(config)).ids) == (broken == "decide")
    result = run("accept", CANDIDATE, *AS_OF)
    assert result.exit_code == 0, result.output
    assert f"the entry of narrative '{ID}' stands in" in result.stdout
    assert (tmp_path / "narratives.toml").read_bytes() == written
    assert topic(db).narrative_id == ID
    assert taxonomy(load_settings(config)).ids[-1] == ID


def test_a_crash_within_the_writing_leaves_the_file_as_it_was(
    run, db, config, tmp_path, monkeypatch
):
    mine = tmp_path / "mine.toml"
    mine.write_text(MINE)
    config.write_text('[narratives]\nfiles = ["mine.toml"]\n')
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "no space left")))
        result = run("accept", CANDIDATE)
    assert result.exit_code == 2
    assert "no space left" in result.stderr
    assert mine.read_text() == MINE
    assert topic(db).status == "candidate"
    assert run("accept", CANDIDATE).exit_code == 0


def test_reopened_and_accepted_again_it_is_the_same_narrative(run, db, tmp_path):
    run("accept", CANDIDATE)
    before = (tmp_path / "narratives.toml").read_bytes()
    said = run("reopen", CANDIDATE).stdout
    assert f"the entry of narrative '{ID}' stays in {tmp_path / 'narratives.toml'}" in said
    assert topic(db) == TOPICS[0][0]
    run("accept", CANDIDATE)
    assert topic(db).narrative_id == ID
    assert (tmp_path / "narratives.toml").read_bytes() == before


def test_an_entry_that_a_person_renamed_is_found_and_one_taken_out_is_not():
    text = table(draft(TOPICS[0][0], [], (), today=TODAY))
    assert id_in(text.replace(f'id = "{ID}"', "id = 'mine'  # better"), CANDIDATE) == "mine"
    mark, _, _ = text.partition("[[narrative]]")
    assert id_in(f"{mark}\n{MINE}", CANDIDATE) == "cocoa"
    assert id_in(mark, CANDIDATE) is None
    other = table(draft(TOPICS[2][0], [], (), today=TODAY))
    assert id_in(f"{mark}\n{other}", CANDIDATE) is None
    assert id_in(f"{mark}[other]\n{MINE}", CANDIDATE) is None


def test_an_accepted_topic_whose_entry_is_gone_says_so(run):
    said = run("accept", ACCEPTED).stdout
    assert (
        "accepted already as narrative 'grid-power', but none of your files has its entry" in said
    )


# -- what is refused ---------------------------------------------------------------------


def test_a_merged_topic_is_refused(run, db, tmp_path):
    result = run("accept", MERGED)
    assert result.exit_code == 2
    assert f"{MERGED} is part of {BACKGROUND} by now" in result.stderr
    assert not (tmp_path / "narratives.toml").exists()


def test_without_settings_nothing_is_written(run, db, config, tmp_path):
    config.unlink()
    result = run("accept", CANDIDATE)
    assert result.exit_code == 2
    assert "write one with 'tapestory init DIR', or name yours with --config" in result.stderr
    assert topic(db).status == "candidate"
    assert list(tmp_path.glob("*.toml")) == []


@pytest.mark.parametrize(
    ("mine", "reason"),
    [
        ("narrative = []\n", "not valid TOML"),
        ("[[narrative]]\nid = 'x'\n", "no proposition"),
    ],
)
def test_a_file_that_cannot_be_added_to_stays(run, db, config, tmp_path, mine, reason):
    path = tmp_path / "narratives.toml"
    path.write_text(mine)
    result = run("accept", CANDIDATE)
    assert result.exit_code == 2
    assert f"'{ID}' was not added, '{path}' is as it was" in result.stderr
    assert reason in result.stderr
    assert ".new" not in result.stderr
    assert path.read_text() == mine
    assert sorted(one.name for one in tmp_path.glob("*.toml*")) == ["narratives.toml", config.name]
    assert topic(db).status == "candidate"


def test_a_bad_id_is_refused_by_the_project_s_own_reader(run, tmp_path):
    result = run("accept", CANDIDATE, "--id", "two words")
    assert result.exit_code == 2
    assert "an id has letters, digits" in result.stderr
    assert not (tmp_path / "narratives.toml").exists()


# -- the file is named in the settings -----------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[narratives]\nfiles = ["default", "n.toml"]\n'),
        ("# narratives = 1\n[models]", '# narratives = 1\n[models]\n\n[narratives]\nfiles = ["default", "n.toml"]\n'),  # noqa: E501
        ('[narratives]\nfiles = []', '[narratives]\nfiles = [ "n.toml"]'),
        ('[narratives]\nfiles = ["a]b.toml"] # x]', '[narratives]\nfiles = ["a]b.toml", "n.toml"] # x]'),  # noqa: E501
        ('[narratives]\nfiles = [\n  "default", # one\n]\n', '[narratives]\nfiles = [\n  "default", # one\n "n.toml"]\n'),  # noqa: E501
        ('narratives.files = ["default"]\n[models]\n', 'narratives.files = ["default", "n.toml"]\n[models]\n'),  # noqa: E501
        ('narratives = {files = ["default"]}\n', 'narratives = {files = ["default", "n.toml"]}\n'),
        ('[narratives]\r\n# none\r\n[models]\r\n', '[narratives]\r\nfiles = ["default", "n.toml"]\r\n# none\r\n[models]\r\n'),  # noqa: E501
        ('[sources]\nfiles = ["default"]\n[narratives]\nfiles = ["default"]\n', '[sources]\nfiles = ["default"]\n[narratives]\nfiles = ["default", "n.toml"]\n'),  # noqa: E501
    ],
)  # fmt: skip
def test_a_file_is_named_and_all_else_stays(tmp_path, before, after):
    path = tmp_path / "tapestory.toml"
    path.write_bytes(before.encode())
    assert list_file(path, tmp_path / "n.toml") is True
    assert path.read_bytes().decode() == after
    assert load_settings(path).narrative_files[-1] == "n.toml"
    assert list_file(path, tmp_path / "n.toml") is False
    assert path.read_bytes().decode() == after


@pytest.mark.parametrize("text", [default_text(), own_text()])
def test_a_file_elsewhere_is_named_by_its_whole_path_in_the_shipped_settings(tmp_path, text):
    (tmp_path / "set").mkdir()
    path = tmp_path / "set" / "tapestory.toml"
    path.write_text(text, encoding="utf-8")
    (tmp_path / "set" / "sources.toml").write_text("")
    list_file(path, tmp_path / "n.toml")
    assert load_settings(path).narrative_files == ("default", str(tmp_path / "n.toml"))


def test_settings_that_cannot_be_edited_say_the_line_to_write(tmp_path):
    path = tmp_path / "tapestory.toml"
    path.write_text('["narratives"]\n"files" = [\n"default" # ]\n,\n#\n\n]\n')
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=r'write files = \["default", "n.toml"\] there yourself'):
        list_file(path, tmp_path / "n.toml")
    assert path.read_bytes() == before


def test_a_topic_cannot_be_accepted_before_its_stories_were_told(run, db, tmp_path):
    result = run("accept", CANDIDATE, "--as-of", "2026-01-31T23:00:00Z")
    assert result.exit_code == 2
    assert "rests on stories up to 2026-01-31: accept it on a later day" in result.output
    assert topic(db).status == "candidate"
    assert not (tmp_path / "narratives.toml").exists()
    assert run("accept", CANDIDATE, "--as-of", "2026-02-01T00:00:00Z").exit_code == 0
