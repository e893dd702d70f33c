"""The branch of the crawler in the tree of exceptions.

::

    TapestoryError
    └── CrawlError
        ├── FetchError             a request that gave no usable answer; carries an outcome
        │   └── AddressBlockedError    the address guard refused the connection
        ├── HostPausedError        the host asked for a pause that is not over
        ├── FeedParseError         the body is not what the source promised; carries an outcome
        ├── SourceError            a source that cannot be asked as it is configured
        │   └── MissingKeyError        it wants a token that is not there
        ├── LoginError             a login or look-up that failed; carries an outcome
        ├── DeliveryError          a webhook or mail server that did not take what it was sent
        ├── PriceDataError         a provider's answer that is no price series
        └── ImportFormatError      a file that cannot be imported at all (usage, exit code 2)

What goes wrong with one item is a row of ``failures``, not an exception: these are raised
inside the crawler and turned into rows at its border, but for ``ImportFormatError``.
"""

from datetime import datetime

from crawler.messages import Fetched
from store.errors import TapestoryError
from store.records import Outcome


class CrawlError(TapestoryError):
    """Anything that goes wrong between a source and the database."""


class FetchError(CrawlError):
    """A request that gave no usable answer.

    Attributes
    ----------
    outcome : Outcome
        What the row of ``fetches`` says.
    """

    def __init__(self, message: str, outcome: Outcome) -> None:
        super().__init__(message)
        self.outcome: Outcome = outcome


class AddressBlockedError(FetchError):
    """The host resolves to an address or port that the guard does not let through."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "ssrf_blocked")


class HostPausedError(CrawlError):
    """The host of an address asked to be left alone, and was not asked.

    Attributes
    ----------
    until : datetime
        End of the pause.
    """

    def __init__(self, host: str, until: datetime) -> None:
        super().__init__(f"{host!r} asked to be left alone until {until:%Y-%m-%d %H:%M} UTC")
        self.until = until


class FeedParseError(CrawlError):
    """A body that is not the feed, page or answer that was asked for.

    Attributes
    ----------
    outcome : Outcome
        ``not_a_feed``, ``decode``, ``too_large`` or ``poison``.
    """

    def __init__(self, message: str, outcome: Outcome = "not_a_feed") -> None:
        super().__init__(message)
        self.outcome: Outcome = outcome


class SourceError(CrawlError):
    """A source that cannot be asked as it is configured."""


class MissingKeyError(SourceError):
    """A source that wants a token which the settings or the environment do not give."""


class LoginError(CrawlError):
    """A platform that gave no token for a secret, or does not know a name.

    Attributes
    ----------
    outcome : Outcome
        What the row of ``fetches`` says.
    fetched : Fetched
        The answer to the login or look-up.
    """

    def __init__(self, message: str, outcome: Outcome, fetched: Fetched) -> None:
        super().__init__(message)
        self.outcome: Outcome = outcome
        self.fetched = fetched


class DeliveryError(CrawlError):
    """A webhook or mail server did not take what it was sent; holds no secret."""


class PriceDataError(CrawlError):
    """A provider's answer that is not the price series that was asked for.

    Attributes
    ----------
    advice : str
        What to do about it, where that is more than to wait; may be empty.
    """

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


class ImportFormatError(CrawlError, ValueError):
    """A file that cannot be imported at all: wrong type, encoding or columns."""

    exit_code = 2
