"""Three dated numeric conditions that would overturn an answer.

Each names a series of the database, a number and a date, so that next week's report can
score it as a hit or a miss.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from align.market import Market
from align.signatures import Signature
from align.suspects import Judged
from align.wording import say_date, say_share
from store.records import Falsifier, FalsifierOperator, FalsifierScore, Verdict

# Sessions until a condition is scored.
HORIZON = 5
WANTED = 3
_LEAST_SHARE = 0.01
_UNUSUAL_SHARE = 0.05
_COMPARE: Mapping[str, Callable[[Any, float], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def falsifiers_of(
    verdict: Verdict,
    suspects: Sequence[Judged],
    signatures: Mapping[str, Signature],
    market: Market,
    row: int,
    days: int,
    *,
    usual: Mapping[str, float],
    spoken: Mapping[str, str],
) -> list[Falsifier]:
    """Return three conditions, by the fifth session after the window.

    Parameters
    ----------
    usual : mapping of narrative to share
        Median daily share of stories before the window; missing outside the documents, where
        all three conditions are on prices.
    """
    by = market.calendar.day(market.offset + row + HORIZON)
    dates = (market.calendar.day(market.offset + row), by)
    first = next((one for one in suspects if one.may_lead), suspects[0])
    legs = _legs(signatures[first.narrative_id], market, row, days)
    share = usual.get(first.narrative_id)
    if verdict == "no adequate suspect":
        found = [] if share is None else [_talk(first.narrative_id, ">=", share, dates)]
        found += [_goes_on(market, row, days, leg, dates, spoken) for leg in legs]
    else:
        found = [_undone(market, row, days, leg, dates, spoken) for leg in legs[:2]]
        found += [] if share is None else [_talk(first.narrative_id, "<=", share, dates)]
        found += [_undone(market, row, days, leg, dates, spoken) for leg in legs[2:]]
    return found[:WANTED]


def _talk(
    narrative_id: str, sign: FalsifierOperator, usual: float, dates: tuple[date, date]
) -> Falsifier:
    """Return the condition that a narrative is told unusually often, or as rarely as before."""
    # A rare narrative is usually at 0 %, and no less than that can be asked of it.
    loud = sign == ">="
    share = max(2.0 * usual, _UNUSUAL_SHARE) if loud else max(usual, _LEAST_SHARE)
    words = (
        f"on average over the {HORIZON} sessions to {say_date(dates[1])},"
        f" {'at least' if loud else 'no more than'} {say_share(share)} of the stories carry"
        f" “{narrative_id}” (median before the move: {say_share(usual)})"
    )
    return Falsifier(
        condition=words,
        series=f"intensity:{narrative_id}",
        by=dates[1],
        statistic="mean",
        operator=sign,
        # As printed: what a reader checks is what is scored.
        value=round(share, 3),
        after=dates[0],
    )


def _legs(signature: Signature, market: Market, row: int, days: int) -> list[str]:
    """Return assets with a close: core legs first, then the predicted, then the largest moves."""
    moves = market.moves(days).iloc[row]
    priced = [
        name
        for name in moves.index
        if name in market.closes.columns
        and not np.isnan(moves[name])
        and market.assets[name].asset_class != "funding"
    ]
    size = {name: abs(float(moves[name])) for name in priced}
    fits = {name: signature.signs.get(name, 0.0) * float(moves[name]) > 0 for name in priced}
    return sorted(
        priced, key=lambda name: (not (fits[name] and size[name] >= 1.0), -size[name], name)
    )


def _undone(
    market: Market,
    row: int,
    days: int,
    leg: str,
    dates: tuple[date, date],
    spoken: Mapping[str, str],
) -> Falsifier:
    """Return the condition that a leg is back where it was before the window."""
    before = float(market.closes[leg].iloc[: row - days + 1].dropna().iloc[-1])
    rose = market.closes[leg].iloc[row] > before
    words = (
        f"{_name(leg, market, spoken)} closes {'below' if rose else 'above'}"
        f" {before:,.2f}, its close before the move, by {say_date(dates[1])}"
    )
    return _close(leg, words, "<" if rose else ">", before, dates)


def _goes_on(
    market: Market,
    row: int,
    days: int,
    leg: str,
    dates: tuple[date, date],
    spoken: Mapping[str, str],
) -> Falsifier:
    """Return the condition that a leg moves two sigma further the way of the window."""
    close = float(market.closes[leg].iloc[row])
    change = float(market.changes[leg].iloc[row - days + 1 : row + 1].sum())
    step = 2.0 * float(market.rate[leg].iloc[row]) * np.sign(change or 1.0)
    asset = market.assets[leg]
    if asset.unit == "yield_pct":
        level = close + step / 100.0
    elif asset.unit in ("spread_bp", "level") or asset.asset_class == "volatility":
        level = close + step
    else:
        level = close * float(np.exp(step))
    words = (
        f"{_name(leg, market, spoken)} closes {'above' if step > 0 else 'below'} {level:,.2f},"
        f" two sigma beyond its {close:,.2f}, by {say_date(dates[1])}"
    )
    return _close(leg, words, ">" if step > 0 else "<", level, dates)


def _close(
    leg: str, words: str, sign: FalsifierOperator, level: float, dates: tuple[date, date]
) -> Falsifier:
    return Falsifier(
        condition=words,
        series=leg,
        by=dates[1],
        statistic="any close",
        operator=sign,
        value=round(level, 2),
        after=dates[0],
    )


def score_falsifier(falsifier: Falsifier, values: pd.Series, *, now: date) -> FalsifierScore | None:
    """Return whether a condition came true: what it would overturn is then overturned.

    Parameters
    ----------
    values : Series
        Closes of the asset, or daily shares of the narrative, by session date; only values
        after ``falsifier.after`` and up to ``falsifier.by`` are looked at.
    now : date
        The last session that is over.

    Returns
    -------
    ``hit``, ``miss``, ``open`` or None
        ``open`` until ``by`` is over, unless a close has met the condition already. None for a
        condition without its numbers, and for one whose days have passed without a value.
    """
    if falsifier.operator is None or falsifier.value is None or falsifier.after is None:
        return None
    after, last = pd.Timestamp(falsifier.after), pd.Timestamp(min(falsifier.by, now))
    seen = values[(values.index > after) & (values.index <= last)].dropna()
    holds = _COMPARE[falsifier.operator]
    over = now >= falsifier.by
    if falsifier.statistic == "any close" and len(seen) and holds(seen, falsifier.value).any():
        return "hit"
    if not over:
        return "open"
    if not len(seen):
        return None
    if falsifier.statistic == "mean":
        return "hit" if holds(float(seen.mean()), falsifier.value) else "miss"
    return "miss"


def _name(leg: str, market: Market, spoken: Mapping[str, str]) -> str:
    return f"{spoken.get(leg, market.assets[leg].name)} ({leg})"
