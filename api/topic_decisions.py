"""What a person decides on a topic: accept it as a narrative, dismiss it, take that back."""

from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from api.config import load_settings
from api.errors import ConfigError
from api.narrative_entry import draft
from api.narrative_file import add_entry, entry_of, home_of, list_file
from store.errors import NotFoundError
from store.records import Topic, TopicStatus
from store.topic_lists import TopicLists

if TYPE_CHECKING:
    from store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a person chose for the entry of a narrative; None leaves it to the draft.

    Attributes
    ----------
    file : Path or None
        The narratives file to write to.
    """

    file: Path | None = None
    name: str | None = None
    narrative_id: str | None = None
    proposition: str | None = None


def topic_of(store: "Store", topic_id: str) -> Topic:
    """Return a topic.

    Raises
    ------
    NotFoundError
        When there is none; the message has ids that are nearly the same.
    """
    found = store.topics.get(topic_id)
    if found is None:
        ids = [topic.id for topic in store.topics.all()]
        near = get_close_matches(topic_id, ids, n=3, cutoff=0.7)
        advice = f"did you mean {', '.join(near)}?" if near else f"there are {len(ids):,} topics"
        raise NotFoundError(
            f"no topic {topic_id!r}: {advice} ('tapestory topics list {store.path} --all')"
        )
    return found


def accept(
    store: "Store", config_path: Path, topic_id: str, chosen: Chosen, *, now: datetime
) -> list[str]:
    """Write the narrative of a topic into a person's own file, then the decision; say so.

    The file is written first. Where something breaks in between, the next call finds the entry by
    the comment above it and goes on from there.

    Raises
    ------
    ConfigError
        A file cannot be written or read, or the topic is part of another by now.
    """
    from api.stages import taxonomy
    from nlp.narratives import load_taxonomy

    topic = _open_topic(store, topic_id)
    settings = load_settings(config_path)
    home = home_of(settings, chosen.file)
    standing = entry_of(settings, home, topic.id)
    if topic.status == "accepted" and topic.narrative_id:
        where = f"in {standing[1]}" if standing else "but none of your files has its entry"
        return [f"{topic.id} is accepted already as narrative {topic.narrative_id!r}, {where}"]
    _refuse_too_early(store, topic, now)
    taken = {*taxonomy(settings).ids, *TopicLists(store.db).taken()}
    said = []
    if standing:
        narrative_id, home = standing
        said.append(f"the entry of narrative {narrative_id!r} stands in {home} already")
    else:
        if chosen.narrative_id in taken:
            raise ConfigError(
                f"narrative {chosen.narrative_id!r} is there already, or was: choose another --id"
            )
        quotes = TopicLists(store.db).quotes(topic.id)
        entry = draft(
            topic,
            quotes,
            taken,
            today=now.astimezone(UTC).date(),
            narrative_id=chosen.narrative_id,
            name=chosen.name,
            proposition=chosen.proposition,
        )
        add_entry(settings, home, entry, check=load_taxonomy)
        narrative_id = entry.id
        said.append(f"wrote narrative {narrative_id!r} to {home}")
    if list_file(config_path, home):
        said.append(f"named {home.name} under [narratives] files of {config_path}")
    store.topics.decide(topic.id, "accepted", now=now, narrative_id=narrative_id)
    return [*said, *_next(store, topic, home, narrative_id)]


def _refuse_too_early(store: "Store", topic: Topic, now: datetime) -> None:
    """Raise when the topic rests on stories of the day of the decision, or of later ones.

    That day is the narrative's ``found_on``: an earlier one would let in tests of leads what
    had been looked at.
    """
    last = max([topic.found_on, *(week.day for week in store.topics.weeks(topic.id))])
    if now.astimezone(UTC).date() <= last:
        raise ConfigError(
            f"{topic.id} rests on stories up to {last}: accept it on a later day than that"
        )


def _next(store: "Store", topic: Topic, home: Path, narrative_id: str) -> list[str]:
    said = [
        f"next: edit the proposition of {narrative_id!r} in {home}, then run"
        f" 'tapestory tag {store.path}': it looks for the new narrative alone, in every story,"
        " and what lies before its found_on is marked as tagged afterwards"
    ]
    if topic.language != "en":
        said.append(
            f"the topic is in {topic.language!r}: narratives of your own are looked for in English"
            " text only"
        )
    return said


def dismiss(store: "Store", topic_id: str, *, now: datetime) -> list[str]:
    """Write that a topic is no narrative, and say so.

    Raises
    ------
    ConfigError
        When it is accepted, or part of another by now.
    """
    topic = _open_topic(store, topic_id)
    if topic.status == "dismissed":
        return [f"{topic.id} is dismissed already"]
    if topic.status == "accepted":
        raise ConfigError(
            f"{topic.id} is accepted as narrative {topic.narrative_id!r}: take that back first"
            f" with 'tapestory topics reopen {store.path} {topic.id}'"
        )
    store.topics.decide(topic.id, "dismissed", now=now)
    return [f"{topic.id} is dismissed: it keeps its stories and is not proposed again"]


def reopen(store: "Store", config_path: Path | None, topic_id: str) -> list[str]:
    """Take a decision back, and say what remains of it.

    Raises
    ------
    ConfigError
        When the topic is part of another by now.
    """
    topic = _open_topic(store, topic_id)
    if topic.status not in ("accepted", "dismissed"):
        return [f"{topic.id} is {topic.status}: there is no decision to take back"]
    status = _undecided(store, topic)
    store.topics.decide(topic.id, status, now=None)
    said = [f"{topic.id} is back to {status}"]
    if topic.narrative_id:
        settings = load_settings(config_path)
        found = entry_of(settings, home_of(settings, None), topic.id)
        where = f"stays in {found[1]}" if found else "is in none of your files"
        said.append(
            f"the entry of narrative {topic.narrative_id!r} {where}: as long as it stands in one,"
            " stories are labelled with it"
        )
    return said


def _undecided(store: "Store", topic: Topic) -> TopicStatus:
    """Return the status that a topic has without a decision."""
    weeks = store.topics.weeks(topic.id)
    if topic.proposed_on and weeks and not weeks[-1].lacks:
        return "candidate"
    first = [one.day for one in store.topics.discoveries() if one.language == topic.language][:1]
    # Found in the first window, in which nothing could be new.
    return "background" if first == [topic.found_on] and not topic.proposed_on else "watched"


def _open_topic(store: "Store", topic_id: str) -> Topic:
    """Return a topic on which can be decided."""
    topic = topic_of(store, topic_id)
    if topic.status == "merged":
        raise ConfigError(
            f"{topic.id} is part of {topic.parent_id} by now: decide on that one, with"
            f" 'tapestory topics show {store.path} {topic.parent_id}'"
        )
    return topic
