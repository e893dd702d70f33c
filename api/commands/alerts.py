"""Alerts: what a person is told, what waits to be sent, and what rules would have found."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.commands.options import as_json as json_option
from api.commands.options import as_of as as_of_option
from api.commands.options import clock, config, database, end, show_failures
from api.config import Settings, load_settings
from store.records import StageReport

if TYPE_CHECKING:
    from api.alerts.fold import Change

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@database
@click.option("--since", type=_DAY, help="Leave out stories without a finding from this day on.")
@click.option("--send", is_flag=True, help="Send what waits, after the quiet hours for instance.")
@click.option("--replay", type=(_DAY, _DAY), metavar="FROM TO",
              help="Show what the rules would have raised; writes and sends nothing.")  # fmt: skip
@json_option
@config
@as_of_option
def alerts(
    db: Path,
    since: datetime | None,
    send: bool,
    replay: tuple[datetime, datetime] | None,
    as_json: bool,
    config_path: Path | None,
    as_of: datetime | None,
) -> None:
    """List the alerts with their evidence; send those that wait; try the rules out."""
    if send and (replay or since or as_json):
        raise click.UsageError("--send goes without --replay, --since and --json")
    if replay and since:
        raise click.UsageError("--replay goes without --since: it has its own days")
    if replay and replay[0] > replay[1]:
        raise click.UsageError("--replay takes the first day, then the last")
    settings, now = load_settings(config_path), clock(as_of)
    if send:
        _send(db, settings, now)
    elif replay:
        _replay(db, settings, now, replay[0].date(), replay[1].date(), as_json=as_json)
    else:
        _list(db, settings, since.date() if since else None, as_json=as_json)


def _send(db: Path, settings: Settings, now: datetime) -> None:
    from api.alerts.deliver import deliver
    from store import Store

    with Store.open(db) as store:
        sent = deliver(store, settings, now=now)
        report = StageReport(stage="alerts", counts={"sent": sent.sent}, failures=sent.failures)
        show_failures(store, report)
    held = " (quiet hours)" if sent.is_held else ""
    click.echo(f"{sent.sent:,} sent, {sent.failures:,} failed, {sent.waiting:,} wait{held}")
    end([report])


def _list(db: Path, settings: Settings, since: date | None, *, as_json: bool) -> None:
    from api.alerts.letters import lines
    from store import Store

    with Store.open(db, read_only=True) as store:
        found = store.alerts.listed(since=since.isoformat() if since else "")
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for alert in found:
        click.echo("\n".join(lines(alert, settings.alerts.site)) + "\n")
    if not found:
        click.echo("no alert is stored", err=True)


def _replay(
    db: Path, settings: Settings, now: datetime, first: date, last: date, *, as_json: bool
) -> None:
    from api.alerts.run import replay as run
    from store import Store

    sources = [source.id for source in settings.sources]
    raised = updates = 0
    with Store.open(db, read_only=True) as store:
        for day, changes in run(store, settings.alerts, sources, first, last, now=now):
            raised += sum(change.is_new for change in changes)
            updates += sum(not change.is_new for change in changes)
            for change in changes:
                if as_json:
                    click.echo(json.dumps(_change_document(day, change), ensure_ascii=False))
                else:
                    click.echo("\n".join(_change_lines(day, change)))
    click.echo(f"{raised} alerts and {updates} updates from {first} to {last}", err=True)


def _change_document(day: date, change: "Change") -> dict[str, Any]:
    from store.results import document_of

    alert = document_of(change.alert)
    alert.pop("known")
    return {
        "session": day.isoformat(),
        "kind": _kind(change),
        **alert,
        "findings": [
            {name: value for name, value in document_of(one).items() if name != "channels"}
            for one in change.findings
        ],
    }


def _change_lines(day: date, change: "Change") -> Iterator[str]:
    yield f"{day}  {_kind(change)}: {change.alert.title}  ({change.alert.id})"
    for finding in change.findings:
        yield f"    {finding.statement}"
        for quote in finding.quotes:
            yield f"      {quote.stance}: “{' '.join(quote.quote.split())}”"


def _kind(change: "Change") -> str:
    if change.is_new:
        return "raised"
    return "escalated" if change.is_sent else "updated"


COMMANDS = (alerts,)
