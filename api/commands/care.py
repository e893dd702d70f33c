"""Looking after a database: status, doctor, back-ups."""

import json
from pathlib import Path

import click

from api.commands.options import as_json as json_option
from api.commands.options import clock, config, database
from api.config import load_settings


@click.command()
@database
@json_option
def status(db: Path, as_json: bool) -> None:
    """Show sources, lags, failures and the last runs; what needs a hand comes first."""
    from api.health import status_document, status_lines
    from store import Store

    with Store.open(db, read_only=True) as store:
        document = status_document(store, clock(None))
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(status_lines(document)))


@click.command()
@click.argument("db", type=click.Path(path_type=Path, dir_okay=False), required=False)
@config
def doctor(db: Path | None, config_path: Path | None) -> None:
    """Check the installation, the settings, the models and, when DB is given, the database."""
    from api.health import checks

    findings = list(checks(db, load_settings(config_path)))
    for finding in findings:
        mark = "ok  " if finding.ok else "FAIL"
        click.echo(f"{mark} {finding.what}: {finding.found}")
        if finding.advice:
            click.echo(f"     {finding.advice}")
    if not all(finding.ok for finding in findings):
        raise SystemExit(1)


@click.command()
@database
@click.argument("dest", type=click.Path(path_type=Path))
def backup(db: Path, dest: Path) -> None:
    """Write a consistent, checked copy of DB to DEST (a file or a folder)."""
    from store.publish import backup as run

    click.echo(f"wrote {run(db, dest)}")


@click.command()
@click.argument("src", type=click.Path(path_type=Path, dir_okay=False))
@database
def restore(src: Path, db: Path) -> None:
    """Put the back-up SRC, once checked, in the place of DB."""
    from store.publish import restore as run

    run(src, db)
    click.echo(f"restored {db} from {src}")


COMMANDS = (status, doctor, backup, restore)
