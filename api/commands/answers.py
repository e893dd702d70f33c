"""Answers for people: explain a day, write the report, serve the pages."""

import json
from datetime import datetime
from pathlib import Path

import click

from api.commands.options import as_json as json_option
from api.commands.options import as_of as as_of_option
from api.commands.options import clock, database


@click.command()
@database
@click.argument("day", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--days", type=click.IntRange(1, 60), default=1, show_default=True,
              help="Sessions of the window that ends on DATE.")  # fmt: skip
@json_option
@as_of_option
def explain(db: Path, day: datetime, days: int, as_json: bool, as_of: datetime | None) -> None:
    """Rank the suspects for the cross-asset move of DATE."""
    from align.run import explain as run
    from api.explain import explain_document, explain_lines
    from store import Store

    with Store.open(db, read_only=True) as store:
        explanation = run(store, day.date(), days=days, now=as_of)
        names = {narrative.id: narrative.name for narrative in store.narratives.all()}
    if as_json:
        click.echo(json.dumps(explain_document(explanation), indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(explain_lines(explanation, names)))


@click.command()
@database
@click.option("--week", help="ISO week such as 2026-W05.  [default: the last whole week with data]")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("reports"),
              show_default=True, help="Folder for the files.")  # fmt: skip
@click.option("--format", "formats", default="html,md", show_default=True,
              help="Any of html, md, json, with commas.")  # fmt: skip
@as_of_option
def report(db: Path, week: str | None, out: Path, formats: str, as_of: datetime | None) -> None:
    """Write the weekly narrative report, self-contained."""
    wanted = [name.strip() for name in formats.split(",") if name.strip()]
    if odd := sorted(set(wanted) - {"html", "md", "json"}):
        raise click.BadParameter(f"{odd[0]!r}: choose from html, md, json", param_hint="--format")
    from api.report import write_report
    from store import Store

    with Store.open(db, read_only=True) as store:
        for path in write_report(store, week, out, wanted, now=clock(as_of)):
            click.echo(f"wrote {path}")


@click.command()
@database
@click.option("--port", type=click.IntRange(1, 65535), default=8001, show_default=True,
              help="Port on 127.0.0.1.")  # fmt: skip
def serve(db: Path, port: int) -> None:
    """Serve the pages on a read-only snapshot, published first when it is old."""
    import uvicorn

    from api.browse.app import make_datasette
    from store import Store
    from store.publish import is_current, publish, snapshot_path

    if not is_current(db):
        with Store.open(db) as store:
            publish(store)
    click.echo(f"Tapestory on http://127.0.0.1:{port}/  (Ctrl-C ends it)", err=True)
    uvicorn.run(make_datasette(snapshot_path(db)).app(), host="127.0.0.1", port=port,
                log_level="warning")  # fmt: skip


COMMANDS = (explain, report, serve)
