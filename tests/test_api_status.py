"""``tapestory status``: lag, failures and what to do about each source, trouble first."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from click.testing import CliRunner

from api.cli import cli
from api.health import status_document, status_lines
from crawler.advice import failure
from crawler.run import crawl
from crawler.settings import CrawlSettings
from store import Store
from store.records import Source, SourceState
from tests.server import Answer, rss, serve

START = datetime(2026, 2, 1, 22, tzinfo=UTC)
DAY = timedelta(days=1)
ITEM = ("1", "one", "text")


def source(server, name, **options):
    return Source(id=name, kind="feed", url=f"{server.url}/{name}", full_text=False, **options)


def nights(store, server, sources, count=1, start=START):
    for night in range(count):
        crawl(store, sources, now=start + night * DAY, settings=server.settings(), only_due=False)


def rows(store, now=START):
    return {row["id"]: row for row in status_document(store, now)["sources"]}


def test_a_source_that_is_well_shows_its_lags(store):
    with serve({"/good": Answer(200, rss(ITEM))}) as server:
        nights(store, server, [source(server, "good")], 3)
    row = rows(store, START + 2 * DAY + timedelta(hours=3))["good"]
    assert (row["trouble"], row["advice"]) == (None, None)
    assert row["success_lag_s"] == 3 * 3600
    assert row["document_lag_s"] == 2 * 86400 + 3 * 3600
    assert (row["asked"], row["failed"], row["failure_share"]) == (3, 0, 0.0)
    assert row["next_due_at"] > "2026-02-04"


def test_failures_are_counted_over_the_last_runs_and_advised_on(store):
    with serve({"/bad": Answer(200, rss(ITEM))}) as server:
        listed = [source(server, "bad")]
        nights(store, server, listed)
        server.answers["/bad"] = Answer(200, b"<html>moved</html>")
        nights(store, server, listed, 3, START + DAY)
    row = rows(store, START + 4 * DAY)["bad"]
    assert (row["asked"], row["failed"], row["failure_share"]) == (4, 3, 0.75)
    assert (row["trouble"], row["last_outcome"]) == ("failing", "not_a_feed")
    assert row["advice"] == failure("x", "not_a_feed", "").advice
    assert row["success_lag_s"] == 4 * 86400


def test_pages_behind_a_feed_are_no_runs_of_it(store):
    with serve({"/1": Answer(404)}) as server:
        server.answers["/f"] = Answer(200, rss(ITEM, base=server.url))
        nights(store, server, [Source(id="f", kind="feed", url=f"{server.url}/f")])
    assert len(list(store.db.query("SELECT * FROM fetches"))) == 2
    row = rows(store)["f"]
    assert (row["asked"], row["failed"], row["trouble"]) == (1, 0, None)


def test_ten_runs_are_counted_and_older_ones_forgotten(store):
    with serve({"/f": Answer(500)}) as server:
        nights(store, server, [source(server, "f")], 2)
        server.answers["/f"] = Answer(200, rss(ITEM))
        nights(store, server, [source(server, "f")], 10, START + 3 * DAY)
    row = rows(store, START + 13 * DAY)["f"]
    assert (row["asked"], row["failed"]) == (10, 0)


def test_each_trouble_has_its_own_advice_and_the_pressing_ones_come_first(store):
    states: dict[str, dict[str, Any]] = {
        "well": {},
        "paused": {"status": "paused", "next_due_at": START + DAY},
        "silent": {},
        "overdue": {"next_due_at": START - 3 * DAY},
        "gone": {"status": "gone", "errors": 1},
        "failing": {"status": "failing", "errors": 5},
        "key": {"status": "needs_key", "errors": 1},
    }
    with serve({"/well": Answer(200, rss(ITEM)), "/gone": Answer(410)}) as server:
        made = [
            source(server, name, token_env="MY_TOKEN" if name == "key" else None) for name in states
        ]
        nights(store, server, [each for each in made if each.id in {"well", "gone"}])
        fresh = source(server, "fresh")
        archive = Source(id="archive", kind="import", url="archive.jsonl")
        store.sources.sync([*made, fresh, archive])
        for each in made:
            if each.id not in {"well", "gone"}:
                state: dict[str, Any] = {"last_ok_at": START, **states[each.id]}
                store.sources.save_state(SourceState(source_id=each.id, url=each.url, **state))
    document = status_document(store, START)
    found = {row["id"]: row for row in document["sources"]}
    assert [row["trouble"] for row in document["sources"]] == [
        "needs_key", "gone", "failing", "overdue", "never asked", "silent", "paused", None, None,
    ]  # fmt: skip
    assert found["key"]["advice"] == "set the environment variable MY_TOKEN"
    assert f"sources revive {store.path} gone" in found["gone"]["advice"]
    assert "--all" in found["failing"]["advice"]
    assert "schedule" in found["overdue"]["advice"]
    assert (found["archive"]["trouble"], found["archive"]["asked"]) == (None, 0)
    assert document["summary"]["well"] == 2
    lines = list(status_lines(document))
    assert "sources: 9, 2 well; 1 needs_key, 1 gone, 1 failing, 1 overdue" in "\n".join(lines)


def test_silence_is_told_from_a_feed_that_has_just_begun(store):
    with serve({"/f": Answer(200, rss(ITEM))}) as server:
        nights(store, server, [source(server, "f")], 2)
    later = START + 40 * DAY
    store.sources.save_state(
        SourceState(source_id="f", url=source(server, "f").url, last_ok_at=later)
    )
    assert rows(store, START + 2 * DAY)["f"]["trouble"] is None
    assert rows(store, later)["f"]["trouble"] == "silent"


def test_advice_that_many_sources_share_is_said_once(store):
    store.sources.sync(
        [Source(id=f"s{n}", kind="feed", url=f"https://s{n}.example") for n in range(5)]
    )
    text = "\n".join(status_lines(status_document(store, START)))
    assert text.count("the next crawl asks it") == 1
    assert text.count("0 documents, newest never, answered never") == 5


def test_a_key_that_is_missing_is_named_on_the_command_line(tmp_path):
    path = tmp_path / "t.db"
    needs = Source(
        id="m", kind="mastodon", url="https://m.example", handle="x", token_env="MASTODON_TOKEN"
    )
    with Store.open(path, create=True) as store:
        crawl(store, [needs], now=START, settings=CrawlSettings())
    text = CliRunner().invoke(cli, ["status", str(path)]).stdout
    assert "needs_key: set the environment variable MASTODON_TOKEN" in text
    found = json.loads(CliRunner().invoke(cli, ["status", str(path), "--json"]).stdout)
    assert found["summary"]["troubles"] == {"needs_key": 1}
