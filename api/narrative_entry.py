"""A ``[[narrative]]`` entry as a first draft from a topic. Pure; crawled text is data in it."""

import re
import tomllib
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from api.own_file import quoted
from store.records import Topic
from store.rows import Row

LONGEST_NAME, LONGEST_PROPOSITION, LONGEST_EXAMPLE = 80, 240, 300
MOST_KEYWORDS, MOST_EXAMPLES = 12, 3
_LONGEST_ID = 40
_MARK = "# From topic "
_PROPOSITION = """\
# EDIT THIS. A proposition is one assertion that a text can agree or disagree with, such as
# "The dollar is being debased." What stands here is the topic's words and a headline.
"""
_FOUND = """\
# The day of the decision: no test of leads may use an earlier one, for all of this was chosen
# by what had been told and had happened. Leave it as it is.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is written of a narrative that came of a topic.

    Attributes
    ----------
    examples : sequence of str
        Parts of stored texts, as they stand there.
    """

    id: str
    name: str
    proposition: str
    keywords: Sequence[str]
    examples: Sequence[str]
    found_on: date
    topic_id: str
    decided_on: date


def draft(
    topic: Topic,
    quotes: Sequence[Row],
    taken: Collection[str],
    *,
    today: date,
    narrative_id: str | None = None,
    name: str | None = None,
    proposition: str | None = None,
) -> Entry:
    """Return the entry of a topic.

    Parameters
    ----------
    quotes : sequence of rows
        ``quote, title`` of the stories that represent the topic, the first one first.
    taken : collection of str
        Narrative ids that are in use, or were.
    today : date
        The day of the decision, from which on the narrative may be tested for leads.
    narrative_id, name, proposition : str, optional
        What a person chose in place of the draft.
    """
    label = cut(plain(topic.label), LONGEST_NAME) or topic.id
    headlines = [cut(plain(row["title"] or row["quote"]), LONGEST_PROPOSITION) for row in quotes]
    headline = next((text for text in headlines if text), "")
    drafted = f"{label[:1].upper()}{label[1:]}" + (f": {headline}" if headline else "")
    examples = [cut(row["quote"].strip(), LONGEST_EXAMPLE) for row in quotes]
    return Entry(
        id=narrative_id or _id_of(label, topic.id, taken),
        name=plain(name or "") or label,
        proposition=plain(proposition or "") or f"{drafted.rstrip('.')}.",
        keywords=_keywords(topic),
        examples=list(dict.fromkeys(text for text in examples if text))[:MOST_EXAMPLES],
        found_on=today,
        topic_id=topic.id,
        decided_on=today,
    )


def table(entry: Entry) -> str:
    """Return an entry as a ``[[narrative]]`` table below a comment that names its topic."""
    keywords = ", ".join(quoted(word) for word in entry.keywords)
    examples = "".join(f"  {quoted(text)},\n" for text in entry.examples)
    return (
        f"{_MARK}{entry.topic_id}, accepted on {entry.decided_on}.\n"
        "[[narrative]]\n"
        f"id = {quoted(entry.id)}\n"
        f"name = {quoted(entry.name)}\n"
        f"{_PROPOSITION}proposition = {quoted(entry.proposition)}\n"
        f"keywords = [{keywords}]\n"
        f"examples = [\n{examples}]\n"
        f"{_FOUND}found_on = {entry.found_on}\n"
    )


def id_in(text: str, topic_id: str) -> str | None:
    """Return the id of the narrative that stands in a file for a topic; None without one.

    Parameters
    ----------
    text : str
        The file, which is valid TOML.
    """
    lines = text.split("\n")
    for place, line in enumerate(lines):
        if not line.startswith(f"{_MARK}{topic_id},"):
            continue
        for below in range(place + 1, len(lines)):
            stripped = lines[below].strip()
            if stripped.startswith("[[narrative]]"):
                entry = tomllib.loads("\n".join(lines[below:]))["narrative"][0]
                return str(entry["id"]).strip()
            # The comment alone was left: its entry was taken out.
            if stripped.startswith(_MARK) or (stripped and not stripped.startswith("#")):
                break
    return None


def plain(text: str) -> str:
    """Return a text in one line, without what a terminal or an editor could obey."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def cut(text: str, longest: int) -> str:
    """Return the start of a text: whole words where it has any, and nothing added."""
    if len(text) <= longest:
        return text
    start = text[: longest + 1]
    words = start.rsplit(None, 1)[0]
    return words if longest // 2 < len(words) <= longest else text[:longest]


def _id_of(label: str, topic_id: str, taken: Collection[str]) -> str:
    ascii_only = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^a-z0-9]+", "-", ascii_only.lower()).strip("-")
    if len(stem) > _LONGEST_ID:
        stem = stem[: _LONGEST_ID + 1].rpartition("-")[0] or stem[:_LONGEST_ID]
    number, found = 1, stem or topic_id
    while found in taken:
        number += 1
        found = f"{stem or topic_id}-{number}"
    return found


def _keywords(topic: Topic) -> list[str]:
    """Return the words of a topic as keywords; a star at the end would match any ending."""
    words = [plain(word).rstrip("*").strip() for word, _ in topic.words]
    return list(dict.fromkeys(word for word in words if word))[:MOST_KEYWORDS]
