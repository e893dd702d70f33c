"""The table [discover] of the settings: what it may say, and what is said of what it may not."""

import re
import tomllib

import pytest

from api.config import default_text, load_settings
from api.discovering import DiscoverChoices, parse_discover
from api.errors import ConfigError
from api.stages import discovery_settings
from nlp.topics.settings import DiscoverySettings


def parsed(text):
    return parse_discover(tomllib.loads(text), "t.toml")


def test_silence_leaves_the_defaults_which_are_those_of_discovery(tmp_path):
    assert parsed("") == parsed("[discover]") == DiscoverChoices()
    (tmp_path / "t.toml").write_text("", encoding="utf-8")
    assert discovery_settings(load_settings(tmp_path / "t.toml")) == DiscoverySettings()


def test_the_shipped_settings_say_the_defaults():
    given = tomllib.loads(default_text())
    assert "discover" in given
    assert parse_discover(given, "the shipped settings") == DiscoverChoices()


def test_every_choice_reaches_discovery(tmp_path):
    path = tmp_path / "t.toml"
    path.write_text(
        '[discover]\non = false\nday = "Sun"\nweak = 0.4\nstories = 9\nsources = 4\ndays = 5\n'
        "market = 1\npvalue = 0.05\nseed = 11\n",
        encoding="utf-8",
    )
    settings = load_settings(path)
    assert not settings.discover.is_on
    chosen = discovery_settings(settings)
    assert (chosen.weekday, chosen.weak, chosen.grouping.seed) == (7, 0.4, 11)
    rules = chosen.rules
    assert (rules.stories, rules.sources, rules.days) == (9, 4, 5)
    assert (rules.market, rules.pvalue) == (1.0, 0.05)
    assert isinstance(rules.market, float)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("storys = 8", "unknown key 'storys': known are"),
        ('on = "yes"', "on = 'yes': write true or false"),
        ("on = 1", "on = 1: write true or false"),
        ('day = "Thursday"', "day = 'Thursday': choose one of"),
        ("day = 4", "day = 4: choose one of"),
        ('day = ["Thu"]', "choose one of"),
        ("stories = 2", "stories = 2: give a whole number from 3 to 10000"),
        ("stories = 8.0", "give a whole number from 3"),
        ("stories = true", "give a whole number from 3"),
        ('sources = "3"', "give a whole number from 1"),
        ("days = 29", "give a whole number from 1 to 28"),
        ("weak = 1.1", "weak = 1.1: give a number from 0 to 1"),
        ("weak = nan", "give a number from 0 to 1"),
        ("pvalue = -0.1", "give a number from 0 to 1"),
        ("market = inf", "give a number from 0 to 1"),
        ("seed = -1", "give a whole number from 0"),
    ],
)
def test_what_it_may_not_say_is_named_with_the_choice(line, said):
    with pytest.raises(ConfigError, match=re.escape(said)) as caught:
        parsed(f"[discover]\n{line}")
    assert "[discover] of t.toml" in str(caught.value)


@pytest.mark.parametrize("text", ["discover = 3", "[[discover]]\non = true"])
def test_it_is_one_table(text):
    with pytest.raises(ConfigError, match="single brackets"):
        parsed(text)
