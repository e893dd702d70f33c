"""The lines that open the sections."""

from collections.abc import Sequence

from api.report.basis import Outside, Quality
from api.report.citations import answer_row, outside_count, passing_fact, tested_fact
from api.report.drift import drift_words
from api.report.facts import Fact, Rows, Said, fact, instants_between, say
from api.report.material import Material
from api.report.records import Inquiry, Leads, Review, Scan, Tape, Told
from api.report.recounted import of_outside, of_quality
from api.report.summary import change_lines, review_words
from api.report.topic_records import Drifting, NewTopics
from api.report.topics import lead_words
from store.evidence import Between


def leads_of(
    material: Material,
    *,
    tape: Tape,
    told: tuple[Sequence[Told], Sequence[Told], Sequence[Told]],
    inquiry: Inquiry | None,
    scan: Scan | None,
    review: Review,
    found: tuple[NewTopics, Drifting, Outside],
    quality: Quality,
) -> Leads:
    """Return the lines of every section.

    Parameters
    ----------
    told : tuple
        All narratives, those that rose and those that fell.
    found : tuple
        Topics, drift, and what lies outside the list.
    """
    _, rose, fell = told
    topics, drift, outside = found
    return Leads(
        moved=_moved(tape),
        said=_said(material),
        changed=[*change_lines(material, rose, "rose"), *change_lines(material, fell, "fell")],
        suspects=_suspects(inquiry),
        scan=_scan(material, scan),
        drift=drift_words(drift, material),
        review=review_words(review),
        topics=lead_words(topics),
        outside=_outside(outside),
        quality=_quality(material, quality),
    )


def basis_words(material: Material, quality: Quality) -> Said:
    """Say what the report rests on."""
    window = instants_between(material.week.start, material.week.end)
    inside = {"effective_at": window}
    return say(
        "this report rests on {documents} ({stories} once copies are counted together) from"
        " {answering} of {sources}",
        documents=fact(
            quality.documents, "documents", "count",
            Rows(table="documents", column="id", where=inside),
        ),
        stories=fact(
            quality.stories, "stories", "count",
            Rows(table="documents", column="id", where={**inside, "duplicate_of": None}),
        ),
        answering=fact(
            quality.answering, "plain", "distinct",
            Rows(table="documents", column="source_id", where=inside),
        ),
        sources=fact(
            len(quality.outlets), "sources", "count",
            Rows(table="sources", column="id", where={}),
        ),
    )  # fmt: skip


def _moved(tape: Tape) -> list[Said]:
    if tape.day is None:
        return []
    return [
        say(
            "the week’s largest move, measured by what is usual for each asset, fell on {day}",
            day=fact(tape.day.isoformat(), "long_day", "row", answer_row(tape.day, "date")),
        )
    ]


def _said(material: Material) -> list[Said]:
    days = sorted({row["day"] for row in material.intensity})
    if not days:
        return []
    where = {"day": days}
    return [
        say(
            "narratives by their share of the week’s stories; the small chart shows the last"
            " {sessions}",
            sessions=fact(
                len(days), "sessions", "distinct",
                Rows(table="intensity_latest", column="day", where=where),
            ),
        )
    ]  # fmt: skip


def _suspects(inquiry: Inquiry | None) -> list[Said]:
    if inquiry is None:
        return []
    answer = inquiry.explanation
    day, coverage = answer.date, answer.coverage

    def held(value: float, form: str, *path: str) -> Fact:
        return fact(value, form, "row", answer_row(day, "document", *path))

    return [
        say(
            "every narrative is ranked as a suspect for the move of {day}; a high score is not a"
            " cause",
            day=fact(day.isoformat(), "long_day", "row", answer_row(day, "date")),
        ),
        say(
            "the answer rests on {stories} from {sources} of {expected} that usually speak, with"
            " {share} of the usual weight of sources; its clarity, from nothing to one, is"
            " {clarity}",
            stories=held(coverage.stories, "stories", "coverage", "stories"),
            sources=held(coverage.sources, "plain", "coverage", "sources"),
            expected=held(coverage.sources_expected, "sources", "coverage", "sources_expected"),
            share=held(coverage.share_of_panel, "percent", "coverage", "share_of_panel"),
            clarity=held(answer.clarity, "fixed", "clarity"),
        ),
    ]


def _scan(material: Material, scan: Scan | None) -> list[Said]:
    if scan is None:
        return []
    column = {"first": "window_start", "last": "window_end"}
    cells = material.cells
    days = {
        name: Rows(
            table="alignments",
            column=of,
            where={
                "narrative_id": cells[0].narrative_id,
                "asset_id": cells[0].asset_id,
                "lag": cells[0].lag,
            },
        )
        for name, of in column.items()
    }
    return [
        say(
            "the last scan, {first} to {last}, tried {tested} combinations of a narrative, an"
            " asset and a delay in sessions; {estimated} have enough days for an estimate",
            first=fact(cells[0].window_start.isoformat(), "day", "row", days["first"]),
            last=fact(cells[0].window_end.isoformat(), "day", "row", days["last"]),
            tested=tested_fact(cells),
            estimated=fact(
                scan.estimated, "plain", "count",
                Rows(table="alignments", column="narrative_id",
                     where={"effect": Between(-1e300, 1e300)}),
            ),
        ),
        *_passing(scan),
    ]  # fmt: skip


def _passing(scan: Scan) -> list[Said]:
    if not scan.estimated:
        return [say("no combination has an estimate yet: there are too few days with both")]
    if not scan.passing:
        return [
            say(
                "none stands out once the number of trials is taken into account; those that came"
                " nearest are listed, so that you can see how near"
            )
        ]
    return [
        say(
            "{passing} out once the number of trials is taken into account; all of this is"
            " exploratory, not re-tested on new data",
            passing=passing_fact(scan.passing),
        )
    ]


def _outside(outside: Outside) -> list[Said]:
    if not outside.stories:
        return [say("every labelled story of the week carries a narrative of the list")]
    counts = of_outside(outside)
    said = [
        say(
            "{stories} of the week carry no narrative of the list",
            stories=outside_count(counts, "outside.stories", "stories"),
        )
    ]
    if not outside.tested:
        return [*said, say("the weeks before hold too little to compare their words with")]
    tested = outside_count(counts, "outside.tested", "words")
    if not outside.passing:
        return [
            *said,
            say(
                "of {tested} in them and in the weeks before, none rose beyond what chance among so"
                " many would do; those that came nearest are listed",
                tested=tested,
            ),
        ]
    return [
        *said,
        say(
            "of {tested} in them and in the weeks before, {passing} rose beyond chance",
            tested=tested,
            passing=outside_count(counts, "outside.passing", "plain"),
        ),
    ]


def _quality(material: Material, quality: Quality) -> list[Said]:
    counts = of_quality(quality)
    rows = Rows(table="documents", column="id", where={})

    def held(name: str, form: str) -> Fact:
        return fact(counts[f"quality.{name}"], form, "again", rows, about=f"quality.{name}")

    said = [basis_words(material, quality)]
    labelled = "{labelled} were labelled"
    parts = {"labelled": held("labelled", "documents")}
    for name, words in (("unlabelled", "{unlabelled} left out for their language"),
                        ("pending", "{pending} not labelled yet"),
                        ("failed", "{failed} failed")):  # fmt: skip
        if counts[f"quality.{name}"]:
            labelled += f", {words}"
            parts[name] = held(name, "plain")
    said.append(say(labelled, **parts))
    said.append(
        say("{missing} of the week had too little collected and are missing, never zero",
            missing=held("missing", "sessions"))
        if quality.missing_days
        else say("no session of the week is missing")
    )  # fmt: skip
    said.append(
        say(
            "documents were first seen a median of {median} hours after their publication, and nine"
            " in ten within {late} hours",
            median=held("lag", "hours"),
            late=held("p90", "hours"),
        )
        if quality.lag is not None
        else say("how late documents were seen cannot be said: none has two time stamps of its own")
    )
    if quality.quiet:
        said.append(
            say("{quiet} heard in the weeks before gave nothing this week",
                quiet=held("quiet", "sources"))
        )  # fmt: skip
    return said
