"""Titles -> what they state that an asset did: "gold plunges" is a fall of gold.

Rules over few words (``statements.toml``), for the check of time stamps alone. A title that
asks, foresees or looks back over months states nothing; nor does one that says both.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import pandas as pd

# Words between an asset and its verb; further away it is mostly another subject.
_REACH = 3
# A run of such marks alone is no word; asking for one in the pattern would read it again and again.
_WORD = re.compile(r"[\w$&%.'’-]+|[:;?!|–—,]")
_MARKS = "$&.'’-"
_BREAKS = frozenset(":;?!|–—,")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The words of ``statements.toml``: +1 or -1 by verb and by noun."""

    verbs: Mapping[str, int]
    nouns: Mapping[str, int]
    undecided: frozenset[str]
    between: frozenset[str]
    ends: frozenset[str]
    first: Mapping[str, tuple[tuple[str, ...], ...]]


@lru_cache(maxsize=1)
def words() -> Words:
    """Return ``statements.toml``."""
    table = tomllib.loads(files("align").joinpath("statements.toml").read_text("utf-8"))
    return Words(
        verbs=dict.fromkeys(table["up"], 1) | dict.fromkeys(table["down"], -1),
        nouns=dict.fromkeys(table["up_nouns"], 1) | dict.fromkeys(table["down_nouns"], -1),
        undecided=frozenset(table["open"]),
        between=frozenset(table["between"]),
        ends=frozenset(table["ends"]),
        first={
            asset_id: tuple(tuple(_tokens(name)) for name in names)
            for asset_id, names in table["first"].items()
        },
    )


def statements_of(stamps: pd.DataFrame, mentions: pd.DataFrame) -> pd.DataFrame:
    """Return what titles state: ``document_id, source_id, effective_at, asset_id, direction``.

    Parameters
    ----------
    stamps : DataFrame
        ``document_id, source_id, title, effective_at``, one row per document, copies too: a
        copy bears a stamp of its own.
    mentions : DataFrame
        ``document_id, asset_id, text``: assets that were found in documents, as spelled there.

    Returns
    -------
    DataFrame
        ``direction`` is 1 for a rise and -1 for a fall; a row per document and asset.
    """
    named: dict[str, list[tuple[str, str]]] = {}
    for document_id, asset_id, text in zip(
        mentions["document_id"], mentions["asset_id"], mentions["text"], strict=True
    ):
        named.setdefault(document_id, []).append((asset_id, text))
    rows = []
    columns = (stamps[name] for name in ("document_id", "source_id", "effective_at", "title"))
    for document_id, source_id, at, title in zip(*columns, strict=True):
        names = named.get(document_id, [])
        for asset_id, direction in stated(title or "", names):
            rows.append((document_id, source_id, at, asset_id, direction))
    return pd.DataFrame(
        rows, columns=["document_id", "source_id", "effective_at", "asset_id", "direction"]
    )


def stated(title: str, names: list[tuple[str, str]]) -> list[tuple[str, int]]:
    """Return the assets of a title with the direction that it states, each once.

    Parameters
    ----------
    names : list of (asset id, spelling)
        Assets that were found in the document.
    """
    tokens = _tokens(title)
    found: dict[str, set[int]] = {}
    for asset_id, start, end in _places(tokens, names):
        direction = _after(tokens[end:]) or _before(tokens[:start])
        if direction:
            found.setdefault(asset_id, set()).add(direction)
    return [(asset_id, both.pop()) for asset_id, both in found.items() if len(both) == 1]


def _places(tokens: list[str], names: list[tuple[str, str]]) -> Iterator[tuple[str, int, int]]:
    """Yield asset, first and last place of each name in a title."""
    for asset_id, spelling in names:
        wanted = _tokens(spelling)
        for start in range(len(tokens) - len(wanted) + 1):
            if wanted and tokens[start : start + len(wanted)] == wanted:
                yield asset_id, start, start + len(wanted)
    for asset_id, choices in words().first.items():
        for wanted in map(list, choices):
            for start in range(len(tokens) - len(wanted) + 1):
                opens = start == 0 or tokens[start - 1] in _BREAKS | words().ends
                if opens and tokens[start : start + len(wanted)] == wanted:
                    yield asset_id, start, start + len(wanted)


def _after(tokens: list[str]) -> int:
    """Return the direction of the first verb after a name, 0 without one."""
    clause: list[str] = []
    for token in tokens:
        if token in _BREAKS or token in words().ends:
            if token == "?":
                return 0
            break
        clause.append(token)
    if words().undecided & set(clause):
        return 0
    for token in clause[:_REACH]:
        if token in words().verbs:
            return words().verbs[token]
        if token not in words().between:
            return 0
    return 0


def _before(tokens: list[str]) -> int:
    """Return the direction of a noun just before a name ("plunge in gold"), 0 without one."""
    last = [token for token in tokens[-3:] if token != "the"]
    if len(last) >= 2 and last[-1] in ("in", "of") and not words().undecided & set(tokens):
        return words().nouns.get(last[-2], 0)
    return 0


def _tokens(text: str) -> list[str]:
    found = (token.rstrip(_MARKS) for token in _WORD.findall(text))
    return [token.casefold().removesuffix("'s").removesuffix("’s") for token in found if token]
