"""How alerts leave: at least once, never forgotten, in no quiet hour, one channel by one."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import pytest
from click.testing import CliRunner

from api import stages
from api.alerts.deliver import deliver
from api.alerts.hours import is_quiet
from api.alerts.letters import mail_of
from api.alerts.rules import Channel
from api.alerts.run import evaluate
from api.alerts.settings import parse_alerts
from api.cli import cli
from api.config import parse_settings
from api.delivery import deliver_report
from api.errors import ConfigError
from store import Store
from tests.alert_world import night, planted, sessions
from tests.mail_server import mail_server

DAY = sessions(70)[-1]
NOW = night(DAY)
JSONL = '[[channel]]\nid = "log"\nkind = "jsonl"\npath = "alerts.jsonl"\n'
ATOM = '[[channel]]\nid = "feed"\nkind = "atom"\npath = "alerts.atom"\n'
ALLOWED = '[crawler]\nallow_addresses = ["127.0.0.0/8", "::1/128"]\nhost_interval_s = 0.0\n'


def hook(url):
    return f'[[channel]]\nid = "hook"\nkind = "webhook"\nurl = "{url}"\nsecret_env = "HOOK_KEY"\n'


def mail(port):
    return (
        '[[channel]]\nid = "desk"\nkind = "mail"\nhost = "127.0.0.1"\nsecurity = "none"\n'
        f'port = {port}\nfrom = "tapestory@example.org"\nto = ["desk@example.org"]\n'
    )


@pytest.fixture
def world(tmp_path):
    """Give a store with one loud narrative, and a reader of settings beside it."""
    planted(tmp_path / "t.db", loud={"tariffs": [DAY]})

    def settings(*texts, quiet=""):
        alerts = f'[alerts]\nquiet_hours = "{quiet}"\ntimezone = "Europe/Berlin"\nattempts = 2\n'
        text = "".join((ALLOWED, alerts, *texts))
        return parse_settings(text, origin="t.toml", base_dir=tmp_path)

    with Store.open(tmp_path / "t.db") as store:
        yield store, settings


def part(message, kind):
    """Return the text of a mail in one of its two forms."""
    found = message.get_body((kind,))
    assert found is not None
    return found.get_content()


def raised(store, settings, now=NOW):
    evaluate(store, settings.alerts, [], now=now)
    return deliver(store, settings, now=now)


def states(store):
    return store.db.execute(
        "SELECT channel, state, attempts FROM deliveries ORDER BY channel"
    ).fetchall()


def test_a_line_of_json_holds_the_alert_with_its_evidence(world, tmp_path):
    store, settings = world
    assert raised(store, settings(JSONL)).sent == 1
    (line,) = (tmp_path / "alerts.jsonl").read_text().splitlines()
    alert = json.loads(line)
    assert (alert["id"], alert["kind"], alert["version"]) == (f"{DAY}-tariffs", "raised", 1)
    assert alert["findings"][0]["numbers"]["stories"] == 8
    assert len(alert["findings"][0]["quotes"]) == 3
    # A second run has nothing to send and writes nothing.
    before = list(store.db.conn.iterdump())
    assert raised(store, settings(JSONL)).sent == 0
    assert list(store.db.conn.iterdump()) == before
    assert len((tmp_path / "alerts.jsonl").read_text().splitlines()) == 1


def test_what_is_raised_in_quiet_hours_is_kept_and_sent_after_them(world, tmp_path):
    store, settings = world
    held = raised(store, settings(JSONL, quiet="22:00-07:00"))
    assert (held.sent, held.waiting, held.is_held) == (0, 1, True)
    assert not (tmp_path / "alerts.jsonl").exists()
    morning = NOW.replace(hour=6) + timedelta(days=1)  # 08:00 in Berlin
    assert deliver(store, settings(JSONL, quiet="22:00-07:00"), now=morning).sent == 1


@pytest.mark.parametrize(
    ("instant", "quiet"),
    [
        ("2026-01-15T20:59:59", False),  # 21:59:59 in Berlin
        ("2026-01-15T21:00:00", True),
        ("2026-01-16T05:59:59", True),
        ("2026-01-16T06:00:00", False),
        ("2026-07-15T20:00:00", True),  # 22:00 in summer
        ("2026-07-16T05:00:00", False),
        # The nights of both changes: the ends are those of the clock on the wall.
        ("2026-03-29T04:59:59", True),
        ("2026-03-29T05:00:00", False),
        ("2026-10-25T05:59:59", True),
        ("2026-10-25T06:00:00", False),
    ],
)
def test_quiet_hours_go_by_the_clock_on_the_wall(instant, quiet):
    table = {"alerts": {"quiet_hours": "22:00-07:00", "timezone": "Europe/Berlin"}}
    hours = parse_alerts(table, "t.toml").quiet
    assert is_quiet(datetime.fromisoformat(instant).replace(tzinfo=UTC), hours) == quiet


def test_quiet_hours_within_a_day_and_none():
    hours = parse_alerts({"alerts": {"quiet_hours": "12:00-13:30"}}, "t.toml").quiet
    noon = datetime(2026, 1, 30, 12, tzinfo=UTC)
    assert [is_quiet(noon + timedelta(hours=n), hours) for n in (-1, 0, 1, 2)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert not is_quiet(noon, None)


def test_a_broken_channel_stops_no_other_and_is_given_up_with_a_failure(world, tmp_path):
    store, settings = world
    both = settings(JSONL.replace("alerts.jsonl", "no/folder/a.jsonl"), ATOM)
    first = raised(store, both)
    assert (first.sent, first.failures, first.waiting) == (1, 1, 1)
    assert states(store) == [("feed", "sent", 1), ("log", "waiting", 1)]
    later = NOW + timedelta(days=1)
    assert deliver(store, both, now=later).failures == 1
    assert states(store) == [("feed", "sent", 1), ("log", "given up", 2)]
    assert deliver(store, both, now=later + timedelta(days=1)).failures == 0
    failures = store.runs.failures()
    assert [one["item"] for one in failures] == [f"log: {DAY}-tariffs"] * 2
    assert "given up" in failures[0]["advice"]
    assert "tried again" in failures[1]["advice"]


def test_a_channel_that_left_the_settings_is_a_failure_not_a_silence(world):
    store, settings = world
    evaluate(store, settings(JSONL).alerts, [], now=NOW)
    assert deliver(store, settings(ATOM), now=NOW).failures == 1
    assert "'log'" in store.runs.failures()[0]["message"]


def test_a_webhook_that_is_down_gets_it_the_next_time(world, httpserver, monkeypatch):
    monkeypatch.setenv("HOOK_KEY", "k3y")
    store, settings = world
    channels = settings(hook(httpserver.url_for("/hook/t0ken")))
    httpserver.expect_ordered_request("/hook/t0ken").respond_with_data("", status=500)
    assert raised(store, channels).failures == 1
    dump = "\n".join(store.db.conn.iterdump())
    assert "t0ken" not in dump
    assert "k3y" not in dump
    httpserver.expect_ordered_request("/hook/t0ken").respond_with_data("", status=204)
    assert deliver(store, channels, now=NOW + timedelta(hours=9)).sent == 1
    first, second = (request for request, _ in httpserver.log)
    assert first.get_data() == second.get_data()
    assert first.headers["X-Tapestory-Delivery"] == f"{DAY}-tariffs.1"
    assert first.headers["X-Tapestory-Signature"].startswith("sha256=")


def test_a_secret_that_is_not_set_is_named(world, httpserver, monkeypatch):
    monkeypatch.delenv("HOOK_KEY", raising=False)
    store, settings = world
    assert raised(store, settings(hook(httpserver.url_for("/hook")))).failures == 1
    assert "'HOOK_KEY', which is not set" in store.runs.failures()[0]["message"]
    assert not httpserver.log


def test_a_mail_has_text_and_html_and_an_id_that_stays(world):
    store, settings = world
    with mail_server() as box:
        box.refuses = {"DATA": "451 later"}
        assert raised(store, settings(mail(box.port))).failures == 1
        box.refuses = {}
        assert deliver(store, settings(mail(box.port)), now=NOW + timedelta(hours=8)).sent == 1
    (sent,) = box.mails
    assert sent["Message-ID"] == f"<{DAY}-tariffs.1@example.org>"
    assert sent["Subject"] == "Tapestory: Tariffs and trade war: told more than forecast"
    assert sent["Auto-Submitted"] == "auto-generated"
    text = part(sent, "plain")
    page = part(sent, "html")
    assert "8 stories from 5 sources" in text
    assert "<b>tariffs</b> is on & everybody" in text
    assert "&lt;b&gt;tariffs&lt;/b&gt; is on &amp; everybody" in page
    assert f"http://127.0.0.1:8001/alert/{DAY}-tariffs" in text


def test_a_title_cannot_add_a_header_and_an_update_is_threaded(world):
    store, settings = world
    evaluate(store, settings(JSONL).alerts, [], now=NOW)
    (alert,) = store.alerts.listed()
    channel = Channel(id="d", kind="mail", sender="a@example.org", to=("b@example.org",))
    hostile = {**alert, "title": "Gold\r\nBcc: everybody@example.org\r\n\r\n<script>\u2028x"}
    message = mail_of(hostile, channel, "http://127.0.0.1:8001", 2)
    assert message["Bcc"] is None
    assert "\n" not in message["Subject"]
    assert message["Subject"].startswith("Tapestory: Update: Gold Bcc:")
    assert message["In-Reply-To"] == f"<{DAY}-tariffs.1@example.org>"
    assert message["Message-ID"] == f"<{DAY}-tariffs.2@example.org>"
    assert "<script>" not in part(message, "html")
    assert bytes(message)


def test_the_feed_file_is_rewritten_in_place_and_valid(world, tmp_path):
    store, settings = world
    raised(store, settings(ATOM))
    path = tmp_path / "alerts.atom"
    found = feedparser.parse(path.read_bytes())
    assert not found.bozo
    assert any(entry.id.endswith(f"alert/{DAY}-tariffs") for entry in found.entries)
    before = path.stat().st_mtime_ns
    deliver(store, settings(ATOM), now=NOW + timedelta(hours=1))
    assert path.stat().st_mtime_ns == before
    assert not list(tmp_path.glob(".*.tmp"))


def test_the_sample_nights_send_nothing_of_what_waits(world):
    store, settings = world
    evaluate(store, settings(JSONL).alerts, [], now=NOW)
    without = settings(JSONL)
    without = replace(without, alerts=replace(without.alerts, channels=()))
    sent = deliver(store, without, now=NOW)
    assert (sent.sent, sent.failures, sent.waiting) == (0, 0, 1)


def test_the_stage_says_what_was_raised_and_what_failed(world):
    store, settings = world
    report = stages.run_alerts(
        store, settings(JSONL.replace("alerts.jsonl", "no/a.jsonl")), now=NOW, sources=()
    )
    assert report.counts == {"raised": 1, "updated": 0, "sent": 0}
    assert report.failures == 1
    assert report.notes[0].startswith("Tariffs and trade war: told more than forecast")


# -- the command ---------------------------------------------------------------------


def run(*words):
    return CliRunner().invoke(cli, [str(word) for word in words])


@pytest.fixture
def desk(world, tmp_path):
    store, settings = world
    evaluate(store, settings(JSONL).alerts, [], now=NOW)
    store.close()
    (tmp_path / "t.toml").write_text(JSONL)
    return tmp_path


def test_the_command_lists_sends_and_replays(desk):
    words = ("alerts", desk / "t.db", "--config", desk / "t.toml")
    shown = run(*words)
    assert shown.exit_code == 0, shown.output
    assert "told more than forecast" in shown.stdout
    assert json.loads(run(*words, "--json").stdout)[0]["id"] == f"{DAY}-tariffs"
    assert json.loads(run(*words, "--json", "--since", "2027-01-01").stdout) == []
    assert "1 delivery waiting (0 failed before), 0 given up" in run("status", desk / "t.db").stdout
    sent = run(*words, "--send", "--as-of", NOW.isoformat())
    assert (sent.exit_code, sent.stdout) == (0, "1 sent, 0 failed, 0 wait\n")
    days = (str(DAY - timedelta(days=10)), str(DAY))
    played = run(*words, "--replay", *days, "--json", "--as-of", NOW.isoformat())
    assert [json.loads(line)["kind"] for line in played.stdout.splitlines()] == ["raised"]
    assert "1 alerts and 0 updates" in played.stderr


def test_a_delivery_that_fails_is_exit_code_3(desk):
    (desk / "t.toml").write_text(JSONL.replace("alerts.jsonl", "no/a.jsonl"))
    sent = run("alerts", desk / "t.db", "--config", desk / "t.toml", "--send")
    assert sent.exit_code == 3
    assert "no/a.jsonl" in sent.stderr


@pytest.mark.parametrize("words", [("--send", "--json"), ("--since", "2026-01-01", "--send")])
def test_what_goes_not_together_is_usage(desk, words):
    assert run("alerts", desk / "t.db", *words).exit_code == 2


# -- the weekly report ---------------------------------------------------------------


@pytest.fixture
def report(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    texts = {
        "md": "# Narratives, week 2026-W05\n\nSilver fell 28.5 %.\n\n## Moves\n\n| a |\n",
        "html": "<!DOCTYPE html><title>Week</title>",
        "pdf": "%PDF-1.7",
    }
    paths = []
    for suffix, text in texts.items():
        paths.append(folder / f"narratives-2026-W05.{suffix}")
        paths[-1].write_text(text)
    return paths


def test_a_report_goes_to_its_folder_and_by_mail(world, report, tmp_path):
    _, settings = world
    with mail_server() as box:
        text = f'{mail(box.port)}[report]\nfolder = "share/weekly"\nmail = ["desk"]\n'
        done = deliver_report(report, settings(text), NOW)
    assert (len(done.done), done.failed) == (2, [])
    folder = tmp_path / "share" / "weekly"
    assert sorted(path.suffix for path in folder.iterdir()) == [".html", ".md", ".pdf"]
    (sent,) = box.mails
    assert sent["Subject"] == "Tapestory: weekly report 2026-W05"
    assert sent["Message-ID"] == "<report.narratives-2026-W05@example.org>"
    assert part(sent, "plain").startswith("Narratives, week 2026-W05")
    assert "| a |" not in part(sent, "plain")
    attached = {one.get_filename(): one.get_content_type() for one in sent.iter_attachments()}
    assert attached == {
        "narratives-2026-W05.html": "text/html",
        "narratives-2026-W05.pdf": "application/pdf",
    }


def test_a_report_that_cannot_be_mailed_is_still_copied(world, report):
    _, settings = world
    with mail_server() as box:
        box.refuses = {"RCPT": "550 no"}
        text = f'{mail(box.port)}[report]\nfolder = "weekly"\nmail = ["desk"]\n'
        done = deliver_report(report, settings(text), NOW)
    assert len(done.done) == 1
    assert "'desk'" in done.failed[0]


def test_no_place_to_deliver_to_is_an_error(world, report):
    with pytest.raises(ConfigError, match=r"\[report\]"):
        deliver_report(report, world[1](), NOW)


def test_the_folder_of_the_tests_is_their_own(tmp_path):
    assert not (Path.cwd() / "alerts.jsonl").exists()
    assert tmp_path.exists()
