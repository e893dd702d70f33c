"""``tapestory sources``: what is found is appended, what was there stays, as it was."""

import json
import tomllib

import pytest
from click.testing import CliRunner

from api.cli import cli
from api.config import load_settings
from api.source_file import append_sources, source_table, suggest_id
from crawler.opml import MAX_FEEDS
from store import Store
from store.records import Source, SourceState
from tests.server import Answer, rss, serve

HEAD = '[crawler]\nallow_addresses = ["127.0.0.0/8"]  # mine\nhost_interval_s = 0\n'
MINE = '\n[[source]]\nid = "a"\nkind = "feed"\nurl = "https://a.example/rss"  # keep me\n'
FEED = Answer(200, rss(("1", "one", "text")))
PAGE = Answer(
    200,
    b'<html lang="fr"><link rel="alternate" type="application/rss+xml" href="/f.xml"></html>',
    {"Content-Type": "text/html"},
)


@pytest.fixture
def run():
    def invoke(*words):
        return CliRunner().invoke(cli, ["sources", *(str(word) for word in words)])

    return invoke


@pytest.fixture
def settings(tmp_path):
    path = tmp_path / "tapestory.toml"
    path.write_text(HEAD + MINE)
    return path


def ids(path):
    return [source.id for source in load_settings(path).sources]


def test_a_page_is_added_as_its_feed(run, settings):
    with serve({"/": PAGE, "/f.xml": FEED}) as server:
        result = run("add", server.url, "--config", settings)
        url = f"{server.url}/f.xml"
    assert result.exit_code == 0, result.output
    assert "1 items, newest of 2026-01-30 10:00 UTC" in result.stdout
    assert f"added 't' (weight 0.7) to {settings}" in result.stdout
    assert settings.read_text().startswith(HEAD + MINE)
    added = load_settings(settings).sources[-1]
    assert (added.id, added.kind, added.url, added.name) == ("t", "feed", url, "t")
    assert (added.language, added.weight) == ("fr", 0.7)


def test_options_stand_above_what_was_found(run, settings):
    words = ("--id", "mine", "--name", "My “outlet” \\", "--weight", "1", "--language", "de")
    with serve({"/f.xml": FEED}) as server:
        assert run("add", f"{server.url}/f.xml", *words, "--config", settings).exit_code == 0
        again = run("add", f"{server.url}/f.xml", "--config", settings)
        other = run("add", f"{server.url}/f.xml?x", "--id", "mine", "--config", settings)
    added = load_settings(settings).sources[-1]
    assert (added.id, added.name) == ("mine", "My “outlet” \\")
    assert (added.weight, added.language) == (1.0, "de")
    assert (again.exit_code, other.exit_code) == (2, 2)
    assert "is a source already: its id is 'mine'" in again.stderr
    assert "choose another --id" in other.stderr


def test_what_has_no_feed_changes_nothing_and_says_what_was_tried(run, settings):
    before = settings.read_bytes()
    with serve({"/robots.txt": Answer(200, b"User-agent: *\nDisallow: /")}) as server:
        result = run("add", f"{server.url}/?token=CANARY", "--config", settings)
    assert result.exit_code == 1
    assert "robots.txt keeps programs from it" in result.stderr
    assert "CANARY" not in result.output
    assert settings.read_bytes() == before


def test_without_a_settings_file_there_is_nothing_to_add_to(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("add", "https://a.example")
    assert result.exit_code == 2
    assert "tapestory init" in result.stderr
    assert list(tmp_path.iterdir()) == []


SOURCE = Source(id="new", kind="feed", url="https://new.example/rss", name="New", weight=0.7)


def append(path, *sources):
    return append_sources(path, load_settings(path), sources or [SOURCE])


def test_the_shipped_list_stays_when_the_first_own_source_comes(tmp_path):
    path = tmp_path / "tapestory.toml"
    path.write_text(HEAD.rstrip("\n"))
    shipped = ids(path)
    append(path)
    assert ids(path) == [*shipped, "new"]
    append(path, Source(id="more", kind="feed", url="https://more.example/rss"))
    assert ids(path) == [*shipped, "new", "more"]
    path.write_text('[sources]\nfiles = ["default"]\n')
    append(path)
    assert ids(path) == [*shipped, "new"]


def test_a_list_of_one_s_own_is_written_to(tmp_path):
    path, mine = tmp_path / "tapestory.toml", tmp_path / "mine.toml"
    path.write_text('[sources]\nfiles = ["default", "mine.toml"]\n')
    mine.write_bytes(MINE.replace("\n", "\r\n").encode())
    mine.chmod(0o640)
    before = path.read_bytes()
    assert append(path) == mine
    assert path.read_bytes() == before
    assert ids(path)[-2:] == ["a", "new"]
    assert mine.read_bytes().count(b"\n") == mine.read_bytes().count(b"\r\n")
    assert mine.stat().st_mode & 0o777 == 0o640


def test_what_makes_the_settings_wrong_is_taken_back(settings):
    from api.errors import ConfigError

    before = settings.read_bytes()
    with pytest.raises(ConfigError, match="twice"):
        append(settings, Source(id="a", kind="feed", url="https://b.example/rss"))
    with pytest.raises(ConfigError, match="above 0"):
        append(settings, Source(id="b", kind="feed", url="https://b.example", weight=float("nan")))
    assert settings.read_bytes() == before
    assert [path.name for path in settings.parent.iterdir()] == ["tapestory.toml"]


@pytest.mark.parametrize("name", ['"""', "a\\u0041\n[crawler]", "\x7f\x00\x1f", "]] #", "日本 🙂"])
def test_any_name_is_written_as_a_text(name):
    source = Source(id="x", kind="feed", url="https://a.example", name=name, handle=name)
    (entry,) = tomllib.loads(source_table(source))["source"]
    assert (entry["name"], entry["handle"]) == (name, name)


@pytest.mark.parametrize(
    ("title", "taken", "found"),
    [
        ("The Überfeed — daily!", [], "the-uberfeed-daily"),
        ("中国新闻网", [], "a-example"),
        ("", ["a-example", "a-example-2"], "a-example-3"),
        ("x" * 200, [], "x" * 40),
    ],
)
def test_an_id_is_made_of_the_title_or_the_host(title, taken, found):
    assert suggest_id(title, "https://www.a.example/f", taken) == found


def test_a_list_for_readers_goes_out_and_comes_back(run, settings, tmp_path):
    file, other = tmp_path / "out.opml", tmp_path / "other.toml"
    other.write_text("[sources]\nfiles = []\n")
    assert run("export", file, "--config", settings).exit_code == 0
    result = run("import", file, "--config", other, "--weight", "0.5", "--language", "en")
    assert result.exit_code == 0, result.output
    (source,) = load_settings(other).sources
    assert (source.url, source.weight, source.language) == ("https://a.example/rss", 0.5, "en")
    again = run("import", file, "--config", other)
    assert "1 were there already" in again.stdout
    assert len(load_settings(other).sources) == 1


def test_the_shipped_list_comes_back_but_for_what_no_reader_follows(run, tmp_path):
    file, empty = tmp_path / "out.opml", tmp_path / "empty.toml"
    full = tmp_path / "full.toml"
    full.write_text("")
    empty.write_text("[sources]\nfiles = []\n")
    exported = run("export", file, "--config", full)
    assert "left out: hn-" in exported.stderr
    assert run("import", file, "--config", empty).exit_code == 0
    kept = [source for source in load_settings(full).sources if source.kind != "hackernews"]
    back = load_settings(empty).sources
    assert len(back) == len(kept)
    assert {s.url for s in back if s.kind == "feed"} > {s.url for s in kept if s.kind == "feed"}
    assert {s.kind for s in back} == {"feed", "youtube", "reddit", "lemmy"}


def test_a_hostile_list_adds_what_is_good_of_it(run, settings, tmp_path):
    file = tmp_path / "in.opml"
    outlines = ['<outline text="x" xmlUrl="javascript:alert(1)"/>'] * 200
    outlines += [
        f'<outline text="x" xmlUrl="https://b.example/{n}"/>' for n in range(MAX_FEEDS + 5)
    ]
    file.write_text(f"<opml><body>{''.join(outlines)}</body></opml>")
    result = run("import", file, "--config", settings)
    assert result.exit_code == 3
    assert "javascript" in result.stderr
    assert "and 120 more that are no web address" in result.stderr
    assert "5 more feeds were not read" in result.stderr
    assert len(load_settings(settings).sources) == MAX_FEEDS + 1


def test_a_file_that_is_no_list_is_usage_and_changes_nothing(run, settings, tmp_path):
    file = tmp_path / "in.opml"
    file.write_text("<!DOCTYPE o [<!ENTITY a 'b'>]><opml>&a;</opml>")
    before = settings.read_bytes()
    result = run("import", file, "--config", settings)
    assert (result.exit_code, settings.read_bytes()) == (2, before)
    assert "entities" in result.stderr
    assert run("import", tmp_path / "none.opml", "--config", settings).exit_code == 2


def test_the_list_is_text_for_people_and_json_for_programs(run, settings):
    settings.write_text(settings.read_text().replace("/rss", "/rss?token=CANARY"))
    text = run("list", "--config", settings)
    rows = json.loads(run("list", "--json", "--config", settings).stdout)
    assert "https://a.example/rss?token=REDACTED" in text.stdout
    assert "CANARY" not in json.dumps(rows) + text.output
    assert (rows[0]["id"], rows[0]["weight"]) == ("a", 1.0)


def test_a_source_that_is_gone_is_asked_again_once_revived(run, tmp_path):
    path = tmp_path / "t.db"
    with Store.open(path, create=True) as store:
        store.sources.sync([SOURCE])
        gone = SourceState(source_id="new", url=SOURCE.url, status="gone", errors=2)
        store.sources.save_state(gone)
    assert "asked again" in run("revive", path, "new").stdout
    with Store.open(path, read_only=True) as store:
        state = store.sources.states()["new"]
    assert (state.status, state.errors, state.next_due_at) == ("active", 0, None)
    unknown = run("revive", path, "other")
    assert unknown.exit_code == 2
    assert "tapestory status" in unknown.stderr
