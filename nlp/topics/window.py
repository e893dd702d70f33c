"""What a run over one window of one language reads, and what it writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from nlp.topics.settings import DiscoverySettings
from store.records import (
    Discovery,
    ResidualStory,
    Topic,
    TopicChange,
    TopicStory,
    TopicWeek,
)


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


def first_day(day: date, settings: DiscoverySettings) -> date:
    """Return the first day of the window that ends on a day."""
    return day - timedelta(days=settings.window - 1)
