"""Which groups are topics that are known, which are new, and where each story belongs. Pure.

Groups are matched with the topics of earlier windows one to one, so that their centres are
alike in sum as much as can be; a pair that is alike enough keeps the topic's id. A story keeps
its place unless it is at the heart of a group that became another topic. So one more day of
stories moves few of the others, which a fresh fit does not grant.

Cosines are those of vectors about the mean of the window: all texts of one encoder lie to one
side, and about the origin even unlike groups have cosines of .85 (docs/benchmarks.md).

References
----------
Kuhn (1955), The Hungarian method for the assignment problem, doi:10.1002/nav.3800020109.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nlp.topics.consensus import OUTSIDE, Labels

SAME, CHILD = 0.80, 0.65
"""Cosine from which a group is the topic, and from which it may be a child of it."""
MOST_OUTSIDE = 0.15
"""Largest share of the stories that stays outside of every topic."""
_HALF = 0.5
# Stories that must have gone over before a topic is taken for a part of another.
_FEWEST = 3
FIRM = 0.6
"""Stability below which a group splits nothing off, joins nothing and draws nothing."""
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The topics that stand before a window.

    Attributes
    ----------
    ids : sequence of str
    centres : ndarray of shape (topics, width)
        About the window's mean, of length one.
    """

    ids: Sequence[str]
    centres: Floats

    def without(self, gone: Collection[str]) -> "Known":
        """Return the topics but for some."""
        kept = [row for row, name in enumerate(self.ids) if name not in gone]
        return Known(ids=[self.ids[row] for row in kept], centres=self.centres[kept])


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """What a group or a topic has to do with a topic that stood before.

    Attributes
    ----------
    kind : {"child", "split", "merge"}
    number : int or None
        The new topic's number; None for a merge.
    topic_id : str or None
        The topic that was merged; None for the others.
    other_id : str
    cosine : float
    stories : int
        Those that both have had.
    """

    kind: str
    number: int | None
    topic_id: str | None
    other_id: str
    cosine: float
    stories: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """What became of the groups.

    Attributes
    ----------
    names : sequence of str or None, by group
        The id of the topic that it is; None for a group that is new.
    ties : sequence of Tie
        The number of a new topic is that of its group.
    """

    names: Sequence[str | None]
    ties: Sequence[Tie]


def centred(vectors: Floats, mean: Floats) -> Floats:
    """Return rows about a mean, of length one."""
    rows = vectors - mean
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9))


def centres_of(vectors: Floats, labels: Labels, groups: int) -> Floats:
    """Return the mean of each group's rows, of length one; shape (groups, width)."""
    sums = np.zeros((groups, vectors.shape[1]), dtype=np.float32)
    inside = labels >= 0
    np.add.at(sums, labels[inside], vectors[inside])
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9))


def match(
    centres: Floats,
    labels: Labels,
    stability: NDArray[np.float64],
    known: Known,
    earlier: Sequence[str | None],
) -> Matched:
    """Match groups with the topics that stand.

    Parameters
    ----------
    centres : ndarray of shape (groups, width)
        About the window's mean, of length one.
    labels : ndarray of shape (n,)
        Group of each story, -1 outside.
    earlier : sequence of str or None
        The topic of each story before this window; None where it had none.
    """
    names: list[str | None] = [None] * len(centres)
    if not known.ids or not len(centres):
        return Matched(names=names, ties=[])
    cosines = centres @ known.centres.T
    for group, topic in _assigned(cosines):
        names[group] = known.ids[topic]
    shared = _shared(labels, earlier, len(centres), known.ids)
    ties: list[Tie] = []
    for group, name in enumerate(names):
        if name is not None:
            continue
        ties += _come_from(group, cosines[group], shared[group], stability[group], known.ids)
        if ties and ties[-1].number == group and ties[-1].kind == "same":
            names[group] = ties.pop().other_id
    ties += _merged(names, cosines, shared, stability, _standing(earlier, known.ids))
    return Matched(names=names, ties=ties)


def _assigned(cosines: Floats) -> list[tuple[int, int]]:
    """Return pairs of group and topic that are the same."""
    from scipy.optimize import linear_sum_assignment

    groups, topics = linear_sum_assignment(-cosines)
    return [
        (int(group), int(topic))
        for group, topic in zip(groups, topics, strict=True)
        if cosines[group, topic] >= SAME
    ]


def _shared(
    labels: Labels, earlier: Sequence[str | None], groups: int, ids: Sequence[str]
) -> NDArray[np.int64]:
    """Return how many stories each group has from each topic; shape (groups, topics + 1).

    The last column counts those that had no topic.
    """
    column = {name: place for place, name in enumerate(ids)}
    counts = np.zeros((groups, len(ids) + 1), dtype=np.int64)
    for label, name in zip(labels, earlier, strict=True):
        if label >= 0:
            counts[label, len(ids) if name is None else column.get(name, len(ids))] += 1
    return counts


def _come_from(
    group: int,
    cosines: Floats,
    shared: NDArray[np.int64],
    stability: float,
    ids: Sequence[str],
) -> list[Tie]:
    """Return what a group without a topic of its own has to do with those that stand.

    A tie of kind ``same`` means that it is no topic of its own.
    """
    nearest = int(cosines.argmax())
    cosine = float(cosines[nearest])
    source = int(shared[:-1].argmax())
    had = int(shared[source])
    whole = int(shared.sum())

    def tie(kind: str, topic: int) -> Tie:
        return Tie(
            kind=kind,
            number=group,
            topic_id=None,
            other_id=ids[topic],
            cosine=round(float(cosines[topic]), 4),
            stories=int(shared[topic]),
        )

    if had >= _HALF * whole:
        # Half of it or more stood in one topic: that topic comes apart, or seems to.
        return [tie("split" if stability >= FIRM else "same", source)]
    if cosine >= SAME:
        # As like that topic as the group which took its id.
        return [tie("same", nearest)]
    return [tie("child", nearest)] if cosine >= CHILD else []


def _standing(earlier: Sequence[str | None], ids: Sequence[str]) -> Mapping[str, int]:
    """Return how many stories of the window each topic has had, grouped now or not."""
    counts = Counter(name for name in earlier if name is not None)
    return {name: counts[name] for name in ids}


def _merged(
    names: Sequence[str | None],
    cosines: Floats,
    shared: NDArray[np.int64],
    stability: NDArray[np.float64],
    standing: Mapping[str, int],
) -> list[Tie]:
    """Return the topics that have become part of another."""
    ties = []
    taken = set(names)
    for topic, (name, stood) in enumerate(standing.items()):
        group = int(shared[:, topic].argmax())
        had = int(shared[group, topic])
        other, cosine = names[group], float(cosines[group, topic])
        if name in taken or other is None or stability[group] < FIRM:
            continue
        if had >= max(_FEWEST, _HALF * stood) and cosine >= SAME:
            ties.append(
                Tie(
                    kind="merge",
                    number=None,
                    topic_id=name,
                    other_id=other,
                    cosine=round(cosine, 4),
                    stories=had,
                )
            )
    return ties


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a story belongs: a topic, the cosine to its centre, and whether at its heart."""

    topic_id: str
    similarity: float
    is_core: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawing:
    """Which groups draw stories out of the topic in which they stood; both of shape (groups,).

    Attributes
    ----------
    apart : ndarray of bool
        Groups that split off: all of their stories leave.
    firm : ndarray of bool
        New groups that most runs found: stories leave that were only near their topic. Between
        topics that both stood such a story stays where it was.
    """

    apart: NDArray[np.bool_]
    firm: NDArray[np.bool_]

    @classmethod
    def of(cls, matched: Matched, stability: NDArray[np.float64]) -> "Drawing":
        """Return what the ties and the stability of the groups ask for."""
        apart = np.zeros(len(stability), dtype=np.bool_)
        for tie in matched.ties:
            if tie.kind == "split" and tie.number is not None:
                apart[tie.number] = True
        new = np.array([name is None for name in matched.names], dtype=np.bool_)
        return cls(apart=apart, firm=(stability >= FIRM) & new)


def places(
    rows: Floats,
    labels: Labels,
    names: Sequence[str],
    drawing: Drawing,
    earlier: Sequence[Place | None],
    known: Known,
) -> list[Place | None]:
    """Return where each story belongs; None outside of every topic.

    Parameters
    ----------
    rows : ndarray of shape (n, width)
        About the window's mean, of length one.
    labels : ndarray of shape (n,)
    names : sequence of str, by group
        Empty for a group without a story in `labels`.
    drawing : Drawing
    earlier : sequence of Place or None
        Places before this window, under ids that stand.
    known : Known
        Topics that stood before, with their centres.
    """
    new = (name for name in dict.fromkeys(names) if name and name not in set(known.ids))
    ids = [*known.ids, *new]
    row_of = {name: row for row, name in enumerate(ids)}
    core = np.full(len(rows), OUTSIDE, dtype=np.int64)
    for story, (label, before) in enumerate(zip(labels, earlier, strict=True)):
        if label != OUTSIDE and _moves(before, names[label], int(label), drawing):
            core[story] = row_of[names[label]]
        elif before is not None and before.is_core:
            core[story] = row_of[before.topic_id]
    centres = centres_of(rows, core, len(ids))
    empty = np.flatnonzero(np.bincount(core[core >= 0], minlength=len(ids)) == 0)
    centres[empty] = known.centres[empty]  # only a topic that stood can be without a story
    cosines = rows @ centres.T
    found: list[Place | None] = []
    for story, before in enumerate(earlier):
        row = int(core[story])
        if row == OUTSIDE and before is not None:
            row = row_of[before.topic_id]
        is_core = core[story] != OUTSIDE
        found.append(
            None if row == OUTSIDE else _place(ids[row], cosines[story, row], core=bool(is_core))
        )
    if ids:
        _take_in(found, cosines, ids)
    return found


def founded(
    labels: Labels,
    matched: Matched,
    drawing: Drawing,
    earlier: Sequence[Place | None],
    least: int,
) -> NDArray[np.bool_]:
    """Return by group whether it is a topic: known, or new with enough stories that come to it."""
    drawn = np.zeros(len(matched.names), dtype=np.int64)
    for label, before in zip(labels, earlier, strict=True):
        if label != OUTSIDE and _moves(before, None, int(label), drawing):
            drawn[label] += 1
    known = np.array([name is not None for name in matched.names], dtype=np.bool_)
    return np.asarray(known | (drawn >= least))


def _moves(before: Place | None, name: str | None, group: int, drawing: Drawing) -> bool:
    """Return whether a story of a group goes where the group is."""
    if before is None or before.topic_id == name or drawing.apart[group]:
        return True
    # What was only near a topic goes where it is at the heart.
    return not before.is_core and bool(drawing.firm[group])


def _take_in(found: list[Place | None], cosines: Floats, ids: Sequence[str]) -> None:
    """Put the stories outside with the nearest topic, the nearest first, until few are left."""
    outside = np.flatnonzero([place is None for place in found])
    best = cosines[outside].argmax(axis=1)
    near = cosines[outside, best]
    order = np.lexsort((outside, -near))
    left = int(MOST_OUTSIDE * len(found))
    for place in order[: max(0, len(outside) - left)]:
        found[int(outside[place])] = _place(ids[int(best[place])], near[place], core=False)


def _place(topic_id: str, cosine: float, *, core: bool) -> Place:
    # Nothing is told of how unlike: a negative cosine is 0.
    return Place(
        topic_id=topic_id, similarity=round(min(1.0, max(0.0, float(cosine))), 4), is_core=core
    )
