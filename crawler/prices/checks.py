"""What is odd about a fetched series beside the one that is stored. Pure.

Nothing here refuses a value: a price does halve in a day, and a statistic is revised as a
whole. A person should know of it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median

from crawler.prices.holidays import next_business_day
from crawler.prices.publication import publication
from store.records import Asset, Failure, PriceBar

# Of the values that are stored, so many must come again, and as they were.
LEAST_SAME = 0.95
# A share of fewer values than this says nothing: the last months of a statistic are revised
# every month.
LEAST_VALUES = 20
LARGEST_MOVE = 0.4
# Sessions after the release of a next value was due.
STALE_SESSIONS = 5
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How an answer agrees with the values that are stored from its first day on."""

    known: int
    changed: int
    missing: int

    @property
    def rewritten(self) -> bool:
        """Whether the provider has restated the series: a split, a new base year."""
        return self._many(self.changed)

    @property
    def incomplete(self) -> bool:
        """Whether values that it once gave are gone."""
        return self._many(self.missing)

    def _many(self, number: int) -> bool:
        return self.known >= LEAST_VALUES and number > (1 - LEAST_SAME) * self.known


def compare(bars: Sequence[PriceBar], stored: Mapping[date, PriceBar]) -> Comparison:
    """Compare an answer, in the order of its dates, with what is stored."""
    if not bars:
        return Comparison(known=0, changed=0, missing=0)
    found = {bar.date: bar.close for bar in bars}
    known = [bar for day, bar in stored.items() if day >= bars[0].date]
    return Comparison(
        known=len(known),
        changed=sum(bar.close != found[bar.date] for bar in known if bar.date in found),
        missing=sum(bar.date not in found for bar in known),
    )


def news(bars: Sequence[PriceBar], stored: Mapping[date, PriceBar]) -> list[PriceBar]:
    """Return the bars of an answer whose date is new or whose close is another one."""
    return [bar for bar in bars if bar.date not in stored or stored[bar.date].close != bar.close]


def flags(
    asset: Asset, bars: Sequence[PriceBar], stored: Mapping[date, PriceBar], *, now: datetime
) -> list[Failure]:
    """Return what a person should look at after a successful fetch.

    Parameters
    ----------
    bars : sequence of PriceBar
        What came, by date; empty when the provider said that nothing has changed.
    stored : mapping of date to PriceBar
        What was stored before.
    """
    merged = {day: bar.close for day, bar in stored.items()}
    merged |= {bar.date: bar.close for bar in bars}
    fresh = {bar.date for bar in news(bars, stored)}
    found = [
        *_agreement(asset, compare(bars, stored)),
        *_jumps(asset, dict(sorted(merged.items())), fresh),
    ]
    if (last := stale_since(asset, merged, now)) is not None:
        message = f"{asset.source}: no value after {last}, though more were due"
        advice = "see whether the series goes on at its provider; else name another source"
        found.append(flag(asset, "stale", message, advice))
    return found


def flag(asset: Asset, kind: str, message: str, advice: str) -> Failure:
    """Return a row about an asset whose values were stored all the same."""
    return Failure(stage="prices", item=asset.id, kind=kind, message=message, advice=advice)


def _agreement(asset: Asset, found: Comparison) -> Iterable[Failure]:
    if found.rewritten:
        message = f"{asset.source}: {found.changed} of {found.known} known values came changed"
        advice = "the new values were appended and count from now on; check a split or a new base"
        yield flag(asset, "revised", message, advice)
    if found.incomplete:
        # The counts move with the window that is asked for: in the message, each would be news.
        share = f"{1 - LEAST_SAME:.0%}"
        message = f"{asset.source}: more than {share} of the known values did not come again"
        advice = (
            f"{found.missing} of {found.known} were gone when this was written; the stored ones"
            " stay; compare the series with its provider's page"
        )
        yield flag(asset, "missing", message, advice)


def _jumps(
    asset: Asset, closes: Mapping[date, float], fresh: Collection[date]
) -> Iterable[Failure]:
    # Volatility does so by its nature; a yield near zero doubles without news.
    if asset.unit not in ("price", "index") or asset.asset_class == "volatility":
        return
    days = list(closes)
    moves = [
        (day, closes[day] / closes[before] - 1)
        for before, day in pairwise(days)
        if (day in fresh or before in fresh) and closes[before] > 0
    ]
    large = [f"{day} ({move:+.0%})" for day, move in moves if abs(move) > LARGEST_MOVE]
    if large:
        more = f" and {len(large) - _SHOWN} more" if len(large) > _SHOWN else ""
        message = (
            f"{asset.source}: moved by more than {LARGEST_MOVE:.0%} on"
            f" {', '.join(large[:_SHOWN])}{more}"
        )
        advice = "check against another source: a split or another unit looks like this"
        yield flag(asset, "jump", message, advice)


def stale_since(asset: Asset, days: Collection[date], now: datetime) -> date | None:
    """Return the last day of a series whose next value is long overdue, else None.

    The next value is due one usual gap after the last, when the rule of the series says that it
    is published; five business days are waited beyond. The usual gap is the median of the last
    twenty, so a weekly or monthly series is judged by its own pace.
    """
    recent = sorted(days)[-21:]
    if len(recent) < 5:
        return None
    gaps = [(after - before).days for before, after in pairwise(recent)]
    due = publication(asset, recent[-1] + timedelta(days=round(median(gaps))))[1]
    return recent[-1] if now.date() > next_business_day(due.date(), STALE_SESSIONS) else None
