"""One module turns instants into sessions, and it errs on the late side alone."""

import ast
import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from align import catalogue
from align.errors import SessionError
from align.hard_data import hard_percentiles
from align.inputs import build, world_of
from align.sessions import load_calendar
from crawler.archives.readers import Row
from crawler.archives.rows import document_of, stored_document
from crawler.dates import effective, parse_date
from store import Store
from store.instants import to_text
from store.pages import Pages
from store.records import Asset, PriceBar
from tests import align_world

ROOT = Path(__file__).parent.parent
CALENDAR = load_calendar("XNYS", date(2024, 12, 2), date(2027, 1, 15))
INSTANTS = "(effective_at|published_at|first_seen_at|fetched_at|known_at|as_of)"
# A day cut out of an instant, which is a UTC day and no session.
SQL_DAY = re.compile(rf"(substr|date|strftime)\s*\(\s*(\w+\.)?{INSTANTS}\b", re.IGNORECASE)
# Where something of the kind stands, and why no count rests on it.
ALLOWED = {
    ("align/stamps.py", "tz_convert"): "summer or winter of a stamp, no session",
    ("align/stamps.py", "floor"): "is a stamp midnight? No session",
    ("align/stamps.py", "tz_localize"): "summer or winter of a stamp, no session",
    ("align/standing.py", "searchsorted"): "places of stored dates",
    ("align/leaks.py", "searchsorted"): "bins of moves",
    ("align/bursts.py", "searchsorted"): "places of numbered cells",
    ("align/paired.py", "searchsorted"): "places of session dates",
    ("align/plumbing.py", "searchsorted"): "places of session dates",
    ("align/claim_tape.py", "searchsorted"): "places of stored dates",
    ("align/hours.py", "ZoneInfo"): "half past nine of a session, for a limit that is printed",
    ("align/run.py", "ZoneInfo"): "midnight after a day, by which its prices were known",
    ("store/pages.py", "ZoneInfo"): "which stories a page lists where no close is stored",
    ("store/tidy.py", "ZoneInfo"): "which sessions were over at an instant, for a reader",
    ("store/page_search.py", "normalize"): "the words of a query, no instant",
    ("store/topics.py", "SQL day"): "dates in UTC on which stories were told, no session",
    (
        "store/migrations/topics.py",
        "SQL day",
    ): "labels before the day on which a narrative was found",
    ("store/weeks.py", "SQL day"): "days of a database that has neither intensity nor prices",
    ("api/alerts/settings.py", "ZoneInfo"): "local hours in which nothing is sent, no session",
    ("align/inputs.py", "date"): "how much of a calendar to load",
}
CONVERTING = {"tz_convert", "tz_localize", "floor", "normalize", "searchsorted", "ZoneInfo", "date"}


def _conversions(path: Path) -> set[str]:
    """Return by which names a module could turn instants into days."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name == "date" and not _of_an_instant(node):
                continue
            if name in ("floor", "normalize") and path.parts[-2] not in ("align", "store"):
                continue  # of numbers and text
            if name in CONVERTING:
                found.add(name)
        if isinstance(node, ast.ImportFrom | ast.Import):
            names = {alias.name for alias in node.names} | {getattr(node, "module", "")}
            if any(str(name).startswith("exchange_calendars") for name in names):
                found.add("exchange_calendars")
        if isinstance(node, ast.Constant) and SQL_DAY.search(str(node.value)):
            found.add("SQL day")
    return found


def _of_an_instant(call: ast.Call) -> bool:
    """Return whether ``x.date()`` is taken of a frame's column of instants."""
    text = ast.unparse(call)
    return bool(re.search(rf"{INSTANTS}\W|\[name\]", text)) and text.endswith(".date()")


def test_only_one_module_converts():
    found = {
        (str(path.relative_to(ROOT)), name)
        for folder in ("align", "store", "api")
        for path in (ROOT / folder).rglob("*.py")
        for name in _conversions(path)
        if path != ROOT / "align" / "sessions.py"
    }
    assert found == set(ALLOWED)
    assert _conversions(ROOT / "align" / "sessions.py") >= {"searchsorted", "exchange_calendars"}


def test_every_close_of_two_years_is_the_edge():
    """Half days and both changes of the clocks are among them."""
    closes = pd.DatetimeIndex(CALENDAR.closes[5:-5], tz="UTC")
    places = np.arange(5, len(CALENDAR.closes) - 5)
    second = pd.Timedelta(seconds=1)
    np.testing.assert_array_equal(CALENDAR.positions(closes - second), places)
    np.testing.assert_array_equal(CALENDAR.positions(closes), places + 1)
    hours = closes.tz_convert("America/New_York").hour
    assert sorted(set(hours)) == [13, 16]
    assert (hours == 13).sum() >= 4
    assert set(closes.hour) == {17, 18, 20, 21}, "half day in July, in winter; summer; winter"


def test_pages_list_stories_by_the_same_closes(tmp_path):
    """Half days too, whatever hour an older import stamped their prices with."""
    days = [day.item() for day in CALENDAR.dates]
    half = date(2025, 11, 28)
    with Store.open(tmp_path / "t.db", create=True) as store, store.transaction():
        pages = Pages(store.db)
        assert [pages.close_of(str(day)) for day in days] == [
            to_text(CALENDAR.close(place)) for place in range(len(days))
        ]
        store.assets.sync([Asset(id="SPY", name="SPY", asset_class="equity")])
        run = store.runs.begin("prices", now=datetime(2025, 12, 1, tzinfo=UTC))
        four = datetime(2025, 11, 28, 21, tzinfo=UTC)
        bar = PriceBar(asset_id="SPY", date=half, close=1.0, as_of=four, known_at=four)
        store.prices.add([bar], run.id)
        run.finish(now=four)
        assert pages.window([str(half)])[1] == "2025-11-28T18:00:00Z"


@pytest.mark.parametrize(
    ("instant", "session"),
    [
        # The week in which only New York has changed its clocks.
        ("2026-03-10T20:00:00", "2026-03-11"),
        ("2026-03-10T19:59:59", "2026-03-10"),
        ("2026-10-30T20:00:00", "2026-11-02"),
        ("2026-11-02T20:00:00", "2026-11-02"),
        # 13:00 in New York on the day after Thanksgiving, and on Christmas Eve.
        ("2025-11-28T17:59:59", "2025-11-28"),
        ("2025-11-28T18:00:00", "2025-12-01"),
        ("2026-12-24T18:00:00", "2026-12-28"),
    ],
)
def test_changes_of_the_clocks_and_half_days(instant, session):
    found = CALENDAR.assign(pd.DatetimeIndex([instant], tz="UTC"))
    assert found.tolist() == [date.fromisoformat(session)]


@pytest.mark.parametrize(
    "zone",
    ["Pacific/Honolulu", "America/New_York", "Europe/London", "Asia/Tokyo", "Pacific/Auckland"],
)
def test_a_bare_date_is_never_counted_before_its_day_ends_where_it_was_printed(zone):
    """Read as the end of the UTC day; no zone's own end of day falls into a later session."""
    for step in range(365 * 2):
        day = date(2025, 1, 2) + timedelta(days=step)
        read = parse_date(day.isoformat(), end_of_day=True)
        ends = datetime.combine(day, time(23, 59, 59), ZoneInfo(zone)).astimezone(UTC)
        ours, theirs = CALENDAR.positions([read, ends])
        assert ours >= theirs
    assert read == datetime(2027, 1, 1, 23, 59, 59, tzinfo=UTC)


def test_a_bare_date_of_a_feed_counts_from_its_first_sight():
    seen = datetime(2026, 1, 30, 22, 30, tzinfo=UTC)
    assert effective(parse_date("2026-01-30"), seen)[0] == seen


def test_an_archive_with_bare_dates_counts_from_the_next_session():
    row = {"title": "Gold falls", "url": "https://example.org/a", "published_at": "2026-01-30"}
    now = datetime(2026, 2, 9, tzinfo=UTC)
    row["source"] = "archive"
    document = stored_document(document_of(Row("archive.csv:1", row), now), "archive", now)
    assert document.effective_at == datetime(2026, 1, 30, 23, 59, 59, tzinfo=UTC)
    assert CALENDAR.assign([document.effective_at]).tolist() == [date(2026, 2, 2)]


def test_sofr_of_a_day_is_no_evidence_before_it_is_published():
    """As known at the close of T, the last value is that of the session before."""
    inputs = align_world.inputs(align_world.prices(sessions=330), align_world.talk(sessions=30))
    built = build(inputs)
    market = built.market
    weights = world_of(built, inputs).weights
    assert market is not None
    row = market.row(align_world.CRASH)
    stamps = market.known_at["SOFR_IORB"].iloc[row]
    assert (
        stamps == pd.Timestamp("2026-01-31T13:00:00Z") > market.calendar.close(market.offset + row)
    )
    named = {
        name: rule["series"] for name, rule in weights["hard"]["series"].items()
        if rule["series"] == "SOFR_IORB"
    }  # fmt: skip
    before = hard_percentiles(market, row, 1, list(named), weights)
    market.closes.loc[market.closes.index[row], "SOFR_IORB"] = 999.0
    assert named
    assert hard_percentiles(market, row, 1, list(named), weights) == before


@pytest.mark.parametrize(
    ("days", "level", "change"),
    [(0, True, True), (1, True, False), (12, True, False), (20, False, False)],
)
def test_a_series_that_has_ended_is_no_evidence_of_later_days(days, level, change):
    table = align_world.prices(sessions=330)
    ended = table["asset_id"].isin(["SOFR", "IORB", "SOFR_IORB", "UUP"]) & (
        table["date"] > pd.Timestamp(align_world.CRASH) - pd.Timedelta(days=days)
    )
    inputs = align_world.inputs(table[~ended] if days else table, align_world.talk(sessions=30))
    market = build(inputs).market
    assert market is not None
    row = market.row(align_world.CRASH)
    named = ["qt-liquidity", "dollar-policy"]
    found = hard_percentiles(market, row, 1, named, catalogue.weights())
    assert ("qt-liquidity" in found, "dollar-policy" in found) == (level, change)


def test_the_end_of_the_calendar_is_an_error():
    short = load_calendar("XNYS", date(2026, 1, 2), date(2026, 1, 30))
    last = datetime(2026, 1, 30, 20, 59, 59, tzinfo=UTC)
    assert short.assign([last]).tolist() == [date(2026, 1, 30)]
    with pytest.raises(SessionError, match="load the calendar to a later date"):
        short.assign([last + timedelta(seconds=1)])
