"""What one session holds for the rules: pure functions of stored rows.

Each looks at the session and those before it, never later. A session without a share, that
is one that was not collected, is no session here: it neither alerts nor counts as quiet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from statistics import median
from typing import Any
from urllib.parse import quote as segment

from api import wording
from api.alerts.chance import fisher_exact
from api.alerts.fold import weekdays_between
from api.alerts.rules import Rule
from store.records import (
    AlertFinding,
    ChangeUnit,
    EvidenceRow,
    Explanation,
    Move,
    Quote,
)

PAST = 60  # sessions whose median share is the usual one, as the z-score has it
LEAST_PAST = 20
NEWER, OLDER = 5, 20  # sessions of the two windows of a stance flip
_POSSIBLE = 3  # suspects that are named where none stands out
_STANCES = {1: "favor", -1: "against"}

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Who carried a narrative in a session, and in what words.

    Attributes
    ----------
    sources : int
        Sources with a story of the session that carries it.
    quotes : sequence of Quote
        At most three.
    """

    sources: int
    quotes: Sequence[Quote]


def known(points: Sequence[Row], day: str) -> list[Row]:
    """Return the points of one narrative up to a day that have a share, oldest first."""
    return [point for point in points if point["share"] is not None and point["day"] <= day]


def was_found(found_on: str | None, day: str) -> bool:
    """Return whether a narrative was found before a day, or known beforehand.

    Up to the day itself its talk was tagged afterwards, and helped to find it: that it was loud
    or turned is no news (as in `align.found`).

    Parameters
    ----------
    found_on : str or None
        None for a narrative that was known beforehand.
    """
    return found_on is None or found_on < day


# -- innovation ----------------------------------------------------------------------


def is_loud(rule: Rule, points: Sequence[Row], day: str) -> bool:
    """Return whether a narrative is louder than forecast, before its sources are counted."""
    held = known(points, day)
    if not held or held[-1]["day"] != day or len(held) <= LEAST_PAST:
        return False
    now, usual = held[-1], _usual(held)
    return (
        now["innovation"] is not None
        and now["innovation"] >= rule.level
        and now["stories"] >= rule.stories
        and now["share_low"] is not None
        and now["share_low"] > usual
    )


def loud(rule: Rule, name: str, points: Sequence[Row], day: str, said: Said) -> AlertFinding | None:
    """Return the finding of a narrative that :func:`is_loud`, None when few sources carry it."""
    if said.sources < rule.sources:
        return None
    held = known(points, day)
    now, usual = held[-1], _usual(held)
    narrative, past = now["narrative_id"], min(PAST, len(held) - 1)
    statement = (
        f"{wording.counted(now['stories'], 'story', 'stories')} from"
        f" {wording.counted(said.sources, 'source')} carried it on {_day(day)}:"
        f" {wording.percent(now['share'])} of the day's stories (95 % interval"
        f" {wording.percent_interval(now['share_low'], now['share_high'])}), against a median of"
        f" {wording.percent(usual)} over {past} sessions before;"
        f" {wording.sigma(now['innovation'])} from its own forecast, where the rule asks for"
        f" {rule.level:g} σ."
    )
    return AlertFinding(
        rule="innovation",
        rule_id=rule.id,
        subject=f"narrative:{narrative}",
        day=date.fromisoformat(day),
        severity=1,
        peak=now["innovation"],
        title=f"{name}: told more than forecast",
        statement=statement,
        numbers={
            "confidence": 0.95,
            "level": rule.level,
            "seen": now["innovation"],
            "stories": now["stories"],
            "sources": said.sources,
            "effective_n": now["effective_n"],
            "share": now["share"],
            "share_low": now["share_low"],
            "share_high": now["share_high"],
            "usual_share": usual,
            "sessions_before": past,
        },
        rows=[_intensity_row(narrative, day)],
        quotes=said.quotes,
        path=f"/narrative/{segment(narrative, safe='')}?day={day}",
    )


def _usual(held: Sequence[Row]) -> float:
    return float(median(point["share"] for point in held[-1 - PAST : -1]))


# -- stance --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Stories by side in the newer and the older window, and what chance says of them.

    Attributes
    ----------
    days : sequence of str
        Sessions of both windows, the newest first.
    """

    newer: tuple[int, int]
    older: tuple[int, int]
    days: Sequence[str]
    pvalue: float

    @property
    def side(self) -> int:
        """1 when the newer window is in favor, -1 when it is against."""
        return 1 if self.newer[0] > self.newer[1] else -1


def turned(rule: Rule, points: Sequence[Row], day: str) -> Turn | None:
    """Return the turn of a narrative's stance up to a day, or None when there is none."""
    held = known(points, day)
    if not held or held[-1]["day"] != day or len(held) < NEWER + OLDER:
        return None
    newer, older = _sides(held[-NEWER:]), _sides(held[-NEWER - OLDER : -NEWER])
    days = [point["day"] for point in held[: -NEWER - OLDER - 1 : -1]]
    first = date.fromisoformat(days[NEWER - 1])
    if weekdays_between(first, date.fromisoformat(day)) > 2 * NEWER:
        return None  # most of these sessions were not collected: what is left is older talk
    # The older window is four times as long: twice as many stories are no high demand.
    if sum(newer) < rule.stories or sum(older) < 2 * rule.stories:
        return None
    if _net(newer) * _net(older) >= 0 or abs(_net(newer)) < rule.net:
        return None
    pvalue = fisher_exact((newer, older))
    if pvalue > rule.pvalue:
        return None
    return Turn(newer=newer, older=older, days=days, pvalue=pvalue)


def flip(
    rule: Rule, name: str, narrative: str, day: str, turn: Turn, quotes: Sequence[Quote]
) -> AlertFinding:
    """Return the finding of a turn."""
    (favor, against), (favor_before, against_before) = turn.newer, turn.older
    side, other = _STANCES[turn.side], _STANCES[-turn.side]
    statement = (
        f"Of the stories that take a side, {favor} were in favor and {against} against in the"
        f" {NEWER} sessions to {_day(day)}, after {favor_before} and {against_before} in the"
        f" {OLDER} sessions before: from mostly {other} to mostly {side} (Fisher's exact test,"
        f" p {_pvalue(turn.pvalue)}; the rule asks for {rule.pvalue:g} or less)."
    )
    return AlertFinding(
        rule="stance_flip",
        rule_id=rule.id,
        subject=f"narrative:{narrative}",
        day=date.fromisoformat(day),
        severity=1,
        peak=None,
        title=f"{name}: stance turned from {other} to {side}",
        statement=statement,
        numbers={
            "level": rule.pvalue,
            "seen": turn.pvalue,
            "favor": favor,
            "against": against,
            "favor_before": favor_before,
            "against_before": against_before,
            "sessions": NEWER,
            "sessions_before": OLDER,
            "first_day": turn.days[NEWER - 1],
        },
        rows=[_intensity_row(narrative, one) for one in turn.days],
        quotes=quotes,
        path=f"/narrative/{segment(narrative, safe='')}?day={day}&window={NEWER}",
    )


def _sides(points: Sequence[Row]) -> tuple[int, int]:
    return sum(point["favor"] for point in points), sum(point["against"] for point in points)


def _net(sides: tuple[int, int]) -> float:
    return (sides[0] - sides[1]) / max(1, sum(sides))


def _pvalue(value: float) -> str:
    text = wording.pvalue(value)
    return text if text.startswith("<") else f"= {text}"


# -- suspects ------------------------------------------------------------------------


def suspected(
    rule: Rule, explanation: Explanation, names: Mapping[str, str]
) -> AlertFinding | None:
    """Return the finding of an explained day: a suspect that stands out, or a large move without.

    A suspect of a move of ``rule.undecided`` sigmas or more is the most that an alert can say.
    """
    moves = [move for move in explanation.moves if move.sigma is not None]
    if rule.assets:
        moves = [move for move in moves if move.asset_id in rule.assets]
    largest = max(moves, key=lambda move: abs(move.sigma or 0.0), default=None)
    if largest is None or largest.sigma is None or abs(largest.sigma) < rule.level:
        return None
    large = rule.undecided is not None and abs(largest.sigma) >= rule.undecided
    leading = next((one for one in explanation.suspects if one.status == "leading"), None)
    if explanation.verdict == "suspects" and leading is not None:
        if rule.narratives and leading.narrative_id not in rule.narratives:
            return None
        return _leading(rule, explanation, largest, names, large=large)
    # A narrative that a rule is restricted to has no part in a day without a suspect.
    return _undecided(rule, explanation, largest, names) if large and not rule.narratives else None


def _leading(
    rule: Rule, explanation: Explanation, largest: Move, names: Mapping[str, str], *, large: bool
) -> AlertFinding:
    leading = next(one for one in explanation.suspects if one.status == "leading")
    name = names.get(leading.narrative_id, leading.narrative_id)
    day = explanation.date.isoformat()
    statement = (
        f"“{name}” stands out among the suspects for {_day(day)}: score"
        f" {wording.fixed(leading.score)} (90 % interval"
        f" {wording.interval(leading.low, leading.high)}), clarity"
        f" {wording.fixed(explanation.clarity)}. The largest move was {_move(largest)}."
        " Association, not cause."
    )
    finding = _of_day(rule, explanation, largest, statement)
    return replace(
        finding,
        subject=f"narrative:{leading.narrative_id}",
        severity=3 if large else 2,
        # A narrative's size is that of its innovation; the move's stands among the numbers.
        peak=None,
        title=f"{name}: leading suspect of {wording.day_text(explanation.date)}",
        numbers={
            **finding.numbers,
            "confidence": 0.9,
            "score": leading.score,
            "score_low": leading.low,
            "score_high": leading.high,
        },
        rows=[*finding.rows, _suspect_row(day, leading.narrative_id)],
        # What speaks for it comes first; sorting keeps the order of the rest.
        quotes=sorted(leading.quotes, key=lambda quote: quote.stance != "favor")[:3],
    )


def _undecided(
    rule: Rule, explanation: Explanation, largest: Move, names: Mapping[str, str]
) -> AlertFinding:
    day = explanation.date.isoformat()
    possible = [one for one in explanation.suspects if one.status == "possible"][:_POSSIBLE]
    told = wording.listed(
        [f"“{names.get(one.narrative_id, one.narrative_id)}” ({wording.fixed(one.score)})"
         for one in possible]
    )  # fmt: skip
    rest = f" Not ruled out, by rank and with their scores: {told}." if told else ""
    statement = (
        f"The largest move of {_day(day)} was {_move(largest)}; the rule asks for"
        f" {rule.undecided:g} σ. The verdict is “{explanation.verdict}”: no narrative stands"
        f" out.{rest}"
    )
    finding = _of_day(rule, explanation, largest, statement)
    scores = {f"score_{number}": one.score for number, one in enumerate(possible, start=1)}
    ids = {f"possible_{number}": one.narrative_id for number, one in enumerate(possible, start=1)}
    return replace(
        finding,
        title=f"{largest.name} {_change(largest)} on {wording.day_text(explanation.date)}:"
        f" {explanation.verdict}",
        numbers={**finding.numbers, **ids, **scores},
        rows=[*finding.rows, *(_suspect_row(day, one.narrative_id) for one in possible)],
    )


def _of_day(rule: Rule, explanation: Explanation, largest: Move, statement: str) -> AlertFinding:
    day = explanation.date.isoformat()
    return AlertFinding(
        rule="suspect",
        rule_id=rule.id,
        subject=f"move:{largest.asset_id}",
        day=explanation.date,
        severity=2,
        peak=abs(largest.sigma or 0.0),
        title="",
        statement=statement,
        numbers={
            "level": rule.level,
            "undecided": rule.undecided,
            "seen": largest.sigma,
            "change": largest.change,
            "unit": largest.unit,
            "asset": largest.asset_id,
            "verdict": explanation.verdict,
            "clarity": explanation.clarity,
            "stories": explanation.coverage.stories,
            "sources": explanation.coverage.sources,
        },
        rows=[
            EvidenceRow(table="explanations", key={"date": day, "days": "1"}),
            EvidenceRow(
                table="moves", key={"date": day, "days": "1", "asset_id": largest.asset_id}
            ),
        ],
        path=f"/day/{day}",
    )


def _move(move: Move) -> str:
    return f"{move.name} {_change(move)} ({wording.sigma(move.sigma)})"


def _change(move: Move) -> str:
    unit: ChangeUnit = move.unit
    return wording.change(move.change, unit)


def _suspect_row(day: str, narrative: str) -> EvidenceRow:
    key = {"date": day, "days": "1", "narrative_id": narrative}
    return EvidenceRow(table="suspects", key=key)


def _intensity_row(narrative: str, day: str) -> EvidenceRow:
    return EvidenceRow(table="intensity", key={"narrative_id": narrative, "day": day})


def _day(day: str) -> str:
    return wording.day_text(date.fromisoformat(day))
