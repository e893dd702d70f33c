"""What a predicate and its series say together: one rule per kind of claim.

A rule sees one item of a :class:`~nlp.claims_sentence.Sentence` and gives the claims that
begin there. What it cannot read it leaves out: a missing claim is better than a wrong one.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from nlp.claims_groups import (
    breadth_after,
    breadth_before,
    breadth_claims,
    confined,
    relative,
    rotate,
    sell,
)
from nlp.claims_making import is_share, make_claim, make_each, object_of
from nlp.claims_sentence import Named, Sentence
from nlp.claims_sizes import (
    hedges_before,
    is_strong,
    is_undone,
    level_behind,
    next_word,
    number_at,
    size_of,
    word_before,
)
from nlp.claims_timing import span_behind
from nlp.claims_words import Item, lexicon
from store.records import Claim, ClaimDate, ClaimSpan

_BE = frozenset({
    "", "is", "are", "was", "were", "futures", "price", "prices", "trades", "trade", "trading",
    "traded", "closes", "closed", "ends", "ended", "moves", "moved", "slightly", "sharply", "much",
    "modestly", "'s", "shares", "stock", "also", "still", "now", "index", "finished", "opened",
})  # fmt: skip
# What turns "record high" into a place that something is measured from.
_MEASURED_FROM = ("from", "below", "off", "under", "of", "since", "than", "after", "near")
_QUARTER = ClaimSpan(amount=3, unit="months")


def claims_of(sentence: Sentence) -> list[Claim]:
    """Return the claims of a sentence in order; of equal ones the first."""
    found: dict[tuple[Any, ...], Claim] = {}
    for place, item in enumerate(sentence.items):
        rule = _RULES.get(item.kind)
        for claim in rule(sentence, place) if rule is not None else ():
            key = (
                claim.kind, tuple(claim.subjects), tuple(claim.others), claim.group,
                claim.direction, claim.value, claim.unit,
            )  # fmt: skip
            found.setdefault(key, claim)
    return list(found.values())


def _move(sentence: Sentence, place: int) -> Iterator[Claim]:
    """Read "Gold fell more than 3 % in two days", "a 3 % fall in gold", "gold rose to $4,000"."""
    item = sentence.items[place]
    before_it = sentence.chinese and sentence.plain[item.end :].startswith(("前", "之前"))
    if is_undone(sentence, item) or before_it:
        return
    direction, _, strong = item.payload.partition(" ")
    ing = not sentence.chinese and sentence.text[item.start : item.end].endswith("ing")
    # "on a falling dollar": the participle belongs to what follows it.
    named = sentence.after(place, words=0) if ing else []
    named = named or sentence.before(place)
    if not named:
        named = object_of(sentence, place)
    number, comparator, hedges = size_of(sentence, place)
    breadth = breadth_before(sentence, place) or (
        breadth_after(sentence, place) if not named else None
    )
    if breadth is not None:
        yield from breadth_claims(sentence, place, breadth, direction, strong)
        return
    named = [one for one in named if one.item.kind != "company" or is_share(sentence, one, number)]
    level = level_behind(sentence, place)
    what: dict[str, Any] = {"hedges": hedges, "comparator": comparator}
    if level is not None and number is None:
        yield from _levels(sentence, place, named, level)
        return
    if number is not None:
        what |= {"value": number.value.value, "unit": number.value.unit, "last": number}
    what["strong"] = bool(strong) or is_strong(sentence, place)
    for one in named:
        # A yield that rose 5 % to a level is 5 % of what it was; nobody means that often.
        odd = (
            number is not None
            and number.value.unit == "level"
            and one.subject.name not in ("the Dow",)
        )
        if not odd:
            yield make_claim(sentence, place, [one], kind="change", direction=direction, **what)


def _lose(sentence: Sentence, place: int) -> Iterator[Claim]:
    """Read "gold lost 3 %"; without a number one can lose anything."""
    if size_of(sentence, place)[0] is not None:
        yield from _move(sentence, place)


def _halve(sentence: Sentence, place: int) -> Iterator[Claim]:
    """Read "Bitcoin halved", "gold doubled"."""
    direction = sentence.items[place].payload.partition(" ")[0]
    value = 0.5 if direction == "down" else 1.0
    if next_word(sentence, place) == "down":
        return  # "doubles down"
    yield from make_each(
        sentence, place, sentence.before(place), kind="change", direction=direction, strong=True,
        value=value, unit="return",
    )  # fmt: skip


def _particle(sentence: Sentence, place: int) -> Iterator[Claim]:
    """Read "Gold is down 3 %", "stocks higher": only right behind the series."""
    named = sentence.before(place)
    if not named:
        return
    between = sentence.plain[named[-1].item.end : sentence.items[place].start].lower()
    either = (
        sentence.plain[sentence.items[place].end :].lower().lstrip().startswith(("or ", "the "))
    )
    if not either and all(word.strip(".,") in _BE for word in between.split()):
        yield from _move(sentence, place)


def _push(sentence: Sentence, place: int) -> Iterator[Claim]:
    """Read "… are pushing up long-term yields"."""
    direction = sentence.items[place].payload
    for one in sentence.after(place):
        if one.item.kind != "company":
            yield make_claim(sentence, place, [one], kind="change", direction=direction)


def _extreme(sentence: Sentence, place: int) -> Iterator[Claim]:
    """Read "The lowest in two years", "a two-year low", "the highest since 2022"."""
    item = sentence.items[place]
    before = sentence.items[place - 1] if place else None
    span: ClaimSpan | None = None
    since: ClaimDate | None = None
    at_least, hedges = False, tuple[str, ...]()
    if (
        before is not None
        and before.kind == "span"
        and sentence.gap(before, item).strip(" -的来以") == ""
    ):
        hedges, bound = hedges_before(sentence, place - 1)
        span, at_least = before.value, bound == "over"
    elif sentence.text[item.start : item.end].lower() not in (
        "low",
        "lows",
        "high",
        "highs",
        "peak",
    ):
        span, since, at_least, hedges = span_behind(sentence, place)
    start = before if before is not None and before.kind == "span" else item
    if word_before(sentence, start) in ("from", "since", "above", "off", "after"):
        return  # "prices rose from a two-year low"
    if before is not None and before.kind == "date" and "以来" in sentence.gap(before, item):
        since = before.value
    word = sentence.text[item.start : item.end]
    if span is None and since is None and not (sentence.chinese and word.startswith("新")):
        return
    if span is not None and span.unit == "hours" and span.amount <= 24:
        return
    yield from _extremes(sentence, place, item.payload.split()[0], span, since, at_least, hedges)


def _newest(sentence: Sentence, place: int) -> Iterator[Claim]:
    """Read "Reached new highs", "hit a record low"."""
    if word_before(sentence, sentence.items[place]) in _MEASURED_FROM:
        return
    item = sentence.items[place]
    span = ClaimSpan(amount=1, unit="years") if item.kind == "newest" else None
    tail = sentence.plain[item.end :].lstrip()
    word = tail.split(" ")[0].strip(",.;:'\"").lower() if tail else ""
    open_ended = sentence.text[item.start : item.end].lower().endswith(("record", "records"))
    if open_ended and word.isalnum() and word not in _AFTER_RECORD:
        return
    yield from _extremes(sentence, place, item.payload, span, None, item.kind == "newest", ())


# Behind a bare "record" other words make another record of it: "a record $4bn of inflows".
_AFTER_RECORD = frozenset({
    "as", "on", "in", "after", "for", "amid", "and", "while", "but", "with", "ahead", "before",
    "this", "again", "by", "to", "thanks", "despite", "monday", "tuesday", "wednesday", "thursday",
    "friday", "today", "since", "above", "near", "high", "highs", "level", "levels", "territory",
})  # fmt: skip


def _extremes(
    sentence: Sentence, place: int, direction: str, span: ClaimSpan | None, since: ClaimDate | None,
    at_least: bool, hedges: Sequence[str],
) -> Iterator[Claim]:  # fmt: skip
    named = sentence.before(place, inherit=True) or object_of(sentence, place)
    for one in named:
        if one.item.kind == "company" and not is_share(sentence, one, None):
            continue
        yield make_claim(
            sentence, place, [one], kind="extreme", direction=direction, span=span, since=since,
            at_least=at_least, hedges=hedges,
        )  # fmt: skip


def _state(sentence: Sentence, place: int) -> Iterator[Claim]:
    """Read "Reserves remain low", "SOFR and IORB are not loose"."""
    named = sentence.before(place)
    names = [one.subject.name for one in named]
    if sorted(names) == ["IORB", "SOFR"]:
        spread = lexicon().subjects["SOFR over IORB"]
        named = [
            Named(named[0].item, spread, ""),
        ]
    named = [one for one in named if one.item.kind == "series"]
    if not sentence.chinese and next_word(sentence, place) not in {"", *lexicon().closing}:
        return  # "elevated risks"
    yield from make_each(
        sentence, place, named, kind="level", direction=sentence.items[place].payload
    )


def _at(sentence: Sentence, place: int) -> Iterator[Claim]:
    """Read "The yield stands at 4.2 %", "gold topped $4,000"."""
    item = sentence.items[place]
    number = number_at(sentence, place + 1)
    if number is None or sentence.gap(item, number).strip(" 的了$~至") not in ("", "the", "a"):
        return
    behind = place and sentence.items[place - 1].kind in ("move", "particle", "halve")
    if behind:
        return  # "fell below 100" is read with its verb
    yield from _levels(sentence, place, sentence.before(place, inherit=True), (item, number))


def _levels(
    sentence: Sentence, place: int, named: Sequence[Named], level: tuple[Item | None, Item]
) -> Iterator[Claim]:
    word, number = level
    tail = sentence.plain[number.end :].lower().lstrip()
    if tail.startswith("/") or tail.split(" ")[0].strip(".,;") in lexicon().currencies:
        return
    at = sentence.items[place].start
    hedged = (one for one in sentence.items if (one.kind, one.payload) == ("hedge", "about"))
    if any(0 <= at - one.end <= 2 for one in hedged):
        return  # "nearly breaking below"
    comparator = word.kind if word is not None and word.kind in ("over", "under") else "about"
    for one in named:
        words = sentence.plain[one.item.start : one.item.end].lower()
        if one.subject.name == "the dollar index" and not re.search("index|dxy|指", words):
            continue  # "the dollar at 143.20" is in yen
        percent = one.subject.name in lexicon().percent
        unit = number.value.unit
        if (unit == "return") != percent or unit not in ("return", "level"):
            continue
        value = number.value.value * 100 if percent else number.value.value
        yield make_claim(
            sentence, place, [one], kind="level", value=value, comparator=comparator,
            unit="percent" if percent else "level", last=number,
        )  # fmt: skip


def _range(sentence: Sentence, place: int) -> Iterator[Claim]:
    """Read "Consolidating at high levels for several months"."""
    named = [one for one in sentence.before(place) if one.item.kind == "series"]
    if next_word(sentence, place) in ("losses", "gains"):
        return
    span, _, _, _ = span_behind(sentence, place)
    flat = sentence.text[sentence.items[place].start : sentence.items[place].end].lower() in (
        "flat", "little changed", "unchanged", "went nowhere",
    )  # fmt: skip
    if flat and span is None:
        yield from make_each(sentence, place, named, kind="change", direction="flat")
        return
    yield from make_each(
        sentence, place, named, kind="range", direction="flat", span=span or _QUARTER
    )


_RULES = {
    "move": _move, "lose": _lose, "halve": _halve, "particle": _particle, "push": _push,
    "extreme": _extreme, "newest": _newest, "record": _newest, "state": _state,
    "at": _at, "over": _at, "under": _at,
    "range": _range, "better": relative, "worse": relative, "rotate": rotate, "sell": sell,
    "confined": confined,
}  # fmt: skip
