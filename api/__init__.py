"""Everything a person touches: command line, settings, Datasette pages, the weekly report.

The only folder that sees all the others. It reads the clock, the environment and the settings,
and passes them down; it computes nothing that a number rests on, and it speaks no SQL. For
programs: ``open_tapestory`` gives a database as tidy DataFrames (docs/python.md).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.reading import Tapestory, open_tapestory

__all__ = ["Tapestory", "open_tapestory"]


def __getattr__(name: str) -> object:
    # The command line imports this file first: the database loads only when asked for.
    if name in __all__:
        from api import reading

        return getattr(reading, name)
    raise AttributeError(f"module 'api' has no attribute {name!r}")
