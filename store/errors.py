"""The root of the project's exceptions and the branch of the store.

::

    TapestoryError
    ├── StoreError
    │   ├── StoreLockedError   another run holds the lock (exit code 75)
    │   ├── SchemaError        the file is not ours, damaged, or too new
    │   └── NotFoundError      no such row (also a KeyError)
    ├── CrawlError             crawler/errors.py
    ├── TaggingError           nlp/errors.py
    ├── AlignError             align/errors.py
    └── ConfigError, EvidenceError     api/errors.py

A message says what failed, on which thing, and what to do about it.
"""


class TapestoryError(Exception):
    """Anything that Tapestory reports to a person instead of a traceback.

    Attributes
    ----------
    exit_code : int
        What the command line ends with: 1 failed, 2 usage, 75 another run holds the lock.
    """

    exit_code = 1


class StoreError(TapestoryError):
    """The database could not be read or written."""


class StoreLockedError(StoreError):
    """Another run holds the lock of this database."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h: a scheduler may try again


class SchemaError(StoreError):
    """The file is damaged, is no Tapestory database, or comes from a newer version."""


class NotFoundError(StoreError, KeyError):
    """No row has this id."""

    def __str__(self) -> str:
        # KeyError shows the repr of its argument; a person should see the sentence.
        return str(self.args[0]) if self.args else ""
