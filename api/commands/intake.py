"""Archives in and out: documents, prices, whole tables."""

from datetime import datetime
from pathlib import Path

import click

from api.commands.options import as_of as as_of_option
from api.commands.options import clock, config, database, end, show_failures, show_report
from api.config import load_settings

_FILES = click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)


@click.group(name="import")
def import_group() -> None:
    """Import archives: documents, prices, or exported tables."""


@import_group.command()
@database
@_FILES
@as_of_option
def documents(db: Path, files: tuple[Path, ...], as_of: datetime | None) -> None:
    """Import documents from .jsonl, .csv or .parquet FILES.

    Columns: title, text, url, published_at, source; optionally first_seen_at, author, lang.
    """
    from api.stages import import_documents
    from store import Store

    with Store.open(db, create=True) as store:
        report = import_documents(store, list(files), now=clock(as_of))
        show_report(report)
        show_failures(store, report)
    end([report])


@import_group.command(name="prices")
@database
@_FILES
@config
@as_of_option
def import_prices(
    db: Path, files: tuple[Path, ...], config_path: Path | None, as_of: datetime | None
) -> None:
    """Import prices in long form from .csv, .jsonl or .parquet FILES.

    Columns: asset, date, close (or series, date, value); optionally open, high, low, volume,
    as_of.
    """
    from api import stages
    from store import Store

    settings = load_settings(config_path)
    with Store.open(db, create=True) as store:
        report = stages.import_prices(store, settings, list(files), now=clock(as_of))
        show_report(report)
        show_failures(store, report)
    end([report])


@import_group.command()
@database
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
def tables(db: Path, folder: Path) -> None:
    """Read back the tables that 'tapestory export' wrote to FOLDER."""
    from store import Store
    from store.parquet import import_tables

    with Store.open(db, create=True) as store:
        for table, count in import_tables(store, folder).items():
            click.echo(f"{table:12} {count:>10,} rows added")


@click.command()
@database
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def export(db: Path, folder: Path) -> None:
    """Write documents, labels and prices as Parquet files to FOLDER."""
    from store import Store
    from store.parquet import export_tables

    with Store.open(db, read_only=True) as store:
        for table, count in export_tables(store, folder).items():
            click.echo(f"{table:12} {count:>10,} rows")


COMMANDS = (import_group, export)
