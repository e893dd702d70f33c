"""Platforms that want a key or are read as pages: what each refusal becomes, for all alike."""

from datetime import timedelta

import pytest

from store import Store
from store.records import Source
from store.records.vocabulary import SourceKind
from tests.server import Answer, serve
from tests.social_world import NIGHT, NOW, as_json, night, written

HTML = {"Content-Type": "text/html"}
PAGES = {
    "reddit": "/r/gold/new",
    "stocktwits": "/api/2/streams/symbol/GLD.json",
    "telegram": "/s/goldbugs",
    "x": "/2/tweets/search/recent",
}
HANDLES = {"reddit": "gold", "stocktwits": "GLD", "telegram": "@goldbugs", "x": "gold"}
EMPTY = {
    "reddit": as_json({"kind": "Listing", "data": {"children": [], "after": None}}),
    "stocktwits": as_json({"messages": [], "cursor": {"more": False}}),
    "telegram": Answer(body=b'<section class="tgme_channel_history"></section>', headers=HTML),
    "x": as_json({"meta": {"result_count": 0}}),
}
CHALLENGE = b"<html><title>Just a moment...</title></html>"
REFUSALS = {
    "401": (Answer(401, b"{}"), "client_error"),
    "403 challenge": (Answer(403, CHALLENGE, HTML | {"cf-mitigated": "challenge"}), "challenge"),
    "403 page": (Answer(403, CHALLENGE, HTML), "client_error"),
    "429": (Answer(429, b"", {"Retry-After": "900"}), "rate_limited"),
    "500": (Answer(500, b""), "server_error"),
    "200 page": (Answer(200, CHALLENGE, HTML), "not_a_feed"),
}
SECRETS = {"KEY": "client:CANARY"}


@pytest.fixture(params=sorted(PAGES))
def kind(request):
    return request.param


def run(store: Store, kind: SourceKind, answer: Answer, nights: int = 1) -> list[dict[str, int]]:
    """Crawl a source of a kind night after night, with a key but where none is known."""
    path = PAGES[kind]
    login = {"/api/v1/access_token": as_json({"access_token": "CANARY"})}
    with serve({path: answer, **login}) as server:
        token_env = None if kind == "telegram" else "KEY"
        source = Source(
            id="s", kind=kind, url=server.url, handle=HANDLES[kind], token_env=token_env
        )
        return [
            night(store, source, server, NOW + number * NIGHT, SECRETS) for number in range(nights)
        ]


def outcomes(store: Store) -> list[str]:
    return [row[0] for row in store.db.execute("SELECT outcome FROM fetches ORDER BY rowid")]


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_a_row_and_never_a_document(store, kind, name):
    answer, outcome = REFUSALS[name]
    (counts,) = run(store, kind, answer)
    assert (counts["new"], counts["failures"]) == (0, 1)
    assert outcomes(store) == [outcome]
    assert "CANARY" not in written(store)


def test_a_pause_is_kept(store, kind):
    run(store, kind, REFUSALS["429"][0])
    state = store.sources.states()["s"]
    assert (state.status, state.next_due_at) == ("paused", NOW + timedelta(minutes=15))


def test_nothing_new_is_no_failure(store, kind):
    for counts in run(store, kind, EMPTY[kind], nights=2):
        assert (counts["new"], counts["failures"]) == (0, 0)
    assert outcomes(store) == ["ok", "unchanged"]
