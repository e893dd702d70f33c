"""Every pattern that meets crawled text reads it in linear time, however hostile it is."""

import importlib
import re
import time

import pytest

SIZE = 2**18
MODULES = (
    "crawler.clean", "crawler.dates", "crawler.dedupe", "crawler.extract", "crawler.feeds",
    "crawler.identity", "crawler.urls", "nlp.text", "api.browse.spreadsheets",
)  # fmt: skip
PATTERNS = {
    f"{name}.{attribute}": value
    for name in MODULES
    for attribute, value in vars(importlib.import_module(name)).items()
    if isinstance(value, re.Pattern)
}
PIECES = (
    "a", " ", "\n", "<", "<p ", "<p a", "<a b=", "&", "&#", "&a", "a\u0301", "\u0301", "=", "a=",
    "&a=", "://", "a://", "http://a ", "1", "-", "+1", "<script application/ld+json>", "<script ",
    "<item", "<hour>1", "charset=", "黄", "\u200d", "subscribe ", "- ", "a\r\n",
)  # fmt: skip


def test_all_patterns_are_found():
    assert len(PATTERNS) > 25


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_takes_linear_time(name):
    pattern = PATTERNS[name]
    for piece in PIECES:
        text = (piece * (SIZE // len(piece)))[:SIZE]
        subject = text.encode()[:SIZE] if isinstance(pattern.pattern, bytes) else text
        started = time.perf_counter()
        pattern.match(subject)
        for number, _ in enumerate(pattern.finditer(subject)):
            if number > SIZE // 8:
                break
        assert time.perf_counter() - started < 1, (name, piece)
