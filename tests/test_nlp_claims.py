"""Statements about prices in made-up texts: what is found, what is not, word for word."""

import time
from datetime import date

import pytest

from nlp.claims import MAX_CLAIMS, find_claims
from nlp.claims_numbers import chinese_number, numbers
from store.records import ClaimDate, ClaimSpan


def one(text):
    found = find_claims(text)
    assert len(found) == 1, found
    return found[0]


def names(claim):
    return [subject.name for subject in claim.subjects]


@pytest.mark.parametrize(
    ("text", "name", "direction", "value", "unit", "comparator"),
    [
        ("Gold fell more than 3 % in two days.", "gold", "down", 0.03, "return", "over"),
        ("Bitcoin plummeted over 50% within 24 hours.", "bitcoin", "down", 0.5, "return", "over"),
        ("Silver is down 3.5 per cent.", "silver", "down", 0.035, "return", "about"),
        ("A 4% drop in copper surprised them.", "copper", "down", 0.04, "return", "about"),
        ("The 10-year yield rose 5 basis points.", "the 10-year yield", "up", 5, "bp", "about"),
        ("The Dow dropped 300 points.", "the Dow", "down", 300, "points", "about"),
        ("Bitcoin has doubled this year.", "bitcoin", "up", 1.0, "return", "about"),
        ("Nvidia shares sank 5%.", "Nvidia", "down", 0.05, "return", "about"),
        ("黄金下跌超过50％。", "gold", "down", 0.5, "return", "over"),
        ("比特币24小时内腰斩。", "bitcoin", "down", 0.5, "return", "about"),
        ("比特币半年内上涨三成。", "bitcoin", "up", 0.3, "return", "about"),
        ("白银跌近百分之十五。", "silver", "down", 0.15, "return", "about"),
        ("标普500指数上涨1.2%。", "the S&P 500", "up", 0.012, "return", "about"),
    ],
)
def test_a_change_with_its_number(text, name, direction, value, unit, comparator):
    claim = one(text)
    assert (claim.kind, names(claim), claim.direction) == ("change", [name], direction)
    assert claim.value == pytest.approx(value)
    assert (claim.unit, claim.comparator, claim.unclear) == (unit, comparator, None)


@pytest.mark.parametrize(
    ("text", "name", "direction", "years"),
    [
        ("The dollar index fell, hitting a nearly two-year low.", "the dollar index", "low", 2),
        ("The dollar closed at the lowest in four years.", "the dollar index", "low", 4),
        ("美元指数跌至两年来最低。", "the dollar index", "low", 2),
        ("美元指数创近两年新低。", "the dollar index", "low", 2),
        ("金价创半年新高。", "gold", "high", 0.5),
        ("铜价创三个月新低。", "copper", "low", 0.25),
    ],
)  # fmt: skip
def test_an_extreme_with_its_span(text, name, direction, years):
    claim = next(claim for claim in find_claims(text) if claim.kind == "extreme")
    assert (names(claim), claim.direction) == ([name], direction)
    assert claim.span is not None
    months = {"years": 12, "months": 1}[claim.span.unit] * claim.span.amount
    assert months == pytest.approx(12 * years)


@pytest.mark.parametrize(
    "text",
    ["Gold and silver had reached record highs.", "黄金和白银在暴跌前刚刚创下历史新高。"],
)
def test_a_record_of_two(text):
    assert [(claim.kind, names(claim)[0], claim.direction) for claim in find_claims(text)] == [
        ("extreme", "gold", "high"),
        ("extreme", "silver", "high"),
    ]


def test_since_is_a_date_of_its_own():
    claim = one("Oil closed at the lowest since March 2021.")
    assert claim.since == ClaimDate(day=date(2021, 3, 1), precision="month")
    assert claim.date is None
    claim = find_claims("金价创2022年2月以来新低。")[-1]
    assert claim.since == ClaimDate(day=date(2022, 2, 1), precision="month")


@pytest.mark.parametrize(
    ("text", "name", "direction", "value", "comparator"),
    [
        ("Bank reserves remain low.", "bank reserves", "low", None, "about"),
        ("银行准备金仍处低位。", "bank reserves", "low", None, "about"),
        ("The 10-year yield stands at 4.2%.", "the 10-year yield", None, 4.2, "about"),
        ("十年期美债收益率升至4.2%。", "the 10-year yield", None, 4.2, "about"),
        ("Gold topped $5,000.", "gold", None, 5000, "over"),
        ("Bitcoin falls below $90,000.", "bitcoin", None, 90000, "under"),
        ("比特币跌破9万美元。", "bitcoin", None, 90000, "under"),
        ("Bank reserves stood at $2.9 trillion.", "bank reserves", None, 2.9e12, "about"),
    ],
)
def test_a_level(text, name, direction, value, comparator):
    claim = one(text)
    assert (claim.kind, names(claim), claim.direction) == ("level", [name], direction)
    assert claim.value == (pytest.approx(value) if value else None)
    assert claim.comparator == comparator


def test_two_rates_that_are_not_loose_are_their_spread_denied():
    claim = one("At the same time SOFR and IORB are not loose.")
    assert (claim.kind, names(claim), claim.direction) == ("level", ["SOFR over IORB"], "low")
    assert claim.negated


@pytest.mark.parametrize(
    "text",
    ["The Nasdaq has been consolidating for several months.", "纳斯达克指数横盘数月。"],
)
def test_a_range(text):
    claim = one(text)
    assert (claim.kind, names(claim), claim.span.amount) == ("range", ["the Nasdaq"], 3)


def test_one_against_another_with_the_better_first():
    for text in ("Gold outperformed US stocks in the past three months.",
                 "US stocks lagged gold in the past three months.",
                 "过去三个月黄金跑赢美股。"):  # fmt: skip
        claim = one(text)
        assert claim.kind == "relative"
        assert (names(claim), [other.name for other in claim.others]) == (["gold"], ["US stocks"])


def test_a_shift_of_focus_has_its_two_sides():
    claim = one("The focus shifted away from MAG7 to chip stocks, gold and copper.")
    assert (names(claim), [other.name for other in claim.others]) == (
        ["chip makers", "gold", "copper"],
        ["MAG7"],
    )
    claim = one("资金从科技股转向黄金和铜。")
    assert (names(claim), [other.name for other in claim.others]) == (
        ["gold", "copper"],
        ["technology shares"],
    )


@pytest.mark.parametrize(
    "text",
    [
        "Overnight, from U.S. stocks to gold and to the Nikkei, almost all assets plummeted.",
        "从美股到黄金，再到日经，几乎所有资产都集体暴跌。",
    ],
)
def test_all_assets_and_each_that_is_named(text):
    first, *rest = find_claims(text)
    assert (first.kind, first.group, first.strong) == ("breadth", "all assets", True)
    assert [names(claim) for claim in rest] == [["US stocks"], ["gold"], ["the Nikkei"]]
    assert {claim.kind for claim in rest} == {"change"}


def test_confined_to_one_class():
    claim = one("The impact was concentrated in the crypto market.")
    assert (claim.kind, names(claim)) == ("confined", ["crypto"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Gold could fall 10%.", "may come"),
        ("Gold to fall 10%, bank says.", "may come"),
        ("Analysts expect the dollar to weaken; oil is expected to rise.", "may come"),
        ("If the dollar falls, gold rises.", "condition"),
        ("Did gold fall 5%?", "question"),
        ("The forward PE of MAG7 has started to decline.", "forward PE"),
        ("Gold demand fell 5%.", "demand"),
        ("Gold fell as much as 5%.", "within the day"),
        ("The dollar fell 1% against the yen.", "one currency"),
        ("如果美元走弱，黄金上涨。", "condition"),
        ("黄金可能上涨10%。", "may come"),
        ("比特币盘中跌破9万美元。", "within the day"),
    ],
)
def test_what_no_close_can_decide_says_why(text, reason):
    claims = find_claims(text)
    assert claims
    assert all(reason in (claim.unclear or "") for claim in claims)


@pytest.mark.parametrize(
    "text", ["Why did even gold, a safe haven, plummet?", "黄金为什么会暴跌？"]
)
def test_why_takes_the_move_for_granted(text):
    claim = one(text)
    assert (names(claim), claim.strong, claim.unclear) == (["gold"], True, None)


@pytest.mark.parametrize("text", ["Gold did not fall.", "黄金没有下跌。", "Gold hasn’t fallen."])
def test_a_denied_move(text):
    assert one(text).negated


def test_hedges_are_kept_as_they_stand():
    assert one("Gold fell almost 5%.").hedges == ("almost",)
    assert one("Gold fell by roughly 5%.").hedges == ("roughly",)


@pytest.mark.parametrize(
    "text",
    [
        "Gold miners fell 5%.",
        "Bets on gold fell.",
        "Hemlo Gold advanced to a new site.",
        "Furniture companies' stocks fall.",
        "Gold pares losses.",
        "Stocks end their losing streak.",
        "Bitcoin is 10% below its record high.",
        "Google doubles down on phones.",
        "Oil markets worry about elevated risks.",
        "The dollar ended at 145.00 yen.",
        "Interest in silver linings rises.",
        "The S&P 500 fades despite a tech rally.",
        "Oracle bond yields surge.",
        "Nothing is said of prices here.",
        "",
    ],
)
def test_what_is_no_claim_about_a_known_series_is_left_out(text):
    assert find_claims(text) == []


def test_a_date_at_the_head_of_a_paragraph_holds_for_it_alone():
    text = "312 (2020): All fell. Bitcoin plummeted over 50%.\nBitcoin plummeted over 40%."
    first, second = (claim for claim in find_claims(text) if claim.value)
    assert first.date == ClaimDate(day=date(2020, 3, 12))
    assert second.date is None
    assert one("2020年3月12日：比特币暴跌37%。").date == ClaimDate(day=date(2020, 3, 12))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("Gold is up 5% this year.", (1, "years", "to date")),
        ("Gold rose 5% last week.", (1, "weeks", "previous")),
        ("Gold rose 5% yesterday.", (1, "days", "previous")),
        ("As soon as he spoke, gold fell.", (10, "sessions", "recent")),
        ("Gold rose 5% within three weeks.", (3, "weeks", "trailing")),
        ("今年以来黄金上涨5%。", (1, "years", "to date")),
    ],
)
def test_when(text, span):
    found = one(text).span
    assert (found.amount, found.unit, found.anchor) == span


def test_a_weekday_and_a_date_without_its_year():
    assert one("Gold fell 5% on Friday.").weekday == 4
    found = one("Gold fell 5% on March 12.").date
    assert (found.day.month, found.day.day, found.precision) == (3, 12, "day of a year")


def test_every_claim_is_a_part_of_the_text():
    text = (
        "  Gold’s price fell 3%.\r\nU.S. stocks rose; silver, too, plunged 10％!\n\n"
        "黄金暴跌。白银上涨。\nBitcoin halved. 美元创两年新低"
    )
    claims = find_claims(text)
    assert len(claims) == 7
    for claim in claims:
        assert text[claim.start : claim.end] == claim.sentence
        assert claim.phrase in claim.sentence


@pytest.mark.parametrize(
    "text",
    [
        "Gold fell 99999999999999999999999999999999999 %.",
        "Gold fell ‑5%" + "%" * 500,
        "Gold fell " + "1," * 400 + "0%",
        "gold " * 300 + "fell",
        "黄金" * 400 + "暴跌",
        "Gold fell \x00\u202e5%\ud7ff",
        "\n" * 5000,
        "Gold fell on February 31, 2026.",
        "((((((((" * 200 + "gold fell",
        "Gold hit a " + "9" * 300 + "-year low",
    ],
)
def test_odd_input_ends_in_claims_or_none(text):
    for claim in find_claims(text):
        assert text[claim.start : claim.end] == claim.sentence


def test_a_huge_text_takes_linear_time_and_bounded_room():
    find_claims("Gold fell.")  # loads the words
    started = time.process_time()
    assert len(find_claims("Gold fell 3% and silver rose. " * 20_000)) == MAX_CLAIMS
    for piece in ("(", "gold ", "黄金", "fell ", "1,", "gold fell ("):
        find_claims(piece * (40_000 // len(piece)))
    assert time.process_time() - started < 15


@pytest.mark.parametrize(
    ("text", "value"),
    [("两", 2), ("十五", 15), ("三百", 300), ("半", 0.5), ("几", 3), ("二十", 20), ("甲", None)],
)
def test_chinese_numerals(text, value):
    assert chinese_number(text) == value


def test_a_calendar_month_is_no_span():
    assert not [found for *_, found in numbers("3月12日") if isinstance(found, ClaimSpan)]
    (span,) = [found for *_, found in numbers("三个月内") if isinstance(found, ClaimSpan)]
    assert (span.amount, span.unit) == (3, "months")
