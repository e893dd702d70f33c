"""The pages of the alerts and the feed of alerts and weekly reports."""

import asyncio
import json
import re
import xml.etree.ElementTree as ET
from datetime import datetime

import feedparser
import pytest

from api.alerts.feed import Entry, feed
from api.alerts.letters import html
from api.alerts.run import evaluate
from api.alerts.settings import parse_alerts
from api.browse.app import make_datasette
from store import Store
from store.migrations import migrations
from store.publish import publish, snapshot_path
from tests.alert_world import night, planted, sessions

ATOM = "{http://www.w3.org/2005/Atom}"
DAYS = sessions(70)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Give the pages of a store with two stories, one over and named by its second part."""
    path = tmp_path_factory.mktemp("alerts") / "t.db"
    loud = {"tariffs": [DAYS[50], DAYS[52], DAYS[-2]], "recession": [DAYS[-1]]}
    planted(path, loud=loud)
    with Store.open(path) as store:
        for day in DAYS[48:]:
            evaluate(store, parse_alerts({}, ""), [], now=night(day))
        # An evaluation ends what the pages take for now.
        run = store.runs.begin("align", now=night(DAYS[-1]))
        assert run.id
        run.finish(now=night(DAYS[-1]))
        publish(store)
    return make_datasette(snapshot_path(path))


def get(site, path):
    return asyncio.run(site.client.get(path))


def test_the_page_lists_stories_with_their_evidence(site):
    page = get(site, "/alerts")
    assert page.status_code == 200
    assert page.text.count("<article") == 3
    assert "8 stories from 5 sources" in page.text
    assert "2 running as of" in page.text
    assert "1 over" in page.text
    assert "<script" not in page.text
    assert "&lt;b&gt;" in page.text  # markup of a document is text


def test_one_story_has_an_address_of_its_own_and_opens_to_its_rows(site):
    page = get(site, f"/alert/{DAYS[50]}-tariffs")
    assert page.status_code == 200
    assert page.text.count('class="finding"') == 2
    assert "A later one" in page.text
    href = re.search(r'href="(/tapestory/intensity\?[^"]+)"', page.text)
    assert href is not None
    rows = get(site, href[1].replace("&amp;", "&").replace("intensity?", "intensity.json?"))
    assert len(rows.json()["rows"]) == 1


def test_the_json_is_the_data_of_the_page(site):
    one = get(site, f"/alert/{DAYS[-2]}-tariffs.json").json()
    assert one["alert"]["earlier_id"] == f"{DAYS[50]}-tariffs"
    assert one["alert"]["findings"][0]["quotes"][0]["quote"]
    many = get(site, f"/alerts.json?since={DAYS[60]}").json()
    assert {alert["first_day"] for alert in many["alerts"]} == {str(DAYS[-2]), str(DAYS[-1])}
    assert json.dumps(many)


def test_an_unknown_alert_is_a_404_that_names_others(site):
    page = get(site, "/alert/nothing")
    assert page.status_code == 404
    assert f"/alert/{DAYS[-1]}-recession" in page.text


def check_atom(text: bytes) -> ET.Element:
    """Check what RFC 4287 requires of a feed and its entries (sections 4.1.1 and 4.1.2)."""
    root = ET.fromstring(text)
    assert root.tag == f"{ATOM}feed"
    for element in (root, *root.findall(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1, name
        stamp = element.findtext(f"{ATOM}updated")
        assert datetime.fromisoformat(stamp or "").tzinfo is not None
        assert re.match(r"tag:[^,]+,\d{4}-\d\d-\d\d:\S+$", element.findtext(f"{ATOM}id") or "")
        # An entry without content must have an alternate link (4.1.1.1).
        kinds = [link.get("rel") for link in element.findall(f"{ATOM}link")]
        assert "alternate" in kinds
    # An author of the feed stands for entries without one (4.1.1).
    assert root.findtext(f"{ATOM}author/{ATOM}name")
    ids = [entry.findtext(f"{ATOM}id") for entry in root.findall(f"{ATOM}entry")]
    assert len(ids) == len(set(ids))
    return root


def test_the_feed_has_alerts_and_complete_weeks_and_is_valid(site):
    answer = get(site, "/feed.atom")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/atom+xml")
    root = check_atom(answer.content)
    found = feedparser.parse(answer.content)
    assert not found.bozo
    ids = [entry.id.partition(":alert/")[2] for entry in found.entries]
    assert {one for one in ids if one} == {
        f"{DAYS[50]}-tariffs", f"{DAYS[-2]}-tariffs", f"{DAYS[-1]}-recession",
    }  # fmt: skip
    weeks = [entry.link for entry in found.entries if ":report/" in entry.id]
    year, week, weekday = DAYS[-1].isocalendar()
    assert weekday == 5
    assert f"http://localhost/report/{year}-W{week:02}" in weeks
    assert len(weeks) == 12
    alternate = root.find(f"{ATOM}link[@rel='self']")
    assert alternate is not None
    assert alternate.get("href") == "http://localhost/feed.atom"


def test_text_from_outside_cannot_leave_its_element():
    hostile = "</title><entry>\x00\x0b\ud800 ]]> & <script>alert(1)</script> \u2028 \U0001f600"
    entry = Entry(
        id="alert/x",
        title=hostile,
        url='http://127.0.0.1/a?b=1&c="2"',
        published="2026-01-30T00:00:00Z",
        updated="2026-01-30T00:00:00Z",
        summary=hostile,
        content=hostile,
    )
    text = feed([entry], site="http://127.0.0.1:8001", address="http://127.0.0.1:8001/feed.atom")
    root = check_atom(text)
    (found,) = root.findall(f"{ATOM}entry")
    assert found.findtext(f"{ATOM}title") == re.sub("[\x00\x0b\ud800]", "", hostile)
    assert b"<script" not in text


PAYLOAD = "\"'><script>fetch('/beacon')</script><img src=x onerror=fetch('/beacon')>"


def test_what_was_crawled_never_runs_in_page_feed_or_mail(tmp_path):
    path = tmp_path / "t.db"
    planted(path, loud={"tariffs": [DAYS[-1]]})
    with Store.open(path) as store:
        store.db.execute("UPDATE passages SET text = ?", [PAYLOAD])
        store.db.execute("UPDATE documents SET text = ?, url = 'javascript:alert(1)'", [PAYLOAD])
        store.db.execute("UPDATE narratives SET name = name || ?", [PAYLOAD])
        evaluate(store, parse_alerts({}, ""), [], now=night(DAYS[-1]))
        (alert,) = store.alerts.listed()
    assert PAYLOAD in alert["title"]
    site = make_datasette(path)
    pages = [get(site, "/alerts").text, get(site, f"/alert/{DAYS[-1]}-tariffs").text]
    (entry,) = [
        one
        for one in check_atom(get(site, "/feed.atom").content).findall(f"{ATOM}entry")
        if "alert/" in (one.findtext(f"{ATOM}id") or "")
    ]
    for text in (*pages, entry.findtext(f"{ATOM}content") or "", html(alert, "http://x.example")):
        assert "beacon" in text
        assert "<script" not in text
        assert "<img" not in text
        assert 'href="javascript:' not in text


def test_an_empty_feed_is_valid():
    check_atom(feed([], site="http://127.0.0.1:8001", address="http://127.0.0.1:8001/feed.atom"))


def test_a_snapshot_from_before_there_were_alerts_has_none(tmp_path):
    import sqlite3

    from sqlite_utils import Database

    path = tmp_path / "old.db"
    db = Database(sqlite3.connect(path))
    migrations.apply(db, stop_before="m021_alerts")
    db.close()
    old = make_datasette(path)
    assert "Nothing is to be told" in get(old, "/alerts").text
    assert get(old, "/alert/x").status_code == 404
    assert get(old, "/feed.atom").status_code == 200
