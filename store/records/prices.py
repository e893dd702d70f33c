"""Observations of assets."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBar:
    """One observation of an asset.

    Attributes
    ----------
    date : date
        Value date in the asset's own calendar.
    close : float
        In the asset's unit (price, per cent for yields, basis points for spreads).
    as_of : datetime
        The instant that the value describes (the close), UTC.
    known_at : datetime
        The instant from which the value was public, UTC; never before ``as_of``.
    """

    asset_id: str
    date: date
    close: float
    as_of: datetime
    known_at: datetime
    open: float | None = None
    high: float | None = None
    low: float | None = None
    volume: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceAnswer:
    """What is remembered of the last answer of an asset's provider.

    Attributes
    ----------
    fetched_at : datetime or None
        When it was asked with success.
    etag, last_modified : str or None
        Validators to send back; only of a whole history of which nothing was left out.
    """

    fetched_at: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
