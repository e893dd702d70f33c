"""X, against a server that counts what it would charge for."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from crawler.errors import FeedParseError, MissingKeyError, SourceError
from crawler.social import x
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

SEARCH = "/2/tweets/search/recent"
SECRETS = {"X_TOKEN": "CANARY"}


def number(at: datetime) -> int:
    return int((at - x._EPOCH) / timedelta(milliseconds=1)) << 22


def post(at: datetime, **changes: object) -> dict[str, object]:
    return {
        "id": str(number(at)),
        "edit_history_tweet_ids": [str(number(at))],
        "text": f"gold &amp; silver at {at:%d %H:%M}",
        "author_id": "4711",
        "created_at": f"{at:%Y-%m-%dT%H:%M:%S}.000Z",
        "lang": "en",
        "public_metrics": {"retweet_count": 1, "reply_count": 2, "like_count": 3, "quote_count": 0},
        **changes,
    }


class Search:
    """Posts that match, newest first, a hundred on a page; wants a token and a fresh start."""

    def __init__(self, posts: int) -> None:
        self.posts = [post(NOW - timedelta(minutes=20) * (each + 1)) for each in range(posts)]
        self.now = NOW
        self.read = 0
        self.broken_page: str | None = None

    def __call__(self, handler: Handler) -> Answer:
        if handler.headers["Authorization"] != "Bearer CANARY":
            return as_json({"title": "Unauthorized", "status": 401}, 401)
        query = asked_for(handler)
        since = int(query.get("since_id", 0))
        if since < number(self.now - timedelta(days=7)):
            return as_json({"errors": [{"message": "'since_id' is too old"}]}, 400)
        if query.get("next_token") == self.broken_page is not None:
            return as_json({"title": "Too Many Requests"}, 429, Retry_After="900")
        found = [each for each in self.posts if int(str(each["id"])) > since]
        start = int(query.get("next_token", 0))
        page = found[start : start + int(query["max_results"])]
        self.read += len(page)
        if not page:
            return as_json({"meta": {"result_count": 0}})
        meta = {"newest_id": page[0]["id"], "result_count": len(page)}
        if len(found) > start + len(page):
            meta["next_token"] = str(start + len(page))
        return as_json({"data": page, "meta": meta})


def source(server: LocalServer, **changes: object) -> Source:
    given = {"url": server.url, "handle": "gold price", "token_env": "X_TOKEN"} | changes
    return Source(id="x", kind="x", **given)  # type: ignore[arg-type]


def test_nothing_is_paid_for_twice(store):
    with serve({SEARCH: (search := Search(150))}) as server:
        assert night(store, source(server), server, secrets=SECRETS)["new"] == 150
        search.posts[:0] = [post(NOW + timedelta(hours=hour)) for hour in (3, 2, 1)]
        search.now = NOW + NIGHT
        assert night(store, source(server), server, NOW + NIGHT, SECRETS)["new"] == 3
        assert night(store, source(server), server, NOW + 2 * NIGHT, SECRETS)["failures"] == 0
    assert search.read == 153
    assert "CANARY" not in written(store)
    stored = known(store, "x")[str(search.posts[0]["id"])]
    assert stored.engagement == {"boosts": 1, "replies": 2, "likes": 3, "quotes": 0}


def test_a_source_that_is_revived_does_not_buy_its_posts_again(store):
    with serve({SEARCH: (search := Search(30))}) as server:
        night(store, source(server), server, secrets=SECRETS)
        assert store.sources.revive("x")
        search.posts.insert(0, post(NOW + timedelta(hours=1)))
        night(store, source(server), server, NOW + NIGHT, SECRETS)
    assert search.read == 31


def test_a_run_reads_two_pages_and_says_what_it_left(store):
    with serve({SEARCH: (search := Search(10))}) as server:
        night(store, source(server), server, secrets=SECRETS)
        minute = timedelta(minutes=1)
        search.posts[:0] = [post(NOW + NIGHT - minute * each) for each in range(1, 601)]
        search.now = NOW + NIGHT
        counts = night(store, source(server), server, NOW + NIGHT, SECRETS)
        assert (counts["new"], search.read) == (200, 210)
        # What was left out stays so: the next run starts from the newest.
        night(store, source(server), server, NOW + 2 * NIGHT, SECRETS)
        assert search.read == 210
    assert [row["kind"] for row in store.runs.failures()] == ["gap"]


def test_a_page_that_fails_is_asked_for_again(store):
    with serve({SEARCH: (search := Search(150))}) as server:
        search.broken_page = "100"
        counts = night(store, source(server), server, secrets=SECRETS)
        assert (counts["new"], counts["failures"]) == (100, 1)
        search.broken_page = None
        later = NOW + timedelta(hours=1)
        assert night(store, source(server), server, later, SECRETS)["new"] == 50


def test_a_rare_query_does_not_start_from_too_old_a_post(store):
    with serve({SEARCH: (search := Search(3))}) as server:
        for day in range(0, 30, 5):
            search.now = NOW + day * NIGHT
            counts = night(store, source(server), server, search.now, SECRETS)
            assert counts["failures"] == 0
    assert search.read == 3


def test_an_edited_post_is_a_revision(store):
    with serve({SEARCH: (search := Search(5))}) as server:
        night(store, source(server), server, secrets=SECRETS)
        first = str(search.posts[0]["id"])
        edited = post(NOW + timedelta(minutes=5), text="corrected")
        edited["edit_history_tweet_ids"] = [first, edited["id"]]
        search.posts[0] = edited
        counts = night(store, source(server), server, NOW + NIGHT, SECRETS)
        assert (counts["new"], counts["revised"], counts["withdrawn"]) == (0, 1, 0)
    assert stored(store, "x")[first] == "|corrected"


@pytest.mark.parametrize("token_env", [None, "X_TOKEN"])
def test_a_key_that_is_not_there_is_said_once_and_nothing_is_asked(store, token_env):
    with serve({SEARCH: Search(3)}) as server:
        unkeyed = source(server, token_env=token_env)
        assert night(store, unkeyed, server)["failures"] == 1
        assert night(store, unkeyed, server, NOW + NIGHT)["failures"] == 0
        assert server.requests == []
    assert store.sources.states()["x"].status == "needs_key"
    assert [row["kind"] for row in store.runs.failures()] == ["needs_key"]


@pytest.mark.parametrize(
    ("url", "handle", "expected"),
    [
        ("https://x.com", "gold price", "query=%28gold+price%29+-is%3Aretweet"),
        ("https://x.com", "gold is:retweet", "query=gold+is%3Aretweet&"),
        ("https://x.com", "@federalreserve", "query=%28from%3Afederalreserve%29"),
        ("https://x.com/federalreserve", None, "query=%28from%3Afederalreserve%29"),
    ],
)
def test_what_is_searched_for(url, handle, expected):
    question = x.request(Source(id="x", kind="x", url=url, handle=handle), "T", "9")
    assert question.url.startswith(f"https://api.x.com{SEARCH}?query=")
    assert expected in question.url
    assert question.url.endswith("&since_id=9")
    assert "expansions" not in question.url
    assert question.secret_headers == {"Authorization": "Bearer T"}


def test_an_address_of_the_api_is_asked_as_it_is():
    url = "https://api.x.com/2/users/783214/tweets?exclude=replies"
    question = x.request(Source(id="x", kind="x", url=url), "T", "9")
    assert question.url.startswith("https://api.x.com/2/users/783214/tweets?max_results=100&")
    assert question.url.endswith("&since_id=9&exclude=retweets")


def test_no_query_is_no_source():
    with pytest.raises(SourceError):
        x.request(Source(id="x", kind="x", url="https://x.com"), "T")
    with pytest.raises(MissingKeyError):
        x.request(Source(id="x", kind="x", url="https://x.com", handle="gold"))


def test_the_start_is_the_newest_post_or_a_week_ago():
    week_ago = x.start(None, NOW)
    assert number(NOW - timedelta(days=7)) < int(week_ago) < number(NOW - timedelta(days=6))
    assert x.start(str(number(NOW)), NOW) == str(number(NOW))
    for odd in ("1", "x", "9" * 5000):
        assert x.start(odd, NOW) == week_ago
    # The date and the id of one post of a recorded answer.
    assert abs(number(datetime(2022, 10, 7, 23, 6, 12, tzinfo=UTC)) - 1578522108187283456) < 1 << 32


def test_a_long_post_is_whole_and_what_is_no_language_is_none():
    long = post(NOW, note_tweet={"text": "all of it"}, lang="und", text="all of…")
    (item,) = x.parse(json.dumps({"data": [long]}).encode()).items
    assert (item.text, item.language, item.author) == ("all of it", None, "4711")


def test_partial_errors_and_odd_fields_are_passed_over():
    odd: dict[str, object] = {
        "id": 3,
        "text": None,
        "edit_history_tweet_ids": "x",
        "public_metrics": [],
        "lang": 1,
    }
    answer = {"data": [odd, "x", post(NOW)], "errors": [{"detail": "Could not find tweet"}]}
    first, second = x.parse(json.dumps(answer).encode()).items
    assert (first.guid, first.url, first.text, first.published_at) == (None, None, "", None)
    assert (second.text, second.published_at) == ("gold & silver at 30 21:00", NOW)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "no JSON"),
        (b"[]", "no posts"),
        (b'{"errors": [{"detail": "Could not find user with id: [9]."}]}', "Could not find user"),
    ],
)
def test_another_answer_is_refused_with_its_reason(body, reason):
    with pytest.raises(FeedParseError, match=reason):
        x.parse(body)


def recorded(path: Path) -> list[tuple[str, bytes]]:
    """Return addresses and bodies of a tape; some bodies are as they came, compressed."""
    pairs = []
    for exchange in yaml.safe_load(path.read_text())["interactions"]:
        body = exchange["response"]["body"]["string"]
        raw = gzip.decompress(body) if isinstance(body, bytes) else body.encode()
        pairs.append((exchange["request"]["uri"], raw))
    return pairs


@needs_recorded
@pytest.mark.parametrize(
    ("name", "posts", "more", "newest"),
    [
        ("asyncclient_get_users_tweets", 2, "pagination_token", "1577730467436138524"),
        ("client_get_users_tweets", 2, "pagination_token", "1577730467436138524"),
        ("asyncclient_search_recent_tweets", 10, "next_token", "1578522194770296832"),
        ("client_search_recent_tweets", 10, "next_token", "1578516068309794817"),
    ],
)
def test_recorded_answers(name, posts, more, newest):
    ((url, body),) = recorded(RECORDED / "x" / f"test_{name}.yaml")
    feed = x.parse(body, url)
    assert (len(feed.items), list(feed.more), feed.cursor) == (posts, [more], newest)
    assert feed.items[0].guid == newest
    assert all(item.text and item.url for item in feed.items)


def test_doctor_says_what_it_can_cost_before_it_costs(tmp_path, monkeypatch):
    from api.config import parse_settings
    from api.health import checks

    monkeypatch.setattr("api.health._check_models", lambda: iter(()))
    one = '[[source]]\nid = "x-{}"\nkind = "x"\nurl = "https://x.com"\nhandle = "silver"\n'
    text = one.format(1) + one.format(2)
    settings = parse_settings(text, origin="mine.toml", base_dir=tmp_path)
    (paid,) = [finding for finding in checks(None, settings) if finding.what == "paid sources"]
    assert "400 posts" in paid.found
    assert "$2.00" in paid.found
