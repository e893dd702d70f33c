"""Write the pages that follow from the code: ``cli.md`` and ``schema.md`` (``make docs``)."""

import tempfile
from pathlib import Path

import click

from api.cli import cli
from store import Store

HERE = Path(__file__).parent
_CLI_HEAD = """# Command line

Generated from the code by `make docs`.

`tapestory VERB DB ...`: the database file first. Data goes to stdout, progress and logs to
stderr. Exit codes: 0 done, 1 failed, 2 usage, 3 done with items that failed (rows of `failures`,
shown by `tapestory status`), 75 another run holds the lock.
"""
_SCHEMA_HEAD = """# Schema

Generated from the migrations by `make docs`. Instants are ISO 8601 text in UTC, so text order is
time order; `date` and `day` are session dates. The published snapshot has the same names. What a
column means stands in `store/records/`.
"""


def pages() -> dict[Path, str]:
    """Return the generated pages by path."""
    return {HERE / "cli.md": _cli(), HERE / "schema.md": _schema()}


def _cli() -> str:
    parts = [_CLI_HEAD]
    for name, command in _commands(cli, "tapestory"):
        context = click.Context(command, info_name=name, max_content_width=100)
        parts.append(f"## {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def _commands(group: click.Group, prefix: str) -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for name, command in sorted(group.commands.items()):
        full = f"{prefix} {name}"
        nested = isinstance(command, click.Group)
        found += _commands(command, full) if nested else [(full, command)]
    return found


def _schema() -> str:
    with (
        tempfile.TemporaryDirectory() as folder,
        Store.open(Path(folder) / "t.db", create=True) as store,
    ):
        rows = store.db.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"
            " AND name NOT LIKE '%\\_fts\\_%' ESCAPE '\\' AND name NOT LIKE '\\_%' ESCAPE '\\'"
            " ORDER BY type = 'view', type = 'trigger', type = 'index', name"
        ).fetchall()
    parts = [_SCHEMA_HEAD]
    for kind in ("table", "view"):
        for found, name, sql in rows:
            if found == kind:
                parts.append(f"## {name}\n\n```sql\n{sql.strip()}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        click.echo(f"wrote {path}")
