"""A claim put together: its words, its guards, its time."""

from collections.abc import Iterator, Sequence
from typing import Any

from nlp.claims_sentence import Named, Sentence
from nlp.claims_timing import timing
from nlp.claims_words import Item
from store.records import Claim


def make_claim(
    sentence: Sentence, place: int, named: Sequence[Named], *, last: Item | None = None, **what: Any
) -> Claim:
    """Return a claim with its place, guards and timing filled in."""
    item = sentence.items[place]
    ends = [item, *(one.item for one in named), *([last] if last is not None else [])]
    start, end = min(one.start for one in ends), max(one.end for one in ends)
    metric = next((one.metric for one in named if one.metric), "")
    unclear = sentence.unclear(place)
    if metric:
        unclear = f"it is about {metric}, which no stored series gives"
    elif any(one.kind == "intraday" for one in sentence.clause_items(_place(sentence, ends))):
        unclear = unclear or "it is about a price within the day, and closes are stored"
    claim = Claim(
        sentence=sentence.text,
        start=sentence.start,
        end=sentence.start + len(sentence.text),
        phrase=sentence.text[start:end],
        subjects=tuple(one.subject for one in named),
        negated=what.pop("negated", sentence.negated(place)),
        hedges=what.pop("hedges", ()),
        unclear=unclear,
        **what,
    )
    return timing(sentence, place, claim)


def _place(sentence: Sentence, ends: Sequence[Item]) -> int:
    """Return the place of the last item of a claim, whose clause may hold "as much as"."""
    return max(sentence.items.index(item) for item in ends)


def make_each(
    sentence: Sentence, place: int, named: Sequence[Named], **what: Any
) -> Iterator[Claim]:
    """Yield the same claim of each series that is named."""
    for one in named:
        yield make_claim(sentence, place, [one], **what)


def object_of(sentence: Sentence, place: int) -> list[Named]:
    """Return the series of "a fall in gold" or "new highs for silver"."""
    named = sentence.after(place)
    if not named:
        return []
    gap = sentence.gap(sentence.items[place], named[0].item).split()
    # "One of the worst drops in the S&P 500" is about one of its members.
    plural = sentence.text[sentence.items[place].start : sentence.items[place].end].endswith("s")
    move = sentence.items[place].kind == "move"
    return named if gap and gap[0] in ("in", "of", "for") and not (plural and move) else []


def is_share(sentence: Sentence, one: Named, number: Item | None) -> bool:
    """Return whether a company's name stands for its share: with "stock", or with per cent."""
    tail = sentence.plain[one.item.end : one.item.end + 10].lower()
    head = sentence.plain[: one.item.start].lower()
    worded = any(word in tail for word in ("stock", "share")) or head.endswith("shares of ")
    return worded or (number is not None and number.value.unit == "return" and not one.metric)
