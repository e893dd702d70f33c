"""Errors of the branch that people touch.

::

    TapestoryError
    ├── ConfigError      a settings file or option that cannot be used (exit code 2)
    └── EvidenceError    a sentence of a report that the stored rows do not bear out
"""

from store.errors import TapestoryError


class ConfigError(TapestoryError):
    """A settings file or an option cannot be used."""

    exit_code = 2


class EvidenceError(TapestoryError):
    """A sentence, a number or a quote of a report is not what the stored rows say.

    Attributes
    ----------
    sentence : str
        What the report would have said.
    """

    def __init__(self, message: str, *, sentence: str = "") -> None:
        super().__init__(message)
        self.sentence = sentence
