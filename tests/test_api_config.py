"""Settings: defaults that work, and errors that name the file, the entry and the way out."""

import pytest

from api.config import default_text, load_settings, parse_settings
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
