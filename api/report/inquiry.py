"""Suspects of the week's largest move: the stored answer, with names and evidence."""

from collections.abc import Mapping, Sequence

from api import wording
from api.explain import rivals_of
from api.report.citations import answer_row, suspect_row
from api.report.facts import Fact, Name, Said, Stored, fact, say
from api.report.gate_stored import that_rows_show, with_rows
from api.report.material import Material, Row
from api.report.records import AnalogCase, Evidence, Inquiry, SuspectCase
from api.report.review import conditions_of
from store.records import Explanation, Quote, Suspect


def inquiry_of(material: Material, names: Mapping[str, str]) -> Inquiry | None:
    """Return the stored answer for the largest move, with names, or None without one."""
    answer = material.explanation
    if answer is None:
        return None
    assets = {move.asset_id: move.name for move in answer.moves}
    day = answer.date
    none_of_these = wording.with_names(answer.none_of_these, names)
    statement = with_rows(answer.analog_statement)
    return Inquiry(
        explanation=answer,
        verdict=verdict_words(answer, names),
        none_of_these=[Stored(none_of_these, day=day, part="none_of_these")]
        if none_of_these
        else [],
        cases=[
            SuspectCase(
                name=names.get(suspect.narrative_id, suspect.narrative_id),
                suspect=suspect,
                status=wording.status_words(suspect, assets),
                fired=[
                    Stored(words, day=day, part="fired")
                    for remark in suspect.fired
                    if (words := that_rows_show(remark, answer, material))
                ],
                quotes=_quotes(material, suspect),
            )
            for suspect in sorted(answer.suspects, key=lambda suspect: suspect.rank)
        ],
        analogs=[
            AnalogCase(
                name=_episode(material, analog.episode, "name"),
                label=_cause(material, analog.episode, names),
                analog=analog,
            )
            for analog in answer.analogs
        ],
        analog_statement=[Stored(statement, day=day, part="analog_statement")] if statement else [],
        analog_like=[_episode(material, id_, "name") for id_ in answer.analog_like],
        falsifiers=conditions_of(answer, material),
        coverage=answer.coverage,
    )


def verdict_words(answer: Explanation, names: Mapping[str, str]) -> Said:
    """Return the verdict as a sentence that claims no cause."""
    verdict = fact(answer.verdict, "text", "row", answer_row(answer.date, "verdict"))
    if answer.verdict == "no adequate suspect":
        return say(
            "no adequate suspect: none of the stories that we track fits this move well enough",
            verdict=verdict,
        )
    rivals = rivals_of(answer)
    parts: dict[str, Fact | Name] = {"verdict": verdict}
    marks = []
    for place, one in enumerate(rivals):
        letter = "abc"[place]
        parts[letter] = Name(
            kind="narrative",
            id=one.narrative_id,
            words=names.get(one.narrative_id, one.narrative_id),
        )
        row = suspect_row(answer.date, one.narrative_id, "status")
        parts[f"status_{letter}"] = fact(one.status, "text", "row", row)
        marks.append(f"“{{{letter}}}”")
    if answer.verdict == "suspects":
        return say(
            f"one suspect stands out: {wording.listed(marks)} moved with the tape; that is no"
            " proof of a cause",
            **parts,
        )
    if len(rivals) < 2:
        return say(
            "not distinguishable: the evidence does not tell the suspects apart", verdict=verdict
        )
    return say(
        f"not distinguishable: the evidence does not tell {wording.listed(marks)} apart", **parts
    )


def _episode(material: Material, id_: str, column: str) -> str:
    row: Row | None = material.episodes.get(id_)
    return str(row[column]) if row is not None else (id_ if column == "name" else "")


def _cause(material: Material, id_: str, names: Mapping[str, str]) -> str:
    row: Row | None = material.episodes.get(id_)
    return "" if row is None else wording.episode_cause(row["label"], row["kind"], names)


def _quotes(material: Material, suspect: Suspect) -> Sequence[Evidence]:
    """Return the stored quotes that still stand and that the week knew.

    A text may have been revised or deleted since, and an answer quotes the session after its
    own, which may be next week's.
    """
    return [
        _evidence(material, quote)
        for quote in suspect.quotes
        if (document := material.quoted.get(quote.document_id)) is not None
        and document["effective_at"] < material.known_by
        and suspect.narrative_id in document["narratives"]
        and any(quote.quote in document[part] for part in ("title", "text"))
    ]


def _evidence(material: Material, quote: Quote) -> Evidence:
    document = material.quoted[quote.document_id]
    return Evidence(
        document_id=quote.document_id,
        source=material.sources.get(document["source_id"], document["source_id"]),
        title=document["title"],
        url=quote.url,
        published_at=quote.published_at,
        stance=quote.stance,
        quote=quote.quote,
    )
