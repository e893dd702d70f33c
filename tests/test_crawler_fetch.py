import asyncio
import gzip
import time
from datetime import UTC, datetime

import httpx2
import pytest

from crawler.bodies import decoder_for
from crawler.errors import FetchError
from crawler.fetch import fetch, open_client, outcome_of
from crawler.messages import Request, safe_validator
from crawler.settings import CrawlSettings
from tests.server import Answer, Behaviour, bomb, drip, redirect, rss, serve, zipped

NOW = datetime(2026, 1, 30, 22, 30, tzinfo=UTC)
BODY = rss(("1", "one", "text"))


def ask(server, path="/", **request):
    settings = request.pop("settings", None) or server.settings()

    async def go():
        async with open_client(settings, now=NOW) as client:
            asked = {"cap_bytes": 2 * 2**20, **request}
            return await fetch(client, Request(url=server.url + path, **asked))

    return asyncio.run(go())


def test_an_answer_comes_with_its_headers_and_only_ours_are_sent():
    with serve(
        {"/": Answer(200, BODY, {"Content-Type": "text/xml", "Set-Cookie": "a=1"})}
    ) as server:
        fetched = ask(server)
        assert (fetched.status, fetched.body, fetched.outcome) == (200, BODY, None)
        assert fetched.headers["content-type"] == "text/xml"
        ((_, sent),) = server.requests
        assert sent["user-agent"] == "tapestory/0.1.0 (+https://example.org/bot)"
        assert sent["accept-encoding"] == "gzip, br"
        assert not {"cookie", "referer", "if-none-match"} & sent.keys()


def test_validators_are_sent_as_they_came():
    with serve({"/": Answer(304)}) as server:
        fetched = ask(server, etag='W/"a b"', last_modified="last tuesday")
        assert (fetched.status, fetched.conditional) == (304, True)
        ((_, sent),) = server.requests
        assert (sent["if-none-match"], sent["if-modified-since"]) == ('W/"a b"', "last tuesday")


@pytest.mark.parametrize(
    "tag", ['"a\r\nX-Evil: 1"', '"' + "x" * 100_000 + '"', '"\u00e9"', "", None]
)
@pytest.mark.hostile(22)
def test_a_hostile_validator_is_not_kept(tag):
    assert safe_validator(tag) is None


def test_cookies_are_neither_kept_nor_sent():
    first = Answer(302, b"", {"Location": "/feed", "Set-Cookie": "id=1; Path=/"})
    with serve({"/": first, "/feed": Answer(200, BODY)}) as server:
        ask(server)
        assert all("cookie" not in headers for _, headers in server.requests)


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", "gzip, identity"])
def test_one_layer_of_compression_is_read(encoding):
    with serve({"/": zipped(BODY, encoding)}) as server:
        assert ask(server).body == BODY


def test_every_member_of_a_gzip_body_is_read():
    body = gzip.compress(BODY[:50]) + gzip.compress(b"") + gzip.compress(BODY[50:]) + b"\0\0"
    with serve({"/": Answer(200, body, {"Content-Encoding": "gzip"})}) as server:
        assert ask(server).body == BODY


@pytest.mark.hostile(16)
def test_ten_thousand_empty_members_take_no_time():
    started = time.process_time()
    decoder = decoder_for("gzip")
    assert b"".join(decoder.decode(gzip.compress(b"") * 10_000)) == b""
    assert time.process_time() - started < 2


@pytest.mark.parametrize("encoding", ["gzip, gzip", ", ".join(["gzip"] * 20), "zstd", "nonsense"])
@pytest.mark.hostile(14)
def test_more_layers_or_other_codings_are_refused(encoding):
    with serve({"/": zipped(BODY, encoding)}) as server:
        assert ask(server).outcome == "decode"


@pytest.mark.parametrize(
    "body",
    [gzip.compress(BODY)[:-12], b"\x1f\x8b\x08 not gzip at all", b"plain"],
    ids=["truncated", "damaged", "not compressed"],
)
@pytest.mark.hostile(21)
def test_a_damaged_body_is_no_body(body):
    with serve({"/": Answer(200, body, {"Content-Encoding": "gzip"})}) as server:
        assert ask(server).outcome == "decode"


@pytest.mark.parametrize("encoding", ["br", "deflate", "raw deflate"])
def test_other_codings(encoding):
    import zlib

    import brotli  # type: ignore[import-untyped]

    packed = {
        "br": brotli.compress(BODY),
        "deflate": zlib.compress(BODY),
        "raw deflate": zlib.compress(BODY)[2:-4],
    }[encoding]
    decoder = decoder_for(encoding.split()[-1])
    assert b"".join(decoder.decode(packed)) == BODY
    decoder.finish()
    if encoding == "br":
        cut = decoder_for("br")
        list(cut.decode(packed[:-3]))
        with pytest.raises(FetchError):
            cut.finish()


def test_a_bomb_stops_at_the_cap():
    with serve({"/": bomb(64)}) as server:
        started = time.perf_counter()
        assert ask(server).outcome == "too_large"
        assert time.perf_counter() - started < 5


@pytest.mark.hostile(15)
def test_the_body_of_a_redirect_is_never_read():
    packed = bomb(64)
    first = Answer(302, packed.body, {"Location": "/feed", "Content-Encoding": "gzip"})
    with serve({"/": first, "/feed": Answer(200, BODY)}) as server:
        assert ask(server).body == BODY


def test_the_wire_is_capped_too():
    with serve({"/": Answer(200, b"x" * 2**20)}) as server:
        settings = server.settings(wire_bytes=2**19)
        assert ask(server, settings=settings).outcome == "too_large"


@pytest.mark.hostile(17)
def test_an_endless_body_stops_at_the_cap():
    def endless(handler):
        handler.close_connection = True
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 65536)
        except OSError:
            return

    with serve({"/": endless}) as server:
        assert ask(server).outcome == "too_large"


@pytest.mark.hostile(18)
def test_a_dripping_body_ends_at_the_total_deadline():
    with serve({"/": drip()}) as server:
        started = time.perf_counter()
        fetched = ask(server, settings=server.settings(total_s=0.6))
        assert fetched.outcome == "deadline"
        assert time.perf_counter() - started < 2


@pytest.mark.hostile(10)
def test_redirects_are_followed_to_a_limit():
    answers: dict[str, Answer | Behaviour] = {f"/{i}": redirect(f"/{i + 1}") for i in range(50)}
    with serve(
        {**answers, "/": redirect("/feed"), "/feed": Answer(200, BODY), "/loop": redirect("/loop")}
    ) as server:
        assert ask(server).body == BODY
        assert ask(server, "/0").outcome == "redirect_loop"
        assert server.hits.total() == 2 + 6
        assert ask(server, "/loop").outcome == "redirect_loop"


def test_an_unbroken_run_of_permanent_redirects_is_reported():
    answers = {
        "/": redirect("/a", 301),
        "/a": redirect("/feed", 308),
        "/feed": Answer(200, BODY),
        "/mixed": redirect("/b", 302),
        "/b": redirect("/feed", 301),
    }
    with serve(answers) as server:
        assert ask(server).permanent_url == f"{server.url}/feed"
        assert ask(server, "/mixed").permanent_url is None


def test_a_secret_stays_at_its_origin():
    with (
        serve({"/": Answer(200, BODY)}) as other,
        serve(
            {"/": redirect(f"{other.url}/"), "/same": redirect("/end"), "/end": Answer(200, BODY)}
        ) as server,
    ):
        secret = {"Authorization": "Bearer CANARY"}
        ask(server, secret_headers=secret)
        assert "authorization" in server.requests[0][1]
        assert "authorization" not in other.requests[0][1]
        ask(server, "/same", secret_headers=secret)
        assert "authorization" in server.requests[-1][1]


def test_a_stumble_of_a_gateway_is_tried_again_and_a_refusal_is_not():
    seen = []

    def stumble(handler):
        seen.append(1)
        return Answer(503) if len(seen) < 3 else Answer(200, BODY)

    with serve(
        {"/": stumble, "/later": Answer(503, b"", {"Retry-After": "60"}), "/404": Answer(404)}
    ) as server:
        assert ask(server).body == BODY
        assert ask(server, "/later").status == 503
        assert ask(server, "/404").status == 404
        assert server.hits == {"/": 3, "/later": 1, "/404": 1}


def test_nobody_at_the_other_end():
    with serve() as server:
        pass
    fetched = ask(server)
    assert fetched.outcome == "connect"


def test_no_secret_in_an_error():
    with serve({"/": drip()}) as server:
        settings = server.settings(total_s=0.2)
        fetched = ask(server, "/?api_key=CANARY", settings=settings)
        assert "CANARY" not in fetched.error
        fetched = ask(server, "/loop?token=CANARY", settings=CrawlSettings(host_interval_s=0))
        assert "CANARY" not in fetched.error


def test_requests_to_one_host_keep_their_distance():
    with serve({"/": Answer(200, BODY)}) as server:
        settings = CrawlSettings(allow_addresses=("127.0.0.0/8",), host_interval_s=0.2)

        async def go():
            async with open_client(settings, now=NOW) as client:
                request = Request(url=server.url, cap_bytes=10**6)
                await asyncio.gather(*(fetch(client, request) for _ in range(3)))

        started = time.perf_counter()
        asyncio.run(go())
        assert time.perf_counter() - started >= 0.4


def all_subclasses(kind):
    return {kind} | {deeper for child in kind.__subclasses__() for deeper in all_subclasses(child)}


def test_every_exception_of_the_http_library_has_an_outcome():
    request = httpx2.Request("GET", "https://example.com")
    known = {
        "HTTPError",
        "RequestError",
        "TransportError",
        "TimeoutException",
        "ConnectTimeout",
        "ReadTimeout",
        "WriteTimeout",
        "PoolTimeout",
        "NetworkError",
        "ConnectError",
        "ReadError",
        "WriteError",
        "CloseError",
        "ProtocolError",
        "LocalProtocolError",
        "RemoteProtocolError",
        "ProxyError",
        "UnsupportedProtocol",
        "DecodingError",
        "TooManyRedirects",
        "HTTPStatusError",
        "SSEError",
    }
    # Other libraries derive errors of their own; those never come out of our client.
    ours = {kind for kind in all_subclasses(httpx2.HTTPError) if kind.__module__ == "httpx2"}
    assert {kind.__name__ for kind in ours} == known
    assert outcome_of(httpx2.ReadTimeout("x", request=request)) == "deadline"
    assert outcome_of(httpx2.ConnectTimeout("x", request=request)) == "connect"
    assert outcome_of(httpx2.RemoteProtocolError("x", request=request)) == "connect"
