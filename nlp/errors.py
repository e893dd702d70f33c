"""What can go wrong when text is labelled.

::

    TapestoryError             store/errors.py
    └── TaggingError
        ├── ModelNotFoundError   weights are missing, unreadable, or not the ones expected
        ├── LabelSchemeError     a narratives file or a label breaks the scheme
        ├── TrainingError        the labelled data cannot be trained or evaluated on
    └── GroupingError        the stories of a window could not be grouped into topics

A message says what failed, on which thing, and what to do about it.
"""

from store.errors import TapestoryError


class TaggingError(TapestoryError):
    """Text could not be labelled."""


class ModelNotFoundError(TaggingError):
    """Weights are missing, unreadable, or not the ones that were expected.

    Attributes
    ----------
    model : str
        Name or folder that was asked for.
    """

    def __init__(self, message: str, *, model: str = "") -> None:
        super().__init__(message)
        self.model = model


class LabelSchemeError(TaggingError):
    """A narratives file, or a label that refers to one, breaks the scheme."""

    exit_code = 2


class TrainingError(TaggingError):
    """The labelled examples cannot be trained or evaluated on."""


class GroupingError(TaggingError):
    """The stories of a window could not be grouped into topics."""
