"""Every pattern that meets crawled text reads it in linear time, however hostile it is."""

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import align
import api
import crawler
import nlp
import store

SIZE = 2**18
# Imports a library of gigabytes, and has no pattern.
HEAVY = "nlp.fit_pairs"


def modules() -> Iterator[ModuleType]:
    for package in (align, api, crawler, nlp, store):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name != HEAVY and not found.name.endswith(".__main__"):
                yield importlib.import_module(found.name)


PATTERNS = {
    f"{module.__name__}.{attribute}": value
    for module in modules()
    for attribute, value in vars(module).items()
    if isinstance(value, re.Pattern)
}
PIECES = (
    "a", " ", "\n", "<", "<p ", "<p a", "<a b=", "&", "&#", "&a", "a\u0301", "\u0301", "=", "a=",
    "&a=", "://", "a://", "http://a ", "1", "-", "+1", "<script application/ld+json>", "<script ",
    "<item", "<hour>1", "charset=", "黄", "\u200d", "subscribe ", "- ", "a\r\n",
    '<p class="quote-inline">', "submitted by /u/a ",
)  # fmt: skip


def test_all_patterns_are_found():
    assert len(PATTERNS) > 65
    heavy = Path(__file__).parents[1] / f"{HEAVY.replace('.', '/')}.py"
    assert "re.compile" not in heavy.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_takes_linear_time(name):
    pattern = PATTERNS[name]
    for piece in PIECES:
        text = (piece * (SIZE // len(piece)))[:SIZE]
        subject = text.encode()[:SIZE] if isinstance(pattern.pattern, bytes) else text
        started = time.process_time()
        pattern.match(subject)
        for number, _ in enumerate(pattern.finditer(subject)):
            if number > SIZE // 8:
                break
        assert time.process_time() - started < 1, (name, piece)
