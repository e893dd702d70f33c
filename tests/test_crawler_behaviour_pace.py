"""Rows 7 to 12 of the behaviour table (docs/crawling.md): when a source is asked, and how often."""

import itertools
import time
from email.utils import formatdate

import pytest

from crawler.decide import advance, is_due
from crawler.hosts import Hosts
from crawler.messages import Fetched
from crawler.run import crawl
from crawler.settings import CrawlSettings
from store.records import SourceState
from tests.crawl_nights import HTML, channel, due_in_hours, item, page
from tests.crawl_world import DAY, NOW, local_feed, night, outcomes, state, values
from tests.server import Answer, redirect, serve

FEED = channel(item("one", guid="1", text="first"), item("two", guid="2", text="second"))
FRIDAY_ONLY = "".join(
    f"<day>{day}day</day>" for day in ("Satur", "Sun", "Mon", "Tues", "Wednes", "Thurs")
)


# -- rows 7 to 9 --------------------------------------------------------------------


def in_21_hours() -> str:
    """Return a date that counts from the answer, not from the start of all the tests."""
    return formatdate(time.time() + 21 * 3600, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "head", "hours"),
    [
        ({}, "", 20),
        ({"Cache-Control": "public, max-age=79200"}, "", 22),
        ({"Expires": in_21_hours}, "", 21),
        ({"Cache-Control": "max-age=72000"}, "<ttl>1260</ttl>", 21),
        ({"Cache-Control": "max-age=31536000"}, "", 23.5),
        ({"Cache-Control": "max-age=soon", "Expires": "never"}, "<ttl>-1</ttl>", 20),
    ],
    ids=["none", "max-age", "expires", "the longest counts", "a year", "garbage"],
)
def test_row_07_freshness_is_kept_but_costs_no_night(store, headers, head, hours):
    def answer(_handler):
        stated = {name: value() if callable(value) else value for name, value in headers.items()}
        return Answer(200, channel(item("a", guid="a"), head=head), stated)

    with serve({"/feed": answer}) as server:
        night(store, server)
        assert due_in_hours(store) == pytest.approx(hours, abs=0.1)
        night(store, server, nights=1)
        assert server.hits["/feed"] == 2


@pytest.mark.parametrize(
    ("head", "hours"),
    [
        ("<ttl>1320</ttl>", 22),
        ("<sy:updatePeriod>daily</sy:updatePeriod>", 23.5),
        ("<sy:updatePeriod>weekly</sy:updatePeriod>", 23.5),
        (
            "<sy:updatePeriod>weekly</sy:updatePeriod><sy:updateFrequency>8</sy:updateFrequency>",
            21,
        ),
        ("<sy:updatePeriod>hourly</sy:updatePeriod>", 20),
    ],
)
def test_row_08_ttl_and_update_period(store, head, hours):
    with serve({"/feed": Answer(200, channel(head=head))}) as server:
        night(store, server)
        assert due_in_hours(store) == hours
        # An answer without a body repeats what the last body said.
        night(store, server, nights=1)
    assert outcomes(store)[-1] == "unchanged"
    assert due_in_hours(store, NOW + DAY) == hours


def test_row_09_days_that_a_feed_sits_out(store):
    skipped = f"<skipDays>{FRIDAY_ONLY}</skipDays>"
    with serve({"/feed": Answer(200, channel(item("a", guid="a"), head=skipped))}) as server:
        for number in range(15):
            night(store, server, nights=number)
        assert server.hits["/feed"] == 3
        assert outcomes(store) == ["ok", "unchanged", "unchanged"]
        # A job that comes late finds the feed due, and its day off all the same.
        night(store, server, nights=22)
        assert server.hits["/feed"] == 3


def test_row_09_hours_that_a_feed_sits_out(store):
    hours = "".join(f"<hour>{hour}</hour>" for hour in (17, 18, 19, 24))
    body = channel(item("a", guid="a"), head=f"<skipHours>{hours}</skipHours>")
    with serve({"/feed": Answer(200, body)}) as server:
        night(store, server)
        assert due_in_hours(store) == 21.5  # 18:30 is sat out, to 20:00
        # At the very hour of the nightly job it is asked: else it would never be.
        server.answers["/feed"] = Answer(200, body.replace(b">17<", b">22<"))
        night(store, server, nights=1)
        night(store, server, nights=2)
        assert server.hits["/feed"] == 3


# -- rows 10 to 12 ------------------------------------------------------------------


def test_row_10_one_request_at_a_time_and_an_interval_for_each_host(store):
    under_way, most, started = 0, 0, []

    def slow(handler):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        started.append(time.monotonic())
        time.sleep(0.02)
        under_way -= 1
        return Answer(200, FEED)

    with serve({f"/{number}": slow for number in range(4)}) as server:
        sources = [local_feed(server, f"/{number}", f"s{number}") for number in range(4)]
        settings = CrawlSettings(allow_addresses=("127.0.0.0/8",), host_interval_s=0.1)
        crawl(store, sources, now=NOW, settings=settings)
    assert most == 1
    assert min(later - first for first, later in itertools.pairwise(started)) >= 0.1


def test_row_10_two_seconds_and_for_reddit_seventy():
    hosts = Hosts(CrawlSettings().host_interval_s, 16)
    assert hosts.interval("a.example") == 2
    assert hosts.interval("www.reddit.com") == 70


def test_row_11_errors_back_off_and_end_with_an_answer(store):
    with serve({"/feed": Answer(404)}) as server:
        asked: list[int] = []
        for number in range(60):
            night(store, server, nights=number)
            if server.hits["/feed"] > len(asked):
                asked.append(number)
                due = due_in_hours(store, NOW + number * DAY)
                doubled = 168 if number >= 30 else min(2 ** (len(asked) - 1), 72)
                assert 0.9 * doubled <= due <= 1.1 * doubled
        # Nightly, then every few nights; after thirty days it is dead: once a week.
        assert asked[:6] == [0, 1, 2, 3, 4, 5]
        assert 11 <= sum(number < 30 for number in asked) <= 16
        assert 3 <= sum(number > 35 for number in asked) <= 4
        assert (state(store).status, state(store).errors) == ("failing", len(asked))
        assert "once a week" in values(store, "SELECT message FROM failures ORDER BY failed_at")[-1]
        server.answers["/feed"] = Answer(200, FEED)
        night(store, server, nights=70)
    assert (state(store).status, state(store).errors) == ("active", 0)
    assert state(store).first_error_at is None


def test_row_11_the_spread_differs_by_source_and_repeats_itself():
    answer = Fetched(url="https://a.example/", status=500)
    ones, others = (
        advance(SourceState(source_id=name, url=answer.url), answer, "server_error", now=NOW)
        for name in ("one", "other")
    )
    assert ones.next_due_at != others.next_due_at
    assert not is_due(ones, NOW, only_due=True)
    assert ones == advance(
        SourceState(source_id="one", url=answer.url), answer, "server_error", now=NOW
    )


ROBOTS = Answer(200, b"User-agent: *\nDisallow: /private\n", {"Content-Type": "text/plain"})


def test_row_12_robots_txt_is_asked_for_pages_and_obeyed(store):
    links = (item(path, guid=path, link=f"/{path}", text="teaser") for path in ("open", "private"))
    with serve({"/robots.txt": ROBOTS, "/open": Answer(200, page(), HTML)}) as server:
        server.answers["/feed"] = Answer(200, channel(*links, link=server.url))
        night(store, server, local_feed(server, full_text=True))
        assert server.hits == {"/feed": 1, "/robots.txt": 1, "/open": 1}
    assert values(store, "SELECT kind FROM failures") == ["robots_denied"]
    assert values(store, "SELECT text FROM documents WHERE is_partial") == ["teaser"]


def test_row_12_a_redirect_is_no_way_round_robots_txt(store):
    """The link leads to an open host, which sends us on to a closed one."""
    with serve({"/robots.txt": ROBOTS}) as closed, serve({"/robots.txt": Answer(404)}) as server:
        server.answers |= {
            "/feed": Answer(200, channel(item("x", guid="x", link="/out"), link=server.url)),
            "/out": redirect(f"{closed.url}/private"),
        }
        night(store, server, local_feed(server, full_text=True))
        assert closed.hits == {"/robots.txt": 1}
    assert values(store, "SELECT kind FROM failures") == ["robots_denied"]


def test_row_12_a_feed_that_a_person_configured_needs_no_robots_txt(store):
    with serve({"/robots.txt": Answer(200, b"User-agent: *\nDisallow: /")}) as server:
        server.answers["/feed"] = Answer(200, FEED)
        assert night(store, server).counts["new"] == 2
        assert server.hits["/robots.txt"] == 0
