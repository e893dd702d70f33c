"""The headline and the short list under it."""

from collections.abc import Sequence

from api.report.basis import Outside
from api.report.citations import (
    answer_row,
    move_row,
    outside_count,
    passing_fact,
    share_rows,
    tested_fact,
    week_rows,
)
from api.report.facts import Clause, Fact, Name, Said, Sentence, clause, fact, say
from api.report.material import Material
from api.report.records import Dispute, Inquiry, Review, Tape, Told, Week
from api.report.recounted import of_outside, of_review

_OUTCOMES = {
    "hit": "{hit} came true (that answer does not stand)",
    "miss": "{miss} did not",
    "open": "{open} cannot be judged yet",
    "none": "{none} has no value to judge it by",
}


def headline_of(week: Week, tape: Tape, told: Sequence[Told]) -> Said:
    """Say in one sentence what moved most and what was told most."""
    clauses = [*_largest(tape), *_told_most(week, told)]
    return Said(*clauses) if clauses else say("nothing can be ranked yet for this week")


def told_words(material: Material, told: Sequence[Told]) -> list[Said]:
    """Say which narrative was told most."""
    days = material.week.sessions
    if not told or not told[0].share:
        return []
    one = told[0]
    share = share_rows(one.narrative_id, days)
    return [
        say(
            "the story told most was “{name}”, in {share} of stories (interval {low} to {high};"
            " {stories})",
            name=_narrative(one),
            share=fact(one.share, "percent", "mean", share),
            low=fact(one.low, "bare_percent", "low", share),
            high=fact(one.high, "percent", "high", share),
            stories=fact(
                one.stories, "stories", "sum", week_rows(one.narrative_id, days, "stories")
            ),
        )
    ]


def changed_words(material: Material, rose: Sequence[Told], fell: Sequence[Told]) -> list[Said]:
    """Say which narratives rose and fell most."""
    clauses = [
        _changed(material, group[0], f"“{{name}}” {verb} most ({{change}}{{chance}})")
        for group, verb in ((rose, "rose"), (fell, "fell"))
        if group
    ]
    return [Said(*clauses)] if clauses else []


def change_lines(material: Material, told: Sequence[Told], verb: str) -> list[Said]:
    """Say of each narrative from which share to which it went."""
    days = material.week.sessions
    return [
        Said(
            _changed(
                material,
                one,
                f"“{{name}}” {verb} from {{before}} to {{share}} of stories ({{change}}{{chance}})",
                before=fact(
                    one.previous_share,
                    "percent1",
                    "mean",
                    share_rows(one.narrative_id, material.previous),
                ),
                share=fact(one.share, "percent1", "mean", share_rows(one.narrative_id, days)),
            )
        )
        for one in told
    ]


def dispute_words(disputes: Sequence[Dispute]) -> list[Said]:
    """Say on which narrative the stories are most evenly divided."""
    if not disputes:
        return []
    (counted,) = disputes[0].lead.clauses
    template = f"most disputed is “{{name}}”, with {counted.template}"
    return [Said(clause(template, **counted.parts))]


def review_words(review: Review) -> list[Said]:
    """Say in one sentence how last week's conditions came out."""
    if review.day is None or not review.last:
        return []
    row, counts = answer_row(review.day, "date"), of_review(review)
    parts = {
        score: fact(counts[f"review.{score}"], "plain", "again", row, about=f"review.{score}")
        for score in _OUTCOMES
        if counts[f"review.{score}"]
    }
    outcome = ", ".join(_OUTCOMES[score] for score in parts)
    return [
        say(
            "last week’s report, on the move of {day}, set {all} that would overturn its answer:"
            f" {outcome}",
            day=fact(review.day.isoformat(), "day", "row", row),
            all=fact(counts["review.all"], "conditions", "again", row, about="review.all"),
            **parts,
        )
    ]


def scan_words(material: Material, passing: int | None) -> list[Said]:
    """Say how many cells of the scan stand out; None without a scan."""
    if passing is None:
        return []
    if not any(cell.effect is not None for cell in material.cells):
        return [say("lead and lag: too few days yet for any estimate")]
    tested = tested_fact(material.cells)
    if not passing:
        return [
            say(
                "lead and lag: of {tested} combinations of narrative, asset and delay, none stands"
                " out once the number of trials is taken into account",
                tested=tested,
            )
        ]
    return [
        say(
            "lead and lag: of {tested} combinations of narrative, asset and delay, {passing} out"
            " even so (exploratory: not yet tested on new data)",
            tested=tested,
            passing=passing_fact(passing),
        )
    ]


def outside_words(outside: Outside) -> list[Said]:
    """Say what the narratives do not cover, and which word rose most there."""
    if not outside.stories:
        return []
    counts = of_outside(outside)
    stories = outside_count(counts, "outside.stories", "stories")
    if not outside.tested:
        return [say("outside the list of narratives: {stories}", stories=stories)]
    if not outside.passing:
        return [
            say(
                "outside the list of narratives: {stories}, in whose headlines no single word rose"
                " beyond chance",
                stories=stories,
            )
        ]
    return [
        say(
            "outside the list of narratives: {stories}; the word that rose most there is “{word}”",
            stories=stories,
            word=outside_count(counts, "outside.word.0", "text"),
        )
    ]


def tape_words(tape: Tape, inquiry: Inquiry | None) -> list[Sentence]:
    """Say what really moved, and what the answer to it is."""
    if inquiry is None or tape.premise is None:
        return []
    return [tape.premise, inquiry.verdict]


def _largest(tape: Tape) -> list[Clause]:
    largest = tape.moves[0] if tape.moves and tape.moves[0].sigma is not None else None
    if largest is None or tape.day is None:
        return []
    row = move_row(tape.day, largest.asset_id, "change")
    return [
        clause(
            "{name} {moved} {size} on {day}, {times} its usual daily move",
            name=Name(kind="asset", id=largest.asset_id, words=largest.name),
            moved=fact(largest.change, "moved", "row", row),
            size=fact(largest.change, f"size_{largest.unit}", "row", row),
            times=fact(
                largest.sigma, "times", "row", move_row(tape.day, largest.asset_id, "sigma")
            ),
            day=fact(
                tape.day.isoformat(), "long_day", "row",
                move_row(tape.day, largest.asset_id, "date"),
            ),
        )
    ]  # fmt: skip


def _told_most(week: Week, told: Sequence[Told]) -> list[Clause]:
    most = next((one for one in told if one.share), None)
    if most is None:
        return []
    return [
        clause(
            "the story told most was “{name}” ({share} of stories)",
            name=_narrative(most),
            share=fact(most.share, "percent", "mean", share_rows(most.narrative_id, week.sessions)),
        )
    ]


def _changed(material: Material, one: Told, template: str, **parts: Fact) -> Clause:
    now = share_rows(one.narrative_id, material.week.sessions)
    before = share_rows(one.narrative_id, material.previous)
    return clause(
        template,
        name=_narrative(one),
        change=fact(one.change, "points", "difference", now, before),
        chance=fact(one.is_clear, "clear", "clear", now, before),
        **parts,
    )


def _narrative(one: Told) -> Name:
    return Name(kind="narrative", id=one.narrative_id, words=one.name)
