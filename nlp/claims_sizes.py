"""How much, and to what level: the numbers around a predicate."""

from nlp.claims_numbers import Quantity
from nlp.claims_sentence import PREDICATES, Sentence
from nlp.claims_words import Item, lexicon
from store.records.claims import ClaimComparator

_FEW_WORDS = 6
_SIZES = ("over", "exceeding", "exceeded", "超过")
_STOPS = PREDICATES | {"series", "bare", "company"}


def size_of(sentence: Sentence, place: int) -> tuple[Item | None, ClaimComparator, tuple[str, ...]]:
    """Return how much it moved, with "more than" and its like."""
    items, item = sentence.items, sentence.items[place]
    if place and items[place - 1].kind == "number" and is_change(items[place - 1]):
        before = items[place - 1]
        if sentence.gap(before, item).strip(" -的") in ("", "daily", "weekly", "one-day", "price"):
            hedges, bound = hedges_before(sentence, place - 1)
            return before, bound, hedges
    for other in range(place + 1, min(place + 5, len(items))):
        found = items[other]
        if found.kind in _STOPS | {"particle"}:
            break
        if found.kind == "number":
            last = items[other - 1]
            to = (
                sentence.plain[: found.start]
                .rstrip()
                .lower()
                .endswith((" to", " at", " within", "至", "到"))
            )
            near = sentence.near(item, found, words=_FEW_WORDS)
            # "Rose over 3 %" is a size, "rose above 3 %" a level.
            word = sentence.text[last.start : last.end].lower()
            place_of = last.kind in ("at", "under") or (last.kind == "over" and word not in _SIZES)
            if not is_change(found) or to or not near or place_of:
                break
            hedges, bound = hedges_before(sentence, other)
            word = sentence.text[item.start : item.end]
            return found, "over" if word.endswith(("超", "逾")) else bound, hedges
    return None, "about", ()


def level_behind(sentence: Sentence, place: int) -> tuple[Item | None, Item] | None:
    """Return the word and number of "fell below 4 %", "rose to $4,000", "跌至97"."""
    items, item = sentence.items, sentence.items[place]
    for other in range(place + 1, min(place + 4, len(items))):
        found = items[other]
        if found.kind in ("over", "under", "at"):
            number = number_at(sentence, other + 1)
            return (found, number) if number and sentence.near(item, number, words=4) else None
        if found.kind == "number":
            to = sentence.plain[: found.start].rstrip().lower().endswith((" to", "至", "到"))
            return (None, found) if to and sentence.near(item, found, words=4) else None
        if found.kind in _STOPS:
            return None
    return None


def number_at(sentence: Sentence, place: int) -> Item | None:
    """Return the number at a place, or right behind the hedges there."""
    while place < len(sentence.items) and sentence.items[place].kind in ("hedge", "over"):
        place += 1
    found = sentence.items[place] if place < len(sentence.items) else None
    return found if found is not None and found.kind == "number" else None


def hedges_before(sentence: Sentence, place: int) -> tuple[tuple[str, ...], ClaimComparator]:
    """Return the hedges right before an item, and whether they make a bound of it."""
    hedges: list[str] = []
    bound: ClaimComparator = "about"
    at = place
    while at and sentence.items[at - 1].kind in ("hedge", "over", "under"):
        other = sentence.items[at - 1]
        if len(sentence.plain[other.end : sentence.items[at].start].strip(" a")) > 1:
            break
        hedges.insert(0, sentence.text[other.start : other.end])
        if "over" in (other.kind, other.payload):
            bound = "over"
        elif "under" in (other.kind, other.payload):
            bound = "under"
        at -= 1
    return tuple(hedges), bound


def is_strong(sentence: Sentence, place: int) -> bool:
    """Return whether "sharply" or its like stands beside the word."""
    item = sentence.items[place]
    return any(
        other.kind == "strongly"
        and min(abs(other.start - item.end), abs(item.start - other.end)) <= 2
        for other in sentence.items[max(0, place - 1) : place + 2]
    )


def is_undone(sentence: Sentence, item: Item) -> bool:
    """Return whether the word is no move of its own: "pares losses", "a losing streak"."""
    if sentence.chinese:
        return False
    following = sentence.plain[item.end :].lower().split(" ")[:2]
    words = sentence.plain[: item.start].lower().split()[-2:]
    word = sentence.plain[item.start : item.end].lower()
    if word in ("gained", "gaining") and following and following[-1].strip(",.").isalpha():
        # One can gain popularity, too.
        return following[-1].strip(",.") not in lexicon().closing
    after = {word.strip(",.;:'\"") for word in following if word}
    return bool(lexicon().undone & set(words)) or bool(lexicon().runs & after)


def next_word(sentence: Sentence, place: int) -> str:
    """Return the word right behind an item, or nothing where a clause ends."""
    tail = sentence.plain[sentence.items[place].end :]
    words = tail.split(maxsplit=1)
    return words[0].strip("\"'").lower() if words and words[0][0].isalpha() else ""


def word_before(sentence: Sentence, item: Item) -> str:
    """Return the word before an item, articles left out."""
    words = sentence.plain[: item.start].lower().split()
    while words and words[-1] in ("a", "the", "its", "their", "all-time", "new"):
        words.pop()
    return words[-1] if words else ""


def is_change(item: Item) -> bool:
    """Return whether a number is the size of a change and no price."""
    assert isinstance(item.value, Quantity)
    return item.value.unit in ("return", "bp", "points")
