"""Prices and narratives on one clock, without looking ahead.

Promises: a document counts for the first session that closes strictly after it was known;
baselines trail; a missing day is missing; every estimate has its n, its interval or its
placebo; and an answer may be "not distinguishable" or "no adequate suspect". Never says
"caused", never touches the network, and only ``align.run`` uses the store.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from align.errors import AlignError, InsufficientDataError, SessionError
    from align.run import align, check, explain

__all__ = ["AlignError", "InsufficientDataError", "SessionError", "align", "check", "explain"]


def __getattr__(name: str) -> object:
    # pandas and the calendars load when a function is first asked for (docs/design.md). No module
    # may share a name with a function here: importing it would take the function's place.
    if name in ("align", "check", "explain"):
        from align import run

        return getattr(run, name)
    if name in __all__:
        from align import errors

        return getattr(errors, name)
    raise AttributeError(f"module 'align' has no attribute {name!r}")
