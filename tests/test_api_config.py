"""Settings: defaults that work, and errors that name the file, the entry and the way out."""

import pytest

from api.config import default_text, load_settings, own_text, parse_settings
from api.errors import ConfigError


def parse(text, tmp_path):
    return parse_settings(text, origin="x.toml", base_dir=tmp_path)


def test_the_shipped_settings_parse_and_name_the_contract_s_assets(tmp_path):
    settings = parse(default_text(), tmp_path)
    assert len(settings.sources) >= 10
    assert {"SPY", "GLD", "SLV", "UUP", "BTC", "DGS10"} <= {asset.id for asset in settings.assets}


def test_a_file_that_is_silent_on_sources_keeps_the_shipped_ones(tmp_path):
    settings = parse('[crawler]\ncontact = "https://me.example/bot"\n', tmp_path)
    assert settings.contact == "https://me.example/bot"
    assert settings.sources == parse(default_text(), tmp_path).sources


def test_a_file_s_own_sources_replace_the_shipped_ones(tmp_path):
    text = '[[source]]\nid = "a"\nkind = "feed"\nurl = "https://a.example/rss"\n'
    settings = parse(text, tmp_path)
    assert [source.id for source in settings.sources] == ["a"]
    assert settings.sources[0].full_text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[crawler\n", "not valid TOML", id="syntax"),
        pytest.param("[crawlers]\n", "unknown table 'crawlers'", id="table"),
        pytest.param("[crawler]\ncontacts = 1\n", "unknown key 'contacts'", id="key"),
        pytest.param('[[source]]\nid = "a"\nurl = "u"\n', "lacks 'kind'", id="missing"),
        pytest.param('[[source]]\nid = "a"\nkind = "fax"\nurl = "u"\n', "choose one of", id="kind"),
        pytest.param(
            '[[source]]\nid = "a"\nkind = "feed"\nurl = "u"\nweight = -1\n', "above 0", id="weight"
        ),
        pytest.param(
            '[[source]]\nid = "a"\nkind = "feed"\nurl = "u"\n' * 2, "twice", id="repeated"
        ),
        pytest.param("[[sources]]\n", "single brackets", id="array-of-tables"),
        pytest.param("[source]\nid = 'a'\n", r"\[\[source\]\]", id="one-table"),
        pytest.param("[sources]\nfiles = 'mine.toml'\n", "give a list", id="files"),
        pytest.param("[sources]\nfiles = ['a', 'a']\n", "twice", id="repeated-file"),
        pytest.param('[[asset]]\nid = "SPY"\nclass = "bond"\n', "choose one of", id="class"),
    ],
)
def test_a_mistake_is_named_with_its_place(text, message, tmp_path):
    with pytest.raises(ConfigError, match=message) as caught:
        parse(text, tmp_path)
    assert "x.toml" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml"):
        load_settings(tmp_path / "none.toml")


def test_a_token_is_read_from_the_variable_that_the_source_names(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "s3cret")
    text = (
        '[[source]]\nid = "m"\nkind = "mastodon"\nurl = "https://m.example"\n'
        'handle = "markets"\ntoken_env = "MY_TOKEN"\n'
    )
    assert parse(text, tmp_path).secrets == {"MY_TOKEN": "s3cret"}


SOURCE = '[[source]]\nid = "{0}"\nkind = "feed"\nurl = "https://{0}.example/rss"\n'


def ids(settings):
    return [source.id for source in settings.sources]


def test_files_of_sources_and_the_settings_own_are_joined(tmp_path):
    (tmp_path / "mine.toml").write_text(SOURCE.format("b"))
    settings = parse('[sources]\nfiles = ["mine.toml"]\n' + SOURCE.format("a"), tmp_path)
    assert ids(settings) == ["b", "a"]
    both = parse('[sources]\nfiles = ["default", "mine.toml"]\n', tmp_path)
    assert ids(both) == [*ids(parse("", tmp_path)), "b"]
    assert ids(parse("[sources]\n" + SOURCE.format("a"), tmp_path))[-1] == "a"
    assert ids(parse("[sources]\nfiles = []\n", tmp_path)) == []


@pytest.mark.parametrize(
    ("mine", "message"),
    [
        pytest.param(
            SOURCE.format("a"), r"'a' stands in .*mine\.toml and in x\.toml", id="repeated"
        ),
        pytest.param(SOURCE.format("b") * 2, r"mine\.toml names source 'b' twice", id="twice"),
        pytest.param(SOURCE.format("fed-press"), "stands in the shipped sources", id="shipped"),
        pytest.param("[crawler]\n", r"mine\.toml has unknown key 'crawler'", id="table"),
        pytest.param("[[source]\n", r"mine\.toml is not valid TOML", id="syntax"),
        pytest.param(None, r"cannot read sources '.*mine\.toml'", id="missing"),
    ],
)
def test_a_mistake_in_a_file_of_sources_names_that_file(mine, message, tmp_path):
    if mine is not None:
        (tmp_path / "mine.toml").write_text(mine)
    text = '[sources]\nfiles = ["default", "mine.toml"]\n' + SOURCE.format("a")
    with pytest.raises(ConfigError, match=message):
        parse(text, tmp_path)


def test_the_settings_that_init_writes_name_the_copied_list(tmp_path):
    (tmp_path / "sources.toml").write_text(SOURCE.format("a"))
    settings = parse(own_text(), tmp_path)
    assert settings.source_files == ("sources.toml",)
    assert ids(settings) == ["a"]
    assert settings.assets == parse("", tmp_path).assets
