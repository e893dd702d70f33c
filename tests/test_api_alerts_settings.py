"""What a person may write of alerts, and what is refused with a sentence."""

import pytest

from api.config import default_text, parse_settings
from api.errors import ConfigError


def parse(text, tmp_path):
    return parse_settings(text, origin="t.toml", base_dir=tmp_path)


def test_the_shipped_settings_state_the_rules_as_they_are(tmp_path):
    shipped = parse(default_text(), tmp_path)
    assert shipped.alerts == parse("", tmp_path).alerts
    assert [rule.id for rule in shipped.alerts.rules] == [
        "innovation", "stance_flip", "suspect", "source_quiet",
    ]  # fmt: skip
    assert shipped.alerts.quiet is None
    assert not shipped.report.folder


def test_the_commented_examples_hold(tmp_path):
    lines = default_text().splitlines()
    begin = next(n for n, line in enumerate(lines) if line == "# [[alert]]")
    end = next(n for n, line in enumerate(lines) if line.startswith("[report]"))
    text = "\n".join(line.removeprefix("# ") for line in lines[begin:end] if line[2:4] != "Wh")
    settings = parse(text, tmp_path)
    assert [channel.kind for channel in settings.alerts.channels] == [
        "atom", "jsonl", "webhook", "mail",
    ]  # fmt: skip
    own = settings.alerts.rules[-1]
    assert (own.id, own.level, own.stories, own.channels) == ("gold-desk", 3.0, 5, ("desk",))
    assert settings.alerts.channels_of(settings.alerts.rules[0]) == ("feed", "log", "hook", "desk")


def test_secrets_are_read_from_the_environment_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("SMTP_PASSWORD", "pa55")
    text = (
        '[[channel]]\nid = "d"\nkind = "mail"\nhost = "smtp.example.org"\nuser = "u"\n'
        'password_env = "SMTP_PASSWORD"\nfrom = "a@example.org"\nto = ["b@example.org"]\n'
    )
    settings = parse(text, tmp_path)
    assert settings.secrets == {"SMTP_PASSWORD": "pa55"}
    assert (settings.alerts.channels[0].port, settings.alerts.channels[0].security) == (
        587, "starttls",
    )  # fmt: skip


MAIL = '[[channel]]\nid = "d"\nkind = "mail"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[alerts]\nlevel = 2", r"unknown key 'level'"),
        ('[alerts]\nquiet_hours = "late"', r"two times of the day"),
        ('[alerts]\nquiet_hours = "22:00-22:00"', r"two times of the day"),
        ('[alerts]\nquiet_hours = "25:00-07:00"', r"two times of the day"),
        ('[alerts]\ntimezone = "Berlin"', r"Europe/Berlin"),
        ('[alerts]\ntimezone = "../../etc/passwd"', r"not known"),
        ("[alerts]\nspan = 0", r"1 or more"),
        ("[alerts]\nescalate = nan", r"0 or more"),
        ("[alerts]\nmost_sent = true", r"whole number"),
        ('[alerts]\nsite = "javascript:alert(1)"', r"http or https"),
        ("[alerts.innovation]\nlevel = '2'", r"give a number"),
        ("[alerts.innovation]\nstories = 0", r"1 or more"),
        ("[alerts.innovation]\non = 1", r"true or false"),
        ("[alerts.innovation]\nassets = ['SPY']", r"unknown key 'assets'"),
        ("[alerts.stance_flip]\npvalue = 2", r"0 to 1"),
        ("[alerts.suspect]\nundecided = -1", r"0 or more"),
        ("[alert]\nid = 'x'", r"\[\[alert\]\]"),
        ("[[alert]]\nid = 'x'\nrule = 'price'", r"choose one of"),
        ("[[alert]]\nid = 'a b'\nrule = 'suspect'", r"a word of letters"),
        ("[[alert]]\nid = 'suspect'\nrule = 'suspect'", r"names alert 'suspect' twice"),
        ("[[alert]]\nid = 'x'\nrule = 'suspect'\nchannels = ['gone']", r"not a \[\[channel\]\]"),
        ("[[alert]]\nid = 'x'\nrule = 'suspect'\nnarratives = 'tariffs'", r"list of texts"),
        ("[[channel]]\nid = 'c'\nkind = 'pigeon'", r"choose one of"),
        ("[[channel]]\nid = 'c'\nkind = 'jsonl'", r"lacks 'path'"),
        ("[[channel]]\nid = 'c'\nkind = 'webhook'", r"url_env"),
        ("[[channel]]\nid = 'c'\nkind = 'webhook'\nurl = 'ftp://x.example'", r"http or https"),
        (
            "[[channel]]\nid = 'c'\nkind = 'webhook'\nurl = 'https://x.example'\npath = 'a'",
            r"'path'",
        ),
        (MAIL + "host = 'h'\nfrom = 'a@b.c'\nto = []", r"lacks 'to'"),
        (MAIL + "host = 'h'\nfrom = \"a@b.c\\nBcc: x@y.z\"\nto = ['x@y.z']", r"bare address"),
        (MAIL + "host = 'h'\nfrom = 'a@b.c'\nto = ['x@y.z, q@y.z']", r"bare address"),
        (MAIL + "host = 'h'\nfrom = 'a@b.c'\nto = ['x@y.z']\nsecurity = 'ssl'", r"starttls"),
        (
            MAIL + "host = 'h'\nfrom = 'a@b.c'\nto = ['x@y.z']\nsecurity = 'none'\n"
            "password_env = 'P'",
            r"unencrypted",
        ),
        ("[report]\nmail = ['desk']", r"kind 'mail'"),
        ("[report]\nto = 'x'", r"unknown key 'to'"),
        ("[schedule]\nreport = 'Saturday 7'", r"Sat 07:30"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_place(text, words, tmp_path):
    with pytest.raises(ConfigError, match=words) as caught:
        parse(text, tmp_path)
    assert "t.toml" in str(caught.value)
