import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

import crawler.gather
import crawler.run
from crawler.entries import FEED_KINDS
from crawler.run import crawl
from crawler.social import PLATFORMS
from store import Store
from store.errors import StoreError
from store.records import Source, SourceKind
from tests.server import Answer, bomb, drip, etag, redirect, rss, serve, zipped

NOW = datetime(2026, 1, 30, 22, 30, tzinfo=UTC)
DAY = timedelta(days=1)
FEED = rss(("1", "one", "first text"), ("2", "two", "second text"))
TABLES = ("documents", "revisions", "sources", "fetches", "failures", "runs")


def feed(server, path="/feed", name="outlet", **more) -> Source:
    return Source(
        id=name, kind="feed", url=server.url + path, full_text=more.pop("full_text", False), **more
    )


def rows(store: Store, sql: str) -> list[Any]:
    return [tuple(row) for row in store.db.execute(sql)]


def everything(store: Store) -> dict[str, list[Any]]:
    return {table: rows(store, f"SELECT * FROM {table}") for table in TABLES}


def outcomes(store: Store) -> list[str]:
    return [row[0] for row in rows(store, "SELECT outcome FROM fetches ORDER BY fetched_at")]


def test_a_feed_becomes_documents(store):
    with serve({"/feed": Answer(200, FEED)}) as server:
        report = crawl(store, [feed(server)], now=NOW, settings=server.settings())
    assert report.counts == {
        "asked": 1,
        "new": 2,
        "revised": 0,
        "withdrawn": 0,
        "duplicates": 0,
    }
    assert report.failures == 0
    (first, _) = rows(
        store,
        "SELECT guid, title, text, url, published_at, first_seen_at, effective_at, date_source"
        " FROM documents ORDER BY guid",
    )
    assert first == (
        "1",
        "one",
        "first text",
        "https://outlet.example/1",
        "2026-01-30T10:00:00Z",
        "2026-01-30T22:30:00Z",
        "2026-01-30T22:30:00Z",
        "feed",
    )
    assert rows(store, "SELECT status, code FROM runs") == [("done", 0)]


def test_the_same_night_twice_changes_no_row(store):
    with serve({"/feed": Answer(200, FEED)}) as server:
        crawl(store, [feed(server)], now=NOW, settings=server.settings())
        before = everything(store)
        report = crawl(store, [feed(server)], now=NOW, settings=server.settings())
        assert everything(store) == before
        assert server.hits["/feed"] == 1
    assert set(report.counts.values()) == {0}


def test_the_same_body_on_another_night_changes_no_document(store):
    with serve({"/feed": Answer(200, FEED)}) as server:
        crawl(store, [feed(server)], now=NOW, settings=server.settings())
        documents = rows(store, "SELECT * FROM documents")
        crawl(store, [feed(server)], now=NOW + DAY, settings=server.settings())
        # Another body with the same entries is parsed, and changes nothing either.
        server.answers["/feed"] = Answer(200, FEED + b"\n<!-- served by b -->")
        crawl(store, [feed(server)], now=NOW + 2 * DAY, settings=server.settings())
    assert rows(store, "SELECT * FROM documents") == documents
    assert rows(store, "SELECT * FROM revisions") == []
    assert outcomes(store) == ["ok", "unchanged", "ok"]


def test_validators_are_sent_back_and_304_is_nothing_new(store):
    with serve({"/feed": etag(FEED)}) as server:
        for night in range(2):
            crawl(store, [feed(server)], now=NOW + night * DAY, settings=server.settings())
        assert server.requests[1][1]["if-none-match"] == '"v1"'
    assert outcomes(store) == ["ok", "not_modified"]


@pytest.mark.hostile(23)
def test_a_304_to_a_first_request_is_an_error(store):
    with serve({"/feed": Answer(304)}) as server:
        report = crawl(store, [feed(server)], now=NOW, settings=server.settings())
    assert report.failures == 1
    assert outcomes(store) == ["bad_304"]


def test_a_changed_entry_keeps_its_old_text(store):
    with serve({"/feed": Answer(200, FEED)}) as server:
        crawl(store, [feed(server)], now=NOW, settings=server.settings())
        server.answers["/feed"] = Answer(200, rss(("1", "one, corrected", "first text")))
        report = crawl(store, [feed(server)], now=NOW + DAY, settings=server.settings())
    assert report.counts["revised"] == 1
    assert rows(store, "SELECT title FROM documents WHERE guid = '1'") == [("one, corrected",)]
    assert rows(store, "SELECT title FROM revisions") == [("one",)]


@pytest.mark.hostile(35)
def test_a_clock_in_the_page_stops_at_24_revisions(store):
    with serve() as server:
        for hour in range(28):
            server.answers["/feed"] = Answer(200, rss(("1", "one", f"it is {hour} o'clock")))
            crawl(store, [feed(server)], now=NOW + hour * DAY, settings=server.settings())
    assert rows(store, "SELECT count(*) FROM revisions") == [(24,)]


@pytest.mark.parametrize(
    ("answer", "outcome", "status"),
    [
        (Answer(410), "gone", "gone"),
        (Answer(404), "client_error", "active"),
        (Answer(500), "server_error", "active"),
        (Answer(429, b"", {"Retry-After": "7200"}), "rate_limited", "paused"),
        (Answer(403, b"<html>", {"CF-Mitigated": "challenge"}), "challenge", "active"),
        (Answer(200, b"<html><body>log in</body></html>"), "not_a_feed", "active"),
        (redirect("/feed"), "redirect_loop", "active"),
        (redirect("http://169.254.169.254/"), "ssrf_blocked", "active"),
        (redirect("file:///etc/passwd"), "bad_scheme", "active"),
        (bomb(20), "too_large", "active"),
        (zipped(FEED, "gzip, gzip"), "decode", "active"),
        (drip(), "deadline", "active"),
        (Answer(200, b'<!DOCTYPE r [<!ENTITY a "b">]><rss><channel/></rss>'), "decode", "active"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_server_can_do(store, answer, outcome, status):
    with serve({"/feed": answer, "/good": Answer(200, FEED)}) as server:
        sources = [
            feed(server),
            replace(
                feed(server, "/good", "good"),
                url=server.url.replace("127.0.0.1", "localhost") + "/good",
            ),
        ]
        settings = server.settings(total_s=1.0, feed_bytes=2**20)
        report = crawl(store, sources, now=NOW, settings=settings)
    states = store.sources.states()
    found = dict(rows(store, "SELECT source_id, outcome FROM fetches"))
    assert found == {"outlet": outcome, "good": "ok"}
    assert states["outlet"].status == status
    assert states["outlet"].etag is None
    assert report.failures == 1
    assert report.counts["new"] == 2
    ((item, kind, message, advice),) = rows(
        store, "SELECT item, kind, message, advice FROM failures"
    )
    assert (item, kind) == ("outlet", outcome)
    assert message
    assert advice
    assert rows(store, "SELECT code FROM runs") == [(3,)]


@pytest.mark.hostile(25)
def test_a_retired_feed_is_not_asked_again(store):
    with serve({"/feed": Answer(410)}) as server:
        crawl(store, [feed(server)], now=NOW, settings=server.settings())
        server.answers["/feed"] = Answer(200, FEED)
        crawl(store, [feed(server)], now=NOW + 40 * DAY, settings=server.settings(), only_due=False)
        assert server.hits["/feed"] == 1


def test_a_pause_covers_the_host_and_outlasts_the_run(store):
    with serve(
        {"/feed": Answer(429, b"", {"Retry-After": "90000"}), "/b": Answer(200, FEED)}
    ) as server:
        settings = server.settings()
        both = [feed(server), feed(server, "/b", "other")]
        crawl(store, both, now=NOW, settings=settings)
        crawl(store, both, now=NOW + DAY, settings=settings, only_due=False)
        assert server.hits == {"/feed": 1}
        server.answers["/feed"] = Answer(200, FEED)
        report = crawl(store, both, now=NOW + 2 * DAY, settings=settings)
    assert report.counts["asked"] == 2


def test_a_permanent_move_is_learned_after_three_nights(store):
    with serve({"/feed": redirect("/new", 301), "/new": Answer(200, FEED)}) as server:
        for night in range(4):
            crawl(store, [feed(server)], now=NOW + night * DAY, settings=server.settings())
        assert server.hits == {"/feed": 3, "/new": 4}
        assert rows(store, "SELECT url FROM sources") == [(f"{server.url}/feed",)]


def test_a_new_address_in_the_settings_forgets_the_validators_of_the_old(store):
    with serve({"/feed": etag(FEED), "/new": etag(rss(("9", "nine", "x")))}) as server:
        crawl(store, [feed(server)], now=NOW, settings=server.settings())
        report = crawl(store, [feed(server, "/new")], now=NOW, settings=server.settings())
    assert report.counts["new"] == 1


@pytest.mark.hostile(50)
def test_validators_never_outlive_the_entries_they_cover(store, monkeypatch):
    """The invariant: a crash between the two would lose the entries for ever."""
    with serve({"/feed": etag(FEED)}) as server:
        settings = server.settings()

        def disk_full(*_args):
            raise sqlite3.OperationalError("database or disk is full")

        for broken in ("fetches.add", "sources.save_state", "documents.add"):
            group, name = broken.split(".")
            with monkeypatch.context() as patch:
                patch.setattr(getattr(store, group), name, disk_full)
                with pytest.raises(Exception, match="full"):
                    crawl(store, [feed(server)], now=NOW, settings=settings)
            assert store.documents.count() == 0
            assert store.sources.states()["outlet"].etag is None
            assert store.sources.states()["outlet"].next_due_at is None
            assert rows(store, "SELECT * FROM fetches") == []
        report = crawl(store, [feed(server)], now=NOW, settings=settings)
        assert report.counts["new"] == 2
        assert store.sources.states()["outlet"].etag == '"v1"'
        assert not store.check()


def test_a_mistake_of_ours_with_one_source_leaves_the_others_alone(store, monkeypatch):
    real = crawler.gather.gather

    async def fragile(shared, source, state, known):
        if source.id == "bad":
            raise ZeroDivisionError("planted")
        return await real(shared, source, state, known)

    monkeypatch.setattr(crawler.run, "gather", fragile)
    with serve({"/feed": Answer(200, FEED)}) as server:
        sources = [feed(server, name="bad"), feed(server, name="good")]
        report = crawl(store, sources, now=NOW, settings=server.settings())
    assert (report.counts["new"], report.failures) == (2, 1)


def test_syndicated_copies_are_one_story(store):
    story = " ".join(f"word{number}" for number in range(80))
    with serve(
        {
            "/a": Answer(200, rss(("1", "Silver falls", story))),
            "/b": Answer(200, rss(("x", "Copy", story + " (via a)"))),
        }
    ) as server:
        crawl(store, [feed(server, "/a", "a")], now=NOW, settings=server.settings())
        report = crawl(store, [feed(server, "/b", "b")], now=NOW + DAY, settings=server.settings())
    assert report.counts["duplicates"] == 1
    ((copy, original),) = rows(
        store,
        "SELECT d.source_id, o.source_id FROM documents d"
        " JOIN documents o ON o.id = d.duplicate_of",
    )
    assert (copy, original) == ("b", "a")


def test_every_kind_is_asked_in_its_own_way_but_archives():
    assert FEED_KINDS | PLATFORMS.keys() | {"page", "gdelt"} == set(get_args(SourceKind)) - {
        "import"
    }


def test_an_archive_is_not_asked(store):
    with serve({"/feed": Answer(200, FEED)}) as server:
        archive = replace(feed(server), kind="import")
        report = crawl(store, [archive], now=NOW, settings=server.settings())
        assert (report.failures, report.counts["asked"], server.hits.total()) == (0, 0, 0)


def test_a_kind_that_nobody_knows_is_refused(store):
    with serve({"/feed": Answer(200, FEED)}) as server:
        unknown = replace(feed(server), kind="fax")  # type: ignore[arg-type]
        with pytest.raises(StoreError):
            crawl(store, [unknown], now=NOW, settings=server.settings())
        assert server.hits.total() == 0


def test_a_token_that_is_missing_is_asked_for_by_name(store):
    with serve({"/feed": Answer(200, FEED)}) as server:
        source = feed(server, token_env="OUTLET_TOKEN")
        report = crawl(store, [source], now=NOW, settings=server.settings())
        assert report.failures == 1
        assert store.sources.states()["outlet"].status == "needs_key"
        secrets = {"OUTLET_TOKEN": "CANARY"}
        report = crawl(store, [source], now=NOW, settings=server.settings(), secrets=secrets)
        assert report.counts["new"] == 2
        assert server.requests[-1][1]["authorization"] == "Bearer CANARY"
    assert "OUTLET_TOKEN" in rows(store, "SELECT advice FROM failures")[0][0]
    assert "CANARY" not in str(everything(store)["fetches"])


@pytest.mark.parametrize("answer", [Answer(500), Answer(200, FEED), redirect("/feed", 301)])
@pytest.mark.hostile(44)
def test_no_secret_of_an_address_reaches_the_database(store, tmp_path, answer):
    with serve({"/feed": answer}) as server:
        for night in range(4):
            source = feed(server, "/feed?api_key=CANARY&n=1")
            crawl(store, [source], now=NOW + night * DAY, settings=server.settings())
        assert server.requests[0][0] == "/feed?api_key=CANARY&n=1"
    assert b"CANARY" not in (tmp_path / "t.db").read_bytes()
