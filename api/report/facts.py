"""Sentences that carry their evidence: each number in one is the wording of a cited fact.

A :class:`Said` is text, and knows the clauses that it was made of; a clause is a template
without digits, filled with facts and names. ``gate.py`` reads the cited rows again and lets no
sentence pass that says anything else. A :class:`Stored` sentence was made by ``align`` and is
checked against the rows of the same answer.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime
from typing import Any, Literal

from api import wording
from store.evidence import Between, Where
from store.instants import from_text, to_text

Rule = Literal[
    "row", "sum", "count", "distinct", "mean", "low", "high", "difference", "clear", "rest", "again"
]
NameKind = Literal["narrative", "asset", "episode", "source", "topic"]

FORMS: Mapping[str, Callable[[Any], str]] = {
    "plain": lambda value: f"{value:,}",
    "text": str,
    "stories": lambda value: wording.counted(value, "story", "stories"),
    "documents": lambda value: wording.counted(value, "document"),
    "sources": lambda value: wording.counted(value, "source"),
    "sessions": lambda value: wording.counted(value, "session"),
    "stands": lambda value: wording.counted(value, "stands", "stand"),
    "words": lambda value: wording.counted(value, "word"),
    "conditions": lambda value: wording.counted(value, "condition"),
    "days": lambda value: wording.counted(value, "day"),
    "comparisons": lambda value: wording.counted(value, "comparison"),
    "topics": lambda value: wording.counted(value, "topic"),
    "topics_are": lambda value: wording.counted(value, "topic is", "topics are"),
    "proposed": lambda value: wording.counted(
        value, "topic was proposed as a narrative", "topics were proposed as narratives"
    ),
    "turns": lambda value: wording.counted(value, "split or merge", "splits and merges"),
    "lacking": lambda value: wording.lacking(json.loads(value)),
    "percent": lambda value: wording.percent(value, 0),
    "bare_percent": lambda value: wording.percent(value, 0).removesuffix(" %"),
    "percent1": wording.percent,
    "points": lambda value: wording.share_change(value).replace("pp", "percentage points"),
    "size_return": lambda value: wording.change(abs(value), "return").lstrip("+"),
    "size_bp": lambda value: wording.change(abs(value), "bp").lstrip("+"),
    "size_points": lambda value: wording.change(abs(value), "points").lstrip("+"),
    "moved": lambda value: "rose" if value > 0 else "fell",
    "sigma": wording.sigma,
    "times": lambda value: f"{wording.fixed(abs(value), 1)} times",
    "price2": lambda value: f"{value:,.2f}",
    "fixed": wording.fixed,
    "hours": lambda value: wording.fixed(value, 1),
    "clear": lambda value: "" if value else ", which could be chance",
    "long_day": lambda value: wording.long_day(date.fromisoformat(value)),
    "day": lambda value: wording.day_text(date.fromisoformat(value)),
    "day_of": lambda value: wording.day_text(from_text(value).date()),
}
"""How a stored value is worded; a fact names one of these, and the gate words it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Some rows of the store.

    Attributes
    ----------
    weight : str
        Column that weighs a ``mean``; empty for none.
    path : sequence of str and int
        Where the value stands in a column of JSON.
    """

    table: str
    column: str
    where: Where
    weight: str = ""
    path: Sequence[str | int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A number, a day or a verb in a sentence, and the rows that it comes from.

    Attributes
    ----------
    words : str
        As printed: ``FORMS[form](value)``.
    rule : str
        ``row``: the one row; ``sum``, ``count``, ``distinct``, weighted ``mean`` of rows;
        ``low``, ``high``: bounds of the Wilson interval of that mean; ``difference`` of two
        means and whether it is ``clear``; ``rest``: one less the first column over the second;
        ``again``: a count that the gate makes again, under
        the name in ``about``.
    """

    words: str
    form: str
    rule: Rule
    rows: Sequence[Rows]
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A narrative, asset, episode, source or topic that a sentence names."""

    kind: NameKind
    id: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One statement about one thing: a template without digits and what fills it."""

    template: str
    parts: Mapping[str, Fact | Name] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The clause as it is printed."""
        return self.template.format(**{key: part.words for key, part in self.parts.items()})


class Said(str):
    """A sentence that the report composed; it prints as its text."""

    clauses: tuple[Clause, ...]
    end: str

    def __new__(cls, *clauses: Clause, end: str = ".") -> "Said":
        """Join clauses to a sentence with a capital and a full stop."""
        made = super().__new__(cls, spoken(clauses, end))
        made.clauses, made.end = clauses, end
        return made


def spoken(clauses: Sequence[Clause], end: str) -> str:
    """Return clauses as the text of one sentence."""
    text = "; ".join(clause.text for clause in clauses) + end
    return text[:1].upper() + text[1:]


class Stored(str):
    """A sentence that ``align`` stored with its answer for a day.

    ``part`` names what it is there: ``premise``, ``none_of_these``, ``analog_statement``,
    ``fired`` or ``condition``.
    """

    day: date
    part: str

    def __new__(cls, text: str, *, day: date, part: str) -> "Stored":
        """Return the text with the place that it was stored in."""
        made = super().__new__(cls, text)
        made.day, made.part = day, part
        return made


Sentence = Said | Stored


def say(template: str, /, **parts: Fact | Name) -> Said:
    """Return a sentence of one clause; parts that it does not print are cited all the same."""
    return Said(Clause(template=template, parts=parts))


def clause(template: str, /, **parts: Fact | Name) -> Clause:
    """Return a clause; parts that it does not print are cited all the same."""
    return Clause(template=template, parts=parts)


def fact(value: Any, form: str, rule: Rule, *rows: Rows, about: str = "") -> Fact:
    """Return a fact, worded."""
    return Fact(words=FORMS[form](value), form=form, rule=rule, rows=rows, about=about)


def instants_between(start: datetime, end: datetime) -> Between:
    """Return the instants from ``start`` until before ``end``."""
    return Between(to_text(start), to_text(end))


def sentences_of(value: Any) -> Iterator[Sentence]:
    """Yield every sentence of a report, wherever it stands."""
    if isinstance(value, (Said, Stored)):
        yield value
    elif is_dataclass(value):
        for one in fields(value):
            yield from sentences_of(getattr(value, one.name))
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from sentences_of(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from sentences_of(part)
