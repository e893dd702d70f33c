"""Write align/episode_moves.toml from the prices of a database: moves of the episodes, in sigma.

    python docs/measure_episodes.py DB

Run it after a change of align/episodes.toml or align/returns.py, on a database whose prices reach
back to 2006 (`tapestory import prices`); then `make docs`, which renews docs/episodes.md.
"""

import sys
from pathlib import Path

import click

# The code beside this file, whichever checkout is installed.
sys.path.insert(0, str(Path(__file__).parent.parent))

from align.run import measure_episodes
from store import Store

TARGET = Path(__file__).parent.parent / "align" / "episode_moves.toml"


@click.command(help=__doc__)
@click.argument("database", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(database: Path) -> None:
    """Measure and write."""
    with Store.open(database) as store:
        text = measure_episodes(store)
    TARGET.write_text(text, encoding="utf-8")
    click.echo(f"wrote {TARGET}")


if __name__ == "__main__":
    main()
