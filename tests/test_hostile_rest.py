"""Hostile inputs 43, 44, 47 and 50 of docs/security.md: robots, secrets, prices, disks."""

import asyncio
import json
import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest

import crawler.gather
import crawler.run
from api.health import checks, status_document
from crawler.fetch import open_client
from crawler.pages import Pages
from crawler.run import fetch_prices
from crawler.settings import Limits
from crawler.urls import redact, redact_text
from crawler.worker import ParserPool
from store import Store
from store.errors import StoreError
from store.publish import publish
from store.records import Asset
from tests.crawl_world import NOW, local_feed, night, outcomes, rows, stored_bytes, typed
from tests.server import Answer, drip, redirect, rss, serve
from tests.test_hostile_text import HTML, page

FEED = rss(("1", "one", "first text"), ("2", "two", "second text"))


# -- 43: robots.txt -----------------------------------------------------------------

SECRET_RULE = b"User-agent: *\nDisallow: /page\n"
BOMB = b"User-agent: *\nDisallow: /" + b"*a" * 20_000 + b"b$\n"


@pytest.mark.hostile(43)
@pytest.mark.parametrize(
    ("robots", "kind"),
    [
        (Answer(503), "robots_unreachable"),
        (Answer(404), None),
        (Answer(200, SECRET_RULE + b"# " + b"x" * 2**20), "robots_denied"),
        (Answer(200, b"# " + b"x" * 2**20 + b"\n" + SECRET_RULE), None),
        (Answer(200, b"User-agent: *\nDisallow: /\n"), "robots_denied"),
        (Answer(200, BOMB), None),
        (Answer(200, b"\xff\xfe\0\0<html>" * 1000), None),
    ],
    ids=["503", "404", "1 MB", "rule beyond the cap", "disallow all", "wildcards", "garbage"],
)
def test_robots(store, robots, kind):
    with serve({"/robots.txt": robots, "/page": typed(page("gold"), HTML)}) as server:
        server.answers["/feed"] = typed(rss(("page", "Gold", "teaser"), base=server.url))
        night(store, server, local_feed(server, full_text=True))
        assert server.hits["/page"] == (kind is None)
    expected = [] if kind is None else [(kind,)]
    assert rows(store, "SELECT kind FROM failures") == expected


async def ask_robots(server):
    """Return why a page is refused, the pace of its host, and the processor's time of both."""
    async with open_client(server.settings(), now=NOW) as client:
        pages = Pages(client, ParserPool(Limits(), 1))  # no page is read: no process is started
        started = time.process_time()
        refusal = await pages.refusal(f"{server.url}/{'a' * 1900}")
        return refusal, client.hosts.interval("127.0.0.1"), time.process_time() - started


@pytest.mark.hostile(43)
def test_wildcards_of_robots_txt_cost_no_time():
    with serve({"/robots.txt": Answer(200, BOMB)}) as server:
        refusal, _, seconds = asyncio.run(ask_robots(server))
    assert refusal is None
    assert seconds < 0.5


@pytest.mark.hostile(43)
@pytest.mark.parametrize(("delay", "interval"), [("86400", 60), ("60.5", 60), ("7", 7), ("-1", 0)])
def test_a_delay_of_robots_txt_is_kept_up_to_a_minute(delay, interval):
    rules = f"User-agent: *\nCrawl-delay: {delay}\n".encode()
    with serve({"/robots.txt": Answer(200, rules)}) as server:
        assert asyncio.run(ask_robots(server))[:2] == (None, interval)


# -- 44: secrets --------------------------------------------------------------------


@pytest.mark.hostile(44)
@pytest.mark.parametrize(
    "name",
    ["api_key", "apikey", "apiKey", "api-key", "api%5Fkey", "token", "feed", "user", "key",
     "access_token", "refresh_token", "client_secret", "password", "sig", "X-Amz-Signature",
     "auth"],
)  # fmt: skip
def test_a_secret_under_any_of_its_names_is_redacted(name):
    for address in (
        f"https://a.example/f?{name}=CANARY",
        f"https://a.example/f?n=1&{name}=CANARY#top",
        f"https://a.example/f?n=1;{name}=CANARY",
        f"https://a.example/#{name}=CANARY",
    ):
        assert "CANARY" not in redact(address)
        assert "CANARY" not in redact_text(f"GET {address} failed; see '{address}'.")


@pytest.mark.hostile(44)
@pytest.mark.parametrize(
    "address",
    ["https://me:CANARY@a.example/", "https://CANARY@a.example/", "https://me:CAN#ARY@a.example/"],
)
def test_user_information_is_redacted(address):
    assert "CAN" not in redact(address)


@pytest.mark.hostile(44)
def test_an_address_without_a_secret_is_left_as_it_is():
    plain = "https://a.example/?monkey=1&keyword=2&q=token#part-2"
    assert redact(plain) == plain


def breaks(_handler):
    raise ConnectionResetError


@pytest.mark.hostile(44)
@pytest.mark.parametrize(
    "answer",
    [
        Answer(500),
        Answer(200, b"<html>"),
        Answer(200, FEED),
        redirect("/feed?api_key=CANARY2"),
        redirect("http://10.0.0.1/?api_key=CANARY"),
        redirect("ftp://a.example/?api_key=CANARY"),
        redirect("http://[bad?api_key=CANARY"),
        drip(),
        breaks,
    ],
    ids=["500", "html", "ok", "loop", "private", "scheme", "unreadable", "drip", "reset"],
)
def test_a_secret_in_an_address_is_nowhere_whatever_happens(store, tmp_path, caplog, answer):
    caplog.set_level(logging.DEBUG)
    with serve({"/feed": answer}) as server:
        feed = local_feed(server, "/feed?api_key=CANARY&n=1")
        night(store, server, feed, settings=server.settings(total_s=0.5))
        assert "CANARY" in server.requests[0][0]
    publish(store)
    seen = (
        caplog.text
        + json.dumps(status_document(store, now=NOW))
        + "".join(store.db.conn.iterdump())
    )
    assert "CANARY" not in seen
    assert b"CANARY" not in stored_bytes(tmp_path)


@pytest.mark.hostile(44)
def test_a_secret_in_an_unforeseen_exception_is_nowhere(store, tmp_path, caplog, monkeypatch):
    async def broken(crawl, asked, state, known):
        raise ValueError(f"cannot read {asked.url} at all")

    monkeypatch.setattr("crawler.run.gather", broken)
    with serve() as server:
        night(store, server, local_feed(server, "/feed?api_key=CANARY"))
    ((message,),) = rows(store, "SELECT message FROM failures")
    assert "api_key=REDACTED" in message
    assert b"CANARY" not in stored_bytes(tmp_path)
    assert "CANARY" not in caplog.text


@pytest.mark.hostile(44)
def test_a_secret_in_ids_and_links_of_a_private_feed_is_nowhere(store, tmp_path):
    link = "{}/story?id={}&amp;access_token=CANARY"
    with serve({"/story": Answer(404)}) as server:
        entries = "".join(
            f"<item><title>t{n}</title><link>{link.format(server.url, n)}</link>"
            + (f"<guid>{link.format(server.url, n)}</guid>" if n else "")
            + "</item>"
            for n in range(3)
        )
        server.answers["/feed"] = typed(
            rss().replace(b"</channel>", entries.encode() + b"</channel>")
        )
        for number in range(2):
            night(store, server, local_feed(server, full_text=True), nights=number)
        # The page itself is asked for as it was given.
        assert any("CANARY" in path for path, _ in server.requests)
    assert rows(store, "SELECT count(*), count(DISTINCT canonical_url) FROM documents") == [(3, 3)]
    assert b"CANARY" not in stored_bytes(tmp_path)


@pytest.mark.hostile(44)
def test_a_token_that_breaks_the_request_is_not_quoted(store, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    with serve({"/feed": typed(FEED)}) as server:
        feed = local_feed(server, token_env="OUTLET_TOKEN")
        crawler.run.crawl(
            store, [feed], now=NOW, settings=server.settings(),
            secrets={"OUTLET_TOKEN": "CANARY\r\nX-Evil: 1"},
        )  # fmt: skip
        assert all("x-evil" not in headers for _, headers in server.requests)
    assert outcomes(store) == ["connect"]
    assert "token" in rows(store, "SELECT message FROM failures")[0][0]
    assert "CANARY" not in caplog.text
    assert b"CANARY" not in stored_bytes(tmp_path)


# -- 47: a price provider that answers something else --------------------------------

HEAD = b"observation_date,DGS10\n"


@pytest.mark.hostile(47)
@pytest.mark.parametrize(
    ("body", "closes"),
    [
        (b"<html>sorry</html>", None),
        (b"", None),
        (HEAD + b"2026-01-29,1e400\n", None),
        (HEAD + b"2026-01-29,4.2\n2026-01-29,4.3\n", None),
        (HEAD + b"2026-01-29,.\n2026-01-28,NaN\n2026-01-27,4.1\n", [4.1]),
        (HEAD + b"2026-01-29,4.3\n2026-01-27,4.1\n", [4.1, 4.3]),
        (HEAD + b"2026-01-29,4.3\n2099-01-27,9\n", [4.3]),
    ],
    ids=["html", "empty", "infinite", "twice", "missing", "unsorted", "future"],
)
def test_a_hostile_series_is_refused_with_a_reason_or_cleaned(
    store, tmp_path, monkeypatch, body, closes
):
    from crawler.prices import fred

    asset = Asset(id="DGS10", name="", asset_class="rates", unit="yield_pct", source="fred:DGS10")
    with serve({"/csv": typed(body, "text/csv")}) as server:
        monkeypatch.setattr(fred, "request", lambda series, since, until: f"{server.url}/csv")
        fetch_prices(store, [asset], now=NOW, settings=server.settings(), base_dir=tmp_path)
    assert rows(store, "SELECT close FROM prices ORDER BY date") == [(c,) for c in closes or ()]
    kinds = {kind for (kind,) in rows(store, "SELECT kind FROM failures")}
    assert kinds == {"PriceDataError"} if closes is None else kinds <= {"mended"}


# -- 50: disks ----------------------------------------------------------------------


@pytest.mark.hostile(50)
@pytest.mark.parametrize(
    ("trouble", "cure", "said"),
    [
        ("max_page_count = {}", "max_page_count = 1073741823", "full"),
        ("query_only = 1", "query_only = 0", "readonly"),
    ],
    ids=["full", "read-only"],
)
def test_a_disk_that_gives_out_in_mid_run(store, monkeypatch, trouble, cure, said):
    real = crawler.gather.gather

    async def gather(crawl, asked, state, known):
        if asked.id == "b":
            while store.documents.count() < 2:  # the first source is written
                await asyncio.sleep(0.01)
            pages = store.db.execute("PRAGMA page_count").fetchone()[0]
            store.db.execute(f"PRAGMA {trouble.format(pages + 20)}")
        return await real(crawl, asked, state, known)

    many = rss(*((f"g{n}", f"title {n}", "word " * 2000) for n in range(50)))
    with serve({"/a": typed(FEED), "/b": typed(many)}) as server:
        both = [local_feed(server, "/a", "a"), local_feed(server, "/b", "b")]
        with monkeypatch.context() as patch:
            patch.setattr("crawler.run.gather", gather)
            with pytest.raises(StoreError, match=said):
                night(store, server, *both)
        store.db.execute(f"PRAGMA {cure}")
        assert store.check() == []
        assert rows(store, "SELECT count(*) FROM documents") == [(2,)]
        assert rows(store, "SELECT source_id FROM fetches") == [("a",)]
        report = night(store, server, *both)
        assert report.counts["new"] == 50
        # What was stored before is not asked for again.
        assert server.hits == {"/a": 1, "/b": 2}
        assert store.check() == []


FULL_DISK = """
import resource, sys
size = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
from api.cli import cli
cli()
"""


@pytest.mark.hostile(50)
@pytest.mark.skipif(sys.platform != "linux", reason="file sizes are limited with RLIMIT_FSIZE")
def test_a_run_on_a_full_disk_says_so_in_one_line_and_the_next_one_goes_on(tmp_path):
    path, settings = tmp_path / "t.db", tmp_path / "t.toml"
    with Store.open(path, create=True):
        pass
    many = rss(*((f"g{n}", f"title {n}", "word " * 2000) for n in range(100)))
    with serve({"/feed": typed(many)}) as server:
        settings.write_text(
            '[crawler]\nallow_addresses = ["127.0.0.1/32"]\nhost_interval_s = 0.0\n'
            f'[[source]]\nid = "a"\nkind = "feed"\nurl = "{server.url}/feed"\nfull_text = false\n'
        )
        words = ["crawl", str(path), "--config", str(settings)]
        tight = [sys.executable, "-c", FULL_DISK, str(path.stat().st_size + 100_000), *words]
        root = Path(__file__).parent.parent
        done = subprocess.run(tight, cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stderr
        assert "full or failing" in done.stderr
        assert "Traceback" not in done.stderr
        with Store.open(path) as store:
            assert store.check() == []
            assert store.documents.count() == 0
        usual = [sys.executable, "-m", "api", *words]
        done = subprocess.run(usual, cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    with Store.open(path) as store:
        assert store.documents.count() == 100
        assert store.check() == []


# -- the one way in -----------------------------------------------------------------


def test_doctor_names_the_networks_that_the_guard_lets_through(tmp_path, monkeypatch):
    from api.config import parse_settings

    monkeypatch.setattr("api.health._check_models", lambda: iter(()))

    def guard(text):
        settings = parse_settings(text, origin="mine.toml", base_dir=tmp_path)
        return next(f for f in checks(None, settings) if f.what == "address guard")

    assert guard("").found.startswith("allow_addresses = []")
    assert not guard("").advice
    opened = guard('[crawler]\nallow_addresses = ["127.0.0.1/32"]\n')
    assert 'WARNING: allow_addresses = ["127.0.0.1/32"] in mine.toml' in opened.found
    assert "empty the list" in opened.advice
