"""``python -m api`` is ``tapestory``."""

from api.cli import cli

cli()
