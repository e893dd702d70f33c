"""A belt on the finished Markdown: its prose states no number that the gate has not seen."""

import re
from html import unescape

from api.errors import EvidenceError
from api.report.facts import Fact, Said, sentences_of
from api.report.figures import Number, dates_in, numbers_in, plain, without
from api.report.records import WeeklyReport

_FREE = ("## How to read this", "## Method and limits")
"""Sections that explain: their numbers are the method's, not the week's."""


def check_markdown(markdown: str, report: WeeklyReport) -> None:
    """Check the lines that are no table, quote, title or explanation.

    Raises
    ------
    EvidenceError
        For the first line with a number that no checked sentence has.
    """
    sentences = list(sentences_of(report))
    names = [told.name for told in report.told]
    names += [move.name for move in report.tape.moves]
    names += [line.label for line in report.topics.proposed.shown]
    names = [" ".join(name.split()) for name in names]
    known: set[Number] = set()
    days: set[tuple[int | None, int, int]] = set()
    for sentence in sentences:
        facts = _facts(sentence) if isinstance(sentence, Said) else [str(sentence)]
        # What a name holds ("S&P 500") was checked with the name.
        for words in (*facts, str(sentence)):
            known |= set(numbers_in(words))
            days |= set(dates_in(words))
    for line in prose(markdown):
        text = without(line, names)
        if stray := [number for number in numbers_in(text) if number not in known]:
            raise _refuse(line, f"{stray[0].digits} {stray[0].unit}".strip())
        if odd := [day for day in dates_in(text) if day not in days]:
            raise _refuse(line, "-".join(str(part) for part in odd[0]))


def prose(markdown: str) -> list[str]:
    """Return the lines of prose as they read, escapes taken off."""
    lines, free = [], False
    for line in markdown.splitlines():
        if line.startswith("## "):
            free = line in _FREE
        if free or not line or line.startswith(("|", ">", "# ")):
            continue
        text = re.sub(r"\\([\\`*_{}\[\]#|~+-])", r"\1", unescape(line))
        lines.append(plain(text.replace("\u200b", "")))
    return lines


def _facts(said: Said) -> list[str]:
    return [
        part.words
        for clause in said.clauses
        for part in clause.parts.values()
        if isinstance(part, Fact)
    ]


def _refuse(line: str, number: str) -> EvidenceError:
    return EvidenceError(
        f"the line {line!r} states {number!r}, which no checked sentence has: nothing was written;"
        " report it as a bug",
        sentence=line,
    )
