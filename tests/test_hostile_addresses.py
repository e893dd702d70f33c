"""Hostile inputs 1-12 of docs/security.md: where a request may go."""

import asyncio
import logging
import socket
from dataclasses import replace

import httpcore2
import httpx2
import pytest

from crawler.decide import advance
from crawler.fetch import Client, fetch, open_client
from crawler.guard import GuardedBackend
from crawler.hosts import Hosts
from crawler.messages import Request
from crawler.settings import CrawlSettings
from store.records import SourceState
from tests.crawl_world import (
    NOW,
    elsewhere,
    local_feed,
    night,
    outcomes,
    rows,
    stored_bytes,
)
from tests.server import Answer, Behaviour, redirect, rss, serve

FEED = rss(("1", "one", "first text"))
ONE_ADDRESS = CrawlSettings(allow_addresses=("127.0.0.1/32",), host_interval_s=0.0)


def ask(url, settings=ONE_ADDRESS, **more):
    async def go():
        async with open_client(settings, now=NOW, **more) as client:
            return await fetch(client, Request(url=url, cap_bytes=10**6))

    return asyncio.run(go())


@pytest.mark.hostile(1)
def test_a_local_feed_in_the_settings_is_refused_before_any_connection(store):
    with serve({"/feed": Answer(200, FEED)}) as server:
        assert CrawlSettings().allow_addresses == ()
        report = night(store, server, settings=CrawlSettings(host_interval_s=0.0))
        assert server.hits.total() == 0
    assert outcomes(store) == ["ssrf_blocked"]
    assert report.failures == 1
    assert "allow_addresses" in rows(store, "SELECT advice FROM failures")[0][0]


@pytest.mark.hostile(2)
def test_a_redirect_to_loopback_is_stopped_at_the_second_hop(store):
    # Loopback has 16 million addresses: the guard lets one through, and the redirect
    # leads to another, where somebody listens.
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.2", 0))
        except OSError:
            pytest.skip("this system has only 127.0.0.1")
        listener.listen()
        listener.setblocking(False)
        target = f"http://127.0.0.2:{listener.getsockname()[1]}/"
        with serve({"/feed": redirect(target)}) as server:
            night(store, server, settings=ONE_ADDRESS)
            assert server.hits == {"/feed": 1}
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert outcomes(store) == ["ssrf_blocked"]


@pytest.mark.parametrize(
    "addresses",
    [
        ["93.184.216.34", "10.0.0.1"],
        ["10.0.0.1", "93.184.216.34"],
        ["93.184.216.34", "::1"],
        ["2606:2800:220:1::1", "fe80::1%eth0"],
        # IPv6 addresses that lead to an IPv4 one: NAT64, 6to4, compatible, Teredo, mapped.
        ["64:ff9b::7f00:1"],
        ["64:ff9b::a9fe:a9fe"],
        ["64:ff9b:1::7f00:1"],
        ["2002:7f00:1::"],
        ["::127.0.0.1"],
        ["2001:0:4136:e378:8000:63bf:80ff:fffe"],
        ["::ffff:10.0.0.1"],
    ],
    ids=" ".join,
)
@pytest.mark.hostile(5, 6)
def test_a_name_with_one_private_address_is_never_connected_to(addresses, monkeypatch):
    connected = []

    async def resolve(host, port):
        return addresses

    async def connect(self, *args, **options):
        connected.append(args)
        raise httpcore2.ConnectError("planted")

    monkeypatch.setattr("httpcore2._backends.auto.AutoBackend.connect_tcp", connect)
    # No network is let through here: an IPv6 form of an allowed address would be allowed, too.
    fetched = ask("https://mixed.example/feed", CrawlSettings(), resolve=resolve)
    assert fetched.outcome == "ssrf_blocked"
    assert connected == []


@pytest.mark.hostile(7)
def test_a_name_that_changes_its_address_is_asked_at_the_checked_one(monkeypatch):
    asked, connected = [], []

    async def rebinding(host, port):
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    plain = GuardedBackend.connect_tcp

    async def watched(self, host, port, *rest, **options):
        inner = self._inner

        class Watch(httpcore2.AsyncNetworkBackend):
            async def connect_tcp(self, address, *args, **more):  # type: ignore[override]
                connected.append(address)
                return await inner.connect_tcp(address, *args, **more)

        return await plain(
            GuardedBackend(Watch(), self._networks, self._resolve), host, port, *rest, **options
        )

    monkeypatch.setattr(GuardedBackend, "connect_tcp", watched)
    with serve({"/feed": Answer(200, FEED)}) as server:
        address = f"http://rebind.example:{server.port}/feed"
        assert ask(address, resolve=rebinding).body == FEED
        assert server.requests[0][1]["host"] == f"rebind.example:{server.port}"
        # The next connection asks again, and is refused: nothing that was checked is reused.
        assert ask(address, resolve=rebinding).outcome == "ssrf_blocked"
        assert server.hits.total() == 1
    assert connected == ["127.0.0.1"]
    assert asked == ["rebind.example"] * 2


@pytest.mark.hostile(9)
def test_user_information_of_a_link_goes_nowhere(store, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    with serve({"/robots.txt": Answer(404)}) as server:
        base = server.url.replace("http://", "http://joe:HUNTER2@")
        server.answers["/feed"] = Answer(200, rss(("page", "T", "teaser"), base=base))
        both = [
            local_feed(server, full_text=True),
            local_feed(server, name="other", url=f"{base}/feed"),
        ]
        night(store, server, *both)
        assert server.hits["/page"] == 1
        assert all("authorization" not in headers for _, headers in server.requests)
        assert "HUNTER2" not in str(server.requests)
    links = {link for (link,) in rows(store, "SELECT url FROM documents")}
    assert links == {f"{server.url}/page"}
    assert b"HUNTER2" not in stored_bytes(tmp_path)
    assert "HUNTER2" not in caplog.text


@pytest.mark.parametrize(
    "answers",
    [
        {"/feed": redirect("/a"), "/a": redirect("/feed")},
        {"/feed": redirect("/0"), **{f"/{n}": redirect(f"/{n + 1}") for n in range(50)}},
    ],
    ids=["loop", "chain of 50"],
)
@pytest.mark.hostile(10)
def test_endless_redirects_are_an_error_and_the_feed_is_kept(store, answers):
    with serve({"/feed": Answer(200, FEED)}) as server:
        night(store, server)
        server.answers.update(answers)
        night(store, server, nights=1)
        assert server.hits.total() <= 1 + 6
        server.answers["/feed"] = Answer(200, rss(("2", "two", "second text")))
        night(store, server, nights=2)
    assert outcomes(store) == ["ok", "redirect_loop", "ok"]
    assert rows(store, "SELECT guid FROM documents ORDER BY guid") == [("1",), ("2",)]
    assert store.sources.states()["outlet"].status == "active"


@pytest.mark.hostile(11)
def test_a_move_to_another_host_is_followed_at_once_and_learned_after_three_runs(store):
    answers: dict[str, Answer | Behaviour] = {"/new": Answer(200, FEED)}
    with serve(answers) as server:
        target = f"{elsewhere(server)}/new"
        server.answers["/feed"] = redirect(target, 301)
        learned = []
        for number in range(4):
            night(store, server, nights=number)
            learned.append(store.sources.states()["outlet"].url)
        assert server.hits == {"/feed": 3, "/new": 4}
        assert learned == [f"{server.url}/feed"] * 2 + [target] * 2
        # The configured address is not rewritten.
        assert rows(store, "SELECT url FROM sources") == [(f"{server.url}/feed",)]


@pytest.mark.hostile(12)
def test_a_move_from_https_to_http_is_followed_with_a_warning_and_never_learned(caplog):
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.scheme == "https":
            return httpx2.Response(301, headers={"Location": "http://feeds.example/feed"})
        return httpx2.Response(200, stream=httpx2.ByteStream(FEED))

    async def go():
        transport = httpx2.MockTransport(answer)
        async with httpx2.AsyncClient(transport=transport, follow_redirects=False) as http:
            client = Client(http=http, hosts=Hosts(0.0, 4), settings=ONE_ADDRESS, now=NOW)
            return await fetch(client, Request(url="https://feeds.example/feed", cap_bytes=10**6))

    fetched = asyncio.run(go())
    assert (fetched.body, fetched.permanent_url) == (FEED, None)
    assert "from https to http" in caplog.text
    state = SourceState(source_id="s", url="https://feeds.example/feed")
    for _ in range(4):
        state = advance(state, fetched, "ok", now=NOW)
    assert state.url == "https://feeds.example/feed"
    # An honest move says so.
    moved = replace(fetched, permanent_url=fetched.url)
    assert advance(state, moved, "ok", now=NOW).redirect_to == fetched.url
