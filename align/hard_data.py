"""The public series that would show a narrative at work, as known at the close."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from align.market import Market


def hard_percentiles(
    market: Market, row: int, days: int, narrative_ids: list[str], weights: Mapping[str, Any]
) -> dict[str, float]:
    """Return the percentile of each narrative's series in its direction, in [0, 1].

    A value that became public only after the close of the move's session is not used: for
    30 January 2026 the spread of SOFR over IORB is that of the 29th. Narratives without a
    series, with too little history, or whose series has ended are left out.
    """
    rules = weights["hard"]
    close = pd.Timestamp(market.calendar.close(market.offset + row))
    close += pd.Timedelta(minutes=rules["grace_minutes"])
    found = {}
    for narrative_id in narrative_ids:
        entry = rules["series"].get(narrative_id)
        if entry is None or entry["series"] not in market.changes.columns:
            continue
        values = _values(market, entry, days)
        known = _known_at(market, entry["series"]) <= close
        values = values[known.to_numpy() & (np.arange(len(values)) <= row)].dropna()
        if values.empty or _is_old(market, row, values.index[-1], entry["kind"], rules):
            continue
        past = values.iloc[-1 - rules["window"] : -1] * entry["sign"]
        if len(past) >= rules["least"]:
            found[narrative_id] = float((past < values.iloc[-1] * entry["sign"]).mean())
    return found


def _values(market: Market, entry: Mapping[str, Any], days: int) -> pd.Series:
    if entry["kind"] == "level" and entry["series"] in market.closes.columns:
        return pd.Series(market.closes[entry["series"]])
    return pd.Series(market.moves(days)[entry["series"]])


def _is_old(
    market: Market, row: int, last: pd.Timestamp, kind: str, rules: Mapping[str, Any]
) -> bool:
    """Return whether the last value says nothing of the day any more."""
    dates = market.closes.index
    if kind == "level":
        return bool((dates[row] - last).days > rules["oldest_days"])
    # The fall of yesterday, the last that was public, is no evidence of a rise today.
    return bool(last < dates[row])


def _known_at(market: Market, series: str) -> pd.Series:
    """Return when each value was public; a spread is known when its later leg is."""
    if series in market.known_at.columns:
        return pd.Series(market.known_at[series])
    legs = series.replace("/", "-").split("-")
    return pd.Series(market.known_at[legs].max(axis=1))
