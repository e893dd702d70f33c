"""Cells of the report's tables in words, the same in every format."""

import re

from api import wording
from api.report.basis import Lag, Outlet
from api.report.records import Scored, WeeklyReport
from api.report.topic_records import TopicLine

MOST_SOURCES = 12
"""Rows of the tables of sources; the JSON has all."""
MOST_DRIFTS = 6
"""Lines on how narratives drifted; the JSON has all."""
_MOST_QUOTE = 420


def cut(words: str, most: int = _MOST_QUOTE) -> str:
    """Return a text cut after a whole word, with an ellipsis where it was cut."""
    words = " ".join(words.split())
    if len(words) <= most:
        return words
    return words[:most].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def command(words: str) -> tuple[str, str]:
    """Return what a line says of a command, and the command."""
    before, _, after = words.partition(": ")
    return f"{before}: ", after


def fewer(report: WeeklyReport) -> int:
    """Return how many words and stories outside the list are shown: fewer beside topics."""
    if not report.topics.runs:
        return 8
    return 4 if report.outside.passing else 2


def more_words(line: TopicLine) -> str:
    """Return the words of a topic that its label does not have."""
    named = set(re.findall(r"\w+", line.label.casefold()))
    return ", ".join(word for word in line.words if word.casefold() not in named)


def unstopped(words: str) -> str:
    """Return a sentence without its full stop, for a heading."""
    return words.removesuffix(".")


def seen(one: Scored) -> str:
    """Return what a condition was judged by: the close that met it, the nearest, or the mean."""
    falsifier = one.condition.falsifier
    if one.seen is None or one.seen_on is None:
        return "no value"
    if falsifier.statistic == "mean":
        return f"{wording.percent(one.seen)} over {wording.counted(one.sessions, 'session')}"
    day = wording.short_day(one.seen_on)
    if one.score == "hit":
        return f"{one.seen:,.2f} on {day}"
    extreme = "highest" if falsifier.operator in (">", ">=") else "lowest"
    return f"{extreme} close {one.seen:,.2f} on {day}"


def outcome(one: Scored) -> str:
    """Return what became of a condition, and of the answer it was set for."""
    if one.score == "hit":
        return "came true: overturned"
    if one.score == "miss":
        return "did not come true"
    return "cannot be judged yet" if one.score == "open" else "no data"


def hours(lag: Lag | None) -> str:
    """Return the median of a lag, and within how long nine in ten were seen."""
    if lag is None:
        return wording.MISSING
    return f"{wording.fixed(lag.median, 1)}; {wording.fixed(lag.p90, 1)} for nine in ten"


def answered(outlet: Outlet) -> str:
    """Return when a source answered last."""
    if outlet.last_ok_at is not None:
        return wording.instant_text(outlet.last_ok_at)
    return "imported" if outlet.kind == "import" else "never"


def printable(words: str, longest: int = 40) -> str:
    """Return a text without control characters, its longest words parted invisibly.

    A page of fixed width has to break what a screen can scroll; characters that turn the
    direction of a line would turn ours, too.
    """
    plain = "".join(character for character in words if character.isprintable() or character == " ")
    return re.sub(rf"[^\s\u200b]{{{longest}}}", lambda run: run[0] + "\u200b", plain)
