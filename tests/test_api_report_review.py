"""Conditions of earlier answers, judged by what was public when the week ended."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from api.report import build_report, check, phrases
from api.report.material import select
from api.report.review import conditions_of, scored
from store import Store
from store.records import Falsifier, PriceBar
from tests.sample_store import populated_store

NOW = datetime(2026, 2, 1, tzinfo=UTC)
EARLIER = date(2026, 1, 22)
ON = {"after": EARLIER, "by": date(2026, 1, 29)}
ABOVE = Falsifier(condition="as stored", series="SLV", statistic="any close", operator=">",
                  value=100.0, **ON)  # fmt: skip
MEAN = Falsifier(condition="as stored", series="intensity:tariffs", statistic="mean", operator="<=",
                 value=0.5, **ON)  # fmt: skip
OLD = Falsifier(condition="silver closes above 99", series="SLV", by=date(2026, 1, 29))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    found = tmp_path_factory.mktemp("review") / "sample.db"
    populated_store(found)
    return found


@pytest.fixture
def store(path, tmp_path):
    copy = tmp_path / "mine.db"
    copy.write_bytes(path.read_bytes())
    with Store.open(copy) as opened:
        yield opened


def answered(store, falsifiers, day=EARLIER):
    """Store an answer for a day of the week before, with these conditions."""
    shown = store.results.explanation(date(2026, 1, 30))
    answer = replace(
        shown, date=day, window_start=day, window_end=day, falsifiers=falsifiers, suspects=(),
        analogs=(), premise="Silver ETF fell 28.5 % (-11.7 sigma).",
    )  # fmt: skip
    run = store.runs.begin("align", now=NOW)
    store.results.save_explanations([answer], days=1, run_id=run.id)
    run.finish(now=NOW)


def close(store, day, value, *, known_at=None, asset="SLV"):
    at = datetime.combine(day, time(21), UTC)
    bar = PriceBar(asset_id=asset, date=day, close=value, as_of=at,
                   known_at=known_at or at + timedelta(minutes=15))  # fmt: skip
    run = store.runs.begin("prices", now=NOW)
    store.prices.add([bar], run.id)
    run.finish(now=NOW)


def review(store, falsifiers, week="2026-W05"):
    answered(store, falsifiers)
    report = build_report(store, week, now=NOW)
    check(report, store, now=NOW)
    return report


def flat(store, value=50.0):
    for day in (23, 26, 27, 28, 29, 30):
        at = datetime(2026, 1, day, 22, tzinfo=UTC)
        close(store, date(2026, 1, day), value, known_at=at)


def test_a_close_that_meets_the_condition_overturns_the_answer(store):
    flat(store)
    close(store, date(2026, 1, 27), 101.5, known_at=datetime(2026, 1, 27, 23, tzinfo=UTC))
    report = review(store, [ABOVE])
    (one,) = report.review.last
    assert (one.score, one.seen, one.seen_on) == ("hit", 101.5, date(2026, 1, 27))
    assert str(one.condition.words) == "Silver ETF closes above 100.00"
    assert phrases.seen(one) == "101.50 on 27 Jan"
    assert phrases.outcome(one) == "came true: overturned"
    said = next(words for words in report.summary if "Last week" in words)
    assert said == (
        "Last week’s report, on the move of 22 Jan 2026, set 1 condition that would overturn its"
        " answer: 1 came true (that answer does not stand)."
    )


def test_a_condition_that_did_not_come_true_says_how_near_it_came(store):
    flat(store)
    close(store, date(2026, 1, 28), 88.0, known_at=datetime(2026, 1, 28, 23, tzinfo=UTC))
    (one,) = review(store, [ABOVE]).review.last
    assert (one.score, one.seen, one.seen_on) == ("miss", 88.0, date(2026, 1, 28))
    assert phrases.seen(one) == "highest close 88.00 on 28 Jan"


@pytest.mark.parametrize(
    ("day", "known_at"),
    [
        (date(2026, 1, 29), datetime(2026, 2, 2, 12, tzinfo=UTC)),
        (date(2026, 1, 22), None),
        (date(2026, 1, 30), None),
    ],
    ids=["public next week", "the day itself", "after its date"],
)
def test_nothing_later_and_nothing_earlier_counts(store, day, known_at):
    flat(store)
    close(store, day, 130.0, known_at=known_at or datetime(2026, 1, 30, 23, tzinfo=UTC))
    (one,) = review(store, [ABOVE]).review.last
    assert one.score == "miss"
    assert one.seen == 50.0


def test_a_mean_is_over_the_sessions_in_between(store):
    (one,) = review(store, [MEAN]).review.last
    days = [date(2026, 1, day).isoformat() for day in (23, 26, 27, 28, 29)]
    shares = store.frames.intensity().query("narrative_id == 'tariffs'").set_index("day")["share"]
    assert one.seen == pytest.approx(shares[days].mean())
    assert one.score == "hit"
    assert phrases.seen(one).endswith("over 5 sessions")


def test_a_condition_whose_last_close_is_not_public_is_not_judged(store):
    store.db.execute("DELETE FROM prices WHERE asset_id = 'SLV' AND date >= '2026-01-30'")
    store.db.conn.commit()
    late = replace(ABOVE, by=date(2026, 1, 30))
    (one,) = review(store, [late]).review.last
    assert one.score == "open"
    assert phrases.outcome(one) == "cannot be judged yet"


def test_a_condition_that_is_not_due_stays_open(store):
    (one,) = review(store, [replace(ABOVE, by=date(2026, 2, 3))]).review.last
    assert one.score == "open"


def test_a_series_without_values_says_so(store):
    store.db.execute("DELETE FROM prices WHERE asset_id = 'SLV'")
    store.db.conn.commit()
    (one,) = review(store, [ABOVE]).review.last
    assert (one.score, one.seen) == (None, None)
    assert phrases.seen(one) == "no value"
    assert phrases.outcome(one) == "no data"


def test_a_condition_without_numbers_is_told_as_it_was_stored(store):
    report = review(store, [OLD])
    (one,) = report.review.last
    assert str(one.condition.words) == "Silver closes above 99"
    assert one.score is None


def test_older_conditions_that_fall_due_this_week_are_listed(store):
    answered(store, [replace(ABOVE, after=date(2026, 1, 15))], day=date(2026, 1, 15))
    flat(store)
    report = build_report(store, "2026-W05", now=NOW)
    assert report.review.last == []
    assert [one.condition.day for one in report.review.older] == [date(2026, 1, 15)]
    before = build_report(store, "2026-W04", now=NOW)
    assert [one.condition.day for one in before.review.last] == [date(2026, 1, 15)]


def test_a_week_without_an_answer_before_it_has_nothing_to_review(store):
    report = build_report(store, "2026-W05", now=NOW)
    assert report.review.last == []
    assert not [words for words in report.summary if "Last week" in words]


def test_prices_of_later_weeks_change_no_score(store):
    flat(store)
    before = review(store, [ABOVE, MEAN]).review
    close(store, date(2026, 2, 2), 500.0)
    assert build_report(store, "2026-W05", now=NOW).review == before


def test_conditions_are_worded_from_their_numbers(store):
    answered(store, [replace(ABOVE, operator="<=", value=1234.5), MEAN])
    material = select(store, "2026-W05", now=NOW)
    first, second = conditions_of(store.results.explanation(EARLIER), material)
    assert str(first.words) == "Silver ETF closes at or below 1,234.50"
    assert str(second.words) == (
        "On average no more than 50.0 % of the stories carry “Tariffs and trade war”"
    )
    assert scored(first, material).score == "hit"
