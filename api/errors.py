"""Errors of the branch that people touch.

::

    TapestoryError
    └── ConfigError    a settings file or option that cannot be used (exit code 2)
"""

from store.errors import TapestoryError


class ConfigError(TapestoryError):
    """A settings file or an option cannot be used."""

    exit_code = 2
