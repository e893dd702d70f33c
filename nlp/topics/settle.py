"""From groups to topics: those that stand, those that are new, and each story in its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from nlp.topics.consensus import OUTSIDE, Groups, Labels, least_stories
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
from nlp.topics.window import Window
from store.records import TopicChange, TopicStory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settled:
    """Stories in their places, before anything is counted.

    Attributes
    ----------
    ids : sequence of str
        Topics with a story in the window, in order.
    labels : ndarray of shape (n,)
        Place in `ids` of each core story's topic, -1 for the others.
    placed : sequence of Place or None
    merged, parents : mapping of topic id to topic id
        What a topic was merged into, and what a new one came of.
    stability : mapping of topic id to float
        Of the topics that are a group of this window.
    """

    ids: Sequence[str]
    labels: Labels
    placed: Sequence[Place | None]
    merged: Mapping[str, str]
    parents: Mapping[str, str]
    changes: Sequence[TopicChange]
    stability: Mapping[str, float]


def settle(window: Window, groups: Groups, vectors: Floats) -> Settled:
    """Match groups with the topics that stand, and put each story in its place.

    Parameters
    ----------
    vectors : ndarray of shape (n, width)
        Of the stories, of length one.
    """
    mean = vectors.mean(axis=0)
    rows = centred(vectors, mean)
    known = _known(window.core, mean)
    before = [_stood(window.members.get(one.document_id), known) for one in window.stories]
    matched = match(
        centres_of(rows, groups.labels, len(groups.stability)),
        groups.labels,
        groups.stability,
        known,
        [None if one is None else one.topic_id for one in before],
    )
    drawing = Drawing.of(matched, groups.stability)
    kept = founded(groups.labels, matched, drawing, before, least_stories(len(rows)))
    ties = [tie for tie in matched.ties if tie.number is None or kept[tie.number]]
    names = _named(matched, kept, window)
    merged = {tie.topic_id: tie.other_id for tie in ties if tie.topic_id is not None}
    # The last place stands for -1; there may be no group at all.
    labels = np.where(np.append(kept, False)[groups.labels], groups.labels, OUTSIDE)
    stood = [
        one and replace(one, topic_id=merged.get(one.topic_id, one.topic_id)) for one in before
    ]
    placed = places(rows, labels, names, drawing, stood, known)
    ids = sorted({place.topic_id for place in placed if place is not None})
    return Settled(
        ids=ids,
        labels=_core(placed, ids),
        placed=placed,
        merged=merged,
        parents={names[tie.number]: tie.other_id for tie in ties if tie.number is not None},
        changes=_changes(ties, names, window.day),
        stability=_stability(names, groups),
    )


def _known(core: Mapping[str, Sequence[bytes]], mean: Floats) -> Known:
    """Return the topics that stand with their centres about the window's mean."""
    ids = sorted(core)
    rows = [centred(unit_rows(list(core[name])), mean) for name in ids]
    labels = np.repeat(np.arange(len(ids)), [len(one) for one in rows])
    every = np.concatenate(rows) if rows else np.zeros((0, len(mean)), dtype=np.float32)
    return Known(ids=ids, centres=centres_of(every, labels, len(ids)))


def _core(placed: Sequence[Place | None], ids: Sequence[str]) -> Labels:
    row_of = {name: row for row, name in enumerate(ids)}
    rows = [
        row_of[place.topic_id] if place is not None and place.is_core else OUTSIDE
        for place in placed
    ]
    return np.array(rows, dtype=np.int64)


def _stability(names: Sequence[str], groups: Groups) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in zip(names, groups.stability, strict=True):
        # Several groups can be one topic: the firmest speaks for it.
        found[name] = max(found.get(name, 0.0), round(float(value), 4))
    return found


def _stood(found: TopicStory | None, known: Known) -> Place | None:
    """Return a story's place under a topic that stands."""
    if found is None or found.topic_id not in known.ids:
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
