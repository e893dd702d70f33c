import asyncio
from datetime import UTC, datetime

import httpcore2
import httpx2
import pytest

from crawler.errors import AddressBlockedError, FetchError
from crawler.fetch import fetch, open_client
from crawler.guard import GuardedBackend, check_addresses, check_url, guard_transport
from crawler.messages import Request
from crawler.settings import CrawlSettings
from tests.server import Answer, redirect, rss, serve

NOW = datetime(2026, 1, 30, 22, 30, tzinfo=UTC)
LOOPBACK = CrawlSettings(allow_addresses=("127.0.0.0/8",)).networks()


def ask(url: str, settings: CrawlSettings, resolve=None):
    async def go():
        more = {} if resolve is None else {"resolve": resolve}
        async with open_client(settings, now=NOW, **more) as client:
            return await fetch(client, Request(url=url, cap_bytes=10**6))

    return asyncio.run(go())


@pytest.mark.hostile(1)
def test_a_local_feed_is_not_even_connected_to():
    with serve({"/feed": Answer(200, rss())}) as server:
        fetched = ask(f"{server.url}/feed", CrawlSettings(host_interval_s=0))
        assert fetched.outcome == "ssrf_blocked"
        assert "allow_addresses" in fetched.error
        assert server.hits.total() == 0


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "127.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "100.64.0.1",
        "198.18.0.1",
        "169.254.169.254",
        "10.0.0.1",
        "[fe80::1]",
        "[::127.0.0.1]",
        "0.0.0.0",
        "224.0.0.1",
        "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
        "8.8.8.8",
    ],
)
@pytest.mark.hostile(5)
def test_every_spelling_of_a_private_host_is_refused(host):
    with serve({"/": Answer(200, rss())}) as server:
        fetched = ask(f"http://{host}:{server.port}/", CrawlSettings(host_interval_s=0))
        assert fetched.outcome == "ssrf_blocked"
        assert server.hits.total() == 0


@pytest.mark.parametrize(
    ("location", "outcome"),
    [
        ("http://169.254.169.254/latest/meta-data/", "ssrf_blocked"),
        ("http://10.1.2.3/", "ssrf_blocked"),
        ("file:///etc/passwd", "bad_scheme"),
        ("gopher://x/", "bad_scheme"),
        ("data:text/html,x", "bad_scheme"),
        ("ftp://example.com/", "bad_scheme"),
    ],
)
@pytest.mark.hostile(3, 4)
def test_a_redirect_passes_the_same_policy(location, outcome):
    with serve({"/": redirect(location)}) as server:
        assert ask(f"{server.url}/", server.settings()).outcome == outcome


@pytest.mark.hostile(6)
def test_one_private_address_condemns_a_name():
    with pytest.raises(AddressBlockedError):
        check_addresses("mixed.example", 443, ["93.184.216.34", "10.0.0.1"], ())
    with pytest.raises(FetchError):
        check_addresses("none.example", 443, [], ())


def test_public_hosts_are_asked_on_the_ports_of_the_web_only():
    assert check_addresses("a.example", 443, ["93.184.216.34"], ()) == ["93.184.216.34"]
    with pytest.raises(AddressBlockedError):
        check_addresses("a.example", 6379, ["93.184.216.34"], ())
    assert check_addresses("here", 6379, ["127.0.0.1"], LOOPBACK) == ["127.0.0.1"]


@pytest.mark.hostile(7)
def test_the_address_that_was_checked_is_the_one_connected_to():
    answers = [["127.0.0.2"], ["10.0.0.1"]]
    asked = []

    async def rebinding(host: str, port: int):
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    class Recorder(httpcore2.AsyncNetworkBackend):
        def __init__(self):
            self.connected = []

        async def connect_tcp(self, host, port, *rest):
            self.connected.append(host)
            raise httpcore2.ConnectError("recorded")

    inner = Recorder()
    backend = GuardedBackend(inner, LOOPBACK, rebinding)
    with pytest.raises(httpcore2.ConnectError):
        asyncio.run(backend.connect_tcp("rebind.example", 80))
    assert inner.connected == ["127.0.0.2"]
    assert asked == ["rebind.example"]
    with pytest.raises(AddressBlockedError):
        asyncio.run(backend.connect_unix_socket("/run/docker.sock"))


@pytest.mark.hostile(8)
def test_proxies_of_the_environment_are_ignored(monkeypatch):
    with serve({"/": Answer(200, rss())}) as proxy, serve({"/": Answer(200, rss())}) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert ask(f"{server.url}/", server.settings()).status == 200
        assert proxy.hits.total() == 0


@pytest.mark.hostile(9)
def test_user_information_and_fragments_are_dropped():
    assert str(check_url("https://me:pw@example.com/x#y", ())) == "https://example.com/x"


def test_the_private_attribute_that_the_guard_wraps_is_there():
    transport = httpx2.AsyncHTTPTransport(trust_env=False)
    guard_transport(transport, ())
    assert isinstance(transport._pool._network_backend, GuardedBackend)


def test_a_name_that_cannot_be_resolved_is_looked_up_once(monkeypatch):
    looked_up = []

    async def getaddrinfo(self, host, port, **_):
        looked_up.append(host)
        raise OSError("no such name")

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", getaddrinfo)
    fetched = ask("https://nowhere.example/", CrawlSettings())
    assert fetched.outcome == "connect"
    assert "cannot resolve 'nowhere.example'" in fetched.error
    assert looked_up == ["nowhere.example"]
