"""Answers for people: explain a day, write the report, serve the pages."""

import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from api.commands.options import EXIT_ITEMS_FAILED, clock, config, database
from api.commands.options import as_json as json_option
from api.commands.options import as_of as as_of_option
from api.config import Settings, load_settings

_MOST_SESSIONS = 60


@click.command()
@database
@click.argument("day", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--days", type=click.IntRange(1, _MOST_SESSIONS), default=1, show_default=True,
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


class _Day(click.ParamType[tuple[date, int]]):
    """A day, or ``DATE:N`` for the N sessions that end there."""

    name = "date[:n]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[date, int]:
        """Return the day and its number of sessions."""
        day, _, sessions = value.partition(":")
        try:
            found = date.fromisoformat(day), int(sessions or 1)
        except ValueError:
            self.fail(f"{value!r} is no day such as 2026-01-30 or 2026-02-05:5", param, ctx)
        if found[0] == date.max:
            # What was public by its midnight counts, and that midnight is no date any more.
            self.fail(
                f"{found[0]} is the last day of the calendar: give an earlier one", param, ctx
            )
        if not 1 <= found[1] <= _MOST_SESSIONS:
            self.fail(f"{found[1]} sessions: between 1 and {_MOST_SESSIONS}", param, ctx)
        return found


@click.command()
@database
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True, dir_okay=False),
                default="-")  # fmt: skip
@click.option("--date", "days", type=_Day(), multiple=True, metavar="DATE[:N]",
              help="Day that the text speaks of, or the N sessions ending there (repeatable)."
              "  [default: the last day with prices]")  # fmt: skip
@json_option
@as_of_option
def check(
    db: Path, file: Path, days: tuple[tuple[date, int], ...], as_json: bool, as_of: datetime | None
) -> None:
    """Check what FILE (plain text; stdin by default) says of prices against the store."""
    from align.run import check as run
    from api.claims import claim_line, claim_lines
    from nlp.claims import MAX_CHARS, MAX_CLAIMS, find_claims
    from store import Store

    text = _text(file)
    if len(text) > MAX_CHARS:
        click.echo(f"only the first {MAX_CHARS:,} of {len(text):,} characters are read", err=True)
    claims = find_claims(text)
    if len(claims) == MAX_CLAIMS:
        click.echo(f"the text may hold more than the {MAX_CLAIMS:,} statements checked", err=True)
    with Store.open(db, read_only=True) as store:
        checked = run(store, claims, days, now=as_of)
    if not claims:
        click.echo("no statement about a known asset or series was found", err=True)
    for line in map(claim_line, checked) if as_json else claim_lines(checked):
        click.echo(json.dumps(line, ensure_ascii=False) if as_json else line)


def _text(file: Path) -> str:
    name = str(file)
    if name != "-" and not file.exists():
        raise click.BadParameter(f"no file {name!r}", param_hint="FILE")
    data = sys.stdin.buffer.read() if name == "-" else file.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.BadParameter(
            f"{name!r} is not UTF-8 at byte {error.start}: save it as UTF-8", param_hint="FILE"
        ) from error


@click.command()
@database
@click.option("--week", help="ISO week such as 2026-W05.  [default: the last whole week with data]")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("reports"),
              show_default=True, help="Folder for the files.")  # fmt: skip
@click.option("--format", "formats", default="html,md", show_default=True,
              help="Any of html, md, pdf, json, with commas.")  # fmt: skip
@click.option("--deliver", is_flag=True,
              help="Also to the folder and mail that [report] of the settings names.")  # fmt: skip
@config
@as_of_option
def report(
    db: Path,
    week: str | None,
    out: Path,
    formats: str,
    deliver: bool,
    config_path: Path | None,
    as_of: datetime | None,
) -> None:
    """Write the weekly narrative report, self-contained."""
    from api.report import write_report
    from store import Store

    wanted, settings, now = _formats(formats), load_settings(config_path), clock(as_of)
    with Store.open(db, read_only=True) as store:
        paths = write_report(store, week, out, wanted, now=now)
    for path in paths:
        click.echo(f"wrote {path}")
    if deliver:
        _deliver(paths, settings, now)


def _formats(text: str) -> list[str]:
    from api.report import FORMATS

    wanted = [name.strip() for name in text.split(",") if name.strip()]
    if odd := sorted(set(wanted) - set(FORMATS)):
        raise click.BadParameter(
            f"{odd[0]!r}: choose from {', '.join(FORMATS)}", param_hint="--format"
        )
    if not wanted:
        raise click.BadParameter(f"choose from {', '.join(FORMATS)}", param_hint="--format")
    return wanted


def _deliver(paths: list[Path], settings: Settings, now: datetime) -> None:
    """Deliver the files; what could not be delivered is said, and the exit code is 3."""
    from api.delivery import deliver_report

    if not settings.report.folder and not settings.report.channels:
        # The timer asks for it every week, whether or not a place was named since.
        click.echo(f"not delivered: [report] of {settings.origin} names no place", err=True)
        return
    delivered = deliver_report(paths, settings, now)
    for words in delivered.done:
        click.echo(words)
    for words in delivered.failed:
        click.echo(words, err=True)
    if delivered.failed:
        raise SystemExit(EXIT_ITEMS_FAILED)


@click.command()
@database
@click.option("--port", type=click.IntRange(1, 65535), default=8001, show_default=True,
              help="Port on 127.0.0.1.")  # fmt: skip
@click.option("--processes", type=click.IntRange(1, 64),
              help="How many answer at once.  [default: one for each core, at most 4]")  # fmt: skip
def serve(db: Path, port: int, processes: int | None) -> None:
    """Serve the pages on a read-only snapshot, published first when it is old.

    A snapshot that a later run publishes is served from then on.
    """
    from api.browse.serving import serve as run
    from store import Store
    from store.publish import is_current, publish, snapshot_path

    if not is_current(db):
        with Store.open(db) as store:
            publish(store)
    click.echo(f"Tapestory on http://127.0.0.1:{port}/  (Ctrl-C ends it)", err=True)
    run(snapshot_path(db), port=port, processes=processes)


COMMANDS = (explain, check, report, serve)
