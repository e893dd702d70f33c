"""Statements of a text about prices: found by rule, word for word, in English and Chinese.

"Fell more than 50 % within 24 hours", "at a two-year low", "reserves remain low": where such
words speak of a series that is known by name, the sentence becomes a :class:`Claim`, which
``align`` checks against the store. Transparent rules over a word list (``claims.toml``): what
they cannot read they leave out.
"""

import re
from collections.abc import Iterator

from nlp.claims_rules import claims_of
from nlp.claims_sentence import Sentence
from nlp.claims_words import quiet
from nlp.text import split_sentences
from store.records import Claim, ClaimDate

# About 300,000 words; what lies beyond is not read.
MAX_CHARS = 2_000_000
MAX_CLAIMS = 2_000
_HEAD = re.compile(r"[^:：]{0,40}[:：]")


def find_claims(text: str) -> list[Claim]:
    """Return the claims of a text in order, at most `MAX_CLAIMS`.

    A date at the head of a paragraph ("12 March 2020: ...") holds for all of it.

    Returns
    -------
    list of Claim
        ``text[claim.start:claim.end] == claim.sentence``; a claim that no price can decide
        is there with ``unclear`` set.
    """
    found: list[Claim] = []
    for sentence in _sentences(text[:MAX_CHARS]):
        found += claims_of(sentence)
        if len(found) >= MAX_CLAIMS:
            break
    return found[:MAX_CLAIMS]


def _sentences(text: str) -> Iterator[Sentence]:
    line_end, context = -1, None
    for start, end in split_sentences(quiet(text)):
        if start >= line_end:
            line_end = text.find("\n", start)
            line_end = len(text) if line_end < 0 else line_end
            context = _context(text[start:end])
        yield Sentence.of(text[start:end], start, context)


def _context(sentence: str) -> ClaimDate | None:
    """Return the date of "312 (2020): At that time ..."."""
    head = _HEAD.match(sentence)
    if head is None:
        return None
    dates = [item.value for item in Sentence.of(head[0], 0).items if item.kind == "date"]
    return dates[0] if dates else None
