"""The command ``tapestory``: one verb per stage, the database file first.

Data goes to stdout, progress and logs to stderr. Exit codes: 0 done, 1 failed, 2 usage,
3 done with items that failed, 75 another run holds the lock.
"""

import sys
from importlib.metadata import version
from typing import Any

import click

from api.commands import (
    alerts,
    answers,
    care,
    intake,
    labelling,
    pipeline,
    schema,
    sources,
    topics,
)
from api.logs import set_up_logging
from store.errors import TapestoryError


class _Group(click.Group):
    """A group that turns our exceptions into one line and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TapestoryError as error:
            if ctx.params.get("verbose"):
                raise
            click.echo(f"tapestory: {error}", err=True)
            sys.exit(error.exit_code)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("tapestory"), prog_name="tapestory")
@click.option("-v", "--verbose", count=True, help="Log more; show tracebacks.")
def cli(verbose: int) -> None:
    """Line market narratives up with the tape."""
    set_up_logging(verbose)


for module in (pipeline, intake, labelling, topics, answers, alerts, care, sources, schema):
    for command in module.COMMANDS:
        cli.add_command(command)
