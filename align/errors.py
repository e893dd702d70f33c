"""What can go wrong when narratives and prices are lined up.

::

    TapestoryError
    └── AlignError
        ├── InsufficientDataError   too little history for what was asked
        └── SessionError            an instant or day that the calendar does not cover
"""

from store.errors import TapestoryError


class AlignError(TapestoryError):
    """The alignment, or the explanation of a day, could not be computed."""


class InsufficientDataError(AlignError):
    """There is too little history for what was asked."""


class SessionError(AlignError):
    """An instant or a day lies outside the calendar, or has no time zone."""
