from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from api import wording
from api.report.markdown import escaped, linked
from store.records import Suspect, SuspectParts


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (wording.fixed(None), "n/a"),
        (wording.fixed(-0.001), "0.00"),
        (wording.fixed(0.5, 1, signed=True), "+0.5"),
        (wording.percent(0.125), "12.5 %"),
        (wording.percent_interval(0.1, None), "n/a"),
        (wording.percent_interval(0.1, 0.25, 0), "10 to 25 %"),
        (wording.interval(-0.1, 0.42), "-0.10 to 0.42"),
        (wording.share_change(-0.031), "-3.1 pp"),
        (wording.change(-0.108, "return"), "-10.8 %"),
        (wording.change(2.0, "bp"), "+2.0 bp"),
        (wording.change(-0.0001, "return"), "0.0 %"),
        (wording.sigma(-7.9), "-7.9 σ"),
        (wording.pvalue(0.0002), "< 0.001"),
        (wording.pvalue(0.04), "0.040"),
        (wording.percentile(0.89), "89th percentile"),
        (wording.percentile(0.71), "71st percentile"),
        (wording.percentile(0.12), "12th percentile"),
        (wording.percentile(0.29), "29th percentile"),
        (wording.percentile(0.996), "99th percentile"),
        (wording.percentile(None), "n/a"),
        (wording.day_text(date(2026, 1, 30)), "30 Jan 2026"),
        (wording.long_day(date(2026, 1, 30)), "Friday 30 January 2026"),
        (wording.instant_text(datetime(2026, 1, 30, 21, tzinfo=UTC)), "30 Jan 2026, 21:00 UTC"),
        (wording.listed(["a", "b", "c"]), "a, b and c"),
        (wording.listed([]), ""),
        (wording.counted(1, "story", "stories"), "1 story"),
        (wording.counted(1234, "story", "stories"), "1,234 stories"),
        (wording.price(66652.4), "66,652"),
    ],
    ids=lambda value: value,
)
def test_values_in_words(said, wanted):
    assert said == wanted


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "/etc/passwd", "https://", "http://[", None]
)
def test_only_web_addresses_become_links(url):
    assert wording.web_address(url) is None


def test_a_web_address_is_kept():
    assert wording.web_address("https://a.example/x?y=1") == "https://a.example/x?y=1"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"),
        ("# head", "\\# head"),
        ("- item\nsecond", "\\- item second"),
        ("1. item", "1&#8203;. item"),
        ("---", "\\---"),
        ("-7.9 σ", "-7.9 σ"),
        ("41.2 %", "41.2 %"),
        ("S&P 500", "S&P 500"),
        ("&lt;", "&amp;lt;"),
        ("[x](http://a)", "\\[x\\](http:&#47;&#47;a)"),
        ("a | b", "a \\| b"),
    ],
    ids=repr,
)
def test_text_shows_as_it_is_in_markdown(text, shown):
    assert escaped(text) == shown


def test_a_link_cannot_be_left():
    assert linked("x", "https://a.example/)> <b>") == "[x](<https://a.example/%29%3E%20%3Cb%3E>)"
    assert linked("x]", None) == "x\\]"


def test_ids_become_names_where_they_are_quoted():
    names = {"inflation": "Inflation returns"}
    said = "inflation: “inflation” and “none of these”"
    assert wording.with_names(said, names) == "inflation: “Inflation returns” and “none of these”"


def test_a_condition_is_a_sentence():
    assert wording.sentence("gold (GLD) closes above 495") == "Gold (GLD) closes above 495."


@pytest.mark.parametrize(
    ("label", "kind", "said"),
    [
        ("tariffs or recession", "shock", "Tariffs or recession"),
        ("tariffs", "relief", "relief, the opposite of Tariffs"),
        ("recession", "control", "moved little: recession"),
        ("none adequate", "shock", "no adequate cause"),
    ],
)
def test_a_relief_is_not_said_to_be_its_label(label, kind, said):
    assert wording.episode_cause(label, kind, {"tariffs": "Tariffs"}) == said


def test_a_status_says_who_stands_against():
    suspect = Suspect(
        narrative_id="a",
        rank=1,
        score=0.1,
        low=0.0,
        high=0.2,
        status="contradicted",
        parts=SuspectParts(
            intensity=0.1, causal_claims=0.0, timing=0.0, signature=0.0, hard_data=0.0
        ),
        contradicted_by=("UUP", "GLD", "SLV"),
        pre_move_share=None,
        placebo_percentile=None,
        quotes=(),
    )
    assets = {"UUP": "US dollar", "GLD": "Gold"}
    said = wording.status_words(suspect, assets)
    assert said == "contradicted by US dollar, Gold and SLV"
    short = wording.status_words(suspect, assets, most=1)
    assert short == "contradicted by US dollar and 2 more"
    rejected = replace(suspect, status="possible", contradicted_by=(), rejected=True)
    assert wording.status_words(rejected, assets) == "rejected by a falsifier"
