"""When a claim holds: spans, dates, weekdays and "this year" around a predicate."""

from dataclasses import replace
from typing import Any

from nlp.claims_sentence import Sentence
from nlp.claims_words import Item
from store.records import Claim, ClaimDate, ClaimSpan
from store.records.claims import SpanAnchor

# Words that make a span of a time in the past rather than a length: "two years ago".
_RECENT = ClaimSpan(amount=10, unit="sessions", anchor="recent")
_MONTHS = ClaimSpan(amount=3, unit="months")
_YEARS = ClaimSpan(amount=3, unit="years")
# A date further off, in characters, belongs to something else.
_FAR = 90
_EXTREMES = ("extreme", "newest", "record")
_SUPERLATIVES = frozenset({"biggest", "largest", "worst", "best", "steepest", "sharpest", "first"})
_PERIODS = {"week": "weeks", "month": "months", "year": "years"}


def timing(sentence: Sentence, place: int, claim: Claim) -> Claim:
    """Return a claim with what its sentence, or its paragraph, says of the time."""
    what: dict[str, Any] = {}
    if claim.date is None:
        what["date"] = _date(sentence, place) or sentence.context
    if claim.span is None and claim.kind in ("change", "relative", "breadth"):
        what["span"] = None if _is_superlative(sentence, place) else _span(sentence, place)
        if what["span"] is not None and what["span"].anchor == "previous":
            what["date"] = sentence.context
    for item in sentence.items:
        between = sorted((item, sentence.items[place]), key=lambda one: one.start)
        if item.kind == "weekday" and ";" not in sentence.gap(*between):
            what["weekday"] = int(item.payload)
        if item.kind == "yesterday" and claim.kind == "change":
            what["span"] = ClaimSpan(amount=1, unit="days", anchor="previous")
    if what.get("weekday") is not None and what.get("date") is not None:
        what["weekday"] = None
    if claim.kind == "change" and _is_anchored(sentence, place, {**what, "claim": claim}):
        what["span"] = _RECENT
    return replace(claim, **what)


def span_behind(
    sentence: Sentence, place: int
) -> tuple[ClaimSpan | None, ClaimDate | None, bool, tuple[str, ...]]:
    """Return what stands behind "lowest": a span, or the date that "since" names.

    Returns
    -------
    tuple
        Span, since, whether the span is a lower bound, and hedges as written.
    """
    hedges: list[str] = []
    at_least = since = False
    for item in sentence.items[place + 1 : place + 6]:
        if item.start - sentence.items[place].end > 40:
            break
        if item.kind in ("hedge", "over"):
            hedges.append(sentence.text[item.start : item.end])
            at_least = at_least or item.payload == "over" or item.kind == "over"
        elif item.kind == "since":
            since = True
        elif item.kind == "span":
            return item.value, None, at_least, tuple(hedges)
        elif item.kind in ("months", "years"):
            return (_MONTHS if item.kind == "months" else _YEARS), None, True, tuple(hedges)
        elif item.kind == "date" and (since or _says_since(sentence, item)):
            return None, item.value, at_least, tuple(hedges)
        elif item.kind not in ("date", "strongly"):
            break
    return None, None, False, tuple(hedges)


def _says_since(sentence: Sentence, item: Item) -> bool:
    """Return whether "since" belongs to the date itself ("since 2022")."""
    return sentence.plain[item.start : item.end].lower().startswith("since")


def _date(sentence: Sentence, place: int) -> ClaimDate | None:
    """Return the nearest date of the sentence that is no "since"."""
    item = sentence.items[place]
    dates = [
        one
        for one in sentence.items
        if one.kind == "date"
        and not _says_since(sentence, one)
        and not sentence.plain[: one.start].rstrip().lower().endswith("since")
        and not sentence.plain[one.end :].startswith("以来")
    ]
    near = [one for one in dates if abs(one.start - item.start) <= _FAR]
    if not near:
        return None
    found: ClaimDate = min(near, key=lambda one: abs(one.start - item.start)).value
    return found


def _is_superlative(sentence: Sentence, place: int) -> bool:
    """Return whether "in months" ranks the move: "the biggest drop in months"."""
    words = sentence.plain[: sentence.items[place].start].lower().split()[-3:]
    return bool(set(words) & _SUPERLATIVES)


def _span(sentence: Sentence, place: int) -> ClaimSpan | None:
    """Return the span of a change: "within 24 hours", "this year"; the nearest one."""
    item = sentence.items[place]
    choices: list[tuple[int, ClaimSpan]] = []
    for number, one in enumerate(sentence.items):
        distance = abs(one.start - item.start)
        if number and sentence.items[number - 1].kind in _EXTREMES:
            continue  # "the lowest level in years"
        if one.kind == "span" and _is_length(sentence, number):
            choices.append((distance, one.value))
        elif one.kind in _PERIODS:
            anchor: SpanAnchor = "to date" if one.payload == "to date" else "previous"
            unit: Any = _PERIODS[one.kind]
            choices.append((distance, ClaimSpan(amount=1, unit=unit, anchor=anchor)))
        elif one.kind == "months":
            choices.append((distance, _MONTHS))
        elif one.kind == "years":
            choices.append((distance, _YEARS))
    return min(choices, key=lambda pair: pair[0])[1] if choices else None


def _is_length(sentence: Sentence, number: int) -> bool:
    """Return whether a span is how long the change took, and not "a two-year low" or an age."""
    item = sentence.items[number]
    following = sentence.items[number + 1] if number + 1 < len(sentence.items) else None
    if following is not None and following.kind in ("extreme", "newest", "record"):
        return False
    if sentence.chinese:
        return True
    words = sentence.plain[: item.start].lower().split()[-3:]
    return any(word in ("in", "within", "over", "past", "last", "for", "during", "previous")
               for word in words)  # fmt: skip


def _is_anchored(sentence: Sentence, place: int, known: dict[str, Any]) -> bool:
    """Return whether the move hangs on another event near the day, not on the day itself."""
    if known.get("span") or known.get("date") or known.get("weekday") is not None:
        return False
    return any(
        item.kind == "recent" and item.start < sentence.items[place].start
        for item in sentence.items[:place]
    )
