"""StockTwits, against a server that pages as its API does."""

import json
from datetime import datetime, timedelta

import pytest

from crawler.errors import FeedParseError, SourceError
from crawler.hosts import Hosts
from crawler.social import stocktwits
from store.records import Source
from tests.server import Answer, Handler, LocalServer, serve
from tests.social_world import (
    NIGHT,
    NOW,
    RECORDED,
    as_json,
    asked_for,
    needs_recorded,
    night,
    stored,
    written,
)
from tests.stored import known

PATH = "/api/2/streams/symbol/GLD.json"


def message(number: int, at: datetime, **changes: object) -> dict[str, object]:
    return {
        "id": number,
        "body": f"$GLD calls &amp; puts {number}",
        "created_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "user": {"id": 1, "username": "ann"},
        "likes": {"total": 4, "user_ids": [8, 9]},
        "conversation": {"replies": 2},
        "entities": {"sentiment": {"basic": "Bullish"}},
        **changes,
    }


class Stream:
    """A symbol with a message every half hour, thirty on a page."""

    def __init__(self, messages: int) -> None:
        self.messages = [
            message(1000 - each, NOW - timedelta(minutes=30) * each) for each in range(messages)
        ]

    def __call__(self, handler: Handler) -> Answer:
        before = int(asked_for(handler).get("max", 10**9))
        rest = [each for each in self.messages if int(str(each["id"])) < before]
        page = rest[:30]
        cursor = {"more": len(rest) > 30, "since": page[0]["id"], "max": page[-1]["id"]}
        return as_json({"response": {"status": 200}, "cursor": cursor, "messages": page})


def source(server: LocalServer, **changes: object) -> Source:
    given = {"url": server.url, "handle": "GLD"} | changes
    return Source(id="s", kind="stocktwits", **given)  # type: ignore[arg-type]


def test_pages_are_read_to_the_end(store):
    with serve({PATH: Stream(70)}) as server:
        counts = night(store, source(server), server)
        assert (counts["new"], counts["failures"]) == (70, 0)
        assert [path for path, _ in server.requests] == [
            PATH,
            f"{PATH}?max=971",
            f"{PATH}?max=941",
        ]
    kept = known(store, "s")["1000"]
    assert (kept.published_at, kept.engagement) == (NOW, {"likes": 4, "replies": 2})
    # What the author wrote, without the tag that the author chose.
    assert stored(store, "s")["1000"] == "|$GLD calls & puts 1000"


def test_edits_and_counts_are_followed_and_what_is_missing_stays(store):
    with serve({PATH: (stream := Stream(40))}) as server:
        night(store, source(server), server)
        stream.messages[2] |= {"body": "corrected", "likes": {"total": 9}}
        del stream.messages[3]
        counts = night(store, source(server), server, NOW + NIGHT)
        assert (counts["new"], counts["revised"], counts["withdrawn"]) == (0, 1, 0)
    assert stored(store, "s")["998"] == "|corrected"
    assert stored(store, "s")["997"] == "|$GLD calls & puts 997"
    assert known(store, "s")["998"].engagement["likes"] == 9


def test_a_token_is_sent_with_every_page_and_written_nowhere(store):
    with serve({PATH: Stream(40)}) as server:
        keyed = source(server, token_env="ST_TOKEN")
        assert night(store, keyed, server, secrets={"ST_TOKEN": "CANARY"})["new"] == 40
        assert [path for path, _ in server.requests] == [
            f"{PATH}?access_token=CANARY",
            f"{PATH}?access_token=CANARY&max=971",
        ]
        server.answers[PATH] = Answer(500, b"")
        night(store, keyed, server, NOW + NIGHT, {"ST_TOKEN": "CANARY"})
    assert "access_token=REDACTED" in written(store)
    assert "CANARY" not in written(store)


def test_an_empty_stream_is_no_failure(store):
    nothing = {"cursor": {"more": False, "since": None, "max": None}, "messages": []}
    with serve({PATH: as_json(nothing)}) as server:
        counts = night(store, source(server), server)
    assert (counts["new"], counts["failures"]) == (0, 0)


@pytest.mark.parametrize(
    ("url", "handle", "expected"),
    [
        ("https://stocktwits.com", "$btc.x", "BTC.X"),
        ("https://stocktwits.com/symbol/NVDA", None, "NVDA"),
        ("https://api.stocktwits.com/api/2/streams/symbol/SPY.json", None, "SPY"),
    ],
)
def test_what_is_asked(url, handle, expected):
    found = stocktwits.request(Source(id="s", kind="stocktwits", url=url, handle=handle))
    assert found.url == f"https://api.stocktwits.com/api/2/streams/symbol/{expected}.json"


@pytest.mark.parametrize("handle", [None, "$", "A B", "../me"])
def test_no_symbol_is_no_source(handle):
    given = Source(id="s", kind="stocktwits", url="https://stocktwits.com", handle=handle)
    with pytest.raises(SourceError):
        stocktwits.request(given)


def test_fields_that_are_missing_or_odd_are_left_out():
    odd: dict[str, object] = {
        "id": "7",
        "body": None,
        "user": [],
        "likes": {"total": "4"},
        "created_at": 3,
    }
    body = json.dumps({"messages": [odd, {}, "x"], "cursor": {"more": 1, "max": 5}}).encode()
    feed = stocktwits.parse(body)
    assert (len(feed.items), feed.more) == (2, {})
    for item in feed.items:
        assert (item.guid, item.url, item.text, item.engagement) == (None, None, "", {})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>Just a moment...</html>", "no JSON"),
        (b"[]", "no messages"),
        (b'{"errors": [{"message": "Symbol not found"}]}', "Symbol not found"),
    ],
)
def test_another_answer_is_refused_with_its_reason(body, reason):
    with pytest.raises(FeedParseError, match=reason):
        stocktwits.parse(body)


def test_two_hundred_requests_an_hour_are_kept_to():
    assert Hosts(2.0, 4).interval("api.stocktwits.com") == 18.0


@needs_recorded
@pytest.mark.parametrize(
    ("name", "messages", "replied"),
    [
        ("NVDA_20260531_182449_raw.jsonl", 90, 30),
        ("symbol-msgs-all.json", 6, 1),
        ("symbol-msgs-after.json", 2, 0),
        ("symbol-msgs-head.json", 2, 0),
        ("user-msgs-all.json", 6, 0),
    ],
)
def test_recorded_messages(name, messages, replied):
    text = (RECORDED / "stocktwits" / name).read_text()
    recorded = [json.loads(line) for line in text.splitlines()]
    recorded = recorded[0] if isinstance(recorded[0], list) else recorded
    # Their collectors kept the messages without the envelope that they came in.
    feed = stocktwits.parse(json.dumps({"messages": recorded}).encode())
    assert len(feed.items) == messages
    assert sum("replies" in item.engagement for item in feed.items) == replied
    for item in feed.items:
        assert item.guid
        assert item.text
        assert item.author
        assert item.published_at is not None
        assert str(item.url).endswith(f"/message/{item.guid}")
