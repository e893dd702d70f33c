"""Claims of a change: "plummeted", "fell more than 50 % within 24 hours"."""

from align.claim_tape import Series, Tape
from align.claim_times import Asked, Judgement, Window, no_value, not_stored, verdict_of, windows
from align.wording import say_amount
from store.records import Claim, ClaimFigure, ClaimVerdict


def judge_change(claim: Claim, tape: Tape, asked: Asked) -> Judgement:
    """Judge a change of one series."""
    subject = claim.subjects[0]
    series, proxy = tape.find(subject)
    if series is None:
        return not_stored(subject)
    choices = windows(claim, series, asked)
    if not choices:
        return no_value(subject, asked)
    if claim.span is not None and claim.span.anchor == "recent":
        choices = [_most(claim, series, choices)]
    if claim.value is None:
        found = _without_number(claim, series, choices[0], asked)
    else:
        found = _with_number(claim, series, choices, asked, proxy=proxy)
    return by_proxy(found, series) if proxy else found


def by_proxy(found: Judgement, series: Series) -> Judgement:
    """Say that a fund or an index stood in."""
    said = f"{found.statement.removesuffix('.')} (by proxy: {series.asset.id})."
    return Judgement(found.verdict, said, found.qualifier, found.figures)


def say_change(name: str, series: Series, window: Window) -> str:
    """Return ``gold fell 11.4 % on 30 January 2026 (-7.9 sigma)``."""
    change = series.change(window.start, window.end)
    sigma = series.sigma(window.start, window.end)
    if change == 0:
        return f"{name} did not move {window.said}"
    verb = "rose" if change > 0 else "fell"
    size = "" if sigma is None else f" ({sigma:+.1f} sigma)"
    return f"{name} {verb} {say_amount(change, series.unit, signed=False)} {window.said}{size}"


def figures_of(series: Series, window: Window) -> list[ClaimFigure]:
    """Return change, size and the close that it ends at."""
    sigma = series.sigma(window.start, window.end)
    found = [series.change_figure(window.start, window.end), series.close_figure(window.end)]
    if sigma is not None:
        found.insert(1, series.figure(window.end, sigma, "sigma", "change in sigma"))
    return found


def _most(claim: Claim, series: Series, choices: list[Window]) -> Window:
    """Return the session that went furthest the claimed way."""
    sign = -1.0 if claim.direction == "down" else 1.0
    return max(choices, key=lambda one: sign * series.change(one.start, one.end))


def _without_number(claim: Claim, series: Series, window: Window, asked: Asked) -> Judgement:
    """Judge by sign and size: two sigma for a strong word, the sign for a plain one."""
    rules = asked.rules
    change = series.change(window.start, window.end)
    sigma = series.sigma(window.start, window.end)
    said = _sentence(say_change(claim.subjects[0].name, series, window))
    figures = figures_of(series, window)
    if claim.direction == "flat":
        if sigma is None:
            return Judgement("not checkable", f"{said} Too little history to say if that is flat.",
                             "", figures)  # fmt: skip
        return Judgement(verdict_of(abs(sigma) < rules["plain_sigma"]), said, "", figures)
    sign = -1.0 if claim.direction == "down" else 1.0
    if sign * change <= 0:
        return Judgement("contradicted", said, "", figures)
    if sigma is None:
        return Judgement("supported", said, "size unknown: too little history", figures)
    size = abs(sigma)
    if claim.strong and size < rules["plain_sigma"]:
        return Judgement("contradicted", said, "hardly moved", figures)
    need = rules["strong_sigma"] if claim.strong else rules["plain_sigma"]
    return Judgement("supported", said, "" if size >= need else "weak", figures)


def _with_number(
    claim: Claim, series: Series, choices: list[Window], asked: Asked, *, proxy: bool
) -> Judgement:
    """Judge by the stated size; another window or high to low may say otherwise."""
    first, *others = choices
    measured = _in_unit(claim, series, first, proxy=proxy)
    if measured is None:
        reason = f"the store has no {claim.unit} of {claim.subjects[0].name} on its own scale"
        return Judgement("not checkable", f"Not checked: {reason}.")
    verdict, qualifier = _holds(claim, measured, asked)
    said = say_change(claim.subjects[0].name, series, first)
    figures = figures_of(series, first)
    for window in others:
        value = _in_unit(claim, series, window, proxy=proxy)
        if value is None:
            continue  # a spread that began at zero or below has no percentage
        change = series.change(window.start, window.end)
        said += f"; {say_amount(change, series.unit, signed=True)} {window.said}"
        figures.append(series.change_figure(window.start, window.end))
        if _holds(claim, value, asked)[0] != verdict:
            qualifier = "depends on definition"
    if claim.span is not None and claim.span.unit == "hours":
        within = _high_to_low(claim, series, choices[-1])
        if within is None:
            said += "; highs and lows within the day are not stored"
            qualifier = "depends on definition" if verdict == "contradicted" else qualifier
        else:
            size = say_amount(within.value, claim.unit or "return", signed=True)
            said += f"; {size} from high to low within those days"
            figures.append(within)
            if _holds(claim, within.value, asked)[0] != verdict:
                qualifier = "depends on definition"
    return Judgement(verdict, _sentence(said), qualifier, figures)


def _in_unit(claim: Claim, series: Series, window: Window, *, proxy: bool) -> float | None:
    """Return a change in the unit of the claim, or None where the series has none."""
    if claim.unit == series.unit:
        return series.change(window.start, window.end)
    start, end = series.close(window.start), series.close(window.end)
    if claim.unit == "return":
        return end / start - 1.0 if start > 0 else None
    if claim.unit == "points" and not proxy and series.unit == "return":
        return end - start
    return None


def _holds(claim: Claim, change: float, asked: Asked) -> tuple[ClaimVerdict, str]:
    rules, value = asked.rules, claim.value or 0.0
    signed = -change if claim.direction == "down" else change
    slack = rules["rounding"] if claim.unit == "return" else 1.0
    if claim.comparator == "over":
        return verdict_of(signed >= value * (1.0 - rules["bound_slack"])), ""
    if claim.comparator == "under":
        return verdict_of(0.0 < signed <= value * (1.0 + rules["bound_slack"])), ""
    off = abs(signed - value)
    if off <= max(rules["close_to"] * value, slack):
        return "supported", ""
    near = signed > 0 and off <= max(rules["roughly"] * value, slack)
    return ("supported", "roughly") if near else ("contradicted", "")


def _high_to_low(claim: Claim, series: Series, window: Window) -> ClaimFigure | None:
    """Return the largest move within the days of a window, where highs and lows are stored.

    In the unit of the claim.
    """
    days = series.closes.index[window.start + 1 : window.end + 1]
    part = series.ranges.reindex(days).dropna()
    if len(part) < len(days):
        return None
    high, low, down = float(part["high"].max()), float(part["low"].min()), claim.direction == "down"
    if claim.unit == "return":
        if low <= 0:
            return None
        change = low / high - 1.0 if down else high / low - 1.0
    else:
        size = (high - low) * (100.0 if series.asset.unit == "yield_pct" else 1.0)
        change = -size if down else size
    unit = claim.unit or "return"
    return series.figure(window.end, change, unit, f"high to low from {days[0].date()}")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
