"""Read what a week's report needs from the store; nothing is computed here."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from api.errors import ConfigError
from api.report.records import Week
from store.errors import NotFoundError
from store.pages import Pages
from store.records import AlignmentCell, Asset, Explanation, Narrative
from store.topic_weeks import TopicsOfWeek, TopicWeeks
from store.weeks import Weeks

if TYPE_CHECKING:
    from store import Store

Row = Mapping[str, Any]
HISTORY = 30
"""Sessions that a small chart shows, the week's included."""
OUTSIDE_WEEKS = 4
"""Weeks before this one that sources and words are compared with."""
REVIEW_WEEKS = 8
"""Weeks whose conditions may still fall due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """The rows behind one report.

    Attributes
    ----------
    earlier : sequence of Explanation or None
        The answers that the reports of the weeks before showed, last week's first.
    known_closes : sequence of rows
        Closes of the assets of their conditions, as public by ``known_by``.
    topic_quotes : sequence of rows
        Stories of the topics that were proposed in the week, of each topic the nearest first.
    """

    week: Week
    previous: Sequence[date]
    as_of: datetime | None
    narratives: Sequence[Narrative]
    assets: Sequence[Asset]
    sources: Mapping[str, str]
    intensity: Sequence[Row]
    closes: Sequence[Row]
    explanation: Explanation | None
    earlier: Sequence[Explanation | None]
    known_by: datetime
    known_closes: Sequence[Row]
    uncovered: Sequence[Row]
    delays: Sequence[Row]
    quiet: Sequence[Row]
    cells: Sequence[AlignmentCell]
    episodes: Mapping[str, Row]
    labels: Sequence[Row]
    passages: Sequence[Row]
    quoted: Mapping[str, Row]
    outlets: Sequence[Row]
    taggings: Sequence[Row]
    failures: Sequence[Row]
    models: Sequence[Row]
    topics: TopicsOfWeek
    topic_quotes: Sequence[Row]


def select(store: "Store", name: str | None, *, now: datetime) -> Material:
    """Return the rows of a week.

    Parameters
    ----------
    name : str or None
        ISO week such as ``2026-W05``; None takes the last complete week with data.
    now : datetime
        Only decides whether a week that lacks its Friday is over.

    Raises
    ------
    ConfigError
        When ``name`` is no ISO week, or the week has no data.
    NotFoundError
        When the database has no data at all.
    """
    weeks, pages = Weeks(store.db), Pages(store.db)
    monday, days = _monday(weeks, name, now)
    sunday = monday + timedelta(days=6)
    sessions = weeks.sessions(monday, sunday)
    history = weeks.sessions(monday - timedelta(days=2 * HISTORY), sunday)[-HISTORY:]
    start, end = _window(pages, monday, sessions)
    week = Week(
        name=week_name(monday),
        monday=monday,
        sunday=sunday,
        sessions=sessions,
        start=start,
        end=end,
        is_complete=_is_complete(monday, days, now),
    )
    explanation = _largest(store, monday)
    earlier = [
        _largest(store, monday - timedelta(weeks=back)) for back in range(1, REVIEW_WEEKS + 1)
    ]
    series = sorted({one.series for answer in earlier if answer for one in answer.falsifiers})
    known_by = datetime.combine(sunday + timedelta(days=1), time(), UTC)
    narratives = store.narratives.all()
    long_ago = start - timedelta(weeks=OUTSIDE_WEEKS)
    first_failure = datetime.combine(monday, time(), UTC)
    topics = TopicWeeks(store.db).of_week(monday, sunday)
    return Material(
        week=week,
        previous=weeks.sessions(monday - timedelta(days=7), monday - timedelta(days=1)),
        as_of=weeks.as_of(),
        narratives=narratives,
        assets=store.assets.all(),
        sources={source.id: source.name or source.id for source in store.sources.all()},
        intensity=pages.series.intensity([session.isoformat() for session in history]),
        closes=weeks.closes(min([monday - timedelta(days=14), *history]), sunday),
        explanation=explanation,
        earlier=earlier,
        known_by=known_by,
        known_closes=weeks.known_closes(
            series, monday - timedelta(weeks=REVIEW_WEEKS), sunday, known_by
        ),
        uncovered=weeks.uncovered(long_ago, end),
        delays=weeks.delays(start, end),
        quiet=weeks.quiet(long_ago, start, end),
        cells=weeks.cells(),
        episodes=pages.episodes(),
        labels=weeks.stances(start, end),
        passages=_records(
            store.frames.quotes([narrative.id for narrative in narratives], start, end), start, end
        ),
        quoted=_quoted(weeks, explanation),
        outlets=weeks.outlets(start, end),
        taggings=weeks.taggings(start, end),
        failures=weeks.failures(first_failure, first_failure + timedelta(days=7)),
        models=weeks.models(start, end),
        topics=topics,
        topic_quotes=_topic_quotes(TopicWeeks(store.db), topics, monday),
    )


def _largest(store: "Store", monday: date) -> Explanation | None:
    """Return the stored answer for the week's session with the largest move in sigma."""
    sunday = monday + timedelta(days=6)
    found = store.pages.largest(monday.isoformat(), sunday.isoformat())
    if found is None:
        return None
    return store.results.explanation(date.fromisoformat(found["date"]), 1)


def week_name(monday: date) -> str:
    """Return the ISO week of a day, ``2026-W05``."""
    year, number, _ = monday.isocalendar()
    return f"{year}-W{number:02d}"


def parse_week(name: str) -> date:
    """Return the Monday of an ISO week.

    Raises
    ------
    ConfigError
        When the text is no week of the calendar.
    """
    try:
        # `int` takes signs, spaces and other digits; a week is a part of file names and headers.
        found = re.fullmatch(r"(\d{4})-W(\d\d)", name, re.ASCII)
        if found is None:
            raise ValueError(name)
        return date.fromisocalendar(int(found[1]), int(found[2]), 1)
    except ValueError as error:
        raise ConfigError(f"no week {name!r}: give an ISO week such as 2026-W05") from error


def _monday(weeks: Weeks, name: str | None, now: datetime) -> tuple[date, list[date]]:
    """Return the Monday of the week asked for, or of the last complete one, and the data's days."""
    days = weeks.data_days()
    if not days:
        raise NotFoundError(
            "the database has no documents and no prices to report on: run 'tapestory nightly'"
            " or 'tapestory import' first"
        )
    mondays = sorted({day - timedelta(days=day.weekday()) for day in days})
    if name is not None:
        monday = parse_week(name)
        # Prices or documents may be there without an intensity, so sessions count as data too.
        if monday not in mondays and not weeks.sessions(monday, monday + timedelta(days=6)):
            raise ConfigError(
                f"no data in week {name!r}: the data run from {week_name(mondays[0])}"
                f" to {week_name(mondays[-1])}"
            )
        return monday, days
    complete = [monday for monday in mondays if _is_complete(monday, days, now)]
    return (complete or mondays)[-1], days


def _is_complete(monday: date, days: Sequence[date], now: datetime) -> bool:
    """Return whether the data reach Friday, or Thursday of a week that is over (a holiday)."""
    friday, sunday = monday + timedelta(days=4), monday + timedelta(days=6)
    last = max(day for day in (*days, date.min) if day <= sunday) if days else date.min
    if last >= friday or any(day > sunday for day in days):
        return True
    return now.date() > sunday and last == friday - timedelta(days=1)


def _window(pages: Pages, monday: date, sessions: Sequence[date]) -> tuple[datetime, datetime]:
    """Return the instants between which a story counts for the week."""
    if not sessions:
        start = datetime.combine(monday, time(), UTC)
        return start, start + timedelta(days=7)
    opened, closed = pages.window([day.isoformat() for day in sessions])
    return datetime.fromisoformat(opened), datetime.fromisoformat(closed)


def _records(frame: Any, start: datetime, end: datetime) -> list[Row]:
    """Return the rows of a frame in the window as plain values, missing ones as None."""
    inside = frame[(frame["effective_at"] >= start) & (frame["effective_at"] < end)]
    return [
        {name: _plain(value) for name, value in row.items()} for row in inside.to_dict("records")
    ]


def _plain(value: Any) -> Any:
    if value is None or value != value:  # noqa: PLR0124 - NaN and NaT alone differ from themselves
        return None
    return value.to_pydatetime() if hasattr(value, "to_pydatetime") else value


def _topic_quotes(weeks: TopicWeeks, topics: TopicsOfWeek, monday: date) -> list[Row]:
    """Return the stories of the topics that were proposed in a week."""
    found: list[Row] = []
    for run in topics.runs:
        ids = [
            topic.id
            for topic, _ in topics.topics
            if topic.language == run.language
            and topic.proposed_on is not None
            and monday <= topic.proposed_on <= run.day
        ]
        found += weeks.quotes(ids, run.start, run.day)
    return found


def _quoted(weeks: Weeks, explanation: Explanation | None) -> dict[str, Row]:
    if explanation is None:
        return {}
    ids = {quote.document_id for suspect in explanation.suspects for quote in suspect.quotes}
    return {row["id"]: row for row in weeks.quoted(sorted(ids))}
