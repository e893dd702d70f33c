"""The stages of the nightly run, together and one by one."""

import shutil
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.commands.options import (
    as_of as as_of_option,
)
from api.commands.options import clock, config, database, end, show_report
from api.config import (
    FILE_NAME,
    SOURCES_NAME,
    default_sources_text,
    load_settings,
    own_text,
)
from api.errors import ConfigError
from store.records import StageReport

if TYPE_CHECKING:
    from store import Store


_engine = click.option(
    "--engine",
    type=click.Choice(["local"]),
    default="local",
    show_default=True,
    help="Where the heavy stages run.",
)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def init(folder: Path) -> None:
    """Write commented settings, a schedule to copy and a container file into FOLDER."""
    from api.schedule import schedule_files

    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        FILE_NAME: own_text(),
        SOURCES_NAME: default_sources_text(),
        **schedule_files(folder.resolve()),
    }
    if taken := [name for name in texts if (folder / name).exists()]:
        raise ConfigError(
            f"{str(folder / taken[0])!r} exists already: choose another folder or move it away"
        )
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
        click.echo(f"wrote {folder / name}")
    click.echo(
        f"next: edit {folder / FILE_NAME} and {SOURCES_NAME} beside it, then run"
        f" 'tapestory nightly {folder}/tapestory.db'"
    )


@click.command()
@database
@config
@click.option("--sample", is_flag=True, help="Replay the shipped three weeks of January 2026.")
@as_of_option
@_engine
def nightly(
    db: Path, config_path: Path | None, sample: bool, as_of: datetime | None, engine: str
) -> None:
    """Run the main job: crawl, prices, tag, align, alerts, publish."""
    from api.nightly import nightly as run
    from api.nightly import nightly_sample
    from store import Store

    settings = load_settings(config_path)
    reports: list[StageReport] = []
    with Store.open(db, create=True) as store:
        if crashed := store.runs.mark_crashed():
            click.echo(f"{crashed} earlier run(s) did not finish; going on from what they stored")
        stages = (
            nightly_sample(store, settings) if sample else run(store, settings, now=clock(as_of))
        )
        for report in stages:
            show_report(report)
            reports.append(report)
        day = store.results.largest_move_day()
    click.echo(f"total    {sum(report.seconds for report in reports):.1f} s in stages")
    if failed := sum(report.failures for report in reports):
        click.echo(f"failed   {failed:,} items: 'tapestory status {db}' says which and what to do")
    _what_to_open(db, day)
    end(reports)


def _what_to_open(db: Path, day: date | None) -> None:
    # In an environment that is not active the bare name would not be found.
    program = "tapestory" if shutil.which("tapestory") else sys.argv[0]
    click.echo(f"\nPages:    {program} serve {db}    then open http://127.0.0.1:8001/")
    click.echo(f"Report:   {program} report {db}")
    if day is not None:
        click.echo(f"One day:  {program} explain {db} {day}")


@click.command()
@database
@config
@click.option("--all", "everything", is_flag=True, help="Ask sources that are not yet due, too.")
@as_of_option
def crawl(db: Path, config_path: Path | None, everything: bool, as_of: datetime | None) -> None:
    """Collect new documents from the sources."""
    from api.stages import run_crawl

    settings, now = load_settings(config_path), clock(as_of)
    _run(db, lambda store: run_crawl(store, settings, now=now, everything=everything), create=True)


@click.command()
@database
@config
@as_of_option
def prices(db: Path, config_path: Path | None, as_of: datetime | None) -> None:
    """Fetch the prices of the listed assets."""
    from api.stages import run_prices

    settings, now = load_settings(config_path), clock(as_of)
    _run(db, lambda store: run_prices(store, settings, now=now), create=True)


@click.command()
@database
@config
@_engine
@as_of_option
def tag(db: Path, config_path: Path | None, engine: str, as_of: datetime | None) -> None:
    """Label new documents with narratives and stance."""
    from api.stages import run_tag

    settings, now = load_settings(config_path), clock(as_of)
    _run(db, lambda store: run_tag(store, settings, now=now))


@click.command()
@database
@config
@as_of_option
def align(db: Path, config_path: Path | None, as_of: datetime | None) -> None:
    """Compute intensity, line it up with prices, explain the large moves."""
    from api.stages import run_align

    settings, now = load_settings(config_path), clock(as_of)
    _run(db, lambda store: run_align(store, settings, now=now))


@click.command()
@database
def publish(db: Path) -> None:
    """Publish a read-only snapshot for the pages."""
    from api.stages import run_publish

    _run(db, run_publish)


def _run(db: Path, stage: Callable[["Store"], StageReport], *, create: bool = False) -> None:
    """Run one stage on a database, print its report, exit with 3 when items failed."""
    from store import Store

    with Store.open(db, create=create) as store:
        report = stage(store)
    show_report(report)
    end([report])


COMMANDS = (init, nightly, crawl, prices, tag, align, publish)
