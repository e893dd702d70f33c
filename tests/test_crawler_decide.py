import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from crawler.decide import FeedHints, advance, body_hash, is_due, judge, pause_of, retry_after
from crawler.messages import Fetched
from store.records import SourceState

NOW = datetime(2026, 1, 30, 22, 30, tzinfo=UTC)
URL = "https://a.example/feed"
STATE = SourceState(source_id="s", url=URL)
OK = Fetched(url=URL, status=200, body=b"feed")


def answer(status: int, **headers: str) -> Fetched:
    return Fetched(
        url=URL, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


@pytest.mark.parametrize(
    ("fetched", "outcome"),
    [
        (OK, "ok"),
        (answer(304), "bad_304"),
        (replace(answer(304), conditional=True), "not_modified"),
        (answer(404), "client_error"),
        (answer(410), "gone"),
        (answer(429), "rate_limited"),
        (answer(503), "server_error"),
        (answer(403, cf_mitigated="challenge"), "challenge"),
        (answer(301), "client_error"),
        (replace(OK, outcome="deadline"), "deadline"),
    ],
)
def test_outcome(fetched, outcome):
    assert judge(STATE, fetched) == outcome


def test_the_same_body_or_tag_is_not_parsed_again():
    assert judge(replace(STATE, body_hash=body_hash(b"feed")), OK) == "unchanged"
    tagged = replace(OK, headers={"etag": '"a"'})
    assert judge(replace(STATE, etag='"a"'), tagged) == "unchanged"
    assert judge(replace(STATE, etag='"b"'), tagged) == "ok"


def test_a_nightly_run_finds_it_due_the_next_night_and_not_before():
    state = advance(STATE, OK, "ok", now=NOW)
    assert is_due(state, NOW + timedelta(hours=24), only_due=True)
    assert not is_due(state, NOW, only_due=True)
    assert is_due(state, NOW, only_due=False)


@pytest.mark.parametrize(
    ("headers", "hints"),
    [
        ({"cache-control": "public, max-age=31536000"}, FeedHints()),
        ({"expires": "Fri, 01 Jan 2027 00:00:00 GMT"}, FeedHints()),
        ({}, FeedHints(ttl_s=10**9)),
        ({"cache-control": "max-age=garbage", "expires": "soon"}, FeedHints()),
        ({}, FeedHints(skip_hours=tuple(range(24)))),
        ({}, FeedHints(skip_hours=(18, 19, 20, 21, 22))),
        ({}, FeedHints(skip_days=("monday", "tuesday"))),
    ],
)
def test_freshness_never_costs_a_night(headers, hints):
    state = advance(STATE, replace(OK, headers=headers), "ok", now=NOW, hints=hints)
    assert state.next_due_at is not None
    assert NOW + timedelta(hours=20) <= state.next_due_at <= NOW + timedelta(hours=24)


def test_freshness_is_obeyed_within_a_day():
    fresh = replace(OK, headers={"cache-control": "max-age=79200"})
    assert advance(STATE, fresh, "ok", now=NOW).next_due_at == NOW + timedelta(hours=22)


def test_days_that_a_feed_sits_out_are_sat_out():
    # 30 January 2026 is a Friday.
    state = advance(STATE, OK, "ok", now=NOW, hints=FeedHints(skip_days=("saturday", "sunday")))
    assert state.next_due_at == datetime(2026, 2, 2, tzinfo=UTC)


def test_validators_are_kept_with_success_only():
    tagged = replace(OK, headers={"etag": '"new"', "last-modified": "then"})
    before = replace(STATE, etag='"old"', last_modified="before", body_hash="h")
    after = advance(before, tagged, "ok", now=NOW)
    assert (after.etag, after.last_modified, after.body_hash) == (
        '"new"',
        "then",
        body_hash(b"feed"),
    )
    for outcome in ("decode", "not_a_feed", "poison", "too_large"):
        failed = advance(before, tagged, outcome, now=NOW)
        assert (failed.etag, failed.last_modified, failed.body_hash) == ('"old"', "before", "h")


def test_a_304_renews_what_it_states_and_keeps_the_rest():
    before = replace(STATE, etag='"old"', last_modified="before", body_hash="h", errors=2)
    after = advance(before, answer(304, last_modified="later"), "not_modified", now=NOW)
    assert (after.etag, after.last_modified, after.body_hash, after.errors) == (
        '"old"',
        "later",
        "h",
        0,
    )


def test_expires_zero_disowns_validators():
    headers = {"etag": '"a"', "last-modified": "x", "expires": "0"}
    after = advance(STATE, replace(OK, headers=headers), "ok", now=NOW)
    assert (after.etag, after.last_modified) == (None, None)


def test_a_304_out_of_the_blue_asks_in_full_next_time():
    after = advance(replace(STATE, etag='"x"'), answer(304), "bad_304", now=NOW)
    assert (after.etag, after.errors) == (None, 1)


MOVED = replace(OK, url="https://b.example/feed", permanent_url="https://b.example/feed")


def test_a_permanent_redirect_is_learned_after_three_runs_in_a_row():
    state = STATE
    for seen in (1, 2):
        state = advance(state, MOVED, "ok", now=NOW)
        assert (state.url, state.redirect_count) == (URL, seen)
    state = advance(state, MOVED, "ok", now=NOW)
    assert (state.url, state.redirect_count) == ("https://b.example/feed", 0)


def test_an_answer_in_between_starts_the_count_again():
    state = advance(advance(STATE, MOVED, "ok", now=NOW), MOVED, "ok", now=NOW)
    state = advance(state, OK, "ok", now=NOW)
    assert advance(state, MOVED, "ok", now=NOW).url == URL


@pytest.mark.hostile(25)
def test_gone_is_gone_for_good():
    state = advance(STATE, answer(410), "gone", now=NOW)
    assert state.status == "gone"
    for only_due in (True, False):
        assert not is_due(state, NOW + timedelta(days=400), only_due=only_due)


@pytest.mark.hostile(27)
def test_a_404_is_not_gone():
    state = STATE
    for _ in range(50):
        state = advance(state, answer(404), "client_error", now=NOW)
    assert state.status == "failing"
    assert state.next_due_at is not None
    assert state.next_due_at <= NOW + timedelta(days=8)
    assert is_due(state, NOW, only_due=False)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("999999999", 604800),
        ("9" * 400, 604800),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("Fri, 30 Jan 2026 23:30:00 GMT", 3600),
        ("Fri, 30 Jan 2026 21:30:00 GMT", None),
        ("Fri, 30 Jan 2099 21:30:00 GMT", 604800),
        ("1.5", None),
        ("٣", None),
    ],
)
@pytest.mark.hostile(24)
def test_retry_after(value, seconds):
    wait = retry_after({"retry-after": value}, NOW)
    assert wait == (None if seconds is None else timedelta(seconds=seconds))


def test_a_pause_holds_even_when_everything_is_asked():
    limited = answer(429, retry_after="7200")
    state = advance(STATE, limited, "rate_limited", now=NOW)
    assert (state.status, state.next_due_at) == ("paused", NOW + timedelta(hours=2))
    assert pause_of(limited, NOW) == state.next_due_at
    assert not is_due(state, NOW + timedelta(hours=1), only_due=False)
    assert is_due(state, NOW + timedelta(hours=3), only_due=True)
    assert pause_of(answer(503), NOW) is None
    assert pause_of(answer(429), NOW) == NOW + timedelta(hours=1)


def test_backoff_doubles_is_spread_and_repeats_itself():
    state, waits = STATE, []
    for _ in range(12):
        state = advance(state, answer(500), "server_error", now=NOW)
        assert state.next_due_at is not None
        waits.append((state.next_due_at - NOW).total_seconds() / 3600)
    assert 0.9 <= waits[0] <= 1.1
    assert all(1.5 < after / before < 2.5 for before, after in itertools.pairwise(waits[:7]))
    assert max(waits) <= 24 * 7 * 1.1
    other = advance(replace(STATE, source_id="other"), answer(500), "server_error", now=NOW)
    again = advance(STATE, answer(500), "server_error", now=NOW)
    assert other.next_due_at != again.next_due_at
    assert again == advance(STATE, answer(500), "server_error", now=NOW)
