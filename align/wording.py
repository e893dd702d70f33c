"""Numbers and names as a person reads them."""

from collections.abc import Mapping, Sequence
from datetime import date

from store.records import Move

_HARDLY = 1.0
_NOTABLE = 2.0
_LONGEST_LIST = 4


def say_date(day: date) -> str:
    """Return ``30 January 2026``."""
    return f"{day.day} {day:%B %Y}"


def say_amount(change: float, unit: str, *, signed: bool) -> str:
    """Return a change in words: ``28.5 %``, ``2 bp`` or ``0.6 points``."""
    value = change if signed else abs(change)
    if unit == "return":
        return f"{_number(100 * value, 1, signed=signed)} %"
    if unit == "bp":
        return f"{_number(value, 0, signed=signed)} bp"
    return f"{_number(value, 1, signed=signed)} points"


def say_sigma(size: float) -> str:
    """Return a vol-scaled move in words: ``-7.9 sigma``."""
    return f"{_number(size, 1, signed=True)} sigma"


def say_share(share: float) -> str:
    """Return a share in [0, 1] as ``5.0 %``."""
    return f"{100 * share:.1f} %"


def per_cent(share: float) -> int:
    """Return whole per cent, rounded down: 99.6 % is not all, but 0.29 is 29 % (and not 28.99)."""
    return int(round(share * 100, 6))


def ordinal(share: float) -> str:
    """Return a share in [0, 1] as a rank among a hundred, rounded down: ``89th``."""
    return say_ordinal(per_cent(share))


def say_ordinal(number: int) -> str:
    """Return ``1st``, ``12th``, ``83rd``."""
    ending = (
        "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    )
    return f"{number}{ending}"


def say_list(parts: Sequence[str]) -> str:
    """Join with commas and a last ``and``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def premise(
    moves: Sequence[Move],
    spoken: Mapping[str, str],
    headline: Sequence[str],
    *,
    asked: date,
    start: date,
    end: date,
) -> str:
    """Say in one sentence what moved and what did not; the question comes after it.

    Named are the assets that moved two sigma or more, the largest first, and the headline
    assets whatever they did.
    """
    known = [move for move in moves if move.sigma is not None]
    named = [
        move
        for move in sorted(known, key=lambda move: -abs(move.sigma or 0.0))
        if abs(move.sigma or 0.0) >= _NOTABLE or move.asset_id in headline
    ]
    clauses = []
    for down, verb in ((True, "fell"), (False, "rose")):
        side = [
            move
            for move in named
            if (move.change < 0) == down and abs(move.sigma or 0.0) >= _HARDLY
        ]
        parts = [
            f"{_name(move, spoken)}{f' {verb}' if place == 0 else ''}"
            f" {say_amount(move.change, move.unit, signed=False)} ({say_sigma(move.sigma or 0.0)})"
            for place, move in enumerate(_shortened(side, headline))
        ]
        if parts:
            clauses.append(say_list(parts))
    still = [move for move in named if abs(move.sigma or 0.0) < _HARDLY]
    if still:
        parts = [
            f"{_name(move, spoken)}{' hardly moved' if place == 0 else ''}"
            f" ({say_amount(move.change, move.unit, signed=True)}, {say_sigma(move.sigma or 0.0)})"
            for place, move in enumerate(still)
        ]
        clauses.append(say_list(parts))
    if not any(abs(move.sigma or 0.0) >= _NOTABLE for move in named):
        clauses.append("no asset moved two sigma or more")
    opening = (
        f"On {say_date(end)} " if start == end else f"From {say_date(start)} to {say_date(end)} "
    )
    if asked != end:
        opening = (
            f"{say_date(asked)} is no New York session; the last before it is {say_date(end)}."
            f" {opening}"
        )
    return f"{opening}{'; '.join(clauses)}."


def _number(value: float, digits: int, *, signed: bool) -> str:
    """Return a number with fixed decimals; a zero has no sign."""
    text = f"{value:{'+' if signed else ''}.{digits}f}"
    return text.lstrip("+-") if float(text) == 0 else text


def _shortened(side: Sequence[Move], headline: Sequence[str]) -> list[Move]:
    """Keep the four largest moves and any headline asset."""
    return [
        move
        for place, move in enumerate(side)
        if place < _LONGEST_LIST or move.asset_id in headline
    ]


def _name(move: Move, spoken: Mapping[str, str]) -> str:
    return spoken.get(move.asset_id, move.name)
