import time
import unicodedata

import pytest

from crawler.clean import language_of, plain_line, plain_text


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>one</p><p>two &amp; three</p>", "one\n\ntwo & three"),
        ("plain\n\ntext with 5 < 6", "plain\n\ntext with 5 < 6"),
        ("a<script>alert(1)</script>b<style>p{}</style>", "ab"),
        ("<svg onload=alert(1)><math><mtext></table><img src=x onerror=alert(1)>x", "x"),
        ("if a<b then c, x <y> z, 1<2", "if a<b then c, x <y> z, 1<2"),
        ("AT&T &amp; Co; see ?a=1&copy=2", "AT&T & Co; see ?a=1&copy=2"),
        ("a<scr\x00ipt>alert(1)</scr\x00ipt>b", "ab"),
        ("a<svg/onload=alert(1)>b", "ab"),
        ("S&amp;P 500 &lt;b&gt;", "S&P 500 <b>"),
        ("line one<br>line two", "line one\n\nline two"),
        ("<div>wrapped\nsource\nlines</div>", "wrapped source lines"),
        ("a\x00b\u202ec\u2066d\ufeff", "abcd"),
        ("\ud800x", "\ufffdx"),
        ("cafe\u0301", "caf\u00e9"),
        ("a\r\nb\r\n\r\n\r\n\r\nc", "a\nb\n\nc"),
    ],
)
def test_text(markup, expected):
    assert plain_text(markup) == expected


def test_a_title_is_one_line_of_bounded_length():
    assert plain_line(" A\n\ttitle <b>of</b>\u00a0two ") == "A title of two"
    assert len(plain_line("x" * 5000)) == 1000


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("en", "en"), ("de-AT", "de"), ("zh_Hant", "zh"), (" EN-us\n", "en"), ("fil", "fil"),
        ("ckb-IQ", "ckb"), ("English", None), ("", None), ("e", None), ("中文", None), (None, None),
        (7, None),
    ],
)  # fmt: skip
def test_the_language_of_a_tag_keeps_its_third_letter(tag, expected):
    assert language_of(tag) == expected


def test_emoji_keep_their_joiner():
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert plain_text(family) == family


@pytest.mark.parametrize(
    "hostile",
    [
        "a" + "\u0301" * 100_000,
        "<" * 200_000,
        "<p" * 100_000,
        "&" * 200_000,
        "<br " * 50_000,
        "\n " * 200_000,
    ],
    ids=["marks", "open", "tags", "entities", "breaks", "spaces"],
)
def test_hostile_text_takes_no_time(hostile):
    started = time.process_time()
    text = plain_text(hostile)
    assert time.process_time() - started < 3
    assert unicodedata.is_normalized("NFC", text)
