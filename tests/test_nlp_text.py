"""Passages and their offsets, and the language of a text."""

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nlp.text import (
    MAX_PASSAGES,
    MAX_SENTENCES,
    count_words,
    detect_language,
    split_passages,
    split_sentences,
)

PROSE = (
    "Repo printed above the corridor. Nobody at the desk could say why, and nobody wanted to be "
    "the first to lend into it. By noon the U.S. banks had stopped quoting at 4.25 per cent.\n\n"
    "The second paragraph stands alone."
)


def fields(title: str, text: str) -> dict[str, str]:
    return {"title": title, "text": text}


@settings(max_examples=150, deadline=None)
@given(
    title=st.text(max_size=60),
    text=st.text(alphabet=st.sampled_from("ab .!?\n\r\t。！5U’"), max_size=600),
    language=st.sampled_from(["en", "zh", "de", "ja"]),
)
def test_offsets_are_exact_and_in_order(title, text, language):
    spans, _ = split_passages(title, text, language)
    for span in spans:
        assert fields(title, text)[span.part][span.start : span.end] == span.text
        assert span.text == span.text.strip() != ""
        assert "\n" not in span.text or span.part == "title"
    ends = [(span.start, span.end) for span in spans if span.part == "text"]
    assert all(first[1] <= second[0] for first, second in pairwise(ends))


@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet=st.sampled_from("ab .!?\n"), max_size=400))
def test_every_letter_of_the_text_is_in_a_passage(text):
    spans, _ = split_passages("", text)
    assert "".join("".join(span.text.split()) for span in spans) == "".join(text.split())


def test_passages_keep_to_paragraphs_and_to_decimals():
    spans, note = split_passages("A title", PROSE)
    assert [span.part for span in spans] == ["title", "text", "text"]
    assert spans[1].text.endswith("at 4.25 per cent.")
    assert spans[2].text == "The second paragraph stands alone."
    assert note is None


def test_long_paragraphs_are_cut_into_passages_of_one_to_three_sentences():
    sentence = "One two three four five six seven eight nine ten. "
    spans, _ = split_passages("", sentence * 20)
    assert {span.text.count(".") for span in spans} <= set(range(1, MAX_SENTENCES + 1))
    assert all(20 <= count_words(span.text) <= 70 for span in spans)


def test_a_title_repeated_by_the_text_is_not_doubled():
    spans, _ = split_passages("Gold falls by a tenth", "Gold falls by a tenth. It was margins.")
    assert [span.text for span in spans] == ["Gold falls by a tenth", "It was margins."]


def test_chinese_sentences_end_at_their_own_marks():
    first, second = "隔夜回购利率突破上限，银行不愿放贷。", "流动性紧张！准备金不足。"
    spans, _ = split_passages("", first * 4 + second * 4, "zh")
    assert len(spans) > 1
    assert all(span.text[-1] in "。！" for span in spans)


@pytest.mark.parametrize(
    "text",
    ["x" * 1_000_000, "word " * 200_000, "A short one. " * 80_000, "\n".join("ab" * 250_000)],
    ids=["one word", "no sentence end", "sentences", "lines"],
)
def test_a_cell_of_a_megabyte_is_cut_with_a_note(text):
    started = time.monotonic()
    spans, note = split_passages("t", text)
    assert len(spans) == MAX_PASSAGES
    assert note is not None
    assert f"{MAX_PASSAGES} passages" in note
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    ("text", "stated", "language"),
    [
        ("Gold sinks", None, "en"),
        ("", None, "en"),
        ("准备金不足，流动性紧张。", None, "zh"),
        ("日本銀行は金利を引き上げた。", None, "ja"),
        ("ФРС снизила ставку", None, "ru"),
        ("연준이 금리를 인하했다", None, "ko"),
        ("准备金不足，流动性紧张。", "en", "zh"),
        ("Gold sinks", "en-US", "en"),
        ("Gold sinks", "pt_BR", "pt"),
        (
            "Die Bundesbank warnt vor steigenden Zinsen, und die Märkte fallen überall in Europa, "
            "weil niemand mehr leihen will.",
            None,
            "de",
        ),
    ],
)
def test_language(text, stated, language):
    assert detect_language(text, stated) == language


WRAPPED = """    The central bank forecast a shortage of around
250 mln stg in the money market today, after two days in
which it had supplied more than the banks had asked for.
    Against this, a fall in the note circulation would add
345 mln stg, the bank said in its morning statement."""


def test_hard_wrapped_lines_are_one_paragraph():
    for text in (WRAPPED, WRAPPED.replace("\n", "\r\n")):
        spans, _ = split_passages("", text)
        assert len(spans) == 2
        assert all(text[span.start : span.end] == span.text for span in spans)
        assert spans[1].text.startswith("Against this")


def test_a_list_of_headlines_is_not_hard_wrapped():
    text = "\n".join(
        [
            "Stocks slide as the market doubts the chip makers' forecasts",
            "Gold climbs to a record while the dollar drifts lower again",
            "Central bank holds rates and says that it is in no hurry now",
            "Oil steadies after the cartel keeps its targets for the spring",
        ]
    )
    assert [span.text for span in split_passages("", text)[0]] == text.splitlines()


@pytest.mark.parametrize("piece", ["(", "$", "'s", ").", "US$", "_", "😀", "、"])
@pytest.mark.parametrize("language", ["en", "fr", "ja"])
def test_a_run_of_marks_takes_linear_time_and_stays_as_it_was(piece, language):
    run = (piece * 9000)[:9000]
    text = f"Gold fell on Friday. It {run} rose again. Then it rested."
    split_passages("", "Loads the rules.", language)
    started = time.process_time()
    spans, left_out = split_passages("", text, language)
    # 2 to 6 seconds each where marks are peeled off one by one.
    assert time.process_time() - started < 1
    assert left_out is None
    assert [text[span.start : span.end] for span in spans] == [span.text for span in spans]
    assert "".join("".join(span.text.split()) for span in spans) == "".join(text.split())


def test_a_line_of_dashes_or_dots_parts_no_sentence():
    rule = "-" * 200
    assert len(list(split_sentences(f"Gold fell {rule} and rose."))) == 1
    (start, end), *_ = split_sentences(f"Gold fell {rule}")
    assert end - start == len(f"Gold fell {rule}")
    dots = "." * 200
    assert len(list(split_sentences(f"Contents {dots} 5"))) == 1
