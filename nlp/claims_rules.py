"""What a predicate and its series say together: one rule per kind of claim.

A rule sees one item of a :class:`~nlp.claims_sentence.Sentence` and gives the claims that
begin there. What it cannot read it leaves out: a missing claim is better than a wrong one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from nlp.claims_sentence import PREDICATES, Named, Sentence
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
from nlp.claims_timing import span_behind, timing
from nlp.claims_words import Item, lexicon
from store.records import Claim, ClaimDate, ClaimSpan, Subject

_BE = frozenset({
    "", "is", "are", "was", "were", "futures", "price", "prices", "trades", "trade", "trading",
    "traded", "closes", "closed", "ends", "ended", "moves", "moved", "slightly", "sharply", "much",
    "modestly", "'s", "shares", "stock", "also", "still", "now", "index", "finished", "opened",
})  # fmt: skip
# What turns "record high" into a place that something is measured from.
_MEASURED_FROM = ("from", "below", "off", "under", "of", "since", "than", "after", "near")
_LATIN_WORDS = 6
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


def _claim(
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


def _each(sentence: Sentence, place: int, named: Sequence[Named], **what: Any) -> Iterator[Claim]:
    """Yield the same claim of each series that is named."""
    for one in named:
        yield _claim(sentence, place, [one], **what)


def _move(sentence: Sentence, place: int) -> Iterator[Claim]:
    """ "Gold fell more than 3 % in two days", "a 3 % fall in gold", "gold rose to $4,000"."""
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
        named = _object_of(sentence, place)
    number, comparator, hedges = size_of(sentence, place)
    breadth = _breadth_before(sentence, place) or (
        _breadth_after(sentence, place) if not named else None
    )
    if breadth is not None:
        yield from _breadth(sentence, place, breadth, direction, strong)
        return
    named = [one for one in named if one.item.kind != "company" or _is_share(sentence, one, number)]
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
            yield _claim(sentence, place, [one], kind="change", direction=direction, **what)


def _lose(sentence: Sentence, place: int) -> Iterator[Claim]:
    """ "Gold lost 3 %"; without a number one can lose anything."""
    if size_of(sentence, place)[0] is not None:
        yield from _move(sentence, place)


def _halve(sentence: Sentence, place: int) -> Iterator[Claim]:
    """ "Bitcoin halved", "gold doubled"."""
    direction = sentence.items[place].payload.partition(" ")[0]
    value = 0.5 if direction == "down" else 1.0
    if next_word(sentence, place) == "down":
        return  # "doubles down"
    yield from _each(
        sentence, place, sentence.before(place), kind="change", direction=direction, strong=True,
        value=value, unit="return",
    )  # fmt: skip


def _particle(sentence: Sentence, place: int) -> Iterator[Claim]:
    """ "Gold is down 3 %", "stocks higher": only right behind the series."""
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
    """ "... are pushing up long-term yields"."""
    direction = sentence.items[place].payload
    for one in sentence.after(place):
        if one.item.kind != "company":
            yield _claim(sentence, place, [one], kind="change", direction=direction)


def _extreme(sentence: Sentence, place: int) -> Iterator[Claim]:
    """ "The lowest in two years", "a two-year low", "the highest since 2022"."""
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
        span, hedges, at_least = before.value, *hedges_before(sentence, place - 1)
    elif sentence.text[item.start : item.end].lower() not in (
        "low",
        "lows",
        "high",
        "highs",
        "peak",
    ):
        span, since, at_least, hedges = span_behind(sentence, place)
    if before is not None and before.kind == "date" and "以来" in sentence.gap(before, item):
        since = before.value
    word = sentence.text[item.start : item.end]
    if span is None and since is None and not (sentence.chinese and word.startswith("新")):
        return
    if span is not None and span.unit == "hours" and span.amount <= 24:
        return
    yield from _extremes(sentence, place, item.payload.split()[0], span, since, at_least, hedges)


def _newest(sentence: Sentence, place: int) -> Iterator[Claim]:
    """ "Reached new highs", "hit a record low"."""
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
    named = sentence.before(place, inherit=True) or _object_of(sentence, place)
    for one in named:
        if one.item.kind == "company" and not _is_share(sentence, one, None):
            continue
        yield _claim(
            sentence, place, [one], kind="extreme", direction=direction, span=span, since=since,
            at_least=at_least, hedges=hedges,
        )  # fmt: skip


def _state(sentence: Sentence, place: int) -> Iterator[Claim]:
    """ "Reserves remain low", "SOFR and IORB are not loose"."""
    named = sentence.before(place)
    names = [one.subject.name for one in named]
    if names == ["SOFR", "IORB"] or names == ["IORB", "SOFR"]:
        spread = lexicon().subjects["SOFR over IORB"]
        named = [
            Named(named[0].item, spread, ""),
        ]
    named = [one for one in named if one.item.kind == "series"]
    if not sentence.chinese and next_word(sentence, place) not in {"", *lexicon().closing}:
        return  # "elevated risks"
    yield from _each(sentence, place, named, kind="level", direction=sentence.items[place].payload)


def _at(sentence: Sentence, place: int) -> Iterator[Claim]:
    """ "The yield stands at 4.2 %", "gold topped $4,000"."""
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
    if any(one.kind == "hedge" and one.payload == "about" and 0 <= sentence.items[place].start - one.end <= 2
           for one in sentence.items):  # fmt: skip
        return  # "nearly breaking below"
    comparator = word.kind if word is not None and word.kind in ("over", "under") else "about"
    for one in named:
        percent = one.subject.name in lexicon().percent
        unit = number.value.unit
        if (unit == "return") != percent or unit not in ("return", "level"):
            continue
        value = number.value.value * 100 if percent else number.value.value
        yield _claim(
            sentence, place, [one], kind="level", value=value, comparator=comparator,
            unit="percent" if percent else "level", last=number,
        )  # fmt: skip


def _range(sentence: Sentence, place: int) -> Iterator[Claim]:
    """ "Consolidating at high levels for several months"."""
    named = [one for one in sentence.before(place) if one.item.kind == "series"]
    span, _, _, _ = span_behind(sentence, place)
    flat = sentence.text[sentence.items[place].start : sentence.items[place].end].lower() in (
        "flat", "little changed", "unchanged", "went nowhere",
    )  # fmt: skip
    if flat and span is None:
        yield from _each(sentence, place, named, kind="change", direction="flat")
        return
    yield from _each(sentence, place, named, kind="range", direction="flat", span=span or _QUARTER)


def _relative(sentence: Sentence, place: int) -> Iterator[Claim]:
    """ "Gold outperformed stocks"."""
    left, right = sentence.before(place), sentence.after(place)
    if not left or not right or any(one.item.kind == "company" for one in (*left, *right)):
        return
    if sentence.items[place].kind == "worse":
        left, right = right, left
    last = sentence.after(place)[-1].item
    claim = _claim(sentence, place, left, kind="relative", last=last)
    yield replace(claim, others=tuple(one.subject for one in right))


def _rotate(sentence: Sentence, place: int) -> Iterator[Claim]:
    """ "The focus moved from X to Y", "money is fleeing risk assets and rushing to the dollar"."""
    if any(item.kind == "rotate" for item in sentence.items[:place]):
        return
    away = _away_from(sentence, place)
    towards: list[Named] = []
    group = ""
    for other in range(place + 1, len(sentence.items)):
        item = sentence.items[other]
        before = sentence.plain[: item.start].lower()[-34:]
        into = max(before.rfind(f" {word} ") for word in ("to", "towards", "toward", "into"))
        into = max(into, *(before.rfind(word) for word in ("转向", "流向", "涌向", "涌入", "到")))
        out = max(before.rfind(f" {word} ") for word in ("from", "fleeing", "fled", "of", "flee"))
        out = max(out, *(before.rfind(word) for word in ("从", "逃离", "撤离")))
        if item.kind == "breadth" and out > into:
            group = item.payload
        named = sentence.named(other)
        if named is None or named.item.kind == "company" or (max(into, out) < 0 and not towards):
            continue
        (away if out > into and not towards else towards).append(named)
    if towards and (away or group):
        claim = _claim(sentence, place, towards, kind="relative", group=group)
        # The words may be another's, as in a list of three that "like gold" explains.
        yield replace(
            claim,
            others=tuple(one.subject for one in away),
            span=claim.span or (None if group else _QUARTER),
        )
    elif group:
        claim = _claim(sentence, place, [], kind="breadth", direction="down")
        yield replace(claim, group=group)


def _away_from(sentence: Sentence, place: int) -> list[Named]:
    """Return what stands between 从 and the verb: 从科技股转向黄金."""
    if not sentence.chinese or "从" not in sentence.plain[: sentence.items[place].start]:
        return []
    start = sentence.plain.rindex("从", 0, sentence.items[place].start)
    named = (sentence.named(other) for other in range(place))
    return [one for one in named if one is not None and one.item.start > start]


def _sell(sentence: Sentence, place: int) -> Iterator[Claim]:
    """ "Everyone is selling everything"."""
    breadth = _breadth_after(sentence, place)
    if breadth is not None:
        yield from _breadth(sentence, place, breadth, "down", "")


def _breadth(
    sentence: Sentence, place: int, breadth: Item, direction: str, strong: str
) -> Iterator[Claim]:
    """Yield the claim of all assets, and the same of each that the sentence names before it."""
    members: list[Named] = []
    for other in range(min(place, sentence.items.index(breadth)) - 1, -1, -1):
        if sentence.items[other].kind in PREDICATES:
            break
        named = sentence.named(other)
        if named is not None and named.item.kind != "company" and not named.metric:
            members.insert(0, named)
    claim = _claim(
        sentence, place, members, kind="breadth", direction=direction, strong=bool(strong),
        group=breadth.payload, last=breadth,
    )  # fmt: skip
    yield claim
    for one in members:
        yield replace(
            claim, kind="change", group="", subjects=(one.subject,), hedges=(),
            phrase=sentence.text[one.item.start : max(sentence.items[place].end, breadth.end)],
        )  # fmt: skip


def _confined(sentence: Sentence, place: int) -> Iterator[Claim]:
    """ "Its impact was concentrated in crypto"."""
    named = sentence.after(place, words=_LATIN_WORDS)
    if named:
        yield _claim(sentence, place, named, kind="confined", direction="down")


def _breadth_before(sentence: Sentence, place: int) -> Item | None:
    for other in range(place - 1, -1, -1):
        item = sentence.items[other]
        if item.kind == "breadth":
            return item if sentence.near(item, sentence.items[place], words=3) else None
        if item.kind in PREDICATES or item.kind in ("series", "bare", "company"):
            return None
    return None


def _breadth_after(sentence: Sentence, place: int) -> Item | None:
    following = sentence.items[place + 1] if place + 1 < len(sentence.items) else None
    if following is None or following.kind != "breadth":
        return None
    return following if sentence.near(sentence.items[place], following, words=2) else None


def _object_of(sentence: Sentence, place: int) -> list[Named]:
    """Return the series of "a fall in gold", "new highs for silver", "黄金的跌幅" read backwards."""
    named = sentence.after(place)
    if not named:
        return []
    gap = sentence.gap(sentence.items[place], named[0].item).split()
    # "One of the worst drops in the S&P 500" is about one of its members.
    plural = sentence.text[sentence.items[place].start : sentence.items[place].end].endswith("s")
    move = sentence.items[place].kind == "move"
    return named if gap and gap[0] in ("in", "of", "for") and not (plural and move) else []


def _is_share(sentence: Sentence, one: Named, number: Item | None) -> bool:
    """Return whether a company's name stands for its share: with "stock", or with per cent."""
    tail = sentence.plain[one.item.end : one.item.end + 10].lower()
    head = sentence.plain[: one.item.start].lower()
    worded = any(word in tail for word in ("stock", "share")) or head.endswith("shares of ")
    return worded or (number is not None and number.value.unit == "return" and not one.metric)


_RULES = {
    "move": _move, "lose": _lose, "halve": _halve, "particle": _particle, "push": _push, "extreme": _extreme,
    "newest": _newest, "record": _newest, "state": _state, "at": _at, "over": _at, "under": _at,
    "range": _range, "better": _relative, "worse": _relative, "rotate": _rotate, "sell": _sell,
    "confined": _confined,
}  # fmt: skip


def subjects(claims: Sequence[Claim]) -> list[Subject]:
    """Return every subject of claims once, in order."""
    return list(dict.fromkeys(one for claim in claims for one in (*claim.subjects, *claim.others)))
