"""Claims about several series: all of them, one against another, one alone."""

from collections.abc import Iterator
from dataclasses import replace

from nlp.claims_making import make_claim
from nlp.claims_sentence import PREDICATES, Named, Sentence
from nlp.claims_words import Item
from store.records import Claim, ClaimSpan

_FEW_WORDS = 6
_QUARTER = ClaimSpan(amount=3, unit="months")


def relative(sentence: Sentence, place: int) -> Iterator[Claim]:
    """Read "Gold outperformed stocks"."""
    left, right = sentence.before(place), sentence.after(place)
    if not left or not right or any(one.item.kind == "company" for one in (*left, *right)):
        return
    if sentence.items[place].kind == "worse":
        left, right = right, left
    last = sentence.after(place)[-1].item
    claim = make_claim(sentence, place, left, kind="relative", last=last)
    yield replace(claim, others=tuple(one.subject for one in right))


def rotate(sentence: Sentence, place: int) -> Iterator[Claim]:
    """Read "the focus moved from X to Y", "money is fleeing risk assets for the dollar"."""
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
        claim = make_claim(sentence, place, towards, kind="relative", group=group)
        # The words may be another's, as in a list of three that "like gold" explains.
        yield replace(
            claim,
            others=tuple(one.subject for one in away),
            span=claim.span or (None if group else _QUARTER),
        )
    elif group:
        claim = make_claim(sentence, place, [], kind="breadth", direction="down")
        yield replace(claim, group=group)


def _away_from(sentence: Sentence, place: int) -> list[Named]:
    """Return what stands between 从 and the verb: 从科技股转向黄金."""
    if not sentence.chinese or "从" not in sentence.plain[: sentence.items[place].start]:
        return []
    start = sentence.plain.rindex("从", 0, sentence.items[place].start)
    named = (sentence.named(other) for other in range(place))
    return [one for one in named if one is not None and one.item.start > start]


def sell(sentence: Sentence, place: int) -> Iterator[Claim]:
    """Read "Everyone is selling everything"."""
    breadth = breadth_after(sentence, place)
    if breadth is not None:
        yield from breadth_claims(sentence, place, breadth, "down", "")


def breadth_claims(
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
    claim = make_claim(
        sentence, place, members, kind="breadth", direction=direction, strong=bool(strong),
        group=breadth.payload, last=breadth,
    )  # fmt: skip
    yield claim
    for one in members:
        yield replace(
            claim, kind="change", group="", subjects=(one.subject,), hedges=(),
            phrase=sentence.text[one.item.start : max(sentence.items[place].end, breadth.end)],
        )  # fmt: skip


def confined(sentence: Sentence, place: int) -> Iterator[Claim]:
    """Read "Its impact was concentrated in crypto"."""
    named = sentence.after(place, words=_FEW_WORDS)
    if named:
        yield make_claim(sentence, place, named, kind="confined", direction="down")


def breadth_before(sentence: Sentence, place: int) -> Item | None:
    """Return "all assets" where it is the subject of a word."""
    for other in range(place - 1, -1, -1):
        item = sentence.items[other]
        if item.kind == "breadth":
            return item if sentence.near(item, sentence.items[place], words=3) else None
        if item.kind in PREDICATES or item.kind in ("series", "bare", "company"):
            return None
    return None


def breadth_after(sentence: Sentence, place: int) -> Item | None:
    """Return "all assets" where it is the object of a word."""
    following = sentence.items[place + 1] if place + 1 < len(sentence.items) else None
    if following is None or following.kind != "breadth":
        return None
    return following if sentence.near(sentence.items[place], following, words=2) else None
