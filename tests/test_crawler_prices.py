"""What the providers answer, read: series, candles, and answers that are neither."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from crawler.errors import PriceDataError
from crawler.prices import binance, cboe, coinbase, fred, nyfed, yahoo
from crawler.prices.guess import guess_asset
from crawler.prices.sampling import Candle, close_of, daily_bars
from store.records import Asset

NOW = datetime(2026, 2, 3, 22, 30, tzinfo=UTC)
DGS10 = Asset(id="DGS10", name="10y", asset_class="rates", unit="yield_pct", source="fred:DGS10")
BTC = Asset(id="BTC", name="", asset_class="crypto", calendar="24/7", source="binance:BTCUSDT")
SPY = Asset(id="SPY", name="", asset_class="equity", source="yahoo:SPY")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def closes(reading):
    return [(bar.date.isoformat(), bar.close) for bar in reading.bars]


# -- series -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head", ["observation_date,DGS10", "DATE,DGS10", "\ufeffobservation_date,DGS10"]
)
def test_fred(head):
    body = f"{head}\n2026-01-29,4.24\n2026-01-30,.\n2026-01-31,\n2026-02-02,4.29\n".encode()
    reading = fred.parse(body, DGS10, now=NOW)
    assert closes(reading) == [("2026-01-29", 4.24), ("2026-02-02", 4.29)]
    assert reading.remarks == ()
    url = fred.request("DGS10", date(2026, 1, 1), date(2026, 2, 3))
    assert "id=DGS10&cosd=2026-01-01&coed=2026-02-03" in url


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "first line"),
        (b"<!DOCTYPE html><html>504</html>", "web page"),
        (b"\n  <html>", "web page"),
        (b"a,b\n1,2\n", "first line"),
        (b"observation_date,DGS10\nyesterday,1\n", "no date"),
        (b"observation_date,DGS10\n2026-02-30,1\n", "no date"),
        (b"observation_date,DGS10\n9999-12-31,1\n", "no date"),
        (b"observation_date,DGS10\n2026-01-29,1e400\n", "finite"),
        (b"observation_date,DGS10\n2026-01-29,-inf\n", "finite"),
        (b"observation_date,DGS10\n2026-01-29,abc\n", "no number"),
        (b"observation_date,DGS10\n2026-01-29,4.2\n2026-01-29,4.3\n", "twice"),
        (b"observation_date,DGS10\n2026-01-29\n", "no value"),
        (
            b"observation_date,DGS10\n"
            + b"".join(b"2027-01-%02d,4\n" % day for day in range(1, 29)),
            "future",
        ),
    ],
)
@pytest.mark.hostile(47)
def test_another_answer_than_a_series_is_refused_with_a_reason(body, reason):
    with pytest.raises(PriceDataError, match=reason):
        fred.parse(body, DGS10, now=NOW)


@pytest.mark.parametrize(
    ("rows", "remark"),
    [
        ("2026-02-02,4.29\n2026-01-28,4.2\n2026-01-29,4.24", "out of order"),
        (
            "2026-01-28,4.2\n2026-01-29,4.24\n2026-01-29,4.24\n2026-02-02,4.29",
            "2026-01-29 came twice",
        ),
        ("2026-01-28,4.2\n2026-01-29,4.24\n2026-01-30,NaN\n2026-02-02,4.29", "NaN"),
        ("2026-01-28,4.2\n2026-01-29,4.24\n2026-02-02,4.29\n2026-03-02,4.4", "from 2026-03-02 on"),
    ],
    ids=["order", "twice", "nan", "future"],
)
@pytest.mark.hostile(47)
def test_what_can_be_mended_is_mended_and_remarked_on(rows, remark):
    reading = fred.parse(f"observation_date,DGS10\n{rows}\n".encode(), DGS10, now=NOW)
    assert closes(reading) == [("2026-01-28", 4.2), ("2026-01-29", 4.24), ("2026-02-02", 4.29)]
    (said,) = reading.remarks
    assert remark in said


def test_a_day_that_is_still_open_waits_without_a_word():
    body = b"observation_date,DGS10\n2026-02-02,4.29\n2026-02-04,4.1\n"
    reading = fred.parse(body, DGS10, now=NOW)
    assert (closes(reading), reading.open_days, reading.remarks) == ([("2026-02-02", 4.29)], 1, ())


def test_a_price_of_nothing_is_refused_and_a_negative_yield_is_not():
    body = b"observation_date,X\n2026-01-29,-0.5\n"
    assert closes(fred.parse(body, DGS10, now=NOW)) == [("2026-01-29", -0.5)]
    with pytest.raises(PriceDataError, match="impossible"):
        fred.parse(body, SPY, now=NOW)


def test_cboe():
    body = b"DATE,OPEN,HIGH,LOW,CLOSE\n01/29/2026,16,17,15,16.88\n01/30/2026,17,18,16,17.44\n"
    vix = Asset(id="VIX", name="", asset_class="volatility", unit="index", source="cboe:VIX")
    assert closes(cboe.parse(body, vix, now=NOW))[-1] == ("2026-01-30", 17.44)
    vvix = Asset(id="V", name="", asset_class="volatility", unit="index", source="cboe:VVIX")
    body = b"DATE,VVIX\n01/30/2026,97.1\n"
    assert closes(cboe.parse(body, vvix, now=NOW)) == [("2026-01-30", 97.1)]
    for bad in (b"DATE,SKEW\n01/30/2026,1\n", b"DATE,VVIX\n01/30/2026\n"):
        with pytest.raises(PriceDataError):
            cboe.parse(bad, vvix, now=NOW)


def test_nyfed_answers_newest_first():
    sofr = Asset(id="SOFR", name="", asset_class="funding", unit="yield_pct", source="nyfed:sofr")
    rates = [
        {"effectiveDate": day, "type": "SOFR", "percentRate": rate}
        for day, rate in (("2026-01-30", 3.68), ("2026-01-29", 3.66), ("2026-01-28", 3.65))
    ]
    reading = nyfed.parse(json.dumps({"refRates": rates}).encode(), sofr, now=NOW)
    assert closes(reading)[-1] == ("2026-01-30", 3.68)
    assert reading.bars[-1].known_at == utc("2026-02-02T13:00")
    assert reading.remarks == ()
    url = nyfed.request("sofr", date(2026, 1, 1), date(2026, 2, 3))
    assert url.endswith("startDate=2026-01-01&endDate=2026-02-03")
    for bad in (b"{}", b"[]", b'{"refRates": 1}', b"<html>"):
        with pytest.raises(PriceDataError):
            nyfed.parse(bad, sofr, now=NOW)


def chart(stamps, prices, zone="America/New_York"):
    quote = {"quote": [{"close": prices}]}
    result = {"meta": {"exchangeTimezoneName": zone}, "timestamp": stamps, "indicators": quote}
    return json.dumps({"chart": {"result": [result], "error": None}}).encode()


def stamp(text: str) -> int:
    return int(utc(text).timestamp())


def test_yahoo():
    stamps = [stamp("2026-01-29T14:30"), stamp("2026-01-30T14:30"), stamp("2026-02-02T14:30")]
    body = chart(stamps, [694.0399780273438, None, 695.41])
    assert closes(yahoo.parse(body, SPY, now=NOW)) == [
        ("2026-01-29", 694.04),
        ("2026-02-02", 695.41),
    ]
    # While an exchange is open its day comes twice, the last trade after the day's row.
    stamps = [stamp("2026-02-03T14:30"), stamp("2026-02-03T20:59")]
    assert closes(yahoo.parse(chart(stamps, [690.0, 689.53]), SPY, now=NOW)) == [
        ("2026-02-03", 689.53)
    ]
    url = yahoo.request("^GSPC", date(2026, 1, 1), date(2026, 2, 3))
    assert "/chart/%5EGSPC?period1=1767225600&period2=1770163200" in url


def test_yahoo_dates_a_value_by_the_day_of_its_exchange():
    # Midnight in London, which is the evening before in New York and, in summer, in UTC.
    eur = Asset(id="EURUSD", name="", asset_class="fx", calendar="24/5", source="yahoo:EURUSD=X")
    body = chart([stamp("2025-07-14T23:00")], [1.16], "Europe/London")
    assert closes(yahoo.parse(body, eur, now=NOW)) == [("2025-07-15", 1.16)]


@pytest.mark.parametrize(
    "body",
    [
        b"Too Many Requests",
        b"[]",
        b'{"chart": null}',
        b'{"chart": {"result": null, "error": {"code": "x", "description": "No data found"}}}',
        b'{"chart": {"result": [{"meta": {}}]}}',
        chart([1], [1.0, 2.0]),
        chart([stamp("2026-01-29T14:30")], [1.0], "Mars/Olympus"),
        chart([stamp("2026-01-29T14:30")], [1.0], "America"),  # a folder of zones
        chart([stamp("2026-01-29T14:30")], [1.0], "x" * 5000),
        chart([stamp("2026-01-29T14:30")], [10**400]),
        chart(["soon"], [1.0]),
        chart([10**400], [1.0]),
    ],
)
def test_yahoo_that_says_no(body):
    with pytest.raises(PriceDataError, match=r"Yahoo SPY|time stamp|finite"):
        yahoo.parse(body, SPY, now=NOW)


# -- candles ------------------------------------------------------------------------


def hours(first: str, last: str, price=lambda start: start.timestamp() / 1e4, without=()):
    """Return candles of every hour that starts between two instants, both included."""
    start, found = utc(first), []
    while start <= utc(last):
        if start not in {utc(text) for text in without}:
            found.append(Candle(start=start, close=price(start)))
        start += timedelta(hours=1)
    return found


def test_a_coin_is_sampled_at_the_new_york_close_each_day_of_the_week():
    # Friday to Monday over the change to summer time: 21:00 UTC before it, 20:00 after.
    now = utc("2026-03-09T23:00")
    reading = daily_bars(BTC, hours("2026-03-06T00:00", "2026-03-09T22:00"), now=now)
    assert [(str(bar.date), bar.as_of) for bar in reading.bars] == [
        ("2026-03-06", utc("2026-03-06T21:00")),
        ("2026-03-07", utc("2026-03-07T21:00")),
        ("2026-03-08", utc("2026-03-08T20:00")),
        ("2026-03-09", utc("2026-03-09T20:00")),
    ]
    for bar in reading.bars:
        assert bar.known_at == bar.as_of
        # The candle that *ends* then, not the one that begins.
        assert bar.close == (bar.as_of - timedelta(hours=1)).timestamp() / 1e4
    assert reading.remarks == ()


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2026-01-30T20:59", "2026-01-29"),
        ("2026-01-30T21:00", "2026-01-30"),
        ("2026-01-31T20:00", "2026-01-30"),
    ],
)
def test_a_candle_that_is_still_open_is_no_close(now, last):
    candles = hours("2026-01-28T00:00", "2026-02-02T00:00")
    assert str(daily_bars(BTC, candles, now=utc(now)).bars[-1].date) == last


def test_an_hour_that_is_missing():
    # Of the 29th the last hour before the close is missing, of the 30th two.
    gaps = ("2026-01-29T20:00", "2026-01-30T19:00", "2026-01-30T20:00")
    candles = hours("2026-01-28T00:00", "2026-01-31T22:00", without=gaps)
    reading = daily_bars(BTC, candles, now=NOW)
    assert [(str(bar.date), bar.as_of) for bar in reading.bars] == [
        ("2026-01-28", utc("2026-01-28T21:00")),
        ("2026-01-29", utc("2026-01-29T20:00")),
        ("2026-01-31", utc("2026-01-31T21:00")),
    ]
    assert [remark.partition(":")[0] for remark in reading.remarks] == ["2026-01-29", "2026-01-30"]


def test_the_hour_of_the_close_may_come_late():
    candles = hours("2026-01-29T00:00", "2026-01-30T19:00")
    reading = daily_bars(BTC, candles, now=utc("2026-01-30T21:00"))
    assert [str(bar.date) for bar in reading.bars] == ["2026-01-29"]
    assert reading.remarks == ()


def test_candles_that_contradict_each_other_are_refused():
    start = utc("2026-01-30T20:00")
    twice = [Candle(start=start, close=1.0), Candle(start=start, close=2.0)]
    with pytest.raises(PriceDataError, match="twice"):
        daily_bars(BTC, twice, now=NOW)
    with pytest.raises(PriceDataError, match="impossible"):
        daily_bars(BTC, [Candle(start=start, close=0.0)], now=NOW)
    assert daily_bars(BTC, twice[:1] * 2, now=NOW).bars[0].close == 1.0


def test_the_close_knows_both_clocks():
    assert close_of(date(2026, 1, 30)) == utc("2026-01-30T21:00")
    assert close_of(date(2026, 7, 30)) == utc("2026-07-30T20:00")


def test_the_two_exchanges_count_time_in_other_units_and_orders():
    first, second = utc("2026-01-30T19:00"), utc("2026-01-30T20:00")
    rows = [[at.timestamp() * 1000, "1", "2", "0.5", "84128.6", "9"] for at in (first, second)]
    expected = [Candle(start=first, close=84128.6), Candle(start=second, close=84128.6)]
    assert binance.parse(json.dumps(rows).encode(), BTC) == expected
    rows = [[at.timestamp(), 0.5, 2, 1, 84128.6, 9] for at in (second, first)]
    assert coinbase.parse(json.dumps(rows).encode(), BTC) == expected[::-1]
    assert "interval=1h&startTime=1769803200000&limit=1000" in binance.request("BTCUSDT", second)
    # Both ends count: 300 candles, not 301.
    assert coinbase.request("BTC-USD", second).endswith(
        "granularity=3600&start=2026-01-30T20:00:00Z&end=2026-02-12T07:00:00Z"
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"msg": "restricted location"}',
        b"[[1]]",
        b'[["x",1,2,3,4]]',
        b"[{}]",
        b"[[true,1,2,3,4]]",
        b"[[1769803200000000,1,2,3,4]]",  # microseconds, as in the bulk files
        b"[[1769803260,1,2,3,4]]",  # minutes
        b"[[1769803200,1,2,3,1e400]]",
        b"[" * 100_000,
    ],
)
def test_an_exchange_that_says_no(body):
    for module in (binance, coinbase):
        with pytest.raises(PriceDataError):
            module.parse(body, BTC)


def test_an_imported_coin_still_ends_at_midnight():
    # An archive of daily bars says nothing of the New York close, whatever the settings name.
    from crawler.prices.publication import publication

    assert publication(BTC, date(2026, 1, 30))[0] == utc("2026-01-31T00:00")
    assert publication(guess_asset("BTC"), date(2026, 1, 30))[0] == utc("2026-01-31T00:00")
