"""What a page cannot show.

::

    TapestoryError
    ├── PageNotFoundError   404 with a sentence and links
    └── PageMovedError      the answer lies at another address
"""

from collections.abc import Sequence

from store.errors import TapestoryError


class PageNotFoundError(TapestoryError):
    """Nothing stored has this address.

    Attributes
    ----------
    links : sequence of (path, text)
        Where to go instead.
    """

    def __init__(self, message: str, links: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.links = tuple(links)


class PageMovedError(TapestoryError):
    """The page is at :attr:`path`."""

    def __init__(self, path: str) -> None:
        super().__init__(f"this page is at {path!r}")
        self.path = path
