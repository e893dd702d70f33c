"""Arguments and output that the verbs share."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from store.records import StageReport

if TYPE_CHECKING:
    from store import Store

EXIT_ITEMS_FAILED = 3
_FAILURES_SHOWN = 10

database = click.argument("db", type=click.Path(path_type=Path, dir_okay=False))
config = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file.  [default: tapestory.toml here, else the shipped settings]",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class Instant(click.ParamType[datetime]):
    """An ISO 8601 instant; without a zone it is UTC, without a time the end of that day."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the aware UTC instant."""
        if isinstance(value, datetime):
            return value
        try:
            instant = datetime.fromisoformat(value)
            if len(value) == len("2026-01-30"):
                instant = instant.replace(hour=23, minute=59, second=59)
            return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
        except (OverflowError, ValueError):  # the year 1 in Tokyo is before the year 1 of UTC
            self.fail(f"{value!r} is no ISO time such as 2026-01-30T22:30:00Z", param, ctx)


as_of: Callable[[Any], Any] = click.option(
    "--as-of",
    type=Instant(),
    default=None,
    help="Work as if it were this time (ISO 8601).  [default: now]",
)


def clock(as_of: datetime | None) -> datetime:
    """Return the instant given, or now to the second."""
    return as_of or datetime.now(UTC).replace(microsecond=0)


def show_report(report: StageReport) -> None:
    """Print what a stage did, in one line and its notes."""
    done = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in report.counts.items())
    seconds = f" in {report.seconds:.1f} s" if report.seconds else ""
    failed = f"; {report.failures:,} failed (see 'tapestory status')" if report.failures else ""
    click.echo(f"{report.stage:8} {done or 'nothing to do'}{failed}{seconds}")
    for note in report.notes:
        click.echo(f"         {note}")


def show_failures(store: "Store", report: StageReport) -> None:
    """Print the newest failures of a stage on stderr, one by one, with what to do."""
    shown = store.runs.failures(limit=min(report.failures, _FAILURES_SHOWN))
    for failure in shown:
        click.echo(f"  {failure['item']}: {failure['message']}; {failure['advice']}", err=True)
    if more := report.failures - len(shown):
        click.echo(f"  and {more:,} more: see the table 'failures'", err=True)


def end(reports: Iterable[StageReport]) -> None:
    """Exit with 3 when items failed."""
    if any(report.failures for report in reports):
        raise SystemExit(EXIT_ITEMS_FAILED)
