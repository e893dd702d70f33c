"""What users of comparable projects complained of, held against our alerts, feed and lists.

Each test is named for the thread in which the complaint stands: owner or project, and number.
"""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, date, datetime

import feedparser
import pytest

from api.alerts.deliver import deliver
from api.alerts.run import evaluate
from api.alerts.settings import parse_alerts
from api.browse.app import make_datasette
from api.config import parse_settings
from api.report import build_report, check, render_html, render_json, render_markdown
from store import Store
from tests.alert_world import night, planted, point, sessions
from tests.mail_server import mail_server
from tests.peers_world import FRIDAY, NOW, page_of, tagged, words
from tests.sample_store import _document
from tests.sample_world import MISSING, SOURCES
from tests.sample_world import NOW as NIGHT

# -- one evolving story --------------------------------------------------------------


def test_worldmonitor_6634_forty_updates_are_one_alert_one_entry_and_one_mail(tmp_path):
    """A single reader was sent nearly a million alert mails within fifteen months."""
    loud = sessions(144)[24::3]
    days = planted(tmp_path / "t.db", count=144, loud={"tariffs": loud}, stories=5)
    entries = {}
    with mail_server() as box, Store.open(tmp_path / "t.db") as store:
        settings = parse_settings(
            '[crawler]\nallow_addresses = ["127.0.0.0/8"]\nhost_interval_s = 0.0\n'
            '[[channel]]\nid = "feed"\nkind = "atom"\npath = "a.atom"\n'
            '[[channel]]\nid = "desk"\nkind = "mail"\nhost = "127.0.0.1"\nsecurity = "none"\n'
            f'port = {box.port}\nfrom = "tape@example.org"\nto = ["desk@example.org"]\n',
            origin="t.toml",
            base_dir=tmp_path,
        )
        for day in days[26::3]:
            evaluate(store, settings.alerts, [], now=night(day))
            assert deliver(store, settings, now=night(day)).failures == 0
            found = feedparser.parse((tmp_path / "a.atom").read_bytes())
            assert not found.bozo
            (entry,) = [one for one in found.entries if ":alert/" in one.id]
            entries[day] = (entry.id, entry.content[0].value)
        (alert,) = store.alerts.listed()
    assert len(alert["findings"]) == len(loud) == 40
    assert len({id_ for id_, _ in entries.values()}) == 1
    assert len({content for _, content in entries.values()}) > 30  # rewritten in place
    assert len(box.mails) == 1


# -- over time -----------------------------------------------------------------------


def test_bertopic_1529_a_narrative_over_time_is_a_share_of_what_was_collected(mine):
    """Counts over time show how much was collected, not how much of it a topic was."""
    days = ["2026-01-29", "2026-01-30"]
    low, high = [date.fromisoformat(day) for day in days]
    run = mine.runs.begin("align", now=NOW)
    usual = replace(point("tariffs", low), share=0.1, share_low=0.05, share_high=0.2)
    points = [
        replace(usual, stories=2, effective_n=20.0),
        replace(usual, day=high, stories=10, effective_n=100.0),
    ]
    with mine.transaction():
        mine.results.add_intensity(points, seen_at=NOW, run_id=run.id)
    run.finish(now=NOW)
    # Five times as many stories among five times as many are no more of them.
    got = asyncio.run(make_datasette(mine.path).client.get("/home.json?day=2026-01-30")).json()
    (row,) = [one for one in got["narratives"] if one["id"] == "tariffs"]
    assert (row["stories"], row["share"]) == (10, 0.1)
    assert row["since_yesterday"] == pytest.approx(0.0)


def test_bertopic_523_a_missing_session_is_marked_and_never_zero(get, tmp_path):
    """A gap in the data looked like a topic that had died."""
    for row in get("/home.json").json()["narratives"]:
        assert {day: share for day, share, _, _ in row["series"]}[f"{MISSING}"] is None
    assert "21 Jan 2026: not collected" in words(get("/narrative/fed-policy").text)
    # Of the last session, too, the home page says so, and shows the one before it.
    *_, before, last = planted(tmp_path / "t.db", missing=sessions(70)[-1:])
    with Store.open(tmp_path / "t.db") as store:
        shown = page_of(store, "/")
    said = f"Too little was collected on {last:%a} {last.day} {last:%b %Y}: not shown, and not"
    assert f"{said} counted as zero." in shown
    assert f"{before:%a} {before.day} {before:%b %Y}" in shown


def test_bertopic_1210_the_last_bin_is_marked_while_it_is_open_and_alerts_nobody(tmp_path):
    """The last bin, half full, looked like a fall or a rise."""
    day = sessions(70)[-1]
    planted(tmp_path / "t.db", loud={"tariffs": [day]})
    shipped = parse_alerts({}, "the shipped settings")
    with Store.open(tmp_path / "t.db") as store:
        noon = night(day, hour=15)
        assert not evaluate(store, shipped, [], now=noon).raised
        store.runs.begin("align", now=noon).finish(now=noon)
        assert "had not closed when the last run ended" in page_of(store, f"/?day={day}")
        assert "had not closed when the last run ended" in page_of(store, "/")
        assert evaluate(store, shipped, [], now=night(day)).raised


def test_bertopic_885_a_session_that_was_not_collected_alerts_nobody(tmp_path):
    """A bin without data must not count as a change."""
    *_, before, day = sessions(70)
    planted(tmp_path / "t.db", loud={"tariffs": [day]}, missing=[before, day])
    shipped = parse_alerts({}, "the shipped settings")
    with Store.open(tmp_path / "t.db") as store:
        assert not evaluate(store, shipped, [], now=night(day)).raised
        run = store.runs.begin("align", now=night(day))
        collected = [point("tariffs", day, loud=True)]
        store.results.add_intensity(collected, seen_at=night(day), run_id=run.id)
        run.finish(now=night(day))
        assert evaluate(store, shipped, [], now=night(day, hour=23)).raised


# -- feeds, reports, and what no keyword covers --------------------------------------


def test_trendradar_265_the_report_comes_as_feed_page_and_data(get):
    """Asked for: a feed of the results, and the same as a page and as data."""
    found = feedparser.parse(get("/feed.atom").content)
    assert not found.bozo
    (week,) = [one for one in found.entries if one.link.endswith("/report/2026-W05")]
    assert week.title
    assert week.updated_parsed
    for suffix, kind in (("", "text/html"), (".json", "application/json"), (".md", "text/")):
        answer = get(f"/report/2026-W05{suffix}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(kind)


def test_trendradar_842_documents_of_feeds_are_part_of_the_analysis(mine):
    """Feeds were listed beside the analysis, which did not read them."""
    run = mine.runs.begin("crawl", now=NIGHT)
    day = date(2026, 1, 28)
    text = "Tariffs return, and importers pay for all of them."
    document = replace(
        _document(91, day, "wire-east", "Importers pay", text, None),
        effective_at=datetime(2026, 1, 28, 15, tzinfo=UTC),
    )
    assert {one.id: one.kind for one in SOURCES}["wire-east"] == "feed"
    before = build_report(mine, "2026-W05", now=NOW)
    with mine.transaction():
        mine.documents.add([document], run.id)
        mine.labels.save([tagged(document, "tariffs")], run.id)
    run.finish(now=NIGHT)
    after = build_report(mine, "2026-W05", now=NOW)
    stories = [
        {one.id: one.stories for one in report.quality.outlets}["wire-east"]
        for report in (before, after)
    ]
    assert stories[1] == stories[0] + 1
    assert document.id in set(mine.frames.labels()["document_id"])
    shown = page_of(mine, "/narrative/tariffs?day=2026-01-28&window=1")
    assert "importers pay for all of them" in shown


@pytest.mark.parametrize("issue", [179, 67], ids=["179", "67"])
def test_trendradar_179_67_a_story_that_no_keyword_covers_still_surfaces(mine, issue):
    """The hottest story of a day was missed, since no keyword of the list was in it."""
    run = mine.runs.begin("crawl", now=NIGHT)
    title = {179: "Volcano shuts the largest port of the north", 67: "火山喷发关闭北方港口"}[issue]
    at = datetime(2026, 1, 29, 15, tzinfo=UTC)
    first = replace(_document(92, FRIDAY, "desk-notes", title, title, None), effective_at=at)
    copies = [
        replace(_document(93 + n, FRIDAY, source, title, title, first.id), effective_at=at)
        for n, source in enumerate(("wire-east", "tape-talk"))
    ]
    with mine.transaction():
        mine.documents.add([first, *copies], run.id)
        mine.labels.save([tagged(first)], run.id)
    run.finish(now=NIGHT)
    report = build_report(mine, "2026-W05", now=NOW)
    check(report, mine, now=NOW)
    told = report.outside.told[0]
    assert (told.document_id, told.copies) == (first.id, 3)
    for text in (render_html(report), render_markdown(report), json.dumps(
        render_json(report), ensure_ascii=False)):  # fmt: skip
        assert title in text


# -- copies --------------------------------------------------------------------------


def test_freshrss_948_copies_are_one_story_that_names_its_members(get):
    """The same article of several feeds filled the list."""
    alone = get("/search.json?q=nominee").json()
    ids = [row["id"] for row in alone["documents"]]
    (story, *_) = [row for row in alone["documents"] if row["reach"] > 1]
    members = get(f"/document/{story['id']}.json").json()["copies"]
    assert len(members) == story["reach"] == 2
    hidden = [one["id"] for one in members if one["duplicate_of"] is not None]
    assert not set(hidden) & set(ids)
    assert "Copies of the story" in words(get(f"/document/{story['id']}").text)
    assert "only the original counts" in words(get(f"/document/{hidden[0]}").text)


def test_newsblur_1722_the_collapsing_of_copies_has_an_off_switch(get):
    """The opposite: stories were hidden as copies and could not be had back."""
    alone, all_of_them = (get(f"/search.json?q=nominee{more}").json() for more in ("", "&copies=1"))
    hidden = {row["id"] for row in all_of_them["documents"] if row["duplicate_of"]}
    assert hidden
    assert {row["id"] for row in all_of_them["documents"]} == hidden | {
        row["id"] for row in alone["documents"]
    }
    assert "copies=1" in get("/search?q=nominee").text
