"""When a value was true, and from when the public could know it.

A value date is neither. A bitcoin bar of a day ends at midnight UTC, after the New York close;
SOFR of a day is printed the next morning; the Fed's Wednesday balance sheet comes out on
Thursday. Where the release hour is not fixed, the rule is the later one: a value that is known
too late costs a little power, one that is known too early is look-ahead.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from crawler.prices.holidays import is_business_day, next_business_day
from store.records import Asset, closes_early

_NEW_YORK = "America/New_York"
_NEW_YORKS = ("XNYS", "XNAS")
_CLOSES = {
    "XNYS": (_NEW_YORK, time(16, 0)),
    "XNAS": (_NEW_YORK, time(16, 0)),
    # Funds and futures that trade on: the settlement day ends in New York at five.
    "CMES": (_NEW_YORK, time(17, 0)),
    "24/5": (_NEW_YORK, time(17, 0)),
    "XLON": ("Europe/London", time(16, 35)),
    "XETR": ("Europe/Berlin", time(17, 35)),
    "XFRA": ("Europe/Berlin", time(17, 35)),
    "XTKS": ("Asia/Tokyo", time(15, 30)),
    "XHKG": ("Asia/Hong_Kong", time(16, 10)),
    "XSHG": ("Asia/Shanghai", time(15, 0)),
}


@dataclass(frozen=True, slots=True)
class _Release:
    """How a series comes out: so many days on, at an hour of New York.

    ``business`` counts business days, else calendar days moved on to a business day; zero
    with neither is the value date itself.
    """

    at: time
    days: int = 0
    business: bool = True
    true_at: time = time(16, 0)


_YIELD = _Release(time(18, 0), true_at=time(15, 30))
_NEXT_MORNING = _Release(time(8, 0), 1)
_FED_RATE = _Release(time(9, 0), 1)
_SET_RATE = _Release(time(9, 0), true_at=time(9, 0))
_THURSDAY = _Release(time(16, 30), 1)
# Value dates of FRED: the Wednesday of H.4.1, the Saturday of a week of claims, the Friday of
# NFCI, the first day of the month or quarter of a macro series.
_SERIES = {
    "SOFR": _NEXT_MORNING,
    "SOFR30DAYAVG": _NEXT_MORNING,
    "EFFR": _FED_RATE,
    "DFF": _FED_RATE,
    "IORB": _SET_RATE,
    "DFEDTARU": _SET_RATE,
    "DFEDTARL": _SET_RATE,
    "WALCL": _THURSDAY,
    "WRESBAL": _THURSDAY,
    "TREAST": _THURSDAY,
    "WSHOMCB": _THURSDAY,
    "RRPONTSYD": _Release(time(13, 30), true_at=time(13, 30)),
    "BAMLH0A0HYM2": _Release(time(9, 0), 1),
    "NFCI": _Release(time(8, 30), 5, business=False),
    "ICSA": _Release(time(8, 30), 5, business=False),
    "CCSA": _Release(time(8, 30), 12, business=False),
    "DTWEXBGS": _Release(time(16, 30), 7, business=False),
    "MORTGAGE30US": _Release(time(12, 0), true_at=time(12, 0)),
    "UMCSENT": _Release(time(10, 0), 30, business=False),
    "PAYEMS": _Release(time(8, 30), 40, business=False),
    "UNRATE": _Release(time(8, 30), 40, business=False),
    "FEDFUNDS": _Release(time(9, 0), 33, business=False),
    "CPIAUCSL": _Release(time(8, 30), 46, business=False),
    "CPILFESL": _Release(time(8, 30), 46, business=False),
    "PPIACO": _Release(time(8, 30), 47, business=False),
    "PPIFES": _Release(time(8, 30), 47, business=False),
    "RSAFS": _Release(time(8, 30), 48, business=False),
    "INDPRO": _Release(time(9, 15), 49, business=False),
    "PCEPILFE": _Release(time(8, 30), 62, business=False),
    "JTSJOL": _Release(time(10, 0), 72, business=False),
}
_YIELD_PREFIXES = ("DGS", "DFII", "T10Y", "T5Y", "TB3", "DTB")


def publication(asset: Asset, day: date) -> tuple[datetime, datetime]:
    """Return the instant that a value describes and the instant from which it was public.

    Parameters
    ----------
    asset : Asset
        Its source's series, class and calendar decide the rule.
    day : date
        Value date in the asset's own calendar.

    Returns
    -------
    tuple of datetime
        ``as_of`` and ``known_at`` in UTC; ``known_at`` is never the earlier one. A price of New
        York is that of 13:00 on a half day.
    """
    provider, _, series = asset.source.partition(":")
    name = series if provider == "fred" and series else asset.id
    if provider == "nyfed":
        name = "SOFR"
    return _publication(name, asset.asset_class, asset.calendar, day)


@lru_cache(maxsize=20_000)
def _publication(
    name: str, asset_class: str, calendar: str, day: date
) -> tuple[datetime, datetime]:
    release = _SERIES.get(name)
    if release is None and name.startswith(_YIELD_PREFIXES):
        release = _YIELD
    of_options = release is None and asset_class == "volatility" and calendar == "XNYS"
    if name == "VIXCLS" or of_options:
        close = _local(_NEW_YORK, day, time(13, 15) if closes_early(day) else time(16, 15))
        return close, close
    if release is not None:
        as_of = _local(_NEW_YORK, day, release.true_at)
        return as_of, max(as_of, _local(_NEW_YORK, _release_day(release, day), release.at))
    if asset_class == "crypto" or calendar == "24/7":
        midnight = datetime.combine(day, time(0), UTC) + timedelta(days=1)
        return midnight, midnight
    zone, at = _CLOSES.get(calendar, _CLOSES["XNYS"])
    # Of an exchange that is not listed here nothing is known but that the later hour is safe.
    if calendar in _NEW_YORKS and closes_early(day):
        at = time(13, 0)
    close = _local(zone, day, at)
    return close, close


def _release_day(release: _Release, day: date) -> date:
    if release.days == 0:
        return day
    if release.business:
        return next_business_day(day, release.days)
    moved = day + timedelta(days=release.days)
    return moved if is_business_day(moved) else next_business_day(moved)


@lru_cache(maxsize=16)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _local(zone: str, day: date, at: time) -> datetime:
    return datetime.combine(day, at, _zone(zone)).astimezone(UTC)
