"""The sources of the settings: list, add, OPML in and out, revive."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.commands.options import EXIT_ITEMS_FAILED, clock, config, database
from api.commands.options import as_json as json_option
from api.config import Settings, load_settings
from api.errors import ConfigError
from store.records import Source

if TYPE_CHECKING:
    from crawler.discovery import Discovery, FoundFeed

_OPML = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
_WEIGHT = click.option(
    "--weight",
    type=click.FloatRange(min=0, min_open=True),
    help="Weight in an intensity: 1.0 official or newsroom, 0.7 commentary, 0.4 social."
    "  [default: 0.4 for social kinds, else 0.7]",
)
_LANGUAGE = click.option("--language", help="Code such as en or zh.  [default: what the feed says]")


@click.group(name="sources")
def sources_group() -> None:
    """List, add and exchange the sources of the settings."""


@sources_group.command(name="list")
@config
@json_option
def list_sources(config_path: Path | None, as_json: bool) -> None:
    """List the sources that the settings name."""
    from crawler.urls import redact

    found = load_settings(config_path).sources
    if as_json:
        keys = ("id", "kind", "name", "weight", "language", "full_text", "handle", "token_env")
        rows = [
            {**{key: getattr(source, key) for key in keys}, "url": redact(source.url)}
            for source in found
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for source in found:
        handle = f"  {source.handle}" if source.handle else ""
        click.echo(
            f"{source.id:28} {source.kind:10} {source.weight:4.1f} {source.language or '-':3}"
            f" {redact(source.url)}{handle}"
        )
    click.echo(f"{len(found)} sources", err=True)


@sources_group.command()
@click.argument("url")
@click.option("--id", "source_id", help="Id of the source.  [default: from its title]")
@click.option("--name", help="Name for people.  [default: the feed's title]")
@_WEIGHT
@_LANGUAGE
@config
def add(
    url: str,
    source_id: str | None,
    name: str | None,
    weight: float | None,
    language: str | None,
    config_path: Path | None,
) -> None:
    """Find the feed behind URL and add it to the settings.

    URL is a feed, a page that has one, or an account on a platform. It is added to the last of
    your files in [sources] files, or to the settings file when it names none; nothing that
    stands there is changed.
    """
    from api.own_file import settings_file
    from api.source_file import append_sources
    from api.stages import discover_source
    from crawler.errors import SourceError

    path = settings_file(config_path)
    settings = load_settings(path)
    found = discover_source(
        settings, url, now=clock(None), say=lambda line: click.echo(line, err=True)
    )
    if found.feed is None:
        _say_tried(found)
        raise SourceError("no feed was found: give the feed's own address")
    source = _source(settings, found.feed, source_id, name, weight, language)
    _show(found, found.feed)
    written = append_sources(path, settings, [source])
    click.echo(f"added {source.id!r} (weight {source.weight}) to {written}")


def _say_tried(found: "Discovery") -> None:
    for line in found.tried:
        click.echo(f"  {line}", err=True)


def _source(
    settings: Settings,
    feed: "FoundFeed",
    source_id: str | None,
    name: str | None,
    weight: float | None,
    language: str | None,
) -> Source:
    """Return the source to write; one that is known already is refused."""
    from api.source_file import suggest_id, usual_weight
    from crawler.urls import redact

    for known in settings.sources:
        same_account = (known.handle or "").lstrip("#@") == (feed.handle or "")
        if known.url == feed.url and same_account:
            raise ConfigError(f"{redact(feed.url)} is a source already: its id is {known.id!r}")
    taken = {known.id for known in settings.sources}
    if source_id in taken:
        raise ConfigError(f"source {source_id!r} is there already: choose another --id")
    return Source(
        id=source_id or suggest_id(name or feed.title, feed.url, taken),
        kind=feed.kind,
        url=feed.url,
        name=name or feed.title or redact(feed.url),
        weight=weight or usual_weight(feed.kind),
        language=language or feed.language,
        full_text=feed.kind in {"feed", "rsshub"},
        handle=feed.handle,
    )


def _show(found: "Discovery", feed: "FoundFeed") -> None:
    from crawler.urls import redact

    newest = f"newest of {feed.newest:%Y-%m-%d %H:%M} UTC" if feed.newest else "no dates"
    click.echo(f"found {feed.title or 'a feed without a title'!r}: {feed.items} items, {newest}")
    click.echo(f"  {redact(feed.url)}" + (f"  {feed.handle}" if feed.handle else ""))
    for url in found.others[:5]:
        click.echo(f"  also offered: {redact(url)}")


@sources_group.command(name="import")
@_OPML
@_WEIGHT
@_LANGUAGE
@config
def import_opml(
    file: Path, weight: float | None, language: str | None, config_path: Path | None
) -> None:
    """Add the feeds of an OPML FILE to the settings; those that are there already stay.

    No server is asked: the next crawl says which feeds do not answer.
    """
    from api.own_file import settings_file
    from api.source_file import append_sources
    from api.stages import read_opml

    path = settings_file(config_path)
    settings = load_settings(path)
    found = read_opml(file)
    fresh = _fresh(settings, [(feed.url, feed.name, feed.language) for feed in found.feeds])
    chosen = [
        replace(source, weight=weight or source.weight, language=language or source.language)
        for source in fresh
    ]
    if chosen:
        written = append_sources(path, settings, chosen)
        click.echo(f"added {len(chosen):,} sources to {written}")
    click.echo(f"{len(found.feeds) - len(chosen):,} were there already")
    for line in found.refused:
        click.echo(f"  left out, no web address: {line}", err=True)
    if more := found.refused_count - len(found.refused):
        click.echo(f"  and {more:,} more that are no web address", err=True)
    if found.left_out:
        click.echo(f"  {found.left_out:,} more feeds were not read: split the file", err=True)
    if found.refused_count or found.left_out:
        raise SystemExit(EXIT_ITEMS_FAILED)


def _fresh(settings: Settings, feeds: Sequence[tuple[str, str, str | None]]) -> list[Source]:
    """Return sources for the addresses that the settings do not have."""
    from api.source_file import suggest_id, usual_weight
    from crawler.discover import kind_of
    from crawler.opml import feed_address

    known = {source.url for source in settings.sources}
    known |= {address for source in settings.sources if (address := feed_address(source))}
    taken = {source.id for source in settings.sources}
    fresh = []
    for url, name, language in feeds:
        if url in known:
            continue
        kind = kind_of(url)
        source = Source(
            id=suggest_id(name, url, taken),
            kind=kind,
            url=url,
            name=name or url,
            weight=usual_weight(kind),
            language=language,
            full_text=kind == "feed",
        )
        taken.add(source.id)
        fresh.append(source)
    return fresh


@sources_group.command(name="export")
@_OPML
@config
def export_opml(file: Path, config_path: Path | None) -> None:
    """Write the sources as an OPML 2.0 FILE for a feed reader.

    Sources that no reader can follow, and those whose address holds a secret, are left out.
    """
    from crawler.opml import write_opml

    found = load_settings(config_path).sources
    text, left_out = write_opml(found, now=clock(None))
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {str(file)!r} ({error}): check its folder") from error
    click.echo(f"wrote {len(found) - len(left_out):,} sources to {file}")
    if left_out:
        click.echo(f"  left out: {', '.join(left_out)}", err=True)


@sources_group.command()
@database
@click.argument("source_id", metavar="ID")
def revive(db: Path, source_id: str) -> None:
    """Ask a source of DB in full at the next crawl, whatever became of it."""
    from store import Store

    with Store.open(db) as store:
        if not store.sources.revive(source_id):
            raise ConfigError(
                f"{db} has no source {source_id!r}: 'tapestory status {db}' lists them"
            )
    click.echo(f"{source_id} is asked again by the next crawl")


COMMANDS = (sources_group,)
