"""Pauses that hosts ask for: prices keep them, and obey those that the crawl was given."""

from datetime import timedelta

import pytest

from crawler.prices import binance, fred, yahoo
from crawler.run import fetch_prices
from store.records import Asset
from tests.crawl_world import NOW, night, rows
from tests.server import Answer, serve

SPY = Asset(id="SPY", name="", asset_class="equity", source="yahoo:SPY")
DGS10 = Asset(id="DGS10", name="", asset_class="rates", unit="yield_pct", source="fred:DGS10")
BTC = Asset(id="BTC", name="", asset_class="crypto", calendar="24/7", source="binance:BTCUSDT")
SERIES = Answer(200, b"observation_date,DGS10\n2026-01-29,4.24\n")
REFUSAL = Answer(429, b"", {"Retry-After": "7200"})
MINUTES = timedelta(minutes=10)


@pytest.fixture
def prices(store, monkeypatch, tmp_path):
    """Return a function that fetches assets from the server at an instant."""

    def fetch(server, *assets, now=NOW):
        for module in (fred, yahoo, binance):
            path = f"{server.url}/{module.__name__.rpartition('.')[2]}"
            monkeypatch.setattr(module, "request", lambda *args, path=path: path)
        return fetch_prices(store, assets, now=now, settings=server.settings(), base_dir=tmp_path)

    return fetch


@pytest.mark.parametrize("asset", [SPY, BTC], ids=["series", "candles"])
def test_a_pause_holds_in_later_runs_until_it_is_over(store, prices, asset):
    path = f"/{asset.source.partition(':')[0]}"
    with serve({path: REFUSAL}) as server:
        assert prices(server, asset).failures == 1
        assert store.sources.pauses(NOW) == {"127.0.0.1": NOW + timedelta(hours=2)}
        assert prices(server, asset, now=NOW + MINUTES).failures == 1
        assert server.hits[path] == 1
        prices(server, asset, now=NOW + timedelta(hours=2))
        assert server.hits[path] == 2
    found = rows(store, "SELECT kind, message, advice FROM failures ORDER BY failed_at")
    (_, _, advice), (kind, message, repeated), _ = found
    assert kind == "HostPausedError"
    assert "asked to be left alone until 2026-01-31 00:30 UTC" in message
    assert "first run after its pause" in advice
    assert "first run after its pause" in repeated


def test_a_pause_that_the_crawl_was_given_holds_for_prices(store, prices):
    with serve({"/feed": REFUSAL, "/fred": SERIES}) as server:
        night(store, server)
        assert prices(server, DGS10, now=NOW + MINUTES).failures == 1
        assert server.hits == {"/feed": 1}
        assert prices(server, DGS10, now=NOW + timedelta(hours=2)).counts["new"] == 1


def test_a_pause_that_prices_were_given_holds_for_the_crawl(store, prices):
    with serve({"/yahoo": REFUSAL}) as server:
        prices(server, SPY)
        night(store, server)
        assert server.hits == {"/yahoo": 1}


def test_another_host_is_asked_meanwhile(store, prices):
    store.sources.save_pauses({"query2.finance.yahoo.com": NOW + timedelta(days=1)})
    with serve({"/fred": SERIES}) as server:
        assert prices(server, DGS10).failures == 0
    assert list(store.sources.pauses(NOW)) == ["query2.finance.yahoo.com"]
