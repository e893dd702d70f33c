"""Daily closes through yfinance, for those who install the extra ``yahoo`` and name it.

The library has a network stack of its own, which the address guard does not see and which
presents itself as a browser; so it is asked only for a source that says ``yfinance:``.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from crawler.errors import PriceDataError
from crawler.prices.asking import FIRST_DAY, OVERLAP
from crawler.prices.checks import compare
from crawler.prices.series import Known, Series, failure
from crawler.prices.values import Reading, parse_number, read_series
from store.records import Asset, PriceAnswer


def read_library(
    assets: Sequence[Asset], known: Mapping[str, Known], now: datetime
) -> list[Series]:
    """Return the assets whose source is ``yfinance:SYMBOL``, each asked for in turn."""
    wanted = [asset for asset in assets if asset.source.startswith("yfinance:")]
    if not wanted:
        return []
    try:
        import yfinance
    except ImportError:
        return [_refused(asset, "ImportError", "yfinance is not installed") for asset in wanted]
    return [_read(yfinance, asset, known[asset.id], now) for asset in wanted]


def _read(yfinance: Any, asset: Asset, known: Known, now: datetime) -> Series:
    since = FIRST_DAY
    if known.bars and known.answer.fetched_at is not None:
        since = max(max(known.bars) - OVERLAP, FIRST_DAY)
    try:
        reading = _ask(yfinance, asset, since, now)
        if since != FIRST_DAY and compare(reading.bars, known.bars).rewritten:
            # A split restates all: half a history would be on two scales.
            reading = _ask(yfinance, asset, FIRST_DAY, now)
        if not reading.bars and not reading.open_days:
            raise PriceDataError(f"the answer holds no value since {since}")
    except Exception as error:  # the library raises what its own libraries raise
        return _refused(asset, type(error).__name__, str(error)[:200])
    answer = PriceAnswer(fetched_at=now)
    return Series(asset=asset, bars=reading.bars, answer=answer, remarks=reading.remarks)


def _ask(yfinance: Any, asset: Asset, since: date, now: datetime) -> Reading:
    symbol = asset.source.partition(":")[2]
    frame = yfinance.Ticker(symbol).history(
        start=since.isoformat(),
        end=(now.date() + timedelta(days=1)).isoformat(),
        interval="1d",
        auto_adjust=False,  # dividends are no price moves that a narrative could explain
        raise_errors=True,
    )
    # Indexed by midnight of the exchange's day, in its own zone.
    closes = (
        (stamp.date(), float(f"{number:.7g}"))
        for stamp, value in frame["Close"].items()
        if (number := parse_number(value)) is not None
    )
    return read_series(asset, closes, now=now)


def _refused(asset: Asset, kind: str, message: str) -> Series:
    advice = "it is asked again on the next run; import closes if it lasts"
    if kind == "ImportError":
        advice = "run: pip install 'tapestory[yahoo]', or use yahoo:SYMBOL, which needs nothing"
    row = failure(asset.id, kind, f"{asset.source}: {message}", advice)
    return Series(asset=asset, failures=(row,))
