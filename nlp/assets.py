"""Names of assets and companies in text, by a gazetteer.

A statistical recogniser tags Nvidia as a place and knows no cashtags, so the names are
listed in ``assets.toml``. Longer names win over shorter ones inside them.
"""

import tomllib
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from store.records import Entity

GAZETTEER = Path(__file__).with_name("assets.toml")


@dataclass(frozen=True, slots=True)
class Mention:
    """A name found in a text."""

    text: str
    label: str
    ticker: str


def link_assets(text: str) -> list[Mention]:
    """Return the names of assets and companies in a text, in order of occurrence."""
    pipeline, matchers = _matchers()
    document = pipeline.make_doc(text)
    spans = [span for matcher in matchers for span in matcher(document, as_spans=True)]
    spans.sort(key=lambda span: (span.start - span.end, span.start))
    taken: set[int] = set()
    found = []
    for span in spans:
        places = set(range(span.start, span.end))
        if not places & taken:
            taken |= places
            label, ticker = span.label_.split(":")
            found.append((span.start, Mention(span.text, label, ticker)))
    return [mention for _, mention in sorted(found, key=lambda pair: pair[0])]


def entities(document_id: str, texts: Iterable[str], universe: Collection[str]) -> list[Entity]:
    """Count the names in a document.

    Parameters
    ----------
    universe : collection of str
        Ids of the configured assets; other names get ``asset_id`` None.
    """
    counts: Counter[tuple[str, str]] = Counter()
    spelling: dict[tuple[str, str], str] = {}
    for text in texts:
        for mention in link_assets(text):
            key = (mention.label, mention.ticker)
            counts[key] += 1
            spelling.setdefault(key, mention.text)
    return [
        Entity(
            document_id=document_id,
            text=spelling[label, ticker],
            label=label,
            asset_id=ticker if ticker in universe else None,
            count=count,
        )
        for (label, ticker), count in counts.items()
    ]


@cache
def _matchers() -> tuple[Any, tuple[Any, Any]]:
    import spacy
    from spacy.matcher import PhraseMatcher

    pipeline = spacy.blank("en")
    any_case = PhraseMatcher(pipeline.vocab, attr="LOWER")
    as_written = PhraseMatcher(pipeline.vocab, attr="ORTH")
    data = tomllib.loads(GAZETTEER.read_text(encoding="utf-8"))
    for kind in ("asset", "company"):
        for entry in data[kind]:
            key = f"{kind}:{entry['id']}"
            names = [pipeline.make_doc(name) for name in entry.get("names", [])]
            exact = [*entry.get("exact", []), f"${entry['id']}"]
            if names:
                any_case.add(key, names)
            as_written.add(key, [pipeline.make_doc(name) for name in exact])
    return pipeline, (any_case, as_written)
