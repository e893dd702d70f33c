"""Bluesky, by its answers and against a server that behaves as it does."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from crawler.errors import FeedParseError, MissingKeyError, SourceError
from crawler.run import crawl
from crawler.social import bluesky, platform_of
from store import Store
from store.records import Source, StageReport
from tests.platforms.bluesky import AUTHOR, LOGIN, SEARCH, SECRET, Bluesky
from tests.server import LocalServer, serve
from tests.stored import known

NOW = datetime(2026, 1, 30, 21, tzinfo=UTC)
NIGHT = timedelta(days=1)
LINK = "https://press.example/silver"
CARD = {
    "$type": "app.bsky.embed.external",
    "external": {"uri": LINK, "title": "Silver &amp; gold", "description": "Both fell."},
}
QUOTED = {"$type": "app.bsky.embed.record", "record": {"uri": "at://x", "cid": "y"}}


def author(server: LocalServer) -> Source:
    return Source(id="b", kind="bluesky", url=server.url, handle="quant.example")


def search(server: LocalServer, words: str = "silver", name: str = "b") -> Source:
    return Source(
        id=name, kind="bluesky", url=server.url, handle=f"?{words}", token_env="BLUESKY_LOGIN"
    )


def night(
    store: Store, server: LocalServer, *sources: Source, now: datetime = NOW, secret: str = ""
) -> StageReport:
    secrets = {"BLUESKY_LOGIN": secret} if secret else {}
    return crawl(
        store, sources, now=now, settings=server.settings(), only_due=False, secrets=secrets
    )


def kinds(store: Store) -> list[str]:
    return [row["kind"] for row in store.runs.failures(limit=9)]


def test_an_author_is_read_over_pages_of_reposts(store):
    there = Bluesky(NOW)
    there.write(3)
    there.repost(250)
    with serve(there.answers()) as server:
        assert night(store, server, author(server)).counts["new"] == 3
        assert server.hits == {AUTHOR: 3}
    (key, *_) = known(store, "b").values()
    assert key.engagement == {"replies": 1, "boosts": 2, "likes": 3, "quotes": 4}


def test_reposts_alone_are_followed_no_further_than_a_week(store):
    there = Bluesky(NOW - timedelta(days=8))
    there.repost(500)
    there.now = NOW
    there.repost(150)
    with serve(there.answers()) as server:
        report = night(store, server, author(server))
        assert (report.counts["new"], report.failures) == (0, 0)
        assert server.hits == {AUTHOR: 2}


def test_a_pinned_post_is_one_document_and_nothing_is_deleted(store):
    there = Bluesky(NOW)
    there.write(5)
    with serve(there.answers()) as server:
        night(store, server, author(server))
        there.pin(4)
        counts = night(store, server, author(server), now=NOW + NIGHT).counts
    assert (counts["new"], counts["revised"], counts["withdrawn"]) == (0, 0, 0)


def test_a_deleted_post_is_forgotten(store):
    there = Bluesky(NOW)
    there.write(5)
    with serve(there.answers()) as server:
        night(store, server, author(server))
        del there.views[2]
        assert night(store, server, author(server), now=NOW + NIGHT).counts["withdrawn"] == 1


def test_a_search_logs_in_once_and_pages(store):
    there = Bluesky(NOW)
    there.write(130)
    with serve(there.answers()) as server:
        sources = [search(server), search(server, "post", "c")]
        report = night(store, server, *sources, secret=SECRET)
        assert report.counts["new"] == 260
        assert server.hits == {LOGIN: 1, SEARCH: 4}
        first = next(path for path, _ in server.requests if path.startswith(SEARCH))
        assert first in {f"{SEARCH}?q={q}&sort=latest&limit=100" for q in ("silver", "post")}
    assert there.logins == [
        {"method": "POST", "identifier": "quant.example", "password": "abcd-efgh"}
    ]
    dump = "\n".join(store.db.conn.iterdump())
    assert "abcd-efgh" not in dump
    assert "jwt-0001" not in dump


def test_what_a_search_no_longer_finds_is_not_taken_for_deleted(store):
    there = Bluesky(NOW)
    there.write(9)
    with serve(there.answers()) as server:
        night(store, server, search(server), secret=SECRET)
        del there.views[4]
        counts = night(store, server, search(server), now=NOW + NIGHT, secret=SECRET).counts
    assert counts["withdrawn"] == 0


def test_a_search_without_a_key_is_said_once_and_not_asked(store):
    with serve(Bluesky(NOW).answers()) as server:
        keyless = replace(search(server), token_env=None)
        assert night(store, server, keyless).failures == 1
        assert night(store, server, keyless, now=NOW + NIGHT).failures == 0
        assert not server.hits
    assert kinds(store) == ["needs_key"]


def test_a_wrong_password_is_said_once_without_it(store):
    with serve(Bluesky(NOW).answers()) as server:
        wrong = "quant.example:zzzz-zzzz"
        assert night(store, server, search(server), secret=wrong).failures == 1
        assert night(store, server, search(server), now=NOW + NIGHT, secret=wrong).failures == 0
    (row,) = store.runs.failures(limit=9)
    assert row["kind"] == "needs_key"
    assert "BLUESKY_LOGIN" in row["message"]
    assert "zzzz" not in "\n".join(store.db.conn.iterdump())


def test_an_author_who_is_not_there(store):
    with serve(Bluesky(NOW).answers()) as server:
        unknown = replace(author(server), handle="nobody.example")
        assert night(store, server, unknown).failures == 1
    assert kinds(store) == ["client_error"]


# -- one question, one answer -------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "token", "server"),
    [
        ("", None, "https://public.api.bsky.app"),
        ("https://bsky.app", "t", "https://bsky.social"),
        ("https://pds.example", "t", "https://pds.example"),
    ],
)
def test_which_server_is_asked(url, token, server):
    source = Source(id="b", kind="bluesky", url=url, handle="quant.example")
    assert bluesky.request(source, token).url.startswith(f"{server}{AUTHOR}?actor=quant.example&")


def test_a_search_is_quoted():
    source = Source(id="b", kind="bluesky", url="", handle="? gold & $SLV #x")
    url = bluesky.request(source, "t").url
    assert url == (
        f"https://bsky.social{SEARCH}?q=gold%20%26%20%24SLV%20%23x&sort=latest&limit=100"
    )


@pytest.mark.parametrize("handle", ["?gold", None])
def test_a_search_wants_a_key(handle):
    url = "" if handle else f"https://bsky.social{SEARCH}?q=gold"
    source = Source(id="b", kind="bluesky", url=url, handle=handle)
    with pytest.raises(MissingKeyError):
        bluesky.request(source)
    chosen = platform_of(source)
    assert chosen is not None
    assert not chosen.is_complete


@pytest.mark.parametrize("handle", [None, "@", "?", "??"])
def test_nothing_to_ask(handle):
    with pytest.raises(SourceError):
        bluesky.request(Source(id="b", kind="bluesky", url="", handle=handle), "t")


@pytest.mark.parametrize("secret", ["abcd-efgh", "quant.example:", ":abcd"])
def test_a_secret_of_another_form_is_refused_and_not_shown(secret):
    source = Source(id="b", kind="bluesky", url="", handle="?x", token_env="BLUESKY_LOGIN")
    with pytest.raises(SourceError) as caught:
        bluesky.login(source, secret)
    assert "HANDLE:APP-PASSWORD" in str(caught.value)
    assert "abcd" not in str(caught.value)


def test_a_did_logs_in():
    source = Source(id="b", kind="bluesky", url="", handle="?x", token_env="BLUESKY_LOGIN")
    question = bluesky.login(source, "did:plc:quant:abcd")
    assert question.url == f"https://bsky.social{LOGIN}"
    assert json.loads(question.body or b"") == {"identifier": "did:plc:quant", "password": "abcd"}


@pytest.mark.parametrize(
    "body", [b"{}", b'{"accessJwt": 7}', b'{"accessJwt": "a\\r\\nX: y"}', b"<html>"]
)
def test_an_answer_without_a_token(body):
    with pytest.raises((FeedParseError, SourceError)):
        bluesky.token(body)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"text": "Silver fell.", "embed": CARD}, ("", "Silver fell.")),
        ({"text": LINK, "embed": CARD}, ("Silver & gold", "Both fell.")),
        ({"text": "press.example/silv...", "embed": CARD}, ("Silver & gold", "Both fell.")),
        ({"text": "", "embed": {"media": CARD, **QUOTED}}, ("Silver & gold", "Both fell.")),
        ({"text": LINK, "embed": {"external": {"title": "T"}}}, ("T", LINK)),
        ({"text": "My view:", "embed": QUOTED}, ("", "My view:")),
        ({"text": "", "embed": {"images": []}}, ("", "")),
    ],
    ids=["own words", "bare link", "cut link", "link and quote", "no words", "quote", "images"],
)
def test_the_words_of_a_post(record, expected):
    there = Bluesky(NOW)
    there.write(1, **record)
    (item,) = bluesky.parse(json.dumps({"feed": there.views}).encode()).items
    assert (item.title, item.text) == expected
