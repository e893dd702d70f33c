"""Keyword evidence: which narratives a text names, by their own word lists. Pure.

The lists serve three ends: a baseline that every model is measured against, a few
features beside the encoder, and a part of the score of custom narratives. A match is
evidence and never a verdict.
"""

import re
from collections.abc import Sequence
from functools import lru_cache


@lru_cache(maxsize=512)
def pattern(words: tuple[str, ...]) -> re.Pattern[str] | None:
    """Compile a word list to one pattern.

    Parameters
    ----------
    words : tuple of str
        Whole words or phrases; a trailing ``*`` matches any ending.

    Returns
    -------
    re.Pattern or None
        None for an empty list.
    """
    if not words:
        return None
    parts = []
    # Longest first, so that "rate cuts" is one hit and not "rate cut" plus a rest.
    for word in sorted(words, key=len, reverse=True):
        stem = word.removesuffix("*")
        body = r"\s+".join(re.escape(piece) for piece in stem.split())
        parts.append(body + (r"\w*" if word.endswith("*") else ""))
    return re.compile(r"(?<!\w)(?:" + "|".join(parts) + r")(?!\w)", re.IGNORECASE)


def count_hits(text: str, words: Sequence[str]) -> int:
    """Count the different words of a list that occur in a text.

    Returns
    -------
    int
        Distinct matches after case folding.
    """
    compiled = pattern(tuple(words))
    if compiled is None:
        return 0
    return len({" ".join(hit.casefold().split()) for hit in compiled.findall(text)})
