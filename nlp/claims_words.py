"""The words of claims in a sentence: the lexicon of ``claims.toml`` laid over its text.

A sentence becomes a list of items in order: series, verbs, numbers, dates. What they mean
together is for ``nlp.claims_rules``.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from nlp.assets import GAZETTEER
from nlp.claims_numbers import Found, Quantity, numbers
from store.records import ClaimDate, ClaimSpan, Subject

LEXICON = Path(__file__).with_name("claims.toml")
# No statement holds such a run of marks, and a tokenizer would peel them off one by one.
_NOISE = re.compile(r"[^\w\s]{8,}")
_MARKS = "，；：（）！？"
# One character for one, so that places stay: full-width digits and signs, typographic quotes.
_SAME_LENGTH = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F) if chr(code) not in _MARKS}
    | {"’": "'", "‘": "'", "–": "-", "—": "-", "\u00a0": " ", "\u3000": " "}
    | {"\n": " ", "\t": " ", "﹪": "%"}
)  # fmt: skip
# No sentence that a person wrote has more items; rules look at pairs of them.
MAX_ITEMS = 80


@dataclass(frozen=True, slots=True)
class Item:
    """A word or number that matters, by its place in the sentence.

    Attributes
    ----------
    kind : str
        ``series``, ``company``, ``move``, ``number``, ``span``, ``date`` ...
    payload : str
        What the lexicon says of it, e.g. ``down strong``.
    value : object
        The :class:`Subject`, :class:`Quantity`, :class:`ClaimSpan` or :class:`ClaimDate`.
    """

    start: int
    end: int
    kind: str
    payload: str = ""
    value: Any = None


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The parsed word list: subjects by key, and the two matchers of each script."""

    subjects: Mapping[str, Subject]
    percent: frozenset[str]
    after: frozenset[str]
    before: frozenset[str]
    prepositions: frozenset[str]
    heads: tuple[str, ...]
    undone: frozenset[str]
    runs: frozenset[str]
    currencies: frozenset[str]
    closing: frozenset[str]
    kinds: frozenset[str]
    matchers: Mapping[str, tuple[Any, tuple[Any, ...]]]


def plain(text: str) -> str:
    """Return a text of the same length with full-width signs and curly quotes made plain."""
    return text.translate(_SAME_LENGTH)


def quiet(text: str) -> str:
    """Return a text of the same length with long runs of marks blanked out."""
    return _NOISE.sub(lambda match: " " * len(match[0]), text)


def is_chinese(text: str) -> bool:
    """Return whether a sentence is read by the Chinese words."""
    return sum("\u4e00" <= char <= "\u9fff" for char in text) * 5 > len(text)


def read(sentence: str) -> list[Item]:
    """Return the items of a sentence in order; where two overlap the longer one stands."""
    text = quiet(plain(sentence))
    found = [*_terms(text), *_numbered(text)]
    found.sort(key=lambda item: (item.start - item.end, item.start))
    taken = bytearray(len(text))
    items = []
    for item in found:
        if not any(taken[item.start : item.end]):
            taken[item.start : item.end] = b"\1" * (item.end - item.start)
            items.append(item)
    return sorted(items, key=lambda item: item.start)[:MAX_ITEMS]


def _numbered(text: str) -> list[Item]:
    kinds = {Quantity: "number", ClaimSpan: "span", ClaimDate: "date"}
    values: list[tuple[int, int, Found]] = list(numbers(text))
    return [Item(start, end, kinds[type(value)], "", value) for start, end, value in values]


def _terms(text: str) -> list[Item]:
    words = lexicon()
    pipeline, matchers = words.matchers["zh" if is_chinese(text) else "en"]
    document = pipeline.make_doc(text)
    found = []
    for matcher in matchers:
        for span in matcher(document, as_spans=True):
            kind, _, payload = span.label_.partition(" ")
            value: Any = None
            if kind in ("series", "bare", "company"):
                value = words.subjects[payload]
            found.append(Item(span.start_char, span.end_char, kind, payload, value))
    return found


@cache
def lexicon() -> Lexicon:
    """Return ``claims.toml``, and the companies of ``assets.toml`` as subjects of their own."""
    data = tomllib.loads(LEXICON.read_text(encoding="utf-8"))
    subjects = {
        entry["name"]: Subject(
            name=entry["name"],
            assets=tuple(entry.get("assets", ())),
            proxies=tuple(entry.get("proxies", ())),
            dollars=entry.get("dollars"),
        )
        for entry in data["series"]
    }
    terms: dict[str, list[str]] = {
        key: [word for word in phrases if word] for key, phrases in data["words"].items()
    }
    exact: dict[str, list[str]] = {}
    for entry in data["series"]:
        terms[f"series {entry['name']}"] = entry.get("words", [])
        terms[f"bare {entry['name']}"] = entry.get("bare", [])
        exact[f"series {entry['name']}"] = entry.get("exact", [])
    for entry in tomllib.loads(GAZETTEER.read_text(encoding="utf-8"))["company"]:
        key = entry.get("names", entry.get("exact"))[0]
        name = next((word for word in entry.get("exact", []) if not word.isupper()), key.title())
        subjects[name] = Subject(name=name, assets=(entry["id"],))
        terms[f"company {name}"] = entry.get("names", [])
        exact[f"company {name}"] = entry.get("exact", [])
    return Lexicon(
        subjects=subjects,
        percent=frozenset(entry["name"] for entry in data["series"] if entry.get("percent")),
        after=frozenset(data["other"]["after"]),
        before=frozenset(data["other"]["before"]),
        prepositions=frozenset(data["other"]["prepositions"]),
        heads=tuple(data["other"]["heads"]),
        undone=frozenset(data["other"]["undone"]),
        runs=frozenset(data["other"]["runs"]),
        currencies=frozenset(data["other"]["currencies"]),
        closing=frozenset(data["other"]["closing"]),
        kinds=frozenset(data["other"]["kinds"]),
        matchers={code: _matchers(code, terms, exact) for code in ("en", "zh")},
    )


def _matchers(
    code: str, terms: Mapping[str, Sequence[str]], exact: Mapping[str, Sequence[str]]
) -> tuple[Any, tuple[Any, ...]]:
    import spacy
    from spacy.matcher import PhraseMatcher

    pipeline = spacy.blank(code)
    any_case = PhraseMatcher(pipeline.vocab, attr="LOWER")
    as_written = PhraseMatcher(pipeline.vocab, attr="ORTH")
    for matcher, phrases in ((any_case, terms), (as_written, exact)):
        for key, words in phrases.items():
            # A Chinese sentence may name the S&P or bitcoin in Latin letters.
            kept = [word for word in words if code == "zh" or not is_chinese(word)]
            if kept:
                # "u.s." is three tokens and "U.S." one.
                kept += [word.replace("u.s.", "U.S.") for word in kept if "u.s." in word]
                matcher.add(key, [pipeline.make_doc(word) for word in kept])
    return pipeline, (any_case, as_written)
