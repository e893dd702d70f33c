"""One window of one language: from its stories and the topics that stood to those that stand."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from nlp.topics.candidates import YOUNG, Counts, count, lacks, trend
from nlp.topics.coherence import diversity
from nlp.topics.consensus import OUTSIDE, Groups, group, least_stories
from nlp.topics.neighbours import unit_rows
from nlp.topics.settings import DiscoverySettings
from nlp.topics.settle import Settled, settle
from nlp.topics.window import Found, Window
from nlp.topics.words import Described, describe
from store.records import Discovery, ResidualStory, Topic, TopicStory, TopicWeek

# Stories that represent a topic, and of one source at most.
_SHOWN, _OF_SOURCE = 5, 2


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
    settled = settle(window, groups, vectors)
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


def _counted(window: Window, settled: Settled) -> dict[str, Counts]:
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
    settled: Settled,
    topic_id: str,
    counts: Counts,
    words: Mapping[int, Described],
    settings: DiscoverySettings,
) -> TopicWeek:
    found = next((topic for topic in window.topics if topic.id == topic_id), None)
    stability = settled.stability.get(topic_id)
    described = words.get(settled.ids.index(topic_id))
    # What was there from the first window can grow; it does not emerge.
    is_young = (
        window.last is not None
        if found is None
        else found.status != "background" and window.day - found.found_on <= YOUNG
    )
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
        trend=trend(counts, is_young=is_young, rules=settings.rules),
        lacks=lacks(counts, stability, settings.rules),
    )


def _topics(
    window: Window,
    settled: Settled,
    words: Mapping[int, Described],
    weeks: Sequence[TopicWeek],
) -> list[Topic]:
    """Return the topics that are new or changed, the merged ones last."""
    known = {topic.id: topic for topic in window.topics}
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
                status="background" if window.last is None else "watched",
                parent_id=settled.parents.get(week.topic_id),
            )
        elif described is not None and week.stories >= least_stories(len(window.stories)):
            # Stale words of a topic that lives are a complaint about topic models; the last
            # stories of one that dies down are often about something else.
            topic = replace(topic, label=described.label, words=described.words)
        if topic.status == "watched" and not week.lacks:
            # One that was taken back by a person keeps the day on which it was proposed first.
            topic = replace(topic, status="candidate", proposed_on=topic.proposed_on or window.day)
        if topic != known.get(topic.id):
            found.append(topic)
    merged = [
        replace(known[one], status="merged", parent_id=other)
        for one, other in sorted(settled.merged.items())
    ]
    return [*(topic for topic in found if topic.id not in settled.merged), *merged]


def _first_seen(window: Window, settled: Settled, row: int) -> datetime:
    return next(
        story.effective_at
        for story, label in zip(window.stories, settled.labels, strict=True)
        if label == row
    )


def _rows(window: Window, settled: Settled) -> list[TopicStory]:
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


def _positions(window: Window, settled: Settled) -> dict[str, int]:
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
    core = Counter(topic_of[story.document_id] for *_, story in order)
    taken: dict[str, list[ResidualStory]] = {}
    for *_, story in order:
        if core[topic_of[story.document_id]] < least_stories(len(window.stories)):
            continue  # those of a fuller window say better what it is about
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
    settled: Settled,
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


def _kept(window: Window, settled: Settled) -> float | None:
    """Return the share of the last run's stories in a topic that are in the same one still."""
    if window.last is None:
        return None
    start, end = window.last.start, window.last.day
    same = [
        place is not None and place.topic_id == before.topic_id
        for story, place in zip(window.stories, settled.placed, strict=True)
        if start <= story.effective_at.date() <= end
        and (before := window.members.get(story.document_id)) is not None
    ]
    return round(sum(same) / len(same), 4) if same else None
