"""The words that a headline is about, as discovery and the report count them."""

import re
from pathlib import Path

_TOKEN = re.compile(r"[^\W\d_][^\W_]*")
_CJK = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
# Words that say nothing about what a story is about, and the calendar's, which rise by themselves.
PLAIN = frozenset(Path(__file__).with_name("plain_words.txt").read_text("utf-8").split())


def words_of(text: str) -> set[str]:
    """Return the words that a headline is about; Chinese as pairs of characters."""
    found = set()
    for token in _TOKEN.findall(text.replace("’s", "").replace("'s", "")):
        word = token.casefold()
        if _CJK.search(word):
            found |= {word[at : at + 2] for at in range(len(word) - 1)}
        elif len(word) > 2 and word not in PLAIN:
            found.add(word)
    return found
