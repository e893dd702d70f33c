"""One sentence under the rules of claims: which series a word speaks of, and under what guard."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from nlp.claims_words import Item, is_chinese, lexicon, plain, read
from store.records import ClaimDate, Subject

PREDICATES = frozenset({
    "move", "lose", "halve", "push", "extreme", "newest", "record", "state", "range",
    "better", "worse",
})  # fmt: skip
_SERIES = ("series", "bare", "company")
# What may stand between the members of a list: "gold, silver and even copper".
_GLUE = re.compile(
    r"[\s,、]*(?:(?:and|&|or|as well as|plus|both|even|the|also|then|to|from|like"
    r"|和|与|及|以及|跟|到|从|甚至|再到)"
    r"[\s,、]*){0,4}",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\([^()]*\)")
_COMMAS = re.compile(r",[^,]*,")
_WORD = re.compile(r"[\w.&'$-]+")
# "Gold to fall", but not "began to fall".
_INFINITIVE = re.compile(
    r"(?<!started)(?<!begun)(?<!began)(?<!begins)(?<!continued)(?<!continues)(?<!choose)(?<!chose)"
    r"(?<!first) to(?: \w{1,20}ly| further| be)?$"
)
# "Gold is up, but is it safe?": the question comes after what is told.
_TOLD = re.compile(r"[,;:-] ?(?:but|and|so|what|is|are|will|should) ", re.IGNORECASE)
_CLAUSE = re.compile(r"[,;:，；：。()]")
_PRICE_WORD = re.compile(r"(?: ?(?:'s|futures|prices?|的|价格)(?![a-z])){0,3}", re.IGNORECASE)
_SHARE_WORD = re.compile(r"(?: ?(?:'s|stock|shares?|的|股价)(?![a-z])){0,3}", re.IGNORECASE)
# What may stand between a predicate and a second one of the same subject.
_GOES_ON = re.compile(
    r"[\s,]*(?:(?:\w{1,20}ing|to|and|at|a|an|the|its|their|of|nearly|almost|about|more|than|on|by"
    r"|hits?|reached|touched|new|fresh|as|sharply|further|percent|two|three|four|five|years?|months?"
    r"|\w{1,12}-(?:day|week|month|year)|[$]?\d[\d.,]{0,20}%?)\b[\s,%-]*){0,10}",
)
_AGAINST = re.compile(
    r"\b(?:against|versus|vs\.?|to) (?:the )?(?:japanese )?(?:yen|mark|pound|euro|swiss)"
    r"|兑(?:日元|人民币|欧元)"
)
_VERBS = ("move", "lose", "halve", "sell", "push")
# Between a series and a word in "-ing" that is said of it.
_BEING = frozenset({
    "is", "are", "was", "were", "been", "be", "keeps", "kept", "started", "began", "still", "now",
    "has", "have", "futures", "prices", "price", "'s", "stopped", "sharply", "steadily",
})  # fmt: skip
_DETERMINERS = frozenset({"the", "a", "even", "spot", "both", "all", "its", "falling", "rising"})
# Words between a series and what is said of it; beyond that they hardly belong together.
_LONGEST_LIST = 12
_NEAR_WORDS, _FAR_WORDS, _NEAR_CHINESE = 5, 12, 24


@dataclass(frozen=True, slots=True)
class Named:
    """A series that the sentence names, and what else it says of it (a metric), if anything."""

    item: Item
    subject: Subject
    metric: str = ""


@dataclass(frozen=True)
class Sentence:
    """A sentence with its items, by its place in the text.

    Attributes
    ----------
    context : ClaimDate or None
        The date at the head of the paragraph.
    """

    text: str
    start: int
    context: ClaimDate | None = None
    items: Sequence[Item] = field(default_factory=tuple)

    @classmethod
    def of(cls, text: str, start: int, context: ClaimDate | None = None) -> "Sentence":
        """Read a sentence."""
        return cls(text, start, context, tuple(read(text)))

    @cached_property
    def plain(self) -> str:
        """The text with plain signs, of the same length."""
        return plain(self.text)

    @cached_property
    def chinese(self) -> bool:
        """Whether the Chinese words were used."""
        return is_chinese(self.text)

    def gap(self, left: Item, right: Item) -> str:
        """Return what stands between two items, lower case."""
        return self.plain[left.end : right.start].lower()

    def near(self, left: Item, right: Item, *, words: int = _NEAR_WORDS) -> bool:
        """Return whether two items may belong together; a parenthesis of commas may lie between."""
        gap = _ASIDE.sub("", self.gap(left, right))
        if self.chinese:
            return len(gap) <= _NEAR_CHINESE and "；" not in gap and "。" not in gap
        if ";" in gap or ": " in gap:
            return False
        aside = gap.strip().startswith(",") and gap.count(",") >= 2
        return len(_WORD.findall(gap)) <= (_FAR_WORDS if aside else words)

    def named(self, place: int) -> Named | None:
        """Return the series at an item, or None where its neighbours make another thing of it."""
        item = self.items[place]
        if item.kind not in _SERIES:
            return None
        words = _SHARE_WORD if item.kind == "company" else _PRICE_WORD
        tail = words.match(self.plain, item.end)
        end = tail.end() if tail else item.end
        if not self.chinese:
            following = _WORD.match(self.plain, end + 1) if end < len(self.plain) else None
            hyphen = self.plain[item.end : item.end + 1] == "-"
            word = following[0].lower() if following else ""
            shares = item.kind == "company" and end > item.end
            if (word in lexicon().after and not shares) or hyphen or self._qualified(item):
                return None
            if item.kind == "bare" and not self._stands_alone(item):
                return None
            if self._part_of_a_name(place):
                return None
        return Named(item, item.value, self._metric(place, end))

    def _qualified(self, item: Item) -> bool:
        """Return whether the word before makes another thing of it: "short-term yields"."""
        words = _WORD.findall(self.plain[max(0, item.start - 24) : item.start])
        last = words[-1].lower() if words else ""
        other = last in lexicon().kinds or last.endswith(("-year", "-month"))
        return other or self.plain[: item.start].endswith("-")

    def _part_of_a_name(self, place: int) -> bool:
        """Return whether the word before makes a name of it: "Hemlo Gold", "Oracle bond yields"."""
        item, before = self.items[place], self.items[place - 1] if place else None
        if before is not None and before.kind == "company" and not self.gap(before, item).strip():
            return True
        words = _WORD.findall(self.plain[: item.start])
        if not words or not self.plain[item.start].isupper() or item.kind == "company":
            return False
        close = self.plain[: item.start].endswith(f"{words[-1]} ")
        others = _WORD.findall(self.plain)
        title_case = sum(word[0].isupper() for word in others) * 2 > len(others)
        known = words[-1].lower() in lexicon().before
        return close and words[-1][0].isupper() and not title_case and not known

    def _stands_alone(self, item: Item) -> bool:
        before = self.plain[: item.start].rstrip()
        last = _WORD.findall(before[-20:])
        possessive = before[-1:] == "'" and before[-2:-1].isalpha()
        at_start = not before or (before[-1] in ",;:.!?\"'()|-" and not possessive)
        verb = any(one.kind in PREDICATES and one.end >= len(before) for one in self.items
                   if one.start < item.start)  # fmt: skip
        return at_start or verb or (bool(last) and last[-1].lower() in lexicon().before)

    def _metric(self, place: int, end: int) -> str:
        """Return the other quantity that is meant: "the forward PE of MAG7", "gold demand"."""
        item = self.items[place]
        if item.payload == "the dollar index" and _AGAINST.search(self.plain.lower(), item.end):
            return "the dollar against one currency"
        for other in self.items[max(0, place - 2) : place + 3]:
            if other.kind != "metric":
                continue
            behind = self.plain[end : other.start]
            near = len(behind.strip(" 的")) <= 12 and not _CLAUSE.search(behind)
            ahead = self.plain[other.end : item.start].lower().split()
            of_it = len(ahead) in (1, 2, 3) and ahead[0] in ("of", "for", "in")
            if (other.start >= end and near) or (other.end <= item.start and of_it):
                return self.plain[other.start : other.end]
        return ""

    def governed(self, item: Item) -> bool:
        """Return whether a preposition makes the series a mere circumstance."""
        if self.chinese:
            return False
        before = self.plain[: item.start].lower().rstrip()
        if before.endswith(lexicon().heads):
            return False
        for word in reversed(_WORD.findall(before[-40:])[-3:]):
            if word not in _DETERMINERS:
                return word in lexicon().prepositions
        return False

    def before(self, place: int, *, inherit: bool = False) -> list[Named]:
        """Return the series that an item speaks of, looking back from it.

        Parameters
        ----------
        inherit : bool
            Take the subject of the predicate before, where no series stands between: "the
            dollar fell sharply, hitting a two-year low".
        """
        for other in range(place - 1, -1, -1):
            gap = self.gap(self.items[other], self.items[place])
            if ")" in gap and "(" not in gap.partition(")")[0]:
                continue  # within a parenthesis that the predicate is not in
            found = self.named(other)
            if found is not None:
                if not found.metric and self._apart(found.item, self.items[place]):
                    return []
                return self.listed(other, step=-1)
            kind = self.items[other].kind
            if kind in ("series", "bare", "company"):
                return []  # a thing that we do not know stands nearer
            if kind in PREDICATES or kind == "particle":
                between = self.gap(self.items[other], self.items[place])
                goes_on = self.chinese or _GOES_ON.fullmatch(between) is not None
                return self.before(other, inherit=True) if inherit and goes_on else []
        return []

    def _apart(self, series: Item, predicate: Item) -> bool:
        """Return whether a series and what follows it are too far apart to belong together."""
        if self.governed(series) or not self.near(series, predicate):
            return True
        if self.chinese or predicate.kind not in (*_VERBS, "particle", "range", "better", "worse"):
            return False
        gap = _ASIDE.sub("", self.gap(series, predicate))
        words = _WORD.findall(_COMMAS.sub(" ", gap))
        ing = self.plain[predicate.start : predicate.end].lower().endswith("ing")
        if ing and predicate.kind == "move" and not gap.lstrip().startswith(","):
            return not set(words) <= _BEING
        if predicate.kind in _VERBS and "," in _COMMAS.sub(" ", gap).rstrip(", ") and not ing:
            return True
        followed = [*words[1:], ""]
        return any(
            word in lexicon().prepositions
            and not after.endswith("day")
            and (word, after) != ("to", "")  # "gold to fall": an infinitive
            for word, after in zip(words, followed, strict=False)
        )

    def after(self, place: int, *, words: int = 3) -> list[Named]:
        """Return the series right behind an item: "a 5 % fall in gold"."""
        for other in range(place + 1, len(self.items)):
            found = self.named(other)
            if found is not None:
                near = self.near(self.items[place], found.item, words=words)
                clause = _CLAUSE.search(self.gap(self.items[place], found.item))
                return self.listed(other, step=1) if near and not clause else []
            if self.items[other].kind in PREDICATES:
                return []
        return []

    def listed(self, place: int, *, step: int) -> list[Named]:
        """Return a series and those listed with it in one direction."""
        first = self.named(place)
        found = [first] if first is not None else []
        at = place
        while found and len(found) < _LONGEST_LIST and 0 <= at + step < len(self.items):
            one, two = sorted((at, at + step))
            other = self.named(at + step)
            gap = self.plain[self.items[one].end : self.items[two].start]
            if other is None or not _GLUE.fullmatch(gap):
                break
            found.append(other)
            at += step
        return sorted(found, key=lambda one: one.item.start)

    def clause_items(self, place: int) -> Iterator[Item]:
        """Yield the items before one in the same clause, the nearest first."""
        for other in range(place - 1, -1, -1):
            if _CLAUSE.search(self.plain[self.items[other].end : self.items[place].start]):
                return
            yield self.items[other]

    def negated(self, place: int) -> bool:
        """Return whether the word is denied."""
        item = self.items[place]
        reach = 8 if self.chinese else 25
        return any(
            other.kind == "not" and item.start - other.end <= reach
            for other in self.clause_items(place)
        )

    def unclear(self, place: int) -> str | None:
        """Return why what stands at an item is no statement about the past, or None."""
        wh = any(item.kind == "wh" and item.start < self.items[place].start for item in self.items)
        # 为什么会暴跌 asks about what was.
        asked = self.chinese and wh
        if not asked and any(item.kind == "modal" for item in self.clause_items(place)):
            return "it speaks of what may come"
        text = self.plain[: self.items[place].start].lower().rstrip()
        verb = self.items[place].kind in _VERBS
        if verb and not self.chinese and _INFINITIVE.search(text[-30:]) is not None:
            return "it speaks of what may come"
        if any(item.kind == "condition" for item in self.items[:place]) and not wh:
            return "it is a condition, not a statement"
        question = self.plain.rstrip("\"' ”").endswith(("?", "？"))
        told = _TOLD.search(self.plain, self.items[place].end) is not None
        if question and not wh and not told:
            return "it is a question"
        return None
