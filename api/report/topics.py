"""New stories: the topics that discovery found in what no narrative covers.

Only what the runs of the week left is shown, and a topic has the status that was known when the
week ended: a later merge or decision is not looked at.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from api.report.facts import Clause, Fact, Name, Rows, Said, clause, fact, say
from api.report.material import Material, Row
from api.report.topic_records import NewTopics, TopicGroup, TopicLine, TopicQuote
from store.evidence import Between, Where
from store.instants import to_text
from store.records import Discovery, Topic, TopicChange, TopicStatus, TopicWeek

ACCEPT = "tapestory topics accept DB"
_YOUNG = timedelta(days=28)
_SHOWN, _WEAK, _QUOTES, _WORDS, _TURNS = 5, 3, 2, 8, 3
_DECIDED = ("accepted", "dismissed")
_TURN = {
    "merge": "“{topic}” became part of “{other}”",
    "split": "“{topic}” was split from “{other}”",
}


def topics_of(material: Material) -> NewTopics:
    """Return what the week's runs of discovery found."""
    lines = [line for pair in material.topics.topics if (line := _line(*pair, material))]
    new = [line for line in lines if _is_new(line, material)]
    new.sort(key=_most)
    rising = sorted(lines, key=lambda line: (-line.recent, line.before, line.id))
    groups = {
        trend: [line for line in rising if line.trend == trend] for trend in ("emerging", "growing")
    }
    groups["fading"] = sorted(
        (line for line in lines if line.trend == "fading"), key=lambda one: (-one.before, one.id)
    )
    above = {line.id for line in new[:_SHOWN]}
    shown = {trend: _group(group, above) for trend, group in groups.items()}
    seen = above | {line.id for group in shown.values() for line in group.shown}
    weak = [line for line in lines if _is_weak(line)]
    weak.sort(key=lambda line: (1.0 if line.pvalue is None else line.pvalue, *_most(line)))
    return NewTopics(
        runs=material.topics.runs,
        proposed=TopicGroup(topics=len(new), shown=_proposed(new[:_SHOWN], material)),
        weak=_group(weak, seen, _WEAK),
        turns=turn_words(material),
        sure=[words for run in material.topics.runs for words in _sure(run, material)],
        **shown,
    )


def status_then(
    topic: Topic, *, day: date, known_by: datetime, merged_on: date | None, first: date
) -> TopicStatus:
    """Return the status of a topic as it was known when a week ended.

    Parameters
    ----------
    day : date
        Last day of the newest window in the week.
    known_by : datetime
        End of the week; a person's decision at or after it is not looked at.
    merged_on : date or None
        When it became part of another topic.
    first : date
        Last day of the first window: what was found then is in the background.
    """
    if topic.status == "merged" and (merged_on is None or merged_on <= day):
        return "merged"
    if topic.decided_at is not None and topic.decided_at < known_by:
        if topic.status in _DECIDED:
            return topic.status
        if topic.status == "merged":
            return "dismissed" if topic.narrative_id is None else "accepted"
    if topic.proposed_on is not None and topic.proposed_on <= day:
        return "candidate"
    if topic.status in ("background", "watched"):
        return topic.status
    return "background" if topic.found_on <= first else "watched"


def lead_words(topics: NewTopics) -> list[Said]:
    """Return the sentences that open the section."""
    if not topics.runs:
        return [
            say(
                "discovery was not run on a day of this week, so nothing can be said of new topics:"
                " “tapestory discover” looks for them"
            )
        ]
    if not any(run.topics for run in topics.runs):
        return [_covered(topics.runs), say("no group of stories was found there")]
    held = _counts(topics)
    proposed = (
        say("{proposed} this week", proposed=held("proposed", "proposed"))
        if topics.proposed.topics
        else say("none was proposed as a narrative this week")
    )
    return [
        _covered(topics.runs),
        proposed,
        say(
            "{emerging} emerging (found in the last four weeks, and rising), {growing} growing,"
            " {fading} fading; {weak} weak signals (found in the last four weeks, told in the last"
            " seven days, and below the bar for a proposal)",
            emerging=held("emerging", "topics_are"),
            growing=held("growing", "plain"),
            fading=held("fading", "plain"),
            weak=held("weak", "topics_are"),
        ),
    ]


def topic_words(topics: NewTopics) -> list[Said]:
    """Return the bullet on what was proposed this week, if anything was."""
    if not topics.proposed.shown:
        return []
    first, held = topics.proposed.shown[0], _counts(topics)
    several = "{proposed}, first “{topic}”"
    return [
        say(
            (
                several
                if topics.proposed.topics > 1
                else "new topic proposed as a narrative: “{topic}”"
            )
            + " ({stories} from {sources}; {share} of all stories of the last seven days)",
            topic=_name(first.id, first.label),
            proposed=held("proposed", "proposed"),
            stories=_figure(first, "stories", "stories"),
            sources=_figure(first, "sources", "sources"),
            share=_figure(first, "share", "percent1"),
        )
    ]


def of_topics(topics: NewTopics) -> dict[str, Any]:
    """Return how many topics there are of each kind."""
    names = ("proposed", "emerging", "growing", "fading", "weak")
    counts = {f"topics.{name}": getattr(topics, name).topics for name in names}
    return {
        "topics.all": sum(run.topics for run in topics.runs),
        "topics.turns": len(topics.turns),
        **counts,
    }


def turn_words(material: Material) -> list[Said]:
    """Say which topics were merged and split, the largest first."""
    turned = [one for one in material.topics.changes if one.kind in _TURN]
    if not turned:
        return []
    said = [_turn(one, material.topics.labels) for one in turned[:_TURNS]]
    if len(turned) > _TURNS:
        until = max(run.day for run in material.topics.runs) + timedelta(days=1)
        days = Between(material.week.monday.isoformat(), until.isoformat())
        where: Where = {"day": days, "kind": sorted(_TURN)}
        rows = Rows(table="topic_changes", column="kind", where=where)
        first, *rest = said
        template = f"{{turns}}, first: {first.template}"
        counted = fact(len(turned), "turns", "count", rows)
        said = [clause(template, **first.parts, turns=counted), *rest]
    return [Said(*said)]


def _turn(change: TopicChange, labels: Mapping[str, str]) -> Clause:
    row = Rows(
        table="topic_changes",
        column="kind",
        where={
            "topic_id": change.topic_id,
            "day": change.day.isoformat(),
            "kind": change.kind,
            "other_id": change.other_id,
        },
    )
    return clause(
        _TURN[change.kind],
        topic=_name(change.topic_id, labels[change.topic_id]),
        other=_name(change.other_id, labels[change.other_id]),
        kind=fact(change.kind, "text", "row", row),
    )


def _is_new(line: TopicLine, material: Material) -> bool:
    return line.proposed_on is not None and line.proposed_on >= material.week.monday


def _is_weak(line: TopicLine) -> bool:
    below = line.status == "watched" and bool(line.lacks)
    told = line.recent > 0 and line.trend != "fading"
    return below and told and line.day - line.found_on <= _YOUNG


def _most(line: TopicLine) -> tuple[Any, ...]:
    return (-line.recent, -line.stories, line.id)


def _group(lines: Sequence[TopicLine], besides: set[str], most: int = _SHOWN) -> TopicGroup:
    shown = [line for line in lines if line.id not in besides]
    return TopicGroup(topics=len(lines), shown=shown[:most])


# -- one topic -----------------------------------------------------------------------


def _line(topic: Topic, week: TopicWeek, material: Material) -> TopicLine | None:
    """Return a topic as it was known; None for one that was gone or dismissed by then."""
    status = status_then(
        topic,
        day=week.day,
        known_by=material.known_by,
        merged_on=material.topics.merged.get(topic.id),
        first=material.topics.first[topic.language],
    )
    if status in ("merged", "dismissed"):
        return None
    later = topic.proposed_on is None or topic.proposed_on > week.day
    return TopicLine(
        id=topic.id,
        label=topic.label,
        words=[word for word, _ in topic.words[:_WORDS]],
        day=week.day,
        status=status,
        trend=week.trend,
        found_on=topic.found_on,
        proposed_on=None if later else topic.proposed_on,
        stories=week.stories,
        sources=week.sources,
        days=week.days,
        recent=week.recent,
        before=week.before,
        share=week.share,
        stability=week.stability,
        pvalue=week.pvalue,
        lacks=week.lacks,
        said=Said(_counted(topic, week, _standing(topic, status, week))),
        accept=None,
        quotes=(),
    )


def _counted(topic: Topic, week: TopicWeek, standing: tuple[str, Mapping[str, Fact]]) -> Clause:
    """Say how much a topic is told, and how it stands."""
    words, parts = standing
    return clause(
        f"“{{topic}}”: {{recent}}, {{before}} in the weeks before, from {{sources}}{words}",
        topic=_name(topic.id, topic.label),
        recent=_figure(week, "recent", "stories"),
        before=_figure(week, "before", "plain"),
        sources=_figure(week, "sources", "sources"),
        **parts,
    )


def _standing(topic: Topic, status: TopicStatus, week: TopicWeek) -> tuple[str, Mapping[str, Fact]]:
    if status == "accepted" and topic.decided_at is not None:
        decided = fact(to_text(topic.decided_at), "day_of", "row", _row(topic.id, "decided_at"))
        return "; accepted as a narrative on {decided}", {"decided": decided}
    if status == "candidate" and topic.proposed_on is not None:
        day = topic.proposed_on.isoformat()
        proposed = fact(day, "day", "row", _row(topic.id, "proposed_on"))
        return "; proposed on {proposed}", {"proposed": proposed}
    if status == "watched" and week.lacks:
        return "; lacks {lacks}", {"lacks": _lacking(week)}
    if status == "background":
        found = fact(topic.found_on.isoformat(), "day", "row", _row(topic.id, "found_on"))
        return "; there since {found}", {"found": found}
    return "", {}


def _lacking(week: TopicWeek) -> Fact:
    return fact(json.dumps(list(week.lacks)), "lacking", "row", _week_row(week, "lacks"))


def _proposed(lines: Sequence[TopicLine], material: Material) -> list[TopicLine]:
    """Return topics with what a person needs to decide: all figures, quotes and the command."""
    weeks = {topic.id: (topic, week) for topic, week in material.topics.topics}
    return [
        replace(
            line,
            said=_proposal(*weeks[line.id], line.status),
            accept=_accept(line) if line.status == "candidate" else None,
            quotes=_quotes(line.id, material),
        )
        for line in lines
    ]


def _accept(line: TopicLine) -> Said:
    id_ = fact(line.id, "text", "row", _row(line.id, "id"))
    return Said(clause(f"to follow it as a narrative: {ACCEPT} {{id}}", id=id_), end="")


def _proposal(topic: Topic, week: TopicWeek, status: TopicStatus) -> Said:
    proposed = topic.proposed_on or week.day
    parts: dict[str, Fact | Name] = {
        "topic": _name(topic.id, topic.label),
        "stories": _figure(week, "stories", "stories"),
        "sources": _figure(week, "sources", "sources"),
        "days": _figure(week, "days", "days"),
        "recent": _figure(week, "recent", "plain"),
        "trend": _figure(week, "trend", "text"),
        "share": _figure(week, "share", "percent1"),
        "proposed": fact(proposed.isoformat(), "day", "row", _row(topic.id, "proposed_on")),
    }
    template = (
        "proposed on {proposed}, {trend}: {stories} from {sources} on {days}, {recent} of them in"
        " the last seven days ({share} of all stories then)"
    )
    if week.stability is not None:
        parts["stability"] = _figure(week, "stability", "fixed")
        template += "; stability {stability}"
    if status == "accepted":
        words, more = _standing(topic, status, week)
        template, parts = template + words, {**parts, **more}
    return say(template, **parts)


def _quotes(topic_id: str, material: Material) -> list[TopicQuote]:
    """Return the stories nearest to a topic, each of another source and in other words."""
    chosen: list[Row] = []
    for row in material.topic_quotes:
        if row["topic_id"] != topic_id or len(chosen) == _QUOTES:
            continue
        if not any(_alike(row, other) for other in chosen):
            chosen.append(row)
    return [
        TopicQuote(
            document_id=row["document_id"],
            source=material.sources.get(row["source_id"], row["source_id"]),
            title="" if row["title"] == row["quote"].strip() else row["title"],
            url=row["url"],
            published_at=row["published_at"],
            quote=row["quote"],
        )
        for row in chosen
    ]


def _alike(row: Row, other: Row) -> bool:
    words = (str(one["quote"]).casefold().split() for one in (row, other))
    return bool(row["source_id"] == other["source_id"] or next(words) == next(words))


# -- the runs ------------------------------------------------------------------------


def _covered(runs: Sequence[Discovery]) -> Said:
    """Say what was grouped, language by language where there are several."""
    template = (
        "of {residual} from {start} to {day} that no narrative covers, or only a weak label,"
        " {core} lie in {topics}"
    )
    if len(runs) > 1:
        template = f"language {{language}}: {template}"
    return Said(
        *(
            clause(
                template,
                residual=_run_figure(run, "residual", "stories"),
                start=fact(run.start.isoformat(), "day", "row", _run_row(run, "start")),
                day=fact(run.day.isoformat(), "day", "row", _run_row(run, "day")),
                core=_run_figure(run, "core", "plain"),
                topics=_run_figure(run, "topics", "topics"),
                language=_run_figure(run, "language", "text"),
            )
            for run in runs
        )
    )


def _sure(run: Discovery, material: Material) -> list[Said]:
    """Say how far the grouping can be trusted."""
    if not run.residual:
        return []
    parts: dict[str, Fact] = {
        "outside": fact(
            1 - run.core / run.residual, "percent", "rest",
            _run_row(run, "core"), _run_row(run, "residual"),
        ),
        "language": _run_figure(run, "language", "text"),
    }  # fmt: skip
    template = "how sure the grouping is: "
    if len(material.topics.runs) > 1:
        template = "how sure the grouping is, language {language}: "
    template += "{outside} of the stories lie outside of every group"
    if run.agreement is not None:
        parts["agreement"] = _run_figure(run, "agreement", "fixed")
        template += (
            "; runs on drawn samples agree at {agreement}, where one is the same groups each time"
        )
    if run.kept is not None:
        parts["kept"] = _run_figure(run, "kept", "percent")
        template += "; {kept} of the grouped stories of the run before kept their topic"
    return [say(template, **parts)]


# -- rows ----------------------------------------------------------------------------


def _counts(topics: NewTopics) -> Callable[[str, str], Fact]:
    counts = of_topics(topics)
    rows = Rows(
        table="topic_weeks",
        column="topic_id",
        where={"day": sorted({run.day.isoformat() for run in topics.runs})},
    )

    def held(name: str, form: str) -> Fact:
        return fact(counts[f"topics.{name}"], form, "again", rows, about=f"topics.{name}")

    return held


def _name(topic_id: str, label: str) -> Name:
    return Name(kind="topic", id=topic_id, words=label)


def _row(topic_id: str, column: str) -> Rows:
    return Rows(table="topics", column=column, where={"id": topic_id})


def _week_row(week: TopicWeek | TopicLine, column: str) -> Rows:
    id_ = week.id if isinstance(week, TopicLine) else week.topic_id
    where = {"topic_id": id_, "day": week.day.isoformat()}
    return Rows(table="topic_weeks", column=column, where=where)


def _figure(week: TopicWeek | TopicLine, column: str, form: str) -> Fact:
    return fact(getattr(week, column), form, "row", _week_row(week, column))


def _run_row(run: Discovery, column: str) -> Rows:
    where = {"day": run.day.isoformat(), "language": run.language}
    return Rows(table="discoveries", column=column, where=where)


def _run_figure(run: Discovery, column: str, form: str) -> Fact:
    return fact(getattr(run, column), form, "row", _run_row(run, column))
