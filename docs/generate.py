"""Write what follows from the code (``make docs``): four pages, and the list of sources."""

import sys
import tempfile
import tomllib
from pathlib import Path

import click

# The code beside this file, whichever checkout is installed.
sys.path.insert(0, str(Path(__file__).parent.parent))

from api.cli import cli
from api.config import default_sources_text
from docs.episode_page import episode_page
from docs.json_page import json_page
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
_BEGIN, _END = "<!-- written by make docs: begin -->", "<!-- written by make docs: end -->"
_CLASSES = {1.0: "official or newsroom", 0.7: "commentary", 0.4: "social or video"}
_TABLE_HEAD = """| id | name | kind | language | weight | terms | address or handle |
|---|---|---|---|---|---|---|
"""


def pages() -> dict[Path, str]:
    """Return the generated pages by path."""
    sources = HERE / "sources.md"
    return {
        HERE / "cli.md": _cli(),
        HERE / "schema.md": _schema(),
        HERE / "json.md": json_page(),
        HERE / "episodes.md": episode_page(),
        # The rest of this page is written by hand.
        sources: _between(sources.read_text(encoding="utf-8"), _sources()),
    }


def _between(page: str, text: str) -> str:
    """Return a page with the text between its two marks replaced."""
    head, _, rest = page.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    return f"{head}{_BEGIN}\n{text}{_END}{tail}"


def _sources() -> str:
    """Return the shipped sources as tables, one below each heading of the list."""
    text = default_sources_text()
    entries = iter(tomllib.loads(text)["source"])
    parts = []
    for line in text.splitlines():
        if line.startswith("# == "):
            parts.append(f"\n### {line.removeprefix('# == ')}\n\n{_TABLE_HEAD}")
        elif line == "[[source]]":
            entry = next(entries)
            weight = f"{entry['weight']} {_CLASSES[entry['weight']]}"
            about = entry.get("handle") or entry["url"]
            cells = [
                f"`{entry['id']}`", entry["name"], entry["kind"], entry.get("language", "any"),
                weight, entry["terms"], f"`{about}`",
            ]  # fmt: skip
            parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return "".join(parts) + "\n"


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
