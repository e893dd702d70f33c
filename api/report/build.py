"""Put a report together: select, compute, and say it in a headline and a summary."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from api import wording
from api.charts.moves import value_label
from api.report.material import Material, select
from api.report.quality import absent_from, quality_of
from api.report.records import (
    Dispute,
    Inquiry,
    Quality,
    Scan,
    Tape,
    Told,
    Week,
    WeeklyReport,
)
from api.report.tape import inquiry_of, scan_of, tape_of
from api.report.told import changed, disputes_in, told_in

if TYPE_CHECKING:
    from store import Store


def build_report(store: "Store", week: str | None, *, now: datetime) -> WeeklyReport:
    """Return the report of a week; the same snapshot gives the same report.

    Parameters
    ----------
    store : Store
        Only read.
    week : str or None
        ISO week such as ``2026-W05``; None takes the last complete week with data.
    now : datetime
        Only decides whether a week that lacks its Friday is over; nothing prints it.

    Raises
    ------
    ConfigError
        When ``week`` is no ISO week, or has no data.
    NotFoundError
        When the database has no data at all.
    """
    return compute(select(store, week, now=now))


def compute(material: Material) -> WeeklyReport:
    """Return the report of the rows selected; pure."""
    names = {narrative.id: narrative.name for narrative in material.narratives}
    told = told_in(material)
    rose, fell = changed(told, up=True), changed(told, up=False)
    tape = tape_of(material)
    inquiry, scan = inquiry_of(material, names), scan_of(material, names)
    disputes = disputes_in(material, told)
    quality = quality_of(material)
    return WeeklyReport(
        week=material.week,
        as_of=material.as_of,
        headline=_headline(material.week, tape, told),
        summary=[
            *_tape_words(tape, inquiry),
            *_told_words(told, rose, fell),
            *_dispute_words(disputes),
            *_scan_words(scan),
            *_quality_words(quality),
        ],
        absent=absent_from(material),
        tape=tape,
        told=told,
        rose=rose,
        fell=fell,
        disputes=disputes,
        inquiry=inquiry,
        scan=scan,
        quality=quality,
    )


def _headline(week: Week, tape: Tape, told: list[Told]) -> str:
    most = next((one for one in told if one.share), None)
    story = (
        f"“{most.name}” was the story told most ({wording.percent(most.share, 0)} of stories)"
        if most is not None
        else ""
    )
    largest = tape.moves[0] if tape.moves and tape.moves[0].sigma is not None else None
    if largest is None or tape.day is None:
        return f"{story}." if story else f"Week {week.name}: nothing can be ranked yet."
    verb = "rose" if largest.change > 0 else "fell"
    size = value_label(replace(largest, change=abs(largest.change)))
    move = f"{largest.name} {verb} {size.lstrip('+')} on {wording.long_day(tape.day)}"
    return f"{move}; {story}." if story else f"{move}: the week's largest move."


def _tape_words(tape: Tape, inquiry: Inquiry | None) -> list[str]:
    if inquiry is None or tape.day is None:
        return []
    return [inquiry.explanation.premise, inquiry.verdict]


def _told_words(told: list[Told], rose: list[Told], fell: list[Told]) -> list[str]:
    said = []
    if told and told[0].share:
        one = told[0]
        around = wording.percent_interval(one.low, one.high, 0)
        said.append(
            f"“{one.name}” was told most: {wording.percent(one.share, 0)} of stories"
            f" (interval {around}; {wording.counted(one.stories, 'story', 'stories')})."
        )
    parts = [
        f"“{group[0].name}” {verb} most ({wording.share_change(group[0].change)}"
        f"{'' if group[0].is_clear else ', intervals overlap'})"
        for group, verb in ((rose, "rose"), (fell, "fell"))
        if group
    ]
    return [*said, f"{'; '.join(parts)}."] if parts else said


def _dispute_words(disputes: list[Dispute]) -> list[str]:
    if not disputes:
        return []
    one = disputes[0]
    return [
        f"Most disputed: “{one.name}”, {wording.counted(one.favor, 'story', 'stories')} for"
        f" and {one.against} against."
    ]


def _scan_words(scan: Scan | None) -> list[str]:
    if scan is None:
        return []
    if not scan.estimated:
        return ["Lead and lag: too few days yet for any estimate."]
    tested = f"{scan.tested:,} cells of narrative, asset and lag"
    if scan.passing:
        return [
            f"Of {tested}, {wording.counted(scan.passing, 'stands', 'stand')} out after adjustment"
            " (exploratory)."
        ]
    return [f"None of {tested} stands out after adjustment for the whole scan."]


def _quality_words(quality: Quality) -> list[str]:
    missing = len(quality.missing_days)
    gaps = f"; {wording.counted(missing, 'session')} missing" if missing else ""
    return [
        f"Rests on {wording.counted(quality.documents, 'document')}"
        f" ({wording.counted(quality.stories, 'story', 'stories')} without copies) from"
        f" {quality.answering} of {wording.counted(len(quality.outlets), 'source')}{gaps}."
    ]
