"""Claims of where a series stands: an extreme, a level, a range."""

from datetime import date, timedelta

import numpy as np

from align.claim_moves import by_proxy
from align.claim_tape import Series, Tape
from align.claim_times import (
    Asked,
    Judgement,
    Window,
    back,
    before,
    no_value,
    not_stored,
    place_at,
    resolve,
    say_window,
    target,
    verdict_of,
)
from align.wording import ordinal, say_amount, say_date
from store.records import Claim, ClaimDate, ClaimSpan, ClaimVerdict

_DAYS_A_YEAR = 365.25


def judge_extreme(claim: Claim, tape: Tape, asked: Asked) -> Judgement:
    """Judge "the lowest in two years", "a record high", "new highs", "the lowest since 2022"."""
    at_hand = _last_close(claim, tape, asked)
    if isinstance(at_hand, Judgement):
        return at_hand
    series, proxy, last = at_hand
    stated = (claim.date is not None and claim.date.precision == "day") or claim.weekday is not None
    first = last if stated else max(0, last - asked.rules["recent"] + 1)
    low = claim.direction == "low"
    part = series.closes.iloc[first : last + 1].to_numpy()
    at = first + int(part.argmin() if low else part.argmax())
    found = _extreme(claim, series, at, asked)
    return by_proxy(found, series) if proxy else found


def _extreme(claim: Claim, series: Series, at: int, asked: Asked) -> Judgement:
    low = claim.direction == "low"
    past = series.closes.iloc[:at].to_numpy()
    beyond = np.flatnonzero(past <= series.close(at) if low else past >= series.close(at))
    earlier = int(beyond[-1]) if len(beyond) else None
    name, word = claim.subjects[0].name, "lowest" if low else "highest"
    said = f"{name} closed at {series.close(at):,.2f} on {say_date(series.day(at))}"
    figures = [series.close_figure(at)]
    stored = (series.day(at) - series.day(0)).days / _DAYS_A_YEAR
    if earlier is None:
        reach = stored
        said += f", the {word} of all that is stored, since {say_date(series.day(0))}"
    else:
        reach = (series.day(at) - series.day(earlier)).days / _DAYS_A_YEAR
        said += f", the {word} since {say_date(series.day(earlier))}"
        figures.append(series.close_figure(earlier, f"last close that was as {claim.direction}"))
        said += f" ({series.close(earlier):,.2f})"
    figures.append(series.figure(at, reach, "years", f"{word} in"))
    verdict, qualifier = _reach(claim, series.day(at), reach, earlier is None, asked)
    return Judgement(verdict, f"{said[0].upper()}{said[1:]}.", qualifier, figures)


def _reach(
    claim: Claim, day: date, reach: float, everything: bool, asked: Asked
) -> tuple[ClaimVerdict, str]:
    """Compare how far back an extreme reaches with what the claim says of it.

    Parameters
    ----------
    everything : bool
        Nothing stored lies beyond it, so that it may reach further than can be seen.
    """
    rules = asked.rules
    if claim.span is None and claim.since is None:
        if everything:
            short = reach < rules["record_years"]
            return ("not checkable", "too little history") if short else ("supported", "")
        return "contradicted", ""
    if claim.since is not None:
        first, last = _since(claim.since, asked)
        least = (day - last).days / _DAYS_A_YEAR
        most = (day - first).days / _DAYS_A_YEAR
    else:
        assert claim.span is not None
        wanted = (day - before(day, claim.span.amount, claim.span.unit)).days / _DAYS_A_YEAR
        hedged = rules["span_least_hedged"] if claim.hedges else rules["span_least"]
        least, most = wanted * hedged, wanted * rules["span_most"]
    if reach < least:
        return ("not checkable", "too little history") if everything else ("contradicted", "")
    if reach > most and not claim.at_least:
        return "contradicted", "understates"
    return "supported", "a record of what is stored" if everything else ""


def _since(stated: ClaimDate, asked: Asked) -> tuple[date, date]:
    """Return the first and last day that "since" may mean, a month on either side of a day."""
    day = resolve(stated, asked)
    length = {"year": 366, "month": 31}.get(stated.precision, 1)
    slack = timedelta(days=31)
    return day - slack, day + timedelta(days=length) + slack


def judge_level(claim: Claim, tape: Tape, asked: Asked) -> Judgement:
    """Judge "reserves remain low" and "the yield stands at 4.2 %"."""
    at_hand = _last_close(claim, tape, asked)
    if isinstance(at_hand, Judgement):
        return at_hand
    series, proxy, last = at_hand
    if claim.value is None:
        found = _percentile(claim, series, last, asked)
        return by_proxy(found, series) if proxy else found
    if proxy:
        return Judgement(
            "not checkable",
            f"Not checked: of {claim.subjects[0].name} only {series.asset.id} is stored, on another"
            " scale.",
        )
    return _number(claim, series, last, asked)


def _percentile(claim: Claim, series: Series, last: int, asked: Asked) -> Judgement:
    """Judge "low" and "high" by the share of a window's values that lie below."""
    rules = asked.rules
    low = claim.direction == "low"
    shown, verdicts = [], []
    figures = [series.close_figure(last)]
    for years in (rules["level_years"], rules["level_years_short"]):
        span = ClaimSpan(amount=years, unit="years")
        first = back(series, last, span)
        part = series.closes.iloc[0 if first is None else first : last + 1].to_numpy()
        if len(part) < rules["level_least"]:
            continue
        share = float((part[:-1] < part[-1]).mean())
        start = series.day(0 if first is None else first)
        what = f"percentile of {len(part) - 1} values since {start}"
        if figures[-1].what == what:
            continue
        figures.append(series.figure(last, share, "percentile", what))
        shown.append(f"{ordinal(share)} percentile since {say_date(start)}")
        holds = share <= rules["low_percentile"] if low else share >= rules["high_percentile"]
        verdicts.append(verdict_of(holds))
    name = claim.subjects[0].name
    if not verdicts:
        return Judgement("not checkable", f"Not checked: too little history of {name}.")
    said = f"{name} stood at {_say_level(claim, series, last)} on {say_date(series.day(last))}: "
    qualifier = "depends on the window" if len(set(verdicts)) > 1 else ""
    return Judgement(
        verdicts[0], f"{said[0].upper()}{said[1:]}{', '.join(shown)}.", qualifier, figures
    )


def _number(claim: Claim, series: Series, last: int, asked: Asked) -> Judgement:
    """Judge a stated level by the close, or by any of the recent ones."""
    assert claim.value is not None
    value = claim.value / (claim.subjects[0].dollars or 1.0)
    rules = asked.rules
    slack = rules["yield_close_to"] if claim.unit == "percent" else rules["price_close_to"] * value
    stated = claim.date is not None or claim.weekday is not None
    first = last if stated else max(0, last - rules["recent"] + 1)
    closes = series.closes.iloc[first : last + 1].to_numpy()
    if claim.comparator == "over":
        holds = closes >= value
    elif claim.comparator == "under":
        holds = closes <= value
    else:
        holds = np.abs(closes - value) <= slack
    at = last if holds[-1] or not holds.any() else first + int(np.flatnonzero(holds)[-1])
    name = claim.subjects[0].name
    said = f"{name} stood at {_say_level(claim, series, at)} on {say_date(series.day(at))}"
    figures = [series.close_figure(at)]
    if at != last:
        said += f", and {_say_level(claim, series, last)} on {say_date(series.day(last))}"
        figures.append(series.close_figure(last))
    qualifier = "not on the day" if at != last else ""
    return Judgement(
        verdict_of(bool(holds.any())), f"{said[0].upper()}{said[1:]}.", qualifier, figures
    )


def judge_range(claim: Claim, tape: Tape, asked: Asked) -> Judgement:
    """Judge "consolidating for months": little net change, and no wider than a random walk."""
    at_hand = _last_close(claim, tape, asked)
    if isinstance(at_hand, Judgement):
        return at_hand
    series, proxy, end = at_hand
    subject = claim.subjects[0]
    start = None if claim.span is None else back(series, end, claim.span)
    if start is None or not 0 <= start < end:
        return no_value(subject, asked)
    sigma = series.volatility(start, end)
    part = series.closes.iloc[start : end + 1].to_numpy()
    if sigma is None or series.unit != "return" or part.min() <= 0:
        return no_value(subject, asked)
    change = series.change(start, end)
    width = float(part.max() / part.min() - 1.0)
    net = float(abs(np.log(part[-1] / part[0])))
    rules = asked.rules
    holds = (
        net <= rules["range_net_sigma"] * sigma
        and float(np.log1p(width)) <= rules["range_width_sigma"] * sigma
    )
    said = (
        f"{subject.name} changed {say_amount(change, 'return', signed=True)} in a range of"
        f" {say_amount(width, 'return', signed=False)} {say_window(series, Window(start, end, ''))}"
        f" (sigma of such a window {say_amount(sigma, 'return', signed=False)})"
    )
    found = Judgement(
        verdict_of(holds),
        f"{said[0].upper()}{said[1:]}.",
        "",
        [
            series.change_figure(start, end),
            series.figure(
                end, width, "return", f"highest over lowest close since {series.day(start)}"
            ),
            series.close_figure(end),
        ],
    )
    return by_proxy(found, series) if proxy else found


def _last_close(claim: Claim, tape: Tape, asked: Asked) -> tuple[Series, bool, int] | Judgement:
    """Return the series of a claim, whether by proxy, and the place it ends at; or why not."""
    subject = claim.subjects[0]
    series, proxy = tape.find(subject)
    if series is None:
        return not_stored(subject)
    last = place_at(series, target(claim, asked), asked)
    return no_value(subject, asked) if last is None else (series, proxy, last)


def _say_level(claim: Claim, series: Series, place: int) -> str:
    if claim.subjects[0].dollars is not None:
        return f"${series.close(place) * claim.subjects[0].dollars / 1e9:,.0f} bn"
    unit = {"yield_pct": " %", "spread_bp": " bp"}.get(series.asset.unit, "")
    return f"{series.close(place):,.2f}{unit}"
