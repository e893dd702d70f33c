"""What stands beside the suspects of a move: how unusual it was, money markets, blame, hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

BlameBasis = Literal["claims", "talk"]
PriceBasis = Literal["closes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusual:
    """The event-day tests of one move; percentiles are among placebo days, in [0, 1].

    Attributes
    ----------
    size_percentile : float
        Of the root mean square of the standardised abnormal returns.
    mean_percentile, placebo_p : float
        Of the size of their mean, every asset turned to the common direction of the days
        before; ``placebo_p`` is the share of placebo days with a mean at least as large.
    mean : float
        That mean, in standard deviations of one asset.
    t_bmp, t_kp, p_kp : float
        Boehmer-Musumeci-Poulsen, and the same corrected for correlated assets by Kolari and
        Pynnonen.
    correlation : float
        Mean correlation of the pairs of assets on the days before.
    assets, days : int
        Assets in the test, placebo days behind it.
    """

    size_percentile: float
    mean_percentile: float
    placebo_p: float
    mean: float
    t_bmp: float
    t_kp: float
    p_kp: float
    correlation: float
    assets: int
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlumbingLine:
    """One series of money markets and of risk as it was known at the close.

    Attributes
    ----------
    value_date : date
        The day that the value holds for; ``known_at`` is when it was public.
    percentile : float or None
        Among its own values of the two years before, ties counted half; None with too few.
    n : int
        Values behind the percentile.
    flags : sequence of str
        ``month-end``, ``quarter-end``, ``year-end``, ``tax date``: of the value date.
    """

    series: str
    name: str
    value: float
    unit: str
    value_date: date
    known_at: datetime
    percentile: float | None
    n: int
    flags: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlameShare:
    """What part of a day's stated causes one narrative has."""

    narrative_id: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BlameDay:
    """The cause that the stories of one session state.

    Attributes
    ----------
    after : int
        Sessions after the move; 0 is its last session.
    basis : str
        ``claims`` that something caused a move, or, where those are few, ``talk``.
    stories : int
        Stories behind the shares.
    shares : sequence of BlameShare
        The largest first; they sum to 1.
    entropy : float
        H(shares) / ln(number of narratives): 0 all agree, 1 no two do.
    """

    after: int
    date: date
    basis: BlameBasis
    stories: int
    shares: Sequence[BlameShare]
    entropy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseLine:
    """How far a narrative's pattern moved per unit of its innovation, in the days before.

    Attributes
    ----------
    lag : int
        Sessions from the talk to the move: 0 or 1.
    effect, low, high : float
        Sigma of the projection on the sign vector per sigma of innovation, with a 95 %
        interval (HC1).
    n : int
        Days behind it.
    """

    narrative_id: str
    lag: int
    effect: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StampCount:
    """How many stories were dated by which means."""

    source: str
    stories: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingLine:
    """When a narrative was first told more than usual, in hours from the session's open.

    Attributes
    ----------
    first_at : datetime or None
        Start of the first hour with abnormally many stories; None without one.
    hours_before : float or None
        From there to the open of the move's session; negative: later than the open.
    stories, expected : int and float
        Stories of that hour, and the usual number for that hour of the week.
    pre_share, pre_share_low, pre_share_high : float or None
        Share of the surge that was out before the close, and its range when every story
        whose stamp leaves it open lies after, or before, that close.
    unsure : int
        Stories whose stamp leaves that open.
    stamps : sequence of StampCount
        Where the dates come from.
    """

    narrative_id: str
    first_at: datetime | None
    hours_before: float | None
    stories: int
    expected: float | None
    pre_share: float | None
    pre_share_low: float | None
    pre_share_high: float | None
    unsure: int
    stamps: Sequence[StampCount]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The hours of the talk against the hours of the price.

    Attributes
    ----------
    price_from, price_to : datetime
        The move lies between them; with ``closes`` alone that is its session (or the first
        and the last), from open to close.
    """

    price_from: datetime
    price_to: datetime
    basis: PriceBasis
    lines: Sequence[TimingLine]
