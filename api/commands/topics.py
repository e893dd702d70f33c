"""Topics: find them, look at them, and decide which become narratives."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import click

from api.commands.options import as_json as json_option
from api.commands.options import as_of as as_of_option
from api.commands.options import clock, config, database, end, show_report
from api.config import load_settings
from api.narrative_entry import plain
from store.rows import Row

_ID = click.argument("topic_id", metavar="ID")


@click.command()
@database
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Look at each week from this day on, in order.  [default: the last window alone]",
)
@config
@json_option
@as_of_option
def discover(
    db: Path,
    since: datetime | None,
    config_path: Path | None,
    as_json: bool,
    as_of: datetime | None,
) -> None:
    """Look for topics in the stories that no narrative covers, and list the candidates."""
    from api.stages import run_discover
    from store import Store
    from store.topic_lists import TopicLists

    settings, now = load_settings(config_path), clock(as_of)
    day = since.date() if since else None
    with Store.open(db) as store:
        report = run_discover(store, settings, now=now, since=day)
        found = [row for row in TopicLists(store.db).listed() if row["status"] == "candidate"]
    if as_json:
        _print(found)
    else:
        show_report(report)
        _list(found, "no topic is a candidate")
    end([report])


@click.group(name="topics")
def topics_group() -> None:
    """List the topics that were discovered, and decide which become narratives."""


@topics_group.command(name="list")
@database
@click.option("--all", "everything", is_flag=True, help="List every topic, whatever became of it.")
@json_option
def list_topics(db: Path, everything: bool, as_json: bool) -> None:
    """List the candidates, and the watched topics that are emerging or growing."""
    from store import Store
    from store.topic_lists import TopicLists

    with Store.open(db, read_only=True) as store:
        found = TopicLists(store.db).listed(everything=everything)
    if as_json:
        _print(found)
    else:
        _list(found, "no topic to look at: --all lists every one")


def _print(found: object) -> None:
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))


def _list(found: Iterable[Row], nothing: str) -> None:
    lines = [_line(row) for row in found]
    for line in lines:
        click.echo(line)
    if not lines:
        click.echo(nothing, err=True)


def _line(row: Row) -> str:
    counts = "no week"
    if row["day"] is not None:
        counts = (
            f"{_many(row['stories'], 'story', 'stories')}, {_many(row['sources'], 'source')},"
            f" {_many(row['days'], 'day')}"
        )
    since = f"proposed {row['proposed_on']}" if row["proposed_on"] else f"found {row['found_on']}"
    return (
        f"{row['id']:14} {row['status']:10} {row['trend'] or 'n/a':8} {counts:34} {since:19} "
        f" {plain(row['label'])}"
    )


def _many(count: int, one: str, more: str = "") -> str:
    return f"{count:,} {one if count == 1 else more or f'{one}s'}"


@topics_group.command()
@database
@_ID
@json_option
def show(db: Path, topic_id: str, as_json: bool) -> None:
    """Show a topic: words, weeks, the rules that it lacks, changes, and quotes."""
    from api.topic_decisions import topic_of
    from store import Store
    from store.topic_lists import TopicLists

    with Store.open(db, read_only=True) as store:
        topic_of(store, topic_id)
        found = TopicLists(store.db).shown(topic_id)
    if as_json:
        _print(found)
    elif found is not None:
        click.echo("\n".join(_lines(found)))


def _lines(topic: Row) -> Iterator[str]:
    decided = f", {topic['decided_at']}" if topic["decided_at"] else ""
    narrative = f": narrative {topic['narrative_id']}" if topic["narrative_id"] else ""
    yield f"{topic['id']}  {plain(topic['label'])}"
    yield f"  {topic['status']}{decided}{narrative}; {topic['trend'] or 'no week'}"
    yield (
        f"  first seen {topic['first_seen']}, found {topic['found_on']}, proposed"
        f" {topic['proposed_on'] or 'never'}; language {topic['language']}"
    )
    if topic["parent_id"]:
        yield f"  parent {topic['parent_id']}"
    words = (f"{plain(one['word'])} {one['score']:.3g}" for one in topic["words"])
    yield f"words: {', '.join(words)}"
    if topic["weeks"]:
        yield f"lacks as a candidate: {', '.join(topic['lacks']) or 'nothing'}"
        yield "weeks: last day, stories, sources, days, last 7 days, before, trend"
    for week in topic["weeks"]:
        yield (
            f"  {week['day']} {week['stories']:7,} {week['sources']:7,} {week['days']:5}"
            f" {week['recent']:7,} {week['before']:7,}  {week['trend']}"
        )
    if topic["changes"]:
        yield "changes:"
    for change in topic["changes"]:
        yield (
            f"  {change['day']} {change['kind']}: {change['topic_id']} {_OF[change['kind']]}"
            f" {change['other_id']} (cosine {change['cosine']:.2f},"
            f" {_many(change['stories'], 'story', 'stories')} of both)"
        )
    if topic["quotes"]:
        yield "stories that represent it:"
    for quote in topic["quotes"]:
        yield f"  {quote['position']}. “{plain(quote['quote'])}”"
        when = quote["published_at"] or quote["effective_at"]
        yield f"     {plain(quote['source'])}, {when}  {plain(quote['url'] or '')}".rstrip()


_OF = {"child": "lies near", "split": "came out of", "merge": "became part of"}


@topics_group.command()
@database
@_ID
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Narratives file to add it to.  [default: the last of [narratives] files that is yours,"
    " else narratives.toml beside the settings]",
)
@click.option("--name", help="Name for people.  [default: the topic's label]")
@click.option("--id", "narrative_id", help="Id of the narrative.  [default: from the label]")
@click.option(
    "--proposition",
    help="One assertion that a text can agree or disagree with.  [default: a draft to edit]",
)
@config
@as_of_option
def accept(
    db: Path,
    topic_id: str,
    file: Path | None,
    name: str | None,
    narrative_id: str | None,
    proposition: str | None,
    config_path: Path | None,
    as_of: datetime | None,
) -> None:
    """Make a narrative of a topic: write its entry, for a person to edit.

    The entry is added to a file of your own; nothing that stands there is changed. No test of
    leads uses days before the topic was proposed.
    """
    from api.own_file import settings_file
    from api.topic_decisions import Chosen
    from api.topic_decisions import accept as run
    from store import Store

    path = settings_file(config_path)
    chosen = Chosen(file=file, name=name, narrative_id=narrative_id, proposition=proposition)
    with Store.open(db) as store:
        _say(run(store, path, topic_id, chosen, now=clock(as_of)))


@topics_group.command()
@database
@_ID
@as_of_option
def dismiss(db: Path, topic_id: str, as_of: datetime | None) -> None:
    """Write that a topic is no narrative; it is not proposed again."""
    from api.topic_decisions import dismiss as run
    from store import Store

    with Store.open(db) as store:
        _say(run(store, topic_id, now=clock(as_of)))


@topics_group.command()
@database
@_ID
@config
def reopen(db: Path, topic_id: str, config_path: Path | None) -> None:
    """Take a decision on a topic back; the entry of a narrative stays in its file."""
    from api.topic_decisions import reopen as run
    from store import Store

    with Store.open(db) as store:
        _say(run(store, config_path, topic_id))


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


COMMANDS = (discover, topics_group)
