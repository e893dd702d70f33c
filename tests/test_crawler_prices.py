import json
from datetime import UTC, date, datetime, timedelta

import pytest

from crawler.errors import PriceDataError
from crawler.prices import binance, cboe, coinbase, fred, nyfed
from crawler.prices.guess import guess_asset
from crawler.run import fetch_prices
from crawler.settings import CrawlSettings
from store import Store
from store.records import Asset
from tests.server import Answer, serve

NOW = datetime(2026, 2, 3, 22, 30, tzinfo=UTC)
DGS10 = Asset(id="DGS10", name="10y", asset_class="rates", unit="yield_pct", source="fred:DGS10")
SPY = Asset(id="SPY", name="S&P", asset_class="equity", source="csv:closes.csv")
BTC = Asset(id="BTC", name="", asset_class="crypto", calendar="24/7", source="binance:BTCUSDT")


def closes(bars):
    return [(bar.date.isoformat(), bar.close) for bar in bars]


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    "head", ["observation_date,DGS10", "DATE,DGS10", "\ufeffobservation_date,DGS10"]
)
def test_fred(head):
    body = f"{head}\n2026-01-29,4.24\n2026-01-30,.\n2026-01-31,\n2026-02-02,4.29\n".encode()
    assert closes(fred.parse(body, DGS10, now=NOW)) == [("2026-01-29", 4.24), ("2026-02-02", 4.29)]
    assert "id=DGS10&cosd=2026-01-01" in fred.request("DGS10", date(2026, 1, 1))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>504</html>",
        b"a,b\n1,2\n",
        b"observation_date,DGS10\nyesterday,1\n",
        b"observation_date,DGS10\n2026-01-29,1e400\n",
        b"observation_date,DGS10\n2026-01-29,abc\n",
        b"observation_date,DGS10\n2026-01-29,4.2\n2026-01-29,4.3\n",
        b"observation_date,DGS10\n2026-01-29\n",
        b"observation_date,DGS10\n" + b"".join(b"2027-01-%02d,4\n" % day for day in range(1, 29)),
    ],
    ids=["empty", "page", "header", "date", "infinite", "word", "twice", "no value", "future"],
)
@pytest.mark.hostile(47)
def test_another_answer_than_a_series_is_refused(body):
    with pytest.raises(PriceDataError):
        fred.parse(body, DGS10, now=NOW)


@pytest.mark.hostile(47)
def test_unsorted_days_are_sorted_and_an_open_day_waits():
    body = b"observation_date,DGS10\n2026-02-04,4.1\n2026-02-02,4.29\n2026-01-29,4.24\n"
    assert closes(fred.parse(body, DGS10, now=NOW)) == [("2026-01-29", 4.24), ("2026-02-02", 4.29)]


def test_cboe():
    body = b"DATE,OPEN,HIGH,LOW,CLOSE\n01/29/2026,16,17,15,16.88\n01/30/2026,17,18,16,17.44\n"
    assert closes(cboe.parse(body, guess_asset("VIX"), now=NOW))[-1] == ("2026-01-30", 17.44)


def test_binance_and_coinbase():
    day, open_day = ms("2026-01-30"), ms("2026-02-03")
    rows = [[day, "1", "2", "0.5", "84128.6", "9"], [open_day, "1", "2", "0.5", "78000", "9"]]
    assert closes(binance.parse(json.dumps(rows).encode(), BTC, now=NOW)) == [
        ("2026-01-30", 84128.6)
    ]
    rows = [[open_day // 1000, 1, 2, 1, 78000.0, 9], [day // 1000, 1, 2, 1, 84128.6, 9]]
    assert closes(coinbase.parse(json.dumps(rows).encode(), BTC, now=NOW)) == [
        ("2026-01-30", 84128.6)
    ]
    microseconds = [[day * 1000, "1", "2", "0.5", "84128.6", "9"]]
    with pytest.raises(PriceDataError, match="unit"):
        binance.parse(json.dumps(microseconds).encode(), BTC, now=NOW)


@pytest.mark.parametrize(
    "body", [b"", b'{"msg": "restricted location"}', b"[[1]]", b'[["x",1,2,3,4]]', b"[{}]"]
)
def test_an_exchange_that_says_no(body):
    for module in (binance, coinbase):
        with pytest.raises(PriceDataError):
            module.parse(body, BTC, now=NOW)


def test_nyfed():
    sofr = Asset(id="SOFR", name="", asset_class="funding", unit="yield_pct", source="nyfed:sofr")
    body = {"refRates": [{"effectiveDate": "2026-01-30", "type": "SOFR", "percentRate": 3.68}]}
    (bar,) = nyfed.parse(json.dumps(body).encode(), sofr, now=NOW)
    assert (bar.close, bar.known_at) == (3.68, datetime(2026, 2, 2, 13, tzinfo=UTC))
    with pytest.raises(PriceDataError):
        nyfed.parse(b"{}", sofr, now=NOW)


# -- the stage ----------------------------------------------------------------------


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "t.db", create=True) as opened:
        yield opened


def rows(store, sql):
    return [tuple(row) for row in store.db.execute(sql)]


def fetch(store, assets, tmp_path, now=NOW, settings=None):
    return fetch_prices(
        store, assets, now=now, settings=settings or CrawlSettings(), base_dir=tmp_path
    )


def test_closes_from_a_file_as_far_as_they_were_known(store, tmp_path):
    (tmp_path / "closes.csv").write_text(
        "asset,date,close\nSPY,2026-01-29,694.04\nSPY,2026-01-30,691.97\nQQQ,2026-01-30,621.87\n"
        "SPY,2026-02-02,\nSPY,soon,1\nSPY,2026-01-28,-1\n"
    )
    friday = datetime(2026, 1, 30, 20, tzinfo=UTC)
    report = fetch(store, [SPY], tmp_path, now=friday)
    assert report.counts == {"new": 1, "revised": 0}
    assert rows(store, "SELECT item FROM failures ORDER BY item") == [
        ("closes.csv:6",),
        ("closes.csv:7",),
    ]
    assert (
        fetch(store, [SPY], tmp_path, now=friday + timedelta(hours=2)).counts["new"] == 0
    )  # not due
    assert fetch(store, [SPY], tmp_path, now=friday + timedelta(days=1)).counts["new"] == 1
    assert rows(store, "SELECT date, as_of, known_at FROM prices ORDER BY date")[-1] == (
        "2026-01-30",
        "2026-01-30T21:00:00Z",
        "2026-01-30T21:00:00Z",
    )


def test_a_value_that_changes_was_not_known_before_now(store, tmp_path):
    path = tmp_path / "closes.csv"
    path.write_text("asset,date,close\nSPY,2026-01-29,694.04\n")
    fetch(store, [SPY], tmp_path)
    path.write_text("asset,date,close\nSPY,2026-01-29,694.05\n")
    later = NOW + timedelta(days=1)
    assert fetch(store, [SPY], tmp_path, now=later).counts == {"new": 0, "revised": 1}
    assert rows(store, "SELECT close, known_at FROM prices ORDER BY known_at") == [
        (694.04, "2026-01-29T21:00:00Z"),
        (694.05, "2026-02-04T22:30:00Z"),
    ]
    before = rows(store, "SELECT * FROM runs")
    assert fetch(store, [SPY], tmp_path, now=later).counts == {"new": 0, "revised": 0}
    assert rows(store, "SELECT * FROM runs") == before


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (None, "FileNotFoundError"),
        (b"date,close\n", "PriceDataError"),
        (b"asset,date,close\n\xff,1,1\n", "PriceDataError"),
    ],
    ids=["missing", "columns", "encoding"],
)
def test_a_file_that_cannot_be_read_is_one_failure(store, tmp_path, content, kind):
    if content is not None:
        (tmp_path / "closes.csv").write_bytes(content)
    assert fetch(store, [SPY], tmp_path).failures == 1
    assert rows(store, "SELECT item, kind FROM failures") == [("closes.csv", kind)]


def test_providers_are_asked_through_the_one_fetch_function(store, tmp_path, monkeypatch):
    csv = b"observation_date,DGS10\n2026-01-29,4.24\n2026-02-02,4.29\n"
    with serve({"/fred": Answer(200, csv), "/cboe": Answer(200, b"<html>")}) as server:
        monkeypatch.setattr(
            fred, "request", lambda series, since: f"{server.url}/fred?since={since}"
        )
        monkeypatch.setattr(cboe, "request", lambda series, since: f"{server.url}/cboe")
        vix = Asset(id="VIX", name="", asset_class="volatility", unit="index", source="cboe:VIX")
        derived = Asset(id="D", name="", asset_class="funding", source="derived:A-B")
        yahoo = Asset(id="Y", name="", asset_class="equity", source="yahoo:SPY")
        report = fetch(store, [DGS10, vix, derived, yahoo], tmp_path, settings=server.settings())
        assert report.counts == {"new": 2, "revised": 0}
        assert rows(store, "SELECT item, kind FROM failures ORDER BY item") == [
            ("VIX", "PriceDataError"),
            ("Y", "unsupported"),
        ]
        # The failed one is asked again at once, the other from a month before its last day.
        later = NOW + timedelta(days=1)
        fetch(store, [DGS10, vix], tmp_path, now=later, settings=server.settings())
        assert server.requests[-1][0] in {"/cboe", "/fred?since=2026-01-03"}
        assert server.hits == {"/fred": 2, "/cboe": 2}


def test_a_long_gap_of_an_exchange_takes_several_pages(store, tmp_path, monkeypatch):
    def page(handler):
        start = date.fromisoformat(handler.path.partition("=")[2])
        days = [start + timedelta(days=number) for number in range(300)]
        stamps = [[ms(f"{day}"), "1", "2", "1", "100", "1"] for day in days if day <= NOW.date()]
        return Answer(200, json.dumps(stamps).encode())

    with serve({"/candles": page}) as server:
        monkeypatch.setattr(
            binance, "request", lambda _, since: f"{server.url}/candles?since={since}"
        )
        report = fetch(store, [BTC], tmp_path, settings=server.settings())
        assert report.failures == 0
    ((first, last, count),) = rows(store, "SELECT min(date), max(date), count(*) FROM prices")
    assert (first, last) == ("2015-01-01", "2026-02-02")
    assert count == (date(2026, 2, 2) - date(2015, 1, 1)).days + 1
