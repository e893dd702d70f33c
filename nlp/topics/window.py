"""One window of one language: from its stories and the topics that stood to those that stand."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nlp.topics.candidates import Counts, count, lacks, trend
from nlp.topics.coherence import diversity
from nlp.topics.consensus import OUTSIDE, Groups, Labels, group, least_stories
from nlp.topics.neighbours import Floats, unit_rows
from nlp.topics.registry import (
    Drawing,
    Known,
    Matched,
    Place,
    Tie,
    centred,
    centres_of,
    founded,
    match,
    places,
)
from nlp.topics.settings import DiscoverySettings
from nlp.topics.words import Described, describe
from store.records import (
    Discovery,
    ResidualStory,
    Topic,
    TopicChange,
    TopicStory,
    TopicWeek,
)

# Stories that represent a topic, and of one source at most.
_SHOWN, _OF_SOURCE = 5, 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Window:
    """What a run reads.

    Attributes
    ----------
    stories : sequence of ResidualStory
        In order of time.
    counts : mapping of date to int
        Stories of each date, labelled ones included.
    topics : sequence of Topic
        All that stood before, merged ones too, of every language.
    core : mapping of topic id to packed vectors
        Of the last core stories of each topic of this language that was not merged.
    members : mapping of document id to TopicStory
    last : Discovery or None
        The run before this one.
    """

    day: date
    start: date
    language: str
    model: str
    stories: Sequence[ResidualStory]
    counts: Mapping[date, int]
    topics: Sequence[Topic]
    core: Mapping[str, Sequence[bytes]]
    members: Mapping[str, TopicStory]
    last: Discovery | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """What a run writes.

    Attributes
    ----------
    topics : sequence of Topic
        New or changed.
    places : sequence of TopicStory
        New or changed, and all that represent a topic now.
    left : sequence of str
        Documents that lose their place.
    proposed : sequence of Topic
        Candidates that were none before.
    """

    discovery: Discovery
    topics: Sequence[Topic]
    places: Sequence[TopicStory]
    left: Sequence[str]
    weeks: Sequence[TopicWeek]
    changes: Sequence[TopicChange]
    proposed: Sequence[Topic]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Settled:
    """Stories in their places, before anything is counted."""

    ids: Sequence[str]
    labels: Labels
    placed: Sequence[Place | None]
    merged: Mapping[str, str]
    parents: Mapping[str, str]
    changes: Sequence[TopicChange]
    stability: Mapping[str, float]


def look(
    window: Window,
    settings: DiscoverySettings,
    *,
    progress: Callable[..., Iterable[Any]] | None = None,
) -> Found:
    """Find the topics of a window."""
    vectors = unit_rows([story.vector for story in window.stories])
    keys = [story.document_id for story in window.stories]
    grouping = replace(settings.grouping, least=least_stories(len(keys)))
    groups = group(vectors, keys, grouping, progress=progress)
    settled = _settle(window, groups, vectors)
    texts = [story.text for story in window.stories]
    words = describe(texts, settled.labels, vectors, language=window.language)
    counts = _counted(window, settled)
    weeks = [
        _week(window, settled, topic_id, counts[topic_id], words, settings)
        for topic_id in sorted(counts)
    ]
    topics = _topics(window, settled, words, weeks)
    was = {topic.id: topic.status for topic in window.topics}
    return Found(
        discovery=_discovery(window, groups, settled, weeks, words, settings),
        topics=topics,
        places=_rows(window, settled),
        left=[
            key
            for key, place in zip(keys, settled.placed, strict=True)
            if place is None and key in window.members
        ],
        weeks=weeks,
        changes=settled.changes,
        proposed=[
            topic
            for topic in topics
            if topic.status == "candidate" and was.get(topic.id) != "candidate"
        ],
    )


def _settle(window: Window, groups: Groups, vectors: Floats) -> _Settled:
    """Match groups with the topics that stand, and put each story in its place."""
    mean = vectors.mean(axis=0)
    rows = centred(vectors, mean)
    known = Known(
        ids=sorted(window.core),
        centres=np.stack(
            [
                centred(centred(unit_rows(list(window.core[name])), mean).mean(axis=0), 0 * mean)
                for name in sorted(window.core)
            ]
        )
        if window.core
        else np.zeros((0, vectors.shape[1]), dtype=np.float32),
    )
    stands = set(known.ids)
    before = [
        found if found is not None and found.topic_id in stands else None
        for found in (window.members.get(story.document_id) for story in window.stories)
    ]
    number = int(groups.labels.max(initial=OUTSIDE)) + 1
    centres = centres_of(rows, groups.labels, number)
    earlier = [None if one is None else one.topic_id for one in before]
    matched = match(centres, groups.labels, groups.stability, known, earlier)
    drawing = Drawing.of(matched, groups.stability)
    stood = [_stood(one) for one in before]
    kept = founded(groups.labels, matched, drawing, stood, least_stories(len(rows)))
    ties = [tie for tie in matched.ties if tie.number is None or kept[tie.number]]
    names = _named(matched, kept, window)
    merged = {
        tie.topic_id: tie.other_id
        for tie in ties
        if tie.kind == "merge" and tie.topic_id is not None
    }
    labels = np.where((groups.labels >= 0) & kept[groups.labels], groups.labels, OUTSIDE)
    placed = places(
        rows,
        labels,
        names,
        drawing,
        [one and replace(one, topic_id=merged.get(one.topic_id, one.topic_id)) for one in stood],
        known,
    )
    ids = sorted({place.topic_id for place in placed if place is not None})
    row_of = {name: row for row, name in enumerate(ids)}
    stability: dict[str, float] = {}
    for name, value in zip(names, groups.stability, strict=True):
        # Several groups can be one topic: the firmest speaks for it.
        stability[name] = max(stability.get(name, 0.0), round(float(value), 4))
    return _Settled(
        ids=ids,
        labels=np.array(
            [
                row_of[place.topic_id] if place is not None and place.is_core else OUTSIDE
                for place in placed
            ],
            dtype=np.int64,
        ),
        placed=placed,
        merged=merged,
        parents={names[tie.number]: tie.other_id for tie in matched.ties if tie.number is not None},
        changes=_changes(ties, names, window.day),
        stability=stability,
    )


def _stood(found: TopicStory | None) -> Place | None:
    if found is None:
        return None
    return Place(topic_id=found.topic_id, similarity=found.similarity, is_core=found.is_core)


def _named(matched: Matched, kept: NDArray[np.bool_], window: Window) -> list[str]:
    """Return the id of each group; new ones get the next numbers of their week, never again.

    A group that is no topic has an empty name.
    """
    year, week, _ = window.day.isocalendar()
    prefix = f"t-{year}W{week:02}-"
    used = [int(one.id.removeprefix(prefix)) for one in window.topics if one.id.startswith(prefix)]
    following = iter(range(max(used, default=0) + 1, 10**6))
    return [
        name or (f"{prefix}{next(following):02}" if is_topic else "")
        for name, is_topic in zip(matched.names, kept, strict=True)
    ]


def _changes(ties: Sequence[Tie], names: Sequence[str], day: date) -> list[TopicChange]:
    changes = []
    for tie in ties:
        topic_id = tie.topic_id if tie.number is None else names[tie.number]
        assert topic_id is not None
        kind = tie.kind
        assert kind in ("child", "split", "merge")
        changes.append(
            TopicChange(
                day=day,
                kind=kind,  # type: ignore[arg-type]
                topic_id=topic_id,
                other_id=tie.other_id,
                cosine=tie.cosine,
                stories=tie.stories,
            )
        )
    return changes


def _counted(window: Window, settled: _Settled) -> dict[str, Counts]:
    held: dict[str, list[ResidualStory]] = {name: [] for name in settled.ids}
    for story, label in zip(window.stories, settled.labels, strict=True):
        if label != OUTSIDE:
            held[settled.ids[label]].append(story)
    return {
        name: count(stories, day=window.day, all_stories=window.counts)
        for name, stories in held.items()
    }


def _week(
    window: Window,
    settled: _Settled,
    topic_id: str,
    counts: Counts,
    words: Mapping[int, Described],
    settings: DiscoverySettings,
) -> TopicWeek:
    found = next((topic for topic in window.topics if topic.id == topic_id), None)
    stability = settled.stability.get(topic_id)
    described = words.get(settled.ids.index(topic_id))
    age = window.day - (window.day if found is None else found.found_on)
    return TopicWeek(
        topic_id=topic_id,
        day=window.day,
        stories=counts.stories,
        sources=counts.sources,
        days=counts.days,
        reassigned=sum(
            place is not None and not place.is_core and place.topic_id == topic_id
            for place in settled.placed
        ),
        recent=counts.recent,
        before=counts.before,
        share=counts.share,
        top_source=counts.top_source,
        market=counts.market,
        stability=stability,
        npmi=None if described is None else described.npmi,
        popularity=counts.popularity,
        pvalue=counts.pvalue,
        trend=trend(counts, age=age, rules=settings.rules),
        lacks=lacks(counts, stability, settings.rules),
    )


def _topics(
    window: Window,
    settled: _Settled,
    words: Mapping[int, Described],
    weeks: Sequence[TopicWeek],
) -> list[Topic]:
    """Return the topics that are new or changed, the merged ones last."""
    known = {topic.id: topic for topic in window.topics}
    first_window = not any(topic.language == window.language for topic in window.topics)
    row_of = {name: row for row, name in enumerate(settled.ids)}
    found = []
    for week in weeks:
        described = words.get(row_of[week.topic_id])
        topic = known.get(week.topic_id)
        if topic is None:
            assert described is not None  # a new topic has a core
            topic = Topic(
                id=week.topic_id,
                language=window.language,
                label=described.label,
                words=described.words,
                first_seen=_first_seen(window, settled, row_of[week.topic_id]),
                found_on=window.day,
                status="background" if first_window else "watched",
                parent_id=settled.parents.get(week.topic_id),
            )
        elif described is not None:
            # Stale words of a topic that lives are a complaint about topic models.
            topic = replace(topic, label=described.label, words=described.words)
        if topic.status == "watched" and not week.lacks:
            topic = replace(topic, status="candidate", proposed_on=window.day)
        if topic != known.get(topic.id):
            found.append(topic)
    merged = [
        replace(known[one], status="merged", parent_id=other)
        for one, other in sorted(settled.merged.items())
    ]
    return [*(topic for topic in found if topic.id not in settled.merged), *merged]


def _first_seen(window: Window, settled: _Settled, row: int) -> Any:
    return next(
        story.effective_at
        for story, label in zip(window.stories, settled.labels, strict=True)
        if label == row
    )


def _rows(window: Window, settled: _Settled) -> list[TopicStory]:
    """Return the places that changed, and those of the stories that represent a topic."""
    positions = _positions(window, settled)
    found = []
    for story, place in zip(window.stories, settled.placed, strict=True):
        if place is None:
            continue
        before = window.members.get(story.document_id)
        same = before is not None and (before.topic_id, before.is_core) == (
            place.topic_id,
            place.is_core,
        )
        position = positions.get(story.document_id)
        if same and position is None:
            continue
        found.append(
            TopicStory(
                topic_id=place.topic_id,
                document_id=story.document_id,
                similarity=place.similarity,
                is_core=place.is_core,
                position=position,
                joined_on=before.joined_on
                if before is not None and before.topic_id == place.topic_id
                else window.day,
            )
        )
    return found


def _positions(window: Window, settled: _Settled) -> dict[str, int]:
    """Return the places of the stories that represent topics: nearest the centre, told apart."""
    order = sorted(
        (
            (-place.similarity, -story.reach, story.document_id, story)
            for story, place in zip(window.stories, settled.placed, strict=True)
            if place is not None and place.is_core
        ),
        key=lambda one: one[:3],
    )
    topic_of = {
        story.document_id: place.topic_id
        for story, place in zip(window.stories, settled.placed, strict=True)
        if place is not None
    }
    taken: dict[str, list[ResidualStory]] = {}
    for *_, story in order:
        chosen = taken.setdefault(topic_of[story.document_id], [])
        sources = [one.source_id for one in chosen]
        told = {one.title.casefold() for one in chosen}
        fits = sources.count(story.source_id) < _OF_SOURCE and story.title.casefold() not in told
        if fits and len(chosen) < _SHOWN:
            chosen.append(story)
    return {
        story.document_id: position
        for chosen in taken.values()
        for position, story in enumerate(chosen, start=1)
    }


def _discovery(
    window: Window,
    groups: Groups,
    settled: _Settled,
    weeks: Sequence[TopicWeek],
    words: Mapping[int, Described],
    settings: DiscoverySettings,
) -> Discovery:
    core = sum(place is not None and place.is_core for place in settled.placed)
    outliers = sum(place is None for place in settled.placed)
    coherence = [week.npmi for week in weeks if week.npmi is not None]
    distinct = diversity([[word for word, _ in one.words] for one in words.values()])
    return Discovery(
        day=window.day,
        language=window.language,
        start=window.start,
        stories=sum(window.counts.values()),
        residual=len(window.stories),
        core=core,
        reassigned=len(window.stories) - core - outliers,
        outliers=outliers,
        topics=len(weeks),
        agreement=None if groups.agreement is None else round(groups.agreement, 4),
        kept=_kept(window, settled),
        npmi=round(float(np.mean(coherence)), 4) if coherence else None,
        diversity=None if distinct is None else round(distinct, 4),
        model=window.model,
        seed=settings.grouping.seed,
    )


def _kept(window: Window, settled: _Settled) -> float | None:
    """Return the share of the last run's stories that are where they were, or outside still."""
    if window.last is None:
        return None
    start, end = window.last.start, window.last.day
    same = [
        (None if before is None else before.topic_id) == (None if place is None else place.topic_id)
        for story, place, before in (
            (story, place, window.members.get(story.document_id))
            for story, place in zip(window.stories, settled.placed, strict=True)
        )
        if start <= story.effective_at.date() <= end
    ]
    return round(sum(same) / len(same), 4) if same else None


def first_day(day: date, settings: DiscoverySettings) -> date:
    """Return the first day of the window that ends on a day."""
    return day - timedelta(days=settings.window - 1)
