"""Fetching prices into a store: files, providers, pages of candles, revisions, refusals."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from crawler.prices import binance, cboe, coinbase, fred, yahoo
from crawler.prices.asking import FIRST_DAY
from crawler.run import fetch_prices
from crawler.settings import CrawlSettings
from store.records import Asset
from tests.server import Answer, etag, serve

NOW = datetime(2026, 2, 3, 22, 30, tzinfo=UTC)
DGS10 = Asset(id="DGS10", name="10y", asset_class="rates", unit="yield_pct", source="fred:DGS10")
SPY = Asset(id="SPY", name="S&P", asset_class="equity", source="csv:closes.csv")
BTC = Asset(id="BTC", name="", asset_class="crypto", calendar="24/7", source="binance:BTCUSDT")
VIX = Asset(id="VIX", name="", asset_class="volatility", unit="index", source="cboe:VIX")
HOUR = timedelta(hours=1)


def rows(store, sql):
    return [tuple(row) for row in store.db.execute(sql)]


def fetch(store, assets, tmp_path, now=NOW, settings=None):
    return fetch_prices(
        store, assets, now=now, settings=settings or CrawlSettings(), base_dir=tmp_path
    )


def redirect_to(server, monkeypatch, module, path):
    """Let a provider be asked at the local server, with the query of its real address."""
    real = module.request

    def request(*args):
        return f"{server.url}{path}?{urlsplit(real(*args)).query}"

    monkeypatch.setattr(module, "request", request)


def asked(server):
    return [parse_qs(urlsplit(path).query) for path, _ in server.requests]


# -- files --------------------------------------------------------------------------


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


def test_a_quote_that_is_not_closed_ends_its_file_and_nothing_else(store, tmp_path):
    (tmp_path / "closes.csv").write_text(
        'asset,date,close\nSPY,2026-01-29,694.04\n"SPY,2026-01-30,691.97\n'
        + "SPY,2026-01-28,690.0\n" * 7000
    )
    (tmp_path / "other.csv").write_text("asset,date,close\nGLD,2026-01-29,494.0\n")
    gold = Asset(id="GLD", name="", asset_class="metal", source="csv:other.csv")
    report = fetch(store, [SPY, gold], tmp_path)
    assert (report.counts["new"], report.failures) == (1, 1)
    ((item, message),) = rows(store, "SELECT item, message FROM failures")
    assert item == "closes.csv"
    assert "the row after line 2 cannot be read" in message
    assert "a quote that is not closed" in message


# -- series -------------------------------------------------------------------------


def test_a_mistake_of_ours_about_one_asset_leaves_the_others(store, tmp_path, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("https://prices.example/q?api_key=CANARYCANARY")

    monkeypatch.setattr(yahoo, "request", broken)
    (tmp_path / "closes.csv").write_text("asset,date,close\nSPY,2026-01-29,694.04\n")
    gold = Asset(id="GLD", name="", asset_class="metal", source="yahoo:GLD")
    report = fetch(store, [SPY, gold], tmp_path)
    assert (report.counts["new"], report.failures) == (1, 1)
    ((item, kind, message),) = rows(store, "SELECT item, kind, message FROM failures")
    assert (item, kind) == ("GLD", "ZeroDivisionError")
    assert "CANARY" not in message


def series(*days):
    return (
        "observation_date,DGS10\n" + "".join(f"{day},{value}\n" for day, value in days)
    ).encode()


def test_providers_are_asked_through_the_one_fetch_function(store, tmp_path, monkeypatch):
    answers = {
        "/fred": Answer(200, series(("2026-01-29", 4.24), ("2026-02-02", 4.29))),
        "/cboe": Answer(200, b"<html>"),
    }
    with serve(answers) as server:
        redirect_to(server, monkeypatch, fred, "/fred")
        redirect_to(server, monkeypatch, cboe, "/cboe")
        derived = Asset(id="D", name="", asset_class="funding", source="derived:A-B")
        stooq = Asset(id="Y", name="", asset_class="equity", source="stooq:spy.us")
        report = fetch(store, [DGS10, VIX, derived, stooq], tmp_path, settings=server.settings())
        assert report.counts == {"new": 2, "revised": 0}
        assert rows(store, "SELECT item, kind FROM failures ORDER BY item") == [
            ("VIX", "PriceDataError"),
            ("Y", "unsupported"),
        ]
        assert server.hits == {"/fred": 1, "/cboe": 1}
        # The failed one is asked again at once, the other when it is due.
        fetch(store, [DGS10, VIX], tmp_path, now=NOW + HOUR, settings=server.settings())
        assert server.hits == {"/fred": 1, "/cboe": 2}


def test_only_the_last_year_is_asked_for_again(store, tmp_path, monkeypatch):
    with serve(
        {"/fred": Answer(200, series(("2026-01-29", 4.24), ("2026-02-02", 4.29)))}
    ) as server:
        redirect_to(server, monkeypatch, fred, "/fred")
        fetch(store, [DGS10], tmp_path, settings=server.settings())
        fetch(store, [DGS10], tmp_path, now=NOW + timedelta(days=1), settings=server.settings())
        first, second = asked(server)
    assert first["cosd"] == [str(FIRST_DAY)]
    assert (second["cosd"], second["coed"]) == (["2024-12-29"], ["2026-02-04"])


def test_a_source_that_is_new_to_an_asset_is_asked_in_full_and_at_once(
    store, tmp_path, monkeypatch
):
    (tmp_path / "closes.csv").write_text("asset,date,close\nDGS10,2026-01-29,4.24\n")
    fetch(store, [replace(DGS10, source="csv:closes.csv")], tmp_path)
    with serve(
        {"/fred": Answer(200, series(("2020-01-02", 1.88), ("2026-01-29", 4.24)))}
    ) as server:
        redirect_to(server, monkeypatch, fred, "/fred")
        report = fetch(store, [DGS10], tmp_path, now=NOW + HOUR, settings=server.settings())
        assert [query["cosd"] for query in asked(server)] == [[str(FIRST_DAY)]]
    assert report.counts == {"new": 1, "revised": 0}


def test_what_was_mended_is_said_once_and_what_was_refused_leaves_the_store(
    store, tmp_path, monkeypatch
):
    good = series(("2026-02-02", 4.29), ("2026-01-28", 4.2), ("2026-01-29", 4.24))
    with serve({"/fred": Answer(200, good)}) as server:
        redirect_to(server, monkeypatch, fred, "/fred")
        for days in (0, 1):
            night = NOW + timedelta(days=days)
            assert fetch(store, [DGS10], tmp_path, night, server.settings()).failures == 0
        before = rows(store, "SELECT * FROM prices")
        server.answers["/fred"] = Answer(200, series(("2026-01-28", 9), ("2026-01-29", "1e400")))
        night = NOW + timedelta(days=2)
        assert fetch(store, [DGS10], tmp_path, night, server.settings()).failures == 1
    assert rows(store, "SELECT * FROM prices") == before
    assert rows(store, "SELECT kind, message FROM failures ORDER BY failed_at") == [
        ("mended", "fred:DGS10: the dates were out of order; sorted"),
        ("PriceDataError", "fred:DGS10: '1e400' is not a finite number"),
    ]


def test_a_revision_is_appended_and_each_night_can_be_asked_for(store, tmp_path, monkeypatch):
    answers = {"/fred": Answer(200, series(("2026-01-29", 4.24), ("2026-02-02", 4.29)))}
    nights = [NOW + timedelta(days=number) for number in range(4)]
    with serve(answers) as server:
        redirect_to(server, monkeypatch, fred, "/fred")
        how = {"settings": server.settings()}
        fetch(store, [DGS10], tmp_path, now=nights[0], **how)
        answers_then = []
        # Revised, revised back to what it was, and at last unchanged.
        for night, value in zip(nights[1:], (4.25, 4.24, 4.24), strict=True):
            server.answers["/fred"] = Answer(
                200, series(("2026-01-29", value), ("2026-02-02", 4.29))
            )
            answers_then.append(fetch(store, [DGS10], tmp_path, now=night, **how).counts)
    assert [counts["revised"] for counts in answers_then] == [1, 1, 0]
    found = rows(store, "SELECT close, as_of, known_at FROM prices WHERE date = '2026-01-29'")
    assert found == [
        (4.24, "2026-01-29T20:30:00Z", "2026-01-29T23:00:00Z"),
        (4.25, "2026-01-29T20:30:00Z", "2026-02-04T22:30:00Z"),
        (4.24, "2026-01-29T20:30:00Z", "2026-02-05T22:30:00Z"),
    ]
    then = [store.frames.prices(known_by=night)["close"].iloc[0] for night in nights]
    assert then == [4.24, 4.25, 4.24, 4.24]
    assert len(store.frames.prices(known_by=datetime(2026, 1, 29, 22, tzinfo=UTC))) == 0
    assert rows(store, "SELECT date, close FROM prices_latest ORDER BY date") == [
        ("2026-01-29", 4.24),
        ("2026-02-02", 4.29),
    ]


def test_the_same_answer_twice_changes_no_price_and_adds_no_run(store, tmp_path, monkeypatch):
    with serve(
        {"/fred": Answer(200, series(("2026-01-29", 4.24), ("2026-02-02", 4.29)))}
    ) as server:
        redirect_to(server, monkeypatch, fred, "/fred")
        fetch(store, [DGS10], tmp_path, settings=server.settings())
        before = rows(store, "SELECT * FROM prices"), rows(store, "SELECT * FROM runs")
        fetch(store, [DGS10], tmp_path, now=NOW + timedelta(days=1), settings=server.settings())
        assert server.hits["/fred"] == 2
        assert (rows(store, "SELECT * FROM prices"), rows(store, "SELECT * FROM runs")) == before


def test_an_answer_without_values_is_a_failure(store, tmp_path, monkeypatch):
    with serve({"/fred": Answer(200, b"observation_date,DGS10\n")}) as server:
        redirect_to(server, monkeypatch, fred, "/fred")
        assert fetch(store, [DGS10], tmp_path, settings=server.settings()).failures == 1
    ((message,),) = rows(store, "SELECT message FROM failures")
    assert "no value since 2015-01-01" in message


def test_a_series_that_was_restated_is_asked_for_from_its_beginning(store, tmp_path, monkeypatch):
    days = [date(2023, 1, 2) + timedelta(days=number) for number in range(1100)]
    factor = 1.0

    def answer(handler):
        query = parse_qs(urlsplit(handler.path).query)
        since = datetime.fromtimestamp(int(query["period1"][0]), UTC).date()
        chosen = [day for day in days if day >= since]
        stamps = [datetime(d.year, d.month, d.day, 15, tzinfo=UTC).timestamp() for d in chosen]
        prices = [(400 + day.toordinal() % 7) * factor for day in chosen]
        quote = {"quote": [{"close": prices}]}
        meta = {"exchangeTimezoneName": "America/New_York"}
        result = {"meta": meta, "timestamp": stamps, "indicators": quote}
        return Answer(200, json.dumps({"chart": {"result": [result]}}).encode())

    spy = Asset(id="SPY", name="", asset_class="equity", source="yahoo:SPY")
    now = datetime(2026, 1, 6, 2, tzinfo=UTC)
    with serve({"/chart": answer}) as server:
        redirect_to(server, monkeypatch, yahoo, "/chart")
        fetch(store, [spy], tmp_path, now=now, settings=server.settings())
        factor = 0.5  # a split, two for one
        fetch(store, [spy], tmp_path, now=now + timedelta(days=1), settings=server.settings())
        assert server.hits["/chart"] == 3
        fetch(store, [spy], tmp_path, now=now + timedelta(days=2), settings=server.settings())
        assert server.hits["/chart"] == 4
    # All on one scale, and the day of the split is no crash of one half.
    assert rows(store, "SELECT count(*), max(close) FROM prices_latest") == [(1100, 203.0)]
    assert rows(store, "SELECT kind FROM failures") == [("revised",)]


def test_an_index_file_is_read_again_only_when_it_has_changed(store, tmp_path, monkeypatch):
    body = b"DATE,OPEN,HIGH,LOW,CLOSE\n01/30/2026,17,18,16,17.44\n02/02/2026,17,18,16,16.34\n"
    with serve({"/cboe": etag(body)}) as server:
        redirect_to(server, monkeypatch, cboe, "/cboe")
        for days in range(3):
            night = NOW + timedelta(days=days)
            report = fetch(store, [VIX], tmp_path, now=night, settings=server.settings())
            assert report.failures == 0
        sent = [headers.get("if-none-match") for _, headers in server.requests]
        assert sent == [None, '"v1"', '"v1"']
        assert store.prices.answer("VIX").fetched_at == night
        # Another address has other validators, and is asked at once.
        moved = Asset(
            id="VIX", name="", asset_class="volatility", unit="index", source="cboe:VIX9D"
        )
        fetch(store, [moved], tmp_path, now=night + HOUR, settings=server.settings())
        assert "if-none-match" not in server.requests[-1][1]
    assert rows(store, "SELECT date, close FROM prices") == [
        ("2026-01-30", 17.44),
        ("2026-02-02", 16.34),
    ]


def test_validators_of_a_file_with_an_open_day_are_not_kept(store, tmp_path, monkeypatch):
    body = b"DATE,OPEN,HIGH,LOW,CLOSE\n02/02/2026,17,18,16,16.34\n02/03/2026,17,18,16,18.0\n"
    noon = datetime(2026, 2, 3, 17, tzinfo=UTC)
    with serve({"/cboe": etag(body)}) as server:
        redirect_to(server, monkeypatch, cboe, "/cboe")
        fetch(store, [VIX], tmp_path, now=noon, settings=server.settings())
        fetch(store, [VIX], tmp_path, now=noon + timedelta(days=1), settings=server.settings())
    assert rows(store, "SELECT count(*) FROM prices") == [(2,)]


@pytest.mark.parametrize(
    ("status", "advice"),
    [(429, "first run after its pause"), (451, "country"), (404, "name of the series")],
)
def test_a_refusal_says_what_to_do(store, tmp_path, monkeypatch, status, advice):
    spy = Asset(id="SPY", name="", asset_class="equity", source="yahoo:SPY")
    with serve({"/chart": Answer(status, b"no")}) as server:
        redirect_to(server, monkeypatch, yahoo, "/chart")
        assert fetch(store, [spy], tmp_path, settings=server.settings()).failures == 1
    ((item, message, said),) = rows(store, "SELECT item, message, advice FROM failures")
    assert item == "SPY"
    assert f"answered {status}" in message
    assert advice in said


# -- candles ------------------------------------------------------------------------


def klines(handler):
    """Answer as Binance: 1,000 hours from the start on, none before the listing."""
    query = parse_qs(urlsplit(handler.path).query)
    start = datetime.fromtimestamp(int(query["startTime"][0]) / 1000, UTC)
    start = max(start, datetime(2024, 3, 1, 5, tzinfo=UTC))
    hours = [start + number * HOUR for number in range(1000)]
    found = [[at.timestamp() * 1000, "1", "2", "1", f"{at.hour}", "1"] for at in hours if at <= NOW]
    return Answer(200, json.dumps(found).encode())


def candles(handler):
    """Answer as Coinbase: newest first, both ends included, 300 at most, some before the start."""
    query = parse_qs(urlsplit(handler.path).query)
    start, end = (datetime.fromisoformat(query[name][0]) for name in ("start", "end"))
    hours = [start + number * HOUR for number in range(-1, (end - start) // HOUR + 1)]
    if len(hours) > 301:
        return Answer(400, b"too many")
    found = [[at.timestamp(), 1, 2, 1, float(at.hour), 1] for at in hours if at <= NOW]
    return Answer(200, json.dumps(found[::-1]).encode())


@pytest.mark.parametrize(
    ("module", "answer", "first", "requests"),
    [(binance, klines, "2024-03-01", 17), (coinbase, candles, "2023-02-04", 88)],
    ids=["binance", "coinbase"],
)
def test_the_history_of_an_exchange_takes_several_pages(
    store, tmp_path, monkeypatch, module, answer, first, requests
):
    name = module.__name__.rpartition(".")[2]
    coin = Asset(id="BTC", name="", asset_class="crypto", calendar="24/7", source=f"{name}:BTC-USD")
    with serve({"/candles": answer}) as server:
        redirect_to(server, monkeypatch, module, "/candles")
        assert fetch(store, [coin], tmp_path, settings=server.settings()).failures == 0
        assert server.hits["/candles"] == requests
        later = NOW + timedelta(hours=13)
        fetch(store, [coin], tmp_path, now=later, settings=server.settings())
        assert server.hits["/candles"] == requests + 1
    found = rows(store, "SELECT date, close, as_of, known_at FROM prices ORDER BY date")
    assert (found[0][0], found[-1][0]) == (first, "2026-02-03")
    assert len(found) == (date(2026, 2, 3) - date.fromisoformat(first)).days + 1
    # The hour from 19 to 20 UTC in summer, from 20 to 21 in winter; public when it is over.
    assert {(close, at[11:13]) for _, close, at, _ in found} == {(19.0, "20"), (20.0, "21")}
    assert all(as_of == known_at for _, _, as_of, known_at in found)
    assert rows(store, "SELECT count(*) FROM failures") == [(0,)]


def test_pages_before_a_refusal_are_kept_and_the_next_run_goes_on(store, tmp_path, monkeypatch):
    broken = True

    def answer(handler):
        if broken and server.hits["/candles"] > 3:
            return Answer(500, b"")
        return klines(handler)

    with serve({"/candles": answer}) as server:
        redirect_to(server, monkeypatch, binance, "/candles")
        report = fetch(store, [BTC], tmp_path, settings=server.settings())
        assert (report.failures, report.counts["new"]) == (1, 125)
        broken = False
        report = fetch(store, [BTC], tmp_path, now=NOW + HOUR, settings=server.settings())
        assert report.failures == 0
        starts = [int(query["startTime"][0]) for query in asked(server)]
        # The fourth request was refused; the next run begins ten days before the last close.
        assert timedelta(milliseconds=starts[3] - starts[4]) < timedelta(days=11)
    assert rows(store, "SELECT count(*) FROM prices") == [(705,)]


def test_a_series_of_midnight_closes_is_asked_for_anew(store, tmp_path, monkeypatch):
    (tmp_path / "closes.csv").write_text(
        "asset,date,close\n"
        + "".join(f"BTC,{NOW.date() - timedelta(days=number)},99\n" for number in range(60, 0, -1))
    )
    fetch(store, [replace(BTC, source="csv:closes.csv")], tmp_path)
    with serve({"/candles": klines}) as server:
        redirect_to(server, monkeypatch, binance, "/candles")
        fetch(store, [BTC], tmp_path, now=NOW + HOUR, settings=server.settings())
    hours = rows(store, "SELECT DISTINCT substr(as_of, 12) FROM prices_latest ORDER BY 1")
    assert hours == [("20:00:00Z",), ("21:00:00Z",)]
    # What was known yesterday is still there.
    before = store.frames.prices(known_by=NOW).set_index("date")["close"]
    assert set(before["2025-12-10":"2026-02-02"]) == {99.0}
