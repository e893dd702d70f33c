"""Sentences that ``align`` stored, held against the rows of the same answer.

Every number in one has to occur among the answer's moves, suspects, analogs, conditions, counts
and dates, rounded as it is printed. A change with its sigma has to be that of one move whose
name stands in the sentence.
"""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any

from align.catalogue import asset_words
from api import wording
from api.errors import EvidenceError
from api.report.facts import Stored
from api.report.figures import Number, dates_in, day_key, numbers_in, without
from api.report.material import Material
from store.records import Explanation, Move

_PAIR = re.compile(r"(?<![\d.,+-])([+-]?\d[\d.,]*) (%|bp|points)(?: \(|, )([+-]\d+\.\d|0\.0) sigma")
# What the sentence alone holds: no row of an answer has the count of such days or the limit.
_OWN = re.compile(r"told as much on \d+ earlier days|under the \d+(?:st|nd|rd|th)\b")
_SIGMA = re.compile(r" \([+-]?[\d.]+ sigma\)")
_WITHOUT_ROWS = ("The move over ", "Nearest large days of any kind")
"""Starts of the sentences on analogs whose numbers are in no row; a report leaves them out."""


def with_rows(statement: str) -> str:
    """Return the sentences of a statement on analogs that rows of the answer can show."""
    kept = [
        part
        for part in re.split(r"(?<=[.)]) (?=[A-Z])", statement)
        if not part.startswith(_WITHOUT_ROWS)
    ]
    return " ".join(kept)


def check_stored(sentence: Stored, answer: Explanation | None, material: Material) -> None:
    """Check a stored sentence against its answer.

    Raises
    ------
    EvidenceError
        When the answer is gone, holds no such sentence, or has not its numbers.
    """
    if answer is None:
        raise _refuse(sentence, f"cites an answer for {sentence.day} that is not stored")
    narratives = {narrative.id: narrative.name for narrative in material.narratives}
    held = {wording.with_names(text, narratives) for text in _texts(answer, sentence.part)}
    if sentence not in held:
        raise _refuse(sentence, f"is not the {sentence.part} stored for {sentence.day}")
    if sentence.part == "condition":
        return  # of an answer from before conditions had numbers: the sentence is the row
    _check_pairs(sentence, answer)
    if stray := _strays(sentence, answer, material):
        raise _refuse(sentence, f"states {stray[0]!r}, which no row of that answer has")


def that_rows_show(remark: str, answer: Explanation, material: Material) -> str:
    """Return a remark on a suspect, its sigmas left out where they are those of no row.

    An asset that is not listed can speak against a narrative; its move is not stored. Empty for
    a remark with other numbers that no row has, as answers of older versions hold.
    """
    for words in (remark, _SIGMA.sub("", remark)):
        if not _strays(words, answer, material):
            return words
    return ""


def _strays(sentence: str, answer: Explanation, material: Material) -> list[str]:
    """Return the numbers and dates of a sentence that no row of the answer has."""
    text = _OWN.sub(" ", without(sentence, _names(answer, material)))
    days = {day_key(day) for day in _values(answer, date)}
    days |= {day_key(one.found_on) for one in material.narratives if one.found_on is not None}
    stray = [
        f"{day}/{month}"
        for year, month, day in dates_in(text)
        if not any((year or known[0], month, day) == known for known in days)
    ]
    known = _numbers(answer)
    return stray + [
        f"{number.digits} {number.unit}".strip()
        for number in numbers_in(text)
        if number not in known
    ]


def _refuse(sentence: Stored, why: str) -> EvidenceError:
    return EvidenceError(
        f"the stored sentence {str(sentence)!r} {why}: nothing was written; run 'tapestory align'"
        " to explain that day again",
        sentence=sentence,
    )


def _texts(answer: Explanation, part: str) -> list[str]:
    if part == "fired":
        said = [text for suspect in answer.suspects for text in suspect.fired]
        return [*said, *(_SIGMA.sub("", text) for text in said)]
    if part == "condition":
        words = [one.condition for one in answer.falsifiers]
        return [text[:1].upper() + text[1:] for text in words]
    if part == "analog_statement":
        return [with_rows(answer.analog_statement)]
    return [answer.none_of_these if part == "none_of_these" else answer.premise]


def _check_pairs(sentence: Stored, answer: Explanation) -> None:
    """Check that each change stands with the sigma of the same move, and with its name."""
    spoken = asset_words().spoken
    for change, unit, sigma in _PAIR.findall(sentence):
        moves = [
            move
            for move in answer.moves
            if Number(change.replace(",", ""), unit) in set(_of_move(move))
            and wording.fixed(move.sigma, 1, signed=True) == sigma
        ]
        names = {name.casefold() for move in moves for name in (move.name, move.asset_id)}
        names |= {spoken.get(move.asset_id, move.name).casefold() for move in moves}
        if not any(name in sentence.casefold() for name in names):
            raise _refuse(sentence, f"states {change} {unit} ({sigma} sigma), which is no move’s")


def _names(answer: Explanation, material: Material) -> list[str]:
    """Return the names that may hold digits of their own: of what the answer is about."""
    spoken = asset_words().spoken
    names = [name for move in answer.moves for name in (move.name, spoken.get(move.asset_id, ""))]
    names += [spoken.get(line.series, "") for line in answer.plumbing]
    names += [line.name for line in answer.plumbing]
    names += [narrative.name for narrative in material.narratives]
    rows = [material.episodes.get(analog.episode) for analog in answer.analogs]
    return [*names, *(str(row["name"]) for row in rows if row is not None)]


def _numbers(answer: Explanation) -> set[Number]:
    """Return the numbers of an answer in the roundings that its sentences use."""
    known = {number for move in answer.moves for number in _of_move(move)}
    for value in _values(answer, float):
        known |= {Number(wording.fixed(value, digits, signed=signed))
                  for digits in (0, 1, 2) for signed in (False, True)}  # fmt: skip
        known.add(Number(wording.fixed(100 * value, 1), "%"))
        known.add(Number(wording.percentile(value).removesuffix(" percentile")[:-2], "th"))
    known |= {Number(str(value)) for value in _values(answer, int)}
    for line in answer.plumbing:
        known.add(Number(str(round(line.value)), line.unit if line.unit in ("bp", "%") else ""))
    suspects = answer.suspects
    counts = [len(suspects), sum(one.rejected for one in suspects)]
    counts.append(sum(one.rejected and one.status in ("possible", "quiet") for one in suspects))
    counts += [sum(one.status == status for one in suspects) for status in wording.STATUS_WORDS]
    # "and 3 more" ends a list of analogs that is cut.
    counts += range(len(answer.analog_like))
    return known | {Number(str(count)) for count in counts}


def _of_move(move: Move) -> Iterator[Number]:
    """Yield a move as a sentence may print it."""
    unit = {"return": "%", "bp": "bp", "points": "points"}[move.unit]
    scale = 100.0 if move.unit == "return" else 1.0
    digits = 0 if move.unit == "bp" else 1
    for value in (move.change, abs(move.change)):
        for signed in (False, True):
            yield Number(wording.fixed(scale * value, digits, signed=signed), unit)
    if move.sigma is not None:
        yield Number(wording.fixed(move.sigma, 1, signed=True), "σ")


def _values(value: Any, kind: type) -> Iterator[Any]:
    """Yield every value of a kind in a record, however deep."""
    if isinstance(value, kind) and not isinstance(value, bool):
        yield value
    elif is_dataclass(value):
        for field in fields(value):
            yield from _values(getattr(value, field.name), kind)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _values(part, kind)
