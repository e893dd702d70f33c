"""What is flagged beside a fetched series, and that it is said once."""

from datetime import UTC, date, datetime, timedelta

import pytest

from crawler.prices.checks import compare, flags, stale_since
from crawler.prices.guess import guess_asset
from crawler.prices.values import checked_bar
from crawler.run import fetch_prices
from crawler.settings import CrawlSettings
from store import Store
from store.records import Asset

NOW = datetime(2026, 2, 3, 22, 30, tzinfo=UTC)
SPY = guess_asset("SPY")


def bars(asset, prices, *, last=date(2026, 2, 3)):
    """Return bars of consecutive weekdays that end on a day."""
    days: list[date] = []
    day = last
    while len(days) < len(prices):
        if day.weekday() < 5:
            days.append(day)
        day -= timedelta(days=1)
    return [checked_bar(asset, day, price) for day, price in zip(days[::-1], prices, strict=True)]


def stored(found):
    return {bar.date: bar for bar in found}


def kinds(asset, found, before, now=NOW):
    return [row.kind for row in flags(asset, found, before, now=now)]


def test_an_answer_as_expected_is_not_flagged():
    known = bars(SPY, [100.0] * 39, last=date(2026, 2, 2))
    assert kinds(SPY, [*known, *bars(SPY, [139.0])], stored(known)) == []
    assert kinds(SPY, [], stored(known)) == []
    assert kinds(SPY, bars(SPY, [100.0] * 40), {}) == []


@pytest.mark.parametrize(("changed", "rewritten"), [(2, False), (3, True), (40, True)])
def test_more_than_a_twentieth_of_the_known_values_changed(changed, rewritten):
    known = bars(SPY, [100.0] * 40)
    found = bars(SPY, [101.0] * changed + [100.0] * (40 - changed))
    assert compare(found, stored(known)).rewritten is rewritten
    assert kinds(SPY, found, stored(known)) == (["revised"] if rewritten else [])


def test_known_values_that_do_not_come_again():
    known = bars(SPY, [100.0] * 40)
    assert kinds(SPY, known[:-3], stored(known)) == ["missing"]
    assert kinds(SPY, [*known[:10], *known[12:]], stored(known)) == []
    # An answer that begins later than the store is what was asked for.
    assert compare(known[30:], stored(known)).known == 10


def test_the_last_months_of_a_statistic_are_revised_every_month():
    payrolls = guess_asset("PAYEMS")
    known = bars(payrolls, [1.0] * 12)
    assert kinds(payrolls, bars(payrolls, [2.0] * 12), stored(known)) == []


@pytest.mark.parametrize(
    ("asset", "prices", "said"),
    [
        ("SPY", [100.0, 141.0], "2026-02-03 (+41%)"),
        ("SPY", [100.0, 59.0], "2026-02-03 (-41%)"),
        ("SPY", [100.0, 140.0], None),
        ("BTC", [100.0, 50.0], "2026-02-03 (-50%)"),
        ("USO", [20.0, -37.0], "2026-02-03 (-285%)"),
        ("USO", [-37.0, 10.0], None),
        ("VIX", [17.0, 38.0], None),
        ("DGS10", [0.2, 0.5], None),
    ],
)
def test_a_move_that_large_is_flagged(asset, prices, said):
    asset = guess_asset(asset)
    first, second = bars(asset, prices)
    found = flags(asset, [first, second], stored([first]), now=NOW)
    assert [row.kind for row in found] == (["jump"] if said else [])
    assert not said or said in found[0].message
    # Once it is stored, it was flagged.
    assert kinds(asset, [first, second], stored([first, second])) == []


@pytest.mark.parametrize(
    ("asset", "last", "step", "fresh_until", "stale_from"),
    [
        # Five sessions after the close that was missed, over a weekend.
        ("SPY", "2026-01-15", 1, "2026-01-26", "2026-01-27"),
        ("BTC", "2026-01-15", 1, "2026-01-26", "2026-01-27"),
        # Wednesday's balance sheet, due again on Thursday the 22nd.
        ("WALCL", "2026-01-14", 7, "2026-01-29", "2026-01-30"),
        # January's prices come in the middle of February.
        ("CPIAUCSL", "2025-12-01", 31, "2026-02-24", "2026-02-25"),
    ],
)
def test_a_series_is_stale_by_its_own_pace(asset, last, step, fresh_until, stale_from):
    asset, end = guess_asset(asset), date.fromisoformat(last)
    days = [end - timedelta(days=step * number) for number in range(8)]
    until, since = (
        datetime.fromisoformat(text).replace(hour=22, tzinfo=UTC)
        for text in (fresh_until, stale_from)
    )
    assert stale_since(asset, days, until) is None
    assert stale_since(asset, days, since) == end
    assert stale_since(asset, days[:4], since) is None


def test_a_flag_is_written_once_and_leaves_the_exit_code_alone(tmp_path):
    asset = Asset(id="SPY", name="", asset_class="equity", source="csv:closes.csv")
    lines = [f"SPY,{bar.date},{bar.close}" for bar in bars(asset, [100.0] * 8 + [30.0])]
    (tmp_path / "closes.csv").write_text("\n".join(["asset,date,close", *lines]))
    with Store.open(tmp_path / "t.db", create=True) as store:
        for days in (0, 20, 21):
            report = fetch_prices(
                store,
                [asset],
                now=NOW + timedelta(days=days),
                settings=CrawlSettings(),
                base_dir=tmp_path,
            )
            assert report.failures == 0
        found = store.db.execute("SELECT item, kind, failed_at FROM failures ORDER BY failed_at")
        assert [tuple(row) for row in found] == [
            ("SPY", "jump", "2026-02-03T22:30:00Z"),
            ("SPY", "stale", "2026-02-23T22:30:00Z"),
        ]
        codes = store.db.execute("SELECT code FROM runs").fetchall()
        assert codes == [(0,), (0,)]


def test_values_that_stay_away_are_told_once_though_their_number_moves(tmp_path):
    asset = Asset(id="SPY", name="", asset_class="equity", source="csv:closes.csv")
    known = bars(SPY, [100.0] * 40)
    with Store.open(tmp_path / "t.db", create=True) as store:
        # Four of the stored values do not come on the second night, six on the third.
        for night, gone in enumerate((0, 4, 6)):
            lines = [f"SPY,{bar.date},{bar.close}" for bar in known[: 20 - gone] + known[20:]]
            (tmp_path / "closes.csv").write_text("\n".join(["asset,date,close", *lines]))
            fetch_prices(
                store,
                [asset],
                now=NOW + timedelta(days=night),
                settings=CrawlSettings(),
                base_dir=tmp_path,
            )
        found = store.db.execute("SELECT kind, message, advice FROM failures").fetchall()
    ((kind, message, advice),) = found
    assert (kind, message) == (
        "missing",
        "csv:closes.csv: more than 5% of the known values did not come again",
    )
    assert advice.startswith("4 of 40 were gone when")


def test_a_series_is_read_once_a_night(tmp_path):
    asset = Asset(id="SPY", name="", asset_class="equity", source="csv:closes.csv")
    known = bars(SPY, [100.0] * 40)
    read: list[str] = []
    with Store.open(tmp_path / "t.db", create=True) as store:
        for night, changed in enumerate((None, None, 101.0)):
            last = f"SPY,{known[-1].date},{changed}" if changed else ""
            lines = [f"SPY,{bar.date},{bar.close}" for bar in known[:-1]]
            (tmp_path / "closes.csv").write_text("\n".join(["asset,date,close", *lines, last]))
            read.clear()
            store.db.conn.set_trace_callback(read.append)
            fetch_prices(
                store,
                [asset],
                now=NOW + timedelta(days=night),
                settings=CrawlSettings(),
                base_dir=tmp_path,
            )
            store.db.conn.set_trace_callback(None)
            found = [line for line in read if line.startswith("SELECT") and "FROM prices" in line]
            # What is stored beside a new value is looked up for its date alone.
            by_date = [line for line in found if "date BETWEEN" in line]
            assert (len(found) - len(by_date), len(by_date)) == (1, night != 1)
